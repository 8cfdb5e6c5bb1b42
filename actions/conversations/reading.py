"""How far each participant has read a conversation."""

from collections.abc import Collection
from typing import Any, Final

from bson import ObjectId

from actions.conversations.rows import NEWEST
from actions.usernames import ids
from changes import Document
from database import connection
from database.ids import id_text
from database.references import forms, joined, referred

LAST: Final = 1_000
"""Messages among which nearly everybody has seen or written one."""


def unread(where: Document, people: Collection[str], total: int) -> dict[str, int]:
    """Count for each person the messages behind the last one that they have seen or written.

    `where` matches the messages of a conversation, of which there are `total`.
    """
    behind: dict[str, int] = {}
    read = 0
    for message in _messages().find(where, ["senderId", "seenIds"], sort=NEWEST, limit=LAST):
        for person in (id_text(referred(message.get("senderId"))), *ids(message, "seenIds")):
            behind.setdefault(person, read)
        read += 1
        if behind.keys() >= {*people}:
            break
    left = [person for person in people if person not in behind]
    last = _last_read(where, left) if left and read == LAST else {}
    newer = {place: _newer(where, *place) for place in {*last.values()}}
    return {
        person: behind[person] if person in behind else newer[last[person]] if person in last else total
        for person in people
    }


def _last_read(where: Document, people: Collection[str]) -> dict[str, tuple[Any, ObjectId]]:
    """Find of each person the time and the id of the last message they have seen or written, in one go."""
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


def _newer(where: Document, at: Any, identifier: ObjectId) -> int:
    behind = [{"createAt": {"$gt": at}}, {"createAt": at, "_id": {"$gt": identifier}}]
    return int(_messages().count_documents(joined(where, {"$or": behind})))


def _messages() -> Any:
    return connection.database()["Message"]
