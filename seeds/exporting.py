"""Write the roles and permissions of the database as a seed file. If this seed is applied at once, nothing changes."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import yaml

from changes import Document
from database.references import ids_in
from database.wording import name_flaw
from seeds import state
from seeds.schema import escape_pattern, escape_variables
from seeds.seed import UNNAMED, Seed, SeedRole
from seeds.users import ResolvedUser

_DUMPER: Final[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NEVER_FOLDED: Final = 1_000_000


class Export(NamedTuple):
    """The text of a seed file, and notes about what is missing in it.

    The notes are also comments at the top of the text.
    """

    text: str
    notes: list[str]


def export() -> Export:
    """Return all roles and permissions of the database as a seed file.

    If this seed is applied at once, nothing changes. A role or permission is left out if its name is not valid in a
    seed (empty, duplicate, or with a control character). If a permission of a role is left out, the file has no list of
    permissions for this role. Then the seed does not manage the permissions of this role.
    """
    there = state.read(UNNAMED)
    notes = [
        f"{kind} {ascii_only(name)} is left out: its id is not an ObjectId"
        for kind, names in there.invalid_ids.items()
        for name in sorted(names)
    ]
    permissions = _exportable("permission", there.permissions.values(), there, notes)
    protected = set(ids_in(there.protected, "ids"))
    roles = []
    for identifier, name in _exportable("role", there.roles.values(), there, notes).items():
        role: dict[str, Any] = {"name": escape_variables(name)}
        if identifier in protected:
            role["protected"] = True
        allowed = there.permissions_of(identifier)
        if allowed <= permissions.keys():
            role["permissions"] = permission_references(permissions[item] for item in allowed)
        else:
            notes.append(
                f"role {ascii_only(name)}: its permissions are left out, because a seed cannot name all of them"
            )
        roles.append(role)
    document = {"version": 1, "permissions": [escape_variables(name) for name in permissions.values()], "roles": roles}
    text = yaml.dump(document, Dumper=_DUMPER, allow_unicode=True, sort_keys=False, width=_NEVER_FOLDED)
    return Export("".join(f"# {note}\n" for note in notes) + text, notes)


def _exportable(kind: str, documents: Iterable[Document], there: state.State, notes: list[str]) -> dict[Any, str]:
    """Return id → name of the documents whose names can be in a seed, sorted by name.

    Add a note about each document that is left out.
    """
    found = list(documents)
    counts = Counter(document["name"] for document in found if isinstance(document.get("name"), str))
    names = {}
    for document in found:
        name = document.get("name")
        problem = name_problem(name)
        if problem is None and (counts[name] > 1 or name in there.invalid_ids[kind]):
            problem = f"the name {ascii_only(str(name))} is not unique"
        if problem:
            notes.append(f"{kind} {document['_id']} is left out: {problem}")
        else:
            names[document["_id"]] = str(name)
    return dict(sorted(names.items(), key=lambda item: item[1]))


def seed_document(seed: Seed, people: Iterable[ResolvedUser]) -> dict[str, Any]:
    """Return a seed as the content of a seed file.

    Patterns, `extends` and variables are replaced by their values. Only a password stays the name of its variable.
    """
    return {
        "version": 1,
        "seed": escape_variables(seed.name),
        "permissions": [escape_variables(name) for name in seed.permissions],
        "roles": [role_document(role) for role in seed.roles],
        "users": [_user_document(person) for person in people],
    }


def role_document(role: SeedRole) -> dict[str, Any]:
    document: dict[str, Any] = {"name": escape_variables(role.name)}
    if role.renamed_from is not None:
        document["renamed_from"] = escape_variables(role.renamed_from)
    if role.protected is not None:
        document["protected"] = role.protected
    if role.permissions is not None:
        document["permissions"] = permission_references(role.permissions)
    return document


def permission_references(names: Iterable[str]) -> list[str]:
    """Return the names of permissions for the list of a role.

    Stars are escaped, because a star would mean a pattern.
    """
    return [escape_variables(escape_pattern(name)) for name in sorted(names)]


def name_problem(name: object) -> str | None:
    """Return the reason, in ASCII, why a name cannot be in a seed. Return None if the name can be in a seed."""
    if isinstance(name, str):
        return ascii_only(problem) if (problem := name_flaw(name)) else None
    return "its name is not a text"


def ascii_only(text: str) -> str:
    return json.dumps(text)[1:-1].replace('\\"', '"')


def _user_document(person: ResolvedUser) -> dict[str, Any]:
    texts = {"email": person.email, "username": person.username, "name": person.name}
    document: dict[str, Any] = {key: escape_variables(text) for key, text in texts.items() if text is not None}
    if person.password:
        document["password"] = {"env": person.password.value}
    return {**document, "roles": [escape_variables(role) for role in person.roles]}
