"""Rules about the four links between documents, which the application stores on both sides, and about copied ids."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from bson import ObjectId

from actions import queries
from actions.cascading_deletion import MOST_COPIED_IDS
from actions.database.checking.link_balance import LINK_FIELDS, LinkBalance, has_duplicates, packed_ids
from actions.database.checking.rule import Finding, RepairDraft, Rule, Scan, by_collection, by_field, documents
from actions.database.checking.rules.conversations import of_conversations
from changes import ABSENT, Batch, Document
from database import connection
from database.references import existing, referred
from models.links import OTHER_SIDES

MANY_IDS: Final = 1_000
"""From this number of ids on, it is faster to read the ids of a small collection than to look for each of them."""
IDS_IN_A_CHANGE: Final = 20_000
"""The largest number of ids that one change adds to a list, or removes from a list."""


class DuplicateLink(Rule):
    """A list has an id more than once."""

    name = "duplicate-link"
    severity = "W"
    effect = "Counts made from the list are too high. Removing the link removes all duplicates at once."
    reads = LINK_FIELDS
    one_collection = True
    automatic = True

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for field in self.reads[collection]:
            for document in documents:
                if has_duplicates(document, field):
                    yield Finding(collection, document["_id"], field, "an id twice")

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        for collection, faults in by_collection(findings).items():
            for identifier, document in draft.each(collection, faults):
                names = [str(found.field) for found in faults[identifier] if has_duplicates(document, str(found.field))]
                draft.reserve(1)
                draft.set(collection, document, {name: _without_duplicates(document[name]) for name in names})
                yield from draft.finished_batches()


class _LinkRule(Rule):
    """The base class of the two rules about links that only one document lists.

    The other document is missing (`DanglingLink`), or it does not list the first one (`OneSidedLink`).
    """

    reads = LINK_FIELDS
    group_size = 100_000
    automatic = True
    sampled_ids = True
    dangling: bool

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        return self.scan.shared(LinkBalance).suspects(collection, documents, self.scan, dangling=self.dangling)

    def late_suspects(self) -> Iterator[Finding]:
        return self.scan.shared(LinkBalance).late_suspects(dangling=self.dangling)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for (collection, field), some in by_field(suspects).items():
            wanted: Lists = {}
            for found in some:
                wanted[found.id] = found.value | wanted[found.id] if found.id in wanted else found.value
            listed = _listed(collection, field, wanted)
            other, other_field = OTHER_SIDES[collection, field]
            wrong = _dangling(other, listed) if self.dangling else _one_sided(other, other_field, listed)
            yield from (Finding(collection, identifier, field, frozenset(ids)) for identifier, ids in wrong if ids)

    @staticmethod
    def _drop(draft: RepairDraft, findings: Sequence[Finding]) -> Iterator[Batch]:
        for (collection, field), some in by_field(findings).items():
            taken = {found.id: found.value for found in some}
            for identifier, document in draft.each(collection, taken):
                # In the order of the list, ids that follow one another are removed as one slice.
                ids = dict.fromkeys(item for item in packed_ids(document, field) if item in taken[identifier])
                for part in _parts(map(ObjectId, ids)):
                    draft.reserve(1)
                    draft.take(collection, [document], field, part)
                    yield from draft.finished_batches()


Lists = dict[Any, frozenset[bytes]]
"""Id of a document → ids in its list, as bytes."""


def _listed(collection: str, field: str, suspects: Lists) -> Lists:
    """Return those suspected ids that the lists still have. Each list is read once."""
    there = queries.find_by_values(collection, "_id", suspects, [field])
    listed = {one["_id"]: suspects[one["_id"]].intersection(packed_ids(one, field)) for one in there}
    return {identifier: listed[identifier] for identifier in suspects if identifier in listed}


def _dangling(other: str, listed: Lists) -> Iterator[tuple[Any, frozenset[bytes]]]:
    """For each document, yield its id and the listed ids for which no document exists."""
    there = _existing(other, listed.values())
    return ((identifier, ids - there) for identifier, ids in listed.items())


def _existing(collection: str, lists: Collection[frozenset[bytes]]) -> set[bytes]:
    """Return the ids of existing documents that are in one of the lists. The `_id` of a document may have any form.

    If the collection has fewer documents than the lists have ids, all its ids are returned, because this is faster.
    """
    database, number = connection.database(), sum(map(len, lists))
    if number < MANY_IDS or number < database[collection].estimated_document_count():
        ids = existing(database, collection, map(ObjectId, set().union(*lists)))
    else:
        ids = {referred(one["_id"]) for one in database[collection].find({}, ["_id"])}
    return {one.binary for one in ids if isinstance(one, ObjectId)}


def _one_sided(other: str, other_field: str, listed: Lists) -> Iterator[tuple[Any, set[bytes]]]:
    """For each document, yield its id and the listed ids of existing documents that do not list it.

    If the field of such a document is not a list, another rule reports it.
    """
    listing: dict[bytes, list[Any]] = {}
    for identifier, ids in listed.items():
        for item in ids:
            listing.setdefault(item, []).append(identifier)
    unlisted: dict[bytes, list[Any]] = {}
    for one in queries.find_by_ids(other, map(ObjectId, listing), [other_field]):
        item, is_list = referred(one["_id"]).binary, isinstance(one.get(other_field), list | None)
        # If another document has the same id as text, the document with the ObjectId counts.
        if type(one["_id"]) is ObjectId or item not in unlisted:
            back = set(packed_ids(one, other_field))
            unlisted[item] = [one for one in listing[item] if is_list and one.binary not in back]
    wrong: dict[Any, set[bytes]] = {identifier: set() for identifier in listed}
    for item, identifiers in unlisted.items():
        for identifier in identifiers:
            wrong[identifier].add(item)
    return iter(wrong.items())


class DanglingLink(_LinkRule):
    """A list has the id of a document that no longer exists."""

    name = "dangling-link"
    severity = "W"
    effect = "The application silently leaves out the missing document. Counts made from the list are wrong."
    dangling = True

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        yield from self._drop(draft, findings)


class OneSidedLink(_LinkRule):
    """One document lists another document, but the other document does not list the first one."""

    name = "one-sided-link"
    severity = "W"
    effect = "The link exists or not, depending on the side from which the application reads."
    fix = "chatctl db repair --rule {name} (completes the links; with --drop, removes them)"
    dangling = False
    decisions = frozenset({"drop"})

    def change_of(self, found: Finding, decisions: frozenset[str]) -> tuple[str, str, Any]:
        if "drop" in decisions:
            return super().change_of(found, decisions)
        return "update", OTHER_SIDES[found.collection, str(found.field)][0], found.value

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        yield from self._drop(draft, findings) if "drop" in decisions else self._complete(draft, findings)

    @staticmethod
    def _complete(draft: RepairDraft, findings: Sequence[Finding]) -> Iterator[Batch]:
        for (collection, field), some in by_field(findings).items():
            other, other_field = OTHER_SIDES[collection, field]
            missing: dict[Any, list[Any]] = {}
            for found in chain.from_iterable(map(Finding.separate, some)):
                missing.setdefault(found.value, []).append(found.id)
            for identifier, document in draft.each(other, missing):
                for part in _parts(missing[identifier]):
                    draft.reserve(1)
                    draft.add(other, [document], other_field, part)
                    yield from draft.finished_batches()


def _parts(ids: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """Divide ids, so that each change of a list fits into one command."""
    left = iter(ids)
    while part := list(islice(left, IDS_IN_A_CHANGE)):
        yield part


def _without_duplicates(items: list[Any]) -> list[Any]:
    """Return a list in which each id is once. Values that are not ids are kept.

    If the list has the same id as an ObjectId and in another form, like text, the ObjectId is kept.
    """
    right = {item for item in items if type(item) is ObjectId}
    seen: set[Any] = set()
    kept = []
    for item in items:
        identifier = referred(item)
        if type(identifier) is not ObjectId:
            kept.append(item)
        elif identifier not in seen:
            seen.add(identifier)
            kept.append(identifier if identifier in right else item)
    return kept


COPY_FIELDS = {"User": "profileId", "Conversation": "messagesIds"}
"""Collection → its field that has copies of the ids of other documents.

The original references are in these other documents.
"""
COPY_OF = {"Profile": "User", "Message": "Conversation"}
"""Collection whose ids are copied → the collection that stores the copies.

The field with the copies is in `COPY_FIELDS`.
"""
ID_BYTES = 12
"""The number of bytes of an ObjectId."""


class UnsyncedCopy(Rule):
    """`User.profileId` or `Conversation.messagesIds` does not match the profile or the messages.

    An absent field is not a fault. If a user has two profiles, `profileId` may name either of them.
    """

    name = "unsynced-copy"
    severity = "I"
    effect = "None. The application does not read this field."
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
        """Update the balance of each conversation, which is zero if the list `messagesIds` is right.

        The balance is the sum of the hashes of all ids in the list, minus the hashes of the existing messages.
        """
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
    """Read the right ids for the copies in some documents: id of the document → sorted ids, as bytes to save memory."""
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
    """Tell whether the copied ids in a document are wrong.

    Values of a wrong type and very long lists count as right.
    """
    if collection == "Conversation" and isinstance(copy, list):
        ids = sorted(item.binary for item in copy if isinstance(item, ObjectId))
        return max(len(copy), len(expected) // ID_BYTES) < MOST_COPIED_IDS and b"".join(ids) != expected
    return collection == "User" and isinstance(copy, ObjectId) and copy.binary not in _split(expected)


def _as_list(collection: str, expected: bytes) -> Any:
    ids = [ObjectId(one) for one in _split(expected)]
    return ids if collection == "Conversation" else next(iter(ids), ABSENT)
