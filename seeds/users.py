"""Replace variables in the users of a seed by values of environment variables, and find these users in the database."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bson import ObjectId

from actions.rules import passwords
from changes import Document
from changes.visible_values import readable_text
from database.errors import ConflictError
from database.wording import shown
from models.names import user_flaw
from seeds import state
from seeds.schema import expand, variables
from seeds.seed import SeedUser
from seeds.yaml_tree import Faults, Node

_RESERVED: Final = ("MONGODB_", "CHATCTL_")
_FIELDS: Final = ["email", "username", "rolesIds"]


@dataclass(frozen=True, slots=True)
class ResolvedUser:
    """A user of a seed, with variables replaced by their values.

    `document` is the stored user with this e-mail, or None.
    """

    email: str
    username: str
    name: str | None
    password: Node | None
    roles: tuple[str, ...]
    document: Document | None = None


def resolve(users: Sequence[SeedUser]) -> list[ResolvedUser]:
    """Replace the variables of all users by their values, and find the documents of these users.

    Raises `InvalidInputError` with all variables that are missing or not allowed. Raises `ConflictError` if an e-mail
    or username already belongs to another user.
    """
    if not users:
        return []
    faults = Faults()
    people = [_expanded(user, faults) for user in users]
    _refuse_duplicates(users, people, faults)
    faults.raise_if_any()
    documents = list(state.find("User", _matching_filter(people), _FIELDS))
    found = [_matched(person, documents) for person in people]
    for user, person in zip(users, found, strict=True):
        if person.document is None and user.password:
            _check_password(user.password, person, faults)
    faults.raise_if_any()
    return found


def hashed_password(person: ResolvedUser) -> str | None:
    """Return the hash of the password of a new user. Return None if the seed gives no password."""
    return passwords.bcrypt_hash(os.environ[person.password.value]) if person.password else None


def _expanded(user: SeedUser, faults: Faults) -> ResolvedUser:
    email, username = _value("email", user.email, faults), _value("username", user.username, faults)
    name = _value("name", user.name, faults) if user.name else None
    return ResolvedUser(email.lower(), username, name, user.password, user.roles)


def _value(field: str, node: Node, faults: Faults) -> str:
    """Replace the variables of a text by their values. If that fails, note the faults and return an empty text."""
    names = [name for name in variables(node.value) if name]
    problems = [problem for name in dict.fromkeys(names) if (problem := _unusable(name))]
    text = "" if problems else expand(node.value, {name: os.environ[name] for name in names})
    if not problems and (bad := user_flaw(field, text)):
        problems = [f"{shown(text)} {bad}"]
    for problem in problems:
        faults.add(node, problem)
    return "" if problems else text


def _unusable(variable: str) -> str | None:
    if variable.upper().startswith(_RESERVED):
        return f"the variable {variable} is reserved for chatctl and the database; a seed cannot use it"
    return None if os.environ.get(variable) else f"the variable {variable} is not set"


def _check_password(node: Node, person: ResolvedUser, faults: Faults) -> None:
    problem = _unusable(node.value)
    if problem is None:
        problem = passwords.flaw(os.environ[node.value], [person.email, person.username, person.name])
    if problem:
        faults.add(node, problem)


def _refuse_duplicates(users: Sequence[SeedUser], people: Iterable[ResolvedUser], faults: Faults) -> None:
    """Note faults for duplicate e-mails and usernames. Earlier checks did not know the values of variables."""
    seen: dict[tuple[str, str], Node] = {}
    for user, person in zip(users, people, strict=True):
        for kind, node, value in (
            ("email", user.email, person.email),
            ("username", user.username, person.username),
        ):
            first = seen.setdefault((kind, value), node)
            if value and first is not node:
                faults.add(node, f"two users have the {kind} {shown(value)}, the first at {first.place}")


def _matching_filter(people: Sequence[ResolvedUser]) -> Document:
    emails = [{"email": {"$regex": f"^{re.escape(person.email)}$", "$options": "i"}} for person in people]
    return {"$or": [*emails, {"username": {"$in": [person.username for person in people]}}]}


def _matched(person: ResolvedUser, documents: Iterable[Document]) -> ResolvedUser:
    mine = [document for document in documents if str(document.get("email")).lower() == person.email]
    if len(mine) > 1:
        listed = " and ".join(str(document.get("email")) for document in mine)
        raise ConflictError(
            f"several users have the e-mail {shown(person.email)} (only upper and lower case differ): {listed}",
            "change or delete all but one of them",
        )
    if mine and mine[0].get("username") != person.username:
        raise ConflictError(
            f"the user {shown(person.email)} exists with the username"
            f" {shown(readable_text(mine[0].get('username')))}, not {shown(person.username)}",
            "correct the username or the e-mail in the seed",
        )
    if not mine and (others := [other for other in documents if other.get("username") == person.username]):
        raise ConflictError(
            f"the username {shown(person.username)} belongs to {shown(readable_text(others[0].get('email')))}",
            f"give {shown(person.email)} another username in the seed",
        )
    if mine and not isinstance(mine[0]["_id"], ObjectId):
        raise ConflictError(
            f"the id of the user {shown(person.email)} is not an ObjectId",
            "it cannot be linked to roles: change its e-mail or delete it",
        )
    return replace(person, document=mine[0]) if mine else person
