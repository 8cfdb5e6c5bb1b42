"""What the application makes of a conversation by how many people are in it."""

from collections.abc import Collection, Iterator
from typing import Any

from bson import ObjectId
from pymongo.client_session import ClientSession

from changes import Document, ids_in
from database import connection
from database.listing import PRESENT
from database.references import forms, referred
from models.conversation import PAIR, is_group


def between(pair: Collection[Any], session: ClientSession | None = None) -> Document | None:
    """Find the one-to-one conversation of two people as the application does: those two in either order, no more."""
    listed: list[Document] = [{"userIds": {"$in": forms(person), **PRESENT}} for person in pair]
    both = {"$and": listed, "isGroup": {"$ne": True}}
    found = connection.database()["Conversation"].find(both, ["userIds"], session=session).sort("_id")
    people = sorted(map(referred, pair), key=str)
    return next((one for one in found if sorted(ids_in(one, "userIds"), key=str) == people), None)


def notes(conversation: Document, title: str, people: Collection[ObjectId]) -> Iterator[str]:
    """Say what is wrong with a conversation that some people are in."""
    number = len(people)
    if not number:
        yield f"nobody is left in {title}"
    elif is_group(conversation) and number == PAIR:
        yield f"{title} has two people alone: the application takes such a group for their one-to-one conversation"
    elif not is_group(conversation) and number < PAIR:
        hint = f"chatctl conversations delete {conversation['_id']}"
        yield f"{title} has one person alone, which breaks the application's page: delete it ({hint})"
    elif not is_group(conversation) and (other := between(people)) and other["_id"] != conversation["_id"]:
        yield f"they have another one-to-one conversation ({other['_id']}): the application opens one of the two"
