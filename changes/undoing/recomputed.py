"""Compute the values that `updatedAt`, `profileId` and `lastMessageAt` have after an undo.

The application changes these fields by itself, so after an undo their old values may be wrong.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any, Final, TypeAlias

from bson import ObjectId
from pymongo import DESCENDING
from pymongo.database import Database

from changes.change import ABSENT, Change, Delete, Document, Insert, Raise, Set, Update
from changes.events import now
from changes.undoing.present_documents import AT_ONCE, Key
from database.references import joined, reference, referred, referring_to
from models.links import OWNED

UPDATED: Final = "updatedAt"
PROFILE: Final = "profileId"
LAST_MESSAGE: Final = "lastMessageAt"

ChildrenOfParents: TypeAlias = Mapping[Key, list[Insert | Delete]]
"""(collection of children, id of the parent) → the changes that insert or delete children of this parent."""


def children_by_parent(changes: list[Change]) -> ChildrenOfParents:
    """Return (collection of children, id of a parent) → the changes that insert or delete its children."""
    children: dict[Key, list[Insert | Delete]] = {}
    for change, owned in product(changes, OWNED):
        if not isinstance(change, Update) and change.collection == owned.collection:
            parent = reference(change.document, owned.field)
            if parent:
                children.setdefault((owned.collection, parent), []).append(change)
    return children


@dataclass(frozen=True)
class Recomputed:
    """Compute the values of `updatedAt`, `profileId` and `lastMessageAt` after an undo.

    `returning` are the documents that the undo inserts; they count as existing. `orphaned` are the documents that the
    undo leaves out; they count as missing, like deleted documents.
    """

    database: Database[Document]
    children: ChildrenOfParents
    returning: AbstractSet[Key]
    orphaned: AbstractSet[Key]
    now: datetime = field(default_factory=now)

    def value(self, document: Document, name: str, present: object) -> object:
        """Compute the value that a field has after the undo.

        This method is called if the field was changed after the event, or if its old value is the time of a message
        that the undo does not keep.

        Invariant: often changed fields are computed again. Their old values may be wrong now. If an undo failed because
        such a field was changed, almost no undo would be possible.
        """
        if name == UPDATED:
            return self.now
        if name == PROFILE:
            profile = self._last("Profile", "userId", document["_id"], "_id", ObjectId)
            return profile["_id"] if profile else ABSENT
        if name == LAST_MESSAGE:
            return self._last_message_at(document["_id"], present)
        return present

    def loses_last_message(self, conversation: Document, change: Set) -> bool:
        """Tell whether a change would set `lastMessageAt` to the time of a message that the undo does not keep."""
        own = self.children.get(("Message", referred(conversation["_id"])), [])
        if any((one.collection, one.document["_id"]) in self.orphaned for one in own):
            return True
        before, after = change.before, change.after
        if not isinstance(after, datetime) or not isinstance(before, datetime) or after > before:
            return False
        last = self._last_message_at(conversation["_id"], after)
        return isinstance(last, datetime) and last < after

    def _last_message_at(self, conversation: Any, otherwise: object) -> object:
        message = self._last("Message", "conversationId", conversation, "createAt", datetime)
        if message:
            return message["createAt"]
        stored = self.database["Conversation"].find_one({"_id": conversation}, {"created_at": 1}) or {}
        return stored.get("created_at", otherwise)

    def _last(self, collection: str, reference_field: str, parent: Any, by: str, kind: type) -> Document | None:
        """Find the child of a parent with the highest value in the field `by`, as it will be after the undo.

        In broken data, a child can have no such field, or a value of another type. Such a child does not count.
        """
        own = self.children.get((collection, referred(parent)), [])
        gone = [change.document["_id"] for change in own if isinstance(change, Delete)]
        where = joined({"_id": {"$nin": gone}}, referring_to(self.database, collection, reference_field, [parent]))
        stored = self.database[collection].find(where).sort(by, DESCENDING).limit(1)
        coming = [change.document for change in own if (collection, change.document["_id"]) in self.returning]
        found = [document for document in (*stored, *coming) if isinstance(document.get(by), kind)]
        return max(found, key=lambda document: document[by], default=None)


def later_last_messages(database: Database[Document], batches: list[list[Change]]) -> Iterator[list[Change]]:
    """Yield for each batch the changes that move `lastMessageAt` forward to the time of restored messages.

    If a batch already sets the `lastMessageAt` of a conversation, this conversation is left out.
    """
    settled = {identifier for batch in batches for change in batch for identifier in _with_last_message(change)}
    for batch in batches:
        last: dict[Any, datetime] = {}
        for change in batch:
            if isinstance(change, Insert) and change.collection == "Message":
                place, at = reference(change.document, "conversationId"), change.document.get("createAt")
                if place and isinstance(at, datetime) and place not in settled:
                    last[place] = max(at, last.get(place, at))
        yield [
            Update("Conversation", (there["_id"],), {LAST_MESSAGE: Raise(before, last[there["_id"]])})
            for start in range(0, len(last), AT_ONCE)
            for there in database["Conversation"].find({"_id": {"$in": list(last)[start : start + AT_ONCE]}})
            if isinstance(before := there.get(LAST_MESSAGE), datetime) and before < last[there["_id"]]
        ]


def _with_last_message(change: Change) -> tuple[Any, ...]:
    """Return the ids of the conversations whose `lastMessageAt` a change sets."""
    if change.collection != "Conversation" or (isinstance(change, Update) and LAST_MESSAGE not in change.fields):
        return ()
    return change.ids
