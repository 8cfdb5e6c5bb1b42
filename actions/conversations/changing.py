"""Create, rename and delete conversations, and add and remove participants."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions import lookup, queries
from actions.cascading_deletion import CascadingDeletion, conversation_filters, deleted_documents
from actions.display_names import FIELDS, titles
from actions.errors import OneToOneError
from actions.lookup import Found, FoundAll
from actions.rules import new_names
from actions.rules.checked_changeset import FOREVER, checked_changeset, replannable
from changes import (
    Add,
    Batch,
    Change,
    ChangedMeanwhileError,
    Changeset,
    Document,
    Draft,
    Insert,
    Question,
    Result,
    Rule,
    Stream,
    Take,
    Update,
)
from changes.draft import BATCH
from changes.events import now
from database import connection
from database.errors import ConflictError, UsageError
from database.ids import id_text
from database.listing import PRESENT
from database.references import forms, ids_in, referred
from database.wording import NAMED, counted, in_words, shown
from models.links import USER_CONVERSATIONS
from models.values import PAIR, is_group

_FIELDS: Final = ("isGroup", "userIds")
_OUTCOMES: Final = {"add": "added", "remove": "removed"}
_IF_UNCHANGED: Final = {"add": "already a participant", "remove": "not a participant"}


def create(users: Sequence[str], *, name: str | None = None) -> Changeset:
    """Create a group or a one-to-one conversation.

    With a name, create a group. Without a name, create a one-to-one conversation, unless the two users already have
    one.
    """
    found = lookup.find_users(users, ("conversationIds",))
    if len(found) < PAIR:
        raise UsageError("a conversation requires at least two different users", "name two or more users")
    if name is None and len(found) > PAIR:
        raise UsageError(
            f"a conversation of {len(found):,} people is a group, and a group requires a name", "add --name NAME"
        )
    if name is not None:
        new_names.validate("Conversation", [name])
    documents, title = [user.document for user in found], name or ", ".join(user.ref for user in found)
    ids = [user["_id"] for user in documents]
    command = f"conversations create {in_words([user.ref for user in found])}" + (f" --name {name}" if name else "")
    if name is None and (existing := _one_to_one_between(ids)):
        return checked_changeset(command, Draft(), [Result(existing["_id"], title, "unchanged", str(existing["_id"]))])
    conversation = _document(name)
    draft = Draft()
    draft.names[conversation["_id"]] = title
    draft.insert("Conversation", conversation)
    draft.link(USER_CONVERSATIONS, documents, [conversation])
    return checked_changeset(
        command,
        draft,
        [Result(conversation["_id"], title, "created", str(conversation["_id"]))],
        notes=list(_warnings(conversation, title, ids)) if name else [],
        rules=[_one_conversation_per_pair(ids) if name is None else _unused_group_name(name)],
        replan=partial(create, users, name=name),
        items=len(found),
    )


def _document(name: str | None) -> Document:
    time = now()
    group = {"name": name, "isGroup": True} if name else {}
    return {"_id": ObjectId(), "created_at": time, "lastMessageAt": time, **group, "messagesIds": [], "userIds": []}


def _one_conversation_per_pair(pair: list[Any]) -> Rule:
    """Return the rule that two users have at most one conversation.

    The rule holds even if two commands create a conversation for the same users at the same time.
    """

    def check(session: ClientSession | None) -> None:
        if existing := _one_to_one_between(pair, session):
            raise ChangedMeanwhileError(f"conversation {existing['_id']} was created while this command ran", None)

    return Rule(f"one-to-one:{':'.join(sorted(map(str, pair)))}", check)


def _unused_group_name(name: str) -> Rule:
    """Return the rule that no other group has this name.

    The rule holds even if two commands create a group with this name at the same time.
    """

    def check(session: ClientSession | None) -> None:
        where = {"name": {"$eq": name, **PRESENT}}
        if connection.database()["Conversation"].find_one(where, ["_id"], session=session):
            raise ChangedMeanwhileError(f"a group called {shown(name)} was created while this command ran", None)

    return Rule(f"group:{name}", check)


@replannable()
def add(conversation: str, users: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Add users to a conversation. The conversation then lists the users, and each user lists the conversation.

    Raises `OneToOneError` if a one-to-one conversation would get a third participant.
    """
    document = lookup.find_one("Conversation", conversation, _FIELDS)
    found = lookup.find_users(users, ("conversationIds",), skip_missing=skip_missing)
    members = set(ids_in(document, "userIds"))
    participants = members | {referred(user.document["_id"]) for user in found}
    title = titles([document])[document["_id"]]
    if not is_group(document) and len(participants) > max(len(members), PAIR):
        raise OneToOneError(f"{title} is a one-to-one conversation", f"create a group: {_create_command(found)}")
    return _change_participants(
        "add",
        document,
        found,
        participants,
        rules=[] if is_group(document) else [_at_most_two(document["_id"], title, participants)],
    )


@replannable()
def remove(conversation: str, users: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Remove users from a conversation, but keep their messages.

    The link between a user and the conversation is removed even if only one of the two documents has it.
    """
    document = lookup.find_one("Conversation", conversation, _FIELDS)
    found = lookup.find_users(users, ("conversationIds",), skip_missing=skip_missing)
    participants = set(ids_in(document, "userIds")) - {referred(user.document["_id"]) for user in found}
    return _change_participants("remove", document, found, participants, asks=True)


def rename(conversation: str, name: str) -> Changeset:
    """Rename a group. Raises `OneToOneError` for a one-to-one conversation."""
    group = lookup.find_one("Conversation", conversation, _FIELDS)
    title = titles([group])[group["_id"]]
    if not is_group(group):
        raise OneToOneError(f"{title} is a one-to-one conversation, which has no name", "only a group can be renamed")
    draft = Draft()
    if name != group.get("name"):
        new_names.validate("Conversation", [name])
        draft.set("Conversation", group, {"name": name}, expected=("isGroup",))
    outcome = "renamed" if draft.changes else "unchanged"
    command = f"conversations rename {title} {name}"
    question = Question(f"Rename conversation {title} to {name}")
    return checked_changeset(
        command, draft, [Result(group["_id"], name, outcome, if_unchanged=new_names.SAME_NAME)], question=question
    )


def _change_participants(
    verb: str, conversation: Document, found: FoundAll, participants: Collection[Any], **details: Any
) -> Changeset:
    """Return the changeset that adds users to a conversation, or removes users from it.

    `verb` is "add" or "remove". `participants` are the ids of all participants after the change.
    """
    adding = verb == "add"
    title = titles([conversation])[conversation["_id"]]
    members = set(ids_in(conversation, "userIds"))
    results = []
    identifier = referred(conversation["_id"])
    for user in found:
        sides = referred(user.document["_id"]) in members, identifier in ids_in(user.document, "conversationIds")
        unchanged = all(sides) if adding else not any(sides)
        outcome = "unchanged" if unchanged else _OUTCOMES[verb]
        results.append(Result(user.document["_id"], user.ref, outcome, if_unchanged=_IF_UNCHANGED[verb]))
    draft = Draft()
    draft.names[conversation["_id"]] = title
    users = [user.document for user in found]
    for start in range(0, len(users), BATCH - 1):
        some = users[start : start + BATCH - 1]
        draft.reserve(len(some) + 1)
        (draft.link if adding else draft.unlink)(USER_CONVERSATIONS, some, [conversation])
    notes = list(_warnings(conversation, title, participants)) if draft.changes else []
    command = f"conversations {verb} {title} {in_words([user.ref for user in found])}"
    details["question"] = Question(verb.capitalize(), "User", f"{'to' if adding else 'from'} {title}")
    return checked_changeset(command, draft, [*results, *found.missing], notes=notes, **details)


def _at_most_two(conversation: Any, title: str, participants: Collection[Any]) -> Rule:
    """Return the rule that a one-to-one conversation has at most two participants.

    The rule holds even if two commands add a participant at the same time.
    """

    def check(session: ClientSession | None) -> None:
        where = {"_id": conversation}
        existing = connection.database()["Conversation"].find_one(where, ["userIds"], session=session) or {}
        if not set(ids_in(existing, "userIds")) <= set(participants):
            raise ChangedMeanwhileError(f"conversation {title} was changed while this command ran", None)

    return Rule(f"conversation:{conversation}", check)


def rules_of(changes: Iterable[Change]) -> Iterator[Rule]:
    """Yield the rules to check when a proposal that creates conversations or adds participants is carried out.

    The rules are the same as for the commands `create` and `add`. Raises `ConflictError` if a one-to-one conversation
    would get a third participant.
    """
    added: dict[Any, set[Any]] = {}
    taken: dict[Any, set[Any]] = {}
    for change in changes:
        if change.collection != "Conversation":
            continue
        if isinstance(change, Insert):
            name, people = change.document.get("name"), ids_in(change.document, "userIds")
            yield _unused_group_name(name) if isinstance(name, str) else _one_conversation_per_pair(people)
        elif isinstance(change, Update) and isinstance(field := change.fields.get("userIds"), Add | Take):
            for identifier in change.ids:
                (added if isinstance(field, Add) else taken).setdefault(identifier, set()).update(field.ids)
    for document in queries.find_by_values("Conversation", "_id", added, ["name", *_FIELDS]):
        identifier, title = document["_id"], titles([document])[document["_id"]]
        everybody = {*ids_in(document, "userIds"), *map(referred, added[identifier])}
        participants = everybody - set(map(referred, taken.get(identifier, ())))
        if not is_group(document):
            if len(participants) > PAIR:
                raise ConflictError(f"conversation {title} would have {len(participants):,} people")
            yield _at_most_two(identifier, title, everybody)


def _create_command(found: list[Found]) -> str:
    return f"chatctl conversations create USER... {in_words([user.ref for user in found])} --name NAME"


def _one_to_one_between(pair: Collection[Any], session: ClientSession | None = None) -> Document | None:
    """Find the one-to-one conversation of two users in the same way as the application.

    The participants of this conversation are only these two users, in any order.
    """
    listed: list[Document] = [{"userIds": {"$in": forms(person), **PRESENT}} for person in pair]
    both = {"$and": listed, "isGroup": {"$ne": True}}
    found = connection.database()["Conversation"].find(both, ["userIds"], session=session).sort("_id")
    participants = sorted(map(referred, pair), key=str)
    return next((one for one in found if sorted(ids_in(one, "userIds"), key=str) == participants), None)


def _warnings(conversation: Document, title: str, participants: Collection[ObjectId]) -> Iterator[str]:
    """Yield a warning if the application will not show the conversation correctly with these `participants`."""
    number = len(participants)
    if not number:
        yield f"{title} will have no participants."
    elif is_group(conversation) and number == PAIR:
        yield f"{title} will have only two people. The application shows such a group as a one-to-one conversation."
    elif not is_group(conversation) and number < PAIR:
        hint = f"chatctl conversations delete {conversation['_id']}"
        yield f"{title} will have only one person, and its page in the application will fail. Delete it: {hint}"
    elif (
        not is_group(conversation)
        and (other := _one_to_one_between(participants))
        and other["_id"] != conversation["_id"]
    ):
        yield (
            f"These two users already have another one-to-one conversation ({other['_id']}). "
            "The application opens only one of the two."
        )


@replannable(deletes=True)
def delete(conversations: Sequence[str], *, skip_missing: bool = False, forever: bool = False) -> Changeset:
    """Delete conversations with all their messages, and remove the deleted ids from the lists of users.

    The messages are deleted first. With `forever`, nothing is kept for an undo.
    """
    found = lookup.find_all("Conversation", conversations, FIELDS, skip_missing=skip_missing)
    lookup.refuse_duplicate_ids("Conversation", (one.document for one in found))
    names = titles([one.document for one in found])
    counts = _message_counts(list(names))
    labels: dict[Any, str] = dict(names)
    deleted = {("delete", "Message"): counts.total(), ("delete", "Conversation"): len(names)}

    def batches() -> Iterator[Batch]:
        cascade = CascadingDeletion(labels)
        yield from cascade.delete_conversations(names)
        yield from cascade.draft.batches

    return Changeset(
        f"conversations delete {in_words(list(names.values()))}",
        [*(Result(one, title, "deleted") for one, title in names.items()), *found.missing],
        Stream(batches, deleted, losing=lambda: deleted_documents(conversation_filters(names))),
        asks=True,
        notes=[*_notes(names, counts), *(FOREVER if forever else ())],
        names=labels,
        undoable=not forever,
        # The lines above the question already name the conversations.
        question=Question(f"Delete {counted(len(names), 'conversation')}") if len(names) > 1 else None,
    )


def _message_counts(ids: Sequence[Any]) -> Counter[str]:
    """Count the messages of each conversation. The keys of the result are the ids of the conversations, as text.

    In broken data, the id of a conversation may have any type.
    """
    counts: Counter[str] = Counter()
    for some in queries.chunks(ids):
        of_each: list[Document] = [
            {"$match": queries.refers_to("Message", "conversationId", *some)},
            {"$group": {"_id": "$conversationId", "n": {"$sum": 1}}},
        ]
        for row in connection.database()["Message"].aggregate(of_each):
            counts[id_text(referred(row["_id"]))] += row["n"]
    return counts


def _notes(names: dict[Any, str], counts: Counter[str]) -> Iterator[str]:
    for one, title in list(names.items())[:NAMED]:
        yield f"{title}: {counted(counts[id_text(referred(one))], 'message')}"
    if len(names) > NAMED:
        yield f"and {len(names) - NAMED:,} more conversations"
