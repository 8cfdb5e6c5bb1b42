"""What other people are called where somebody reads of them who need not know who they are."""

from collections.abc import Iterable
from typing import Any

from bson import ObjectId

from actions import finding
from models import connection
from models.changes import Document


def forms(identifier: Any) -> list[Any]:
    """Return an id as it belongs, and as broken data has it: the same digits as text."""
    text = str(identifier)
    return [ObjectId(text), text] if finding.OBJECT_ID.fullmatch(text) else [identifier]


def ids(document: Document, field: str) -> list[str]:
    """Return the ids in a list of a document as text, also those that were stored as such."""
    value = document.get(field)
    return [str(item) for item in value if isinstance(item, (ObjectId, str))] if isinstance(value, list) else []


class People:
    """All but one person, numbered as they come up ("participant 1"), or by their usernames if `named`."""

    def __init__(self, me: Any, *, named: bool) -> None:
        self._me = str(me)
        self._named = named
        self._labels: dict[str, str] = {}

    def meet(self, found: Iterable[str]) -> None:
        """Give those a label who have none yet; as many at once as there are, for their names take a read."""
        new = [person for person in dict.fromkeys(found) if person not in self._labels and person != self._me]
        for person in new:
            self._labels[person] = f"participant {len(self._labels) + 1}"
        if self._named:
            for part in finding.parts(form for person in new for form in forms(person)):
                for user in connection.database()["User"].find({"_id": {"$in": part}}, ["username"]):
                    self._labels[str(user["_id"])] = finding.user_label(user)

    def labels(self, found: Iterable[str]) -> list[str]:
        """Return the labels of people whom `meet` has met, each once, without the one person."""
        return [self._labels[person] for person in dict.fromkeys(found) if person != self._me]
