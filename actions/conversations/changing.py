"""Create and rename conversations, and add and remove participants."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions import finding
from actions.conversation_titles import PAIR, is_group, titles
from actions.errors import OneToOneError
from actions.finding import Found, FoundAll
from actions.rules import new_names
from actions.rules.changesets import changeset, replannable
from changes import ChangedMeanwhileError, Changeset, Document, Draft, Result, Rule, ids_in
from changes.draft import BATCH
from changes.events import now
from database import connection
from database.errors import UsageError
from database.listing import PRESENT
from database.references import forms, referred
from database.wording import in_words, shown
from models.links import USER_CONVERSATIONS

_READ: Final = ("isGroup", "userIds")
_OUTCOMES: Final = {"add": "added", "remove": "removed"}


def create(refs: Sequence[str], *, name: str | None = None) -> Changeset:
    """Begin a group with a name, or the conversation of two people, where they have none yet."""
    found = finding.users(refs, ("conversationIds",))
    if len(found) < PAIR:
        raise UsageError("a conversation is between different people", "name two or more of them")
    if name is None and len(found) > PAIR:
        raise UsageError(f"{len(found):,} people are a group, and a group has a name", "give it one with --name")
    if name is not None:
        new_names.refuse("Conversation", [name])
    users, title = [user.document for user in found], name or ", ".join(user.ref for user in found)
    ids = [user["_id"] for user in users]
    command = f"conversations create {in_words([user.ref for user in found])}" + (f" --name {name}" if name else "")
    if name is None and (there := _one_to_one_between(ids)):
        return changeset(command, Draft(), [Result(there["_id"], title, "unchanged", str(there["_id"]))])
    conversation = _new(name)
    draft = Draft()
    draft.names[conversation["_id"]] = title
    draft.insert("Conversation", conversation)
    draft.link(USER_CONVERSATIONS, users, [conversation])
    return changeset(
        command,
        draft,
        [Result(conversation["_id"], title, "created", str(conversation["_id"]))],
        notes=list(_warnings(conversation, title, ids)) if name else [],
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
        if there := _one_to_one_between(pair, session):
            raise ChangedMeanwhileError(f"conversation {there['_id']} was created meanwhile", None)

    return Rule(f"one-to-one:{':'.join(sorted(map(str, pair)))}", check)


def _only_group(name: str) -> Rule:
    """Return the rule that a name is free, also when two commands begin a group of it at once."""

    def check(session: ClientSession | None) -> None:
        where = {"name": {"$eq": name, **PRESENT}}
        if connection.database()["Conversation"].find_one(where, ["_id"], session=session):
            raise ChangedMeanwhileError(f"a group called {shown(name)} was created meanwhile", None)

    return Rule(f"group:{name}", check)


@replannable()
def add(ref: str, refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Let users into a conversation, on both sides of the link.

    Raises `OneToOneError` where a conversation that is no group would get a third person.
    """
    conversation = finding.one("Conversation", ref, _READ)
    found = finding.users(refs, ("conversationIds",), skip_missing=skip_missing)
    held = set(ids_in(conversation, "userIds"))
    people = held | {referred(user.document["_id"]) for user in found}
    title = titles([conversation])[conversation["_id"]]
    if not is_group(conversation) and len(people) > max(len(held), PAIR):
        raise OneToOneError(f"{title} is a one-to-one conversation", f"create a group: {_group(found)}")
    return _change(
        "add",
        conversation,
        found,
        people,
        rules=[] if is_group(conversation) else [_at_most_two(conversation["_id"], title, people)],
    )


@replannable()
def remove(ref: str, refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Take users out of a conversation, also where only one side has the link; what they wrote stays."""
    conversation = finding.one("Conversation", ref, _READ)
    found = finding.users(refs, ("conversationIds",), skip_missing=skip_missing)
    people = set(ids_in(conversation, "userIds")) - {referred(user.document["_id"]) for user in found}
    return _change("remove", conversation, found, people, asks=True)


def rename(ref: str, name: str) -> Changeset:
    """Give a group another name. Raises `OneToOneError` for what is no group."""
    group = finding.one("Conversation", ref, _READ)
    title = titles([group])[group["_id"]]
    if not is_group(group):
        raise OneToOneError(f"{title} is a one-to-one conversation, which has no name", "only a group has one")
    draft = Draft()
    if name != group.get("name"):
        new_names.refuse("Conversation", [name])
        draft.set("Conversation", group, {"name": name}, given=("isGroup",))
    outcome = "renamed" if draft.changes else "unchanged"
    command = f"conversations rename {title} {name}"
    return changeset(command, draft, [Result(group["_id"], name, outcome)])


def _change(verb: str, conversation: Document, found: FoundAll, people: Collection[Any], **details: Any) -> Changeset:
    """Add or remove users; `people` are those who are in the conversation then."""
    adding = verb == "add"
    title = titles([conversation])[conversation["_id"]]
    held = set(ids_in(conversation, "userIds"))
    results = []
    identifier = referred(conversation["_id"])
    for user in found:
        sides = referred(user.document["_id"]) in held, identifier in ids_in(user.document, "conversationIds")
        so_already = all(sides) if adding else not any(sides)
        results.append(Result(user.document["_id"], user.ref, "unchanged" if so_already else _OUTCOMES[verb]))
    draft = Draft()
    draft.names[conversation["_id"]] = title
    users = [user.document for user in found]
    for start in range(0, len(users), BATCH - 1):
        some = users[start : start + BATCH - 1]
        draft.room(len(some) + 1)
        (draft.link if adding else draft.unlink)(USER_CONVERSATIONS, some, [conversation])
    notes = list(_warnings(conversation, title, people)) if draft.changes else []
    command = f"conversations {verb} {title} {in_words([user.ref for user in found])}"
    return changeset(command, draft, [*results, *found.missing], notes=notes, **details)


def _at_most_two(conversation: Any, title: str, people: Collection[Any]) -> Rule:
    """Return the rule that a one-to-one conversation has no third person, also when two are added at once."""

    def check(session: ClientSession | None) -> None:
        where = {"_id": conversation}
        there = connection.database()["Conversation"].find_one(where, ["userIds"], session=session) or {}
        if not set(ids_in(there, "userIds")) <= set(people):
            raise ChangedMeanwhileError(f"conversation {title} was changed meanwhile", None)

    return Rule(f"conversation:{conversation}", check)


def _group(found: list[Found]) -> str:
    return f"chatctl conversations create USER... {in_words([user.ref for user in found])} --name NAME"


def _one_to_one_between(pair: Collection[Any], session: ClientSession | None = None) -> Document | None:
    """Find the one-to-one conversation of two people as the application does: those two in either order, no more."""
    listed: list[Document] = [{"userIds": {"$in": forms(person), **PRESENT}} for person in pair]
    both = {"$and": listed, "isGroup": {"$ne": True}}
    found = connection.database()["Conversation"].find(both, ["userIds"], session=session).sort("_id")
    people = sorted(map(referred, pair), key=str)
    return next((one for one in found if sorted(ids_in(one, "userIds"), key=str) == people), None)


def _warnings(conversation: Document, title: str, people: Collection[ObjectId]) -> Iterator[str]:
    """Say what is wrong with a conversation that some people are in."""
    number = len(people)
    if not number:
        yield f"nobody is left in {title}"
    elif is_group(conversation) and number == PAIR:
        yield f"{title} has two people alone: the application takes such a group for their one-to-one conversation"
    elif not is_group(conversation) and number < PAIR:
        hint = f"chatctl conversations delete {conversation['_id']}"
        yield f"{title} has one person alone, which breaks the application's page: delete it ({hint})"
    elif not is_group(conversation) and (other := _one_to_one_between(people)) and other["_id"] != conversation["_id"]:
        yield f"they have another one-to-one conversation ({other['_id']}): the application opens one of the two"
