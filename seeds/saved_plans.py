"""Save plans in files. A saved plan is loaded only if it would still make exactly the same changes."""

import hashlib
import json
from dataclasses import replace
from typing import Any, Final

from actions import plan_files
from actions.plan_files import PlanFile, StalePlanError
from database.errors import InvalidInputError
from database.references import ids_in
from database.wording import shown
from seeds.exporting import seed_document
from seeds.planning import Options, Plan, plan
from seeds.reading import parse

MAKE_ONE: Final = "make one: chatctl seeds plan … --to FILE"
STALE: Final = "nothing was changed; make a new plan: chatctl seeds plan … --to FILE"


def dump(made: Plan) -> str:
    """Return a plan as the text of a file. The text has a fingerprint of the database, and no secrets or URLs.

    In e-mails, usernames and names, variables are replaced by their values. A password stays the name of its variable.
    """
    people = [user.spec for user in made.comparison.users]
    document = {
        **plan_files.head(plan_files.SEEDS),
        "fingerprint": _fingerprint(made),
        "options": made.options._asdict(),
        "shipped": made.seed.shipped,
        "seed": seed_document(made.seed, people),
        **made.document(),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def load(file: PlanFile) -> Plan:
    """Plan the seed of a saved plan again.

    Raises `StalePlanError` if the new plan or the database differs from the saved one.
    """
    if not _is_plan(file.document):
        other = file.document["chatctl"] != plan_files.SEEDS
        what = "is not a plan of a seed" if other else "is not a plan saved by chatctl"
        raise InvalidInputError(f"{shown(file.name)} {what}", "use chatctl apply FILE" if other else MAKE_ONE)
    return _check_and_plan(file.document, file.name)


def _check_and_plan(document: dict[str, Any], name: str) -> Plan:
    plan_files.check_database(document)
    seed = parse(json.dumps(document["seed"], ensure_ascii=False).encode(errors="replace"), name)
    made = plan(replace(seed, shipped=document["shipped"]), Options(**document["options"]))
    if _fingerprint(made) != document["fingerprint"] or made.document()["changes"] != document["changes"]:
        raise StalePlanError("The database changed after this plan was made.", STALE)
    return replace(made, replan=lambda: _check_and_plan(document, name))


def _fingerprint(made: Plan) -> str:
    """Return a hash of all data that a plan depends on.

    A plan depends on the documents that the seed names or has created, and on chatctl's records about the seed.
    """
    comparison = made.comparison
    there = comparison.state
    roles = [*(role.document["_id"] for role in comparison.roles if not role.created), *comparison.pruned_roles]
    named = {*comparison.permissions.values(), *comparison.pruned_permissions} & there.permissions.keys()
    people = [user.spec.document for user in comparison.users if user.spec.document]
    relevant = [
        [
            [role, there.roles[role].get("name"), there.permissions_of(role), there.backlinks.get(role, ())]
            for role in roles
        ],
        {permission: there.name(permission) for permission in named},
        [[person["_id"], person["email"], person.get("username"), ids_in(person, "rolesIds")] for person in people],
        [[name, ids_in(record, name)] for record in (there.protected, there.owned) for name in record if name != "_id"],
    ]
    return hashlib.sha256(json.dumps(_plain(relevant)).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Convert a value to types of JSON. Sets and mappings get a fixed order."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return sorted((str(key), str(item)) for key, item in value.items())
    return sorted(map(str, value)) if isinstance(value, (set, frozenset, tuple)) else str(value)


def _is_plan(document: dict[str, Any]) -> bool:
    kinds = {"fingerprint": str, "options": dict, "shipped": bool, "seed": dict, "changes": list}
    return (
        document["chatctl"] == plan_files.SEEDS
        and all(isinstance(document.get(key), kind) for key, kind in kinds.items())
        and document["options"].keys() == set(Options._fields)
        and all(isinstance(value, bool) for value in document["options"].values())
    )
