"""New names: of roles and permissions, of users, and of groups."""

import re
from typing import Final

from bson import ObjectId

from actions.errors import BadNameError, NameTakenError
from actions.finding import with_emails
from models import connection
from models.listing import PRESENT
from models.names import email_flaw, flaw, shown

_READ_AS: Final = {
    "an id": "[0-9a-fA-F]{24}|id:.*",
    "the name behind the colon": "(user)?name:.*",
    "names on standard input": "-",
}
_USER_READ_AS: Final = {**_READ_AS, "an e-mail address": "email:.*|.*@.*"}
"""What a command reads → the shape of what it reads so, which no name may have."""


def refuse(collection: str, names: list[str]) -> None:
    """Raise `BadNameError` for what is no name, and `NameTakenError` for one that is there already."""
    noun = collection.lower()
    for name in names:
        _refuse_text(noun, name, _READ_AS)
    taken = connection.database()[collection].find_one({"name": {"$in": names, **PRESENT}}, {"name": 1})
    if taken:
        raise NameTakenError(f"the {noun} {shown(taken['name'])} exists already", f"see chatctl {noun}s list")


def refuse_email(email: str, *, but: ObjectId | None = None) -> None:
    """Refuse a new e-mail address.

    Raises `BadNameError` for what is none, and `NameTakenError` for one that a user has in any case, `but` excepted.
    """
    if found := email_flaw(email):
        raise BadNameError(found, "an e-mail address is name@domain")
    for user in with_emails([email.lower()], ["email"]):
        if user["_id"] != but:
            hint = f"see chatctl users show id:{user['_id']}"
            raise NameTakenError(f"a user has the e-mail {shown(user['email'])} already", hint)


def refuse_username(username: str) -> None:
    """Raise `BadNameError` for what is no username or reads as something else, and `NameTakenError` for a user's."""
    _refuse_text("user", username, _USER_READ_AS)
    if connection.database()["User"].find_one({"username": username}, {"_id": 1}):
        raise NameTakenError(f"the user {shown(username)} exists already", f"see chatctl users show {username}")


def _refuse_text(noun: str, name: str, shapes: dict[str, str]) -> None:
    if found := flaw(name):
        raise BadNameError(f"no {noun} can be called so: {found}")
    for kind, shape in shapes.items():
        if re.fullmatch(shape, name):
            raise BadNameError(
                f"no {noun} can be called {shown(name)}: it would be read as {kind}", "choose another name"
            )
