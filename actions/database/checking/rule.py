"""What a rule of `db check` is, and what it works with while it checks and repairs."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from bson import ObjectId

from actions import finding
from changes import Batch, Document, Draft
from database.references import referred

SEVERITIES: Final = ("E", "W", "I")
"""It breaks the application, misleads it, or is for information."""
T = TypeVar("T")

PARENTS: Final = frozenset({"User", "Role", "Permission", "Conversation"})
"""Collections whose ids are kept; messages are too many, and nothing needs one to be there."""
GENERATIONS: Final = 4
"""Of batches, for which documents are kept: that being made, that which waits, that being written, and one to spare."""


class Finding(NamedTuple):
    """A fault of one document: in which field, and what is wrong there."""

    collection: str
    id: Any
    field: str | None = None
    value: Any = None


class Rule:
    """A fault there can be, in a class of its own; one object of it is used for one check.

    Classes with the same name are one rule whose faults have different severities. `effect` says what the application
    does when it meets the fault. `fix` is the command to type, with `{name}` of the rule, and `{id}`, `{collection}`,
    `{field}` and `{value}` of an example. `fixes` has other commands for some of the faults, by the keys of `cases`.
    `reads` are the fields it needs of each collection; the ids of what it reads are known. After all collections are
    read, `confirm` checks each suspect again, as its document may have changed. Only rules with `all_ids` see a
    document whose `_id` is not an ObjectId.
    """

    name: ClassVar[str]
    severity: ClassVar[str]
    effect: ClassVar[str]
    fix: ClassVar[str] = "chatctl db repair --rule {name}"
    fixes: ClassVar[Mapping[str, str]] = {}
    reads: ClassVar[Mapping[str, Sequence[str]]] = {}
    all_ids: ClassVar[bool] = False
    apart: ClassVar[bool] = False
    """Whether a fault shows in its own collection, so that no other has to be read for it."""
    at_once: ClassVar[int] = 1_000
    """Suspects that are looked at again, and mended, together."""
    mends: ClassVar[bool] = False
    """Whether there is one right answer, so that a repair gives it unasked."""
    undoable: ClassVar[bool] = True
    """Whether a repair can be undone. If not, it runs only if its rule is named, and no other rule."""
    decisions: ClassVar[frozenset[str]] = frozenset()
    """Of `drop` and `delete` those that decide what a repair does."""

    def __init__(self, known: "Known") -> None:
        self.known = known

    def needs(self, collection: str, chosen: Sequence[str]) -> bool:
        """Tell whether a collection has to be read where faults of some that are chosen are looked for."""
        return collection in self.reads and (not chosen or not self.apart or collection in chosen)

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:  # noqa: ARG002 - others do
        """Suspect faults among documents as they are read."""
        return iter(())

    def end(self) -> Iterator[Finding]:
        """Suspect faults that show only once everything was read."""
        return iter(())

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Read what is suspected again, and give what is a fault still; a fault of one document shows in it alone."""
        for collection, some in by_collection(suspects).items():
            documents = list(finding.having(collection, "_id", some, self.reads[collection]))
            yield from (found for found in self.look(collection, documents) if found in some[found.id])

    def cases(self, found: Finding) -> Sequence[str]:
        """Return the keys of `fixes` that apply to a fault, the most specific first."""
        return f"{found.collection}.{found.field}", found.collection

    def template(self, found: Finding) -> str:
        """Return the one of `fixes` that applies to a fault, otherwise `fix`."""
        return next((self.fixes[case] for case in self.cases(found) if case in self.fixes), self.fix)

    def advise(self, found: Finding) -> str:
        """Return the command that mends a fault, or what to do if there is no command."""
        return self.template(found).format(name=self.name, **found._asdict())

    def mendable(self, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Finding]:
        """Yield those of some faults that a repair mends, by what was decided."""
        return iter(findings if self.mends or self.decisions & decided else ())

    def touches(self, found: Finding, decided: frozenset[str]) -> tuple[str, str, Any]:  # noqa: ARG002
        """Say of the change that mends a fault what it does (`update`, `delete`), in which collection, to which id."""
        return "update", found.collection, found.id

    def mend(self, mending: "Mending", findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        """Write down what mends some faults, which were confirmed a moment ago, and give the batches that are full."""
        raise NotImplementedError(self.name)


def by_collection(findings: Iterable[Finding]) -> dict[str, dict[Any, list[Finding]]]:
    """Sort findings: collection → the id of a document → what is wrong with it."""
    sorted_: dict[str, dict[Any, list[Finding]]] = {}
    for found in findings:
        sorted_.setdefault(found.collection, {}).setdefault(found.id, []).append(found)
    return sorted_


def by_field(findings: Iterable[Finding]) -> dict[tuple[str, str], list[Finding]]:
    """Sort findings by collection and field."""
    sorted_: dict[tuple[str, str], list[Finding]] = {}
    for found in findings:
        sorted_.setdefault((found.collection, str(found.field)), []).append(found)
    return sorted_


def documents(collection: str, ids: Iterable[Any], fields: Sequence[str]) -> dict[Any, Document]:
    """Read the documents that ids refer to, as id → document; a document may have its `_id` as text."""
    found: dict[Any, Document] = {}
    for document in finding.with_id(collection, ids, ["_id", *fields]):
        if type(document["_id"]) is ObjectId:
            found[document["_id"]] = document
        else:
            found.setdefault(referred(document["_id"]), document)
    return found


def sound(documents: Iterable[Document]) -> Iterator[Document]:
    """Leave out documents whose `_id` is none: they have a fault of their own, and may not be looked up."""
    return (document for document in documents if type(document["_id"]) is ObjectId)


class Known:
    """The ids there are, and what rules that look at the same things have in common.

    Of a sample nothing is known: all that refers to something else is suspected, and looked up.
    """

    def __init__(self, sample: int | None = None) -> None:
        self.sample = sample
        self.sampled = sample is not None
        self._ids: dict[str, set[Any]] = defaultdict(set)
        self._shared: dict[type, Any] = {}

    def learn(self, collection: str, documents: list[Document]) -> None:
        """Keep the ids of the documents that are read; an id as text counts as the ObjectId."""
        if collection in PARENTS and not self.sampled:
            found = (referred(document["_id"]) for document in documents)
            self._ids[collection].update(identifier for identifier in found if type(identifier) is ObjectId)

    def ids(self, collection: str) -> set[Any]:
        """Return the ids of the documents that are known to be there."""
        return self._ids[collection]

    def shared(self, kind: type[T]) -> T:
        """Give the one object of a kind that rules share."""
        if kind not in self._shared:
            self._shared[kind] = kind()
        found: T = self._shared[kind]
        return found


class Mending:
    """A draft with a view of the documents that is ahead of the database.

    Batches are made before those in front of them are written, and one document may be mended in several ways: whoever
    changes one takes it from here, whole, and finds in it what was changed before.
    """

    def __init__(self, names: dict[Any, str]) -> None:
        self.draft = Draft()
        self.draft.names = names
        self._kept: deque[dict[tuple[str, Any], Document]] = deque([{}], GENERATIONS)
        self._deleted: set[tuple[str, Any]] = set()

    def documents(self, collection: str, ids: Iterable[Any]) -> dict[Any, Document]:
        """Return documents by their ids; those that are gone are left out."""
        wanted = [one for one in dict.fromkeys(ids) if (collection, one) not in self._deleted]
        held = {
            one: kept[collection, one] for kept in reversed(self._kept) for one in wanted if (collection, one) in kept
        }
        missing = [one for one in wanted if one not in held]
        held |= {document["_id"]: document for document in finding.having(collection, "_id", missing)}
        self._kept[0].update(((collection, one), document) for one, document in held.items())
        return held

    def each(self, collection: str, ids: Iterable[Any]) -> Iterator[tuple[Any, Document]]:
        """Give ids and documents, a part of them read at a time."""
        for part in finding.parts(ids):
            yield from self.documents(collection, part).items()

    def remove(self, collection: str, document: Document) -> None:
        """Delete a document, which nobody finds here any more."""
        self._deleted.add((collection, document["_id"]))
        self.draft.delete(collection, document)

    def full(self) -> Iterator[Batch]:
        """Hand out the batches that are full."""
        if full := self.draft.full():
            yield from full
            self._kept.appendleft({})
