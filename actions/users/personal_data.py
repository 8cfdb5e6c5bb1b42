"""What is stored of one person, as they may ask for it (GDPR, article 15): all that is theirs, and no secret."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING

from actions import audit, finding
from actions.usernames import People, ids
from actions.users import access
from actions.users.documents import ACCOUNT, PROFILE, TOKENS
from changes import Document, ids_in
from changes.visible_values import readable
from database import connection
from database.listing import BATCH, Row
from database.references import forms, referred

FIELDS: Final = {
    "User": (
        *("email", "username", "name", "status", "createdAt", "updatedAt", "lastLogin", "emailVerified"),
        *("profileId", "rolesIds", "conversationIds", "seenMessageIds"),
    ),
    "Profile": PROFILE,
    "Account": ACCOUNT,
    "Message": ("conversationId", "createAt", "body", "image"),
}
"""What is given of each document. A field that is not named here is never given: it could be a secret."""

SECRETS: Final = {
    "User": {"hashedPassword": "hasPassword"},
    "Account": {**TOKENS, "session_state": "hasSessionState"},
}
"""Of these it is said whether they are there."""

SAID_ELSEWHERE: Final = {"userId", "senderId", "seenIds"}
"""Fields that say whose a document is, or are given in other words."""

CONVERSATION: Final = ("name", "isGroup", "created_at", "userIds")


def export_data(ref: str, *, with_names: bool = False) -> "PersonalData":
    """Find a person whose data are wanted; other people are numbered unless their names are wanted, too."""
    user = finding.user(ref)
    finding.refuse_twins("User", [user])
    return PersonalData(user, named=with_names)


class PersonalData:
    """What is stored of a person; each part is read when it is asked for, messages as they are taken."""

    def __init__(self, user: Document, *, named: bool) -> None:
        self.id = user["_id"]
        self.label = finding.user_label(user)
        self.named = named
        self._user = user
        self._people = People(self.id, named=named)
        self._passed_over: set[str] = set()

    def user(self) -> Row:
        return self._row("User", self._user)

    def profiles(self) -> list[Row]:
        """Return the profile; in broken data there are several."""
        return [self._row("Profile", profile) for profile in self._owned("Profile")]

    def accounts(self) -> list[Row]:
        return [self._row("Account", account) for account in self._owned("Account")]

    def roles(self) -> Row:
        """Return `roles` with the permissions that each gives, and all `permissions` together."""
        held = access.roles(ids_in(self._user, "rolesIds"))
        rows: list[Row] = [
            {"id": identifier, "name": role.name, "permissions": sorted(role.permissions)}
            for identifier, role in sorted(held.items())
        ]
        return {"roles": rows, "permissions": sorted({name for row in rows for name in row["permissions"]})}

    def events(self) -> list[Row]:
        """Return what was done to the user with chatctl: of a command its first words, others may be named behind."""
        if not isinstance(self.id, ObjectId):
            return []
        kept = ("id", "at", *(("reason",) if self.named else ()))
        return [
            {key: event[key] for key in kept}
            | {"command": " ".join(event["command"].split()[:2]), "state": event["state"]}
            for event in audit.find(target=str(self.id)).rows()
        ]

    def count_messages(self) -> int:
        return connection.database()["Message"].count_documents(self._mine("Message", "senderId"))

    def messages(self) -> Iterator[Row]:
        """Read the person's messages, oldest first: `seen` are the others who have seen it."""
        found = connection.database()["Message"]
        order = [("createAt", ASCENDING), ("_id", ASCENDING)]
        # One query for each form: an index gives its order for one value alone.
        mine = self._mine("Message", "senderId")
        queries = [{"senderId": form} for form in forms(self.id)] + mine.get("$or", [])[1:]
        documents = heapq.merge(*(found.find(where, batch_size=BATCH).sort(order) for where in queries), key=_when)
        while batch := list(islice(documents, BATCH)):
            self._people.meet(person for message in batch for person in ids(message, "seenIds"))
            for message in batch:
                row = self._row("Message", message) | {"seen": self._people.labels(ids(message, "seenIds"))}
                yield row | {"conversationId": _text(row["conversationId"])}

    def conversations(self, own: Mapping[str | None, int]) -> list[Row]:
        """Return the conversations the person is a member of or has written in, oldest first.

        `own` counts the person's messages in each, by its id. Of what the person has left, or is gone, no participants
        are told.
        """
        where = self._mine("Conversation", "userIds")
        found = connection.database()["Conversation"].find(where, CONVERSATION)
        joined = {str(referred(one["_id"])): one for one in found}
        listed = ids(self._user, "conversationIds")
        there = joined | _by_id("Conversation", {*listed, *filter(None, own)} - joined.keys(), CONVERSATION)
        members = {*joined, *listed}
        order: list[Any] = [*sorted(there), *sorted({*listed, *own} - there.keys(), key=str)]
        others = {key: ids(there[key], "userIds") if key in there and key in members else [] for key in order}
        self._people.meet(person for people in others.values() for person in people)
        return [
            {
                "id": key,
                **{field: readable(there.get(key, {}).get(field)) for field in ("name", "isGroup", "created_at")},
                "member": key in members,
                "gone": key not in there,
                "participants": self._people.labels(people),
                "ownMessages": own.get(key, 0),
            }
            for key, people in others.items()
        ]

    def left_out(self) -> Iterator[Row]:
        """Say what is not given, and why; what the last messages hold is known when they are read."""
        yield _left("The hash of the password", "It is a secret; user.json says whether there is one")
        yield _left("Tokens of linked sign-ins", "They are secrets; accounts.json says which there are")
        yield _left("Messages of other people", "They are the data of those who wrote them")
        if not self.named:
            yield _left("Names of other people", "They are numbered, the same number is the same person")
            yield _left("Reasons that administrators gave", "They can name other people")
        yield _left("Who administered the account, and former values", "The audit trail keeps them, to account for it")
        yield _left("Images", "They lie elsewhere; their addresses are given")
        if self._passed_over:
            fields = ", ".join(sorted(self._passed_over))
            yield _left(f"Fields that the schema does not have: {fields}", "What they hold is not known")

    def _owned(self, collection: str) -> Iterable[Document]:
        return connection.database()[collection].find(self._mine(collection, "userId")).sort("_id", ASCENDING)

    def _mine(self, collection: str, field: str) -> Document:
        return finding.referring(collection, field, self.id)

    def _row(self, collection: str, document: Document) -> Row:
        fields, secrets = FIELDS[collection], SECRETS.get(collection, {})
        unknown = document.keys() - {"_id", *fields, *secrets, *SAID_ELSEWHERE}
        self._passed_over |= {f"{collection}.{name}" for name in unknown}
        row = {"id": document["_id"], **{name: readable(document.get(name)) for name in fields}}
        return row | {key: bool(document.get(name)) for name, key in secrets.items()}


def _by_id(collection: str, wanted: Iterable[str], fields: tuple[str, ...]) -> dict[str, Document]:
    """Read documents by their ids, in the order of these."""
    found = {str(referred(one["_id"])): one for one in finding.with_id(collection, sorted(set(wanted)), fields)}
    return dict(sorted(found.items()))


def _when(message: Document) -> datetime:
    """Return the time to sort by; a server, too, has what is no time before all that are."""
    time = message.get("createAt")
    return time if isinstance(time, datetime) else datetime.min.replace(tzinfo=UTC)


def _text(identifier: Any) -> str | None:
    return None if identifier is None else str(referred(identifier))


def _left(what: str, why: str) -> Row:
    return {"what": what, "why": why}
