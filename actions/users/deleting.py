"""Delete users with their messages, accounts, profiles and one-to-one conversations."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, product
from typing import Any, Final

from actions import lookup, queries
from actions.cascading_deletion import CascadingDeletion, conversation_filters, deleted_documents, departures
from actions.rules import lockout
from actions.rules.checked_changeset import FOREVER, replannable
from changes import Batch, Change, Changeset, Delete, Document, Result, Stream
from changes.visible_values import readable_text
from database import connection
from database.own_collections import STATE
from database.references import has_other_forms, ids_in, joined, reference_filter, references_in, referred
from database.wording import NAMED, in_words
from models.values import PAIR, is_group

USERS_PER_BATCH: Final = 200
"""The largest number of users that one batch of changes deletes, together with their accounts and profiles."""


@replannable(deletes=True)
def delete(
    refs: Sequence[str],
    *,
    skip_missing: bool = False,
    keep_conversations: bool = False,
    forever: bool = False,
    allow_last_member: bool = False,
) -> Changeset:
    """Delete users with their messages, accounts, profiles and one-to-one conversations.

    If `forever` is true, the deletion cannot be undone. If `keep_conversations` is true, one-to-one conversations are
    kept. Raises `LastMemberError` if a protected role would lose its last active member.
    """
    found = lookup.find_users(refs, skip_missing=skip_missing)
    lookup.refuse_duplicate_ids("User", (user.document for user in found))
    deletion = _Deletion([user.document for user in found], keep_conversations=keep_conversations)
    gone: list[Change] = [Delete("User", user.document) for user in found]
    return Changeset(
        f"users delete {in_words([user.ref for user in found])}",
        [*(Result(user.document["_id"], user.ref, "deleted") for user in found), *found.missing],
        Stream(
            deletion.batches,
            deletion.counts(),
            losing=lambda: chain(gone, deletion.departures(), deleted_documents(deletion.filters())),
        ),
        asks=True,
        notes=[*deletion.notes(), *(FOREVER if forever else ())],
        names=deletion.names,
        rules=[] if allow_last_member else lockout.member_rules(gone),
        lifted=lockout.lifted(allow_last_member=allow_last_member),
        undoable=not forever,
    )


class _Deletion:
    """The deletion of some users.

    The one-to-one conversations of these users are deleted, unless `keep_conversations` is true. From all other
    conversations, the users are removed.
    """

    def __init__(self, users: list[Document], *, keep_conversations: bool) -> None:
        self._users = users
        self._ids = {referred(user["_id"]) for user in users}
        self.names = {user["_id"]: lookup.user_label(user) for user in users}
        listed = {identifier for user in users for identifier in references_in(user, "conversationIds")}
        shown = ["name", "isGroup", "userIds"]
        found = chain(
            self._referring("Conversation", "userIds", shown), queries.find_by_ids("Conversation", listed, shown)
        )
        conversations = {conversation["_id"]: conversation for conversation in found}
        ended = {} if keep_conversations else {key: c for key, c in conversations.items() if self._ends(c)}
        self._ended = ended
        self._left = [c for key, c in conversations.items() if key not in ended]

    def counts(self) -> dict[tuple[str, str], int]:
        """Count the documents to delete. A document from which only a link is removed does not count."""
        database = connection.database()

        def count(name: str, field: str, values: Iterable[Any], where: Document | None = None) -> int:
            filters = (queries.refers_to(name, field, *part) for part in queries.chunks(values))
            return sum(database[name].count_documents(joined(where or {}, one)) for one in filters)

        messages = count("Message", "conversationId", self._ended) + count(
            "Message", "senderId", self._ids, self._in_other_conversations()
        )
        owned = {name: count(name, "userId", self._ids) for name in ("Account", "Profile")}
        counts = {"Message": messages, "Conversation": len(self._ended), **owned, "User": len(self._ids)}
        return {("delete", name): count for name, count in counts.items()}

    def notes(self) -> Iterator[str]:
        """Yield notes about the conversations that are deleted, and about the conversations that are kept."""
        for what, conversations in (
            ("One-to-one conversations that will be deleted: {}", list(self._ended.values())),
            ("Other conversations that will lose only the messages of these users: {}", self._left),
            ("{} will have only two people.", [c for c in self._left if self._collides(c)]),
        ):
            if conversations:
                more = f" and {len(conversations) - NAMED:,} more" if len(conversations) > NAMED else ""
                yield what.format(f"{', '.join(_labels(conversations[:NAMED], self._ids))}{more}")

    def departures(self) -> Iterator[Change]:
        """Yield the changes that remove the deleted users from the conversations that are kept."""
        return departures(self._left, self._ids)

    def filters(self) -> Iterator[tuple[str, Document]]:
        """Yield filters for the documents to delete, except the users, as pairs (collection, filter)."""
        yield from conversation_filters(self._ended)
        for some in queries.chunks(self._ids):
            yield "Message", joined(self._in_other_conversations(), queries.refers_to("Message", "senderId", *some))
            yield from ((name, queries.refers_to(name, "userId", *some)) for name in ("Account", "Profile"))

    def batches(self) -> Iterator[Batch]:
        """Yield the batches of the deletion.

        The users are deleted last, so that the same command can continue after an interruption.
        """
        users = [dict(user) for user in self._users]
        cascade = CascadingDeletion(self.names, users)
        yield from cascade.delete_conversations(self._ended)
        elsewhere = self._in_other_conversations()
        for some in queries.chunks(self._ids):
            yield from cascade.delete_messages([joined(elsewhere, queries.refers_to("Message", "senderId", *some))])
        yield from self._remove_from_seen(cascade, users)
        yield from self._remove_from_conversations(cascade, users)
        for start in range(0, len(users), USERS_PER_BATCH):
            self._delete(cascade, users[start : start + USERS_PER_BATCH])
            yield from cascade.draft.finished_batches()
        yield from cascade.draft.batches

    def _in_other_conversations(self) -> Document:
        """Return the filter for messages in conversations that are kept."""
        return {"$nor": [queries.refers_to("Message", "conversationId", *self._ended)]} if self._ended else {}

    def _referring(self, collection: str, field: str, fields: Sequence[str] | None = None) -> Iterator[Document]:
        """Read the documents that refer to the deleted users."""
        for some in queries.chunks(self._ids):
            yield from connection.database()[collection].find(queries.refers_to(collection, field, *some), fields)

    def _remove_from_seen(self, cascade: CascadingDeletion, users: list[Document]) -> Iterator[Batch]:
        """Remove the links between the deleted users and the messages of other people that they have seen.

        Both documents of each link are changed.
        """
        seen = _listing(users, "seenMessageIds")
        database = connection.database()
        # Without an index, each of these two queries reads all messages. So each query is made only once, and not once
        # for each chunk.
        odd = {field: has_other_forms(database, "Message", field) for field in ("conversationId", "seenIds")}
        for conversations, some in product(queries.chunks(c["_id"] for c in self._left), queries.chunks(self._ids)):
            here = reference_filter("conversationId", conversations, odd=odd["conversationId"])
            where = joined(here, reference_filter("seenIds", some, odd=odd["seenIds"]))
            found = database["Message"].find(where, ["_id"])
            for message in found:
                seen.setdefault(referred(message["_id"]), [])
        ended = set(map(referred, self._ended))
        for part in queries.chunks(seen):
            alike: dict[tuple[Any, ...], list[Document]] = {}
            for message in queries.find_by_ids("Message", part, ["seenIds", "senderId", "conversationId"]):
                if (
                    referred(message.get("senderId")) not in self._ids
                    and referred(message.get("conversationId")) not in ended
                ):
                    leaving = sorted(self._ids & references_in(message, "seenIds"), key=str)
                    alike.setdefault(tuple(leaving), []).append(message)
            own = {user["_id"]: user for message in part for user in seen[message]}
            cascade.draft.reserve(sum(map(len, alike.values())) + len(own))
            cascade.draft.take("User", own.values(), "seenMessageIds", part)
            for readers, messages in alike.items():
                cascade.draft.take("Message", messages, "seenIds", readers)
            yield from cascade.draft.finished_batches()

    def _remove_from_conversations(self, cascade: CascadingDeletion, users: list[Document]) -> Iterator[Batch]:
        """Remove the links between the deleted users and the conversations that are kept.

        Both documents of each link are changed.
        """
        listing = _listing(users, "conversationIds")
        for conversation in map(dict, self._left):
            own = listing.get(referred(conversation["_id"]), [])
            cascade.draft.reserve(1 + len(own))
            cascade.draft.take("User", own, "conversationIds", [conversation["_id"]])
            leaving = self._ids & references_in(conversation, "userIds")
            cascade.draft.take("Conversation", [conversation], "userIds", sorted(leaving, key=str))
            yield from cascade.draft.finished_batches()

    def _delete(self, cascade: CascadingDeletion, users: list[Document]) -> None:
        """Delete users with their accounts and profiles.

        Also remove the users from roles, and from the records about seeds.
        """
        draft = cascade.draft
        ids = [referred(user["_id"]) for user in users]
        owned = {
            name: list(connection.database()[name].find(queries.refers_to(name, "userId", *ids)))
            for name in ("Account", "Profile")
        }
        roles = {role for user in users for role in references_in(user, "rolesIds")}
        listing = connection.database()["Role"].find(queries.refers_to("Role", "userIds", *ids), ["_id"])
        roles.update(referred(role["_id"]) for role in listing)
        records = {record["_id"] for record in queries.find_by_values(STATE, "users", ids, ["_id"])}
        holding = {
            (name, field): cascade.with_list(name, field, listed)
            for name, field, listed in (("Role", "userIds", roles), (STATE, "users", records))
        }
        draft.reserve(sum(map(len, [*owned.values(), *holding.values(), users])))
        for collection, documents in owned.items():
            for document in documents:
                draft.delete(collection, document)
        for (collection, field), documents in holding.items():
            draft.take(collection, documents, field, ids)
        for user in users:
            draft.delete("User", user)

    def _ends(self, conversation: Document) -> bool:
        """Tell whether a conversation is one-to-one, and will have fewer than two people after the deletion."""
        others = set(ids_in(conversation, "userIds")) - self._ids
        return not is_group(conversation) and len(others) < PAIR

    def _collides(self, conversation: Document) -> bool:
        """Tell whether a group will have only two people. The application would treat such a group as one-to-one."""
        people = set(ids_in(conversation, "userIds"))
        return len(people) > PAIR and len(people - self._ids) == PAIR


def _listing(users: Iterable[Document], field: str) -> dict[Any, list[Document]]:
    """Return id → the users whose list `field` contains this id."""
    found: dict[Any, list[Document]] = {}
    for user in users:
        for identifier in references_in(user, field):
            found.setdefault(identifier, []).append(user)
    return found


def _labels(conversations: Sequence[Document], without: Collection[Any]) -> Iterator[str]:
    """Yield a label for each conversation: the name of the group, or the usernames of its participants.

    The participants in `without` are not named.
    """
    people = {c["_id"]: [i for i in ids_in(c, "userIds") if i not in without] for c in conversations}
    users = queries.find_by_ids("User", {i for ids in people.values() for i in ids}, ["username"])
    names = {referred(user["_id"]): lookup.user_label(user) for user in users}
    for conversation in conversations:
        others = [names[i] for i in people[conversation["_id"]] if i in names]
        alone = f"with {' and '.join(others)}" if len(others) in {1, PAIR} else f"{conversation['_id']}"
        yield readable_text(conversation.get("name") or alone)
