"""The four links between documents, which the application never cleans and reads from either side."""

from collections.abc import Iterator, Sequence
from typing import Any

from bson import ObjectId

from actions.database.checking.mending import Mending
from actions.database.checking.rule import Finding, Rule, by_collection, by_field, documents
from actions.database.checking.rules.balance import READ, Balance, distinct, is_doubled
from changes import Batch, Document
from database.references import referred
from models.links import OTHER_SIDES


class DuplicateLink(Rule):
    """A list holds an id more than once."""

    name = "duplicate-link"
    severity = "W"
    effect = "counts made from the list are too high, and unlinking takes all of them at once"
    reads = READ
    apart = True
    mends = True

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for field in self.reads[collection]:
            for document in documents:
                if is_doubled(document, field):
                    yield Finding(collection, document["_id"], field, "an id twice")

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        del decided
        for collection, faults in by_collection(findings).items():
            for identifier, document in mending.each(collection, faults):
                names = [str(found.field) for found in faults[identifier] if is_doubled(document, str(found.field))]
                mending.draft.reserve(1)
                mending.draft.set(collection, document, {name: _once(document[name]) for name in names})
                yield from mending.finished_batches()


class _Half(Rule):
    """What only one side of a link has; whether the other document is there makes the difference."""

    reads = READ
    mends = True
    gone: bool

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        return self.known.shared(Balance).look(collection, documents, self.known, gone=self.gone)

    def end(self) -> Iterator[Finding]:
        return self.known.shared(Balance).end(gone=self.gone)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for (collection, field), some in by_field(suspects).items():
            yield from self._still(collection, field, some)

    def _still(self, collection: str, field: str, suspects: Sequence[Finding]) -> Iterator[Finding]:
        other, other_field = OTHER_SIDES[collection, field]
        lists = _lists(collection, {found.id for found in suspects}, field)
        back = _lists(other, {found.value for found in suspects}, other_field)
        for found in suspects:
            if found.value in (lists.get(found.id) or ()):
                listed = back.get(found.value)
                if found.value not in back if self.gone else listed is not None and found.id not in listed:
                    yield found

    @staticmethod
    def _drop(mending: Mending, findings: Sequence[Finding]) -> Iterator[Batch]:
        for (collection, field), some in by_field(findings).items():
            taken: dict[Any, list[Any]] = {}
            for found in some:
                taken.setdefault(found.id, []).append(found.value)
            for identifier, document in mending.each(collection, taken):
                mending.draft.reserve(1)
                mending.draft.take(collection, [document], field, taken[identifier])
                yield from mending.finished_batches()


def _lists(collection: str, ids: set[Any], field: str) -> dict[Any, set[Any] | None]:
    """Read what documents list; None where that is no list, which is another fault."""
    return {
        identifier: distinct(document, field) if isinstance(document.get(field), list | None) else None
        for identifier, document in documents(collection, ids, [field]).items()
    }


class DanglingLink(_Half):
    """A list holds the id of a document that is gone."""

    name = "dangling-link"
    severity = "W"
    effect = "the application leaves it out silently; counts made from the list are wrong"
    gone = True

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        del decided
        return self._drop(mending, findings)


class OneSidedLink(_Half):
    """One document lists another that does not list it."""

    name = "one-sided-link"
    severity = "W"
    effect = "the link is there or not, depending on the side from which the application reads it"
    fix = "chatctl db repair --rule {name} (completes the links; with --drop it ends them)"
    gone = False
    decisions = frozenset({"drop"})

    def touches(self, found: Finding, decided: frozenset[str]) -> tuple[str, str, Any]:
        if "drop" in decided:
            return super().touches(found, decided)
        return "update", OTHER_SIDES[found.collection, str(found.field)][0], found.value

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        return self._drop(mending, findings) if "drop" in decided else self._complete(mending, findings)

    @staticmethod
    def _complete(mending: Mending, findings: Sequence[Finding]) -> Iterator[Batch]:
        for (collection, field), some in by_field(findings).items():
            other, other_field = OTHER_SIDES[collection, field]
            missing: dict[Any, list[Any]] = {}
            for found in some:
                missing.setdefault(found.value, []).append(found.id)
            for identifier, document in mending.each(other, missing):
                mending.draft.reserve(1)
                mending.draft.add(other, [document], other_field, missing[identifier])
                yield from mending.finished_batches()


def _once(items: list[Any]) -> list[Any]:
    """Keep each id once, as an ObjectId if the list has it as one, and all other values."""
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
