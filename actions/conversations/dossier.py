"""All that is known of one conversation."""

from typing import Any, Final

from actions import finding, messages
from actions.conversations.reading import unread
from actions.conversations.rows import FIELDS, Rows
from changes import Document
from database import connection
from database.ids import id_text
from database.listing import Row
from database.references import referred

ENDS: Final = {"first": "createAt", "last": "-createAt"}


def show(ref: str) -> Row:
    """Describe a conversation as `find` does, with the first and last of its messages and what participants missed.

    `messages` is how many there are, `unread` has a participant's number of `messages` behind the last one they have
    seen or written, those excepted who have read all. `people` are all participants, with what they have sent.
    """
    conversation = finding.one("Conversation", ref, FIELDS)
    [row] = Rows()([conversation])
    found = messages.find(messages.Filters(conversation=f"id:{id_text(conversation['_id'])}"))
    sent = _sent(found.where)
    total = sum(sent.values())
    missed = unread(found.where, [person["id"] for person in row["participants"]], total)
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


def _sent(where: Document) -> dict[str, int]:
    """Count who has sent how many messages."""
    pipeline: list[dict[str, Any]] = [{"$match": where}, {"$group": {"_id": "$senderId", "n": {"$sum": 1}}}]
    counted: dict[str, int] = {}
    for group in connection.database()["Message"].aggregate(pipeline):
        sender = id_text(referred(group["_id"]))
        counted[sender] = counted.get(sender, 0) + group["n"]
    return counted
