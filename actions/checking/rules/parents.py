"""Documents that belong to others, and need them to be there."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.checking.known import Known
from actions.checking.rule import Finding, Rule, by_collection, documents
from models.changes import Document, Draft
from models.links import OWNED, PROFILE_USER

PARENTS: Final = {(owned.collection, owned.field): owned.parent for owned in OWNED}
"""Collection and field of a required reference → what it refers to."""


class MissingParent(Rule):
    """A required reference leads nowhere."""

    name = "missing-parent"
    severity = "E"
    effect = "every query of the application that includes what is referred to fails as a whole"
    fix = "chatctl db repair --rule missing-parent --delete (deletes what refers to nothing)"
    reads = {
        collection: tuple(field for owner, field in PARENTS if owner == collection)
        for collection in dict.fromkeys(owner for owner, _ in PARENTS)
    }
    decisions = frozenset({"delete"})

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for field in self.reads[collection]:
            parent = PARENTS[collection, field]
            for document in documents:
                reference = document.get(field)
                if isinstance(reference, ObjectId) and self.known.lacks(parent, reference):
                    yield Finding(collection, document["_id"], field, reference)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for collection, faults in by_collection(suspects).items():
            there = documents(collection, faults, self.reads[collection])
            for field in self.reads[collection]:
                some = [found for found in suspects if (found.collection, found.field) == (collection, field)]
                parents = documents(PARENTS[collection, field], {found.value for found in some}, ())
                for found in some:
                    if there.get(found.id, {}).get(field) == found.value and found.value not in parents:
                        yield found

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        if "delete" not in decided:
            return
        for collection, faults in by_collection(findings).items():
            for document in finding.having(collection, "_id", faults):
                draft.room(1)
                draft.delete(collection, document)


class SecondProfile(Rule):
    """A user has two profiles."""

    name = "second-profile"
    severity = "W"
    effect = "the application shows one of them, and no unique index can be made"
    fix = "delete the profile that is not wanted"
    reads = {PROFILE_USER.collection: (PROFILE_USER.field,)}

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._first: dict[Any, Any] = {}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for document in documents:
            user = document.get(PROFILE_USER.field)
            if isinstance(user, ObjectId) and (
                self.known.sampled or self._first.setdefault(user, document["_id"]) != document["_id"]
            ):
                yield Finding(collection, document["_id"], PROFILE_USER.field, user)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        profiles: dict[Any, list[Any]] = {}
        for profile in finding.having("Profile", PROFILE_USER.field, {found.value for found in suspects}, ["userId"]):
            profiles.setdefault(profile["userId"], []).append(profile["_id"])
        for found in suspects:
            if found.id in sorted(profiles.get(found.value, ()), key=str)[1:]:
                yield found
