"""The rules of `db check`. Each rule is one class.

To add a rule:

1. Write a subclass of `Rule` (`rule.py` explains each attribute) in any file of this folder, with `name`, `severity`,
   `effect`, `fix` and `reads`, and yield its faults in `suspects`. For a fault of a single user, subclass `UserRule`
   in `users.py`, which needs only `fault`. Set `automatic = True` and write `repair` (in a `UserRule`: `repaired`)
   if only one correction of the fault is right.
2. Add a line to `FAULTS` of `tests/planting.py`. With this line, the tests make the fault, and check the rule and its
   repair. Also add a line to `FAULTS` of `actions/database/generating/faults.py`, for `db generate --broken`.
3. Add the name to `WORDS["RULE"]` in `cli/completion/candidates.py`, in alphabetical order.
4. Run `uv run python docs/generate.py`: it writes the rule into `docs/rules.md`. The new fault also changes what the
   examples in `docs/db.md` print: `CONTRIBUTING.md` says how to rewrite them. Update `tests/cli/test_demo.py` too.
"""

from importlib import import_module
from pkgutil import iter_modules

from actions.database.checking.rule import SEVERITIES, Rule


def all_rules() -> list[type[Rule]]:
    """Return all rules, errors first."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    found = [kind for kind in _below(Rule) if hasattr(kind, "name")]
    return sorted(found, key=lambda kind: (SEVERITIES.index(kind.severity), kind.name))


def _below(kind: type[Rule]) -> list[type[Rule]]:
    return [one for child in kind.__subclasses__() for one in (child, *_below(child))]
