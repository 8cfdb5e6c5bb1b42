"""The base class of the rules of `db check`, and its helpers: a finding, the state of a scan, a draft of a repair."""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from bson import ObjectId

from actions import queries
from changes import Batch, Document, Draft
from database.references import referred

SEVERITIES: Final = ("E", "W", "I")
"""The severities of faults, worst first.

E (error): the application fails. W (warning): the application shows wrong data. I (information): no repair is needed.
"""
PARENTS: Final = frozenset({"User", "Role", "Permission", "Conversation"})
"""The collections whose ids are kept in memory during a check.

Messages are not here: they are too many, and no rule needs their ids.
"""
GENERATIONS: Final = 4
"""The number of recent batches whose documents stay in memory.

One batch is being made, one waits to be written, and one is being written. One more is kept in reserve.
"""

T = TypeVar("T")


class Finding(NamedTuple):
    """A fault of a document: its collection, its id, the wrong field, and the wrong value or a description of it.

    A finding about links stands for all faults of one list, which may be hundreds of thousands. Its value is a
    frozenset of the wrong ids, as bytes.
    """

    collection: str
    id: Any
    field: str | None = None
    value: Any = None

    @property
    def faults(self) -> int:
        """The number of faults that this finding stands for."""
        return len(self.value) if isinstance(self.value, frozenset) else 1

    def separate(self) -> Iterator["Finding"]:
        """Yield one finding for each fault that this finding stands for."""
        values = map(ObjectId, self.value) if isinstance(self.value, frozenset) else (self.value,)
        return (self._replace(value=value) for value in values)


class Rule:
    """A kind of fault. Each subclass with a `name` is a rule of `db check`; each command creates its own objects.

    `db check` reads each collection once and passes the documents to `suspects`. A suspect is a possible fault.
    `confirm` reads the suspected documents again, because they may have changed, and returns the real faults. `db
    repair` confirms these faults once more, and passes them to `repair`. The first line of the docstring of a rule is
    its description in the documentation. Rules with the same name and different severities are shown as one rule.
    """

    name: ClassVar[str]
    """The name of the rule for the option `--rule`, for example "email-case"."""
    severity: ClassVar[str]
    """The severity of the fault: one of `SEVERITIES`."""
    effect: ClassVar[str]
    """The effect of the fault in the application, as a sentence."""
    fix: ClassVar[str] = "chatctl db repair --rule {name}"
    """The command that repairs the fault.

    The command is a format string: `{name}` is the rule, other names are fields of `Finding`.
    """
    fixes: ClassVar[Mapping[str, str]] = {}
    """Commands that some faults need instead of `fix`: key from `fix_keys`, like "User.email" → command."""
    reads: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Collection → the fields that the rule reads. The rule may get documents with only these fields."""
    odd_ids: ClassVar[bool] = False
    """True if the rule also gets documents whose `_id` is not an ObjectId."""
    one_collection: ClassVar[bool] = False
    """True if the rule finds each fault by reading only the collection of the fault.

    If it is False, the rule also needs other collections. They are read even if the option `--collection` does not name
    them.
    """
    in_one_document: ClassVar[bool] = False
    """True if `suspects` finds the fault in a single document, and does not read the database."""
    group_size: ClassVar[int] = 1_000
    """The number of suspected faults that are confirmed together. They are also repaired together.

    All faults of one list are always confirmed together, even if there are more.
    """
    automatic: ClassVar[bool] = False
    """True if only one correction is right, so that `db repair` repairs the fault without asking for a decision."""
    decisions: ClassVar[frozenset[str]] = frozenset()
    """The options of `db repair` (`drop`, `delete`) by which the user can decide how to repair the fault."""
    sampled_ids: ClassVar[bool] = False
    """True if the check of a sample of the documents checks only some ids of each list."""
    undoable: ClassVar[bool] = True
    """True if the repair can be undone. Otherwise the repair runs only if `--rule` names just this rule."""

    def __init__(self, scan: "Scan") -> None:
        self.scan = scan

    def needs(self, collection: str, selected: Sequence[str]) -> bool:
        """Tell whether the rule must read a collection to find the faults in the `selected` collections.

        An empty `selected` means all collections.
        """
        return collection in self.reads and (not selected or not self.one_collection or collection in selected)

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:  # noqa: ARG002 - for subclasses
        """Yield the possible faults of some documents, which have at least the fields in `reads`."""
        return iter(())

    def late_suspects(self) -> Iterator[Finding]:
        """Yield the possible faults that can be found only after all collections were read."""
        return iter(())

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Read the suspected documents again, and yield the faults that they still have."""
        for collection, some in by_collection(suspects).items():
            documents = list(queries.find_by_values(collection, "_id", some, self.reads[collection]))
            yield from (found for found in self.suspects(collection, documents) if found in some[found.id])

    def fix_keys(self, found: Finding) -> Sequence[str]:
        """Return the keys under which `fixes` may have a command for this fault, the most specific first."""
        return f"{found.collection}.{found.field}", found.collection

    def fix_template(self, found: Finding) -> str:
        """Return the format string of the command that repairs this fault: the one in `fixes`, or else `fix`."""
        return next((self.fixes[key] for key in self.fix_keys(found) if key in self.fixes), self.fix)

    def fix_command(self, found: Finding) -> str:
        """Return the command that repairs this fault. If there is no such command, say what to do."""
        return self.fix_template(found).format(name=self.name, **found._asdict())

    def repairable(self, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Finding]:
        """Yield those faults that `db repair` can repair with the given decisions (`drop`, `delete`)."""
        return iter(findings if self.automatic or self.decisions & decisions else ())

    def is_proposable(self, found: Finding) -> bool:
        """Tell whether a proposal may contain the repair of a fault.

        To correct the `_id` of a user or an account, a new document with all its secrets is inserted. A proposal must
        not contain secrets.
        """
        return found.field != "_id" or found.collection not in {"User", "Account"}

    def change_of(self, found: Finding, decisions: frozenset[str]) -> tuple[str, str, Any]:  # noqa: ARG002
        """Return what the repair of a fault does: `update` or `delete`, the collection, and the id of the document."""
        return "update", found.collection, found.id

    def repair(self, draft: "RepairDraft", findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        """Plan the repair of faults that were just confirmed, and yield each batch of changes as soon as it is full."""
        raise NotImplementedError(self.name)


class Scan:
    """The state of one check: the ids of the documents read so far, and objects that several rules share.

    A check of a sample keeps no ids. Instead, it looks up every reference in the database by a query.
    """

    def __init__(self, sample: int | None = None) -> None:
        self.sample = sample
        self.sampled = sample is not None
        self._ids: dict[str, set[Any]] = defaultdict(set)
        self._shared: dict[type, Any] = {}

    def learn(self, collection: str, documents: list[Document]) -> None:
        """Keep the ids of documents, if `PARENTS` has their collection. An id stored as text becomes an ObjectId."""
        if collection in PARENTS and not self.sampled:
            found = (referred(document["_id"]) for document in documents)
            self._ids[collection].update(identifier for identifier in found if type(identifier) is ObjectId)

    def ids(self, collection: str) -> set[Any]:
        """Return the ids of the documents of a collection that were read so far."""
        return self._ids[collection]

    def shared(self, kind: type[T]) -> T:
        """Return the one object of this class that all rules of the check share. The first call creates it."""
        if kind not in self._shared:
            self._shared[kind] = kind()
        found: T = self._shared[kind]
        return found


class RepairDraft(Draft):
    """A draft of the changes of a repair. It also returns documents as they will be after these changes.

    A batch is drafted before the earlier batches are written, and several rules may change the same document. Therefore
    rules read documents with the methods of this class, which include the earlier changes of the draft.
    """

    def __init__(self, names: dict[Any, str]) -> None:
        super().__init__()
        self.names = names
        self._kept: deque[dict[tuple[str, Any], Document]] = deque([{}], GENERATIONS)
        self._deleted: set[tuple[str, Any]] = set()

    def documents(self, collection: str, ids: Iterable[Any]) -> dict[Any, Document]:
        """Return id → document, with the changes of this draft. Missing and deleted documents are left out."""
        wanted = [one for one in dict.fromkeys(ids) if (collection, one) not in self._deleted]
        found = {
            one: kept[collection, one] for kept in reversed(self._kept) for one in wanted if (collection, one) in kept
        }
        missing = [one for one in wanted if one not in found]
        found |= {document["_id"]: document for document in queries.find_by_values(collection, "_id", missing)}
        self._kept[0].update(((collection, one), document) for one, document in found.items())
        return found

    def each(self, collection: str, ids: Iterable[Any]) -> Iterator[tuple[Any, Document]]:
        """Yield pairs (id, document) with the changes of this draft, but read only some documents at a time."""
        for part in queries.chunks(ids):
            yield from self.documents(collection, part).items()

    def delete(self, collection: str, document: Document) -> None:
        """Add the deletion of a document to the draft. After that, the draft no longer returns the document."""
        self._deleted.add((collection, document["_id"]))
        super().delete(collection, document)

    def finished_batches(self) -> list[Batch]:
        """Return the full batches of changes.

        Then forget the documents that no recent batch has read or changed.
        """
        if batches := super().finished_batches():
            self._kept.appendleft({})
        return batches


def groups(findings: Iterable[Finding], size: int) -> Iterator[list[Finding]]:
    """Divide findings into groups that stand for about `size` faults."""
    some: list[Finding] = []
    faults = 0
    for found in findings:
        some.append(found)
        faults += found.faults
        if faults >= size:
            yield some
            some, faults = [], 0
    if some:
        yield some


def by_collection(findings: Iterable[Finding]) -> dict[str, dict[Any, list[Finding]]]:
    """Group findings: collection → id of a document → the findings about this document."""
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
    """Read documents by their ids: ObjectId → document. A document whose `_id` is stored as text is found too."""
    found: dict[Any, Document] = {}
    for document in queries.find_by_ids(collection, ids, ["_id", *fields]):
        if type(document["_id"]) is ObjectId:
            found[document["_id"]] = document
        else:
            found.setdefault(referred(document["_id"]), document)
    return found


def with_object_ids(documents: Iterable[Document]) -> Iterator[Document]:
    """Leave out documents whose `_id` is not an ObjectId. The rule `wrong-type` reports them."""
    return (document for document in documents if type(document["_id"]) is ObjectId)


Values = tuple[Hashable, ...]


class DuplicateRule(Rule):
    """A rule about values that must be unique. The first document with a value is valid; all others are faults."""

    one_collection = True

    def __init__(self, scan: Scan) -> None:
        super().__init__(scan)
        self._first: dict[int, Any] = {}

    def values(self, collection: str, document: Document) -> Iterator[tuple[str, Values]]:
        """Yield pairs for the unique keys of a document: field names joined by ", ", and a tuple of their values."""
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
        """Read the suspected documents, and for each of their values the first document with this value.

        If only a sample is checked, the first document is not known. In this case, all documents with these values are
        read.
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
