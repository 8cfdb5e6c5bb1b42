"""The traces of a person in the audit trail and in the data for undos: find these traces, and erase them."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from bson import Binary, ObjectId

from actions import audit, queries
from actions.errors import StillRunningError
from changes import (
    Change,
    Delete,
    Document,
    Draft,
    Insert,
    Update,
    events,
    holds,
)
from changes.trail_entries import ERASED, blanked, replace_words, values_of
from database import connection
from database.own_collections import AUDIT, IMAGES, PROPOSALS
from database.references import forms, joined, referred
from models.links import OWNED

OWNERS: Final = {owned.collection: owned.field for owned in OWNED if owned.parent == "User"}
"""Collection → the field with the id of the user who owns a document."""

IMAGE_FIELDS: Final = ("image", "imageUrl")
"""The fields that contain the URL of an image."""

IDENTIFYING: Final = ("email", "username", "name", "phoneNumber", "address", "providerAccountId")
"""The fields whose values identify a person. The erasure also removes these values from commands and reasons."""
LINKS_THAT_STAY: Final = frozenset({"conversationIds", "seenMessageIds", "seenIds"})
"""The lists of ids that do not identify a person. An undo may restore these lists after the erasure."""
ABOUT_PEOPLE: Final = ("users ", "conversations ", "messages ")
"""The first words of the commands whose arguments may name people."""
EVENT_FIELDS: Final = ("command", "reason", "summary", "erased", "undoable")
"""The fields that are read of an event of the audit trail."""
UNCOMMON_LENGTH: Final = 6
"""An uncommon word has at least this length, and a character that is not a letter.

An uncommon word is probably not an ordinary word or number. So if a name of the person is an uncommon word, it is
removed from the reasons of all events.
"""


class AuditTraces:
    """Find the traces of a person in the audit trail. The whole trail is read twice, so this is slow.

    A document of the person is recognised by its id. A deleted document is recognised by its owner, as recorded in the
    trail. Users who were merged into this user are the same person. `events` are the ids of events about these
    documents or with the person's name. `lost` are the events that can no longer be undone, because their data for the
    undo contain data of the person. `image_urls` are the URLs of images that are removed from the trail.

    Raises `StillRunningError` if one of the `lost` events is still running.
    """

    def __init__(self, owner: Any, label: str, documents: Iterable[Document], *, with_messages: bool) -> None:
        self._trail = connection.database()[AUDIT]
        self._owner = owner
        self._owners = {owner, *_merged_into(owner)}
        self._label = label
        self._collections = set(OWNERS) - (set() if with_messages else {"Message"})
        self._own = set(self._owners)
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
            raise StillRunningError(
                f"event {event} is still running and changes this user", "erase the user after the event has ended"
            )

    def changes(self) -> Iterator[Change]:
        """Yield the changes that remove the traces of the person from the audit trail.

        The parts of events are changed last, because they contain the person's names. After an interruption, the next
        run needs these names to find the remaining traces.
        """
        yield from self._event_changes()
        yield from self._images()
        yield from self._proposals()
        for some in queries.chunks(self._parts):
            for part in self._trail.find({"_id": {"$in": some}}):
                yield from changes_to(AUDIT, part, blanked(part, self._own_ids(part), self._label))

    def _images(self) -> Iterator[Change]:
        """Delete the images of the events in `lost`, which an undo of these events would need.

        If a legal hold keeps an event, only the data of the person are removed from its images. Such an event cannot be
        undone either, but its images still have the earlier values of held documents.
        """
        database = connection.database()
        held = holds.read(database)
        for some in queries.chunks(self.lost):
            kept = held.events(database, {"event": {"$in": some}}) if held else {}
            for image in database[IMAGES].find(
                {"event": {"$in": [one for one in some if one not in kept]}}, {"_id": 1}
            ):
                yield Delete(IMAGES, image)
            for event in kept:
                yield from self._without_own(event)

    def _without_own(self, event: ObjectId) -> Iterator[Change]:
        """Yield the changes that remove the person's documents from the images of an event (the data for its undo)."""
        batches: dict[int, list[Document]] = {}
        for image in connection.database()[IMAGES].find({"event": event}).sort([("batch", 1), ("part", 1)]):
            batches.setdefault(image["batch"], []).append(image)
        for images in batches.values():
            if len(images) < images[0]["parts"]:  # with missing parts, an image cannot be decoded
                yield from (Delete(IMAGES, {"_id": image["_id"]}) for image in images)
                continue
            changes = events.decode_changes(image["data"] for image in images)
            others = list(self._others(changes))
            if others != changes:
                yield from (Delete(IMAGES, {"_id": image["_id"]}) for image in images)
                parts = events.encode_changes(others)
                for number, data in enumerate(parts):
                    place = {"_id": ObjectId(), "parts": len(parts), "part": number}
                    yield Insert(IMAGES, {**images[0], **place, "data": Binary(data)})

    def _others(self, changes: list[Change]) -> Iterator[Change]:
        """From the given changes, yield the changes of documents that do not belong to the person.

        If a change also contains documents of the person, only these documents are left out of the change.
        """
        mine = self._own | self._gone_messages
        mine |= self._sent(one for change in changes if change.collection == "Message" for one in change.ids)
        owners = set(map(referred, self._owners))
        for change in changes:
            owner = OWNERS.get(change.collection) if change.collection in self._collections else None
            if not isinstance(change, Update):
                value = referred(change.document.get(owner)) if owner else None
                if change.ids[0] not in mine and not (isinstance(value, Hashable) and value in owners):
                    yield change
            elif others := tuple(one for one in change.ids if one not in mine):
                yield change if others == change.ids else replace(change, ids=others)

    def _proposals(self) -> Iterator[Change]:
        """Delete the proposals about the person. Without the person's data, nobody could approve them."""
        proposals = connection.database()[PROPOSALS]
        for some in queries.chunks(self._own | self._gone_messages):
            for proposal in proposals.find({"targets": {"$in": some}}, {"_id": 1}):
                yield Delete(PROPOSALS, proposal)
                for other in proposals.find({"proposal": proposal["_id"]}, {"_id": 1}):
                    yield Delete(PROPOSALS, other)

    def _event_changes(self) -> Iterator[Change]:
        """Yield the changes that remove a person's names from the commands and reasons of audit events.

        From events about the person, all names are removed. From the arguments of commands that only read, all names
        are removed too, because the trail does not record whom these commands are about. In all other events, a name of
        the person may also be an ordinary word. So only e-mail addresses are removed from their commands, and only
        uncommon words from their reasons.
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
        """Find the ids of deleted documents whose owner, as recorded in the audit trail, was the person."""
        for part in self._trail.find({"kind": "part", "$or": self._owner_filters()}, {"changes": 1}):
            for entry in filter(self._is_owned, part["changes"]):
                (self._gone_messages if entry["collection"] == "Message" else self._own).update(entry["ids"])

    def _find_parts(self) -> None:
        named_so = {"names.id": {"$in": list(self._owners)}}
        where = [*self._owner_filters(), {"targets": {"$in": list(self._own)}}, named_so]
        # A person may have so many messages that their ids do not fit into a filter. So all changes of messages are
        # read.
        if "Message" in self._collections:
            where.append({"changes.collection": "Message"})
        for part in self._trail.find({"kind": "part", "$or": where}):
            own = self._own_ids(part)
            names = [named["name"] for named in part["names"] if named["id"] in self._owners]
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
        known = [form for owner in self._owners for form in forms(owner)]
        return [{f"changes.fields.{side}": {"$in": known}} for side in ("from", "to")]

    def _is_owned(self, entry: Document) -> bool:
        if entry["collection"] not in self._collections:
            return False
        field = OWNERS[entry["collection"]]
        owners = set(map(referred, self._owners))
        held = (row.get(side) for row in entry["fields"] if row["field"] == field for side in ("from", "to"))
        return any(referred(value) in owners for value in held if isinstance(value, Hashable))

    def _own_ids(self, part: Document) -> set[Any]:
        """Return the ids in a part of an event that belong to documents of the person.

        The trail may not record who has sent a message, so the sender is read from the database.
        """
        ids = {identifier for entry in part["changes"] for identifier in entry["ids"]}
        ids |= {*part["targets"], *(named["id"] for named in part["names"])}
        own = (ids & self._own) | (ids & self._gone_messages)
        written = (i for entry in part["changes"] if entry["collection"] == "Message" for i in entry["ids"])
        return own | self._sent(written)

    def _sent(self, ids: Iterable[Any]) -> set[Any]:
        """From the ids of messages, return the ids of messages that the person has sent.

        If the erasure keeps messages, return an empty set.
        """
        found: set[Any] = set()
        for some in queries.chunks(ids) if "Message" in self._collections else ():
            where = joined({"_id": {"$in": some}}, queries.refers_to("Message", "senderId", self._owner))
            found |= {message["_id"] for message in connection.database()["Message"].find(where, {"_id": 1})}
        return found

    def _collect_names(self, held: Iterable[tuple[str, Any]]) -> None:
        texts = [(field, value) for field, value in held if isinstance(value, str) and self._is_personal(value)]
        self._words |= {value for field, value in texts if field in IDENTIFYING}
        self.image_urls |= dict.fromkeys(value for field, value in texts if field in IMAGE_FIELDS)

    def _is_personal(self, value: str) -> bool:
        return bool(value) and value != ERASED and not value.startswith(self._label)


def _merged_into(user: Any) -> set[Any]:
    """Return the ids of deleted users who were merged into a user, directly or through other merged users."""
    events = connection.database()[AUDIT].find({"kind": "event", "command": {"$regex": "^users merge "}}, ["_id"])
    merges = [_merge_of(event["_id"]) for event in events]
    found: set[Any] = set()
    new = {user} if merges else set()
    while new:
        merged = {one for into, gone in merges if not into.isdisjoint(new) for one in gone} - found
        there = {referred(one["_id"]) for one in queries.find_by_ids("User", merged, ["_id"])}
        new = {one for one in merged if referred(one) not in there}
        found |= new
    return found


def _merge_of(event: ObjectId) -> tuple[set[Any], set[Any]]:
    """Return two sets of ids from the audit event of a merge: the user who stayed, and the merged users."""
    fields = [f"changes.{name}" for name in ("op", "collection", "ids", "fields.field")]
    into, gone = set[Any](), set[Any]()
    for part in connection.database()[AUDIT].find({"kind": "part", "event": event}, fields):
        for entry in (one for one in part["changes"] if one["collection"] == "User"):
            if entry["op"] == "delete":
                gone.update(entry["ids"])
            elif any(row["field"] == "updatedAt" for row in entry["fields"]):
                into.update(entry["ids"])
    return into, gone


def changes_to(collection: str, document: Document, fields: Document) -> list[Change]:
    """Return a list with the change that sets fields of a document. If no field would change, the list is empty."""
    draft = Draft()
    draft.set(collection, document, fields)
    return draft.changes


def _split_command(command: str) -> tuple[str, str]:
    """Divide a command into its first two words and its arguments. Names are removed only from the arguments."""
    words = command.split(" ", 2)
    arguments = words[2] if len(words) > 2 else ""  # noqa: PLR2004 - group and verb
    return command[: len(command) - len(arguments)], arguments
