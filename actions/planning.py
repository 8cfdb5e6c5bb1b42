"""From a draft to a changeset that keeps the rules."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pymongo.client_session import ClientSession

from actions import finding, lockout, protection
from models import connection
from models.changes import Batch, Change, ChangedMeanwhileError, Changeset, Draft, Result, Rule
from models.changes.draft import BATCH
from models.changes.record import PART_BYTES, freeze
from models.references import Document, forms

FOREVER: Final = ("nothing is kept of it: this cannot be undone",)
"""Said before what cannot be taken back."""


def changeset(
    command: str,
    draft: Draft,
    results: list[Result],
    *,
    allow_last_member: bool = False,
    allow_lockout: bool = False,
    **details: Any,
) -> Changeset:
    """Make a changeset of a draft; `details` are further fields of `Changeset`.

    Raises `LastMemberError` where a protected role would be left without an active member, and `LastSignInError` where
    a user would be left without a way to sign in.
    """
    names = {**{result.id: result.ref for result in results if result.id}, **draft.names}
    rules = _resting(draft, names)
    rules += [] if allow_last_member else protection.rules(draft.changes)
    rules += [] if allow_lockout else lockout.rules(draft.changes, names)
    return Changeset(command, results, draft.batches, names=names, rules=[*details.pop("rules", ()), *rules], **details)


def batched(changes: Iterable[Change]) -> Iterator[Batch]:
    """Divide changes into batches that a transaction and a message to the server have room for."""
    batch: Batch = []
    room = PART_BYTES
    for change in changes:
        size = sum(map(len, freeze([change])))
        if batch and (size > room or len(batch) == BATCH):
            yield batch
            batch, room = [], PART_BYTES
        batch.append(change)
        room -= size
    if batch:
        yield batch


def _resting(draft: Draft, names: Mapping[Any, str]) -> list[Rule]:
    """Return the rule that the lists a draft rests on stay as they are; those who mend half a link take turns."""

    def check(session: ClientSession | None) -> None:
        for (collection, identifier, field, holds), ids in draft.resting.items():
            documents = connection.database()[collection]
            for part in finding.parts(ids):
                listed: list[Document] = [{field: {"$in": forms(one)}} for one in part]
                still = {"_id": identifier, "$and" if holds else "$nor": listed}
                if not documents.find_one(still, {"_id": 1}, session=session):
                    label = f"{collection.lower()} {names.get(identifier, identifier)}"
                    raise ChangedMeanwhileError(f"{label} was changed meanwhile", None)

    return [Rule("half-links", check)] if draft.resting else []
