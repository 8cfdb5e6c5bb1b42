"""The personal data of a user in the audit trail and in the images that an undo needs."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from bson import ObjectId

from actions import audit, queries
from actions.errors import StillRunningError
from changes import Change, Delete, Document, Draft
from changes.trail_entries import ERASED, blanked, replace_words, values_of
from database import connection
from database.own_collections import AUDIT, IMAGES
from database.references import forms, joined, referred
from models.links import OWNED

OWNERS: Final = {owned.collection: owned.field for owned in OWNED if owned.parent == "User"}
"""Collection → the field that names the owner of a document."""

IDENTIFYING: Final = ("email", "username", "name", "phoneNumber", "address", "providerAccountId")
"""Fields that identify a person, also inside a text."""

IMAGE_FIELDS: Final = ("image", "imageUrl")
"""Fields with the URL of an image."""

LINKS_THAT_STAY: Final = frozenset({"conversationIds", "seenMessageIds", "seenIds"})
"""An undo may restore these: they hold nothing about a person."""

ABOUT_PEOPLE: Final = ("users ", "conversations ", "messages ")
"""The beginnings of commands whose arguments are people."""


EVENT_FIELDS: Final = ("command", "reason", "summary", "erased", "undoable")
"""The fields that are read of an event."""

UNCOMMON_LENGTH: Final = 6
"""The shortest length of a name that is hardly a common word or number; it must not be letters only."""


class AuditTraces:
    """The traces of a person in the audit trail, found in two passes over all of it: slow, but rare and complete.

    The person's documents are known by their ids; deleted documents by the owner that the trail recorded. `events` are
    the events with such a document or the person's name; `lost` are those that can no longer be undone, because they
    hold more about a person than links. `image_urls` are the URLs of images in the blanked values.

    Raises `StillRunningError` if such an event is still running.
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
        self.image_urls: dict[str, None] = {}
        for document in documents:
            self._own.add(document["_id"])
            self._collect_names(document.items())
        self._find_deleted_documents()
        self._find_parts()
        if event := next(audit.running(self.lost), None):
            raise StillRunningError(f"event {event} changes this user and goes on", "erase them when it has ended")

    def changes(self) -> Iterator[Change]:
        """Yield the changes that blank the traces; events first, because their parts hold the names to search for."""
        yield from self._event_changes()
        for some in queries.chunks(self.lost):
            for image in connection.database()[IMAGES].find({"event": {"$in": some}}, {"_id": 1}):
                yield Delete(IMAGES, image)
        for some in queries.chunks(self._parts):
            for part in self._trail.find({"_id": {"$in": some}}):
                yield from changes_to(AUDIT, part, blanked(part, self._own_ids(part), self._label))

    def _event_changes(self) -> Iterator[Change]:
        """Remove a person's names from commands and reasons.

        All names are removed from events about the person, and from the arguments of events that only read: no part
        says about whom. In other events a name may mean something else: only e-mail addresses are removed there, and
        from reasons also uncommon words.
        """
        emails = {word for word in self._words if "@" in word}
        uncommon = {word for word in self._words if len(word) >= UNCOMMON_LENGTH and not word.isalpha()}
        for event in self._trail.find({"kind": "event"}, EVENT_FIELDS):
            concerned = event["_id"] in self.events
            command = event["command"] if isinstance(event.get("command"), str) else ""
            read = not event.get("summary") and command.startswith(ABOUT_PEOPLE)
            verb, arguments = _split_command(command)
            words = self._words if concerned or read else emails
            new: Document = {"command": verb + replace_words(arguments, words, self._label)} if command else {}
            concerned = concerned or (read and new["command"] != command)
            if isinstance(event.get("reason"), str):
                new["reason"] = replace_words(event["reason"], self._words if concerned else uncommon, self._label)
            if event["_id"] in self.lost and event.get("undoable"):
                new["erased"] = True
            yield from changes_to(AUDIT, event, new)

    def _find_deleted_documents(self) -> None:
        """Find the ids of deleted documents that the trail records as the person's."""
        for part in self._trail.find({"kind": "part", "$or": self._owner_filters()}, {"changes": 1}):
            for entry in filter(self._is_owned, part["changes"]):
                (self._gone_messages if entry["collection"] == "Message" else self._own).update(entry["ids"])

    def _find_parts(self) -> None:
        where = [*self._owner_filters(), {"targets": {"$in": list(self._own)}}, {"names.id": self._owner}]
        if "Message" in self._collections:  # there may be too many to ask for each
            where.append({"changes.collection": "Message"})
        for part in self._trail.find({"kind": "part", "$or": where}):
            own = self._own_ids(part)
            names = [named["name"] for named in part["names"] if named["id"] == self._owner]
            if not own and not names and not any(map(self._is_owned, part["changes"])):
                continue
            self.events.add(part["event"])
            held = list(values_of(part, own))
            self._collect_names([*held, *(("name", name) for name in names)])
            if any(field not in LINKS_THAT_STAY for field, _ in held):
                self.lost.add(part["event"])
            if blanked(part, own, self._label) != {"changes": part["changes"], "names": part["names"]}:
                self._parts.append(part["_id"])

    def _owner_filters(self) -> list[Document]:
        return [{f"changes.fields.{side}": {"$in": forms(self._owner)}} for side in ("from", "to")]

    def _is_owned(self, entry: Document) -> bool:
        if entry["collection"] not in self._collections:
            return False
        field = OWNERS[entry["collection"]]
        owner = referred(self._owner)
        held = (row.get(side) for row in entry["fields"] if row["field"] == field for side in ("from", "to"))
        return any(referred(value) == owner for value in held)

    def _own_ids(self, part: Document) -> set[Any]:
        """Return the ids in a part that are the person's documents; existing messages are looked up."""
        ids = {identifier for entry in part["changes"] for identifier in entry["ids"]}
        ids |= {*part["targets"], *(named["id"] for named in part["names"])}
        own = (ids & self._own) | (ids & self._gone_messages)
        if "Message" in self._collections:
            messages = connection.database()["Message"]
            written = [i for entry in part["changes"] if entry["collection"] == "Message" for i in entry["ids"]]
            for some in queries.chunks(written):
                where = joined({"_id": {"$in": some}}, queries.refers_to("Message", "senderId", self._owner))
                own |= {message["_id"] for message in messages.find(where, {"_id": 1})}
        return own

    def _collect_names(self, held: Iterable[tuple[str, Any]]) -> None:
        texts = [(field, value) for field, value in held if isinstance(value, str) and self._is_personal(value)]
        self._words |= {value for field, value in texts if field in IDENTIFYING}
        self.image_urls |= dict.fromkeys(value for field, value in texts if field in IMAGE_FIELDS)

    def _is_personal(self, value: str) -> bool:
        return bool(value) and value != ERASED and not value.startswith(self._label)


def changes_to(collection: str, document: Document, fields: Document) -> list[Change]:
    """Return the change that sets fields of a document, or none if they have these values."""
    draft = Draft()
    draft.set(collection, document, fields)
    return draft.changes


def _split_command(command: str) -> tuple[str, str]:
    """Divide a command into group and verb, and arguments: a person may have the name of a verb."""
    words = command.split(" ", 2)
    arguments = words[2] if len(words) > 2 else ""  # noqa: PLR2004 - group and verb
    return command[: len(command) - len(arguments)], arguments
