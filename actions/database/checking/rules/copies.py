"""Copies of what other documents say, which the application never maintains."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from bson import ObjectId

from actions import finding
from actions.database.checking.known import Known
from actions.database.checking.mending import Mending
from actions.database.checking.rule import Finding, Rule, by_collection, documents
from actions.database.checking.rules.conversations import of_conversations
from actions.message_removal import COPIED
from changes import ABSENT, Batch, Document
from database import connection
from database.references import referred

COPIES = {"User": "profileId", "Conversation": "messagesIds"}
"""Collection → the field that copies."""
COPIED_IN = {"Profile": "User", "Message": "Conversation"}
"""What is copied → where."""
OF_AN_ID = 12
"""Bytes of an id."""


class UnsyncedCopy(Rule):
    """`User.profileId` or `Conversation.messagesIds` differs from what the profile or the messages say.

    One that is not there differs from nothing, and of a user's two profiles either may be named.
    """

    name = "unsynced-copy"
    severity = "I"
    effect = "none: the application does not read it"
    reads = {
        "User": ("profileId",),
        "Conversation": ("messagesIds",),
        "Profile": ("userId",),
        "Message": ("conversationId",),
    }
    at_once = 20_000
    mends = True

    def needs(self, collection: str, chosen: Sequence[str]) -> bool:
        return super().needs(collection, chosen) and (not chosen or COPIED_IN.get(collection, collection) in chosen)

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._named: dict[Any, Any] = {}
        self._left: dict[Any, int] = {}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        if collection == "User":
            self._named |= {one["_id"]: copy for one in documents if (copy := one.get("profileId")) is not None}
        elif collection == "Profile":
            for one in documents:
                if isinstance(user := referred(one.get("userId")), ObjectId) and self._named.get(user) == one["_id"]:
                    del self._named[user]
        else:
            self._settle(collection, documents)
        return iter(())

    def _settle(self, collection: str, documents: Sequence[Document]) -> None:
        """Keep the hashes of the messages that are listed, and take away those of the messages that are there."""
        left = self._left
        if collection == "Conversation":
            for one in documents:
                if isinstance(ids := one.get("messagesIds"), list) and len(ids) < COPIED:
                    left[one["_id"]] = sum(hash(item) for item in ids if isinstance(item, ObjectId))
            return
        for one in documents if left else ():
            if isinstance(place := referred(one.get("conversationId")), ObjectId) and place in left:
                left[place] -= hash(one["_id"])

    def end(self) -> Iterator[Finding]:
        yield from (Finding("User", user, "profileId") for user in self._named)
        for place, left in self._left.items():
            if left or self.known.sampled:
                yield Finding("Conversation", place, "messagesIds")

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for collection, some in by_collection(suspects).items():
            right = _right(collection, list(some))
            there = documents(collection, some, (COPIES[collection],))
            yield from (
                found
                for identifier, document in there.items()
                if _differs(collection, document.get(COPIES[collection]), right[identifier])
                for found in some[identifier]
            )

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        del decided
        for collection, some in by_collection(findings).items():
            field, right = COPIES[collection], _right(collection, list(some))
            for identifier, document in mending.each(collection, some):
                if _differs(collection, document.get(field), right[identifier]):
                    mending.draft.reserve(1)
                    mending.draft.set(collection, document, {field: _copy(collection, right[identifier])})
                    yield from mending.finished_batches()


def _right(collection: str, ids: Sequence[Any]) -> dict[Any, bytes]:
    """Read the ids that the copy of each document should have, in their order, in as little memory as they need."""
    found: dict[Any, bytearray] = {identifier: bytearray() for identifier in ids}
    if collection == "User":
        filters = [finding.referring("Profile", "userId", *part) for part in finding.parts(ids)]
    else:
        filters = [of_conversations(ids)]
    source = "Profile" if collection == "User" else "Message"
    field = "userId" if collection == "User" else "conversationId"
    owners = (connection.database()[source].find(where, [field]) for where in filters)
    for one in chain.from_iterable(owners):
        owner = referred(one[field])
        if isinstance(owner, ObjectId) and owner in found and isinstance(one["_id"], ObjectId):
            found[owner] += one["_id"].binary
    return {identifier: b"".join(sorted(_split(packed))) for identifier, packed in found.items()}


def _split(packed: bytes | bytearray) -> list[bytes]:
    return [bytes(packed[start : start + OF_AN_ID]) for start in range(0, len(packed), OF_AN_ID)]


def _differs(collection: str, copy: Any, right: bytes) -> bool:
    """Tell whether a copy is wrong; one of another type has another fault, and too long a one is not kept."""
    if collection == "Conversation" and isinstance(copy, list):
        ids = sorted(item.binary for item in copy if isinstance(item, ObjectId))
        return max(len(copy), len(right) // OF_AN_ID) < COPIED and b"".join(ids) != right
    return collection == "User" and isinstance(copy, ObjectId) and copy.binary not in _split(right)


def _copy(collection: str, right: bytes) -> Any:
    ids = [ObjectId(one) for one in _split(right)]
    return ids if collection == "Conversation" else next(iter(ids), ABSENT)
