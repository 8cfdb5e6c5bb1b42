"""What people are called, by the ids that documents refer to them with."""

from collections.abc import Iterable
from typing import Any, Final

from bson import ObjectId

from actions import finding
from changes import Document
from database.ids import id_text
from database.references import referred

HELD: Final = 50_000
"""Names that are kept in memory."""


def ids(document: Document, field: str) -> list[str]:
    """Return the ids in a list of a document as text; they may be stored in any form."""
    value = document.get(field)
    items = map(referred, value) if isinstance(value, list) else ()
    return [str(item) for item in items if isinstance(item, (ObjectId, str))]


class Names:
    """The usernames of people, read many at a time."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def meet(self, found: Iterable[str]) -> None:
        """Read the names of those who are not known yet; nobody is kept that was not met again when there are many."""
        wanted = set(found)
        if len(self._known) > HELD:
            self._known = {person: self._known[person] for person in wanted & self._known.keys()}
        new = wanted - self._known.keys()
        self._known |= dict.fromkeys(new)
        for user in finding.with_id("User", new, ["username"]):
            self._known[id_text(referred(user["_id"]))] = finding.user_label(user)

    def of(self, person: str) -> str | None:
        """Return what somebody is called whom `meet` has met; None for who is gone."""
        return self._known[person]


class People:
    """All but one person, numbered as they come up ("participant 1"), or by their usernames if `named`."""

    def __init__(self, me: Any, *, named: bool) -> None:
        self._me = id_text(referred(me))
        self._names = Names() if named else None
        self._labels: dict[str, str] = {}

    def meet(self, found: Iterable[str]) -> None:
        """Give those a label who have none yet; as many at once as there are, for their names take a read."""
        new = [person for person in dict.fromkeys(found) if person not in self._labels and person != self._me]
        if self._names:
            self._names.meet(new)
        for person in new:
            name = self._names.of(person) if self._names else None
            self._labels[person] = name or f"participant {len(self._labels) + 1}"

    def labels(self, found: Iterable[str]) -> list[str]:
        """Return the labels of people whom `meet` has met, each once, without the one person."""
        return [self._labels[person] for person in dict.fromkeys(found) if person != self._me]
