"""The personal data that a user may request (GDPR, article 15): all stored data of the user except secrets."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING

from actions import audit, lookup, queries
from actions.display_names import Usernames, id_texts
from actions.users import access
from actions.users.listing import ACCOUNT, PROFILE, TOKENS
from changes import Document
from changes.visible_values import readable
from database import connection
from database.ids import id_text
from database.listing import BATCH, Row
from database.references import forms, ids_in, referred

FIELDS: Final = {
    "User": (
        *("email", "username", "name", "status", "createdAt", "updatedAt", "lastLogin", "emailVerified"),
        *("profileId", "rolesIds", "conversationIds", "seenMessageIds"),
    ),
    "Profile": PROFILE,
    "Account": ACCOUNT,
    "Message": ("conversationId", "createAt", "body", "image"),
}
"""Collection → the fields that are exported. Other fields are not exported, because they may be secrets."""

SECRETS: Final = {
    "User": {"hashedPassword": "hasPassword"},
    "Account": {**TOKENS, "session_state": "hasSessionState"},
}
"""Secret field → the key in the export that only tells whether the secret field has a value."""

EXPORTED_OTHERWISE: Final = {"userId", "senderId", "seenIds"}
"""Fields that are not exported and need no note: they name the owner of a document, or are exported in another form."""

CONVERSATION: Final = ("name", "isGroup", "created_at", "userIds")


def export_data(ref: str, *, with_names: bool = False) -> "PersonalData":
    """Find a user, and return the personal data. Other people are named by numbers, unless `with_names` is true."""
    user = lookup.find_user(ref)
    lookup.refuse_duplicate_ids("User", [user])
    return PersonalData(user, named=with_names)


class PersonalData:
    """The personal data of a user. Each method reads one part of the data. Messages are read in batches."""

    def __init__(self, user: Document, *, named: bool) -> None:
        self.id = user["_id"]
        self.label = lookup.user_label(user)
        self.named = named
        self._user = user
        self._people = OtherPeople(self.id, named=named)
        self._unknown_fields: set[str] = set()

    def user(self) -> Row:
        """Return the fields of the user."""
        return self._row("User", self._user)

    def profiles(self) -> list[Row]:
        """Return a list with the profile of the user. In broken data, there may be several profiles."""
        return [self._row("Profile", profile) for profile in self._owned("Profile")]

    def accounts(self) -> list[Row]:
        """Return the linked sign-ins, without their secrets."""
        return [self._row("Account", account) for account in self._owned("Account")]

    def roles(self) -> Row:
        """Return the roles of the user with their permissions, and a list of all these permissions."""
        held = access.read_roles(ids_in(self._user, "rolesIds"))
        rows: list[Row] = [
            {"id": identifier, "name": role.name, "permissions": sorted(role.permissions)}
            for identifier, role in sorted(held.items())
        ]
        return {"roles": rows, "permissions": sorted({name for row in rows for name in row["permissions"]})}

    def events(self) -> list[Row]:
        """Return the events about the user, with only the first two words of each command.

        Other words may name other people.
        """
        if not isinstance(self.id, ObjectId):
            return []
        kept = ("id", "at", *(("reason",) if self.named else ()))
        return [
            {key: event[key] for key in kept}
            | {"command": " ".join(event["command"].split()[:2]), "state": event["state"]}
            for event in audit.find(target=str(self.id)).rows("id")
        ]

    def count_messages(self) -> int:
        """Return the number of messages that the user has sent."""
        return connection.database()["Message"].count_documents(self._referring("Message", "senderId"))

    def messages(self) -> Iterator[Row]:
        """Read the messages that the user has sent, oldest first.

        `seen` lists the other people who have seen a message.
        """
        found = connection.database()["Message"]
        order = [("createAt", ASCENDING), ("_id", ASCENDING)]
        # Make one query for each form of the user's id. With several forms in one query, the index would not give a
        # sorted result.
        mine = self._referring("Message", "senderId")
        filters = [{"senderId": form} for form in forms(self.id)] + mine.get("$or", [])[1:]
        documents = heapq.merge(*(found.find(where, batch_size=BATCH).sort(order) for where in filters), key=_sort_time)
        while batch := list(islice(documents, BATCH)):
            self._people.load(person for message in batch for person in id_texts(message, "seenIds"))
            for message in batch:
                row = self._row("Message", message) | {"seen": self._people.labels(id_texts(message, "seenIds"))}
                yield row | {"conversationId": _text(row["conversationId"])}

    def conversations(self, own: Mapping[str | None, int]) -> list[Row]:
        """Return the conversations in which the user is a participant or has sent a message, oldest first.

        `own` maps the id of a conversation to the number of messages that the user has sent in it. The other
        participants are exported only if the conversation exists and the user is a participant.
        """
        where = self._referring("Conversation", "userIds")
        found = connection.database()["Conversation"].find(where, CONVERSATION)
        joined = {str(referred(one["_id"])): one for one in found}
        listed = id_texts(self._user, "conversationIds")
        there = joined | _by_id("Conversation", {*listed, *filter(None, own)} - joined.keys(), CONVERSATION)
        members = {*joined, *listed}
        order: list[Any] = [*sorted(there), *sorted({*listed, *own} - there.keys(), key=str)]
        others = {key: id_texts(there[key], "userIds") if key in there and key in members else [] for key in order}
        self._people.load(person for people in others.values() for person in people)
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

    def omitted(self) -> Iterator[Row]:
        """Yield sentences that say which data is not exported, and why.

        Call this method after all other methods, because it uses their results.
        """
        yield _omitted("The hash of the password", "It is secret. user.json says whether a password is set")
        yield _omitted("Tokens of linked sign-ins", "They are secret. accounts.json says which tokens exist")
        yield _omitted("Messages of other people", "They are the data of the people who wrote them")
        if not self.named:
            yield _omitted("Names of other people", "They are replaced by numbers. The same number is the same person")
            yield _omitted("Reasons that administrators gave", "They can name other people")
        yield _omitted(
            "Who administered the account, and former values",
            "They are stored only in the audit trail, for security reasons",
        )
        yield _omitted("Images", "They are stored elsewhere. Their URLs are included")
        if self._unknown_fields:
            fields = ", ".join(sorted(self._unknown_fields))
            yield _omitted(f"Fields that are not in the schema: {fields}", "Their content is not known")

    def _owned(self, collection: str) -> Iterable[Document]:
        return connection.database()[collection].find(self._referring(collection, "userId")).sort("_id", ASCENDING)

    def _referring(self, collection: str, field: str) -> Document:
        return queries.refers_to(collection, field, self.id)

    def _row(self, collection: str, document: Document) -> Row:
        fields, secrets = FIELDS[collection], SECRETS.get(collection, {})
        unknown = document.keys() - {"_id", *fields, *secrets, *EXPORTED_OTHERWISE}
        self._unknown_fields |= {f"{collection}.{name}" for name in unknown}
        row = {"id": document["_id"], **{name: readable(document.get(name)) for name in fields}}
        return row | {key: bool(document.get(name)) for name, key in secrets.items()}


class OtherPeople:
    """The labels of other people: usernames if `named` is true, otherwise numbers ("participant 1")."""

    def __init__(self, excluded: Any, *, named: bool) -> None:
        self._excluded = id_text(referred(excluded))
        self._usernames = Usernames() if named else None
        self._labels: dict[str, str] = {}

    def load(self, found: Iterable[str]) -> None:
        """Give a label to each person who has no label yet.

        Pass many people at once, because each call may read usernames.
        """
        new = [person for person in dict.fromkeys(found) if person not in self._labels and person != self._excluded]
        if self._usernames:
            self._usernames.load(new)
        for person in new:
            name = self._usernames.get(person) if self._usernames else None
            self._labels[person] = name or f"participant {len(self._labels) + 1}"

    def labels(self, found: Iterable[str]) -> list[str]:
        """Return the labels of people, without the user and without duplicates. Call `load` with these people first."""
        return [self._labels[person] for person in dict.fromkeys(found) if person != self._excluded]


def _by_id(collection: str, wanted: Iterable[str], fields: tuple[str, ...]) -> dict[str, Document]:
    """Read documents by id, sorted by id."""
    found = {str(referred(one["_id"])): one for one in queries.find_by_ids(collection, sorted(set(wanted)), fields)}
    return dict(sorted(found.items()))


def _sort_time(message: Document) -> datetime:
    """Return the time by which a message is sorted. A value that is not a time comes first, as on the server."""
    time = message.get("createAt")
    return time if isinstance(time, datetime) else datetime.min.replace(tzinfo=UTC)


def _text(identifier: Any) -> str | None:
    return None if identifier is None else str(referred(identifier))


def _omitted(what: str, why: str) -> Row:
    return {"what": what, "why": why}
