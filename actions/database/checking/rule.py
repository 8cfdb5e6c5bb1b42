"""The base class of the rules of `db check`, and the objects that rules use: findings, a scan, a draft of a repair."""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from bson import ObjectId

from actions import queries
from changes import Batch, Document, Draft
from database.references import referred

SEVERITIES: Final = ("E", "W", "I")
"""Error: the application fails. Warning: the application shows wrong data. Information: no repair is necessary."""
PARENTS: Final = frozenset({"User", "Role", "Permission", "Conversation"})
"""Collections whose ids are kept in memory during a scan. There are too many messages, and no rule needs their ids."""
GENERATIONS: Final = 4
"""The number of newest batches whose documents stay in memory: one is made, one waits, one is written, one is spare."""

T = TypeVar("T")


class Finding(NamedTuple):
    """A fault of one document: its collection, its id, the field, and the wrong value or a few words about it."""

    collection: str
    id: Any
    field: str | None = None
    value: Any = None


class Rule:
    """A kind of fault. Each subclass with a `name` is a rule of `db check`; each command creates its own objects.

    `db check` reads each collection once and passes its documents to `suspects`. Then `confirm` reads the suspected
    documents again, because they may have changed, and returns the real faults. `db repair` confirms them once more
    and passes them to `repair`. The first line of the docstring of a rule is its description in the documentation.
    Rules with the same name and different severities are shown as one rule.
    """

    name: ClassVar[str]
    """The name for `--rule`, for example "email-case"."""
    severity: ClassVar[str]
    """One of `SEVERITIES`."""
    effect: ClassVar[str]
    """The effect of the fault in the application, as a sentence."""
    fix: ClassVar[str] = "chatctl db repair --rule {name}"
    """The command that repairs the fault: a format string with `{name}` of the rule and the fields of a `Finding`."""
    fixes: ClassVar[Mapping[str, str]] = {}
    """Commands that replace `fix` for some faults: a key of `fix_keys`, for example "User.email" → the command."""
    reads: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Collection → the fields that the rule needs. Documents may be passed to the rule without other fields."""
    odd_ids: ClassVar[bool] = False
    """Whether the rule also gets documents whose `_id` is not an ObjectId."""
    one_collection: ClassVar[bool] = False
    """Whether a fault can be found in its own collection, so that `--collection` does not need to read other ones."""
    in_one_document: ClassVar[bool] = False
    """Whether `suspects` finds the fault in a single document, and does not read the database."""
    group_size: ClassVar[int] = 1_000
    """The number of suspects that are confirmed, and repaired, together."""
    automatic: ClassVar[bool] = False
    """Whether `db repair` repairs the fault without a decision of the user, because only one correction is right."""
    decisions: ClassVar[frozenset[str]] = frozenset()
    """The options of `db repair` (`drop`, `delete`) by which the user decides how to repair the fault."""
    undoable: ClassVar[bool] = True
    """Whether a repair can be undone. If not, it runs only if `--rule` names this rule and no other one."""

    def __init__(self, scan: "Scan") -> None:
        self.scan = scan

    def needs(self, collection: str, selected: Sequence[str]) -> bool:
        """Tell whether the rule must read a collection to find faults in the `selected` collections (empty: in all)."""
        return collection in self.reads and (not selected or not self.one_collection or collection in selected)

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:  # noqa: ARG002 - for subclasses
        """Yield suspected faults of some documents, which have the fields in `reads`."""
        return iter(())

    def late_suspects(self) -> Iterator[Finding]:
        """Yield the suspected faults that the rule can find only after all collections were read."""
        return iter(())

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Read the suspected documents again, and yield the faults that `suspects` still finds in these documents."""
        for collection, some in by_collection(suspects).items():
            documents = list(queries.find_by_values(collection, "_id", some, self.reads[collection]))
            yield from (found for found in self.suspects(collection, documents) if found in some[found.id])

    def fix_keys(self, found: Finding) -> Sequence[str]:
        """Return the possible keys of `fixes` for a fault, the most specific first."""
        return f"{found.collection}.{found.field}", found.collection

    def fix_template(self, found: Finding) -> str:
        """Return the format string of the command that repairs a fault: from `fixes`, otherwise `fix`."""
        return next((self.fixes[key] for key in self.fix_keys(found) if key in self.fixes), self.fix)

    def fix_command(self, found: Finding) -> str:
        """Return the command that repairs a fault, or what to do if there is no command."""
        return self.fix_template(found).format(name=self.name, **found._asdict())

    def repairable(self, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Finding]:
        """Yield the faults that `db repair` repairs with the given decisions."""
        return iter(findings if self.automatic or self.decisions & decisions else ())

    def is_proposable(self, found: Finding) -> bool:
        """Tell whether the repair of a fault can be proposed. A new `_id` requires a new document with all secrets."""
        return found.field != "_id" or found.collection not in {"User", "Account"}

    def change_of(self, found: Finding, decisions: frozenset[str]) -> tuple[str, str, Any]:  # noqa: ARG002
        """Return the change that repairs a fault: `update` or `delete`, the collection, and the id of the document."""
        return "update", found.collection, found.id

    def repair(self, draft: "RepairDraft", findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        """Plan the repair of faults that were just confirmed, and yield full batches of changes to write."""
        raise NotImplementedError(self.name)


class Scan:
    """The state of one check: the ids of the documents read so far, and objects that several rules share.

    If only a sample is read, no ids are kept. Then every reference is suspected, and a query looks it up.
    """

    def __init__(self, sample: int | None = None) -> None:
        self.sample = sample
        self.sampled = sample is not None
        self._ids: dict[str, set[Any]] = defaultdict(set)
        self._shared: dict[type, Any] = {}

    def learn(self, collection: str, documents: list[Document]) -> None:
        """Keep the ids of documents if their collection is in `PARENTS`. An id stored as text becomes an ObjectId."""
        if collection in PARENTS and not self.sampled:
            found = (referred(document["_id"]) for document in documents)
            self._ids[collection].update(identifier for identifier in found if type(identifier) is ObjectId)

    def ids(self, collection: str) -> set[Any]:
        """Return the ids of the documents of a collection that were read so far."""
        return self._ids[collection]

    def shared(self, kind: type[T]) -> T:
        """Return the object of a class that all rules share. The first call creates it."""
        if kind not in self._shared:
            self._shared[kind] = kind()
        found: T = self._shared[kind]
        return found


class RepairDraft(Draft):
    """A draft of the changes of a repair. It can also return documents as they will be after these changes.

    A batch is drafted before the earlier batches are written, and several rules may change the same document. So rules
    must read documents with the methods of this class: these documents include the changes that were drafted before.
    """

    def __init__(self, names: dict[Any, str]) -> None:
        super().__init__()
        self.names = names
        self._kept: deque[dict[tuple[str, Any], Document]] = deque([{}], GENERATIONS)
        self._deleted: set[tuple[str, Any]] = set()

    def documents(self, collection: str, ids: Iterable[Any]) -> dict[Any, Document]:
        """Return id → document after the drafted changes, without missing documents and drafted deletions."""
        wanted = [one for one in dict.fromkeys(ids) if (collection, one) not in self._deleted]
        found = {
            one: kept[collection, one] for kept in reversed(self._kept) for one in wanted if (collection, one) in kept
        }
        missing = [one for one in wanted if one not in found]
        found |= {document["_id"]: document for document in queries.find_by_values(collection, "_id", missing)}
        self._kept[0].update(((collection, one), document) for one, document in found.items())
        return found

    def each(self, collection: str, ids: Iterable[Any]) -> Iterator[tuple[Any, Document]]:
        """Yield pairs of an id and a document, like `documents`, but read only some documents at a time."""
        for part in queries.chunks(ids):
            yield from self.documents(collection, part).items()

    def delete(self, collection: str, document: Document) -> None:
        """Draft the deletion of a document. Afterwards, the methods of this draft do not return it."""
        self._deleted.add((collection, document["_id"]))
        super().delete(collection, document)

    def finished_batches(self) -> list[Batch]:
        """Return full batches of changes to write, and forget documents that no recent batch has read or changed."""
        if batches := super().finished_batches():
            self._kept.appendleft({})
        return batches


def by_collection(findings: Iterable[Finding]) -> dict[str, dict[Any, list[Finding]]]:
    """Group findings: collection → id of a document → its findings."""
    groups: dict[str, dict[Any, list[Finding]]] = {}
    for found in findings:
        groups.setdefault(found.collection, {}).setdefault(found.id, []).append(found)
    return groups


def by_field(findings: Iterable[Finding]) -> dict[tuple[str, str], list[Finding]]:
    """Group findings by (collection, field)."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for found in findings:
        groups.setdefault((found.collection, str(found.field)), []).append(found)
    return groups


def documents(collection: str, ids: Iterable[Any], fields: Sequence[str]) -> dict[Any, Document]:
    """Read documents by their ids: ObjectId → document. Documents whose `_id` is stored as text are found too."""
    found: dict[Any, Document] = {}
    for document in queries.find_by_ids(collection, ids, ["_id", *fields]):
        if type(document["_id"]) is ObjectId:
            found[document["_id"]] = document
        else:
            found.setdefault(referred(document["_id"]), document)
    return found


def with_object_ids(documents: Iterable[Document]) -> Iterator[Document]:
    """Leave out documents whose `_id` is not an ObjectId: the rule `wrong-type` finds them."""
    return (document for document in documents if type(document["_id"]) is ObjectId)


Values = tuple[Hashable, ...]


class DuplicateRule(Rule):
    """A rule about values that must be unique: the first document with a value is valid, the others are faults."""

    one_collection = True

    def __init__(self, scan: Scan) -> None:
        super().__init__(scan)
        self._first: dict[int, Any] = {}

    def values(self, collection: str, document: Document) -> Iterator[tuple[str, Values]]:
        """Yield the unique values of a document: its fields, separated by ", ", and their values in this order."""
        raise NotImplementedError(collection, document)

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for document in documents:
            for field, values in self.values(collection, document):
                first = self._first.setdefault(hash((collection, field, values)), document["_id"])
                if first != document["_id"] or self.scan.sampled:
                    yield Finding(collection, document["_id"], field, values)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for collection, some in by_collection(suspects).items():
            faults = list(chain.from_iterable(some.values()))
            holders: dict[tuple[str, Values], set[Any]] = {}
            for document in with_object_ids(self._others(collection, faults)):
                for held in self.values(collection, document):
                    holders.setdefault(held, set()).add(document["_id"])
            for found in faults:
                ids = holders.get((str(found.field), found.value), set())
                if found.id in ids and len(ids) > 1 and not (self.scan.sampled and found.id == min(ids)):
                    yield found

    def _others(self, collection: str, suspects: Sequence[Finding]) -> Iterator[Document]:
        """Read the suspected documents and the first documents with the same values.

        In a sample, the first document is not known, so all documents with these values are read.
        """
        reads = self.reads[collection]
        if not self.scan.sampled:
            firsts = (self._first[hash((collection, found.field, found.value))] for found in suspects)
            ids = {*(found.id for found in suspects), *firsts}
            yield from queries.find_by_values(collection, "_id", ids, reads)
            return
        for (_, field), some in by_field(suspects).items():
            yield from queries.find_by_values(
                collection, field.split(", ")[-1], {found.value[-1] for found in some}, reads
            )
