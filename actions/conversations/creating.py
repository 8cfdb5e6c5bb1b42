"""Beginning conversations."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions import lookup
from actions.conversations import shape
from actions.rules import new_names
from actions.rules.checked_changeset import checked_changeset
from changes import ChangedMeanwhileError, Changeset, Document, Draft, Result, Rule
from changes.events import now
from database import connection
from database.errors import UsageError
from database.listing import PRESENT
from database.wording import in_words, shown
from models.conversation import PAIR
from models.links import USER_CONVERSATIONS


def create(refs: Sequence[str], *, name: str | None = None) -> Changeset:
    """Begin a group with a name, or the conversation of two people, where they have none yet."""
    found = lookup.find_users(refs, ("conversationIds",))
    if len(found) < PAIR:
        raise UsageError("a conversation is between different people", "name two or more of them")
    if name is None and len(found) > PAIR:
        raise UsageError(f"{len(found):,} people are a group, and a group has a name", "give it one with --name")
    if name is not None:
        new_names.validate("Conversation", [name])
    users, title = [user.document for user in found], name or ", ".join(user.ref for user in found)
    ids = [user["_id"] for user in users]
    command = f"conversations create {in_words([user.ref for user in found])}" + (f" --name {name}" if name else "")
    if name is None and (there := shape.between(ids)):
        return checked_changeset(command, Draft(), [Result(there["_id"], title, "unchanged", str(there["_id"]))])
    conversation = _new(name)
    draft = Draft()
    draft.names[conversation["_id"]] = title
    draft.insert("Conversation", conversation)
    draft.link(USER_CONVERSATIONS, users, [conversation])
    return checked_changeset(
        command,
        draft,
        [Result(conversation["_id"], title, "created", str(conversation["_id"]))],
        notes=list(shape.notes(conversation, title, ids)) if name else [],
        rules=[_only_one(ids) if name is None else _only_group(name)],
        replan=partial(create, refs, name=name),
        items=len(found),
    )


def _new(name: str | None) -> Document:
    time = now()
    group = {"name": name, "isGroup": True} if name else {}
    return {"_id": ObjectId(), "created_at": time, "lastMessageAt": time, **group, "messagesIds": [], "userIds": []}


def _only_one(pair: list[Any]) -> Rule:
    """Return the rule that two people have one conversation, also when two commands begin it at once."""

    def check(session: ClientSession | None) -> None:
        if there := shape.between(pair, session):
            raise ChangedMeanwhileError(f"conversation {there['_id']} was created meanwhile", None)

    return Rule(f"one-to-one:{':'.join(sorted(map(str, pair)))}", check)


def _only_group(name: str) -> Rule:
    """Return the rule that a name is free, also when two commands begin a group of it at once."""

    def check(session: ClientSession | None) -> None:
        where = {"name": {"$eq": name, **PRESENT}}
        if connection.database()["Conversation"].find_one(where, ["_id"], session=session):
            raise ChangedMeanwhileError(f"a group called {shown(name)} was created meanwhile", None)

    return Rule(f"group:{name}", check)
