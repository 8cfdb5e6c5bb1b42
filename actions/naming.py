"""New names of roles and permissions."""

from actions.errors import BadNameError, NameTakenError
from actions.finding import OBJECT_ID
from models import connection
from models.names import flaw, shown


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
