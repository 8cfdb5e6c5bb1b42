"""Save plans in files, and load them again only if they would still make exactly the same changes."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeGuard

from changes import ids_in
from database import connection
from database.errors import ConflictError, InvalidInputError, NotFoundError
from database.wording import shown
from seeds.exporting import seed_document
from seeds.planning import Options, Plan, plan
from seeds.reading import parse

VERSION: Final = 1
MAX_BYTES: Final = 64 * 1024 * 1024


class StalePlanError(ConflictError):
    """The error for a saved plan whose database has changed since, or that was made for another database."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "nothing was changed; make a new plan: chatctl seeds plan … --to FILE")


def dump(made: Plan) -> str:
    """Return the text of a file for a plan. It has a fingerprint of the database, and no secrets or URLs.

    In e-mails, usernames and names, variables are replaced by their values. A password stays the name of its variable.
    """
    people = [user.spec for user in made.comparison.users]
    document = {
        "chatctl": "seeds plan",
        "version": VERSION,
        **_identity(),
        "fingerprint": _fingerprint(made),
        "options": made.options._asdict(),
        "shipped": made.seed.shipped,
        "seed": seed_document(made.seed, people),
        **made.document(),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def load(path: Path) -> Plan:
    """Read a saved plan, and make the plan again. Raises `StalePlanError` if the new plan or the database differs."""
    return _check_and_plan(_read(path), str(path))


def _check_and_plan(document: dict[str, Any], name: str) -> Plan:
    here = _identity()
    if document["database"] != here["database"]:
        raise StalePlanError(
            f"this plan was made for database {shown(document['database'])},"
            f" but the target database is {shown(here['database'])}"
        )
    if document["server"] != here["server"]:
        raise StalePlanError("this plan was made for a database with this name on another server")
    seed = parse(json.dumps(document["seed"], ensure_ascii=False).encode(errors="replace"), name)
    made = plan(replace(seed, shipped=document["shipped"]), Options(**document["options"]))
    if _fingerprint(made) != document["fingerprint"] or made.document()["changes"] != document["changes"]:
        raise StalePlanError("The database changed after this plan was made.")
    return replace(made, replan=lambda: _check_and_plan(document, name))


def _identity() -> dict[str, str]:
    """Return the name of the target database, and a hash instead of the address of its server.

    The embedded server has another port at each start, so `local` is hashed instead of its address.
    """
    target = connection.target()
    where = "local" if target.local else target.host
    return {"database": target.name, "server": hashlib.sha256(where.encode()).hexdigest()[:16]}


def _fingerprint(made: Plan) -> str:
    """Return a hash of all data that a plan depends on.

    These are the documents that the seed names or has created, and chatctl's records about the seed.
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
    """Convert a value to JSON types, with sets and mappings in a fixed order."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return sorted((str(key), str(item)) for key, item in value.items())
    return sorted(map(str, value)) if isinstance(value, (set, frozenset, tuple)) else str(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        document = json.loads(data) if len(data) <= MAX_BYTES else None
    except FileNotFoundError:
        raise NotFoundError(f"file {shown(str(path))} not found") from None
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}") from None
    except (ValueError, RecursionError):
        document = None
    if not _is_plan(document):
        raise InvalidInputError(f"{path} is not a plan saved by chatctl", "make one: chatctl seeds plan … --to FILE")
    if document["version"] != VERSION:
        raise InvalidInputError(f"{path} was saved by another version of chatctl", "make a new plan")
    return document


def _is_plan(document: Any) -> TypeGuard[dict[str, Any]]:
    kinds = {"version": int, "database": str, "server": str, "fingerprint": str, "options": dict, "shipped": bool}
    kinds |= {"seed": dict, "changes": list}
    return (
        isinstance(document, dict)
        and document.get("chatctl") == "seeds plan"
        and all(isinstance(document.get(key), kind) for key, kind in kinds.items())
        and document["options"].keys() == set(Options._fields)
        and all(isinstance(value, bool) for value in document["options"].values())
    )
