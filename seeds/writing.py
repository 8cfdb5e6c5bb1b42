"""Names and roles written the way a seed file has them, so that reading gives back what was meant."""

import json
from collections.abc import Iterable
from typing import Any

from database.wording import name_flaw
from seeds.patterns import literal
from seeds.people import Person
from seeds.seed import Seed, SeedRole
from seeds.variables import escape


def seed_document(seed: Seed, people: Iterable[Person]) -> dict[str, Any]:
    """Return a seed as a file would have it, without patterns, `extends` and variables: a password stays a variable."""
    return {
        "version": 1,
        "seed": escape(seed.name),
        "permissions": [escape(name) for name in seed.permissions],
        "roles": [role_document(role) for role in seed.roles],
        "users": [_user_document(person) for person in people],
    }


def role_document(role: SeedRole) -> dict[str, Any]:
    document: dict[str, Any] = {"name": escape(role.name)}
    if role.renamed_from is not None:
        document["renamed_from"] = escape(role.renamed_from)
    if role.protected is not None:
        document["protected"] = role.protected
    if role.permissions is not None:
        document["permissions"] = references(role.permissions)
    return document


def references(names: Iterable[str]) -> list[str]:
    """Write names of permissions as a role has them, where a star would be a pattern."""
    return [escape(literal(name)) for name in sorted(names)]


def unsayable(name: object) -> str | None:
    """Say what keeps a name in a database from standing in a seed, in characters that harm no file."""
    if isinstance(name, str):
        return ascii_only(problem) if (problem := name_flaw(name)) else None
    return "its name is no text"


def ascii_only(text: str) -> str:
    return json.dumps(text)[1:-1].replace('\\"', '"')


def _user_document(person: Person) -> dict[str, Any]:
    texts = {"email": person.email, "username": person.username, "name": person.name}
    document: dict[str, Any] = {key: escape(text) for key, text in texts.items() if text is not None}
    if person.password:
        document["password"] = {"env": person.password.value}
    return {**document, "roles": [escape(role) for role in person.roles]}
