"""The rule about ids that are copied into other documents."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from bson import ObjectId

from actions import queries
from actions.cascading_deletion import MOST_COPIED_IDS
from actions.database.checking.rule import Finding, RepairDraft, Rule, Scan, by_collection, documents
from actions.database.checking.rules.conversations import of_conversations
from changes import ABSENT, Batch, Document
from database import connection
from database.references import referred

COPY_FIELDS = {"User": "profileId", "Conversation": "messagesIds"}
"""Collection → the field that copies."""
COPY_OF = {"Profile": "User", "Message": "Conversation"}
"""What is copied → where."""
ID_BYTES = 12
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
    group_size = 20_000
    automatic = True

    def needs(self, collection: str, selected: Sequence[str]) -> bool:
        return super().needs(collection, selected) and (not selected or COPY_OF.get(collection, collection) in selected)

    def __init__(self, scan: Scan) -> None:
        super().__init__(scan)
        self._unmatched_profiles: dict[Any, Any] = {}
        self._balances: dict[Any, int] = {}

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        if collection == "User":
            self._unmatched_profiles |= {
                one["_id"]: copy for one in documents if (copy := one.get("profileId")) is not None
            }
        elif collection == "Profile":
            for one in documents:
                if (
                    isinstance(user := referred(one.get("userId")), ObjectId)
                    and self._unmatched_profiles.get(user) == one["_id"]
                ):
                    del self._unmatched_profiles[user]
        else:
            self._count_messages(collection, documents)
        return iter(())

    def _count_messages(self, collection: str, documents: Sequence[Document]) -> None:
        """Keep the hashes of the messages that are listed, and take away those of the messages that are there."""
        balances = self._balances
        if collection == "Conversation":
            for one in documents:
                if isinstance(ids := one.get("messagesIds"), list) and len(ids) < MOST_COPIED_IDS:
                    balances[one["_id"]] = sum(hash(item) for item in ids if isinstance(item, ObjectId))
            return
        for one in documents if balances else ():
            if isinstance(place := referred(one.get("conversationId")), ObjectId) and place in balances:
                balances[place] -= hash(one["_id"])

    def late_suspects(self) -> Iterator[Finding]:
        yield from (Finding("User", user, "profileId") for user in self._unmatched_profiles)
        for place, balances in self._balances.items():
            if balances or self.scan.sampled:
                yield Finding("Conversation", place, "messagesIds")

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for collection, some in by_collection(suspects).items():
            expected = _expected(collection, list(some))
            there = documents(collection, some, (COPY_FIELDS[collection],))
            yield from (
                found
                for identifier, document in there.items()
                if _differs(collection, document.get(COPY_FIELDS[collection]), expected[identifier])
                for found in some[identifier]
            )

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        for collection, some in by_collection(findings).items():
            field, expected = COPY_FIELDS[collection], _expected(collection, list(some))
            for identifier, document in draft.each(collection, some):
                if _differs(collection, document.get(field), expected[identifier]):
                    draft.reserve(1)
                    draft.set(collection, document, {field: _as_list(collection, expected[identifier])})
                    yield from draft.finished_batches()


def _expected(collection: str, ids: Sequence[Any]) -> dict[Any, bytes]:
    """Read the ids that the copy of each document should have, in their order, in as little memory as they need."""
    found: dict[Any, bytearray] = {identifier: bytearray() for identifier in ids}
    if collection == "User":
        filters = [queries.refers_to("Profile", "userId", *part) for part in queries.chunks(ids)]
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
    return [bytes(packed[start : start + ID_BYTES]) for start in range(0, len(packed), ID_BYTES)]


def _differs(collection: str, copy: Any, expected: bytes) -> bool:
    """Tell whether a copy is wrong; one of another type has another fault, and too long a one is not kept."""
    if collection == "Conversation" and isinstance(copy, list):
        ids = sorted(item.binary for item in copy if isinstance(item, ObjectId))
        return max(len(copy), len(expected) // ID_BYTES) < MOST_COPIED_IDS and b"".join(ids) != expected
    return collection == "User" and isinstance(copy, ObjectId) and copy.binary not in _split(expected)


def _as_list(collection: str, expected: bytes) -> Any:
    ids = [ObjectId(one) for one in _split(expected)]
    return ids if collection == "Conversation" else next(iter(ids), ABSENT)
