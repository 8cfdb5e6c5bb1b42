"""What only one side of each link has, found without keeping either."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from bson import ObjectId

from actions import queries
from actions.database.checking.known import Known
from actions.database.checking.rule import Finding
from changes import Document, are_ids, ids_in
from database import connection
from models.links import LINKS, OTHER_SIDES, Link

HELD: Final = 200_000
"""Ids of lists that are kept in memory to compare with."""
FEW: Final = 20
"""Ids of a list that are looked at in a sample: there may be a million in each."""
AT_ONCE: Final = 1_000
"""Documents that are looked up together by their `_id`."""

READ: Final = {
    collection: tuple(field for side, field in OTHER_SIDES if side == collection)
    for collection in dict.fromkeys(side for side, _ in OTHER_SIDES)
}


class Balance:
    """Both sides of each link held against each other by a number for each document on the left.

    The hashes of all that it lists are taken from it, those of all that list it are added: where both sides are the
    same nothing is left, and no list has to be kept. Where something is left its lists are read again.
    """

    def __init__(self) -> None:
        self._left: dict[Link, dict[Any, int]] = {link: {} for link in LINKS}
        self._seen: Sequence[Document] = ()
        self._found: list[Finding] = []
        self._ended: dict[bool, Pairs] = {}

    def look(self, collection: str, documents: Sequence[Document], known: Known, *, gone: bool) -> Iterator[Finding]:
        """Take documents into account, once for all rules, and suspect at once what dangles on the right.

        Of a sample some of each list is suspected, and looked up.
        """
        if documents is not self._seen:
            self._seen, self._found = documents, []
            for link in LINKS:
                if collection == link.collection:
                    self._take(link, documents, known)
                if collection == link.other:
                    self._add(link, documents, FEW if known.sampled else None)
        return iter(self._found if gone or known.sampled else ())

    def end(self, *, gone: bool) -> Iterator[Finding]:
        """Suspect what one side alone has; asked for by several rules, it is found once."""
        if not self._ended:
            self._ended = {True: Pairs(), False: Pairs()}
            for link, left in self._left.items():
                for dangles, found in _alone(link, left):
                    self._ended[dangles].add(found)
                left.clear()
        return iter(self._ended[gone])

    def _take(self, link: Link, documents: Sequence[Document], known: Known) -> None:
        left = self._left[link]
        for document in documents:
            ids = distinct(document, link.field)
            if known.sampled:
                self._suspect(link.collection, document["_id"], link.field, islice(ids, FEW))
            else:
                left[document["_id"]] = -sum(map(hash, ids))

    def _add(self, link: Link, documents: Sequence[Document], most: int | None) -> None:
        left = self._left[link]
        for document in documents:
            number = hash(document["_id"])
            for identifier in islice(distinct(document, link.other_field), most):
                before = left.get(identifier)
                if before is None:
                    self._suspect(link.other, document["_id"], link.other_field, (identifier,))
                else:
                    left[identifier] = before + number

    def _suspect(self, collection: str, identifier: Any, field: str, ids: Iterable[Any]) -> None:
        self._found += (Finding(collection, identifier, field, item) for item in ids)


class Pairs:
    """Findings of one id beside another, in as little memory as they need: there may be a million."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str | None], bytearray] = defaultdict(bytearray)

    def add(self, found: Finding) -> None:
        self._held[found.collection, found.field] += found.id.binary + found.value.binary

    def __iter__(self) -> Iterator[Finding]:
        for (collection, field), held in self._held.items():
            for start in range(0, len(held), 24):
                pair = bytes(held[start : start + 24])
                yield Finding(collection, ObjectId(pair[:12]), field, ObjectId(pair[12:]))


class Lists:
    """What documents on the right list, kept as long as there is room: roles are asked for again and again."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._kept: dict[Any, set[Any] | None] = {}
        self._held = 0

    def read(self, ids: Iterable[Any]) -> dict[Any, set[Any] | None]:
        """Return what some documents list; None for one that is gone."""
        if self._held > HELD and any(identifier not in self._kept for identifier in ids):
            self._kept, self._held = {}, 0
        unknown = [identifier for identifier in ids if identifier not in self._kept]
        self._kept |= dict.fromkeys(unknown)
        field = self._link.other_field
        for document in _by_id(self._link.other, unknown, field):
            self._kept[document["_id"]] = listed = distinct(document, field)
            self._held += len(listed)
        self._held += len(unknown)
        return self._kept


def distinct(document: Document, field: str) -> set[Any]:
    """Return the ids in a list of a document, whatever else is in it."""
    items = document.get(field)
    if not items or type(items) is not list:
        return set()
    return set(items) if are_ids(items) else set(ids_in(document, field))


def is_doubled(document: Document, field: str) -> bool:
    """Tell whether a list of a document holds an id twice."""
    items = document.get(field)
    if not items or type(items) is not list or len(items) == 1:
        return False
    ids = items if are_ids(items) else ids_in(document, field)
    return len(set(ids)) < len(ids)


def _alone(link: Link, left: dict[Any, int]) -> Iterator[tuple[bool, Finding]]:
    """Suspect what one side alone has, and say of each whether the other document is gone."""
    uneven = {identifier: number for identifier, number in left.items() if number}
    yield from _listed_alone(link, uneven)
    wanted = [identifier for identifier, number in uneven.items() if number]
    for found in _listing_alone(link, wanted):
        yield False, found


def _listed_alone(link: Link, uneven: dict[Any, int]) -> Iterator[tuple[bool, Finding]]:
    """Find what documents on the left list and what does not list them, and settle that in what is left over."""
    lists = Lists(link)
    for some in _some(_by_id(link.collection, uneven, link.field), link.field):
        back = lists.read({identifier for listed in some.values() for identifier in listed})
        for identifier, listed in some.items():
            for item in listed:
                other = back[item]
                if other is None or identifier not in other:
                    uneven[identifier] += hash(item)
                    yield other is None, Finding(link.collection, identifier, link.field, item)


def _listing_alone(link: Link, uneven: Sequence[Any]) -> Iterator[Finding]:
    """Suspect what lists documents on the left that do not list it; there is no index over who lists whom."""
    for some in _some(_by_id(link.collection, uneven, link.field), link.field, HELD):
        few = len(some) <= queries.CHUNK_SIZE
        where = queries.refers_to(link.other, link.other_field, *some) if few else {}
        for other in connection.database()[link.other].find(where, [link.other_field]):
            sound = isinstance(other["_id"], ObjectId)
            for identifier in distinct(other, link.other_field) & some.keys() if sound else ():
                if other["_id"] not in some[identifier]:
                    yield Finding(link.other, other["_id"], link.other_field, identifier)


def _by_id(collection: str, ids: Iterable[Any], field: str) -> Iterator[Document]:
    found = iter(ids)
    while part := list(islice(found, AT_ONCE)):
        yield from connection.database()[collection].find({"_id": {"$in": part}}, [field])


def _some(documents: Iterator[Document], field: str, most: int = AT_ONCE) -> Iterator[dict[Any, set[Any]]]:
    """Divide documents by how many ids they list; the lists are given by their ids."""
    some: dict[Any, set[Any]] = {}
    held = 0
    for document in documents:
        some[document["_id"]] = distinct(document, field)
        held += len(some[document["_id"]])
        if held >= most:
            yield some
            some, held = {}, 0
    if some:
        yield some
