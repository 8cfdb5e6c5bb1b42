"""New names: of roles and permissions, and of users."""

from bson import ObjectId

from actions.errors import BadNameError, NameTakenError
from actions.finding import OBJECT_ID, with_emails
from models import connection
from models.names import email_flaw, flaw, shown


def refuse(collection: str, names: list[str]) -> None:
    """Raise `BadNameError` for what is no name, and `NameTakenError` for one that is there already."""
    noun = collection.lower()
    for name in names:
        if found := flaw(name):
            raise BadNameError(f"no {noun} can be called so: {found}")
        if OBJECT_ID.fullmatch(name):
            raise BadNameError(f"no {noun} can be called {name}: 24 hex digits are read as an id")
    taken = connection.database()[collection].find_one({"name": {"$in": names}}, {"name": 1})
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
    if found := flaw(username):
        raise BadNameError(f"no user can be called so: {found}")
    if OBJECT_ID.fullmatch(username) or "@" in username:
        kind = "an e-mail address" if "@" in username else "an id"
        raise BadNameError(f"no user can be called {username}: it would be read as {kind}", "choose another name")
    if connection.database()["User"].find_one({"username": username}, {"_id": 1}):
        raise NameTakenError(f"the user {shown(username)} exists already", f"see chatctl users show {username}")
