"""Conversations as they are shown: what they are called, who is in them, and who has not read the last message."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from pymongo import DESCENDING

from actions import conversation_titles
from actions.conversation_titles import Place, Places
from actions.reference_counts import counting
from actions.usernames import Names, ids
from changes import Document
from changes.visible_values import readable
from database import connection
from database.listing import Row
from database.references import has_other_forms, reference_filter, referred

FIELDS: Final = ("lastMessageAt", "created_at", *conversation_titles.FIELDS)
"""What is read of a conversation. Never the ids of its messages: there may be hundreds of thousands."""

NEWEST: Final = [("createAt", DESCENDING), ("_id", DESCENDING)]


class Rows:
    """Make rows of conversations, some at a time; of what has to be read of messages only the columns that are wanted.

    A row is `{id, title, participants, lastMessageAt, name, isGroup, created_at}` and, where wanted, `unread` (who has
    not seen the last message, which is all that the application goes by) and `messages`, how many there are.
    """

    def __init__(self) -> None:
        self._names = Names()

    def __call__(self, conversations: Sequence[Document], columns: Collection[str] = ()) -> Iterator[Row]:
        known = Places(self._names)
        known.learn(conversations)
        wanted = [conversation["_id"] for conversation in conversations]
        odd = "unread" in columns and has_other_forms(connection.database(), "Message", "conversationId")
        counted = counting("Message", "conversationId")(wanted) if "messages" in columns else None
        for conversation in conversations:
            identifier = conversation["_id"]
            place = known.of(identifier)
            row = {
                "id": identifier,
                "title": place.title,
                "participants": place.participants,
                "lastMessageAt": readable(conversation.get("lastMessageAt")),
                "name": readable(conversation.get("name")),
                "isGroup": readable(conversation.get("isGroup")),
                "created_at": readable(conversation.get("created_at")),
            }
            if "unread" in columns:
                row["unread"] = _unread(place, reference_filter("conversationId", [identifier], odd=odd))
            if counted is not None:
                row["messages"] = counted[referred(identifier)]
            yield row


def _unread(place: Place, where: Document) -> list[Row]:
    last = connection.database()["Message"].find_one(where, ["seenIds"], sort=NEWEST)
    seen = {*ids(last, "seenIds")} if last else set()
    return [person for person in place.participants if last and person["id"] not in seen]
