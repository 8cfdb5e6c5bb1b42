"""Deleting users with all that depends on them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, product
from typing import Any, Final

from actions import finding
from actions.conversation_titles import PAIR, is_group
from actions.message_removal import Removing, deletions, of_conversations
from actions.rules import last_active_member
from actions.rules.changesets import FOREVER, replannable
from changes import Batch, Change, Changeset, Delete, Document, Result, Stream, ids_in
from changes.visible_values import readable_text
from database import connection
from database.own_collections import STATE
from database.references import has_other_forms, joined, reference_filter, references_in, referred
from database.wording import NAMED, in_words

TOGETHER: Final = 200
"""Users who go in one batch, each with accounts and a profile."""


@replannable(deletes=True)
def delete(
    refs: Sequence[str],
    *,
    skip_missing: bool = False,
    keep_conversations: bool = False,
    forever: bool = False,
    allow_last_member: bool = False,
) -> Changeset:
    """Delete users, their messages, accounts and profiles, and the one-to-one conversations that end with them.

    With `forever` nothing is kept to undo it with. Raises `LastMemberError` where a protected role would lose its last
    active member.
    """
    found = finding.users(refs, skip_missing=skip_missing)
    finding.refuse_twins("User", (user.document for user in found))
    deletion = _Deletion([user.document for user in found], keep_conversations=keep_conversations)
    gone: list[Change] = [Delete("User", user.document) for user in found]
    return Changeset(
        f"users delete {in_words([user.ref for user in found])}",
        [*(Result(user.document["_id"], user.ref, "deleted") for user in found), *found.missing],
        Stream(deletion.batches, deletion.counts(), losing=lambda: chain(gone, deletions(deletion.filters()))),
        asks=True,
        notes=[*deletion.notes(), *(FOREVER if forever else ())],
        names=deletion.names,
        rules=[] if allow_last_member else last_active_member.rules(gone),
        undoable=not forever,
    )


class _Deletion:
    """What goes with some users: `ended` conversations whole, out of the `left` ones the users alone."""

    def __init__(self, users: list[Document], *, keep_conversations: bool) -> None:
        self._users = users
        self._ids = {referred(user["_id"]) for user in users}
        self.names = {user["_id"]: finding.user_label(user) for user in users}
        listed = {identifier for user in users for identifier in references_in(user, "conversationIds")}
        shown = ["name", "isGroup", "userIds"]
        found = chain(self._referring("Conversation", "userIds", shown), finding.with_id("Conversation", listed, shown))
        conversations = {conversation["_id"]: conversation for conversation in found}
        ended = {} if keep_conversations else {key: c for key, c in conversations.items() if self._ends(c)}
        self._ended = ended
        self._left = [c for key, c in conversations.items() if key not in ended]

    def counts(self) -> dict[tuple[str, str], int]:
        """Count what is deleted; what only loses a link is not counted."""
        database = connection.database()

        def count(name: str, field: str, values: Iterable[Any], where: Document | None = None) -> int:
            filters = (finding.referring(name, field, *part) for part in finding.parts(values))
            return sum(database[name].count_documents(joined(where or {}, one)) for one in filters)

        messages = count("Message", "conversationId", self._ended) + count(
            "Message", "senderId", self._ids, self._stays()
        )
        owned = {name: count(name, "userId", self._ids) for name in ("Account", "Profile")}
        counts = {"Message": messages, "Conversation": len(self._ended), **owned, "User": len(self._ids)}
        return {("delete", name): count for name, count in counts.items()}

    def notes(self) -> Iterator[str]:
        """Say which conversations end, and what becomes of the others."""
        for what, conversations in (
            ("one-to-one conversations end", list(self._ended.values())),
            ("other conversations lose their messages and stay", self._left),
            ("of these only two people are left", [c for c in self._left if self._collides(c)]),
        ):
            if conversations:
                more = f" and {len(conversations) - NAMED:,} more" if len(conversations) > NAMED else ""
                yield f"{what}: {', '.join(_labels(conversations[:NAMED], self._ids))}{more}"

    def filters(self) -> Iterator[tuple[str, Document]]:
        """Yield the filters for what is deleted beside the users."""
        yield from of_conversations(self._ended)
        for some in finding.parts(self._ids):
            yield "Message", joined(self._stays(), finding.referring("Message", "senderId", *some))
            yield from ((name, finding.referring(name, "userId", *some)) for name in ("Account", "Profile"))

    def batches(self) -> Iterator[Batch]:
        """Delete children first, and each user in the end, so that the same command finishes what was interrupted."""
        users = [dict(user) for user in self._users]
        removing = Removing(self.names, users)
        yield from removing.conversations(self._ended)
        stays = self._stays()
        for some in finding.parts(self._ids):
            yield from removing.messages([joined(stays, finding.referring("Message", "senderId", *some))])
        yield from self._unsee(removing, users)
        yield from self._leave(removing, users)
        for start in range(0, len(users), TOGETHER):
            self._delete(removing, users[start : start + TOGETHER])
            yield from removing.draft.finished_batches()
        yield from removing.draft.batches

    def _stays(self) -> Document:
        return {"$nor": [finding.referring("Message", "conversationId", *self._ended)]} if self._ended else {}

    def _referring(self, collection: str, field: str, fields: Sequence[str] | None = None) -> Iterator[Document]:
        """Read the documents that refer to the users."""
        for some in finding.parts(self._ids):
            yield from connection.database()[collection].find(finding.referring(collection, field, *some), fields)

    def _unsee(self, removing: Removing, users: list[Document]) -> Iterator[Batch]:
        """Remove the users from the readers of messages that stay, and these messages from what the users have seen."""
        seen = _listing(users, "seenMessageIds")
        database = connection.database()
        # Each of these reads all messages where no index helps, so once for all parts.
        odd = {field: has_other_forms(database, "Message", field) for field in ("conversationId", "seenIds")}
        for places, some in product(finding.parts(c["_id"] for c in self._left), finding.parts(self._ids)):
            here = reference_filter("conversationId", places, odd=odd["conversationId"])
            where = joined(here, reference_filter("seenIds", some, odd=odd["seenIds"]))
            found = database["Message"].find(where, ["_id"])
            for message in found:
                seen.setdefault(referred(message["_id"]), [])
        ended = set(map(referred, self._ended))
        for part in finding.parts(seen):
            alike: dict[tuple[Any, ...], list[Document]] = {}
            for message in finding.with_id("Message", part, ["seenIds", "senderId", "conversationId"]):
                if (
                    referred(message.get("senderId")) not in self._ids
                    and referred(message.get("conversationId")) not in ended
                ):
                    leaving = sorted(self._ids & references_in(message, "seenIds"), key=str)
                    alike.setdefault(tuple(leaving), []).append(message)
            own = {user["_id"]: user for message in part for user in seen[message]}
            removing.draft.reserve(sum(map(len, alike.values())) + len(own))
            removing.draft.take("User", own.values(), "seenMessageIds", part)
            for readers, messages in alike.items():
                removing.draft.take("Message", messages, "seenIds", readers)
            yield from removing.draft.finished_batches()

    def _leave(self, removing: Removing, users: list[Document]) -> Iterator[Batch]:
        """Remove the users from the conversations that stay, and these conversations from the lists of the users."""
        listing = _listing(users, "conversationIds")
        for conversation in map(dict, self._left):
            own = listing.get(referred(conversation["_id"]), [])
            removing.draft.reserve(1 + len(own))
            removing.draft.take("User", own, "conversationIds", [conversation["_id"]])
            leaving = self._ids & references_in(conversation, "userIds")
            removing.draft.take("Conversation", [conversation], "userIds", sorted(leaving, key=str))
            yield from removing.draft.finished_batches()

    def _delete(self, removing: Removing, users: list[Document]) -> None:
        """Delete users with their accounts and profiles, out of their roles and of what a seed remembers."""
        draft = removing.draft
        ids = [referred(user["_id"]) for user in users]
        owned = {
            name: list(connection.database()[name].find(finding.referring(name, "userId", *ids)))
            for name in ("Account", "Profile")
        }
        roles = {role for user in users for role in references_in(user, "rolesIds")}
        listing = connection.database()["Role"].find(finding.referring("Role", "userIds", *ids), ["_id"])
        roles.update(referred(role["_id"]) for role in listing)
        records = {record["_id"] for record in finding.having(STATE, "users", ids, ["_id"])}
        holding = {
            (name, field): removing.with_list(name, field, listed)
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
        """Tell a one-to-one conversation that nobody could hold any more."""
        others = set(ids_in(conversation, "userIds")) - self._ids
        return not is_group(conversation) and len(others) < PAIR

    def _collides(self, conversation: Document) -> bool:
        """Tell a group that the application would take for the one-to-one conversation of the two who are left."""
        people = set(ids_in(conversation, "userIds"))
        return len(people) > PAIR and len(people - self._ids) == PAIR


def _listing(users: Iterable[Document], field: str) -> dict[Any, list[Document]]:
    """Return those of some users who have an id in a list of their own."""
    found: dict[Any, list[Document]] = {}
    for user in users:
        for identifier in references_in(user, field):
            found.setdefault(identifier, []).append(user)
    return found


def _labels(conversations: Sequence[Document], without: Collection[Any]) -> Iterator[str]:
    """Call groups by their names, and one-to-one conversations by the people in them."""
    people = {c["_id"]: [i for i in ids_in(c, "userIds") if i not in without] for c in conversations}
    users = finding.with_id("User", {i for ids in people.values() for i in ids}, ["username"])
    names = {referred(user["_id"]): finding.user_label(user) for user in users}
    for conversation in conversations:
        others = [names[i] for i in people[conversation["_id"]] if i in names]
        alone = f"with {' and '.join(others)}" if len(others) in {1, PAIR} else f"{conversation['_id']}"
        yield readable_text(conversation.get("name") or alone)
