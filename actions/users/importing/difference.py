"""What a row changes in a user who is there."""

from datetime import datetime
from typing import NamedTuple

from bson import ObjectId

from actions.users.importing.known import Roles
from actions.users.importing.person import Person
from actions.users.status import verified
from models.changes import ABSENT, Document, ids_in
from models.changes.change import same
from models.changes.events import now
from models.user import UserStatus

UNHASHED = "(a hash to be)"
"""Stands for a hash until there is one: to hash takes a quarter of a second."""


class Difference(NamedTuple):
    """New values of the user's own fields and of the profile's, and the roles that come and go."""

    user: Document
    profile: Document
    gained: list[ObjectId]
    lost: list[ObjectId]


def difference(person: Person, user: Document, profile: Document | None, roles: Roles) -> Difference | None:
    """Compare what a row says with what is there; None where nothing differs. A password given is always a new one."""
    since = user.get("emailVerified") if person.emailVerified is True else None
    values: Document = {"name": person.name, "status": person.status, "emailVerified": since or verified_at(person)}
    values |= {"username": person.username, "hashedPassword": UNHASHED if person.password else person.hashedPassword}
    given = {field: value for field, value in values.items() if value is not None}
    if person.emailVerified and person.status is None:
        given |= {field: value for field, value in verified(user).items() if field == "status"}
    held = ids_in(user, "rolesIds")
    wanted = held if person.roles is None else list(roles.of(person.roles))
    found = Difference(
        _new(user, given),
        _new(profile or {}, person.profile),
        [role for role in wanted if role not in held],
        [role for role in dict.fromkeys(held) if role in roles.by_id and role not in wanted],
    )
    return found if any(found) else None


def verified_at(person: Person) -> datetime | None:
    """Return since when the e-mail of somebody new is known to be theirs."""
    return now() if person.emailVerified is True else person.emailVerified


def status_of(person: Person) -> str:
    """Return the status of somebody new."""
    default = UserStatus.EMAIL_VERIFIED if person.emailVerified else UserStatus.ACTIVE
    return person.status or default.value


def _new(document: Document, values: Document) -> Document:
    return {field: value for field, value in values.items() if not same(document.get(field, ABSENT), value)}
