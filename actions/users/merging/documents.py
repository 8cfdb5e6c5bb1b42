"""The documents of a merge: the users, and their sign-ins, profiles, roles and conversations."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from actions import lookup, queries
from actions.display_names import Usernames, person_label
from actions.users.listing import PROFILE
from actions.users.merging import conversations, values
from changes import Document, holds
from changes.id_lists import MOST_IDS, TooManyLinksError
from changes.visible_values import name_of
from database import connection
from database.ids import id_text
from database.references import ids_in, joined, references_in, referred


class Accounts:
    """The linked sign-ins of merged users.

    The user who stays gets the `moved` ones. The `dropped` ones are duplicates.
    """

    def __init__(self, into: Any, ids: Sequence[Any]) -> None:
        held = {_sign_in(one) for one in owned("Account", [into])}
        self.moved: list[Document] = []
        self.dropped: list[Document] = []
        for account in owned("Account", ids):
            (self.dropped if _sign_in(account) in held else self.moved).append(account)
            held.add(_sign_in(account))


class Profiles:
    """The profiles of all users of a merge.

    The `kept` profile gets the `new` values. The `dropped` profiles are deleted.
    """

    def __init__(self, into: Any, ids: Sequence[Any]) -> None:
        own = owned("Profile", [into])  # as in the application, the first profile counts
        self.others = owned("Profile", ids)
        self.before = own[0] if own else {}
        found = [*own[:1], *self.others]
        self.kept = found[0] if found else None
        self.dropped = found[1:]
        self.new: Document = {"userId": into} if found and not own else {}
        for other in self.dropped:
            self.new |= values.missing_values({**(self.kept or {}), **self.new}, other, PROFILE)


class Merge:
    """A merge of `users` into the user `into`. All fields of these users must have been read."""

    def __init__(self, users: list[Document], into: Document, *, union: bool, keep_conversations: bool) -> None:
        self.users, self.into, self.union = users, into, union
        self.ids = [referred(user["_id"]) for user in users]
        self.target = referred(into["_id"])
        self.names = {user["_id"]: lookup.user_label(user) for user in (*users, into)}
        self.places = conversations.of_users(users, into, keep=keep_conversations)
        self.names |= {one["_id"]: name for one in self.places.moved if (name := name_of("Conversation", one))}
        self.accounts = Accounts(self.target, self.ids)
        self.profiles = Profiles(self.target, self.ids)
        listing = referring("Role", "userIds", self.ids, ["name"])
        held = {role for user in users for role in references_in(user, "rolesIds")}
        roles = chain(listing, queries.find_by_ids("Role", held, ["name"]))
        self.roles = {referred(role["_id"]): lookup.label(role) for role in roles}

    def others(self, place: Document) -> list[Any]:
        """Return the participants of a conversation who are not users of this merge."""
        return [one for one in dict.fromkeys(ids_in(place, "userIds")) if one not in {*self.ids, self.target}]

    def role_names(self) -> tuple[list[str], list[str]]:
        """Return the role names of the user who stays, and the names of the roles that only merged users have."""
        mine = ids_in(self.into, "rolesIds")
        own = {referred(one["_id"]): lookup.label(one) for one in queries.find_by_ids("Role", mine, ["name"])}
        return sorted(own.values()), sorted(name for role, name in self.roles.items() if role not in own)

    def count(self, collection: str, field: str, ids: Iterable[Any], where: Document | None = None) -> int:
        """Count the documents that refer to one of these ids."""
        filters = (queries.refers_to(collection, field, *some) for some in queries.chunks(ids))
        return sum(connection.database()[collection].count_documents(joined(where or {}, one)) for one in filters)

    def counts(self) -> dict[tuple[str, str], int]:
        """Count the most important documents that change. A document in which only links change does not count."""
        moving = self.count("Message", "conversationId", self.places.emptied)
        moving += self.count("Message", "senderId", self.ids, self.elsewhere())
        ended = [one["_id"] for one in self.places.ended]
        return {
            ("update", "Message"): moving,
            ("update", "Conversation"): len(self.places.moved),
            ("update", "Account"): len(self.accounts.moved),
            ("delete", "Message"): self.count("Message", "conversationId", ended),
            ("delete", "Conversation"): len(self.places.deleted),
            ("delete", "Account"): len(self.accounts.dropped),
            ("delete", "Profile"): len(self.profiles.dropped),
            ("delete", "User"): len(self.users),
        }

    def refuse_too_many(self) -> None:
        """Raise `TooManyLinksError` if a list of the user who stays would become too long for a document."""
        for field in ("seenMessageIds", "conversationIds"):
            together = set[Any]().union(*(references_in(user, field) for user in (*self.users, self.into)))
            if len(together) > MOST_IDS:
                raise TooManyLinksError("User", self.into["_id"], field, len(together))

    def elsewhere(self) -> Document:
        """Return the filter for messages in conversations that are not deleted."""
        gone = self.places.deleted
        return {"$nor": [queries.refers_to("Message", "conversationId", *gone)]} if gone else {}

    def held_messages(self) -> Iterator[tuple[str, Document]]:
        """Yield each changed message that a legal hold keeps, with the name of the field that would change."""
        held = holds.read(connection.database())
        for field, ids in (("senderId", self.ids), ("conversationId", self.places.emptied)) if held else ():
            for some in queries.chunks(ids):
                found = referring("Message", field, some, ["senderId", "conversationId"])
                yield from ((field, message) for message in found if held.keeper("Message", message))

    def labels(self, ids: Sequence[Any]) -> list[str]:
        """Return the usernames of users."""
        usernames, texts = Usernames(), [id_text(referred(one)) for one in ids]
        usernames.load(texts)
        return [person_label({"id": one, "username": usernames.get(one)}) for one in texts]


def referring(
    collection: str, field: str, ids: Sequence[Any], fields: Sequence[str] | None = None
) -> Iterator[Document]:
    """Read the documents that refer to one of these users."""
    yield from connection.database()[collection].find(queries.refers_to(collection, field, *ids), fields)


def owned(collection: str, ids: Sequence[Any]) -> list[Document]:
    """Read the accounts or profiles of users, in the order of these users."""
    order = {identifier: place for place, identifier in enumerate(ids)}
    found = referring(collection, "userId", ids) if ids else ()
    return sorted(found, key=lambda one: (order.get(referred(one["userId"]), 0), str(one["_id"])))


def _sign_in(account: Document) -> tuple[str, str]:
    """Return the unique key of a linked sign-in as texts, because broken data can have values of any type."""
    return repr(account.get("provider")), repr(account.get("providerAccountId"))
