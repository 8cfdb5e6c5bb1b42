"""Check new names, e-mails and profile texts, and refuse names that already exist."""

from collections.abc import Mapping
from typing import Final

from bson import ObjectId

from actions.errors import BadNameError, NameTakenError
from actions.queries import find_by_emails
from database import connection
from database.listing import PRESENT
from database.wording import name_flaw, shown
from models.names import JOINER, READ_AS, user_flaw

_CALLED: Final = {"name": "name", "phoneNumber": "phone number", "address": "address", "imageUrl": "image URL"}
SAME_NAME: Final = "already has this name"
"""The message for a rename to the name that the item already has."""


def validate(collection: str, names: list[str]) -> None:
    """Check new names of roles, permissions or groups.

    Raise `BadNameError` if a name is not valid, and `NameTakenError` if a name already exists.
    """
    noun = collection.lower()
    for name in names:
        read = (
            JOINER.sub("", name) if collection == "Conversation" else name
        )  # users never type the title of a group, so joining characters are allowed
        if found := name_flaw(read):
            raise BadNameError(f"not a valid {noun} name: {found}")
        for reason, shape in READ_AS:
            if shape.fullmatch(name):
                problem = f"{shown(name)} is not a valid {noun} name: it {reason}"
                raise BadNameError(problem, "choose another name")
    taken = connection.database()[collection].find_one({"name": {"$in": names, **PRESENT}}, {"name": 1})
    if taken:
        raise NameTakenError(f"the {noun} {shown(taken['name'])} already exists", f"see chatctl {noun}s list")


def validate_texts(texts: Mapping[str, str | None]) -> None:
    """Raise `BadNameError` if a text is not valid for its field of a user. An empty text removes the field."""
    for field, text in texts.items():
        if text and (found := user_flaw(field, text)):
            raise BadNameError(f"the {_CALLED[field]} {shown(text)} {found}")


def validate_email(email: str, *, owner: ObjectId | None = None) -> None:
    """Check a new e-mail address.

    Raises `BadNameError` if the address is not valid. Raises `NameTakenError` if another user than `owner` has the same
    address, in upper or lower case.
    """
    if found := user_flaw("email", email):
        raise BadNameError(f"{shown(email)} {found}", "an e-mail address has the form name@domain")
    for user in find_by_emails([email.lower()], ["email"]):
        if user["_id"] != owner:
            hint = f"see chatctl users show id:{user['_id']}"
            raise NameTakenError(f"a user already has the e-mail {shown(user['email'])}", hint)


def validate_username(username: str) -> None:
    """Check a new username.

    Raise `BadNameError` if the username is not valid, or `NameTakenError` if a user already has this username.
    """
    if found := user_flaw("username", username):
        raise BadNameError(f"the username {shown(username)} {found}", "choose another username")
    if connection.database()["User"].find_one({"username": username}, {"_id": 1}):
        raise NameTakenError(f"the user {shown(username)} already exists", f"see chatctl users show {username}")
