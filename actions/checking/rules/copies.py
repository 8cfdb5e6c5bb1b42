"""Copies of what other documents say, which the application never maintains."""

from collections.abc import Iterator, Sequence
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING

from actions import finding
from actions.checking.known import Known
from actions.checking.rule import Finding, Rule, by_collection, documents
from actions.removing import COPIED
from models import connection
from models.changes import ABSENT, Document, Draft
from models.listing import PRESENT


class UnsyncedCopy(Rule):
    """`User.profileId` or `Conversation.messagesIds` differs from what the profile or the messages say."""

    name = "unsynced-copy"
    severity = "I"
    effect = "none: the application does not read it"
    reads = {
        "User": ("profileId",),
        "Conversation": ("messagesIds",),
        "Profile": ("userId",),
        "Message": ("conversationId",),
    }
    mends = True

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._profiles: dict[Any, Any] = {}
        self._said: dict[Any, int] = {}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        if self.known.sampled:
            field = self.reads[collection][0]
            some = documents if collection in {"User", "Conversation"} else ()
            return (Finding(collection, one["_id"], field) for one in some if field in one)
        if collection == "Profile":
            return self._profiled(documents)
        self._learn(collection, documents)
        return iter(())

    def _learn(self, collection: str, documents: Sequence[Document]) -> None:
        said = self._said
        for one in documents:
            if collection == "Message":
                if (place := one.get("conversationId")) in said:
                    said[place] += hash(one["_id"])
            elif collection == "User":
                if (copy := one.get("profileId")) is not None:
                    self._profiles[one["_id"]] = copy
            elif isinstance(ids := one.get("messagesIds"), list) and len(ids) < COPIED:
                said[one["_id"]] = -sum(hash(item) for item in ids if isinstance(item, ObjectId))

    def _profiled(self, profiles: Sequence[Document]) -> Iterator[Finding]:
        for one in profiles:
            user = one.get("userId")
            if isinstance(user, ObjectId) and self._profiles.pop(user, None) != one["_id"]:
                yield Finding("User", user, "profileId")

    def end(self) -> Iterator[Finding]:
        if not self.known.sampled:
            yield from (Finding("User", user, "profileId") for user in self._profiles)
            yield from (Finding("Conversation", place, "messagesIds") for place, left in self._said.items() if left)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        differing = {
            collection: self._differing(collection, faults) for collection, faults in by_collection(suspects).items()
        }
        yield from (found for found in suspects if found.id in differing[found.collection])

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        del decided
        for collection, faults in by_collection(findings).items():
            for document, values in self._differing(collection, faults).values():
                draft.room(1)
                draft.set(collection, document, values)

    def _differing(self, collection: str, ids: Any) -> dict[Any, tuple[Document, Document]]:
        """Return the documents that differ, and what their copies should be."""
        field = self.reads[collection][0]
        there = documents(collection, ids, (field,))
        truth = _profiles(there) if collection == "User" else _messages(there)
        return {
            identifier: (document, {field: truth[identifier]})
            for identifier, document in there.items()
            if _differs(document.get(field, ABSENT), truth[identifier])
        }


def _differs(copy: Any, right: Any) -> bool:
    if isinstance(right, list):
        return isinstance(copy, list) and len(copy) < COPIED and sorted(map(str, copy)) != sorted(map(str, right))
    return bool((ABSENT if copy is None else copy) != right)


def _profiles(users: Any) -> dict[Any, Any]:
    found = finding.having("Profile", "userId", users, ["userId"])
    first = {one["userId"]: one["_id"] for one in sorted(found, key=lambda one: str(one["_id"]), reverse=True)}
    return dict.fromkeys(users, ABSENT) | first


def _messages(conversations: Any) -> dict[Any, list[Any]]:
    held: dict[Any, list[Any]] = {identifier: [] for identifier in conversations}
    for part in finding.parts(conversations):
        where = {"conversationId": {"$in": part, **PRESENT}}
        for one in connection.database()["Message"].find(where, ["conversationId"]).sort("_id", ASCENDING):
            held[one["conversationId"]].append(one["_id"])
    return held
