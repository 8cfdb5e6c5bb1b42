"""Find links that only one document has, and links to missing documents.

The lists of all documents together would need too much memory, so only few of them are kept there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, Final

from bson import ObjectId

from actions import queries
from actions.database.checking.rule import Finding, Scan
from changes import Document, are_ids
from database import connection
from database.references import ids_in
from models.links import LINKS, OTHER_SIDES, Link

IDS_IN_MEMORY: Final = 200_000
"""The most ids of lists that are kept in memory to compare the two sides of links."""
IDS_OF_A_SAMPLE: Final = 20
"""The most ids of each list that are checked if only a sample of the documents is checked."""
DOCUMENTS_TOGETHER: Final = 1_000
"""The number of documents that one query reads by their `_id`."""

BINARY: Final = attrgetter("binary")

LINK_FIELDS: Final = {
    collection: tuple(field for side, field in OTHER_SIDES if side == collection)
    for collection in dict.fromkeys(side for side, _ in OTHER_SIDES)
}


class LinkBalance:
    """Compares both sides of each link, with one number (the balance) for each document on the left side.

    The left side of a link is `Link.collection`. The hashes of all ids in the list of a left document are subtracted
    from its balance. For each right document that lists the left document, the hash of its id is added to the balance.
    If both sides agree, the balance is zero. Only if a balance is not zero, the lists of this document are read again
    and compared.
    """

    def __init__(self) -> None:
        self._balances: dict[Link, dict[bytes, int]] = {link: {} for link in LINKS}
        self._last_documents: Sequence[Document] = ()
        self._last_suspects: list[Finding] = []
        self._late: dict[bool, PackedLinks] = {}

    def suspects(
        self, collection: str, documents: Sequence[Document], scan: Scan, *, dangling: bool
    ) -> Iterator[Finding]:
        """Add the links of documents to the balances, and yield links from the right side to missing documents.

        Each finding has all suspected ids of one list. Several rules pass the same documents to this method, but their
        links are added only once. If only a sample is checked, some ids of each list are always yielded as suspects,
        because other documents were not read.
        """
        if documents is not self._last_documents:
            self._last_documents, self._last_suspects = documents, []
            for link in LINKS:
                if collection == link.collection:
                    self._subtract(link, documents, scan)
                if collection == link.other:
                    self._add_back(link, documents, IDS_OF_A_SAMPLE if scan.sampled else None)
        return iter(self._last_suspects if dangling or scan.sampled else ())

    def late_suspects(self, *, dangling: bool) -> Iterator[Finding]:
        """Yield the suspected links of all documents whose balance is not zero.

        The first call searches for the links, and keeps them for the other rules. With `dangling`, yield the links to
        missing documents. Without it, yield the links that only one of two existing documents has.
        """
        if not self._late:
            self._late = {True: PackedLinks(), False: PackedLinks()}
            for link, balances in self._balances.items():
                for dangles, found in _one_sided(link, balances):
                    self._late[dangles].add(found)
                balances.clear()
        return iter(self._late[dangling])

    def _subtract(self, link: Link, documents: Sequence[Document], scan: Scan) -> None:
        balances = self._balances[link]
        for document in documents:
            ids = set(packed_ids(document, link.field))
            if scan.sampled:
                self._suspect(link.collection, document["_id"], link.field, set(islice(ids, IDS_OF_A_SAMPLE)))
            else:
                balances[document["_id"].binary] = -sum(map(hash, ids))

    def _add_back(self, link: Link, documents: Sequence[Document], limit: int | None) -> None:
        balances = self._balances[link]
        for document in documents:
            number = hash(document["_id"].binary)
            ids = set(packed_ids(document, link.other_field))
            if limit is not None:
                ids = set(islice(ids, limit))
            if missing := ids.difference(balances):
                self._suspect(link.other, document["_id"], link.other_field, missing)
                ids -= missing
            for identifier in ids:
                balances[identifier] += number

    def _suspect(self, collection: str, identifier: Any, field: str, ids: set[bytes]) -> None:
        if ids:
            self._last_suspects.append(Finding(collection, identifier, field, frozenset(ids)))


class PackedLinks:
    """Suspected links, packed as 24 bytes each (the ObjectIds of the document and in its list).

    There may be a million of them.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], bytearray] = defaultdict(bytearray)

    def add(self, found: Finding) -> None:
        identifier = found.id.binary
        self._held[found.collection, str(found.field)] += b"".join(identifier + item for item in found.value)

    def __iter__(self) -> Iterator[Finding]:
        """Yield one finding for each list, also if its links were added in several parts."""
        for (collection, field), held in self._held.items():
            pairs = sorted(bytes(held[start : start + 24]) for start in range(0, len(held), 24))
            for identifier, some in groupby(pairs, lambda pair: pair[:12]):
                yield Finding(collection, ObjectId(identifier), field, frozenset(pair[12:] for pair in some))


class OtherLists:
    """Reads the lists of documents on the right side of a link, and keeps these lists in memory.

    Many left documents may be linked to the same right document, so its list is needed several times.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._kept: dict[bytes, set[bytes] | None] = {}
        self._held = 0

    def read(self, ids: set[bytes]) -> dict[bytes, set[bytes] | None]:
        """Read the lists of some documents: id of a document → the ids in its list, or None for a missing document."""
        if self._held > IDS_IN_MEMORY and any(identifier not in self._kept for identifier in ids):
            self._kept, self._held = {}, 0
        unknown = [identifier for identifier in ids if identifier not in self._kept]
        self._kept |= dict.fromkeys(unknown)
        field = self._link.other_field
        for document in _by_id(self._link.other, unknown, field):
            self._kept[document["_id"].binary] = listed = set(packed_ids(document, field))
            self._held += len(listed)
        self._held += len(unknown)
        return self._kept


def packed_ids(document: Document, field: str) -> Iterator[bytes]:
    """Return the ids in a list of a document as bytes, which are compared faster than ObjectIds.

    Values that are not ids are left out.
    """
    items = document.get(field)
    if not items or type(items) is not list:
        return iter(())
    return map(BINARY, items if are_ids(items) else ids_in(document, field))


def has_duplicates(document: Document, field: str) -> bool:
    """Tell whether a list of a document contains an id more than once."""
    items = document.get(field)
    if not items or type(items) is not list or len(items) == 1:
        return False
    ids = list(packed_ids(document, field))
    return len(set(ids)) < len(ids)


def _one_sided(link: Link, balances: dict[bytes, int]) -> Iterator[tuple[bool, Finding]]:
    """Yield the suspected links of documents with a balance that is not zero, as pairs (dangling, finding).

    `dangling` is True if the other document is missing.
    """
    unbalanced = {identifier: number for identifier, number in balances.items() if number}
    yield from _missing_on_the_right(link, unbalanced)
    wanted = [identifier for identifier, number in unbalanced.items() if number]
    for found in _missing_on_the_left(link, wanted):
        yield False, found


def _missing_on_the_right(link: Link, unbalanced: dict[bytes, int]) -> Iterator[tuple[bool, Finding]]:
    """Yield the links that only the left side has, as pairs (dangling, finding), and correct the balances.

    `dangling` is True if the right document does not exist. If the corrected balance of a left document is still not
    zero, some right documents list it, but it does not list them.
    """
    lists = OtherLists(link)
    for some in _chunks(_by_id(link.collection, unbalanced, link.field), link.field):
        back = lists.read(set().union(*some.values()))
        for identifier, listed in some.items():
            dangling = frozenset(item for item in listed if back[item] is None)
            one_sided = frozenset(
                item for item in listed if (other := back[item]) is not None and identifier not in other
            )
            for dangles, wrong in ((True, dangling), (False, one_sided)):
                unbalanced[identifier] += sum(map(hash, wrong))
                yield dangles, Finding(link.collection, ObjectId(identifier), link.field, wrong)


def _missing_on_the_left(link: Link, unbalanced: Sequence[bytes]) -> Iterator[Finding]:
    """Yield the links that only the right side has.

    This can be slow, because it may read a whole collection.
    """
    for some in _chunks(_by_id(link.collection, unbalanced, link.field), link.field, IDS_IN_MEMORY):
        few = len(some) <= queries.CHUNK_SIZE
        where = queries.refers_to(link.other, link.other_field, *map(ObjectId, some)) if few else {}
        for other in connection.database()[link.other].find(where, [link.other_field]):
            if isinstance(other["_id"], ObjectId):
                listed, item = some.keys() & set(packed_ids(other, link.other_field)), other["_id"].binary
                wrong = frozenset(identifier for identifier in listed if item not in some[identifier])
                yield Finding(link.other, other["_id"], link.other_field, wrong)


def _by_id(collection: str, ids: Iterable[bytes], field: str) -> Iterator[Document]:
    found = iter(ids)
    while part := list(islice(map(ObjectId, found), DOCUMENTS_TOGETHER)):
        yield from connection.database()[collection].find({"_id": {"$in": part}}, [field])


def _chunks(
    documents: Iterator[Document], field: str, limit: int = DOCUMENTS_TOGETHER
) -> Iterator[dict[bytes, set[bytes]]]:
    """Divide documents into groups whose lists have about `limit` ids: id of a document → ids in its list."""
    some: dict[bytes, set[bytes]] = {}
    held = 0
    for document in documents:
        some[document["_id"].binary] = listed = set(packed_ids(document, field))
        held += len(listed) + 1
        if held >= limit:
            yield some
            some, held = {}, 0
    if some:
        yield some
