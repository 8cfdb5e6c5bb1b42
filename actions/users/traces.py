"""What the audit trail, and what is kept to undo it with, hold of a person."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from bson import ObjectId

from actions import audit, finding
from actions.errors import StillRunningError
from changes import Change, Delete, Document, Draft
from changes.trail_entries import ERASED, blanked, replace_words, values_of
from database import connection
from database.own_collections import AUDIT, IMAGES
from database.references import forms, joined, referred
from models.links import OWNED

OWNERS: Final = {owned.collection: owned.field for owned in OWNED if owned.parent == "User"}
"""Collection → the field that says whose a document is."""

IDENTIFYING: Final = ("email", "username", "name", "phoneNumber", "address", "providerAccountId")
"""Fields that tell who somebody is, also in a text."""

PICTURES: Final = ("image", "imageUrl")
"""Fields with the address of what lies elsewhere."""

LINKS_THAT_STAY: Final = frozenset({"conversationIds", "seenMessageIds", "seenIds"})
"""An undo may put these back: they say nothing of a person."""

ABOUT_PEOPLE: Final = ("users ", "conversations ", "messages ")
"""How commands begin whose arguments are people."""


HEAD: Final = ("command", "reason", "summary", "erased", "undoable")
"""What is read of an event."""

UNCOMMON: Final = 6
"""Characters, letters alone not among them, that make a name that is hardly a word or a number of something else."""


class Traces:
    """What there is of a person in the trail, found in two passes over all of it; it is rare, and has to be complete.

    Documents that are the person's own are known by their ids, those that are gone by the owner whom the trail has
    for them. `events` are those with such a document or the person's name in them; `lost` can no longer be undone,
    since they hold more of a person than links. `pictures` are the addresses of images in what is blanked.

    Raises `StillRunningError` where such an event goes on.
    """

    def __init__(self, owner: Any, label: str, documents: Iterable[Document], *, with_messages: bool) -> None:
        self._trail = connection.database()[AUDIT]
        self._owner = owner
        self._label = label
        self._collections = set(OWNERS) - (set() if with_messages else {"Message"})
        self._own = {owner}
        self._gone_messages: set[Any] = set()
        self._words: set[str] = set()
        self._parts: list[ObjectId] = []
        self.events: set[ObjectId] = set()
        self.lost: set[ObjectId] = set()
        self.pictures: dict[str, None] = {}
        for document in documents:
            self._own.add(document["_id"])
            self._learn(document.items())
        self._find_owned()
        self._find_parts()
        if event := next(audit.running(self.lost), None):
            raise StillRunningError(f"event {event} changes this user and goes on", "erase them when it has ended")

    def changes(self) -> Iterator[Change]:
        """Blank the texts of events first: the names to look for are in the parts, as long as those are not blanked."""
        yield from self._heads()
        for some in finding.parts(self.lost):
            for image in connection.database()[IMAGES].find({"event": {"$in": some}}, {"_id": 1}):
                yield Delete(IMAGES, image)
        for some in finding.parts(self._parts):
            for part in self._trail.find({"_id": {"$in": some}}):
                yield from setting(AUDIT, part, blanked(part, self._own_in(part), self._label))

    def _heads(self) -> Iterator[Change]:
        """Take a person's names out of commands and reasons.

        All go from what concerns the person, and from the arguments of what only read about people: no part says
        about whom. Elsewhere a name may be that of something else: there an e-mail address goes, and from reasons what
        is no common word.
        """
        emails = {word for word in self._words if "@" in word}
        uncommon = {word for word in self._words if len(word) >= UNCOMMON and not word.isalpha()}
        for head in self._trail.find({"kind": "event"}, HEAD):
            concerned = head["_id"] in self.events
            read = not head.get("summary") and head["command"].startswith(ABOUT_PEOPLE)
            verb, arguments = _divided(head["command"])
            words = self._words if concerned or read else emails
            new: Document = {"command": verb + replace_words(arguments, words, self._label)}
            concerned = concerned or (read and new["command"] != head["command"])
            if "reason" in head:
                new["reason"] = replace_words(head["reason"], self._words if concerned else uncommon, self._label)
            if head["_id"] in self.lost and head.get("undoable"):
                new["erased"] = True
            yield from setting(AUDIT, head, new)

    def _find_owned(self) -> None:
        """Find the documents that the trail says were the person's, and are no longer there."""
        for part in self._trail.find({"kind": "part", "$or": self._mentions()}, {"changes": 1}):
            for entry in filter(self._is_owned, part["changes"]):
                (self._gone_messages if entry["collection"] == "Message" else self._own).update(entry["ids"])

    def _find_parts(self) -> None:
        where = [*self._mentions(), {"targets": {"$in": list(self._own)}}, {"names.id": self._owner}]
        if "Message" in self._collections:  # there may be too many to ask for each
            where.append({"changes.collection": "Message"})
        for part in self._trail.find({"kind": "part", "$or": where}):
            own = self._own_in(part)
            names = [named["name"] for named in part["names"] if named["id"] == self._owner]
            if not own and not names and not any(map(self._is_owned, part["changes"])):
                continue
            self.events.add(part["event"])
            held = list(values_of(part, own))
            self._learn([*held, *(("name", name) for name in names)])
            if any(field not in LINKS_THAT_STAY for field, _ in held):
                self.lost.add(part["event"])
            if blanked(part, own, self._label) != {"changes": part["changes"], "names": part["names"]}:
                self._parts.append(part["_id"])

    def _mentions(self) -> list[Document]:
        return [{f"changes.fields.{side}": {"$in": forms(self._owner)}} for side in ("from", "to")]

    def _is_owned(self, entry: Document) -> bool:
        if entry["collection"] not in self._collections:
            return False
        field = OWNERS[entry["collection"]]
        owner = referred(self._owner)
        held = (row.get(side) for row in entry["fields"] if row["field"] == field for side in ("from", "to"))
        return any(referred(value) == owner for value in held)

    def _own_in(self, part: Document) -> set[Any]:
        """Return which documents of a part are the person's own; messages that are there are looked up."""
        ids = {identifier for entry in part["changes"] for identifier in entry["ids"]}
        ids |= {*part["targets"], *(named["id"] for named in part["names"])}
        own = (ids & self._own) | (ids & self._gone_messages)
        if "Message" in self._collections:
            messages = connection.database()["Message"]
            written = [i for entry in part["changes"] if entry["collection"] == "Message" for i in entry["ids"]]
            for some in finding.parts(written):
                where = joined({"_id": {"$in": some}}, finding.referring("Message", "senderId", self._owner))
                own |= {message["_id"] for message in messages.find(where, {"_id": 1})}
        return own

    def _learn(self, held: Iterable[tuple[str, Any]]) -> None:
        texts = [(field, value) for field, value in held if isinstance(value, str) and self._is_news(value)]
        self._words |= {value for field, value in texts if field in IDENTIFYING}
        self.pictures |= dict.fromkeys(value for field, value in texts if field in PICTURES)

    def _is_news(self, value: str) -> bool:
        return bool(value) and value != ERASED and not value.startswith(self._label)


def setting(collection: str, document: Document, fields: Document) -> list[Change]:
    """Return the change that gives fields of a document new values, or none where they have them."""
    draft = Draft()
    draft.set(collection, document, fields)
    return draft.changes


def _divided(command: str) -> tuple[str, str]:
    """Divide a command into what is done and to what: a person may be called like the one."""
    words = command.split(" ", 2)
    arguments = words[2] if len(words) > 2 else ""  # noqa: PLR2004 - group and verb
    return command[: len(command) - len(arguments)], arguments
