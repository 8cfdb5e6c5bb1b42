"""What a rule of the check is: how a fault is suspected, made sure of, and mended."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from bson import ObjectId

from actions import finding
from actions.database.checking.known import Known
from actions.database.checking.mending import Mending
from changes import Batch, Document
from database.references import referred

SEVERITIES: Final = ("E", "W", "I")
"""It breaks the application, misleads it, or is for information."""


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

    def __init__(self, known: Known) -> None:
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

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
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
