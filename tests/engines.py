"""Example users: Ada and Grace write to each other, and in a group with Alan. Edith is in no conversation."""

from datetime import datetime

from bson import ObjectId
from people import Documents, conversation, messages, person

from tests.conftest import Chatctl, Result

Ids = dict[str, ObjectId]


def settle(database: Documents) -> Ids:
    ids = {name: person(database, name) for name in ("ada", "grace", "alan", "edith")}
    ids["group"] = conversation(database, ids["ada"], ids["grace"], ids["alan"], name="engines")
    ids["direct"] = conversation(database, ids["ada"], ids["grace"])
    names = ("first", "second", "third")
    ids |= dict(zip(names, messages(database, ids["group"], ids["ada"], *names, seen=(ids["grace"],)), strict=True))
    [ids["hello"]] = messages(database, ids["direct"], ids["grace"], "hello", after=5)
    return ids


def undone(chatctl: Chatctl, done: Result) -> None:
    """Undo a command with the undo command that it has printed."""
    assert "undo: chatctl audit undo " in done.stderr, done
    chatctl("audit", "undo", done.stderr.split()[-1], "--yes")


def last(database: Documents, place: ObjectId) -> datetime:
    time: datetime = (database["Conversation"].find_one({"_id": place}) or {})["lastMessageAt"]
    return time
