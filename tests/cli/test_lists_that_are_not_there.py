"""A list of ids that is absent or null in the database is read as empty, by every command and by the application."""

from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents

from tests.conftest import Chatctl

USER, ROLE, PERMISSION, PLACE, MESSAGE = (ObjectId(f"{number:024x}") for number in range(1, 6))
LISTS = {
    "User": ("rolesIds", "conversationIds", "seenMessageIds"),
    "Role": ("userIds", "permissionsIds"),
    "Permission": ("rolesIds",),
    "Conversation": ("userIds", "messagesIds"),
    "Message": ("seenIds",),
}
ALL = "id,rolesIds,roles,permissions,accounts,conversations,messages"
ROWS = ("json", "ndjson", "yaml", "csv")
COMMANDS = {
    ("users", "list"): ROWS,
    ("users", "list", "--columns", ALL): ROWS,
    ("users", "list", "--no-roles"): ROWS,
    ("users", "show", "ada"): ROWS,
    ("users", "export"): ROWS,
    ("roles", "list"): ROWS,
    ("roles", "show", "support"): ROWS,
    ("roles", "matrix"): ROWS,
    ("permissions", "list"): ROWS,
    ("permissions", "show", "user.read"): ROWS,
    ("conversations", "list", "--columns", "id,participants,unread,messages"): ROWS,
    ("conversations", "show", str(PLACE)): ROWS,
    ("conversations", "transcript", str(PLACE)): ("json", "text", "markdown", "html"),
    ("messages", "list", "--columns", "id,seen,unseen"): ROWS,
    ("messages", "show", str(MESSAGE)): ROWS,
    ("seeds", "export"): ("yaml",),
}


def settle(database: Documents) -> None:
    times = {"createdAt": BEGAN, "updatedAt": BEGAN}
    documents: dict[str, Any] = {
        "User": {"_id": USER, "email": "ada@example.org", "username": "ada", "status": "ACTIVE", **times},
        "Role": {"_id": ROLE, "name": "support"},
        "Permission": {"_id": PERMISSION, "name": "user.read"},
        "Conversation": {"_id": PLACE, "created_at": BEGAN, "lastMessageAt": BEGAN},
        "Message": {"_id": MESSAGE, "body": "hi", "createAt": BEGAN, "conversationId": PLACE, "senderId": USER},
    }
    for name, document in documents.items():
        database[name].insert_one(document)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_list_that_is_absent_or_null_is_shown_as_an_empty_one(
    chatctl: Chatctl, database: Documents, command: tuple[str, ...]
) -> None:
    settle(database)
    option = () if command[0] == "seeds" else ("-o",)

    def shown() -> list[str]:
        return [chatctl(*command, *(option and (*option, form))).stdout for form in COMMANDS[command]]

    said = []
    for value in ([], None, "absent"):
        for name, fields in LISTS.items():
            update = "$unset" if value == "absent" else "$set"
            database[name].update_many({}, {update: dict.fromkeys(fields, value)})
        said.append(shown())
    assert said[1] == said[0]
    assert said[2] == said[0]
