"""Show one conversation, and how far each participant has read it."""

from collections.abc import Collection
from typing import Any, Final

from bson import ObjectId

from actions import lookup, messages
from actions.conversations.listing import CONVERSATION_FIELDS, NEWEST, ConversationRows
from actions.display_names import id_texts
from changes import Document
from database import connection
from database.ids import id_text
from database.listing import Row
from database.references import forms, joined, referred

ENDS: Final = {"first": "createAt", "last": "-createAt"}
RECENT: Final = 1_000
"""Newest messages that are searched first: nearly every participant has seen or written one of them."""


def show(conversation: str) -> Row:
    """Describe a conversation as `find` does, with its first and last message and the unread messages of each person.

    `messages` is their number. `unread` has each participant with unread messages: their number after the last one that
    they have seen or written. `people` are all participants, with the numbers of their sent and unread messages.
    """
    document = lookup.find_one("Conversation", conversation, CONVERSATION_FIELDS)
    [row] = ConversationRows()([document])
    found = messages.find(messages.Filters(conversation=f"id:{id_text(document['_id'])}"))
    sent = _sent_counts(found.where)
    total = sum(sent.values())
    missed = unread_counts(found.where, [person["id"] for person in row["participants"]], total)
    people = [
        {"person": person, "messages": sent.get(person["id"], 0), "unread": missed[person["id"]]}
        for person in row["participants"]
    ]
    ends = {name: next(found.rows(sort, limit=1), None) for name, sort in ENDS.items()}
    return {
        **row,
        "messages": total,
        **{f"{name}Message": message for name, message in ends.items()},
        "unread": [{**one["person"], "messages": one["unread"]} for one in people if one["unread"]],
        "people": people,
        "ends": [{**message, "which": name} for name, message in ends.items() if message],
    }


def _sent_counts(where: Document) -> dict[str, int]:
    """Count the messages of each sender."""
    pipeline: list[dict[str, Any]] = [{"$match": where}, {"$group": {"_id": "$senderId", "n": {"$sum": 1}}}]
    counted: dict[str, int] = {}
    for group in connection.database()["Message"].aggregate(pipeline):
        sender = id_text(referred(group["_id"]))
        counted[sender] = counted.get(sender, 0) + group["n"]
    return counted


def unread_counts(where: Document, people: Collection[str], total: int) -> dict[str, int]:
    """Count for each person the messages after the last one that they have seen or written.

    `where` matches the messages of a conversation, of which there are `total`.
    """
    unread: dict[str, int] = {}
    read = 0
    for message in _messages().find(where, ["senderId", "seenIds"], sort=NEWEST, limit=RECENT):
        for person in (id_text(referred(message.get("senderId"))), *id_texts(message, "seenIds")):
            unread.setdefault(person, read)
        read += 1
        if unread.keys() >= {*people}:
            break
    left = [person for person in people if person not in unread]
    last = _last_read(where, left) if left and read == RECENT else {}
    newer = {place: _count_newer(where, *place) for place in {*last.values()}}
    return {
        person: unread[person] if person in unread else newer[last[person]] if person in last else total
        for person in people
    }


def _last_read(where: Document, people: Collection[str]) -> dict[str, tuple[Any, ObjectId]]:
    """Find for each person the time and the id of the last message they have seen or written, in one query."""
    among = [form for person in people for form in forms(person)]
    seen = {"$cond": [{"$isArray": "$seenIds"}, "$seenIds", []]}
    pipeline: list[Document] = [
        {"$match": joined(where, {"$or": [{"senderId": {"$in": among}}, {"seenIds": {"$in": among}}]})},
        {"$sort": dict(NEWEST)},
        {"$project": {"createAt": 1, "person": {"$concatArrays": [["$senderId"], seen]}}},
        {"$unwind": "$person"},
        {"$match": {"person": {"$in": among}}},
        {"$group": {"_id": {"$toString": "$person"}, "at": {"$first": "$createAt"}, "id": {"$first": "$_id"}}},
    ]
    return {group["_id"]: (group["at"], group["id"]) for group in _messages().aggregate(pipeline)}


def _count_newer(where: Document, at: Any, identifier: ObjectId) -> int:
    after = [{"createAt": {"$gt": at}}, {"createAt": at, "_id": {"$gt": identifier}}]
    return int(_messages().count_documents(joined(where, {"$or": after})))


def _messages() -> Any:
    return connection.database()["Message"]
