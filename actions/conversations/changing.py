"""Who is in a conversation, and what a group is called."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from pymongo.client_session import ClientSession

from actions import finding
from actions.conversation_titles import PAIR, is_group, titles
from actions.conversations import shape
from actions.errors import OneToOneError
from actions.finding import Found, FoundAll
from actions.rules import new_names
from actions.rules.changesets import changeset, replannable
from changes import ChangedMeanwhileError, Changeset, Document, Draft, Result, Rule, ids_in
from changes.draft import BATCH
from database import connection
from database.references import referred
from database.wording import in_words
from models.links import USER_CONVERSATIONS

_READ: Final = ("isGroup", "userIds")
_OUTCOMES: Final = {"add": "added", "remove": "removed"}


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
        draft.set("Conversation", group, {"name": name}, expected=("isGroup",))
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
        draft.reserve(len(some) + 1)
        (draft.link if adding else draft.unlink)(USER_CONVERSATIONS, some, [conversation])
    notes = list(shape.notes(conversation, title, people)) if draft.changes else []
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
