"""The four links between documents, which the application never cleans and reads from either side."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.checking.known import Known
from actions.checking.rule import Finding, Rule, documents
from models import connection
from models.changes import Document, Draft, ids_in
from models.links import LINKS, OTHER_SIDES, Link

HELD: Final = 500_000
"""Ids of lists that are kept in memory to compare with."""
LISTED: Final = 5_000
"""Ids that are looked up together."""

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
        self._left: dict[Link, dict[Any, int]] = {link: defaultdict(int) for link in LINKS}
        self._seen: Sequence[Document] = ()
        self._found: dict[str, list[Finding]] = {}
        self._ended: dict[str, Pairs] | None = None

    def look(self, collection: str, documents: Sequence[Document], known: Known, rule: str) -> list[Finding]:
        """Take documents into account, once for all rules, and give what a rule suspects of them already."""
        if documents is not self._seen:
            self._seen, self._found = documents, {"duplicate-link": [], "dangling-link": [], "one-sided-link": []}
            for link in LINKS:
                if collection == link.collection:
                    self._take(link, documents, known)
                if collection == link.other:
                    self._add(link, documents, known)
        return self._found[rule]

    def end(self, rule: str) -> Iterator[Finding]:
        """Suspect what one side alone has; asked for by several rules, it is found once."""
        if self._ended is None:
            self._ended = {"duplicate-link": Pairs(), "dangling-link": Pairs(), "one-sided-link": Pairs()}
            for link, left in self._left.items():
                uneven = {identifier: number for identifier, number in left.items() if number}
                left.clear()
                for name, found in _alone(link, uneven):
                    self._ended[name].add(found)
        return iter(self._ended[rule])

    def _take(self, link: Link, documents: Sequence[Document], known: Known) -> None:
        left = self._left[link]
        for document in documents:
            ids = self._distinct(link.collection, link.field, document)
            if known.sampled:
                self._suspect(link.collection, document["_id"], link.field, ids)
            elif ids:
                left[document["_id"]] -= sum(map(hash, ids))

    def _add(self, link: Link, documents: Sequence[Document], known: Known) -> None:
        left = self._left[link]
        for document in documents:
            ids = self._distinct(link.other, link.other_field, document)
            if known.sampled:
                self._suspect(link.other, document["_id"], link.other_field, ids)
                continue
            number = hash(document["_id"])
            for identifier in ids:
                if known.lacks(link.collection, identifier):
                    self._suspect(link.other, document["_id"], link.other_field, (identifier,))
                else:
                    left[identifier] += number

    def _distinct(self, collection: str, field: str, document: Document) -> set[Any]:
        items = document.get(field)
        if not items or not isinstance(items, list):
            return set()
        ids = items if set(map(type, items)) == {ObjectId} else ids_in(document, field)
        distinct = set(ids)
        if len(distinct) != len(ids):
            self._found["duplicate-link"].append(Finding(collection, document["_id"], field, "an id twice"))
        return distinct

    def _suspect(self, collection: str, identifier: Any, field: str, ids: Any) -> None:
        for item in ids:
            self._found["dangling-link"].append(Finding(collection, identifier, field, item))
            self._found["one-sided-link"].append(Finding(collection, identifier, field, item))


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


def _alone(link: Link, uneven: dict[Any, int]) -> Iterator[tuple[str, Finding]]:
    yield from _listed_alone(link, uneven)
    for found in _listing_alone(link, [identifier for identifier, number in uneven.items() if number]):
        yield "one-sided-link", found


def _listed_alone(link: Link, uneven: dict[Any, int]) -> Iterator[tuple[str, Finding]]:
    """Find what documents on the left list and what does not list them, and settle that in what is left over."""
    others = connection.database()[link.other]
    for some in finding.parts(uneven):
        for document in finding.having(link.collection, "_id", some, [link.field]):
            identifier = document["_id"]
            ids = list(dict.fromkeys(ids_in(document, link.field)))
            for part in (ids[start : start + LISTED] for start in range(0, len(ids), LISTED)):
                among = {"_id": {"$in": part}}
                back = {other["_id"] for other in others.find(among | {link.other_field: identifier}, ["_id"])}
                alone = [item for item in part if item not in back]
                there = {other["_id"] for other in others.find({"_id": {"$in": alone}}, ["_id"])} if alone else ()
                for item in alone:
                    uneven[identifier] += hash(item)
                    rule = "one-sided-link" if item in there else "dangling-link"
                    yield rule, Finding(link.collection, identifier, link.field, item)


def _listing_alone(link: Link, uneven: Sequence[Any]) -> Iterator[Finding]:
    """Suspect what lists documents on the left that do not list it."""
    lists: dict[Any, set[Any]] = {}
    held = 0
    for document in chain(finding.having(link.collection, "_id", uneven, [link.field]), [None]):
        if lists and (document is None or held > HELD):
            for part in finding.parts(lists):
                for other in finding.having(link.other, link.other_field, part, [link.other_field]):
                    for identifier in set(ids_in(other, link.other_field)).intersection(part):
                        if other["_id"] not in lists[identifier]:
                            yield Finding(link.other, other["_id"], link.other_field, identifier)
            lists, held = {}, 0
        if document is not None:
            lists[document["_id"]] = set(ids_in(document, link.field))
            held += len(lists[document["_id"]])


class _Link(Rule):
    reads = READ
    mends = True

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        return iter(self.known.shared(Balance).look(collection, documents, self.known, self.name))


class _Half(_Link):
    """What only one side of a link has; whether the other document is there makes the difference."""

    gone: bool

    def end(self) -> Iterator[Finding]:
        return self.known.shared(Balance).end(self.name)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for (collection, field), some in _by_field(suspects).items():
            yield from self._still(collection, field, some)

    def _still(self, collection: str, field: str, suspects: Sequence[Finding]) -> Iterator[Finding]:
        other, other_field = OTHER_SIDES[collection, field]
        there = documents(collection, {found.id for found in suspects}, [field])
        others = documents(other, {found.value for found in suspects}, [other_field])
        lists = {identifier: set(ids_in(document, field)) for identifier, document in there.items()}
        back = {identifier: set(ids_in(document, other_field)) for identifier, document in others.items()}
        for found in suspects:
            if found.value in lists.get(found.id, ()):
                alone = found.value not in back if self.gone else found.id not in back.get(found.value, {found.id})
                if alone:
                    yield found

    @staticmethod
    def _drop(draft: Draft, findings: Sequence[Finding]) -> None:
        for (collection, field), some in _by_field(findings).items():
            taken: dict[Any, list[Any]] = {}
            for found in some:
                taken.setdefault(found.id, []).append(found.value)
            for identifier, document in documents(collection, taken, [field]).items():
                draft.room(1)
                draft.take(collection, [document], field, taken[identifier])


def _by_field(findings: Sequence[Finding]) -> dict[tuple[str, str], list[Finding]]:
    sorted_: dict[tuple[str, str], list[Finding]] = {}
    for found in findings:
        sorted_.setdefault((found.collection, str(found.field)), []).append(found)
    return sorted_


class DanglingLink(_Half):
    """A list holds the id of a document that is gone."""

    name = "dangling-link"
    severity = "W"
    effect = "the application leaves it out silently; counts made from the list are wrong"
    gone = True

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        del decided
        self._drop(draft, findings)


class OneSidedLink(_Half):
    """One document lists another that does not list it."""

    name = "one-sided-link"
    severity = "W"
    effect = "the link is there or not, depending on the side from which the application reads it"
    fix = "chatctl db repair --rule one-sided-link (completes the links; with --drop it ends them)"
    gone = False
    decisions = frozenset({"drop"})

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        if "drop" in decided:
            self._drop(draft, findings)
            return
        for (collection, field), some in _by_field(findings).items():
            other, other_field = OTHER_SIDES[collection, field]
            missing: dict[Any, list[Any]] = {}
            for found in some:
                missing.setdefault(found.value, []).append(found.id)
            there = documents(other, missing, [other_field])
            for identifier, document in there.items():
                draft.room(1)
                draft.add(other, [document], other_field, missing[identifier])


class DuplicateLink(_Link):
    """A list holds an id more than once."""

    name = "duplicate-link"
    severity = "W"
    effect = "counts made from the list are too high, and unlinking takes all of them at once"

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        del decided
        for (collection, field), some in _by_field(findings).items():
            for document in documents(collection, {found.id for found in some}, [field]).values():
                if isinstance(value := document.get(field), list):
                    draft.room(1)
                    draft.set(collection, document, {field: _once(value)})


def _once(items: list[Any]) -> list[Any]:
    """Keep each id once, and all that is none."""
    seen: set[Any] = set()
    kept = []
    for item in items:
        if not isinstance(item, ObjectId) or item not in seen:
            kept.append(item)
        if isinstance(item, ObjectId):
            seen.add(item)
    return kept
