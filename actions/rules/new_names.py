"""New names: of roles and permissions, of users, and of groups."""

from collections.abc import Mapping
from typing import Final

from bson import ObjectId

from actions.errors import BadNameError, NameTakenError
from actions.queries import find_by_emails
from database import connection
from database.listing import PRESENT
from database.wording import name_flaw, shown
from models.names import READ_AS, user_flaw

_CALLED: Final = {"name": "name", "phoneNumber": "phone number", "address": "address", "imageUrl": "image URL"}


def refuse(collection: str, names: list[str]) -> None:
    """Raise `BadNameError` for what is no name, and `NameTakenError` for one that is there already."""
    noun = collection.lower()
    for name in names:
        if found := name_flaw(name):
            raise BadNameError(f"not a valid {noun} name: {found}")
        for kind, shape in READ_AS:
            if shape.fullmatch(name):
                problem = f"{shown(name)} is not a valid {noun} name: it would be read as {kind}"
                raise BadNameError(problem, "choose another name")
    taken = connection.database()[collection].find_one({"name": {"$in": names, **PRESENT}}, {"name": 1})
    if taken:
        raise NameTakenError(f"the {noun} {shown(taken['name'])} exists already", f"see chatctl {noun}s list")


def refuse_texts(texts: Mapping[str, str | None]) -> None:
    """Raise `BadNameError` for a text that a new user cannot have in its field; an empty text removes the field."""
    for field, text in texts.items():
        if text and (found := user_flaw(field, text)):
            raise BadNameError(f"the {_CALLED[field]} {shown(text)} {found}")


def refuse_email(email: str, *, but: ObjectId | None = None) -> None:
    """Refuse a new e-mail address.

    Raises `BadNameError` for what is none, and `NameTakenError` for one that a user has in any case, `but` excepted.
    """
    if found := user_flaw("email", email):
        raise BadNameError(f"{shown(email)} {found}", "an e-mail address is name@domain")
    for user in find_by_emails([email.lower()], ["email"]):
        if user["_id"] != but:
            hint = f"see chatctl users show id:{user['_id']}"
            raise NameTakenError(f"a user has the e-mail {shown(user['email'])} already", hint)


def refuse_username(username: str) -> None:
    """Raise `BadNameError` for what is no username or reads as something else, and `NameTakenError` for a user's."""
    if found := user_flaw("username", username):
        raise BadNameError(f"the username {shown(username)} {found}", "choose another username")
    if connection.database()["User"].find_one({"username": username}, {"_id": 1}):
        raise NameTakenError(f"the user {shown(username)} exists already", f"see chatctl users show {username}")
