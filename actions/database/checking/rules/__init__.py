"""The rules, a class each; one more is found wherever it stands in this folder."""

from importlib import import_module
from pkgutil import iter_modules

from actions.database.checking.rule import SEVERITIES, Rule


def all_rules() -> list[type[Rule]]:
    """Return the rules, those that break the application first."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    found = [kind for kind in _below(Rule) if hasattr(kind, "name")]
    return sorted(found, key=lambda kind: (SEVERITIES.index(kind.severity), kind.name))


def _below(kind: type[Rule]) -> list[type[Rule]]:
    return [one for child in kind.__subclasses__() for one in (child, *_below(child))]
