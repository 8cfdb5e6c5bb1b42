"""Deleting users with all that depends on them."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from actions import finding, protection
from actions.removing import Removing, last_message_at
from models import connection
from models.changes import Batch, Change, Changeset, Delete, Document, Draft, Result, Stream, ids_in
from models.changes.collections import STATE

NAMED: Final = 10
"""Conversations that the preview names."""
PAIR: Final = 2


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
    deletion = _Deletion([user.document for user in found], keep_conversations=keep_conversations)
    gone: list[Change] = [Delete("User", user.document) for user in found]
    return Changeset(
        " ".join(["users delete", *(user.ref for user in found)]),
        [Result(user.document["_id"], user.ref, "deleted") for user in found],
        Stream(deletion.batches, deletion.counts()),
        asks=True,
        notes=[*deletion.notes(), *(["nothing is kept of it: this cannot be undone"] if forever else [])],
        names=deletion.names,
        rules=[] if allow_last_member else protection.rules(gone),
        undoable=not forever,
    )


class _Deletion:
    """What goes with some users: `ended` conversations whole, out of the `left` ones the users alone."""

    def __init__(self, users: list[Document], *, keep_conversations: bool) -> None:
        self._users = users
        self._ids = {user["_id"] for user in users}
        self.names = {user["_id"]: finding.user_label(user) for user in users}
        listed = [identifier for user in users for identifier in ids_in(user, "conversationIds")]
        shown = ["name", "isGroup", "userIds", "created_at", "lastMessageAt"]
        conversations = {
            conversation["_id"]: conversation
            for field, values in (("userIds", self._ids), ("_id", listed))
            for conversation in finding.having("Conversation", field, values, shown)
        }
        ended = {} if keep_conversations else {key: c for key, c in conversations.items() if self._ends(c)}
        self._ended = ended
        self._left = [c for key, c in conversations.items() if key not in ended]

    def counts(self) -> dict[tuple[str, str], int]:
        """Count what is deleted; what only loses a link is not counted."""
        database = connection.database()
        messages = sum(database["Message"].count_documents(self._sent(user)) for user in self._ids)
        messages += sum(database["Message"].count_documents({"conversationId": one}) for one in self._ended)
        owned = {
            name: sum(database[name].count_documents({"userId": user}) for user in self._ids)
            for name in ("Account", "Profile")
        }
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

    def batches(self) -> Iterator[Batch]:
        """Delete children first, and each user in the end, so that the same command finishes what was interrupted."""
        removing = Removing(self._ids, self._ended, self.names)
        yield from removing.conversations(self._ended)
        for user in self._users:
            yield from removing.messages(self._sent(user["_id"]))
            yield from self._unsee(removing, user)
        yield from self._leave(removing)
        for user in self._users:
            self._delete(removing.draft, user)
            yield from removing.draft.full()
        yield from removing.draft.batches

    def _sent(self, user: Any) -> Document:
        return {"senderId": user, "conversationId": {"$nin": list(self._ended)}}

    def _unsee(self, removing: Removing, user: Document) -> Iterator[Batch]:
        """Take a user out of the readers of messages that stay."""
        places = {"conversationId": {"$in": [c["_id"] for c in self._left]}, "seenIds": user["_id"]}
        seen = {m["_id"] for m in connection.database()["Message"].find(places, ["_id"])}
        for part in finding.parts([*seen, *(i for i in ids_in(user, "seenMessageIds") if i not in seen)]):
            messages = finding.having("Message", "_id", part, ["seenIds", "senderId", "conversationId"])
            kept = [
                m for m in messages if m.get("senderId") not in self._ids and m.get("conversationId") not in self._ended
            ]
            removing.draft.room(len(kept))
            removing.draft.take("Message", kept, "seenIds", [user["_id"]])
            yield from removing.draft.full()

    def _leave(self, removing: Removing) -> Iterator[Batch]:
        """Take the users out of the conversations that stay, whose last message may have been theirs."""
        for conversation in self._left:
            removing.draft.room(2)
            last = last_message_at(conversation, self._ids)
            if last and conversation.get("lastMessageAt") and last < conversation["lastMessageAt"]:
                removing.draft.set("Conversation", conversation, {"lastMessageAt": last})
            leaving = self._ids.intersection(ids_in(conversation, "userIds"))
            removing.draft.take("Conversation", [conversation], "userIds", sorted(leaving))
            yield from removing.draft.full()

    def _delete(self, draft: Draft, user: Document) -> None:
        database = connection.database()
        identifier = user["_id"]
        owned = {name: list(database[name].find({"userId": identifier})) for name in ("Account", "Profile")}
        held = {"_id": {"$in": ids_in(user, "rolesIds")}}
        roles = list(database["Role"].find({"$or": [{"userIds": identifier}, held]}, ["name", "userIds"]))
        records = list(database[STATE].find({"users": identifier}))
        draft.room(sum(map(len, owned.values())) + len(roles) + len(records) + 1)
        for collection, documents in owned.items():
            for document in documents:
                draft.delete(collection, document)
        draft.take("Role", roles, "userIds", [identifier])
        draft.take(STATE, records, "users", [identifier])
        draft.delete("User", user)

    def _ends(self, conversation: Document) -> bool:
        """Tell a one-to-one conversation that nobody could hold any more."""
        others = set(ids_in(conversation, "userIds")) - self._ids
        return conversation.get("isGroup") is not True and len(others) < PAIR

    def _collides(self, conversation: Document) -> bool:
        """Tell a group that the application would take for the one-to-one conversation of the two who are left."""
        people = set(ids_in(conversation, "userIds"))
        return len(people) > PAIR and len(people - self._ids) == PAIR


def _labels(conversations: Sequence[Document], without: Collection[Any]) -> Iterator[str]:
    """Call groups by their names, and one-to-one conversations by the people in them."""
    people = {c["_id"]: [i for i in ids_in(c, "userIds") if i not in without] for c in conversations}
    users = finding.having("User", "_id", {i for ids in people.values() for i in ids}, ["username"])
    names = {user["_id"]: finding.user_label(user) for user in users}
    for conversation in conversations:
        others = [names[i] for i in people[conversation["_id"]] if i in names]
        alone = f"with {' and '.join(others)}" if len(others) in {1, PAIR} else f"{conversation['_id']}"
        yield str(conversation.get("name") or alone)
