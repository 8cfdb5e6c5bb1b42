"""What a rule of the check is: how a fault is suspected, made sure of, and mended."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from actions import finding
from actions.checking.known import Known
from models import connection
from models.changes import Document, Draft

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

    `effect` says what the application does when it meets the fault, `fix` what to type; `{examples}` of it are ids.
    `reads` are the fields it needs of each collection. Whatever is suspected while the collections are read is looked
    at again by `confirm`, on its own: what changed in between is no fault.
    """

    name: ClassVar[str]
    severity: ClassVar[str]
    effect: ClassVar[str]
    fix: ClassVar[str] = "chatctl db repair --rule {name}"
    reads: ClassVar[Mapping[str, Sequence[str]]] = {}
    mends: ClassVar[bool] = False
    """Whether there is one right answer, so that a repair gives it unasked."""
    decisions: ClassVar[frozenset[str]] = frozenset()
    """Of `drop` and `delete` those that decide what a repair does."""

    def __init__(self, known: Known) -> None:
        self.known = known

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:  # noqa: ARG002 - others do
        """Suspect faults among documents as they are read."""
        return iter(())

    def end(self) -> Iterator[Finding]:
        """Suspect faults that show only once everything was read."""
        return iter(())

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Read what is suspected again, and give what is a fault still; a fault of one document shows in it alone."""
        for collection, ids in by_collection(suspects).items():
            documents = list(finding.having(collection, "_id", ids, self.reads[collection]))
            yield from (found for found in self.look(collection, documents) if found in suspects)

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        """Write on a draft what mends some faults, which were confirmed a moment ago."""
        raise NotImplementedError(self.name)


def by_collection(findings: Iterable[Finding]) -> dict[str, dict[Any, list[Finding]]]:
    """Sort findings: collection → the id of a document → what is wrong with it."""
    sorted_: dict[str, dict[Any, list[Finding]]] = {}
    for found in findings:
        sorted_.setdefault(found.collection, {}).setdefault(found.id, []).append(found)
    return sorted_


def documents(collection: str, ids: Iterable[Any], fields: Sequence[str]) -> dict[Any, Document]:
    """Read documents by their ids, with what people know them by."""
    found = finding.having(collection, "_id", ids, ["username", "name", *fields])
    return {document["_id"]: document for document in found}


def count(collection: str) -> int:
    """Count a collection as the server knows it."""
    return connection.database()[collection].estimated_document_count()
