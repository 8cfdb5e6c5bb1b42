"""Rules about documents that belong to a parent, like a profile to its user: missing parents, and second profiles."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from actions import queries
from actions.cascading_deletion import CascadingDeletion
from actions.database.checking.rule import (
    DuplicateRule,
    Finding,
    RepairDraft,
    Rule,
    Values,
    by_collection,
    by_field,
    documents,
    with_object_ids,
)
from changes import ABSENT, Batch, Document
from database import connection
from database.references import reference
from models.links import OWNED, PROFILE_USER

PARENTS: Final = {(owned.collection, owned.field): owned.parent for owned in OWNED}
"""(collection, field) of a required reference → the collection of the parent."""

FIELDS: Final = {
    collection: tuple(field for owner, field in PARENTS if owner == collection)
    for collection in dict.fromkeys(owner for owner, _ in PARENTS)
}


class MissingParent(Rule):
    """A required reference names a document that does not exist."""

    name = "missing-parent"
    severity = "E"
    effect = "If the application loads this document together with the missing one, the query fails."
    fix = "chatctl db repair --rule {name} --delete (deletes the documents that name a missing one)"
    reads = {**dict.fromkeys(PARENTS.values(), ()), **FIELDS}
    decisions = frozenset({"delete"})

    def needs(self, collection: str, selected: Sequence[str]) -> bool:
        return super().needs(collection, selected) and (not selected or collection in {*selected, *PARENTS.values()})

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for field in self.reads[collection]:
            there = self.scan.ids(PARENTS[collection, field])
            for document in documents:
                parent = reference(document, field)
                if parent and parent not in there:
                    yield Finding(collection, document["_id"], field, parent)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for (collection, field), some in by_field(suspects).items():
            there = documents(collection, {found.id for found in some}, [field])
            parents = documents(PARENTS[collection, field], {found.value for found in some}, ())
            for found in some:
                if reference(there.get(found.id, {}), field) == found.value and found.value not in parents:
                    yield found

    def change_of(self, found: Finding, decisions: frozenset[str]) -> tuple[str, str, Any]:
        del decisions
        return "delete", found.collection, found.id

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        sorted_ = by_collection(findings)
        yield from _without_messages(draft, sorted_.pop("Message", {}))
        for collection, faults in sorted_.items():
            yield from delete(draft, collection, faults)


def _without_messages(draft: RepairDraft, faults: dict[Any, list[Finding]]) -> Iterator[Batch]:
    """Delete messages, and remove their ids from the lists of users and conversations."""
    cascade = CascadingDeletion(draft.names)
    cascade.draft = draft
    yield from cascade.delete_messages({"_id": {"$in": part}} for part in queries.chunks(faults))


def delete(draft: RepairDraft, collection: str, ids: Any) -> Iterator[Batch]:
    """Delete accounts or profiles. If a user's `profileId` names a deleted profile, remove this field."""
    copies: dict[Any, list[Any]] = {}
    if collection == "Profile":
        for user in with_object_ids(queries.find_by_values("User", "profileId", ids, ["profileId"])):
            if profile := reference(user, "profileId"):
                copies.setdefault(profile, []).append(user["_id"])
    for identifier, document in draft.each(collection, ids):
        users = draft.documents("User", copies.get(identifier, ())).values()
        draft.reserve(1 + len(users))
        draft.delete(collection, document)
        for user in users:
            draft.set("User", user, {"profileId": ABSENT})
        yield from draft.finished_batches()


class SecondProfile(DuplicateRule):
    """A user has two profiles."""

    name = "second-profile"
    severity = "W"
    effect = "The application shows only one of the profiles. The unique index cannot be created."
    fix = "chatctl db repair --rule {name} --delete (keeps the one in the user's profileId, otherwise the first)"
    reads = {PROFILE_USER.collection: (PROFILE_USER.field,)}
    decisions = frozenset({"delete"})

    def values(self, collection: str, document: Document) -> Iterator[tuple[str, Values]]:
        del collection
        if user := reference(document, PROFILE_USER.field):
            yield PROFILE_USER.field, (user,)

    def change_of(self, found: Finding, decisions: frozenset[str]) -> tuple[str, str, Any]:
        del decisions
        return "delete", found.collection, found.id

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        users = {found.value[0] for found in findings}
        profiles: dict[Any, list[Any]] = {}
        where = queries.refers_to(PROFILE_USER.collection, PROFILE_USER.field, *users)
        for profile in with_object_ids(
            connection.database()[PROFILE_USER.collection].find(where, [PROFILE_USER.field])
        ):
            if user := reference(profile, PROFILE_USER.field):
                profiles.setdefault(user, []).append(profile["_id"])
        kept = documents("User", users, ("profileId",))
        for user, ids in profiles.items():
            named = reference(kept.get(user, {}), "profileId")
            keeps = named if named in ids else min(ids, key=str)
            yield from delete(draft, PROFILE_USER.collection, [one for one in ids if one != keeps])
