"""Values of unknown fields are never shown and never recorded in the audit trail, and an undo restores them."""

import json
from pathlib import Path
from typing import Any

import bson
import pytest
import sampled
import typed
from bson import ObjectId
from people import SEVEN, Documents

from tests.conftest import Chatctl, Result

SECRET = "SECRET"
"""Every secret value begins with this text. In some values, the name of the collection follows."""
FORMATS = ("table", "json", "yaml", "csv", "ndjson")

WRONG: dict[str, dict[str, Any]] = {
    "User": {"name": {"token": SECRET}, "lastLogin": f"{SECRET}-User", "emailVerified": {"token": SECRET}},
    "Account": {"scope": {"token": SECRET}, "expires_at": SECRET, "session_state": SECRET},
    "Profile": {"address": [{"token": SECRET}], "phoneNumber": {"token": SECRET}},
    "Role": {"permissionsIds": [SECRET, {"token": SECRET}]},
    "Permission": {"rolesIds": [{"token": SECRET}, SECRET]},
    "Conversation": {"messagesIds": [SECRET], "lastMessageAt": {"token": SECRET}},
    "Message": {"image": {"token": SECRET}, "body": [{"token": SECRET}]},
}
"""Fields with another type than in the schema, and one field that is never shown."""

KINDS: dict[str, dict[str, dict[str, Any]]] = {
    "unknown": {name: {"twoFactorSecret": f"{SECRET}-{name}", "recoveryCodes": [SECRET, SECRET]} for name in SEVEN},
    "name of nothing": {name: {"name": f"{SECRET}-{name}"} for name in ("Account", "Profile", "Message")},
    "nested": {name: {"settings": {"mail": [{"token": f"{SECRET}-{name}"}], SECRET: 1}} for name in SEVEN},
    "wrong type": WRONG,
    "odd name": {name: {"a.b\x1b[31m": SECRET, "y" * 10_000: SECRET, "s.$x": {SECRET: SECRET}} for name in SEVEN},
}
NOT_HERE = {"db generate", "db protect", "db unprotect"}
"""Commands that need an empty or a protected database, and write no documents with secrets."""
WRITES = [(command, kind) for command in sorted(typed.WRITES.keys() - NOT_HERE) for kind in KINDS]
MORE = {"audit undo": ("--force",)}
"""Command → more words to type. The secret values were added after the event, so an undo requires --force."""

every_kind = pytest.mark.parametrize("kind", KINDS)


def settle(database: Documents, workspace: Path, kind: str) -> None:
    """Fill a database in which every document has a secret of one kind."""
    typed.settle(database)
    sampled.lay_out(workspace)
    ada = (database["User"].find_one({"username": "ada"}) or {})["_id"]
    database["Profile"].insert_one({"userId": ada, "address": "Pier 7"})
    for name, fields in KINDS[kind].items():
        for document in list(database[name].find()):
            lists = {
                field: [*document.get(field, []), *value] for field, value in fields.items() if field[-3:] == "Ids"
            }
            database[name].replace_one({"_id": document["_id"]}, document | fields | lists)


def assert_unseen(*shown: Result) -> None:
    for said in shown:
        assert SECRET not in said.stdout + said.stderr
        assert "\x1b" not in said.stdout + said.stderr
        assert "y" * 1_000 not in said.stdout + said.stderr


def held(database: Documents) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return each field as bytes. Lists are sorted, and the time of the last change is left out."""
    return {
        name: {
            document["_id"]: {
                field: sorted(bson.encode({"": item}) for item in (value if isinstance(value, list) else [value]))
                for field, value in document.items()
                if field != "updatedAt"
            }
            for document in database[name].find()
        }
        for name in SEVEN
    }


@pytest.mark.parametrize(("command", "kind"), WRITES)
def test_no_write_shows_or_keeps_a_secret_and_an_undo_brings_it_back(
    chatctl: Chatctl, database: Documents, workspace: Path, command: str, kind: str
) -> None:
    settle(database, workspace, kind)
    was = held(database)
    line = (*command.split(), *typed.WRITES[command], *MORE.get(command, ()), "--debug")
    assert_unseen(chatctl(*line, "--dry-run"), done := chatctl(*line, "--yes", "-o", "json"))
    assert SECRET not in str(list(database["chatctl_audit"].find()))

    event = json.loads(done.stdout)["event"]
    assert_unseen(*(chatctl("audit", "show", event, "-o", form) for form in FORMATS))
    if (database["chatctl_audit"].find_one({"_id": ObjectId(event)}) or {}).get("undoable"):
        undo = ("audit", "undo", event, "--debug")
        assert_unseen(chatctl(*undo, "--dry-run"), chatctl(*undo, "--yes"))
        assert SECRET not in str(list(database["chatctl_audit"].find()))
        assert held(database) == was


@every_kind
@pytest.mark.parametrize("command", sorted(sampled.LOOKS.keys() - {"messages tail"}))
def test_no_reading_command_shows_a_secret(
    chatctl: Chatctl, database: Documents, workspace: Path, command: str, kind: str
) -> None:
    settle(database, workspace, kind)
    # a text in this field, which should be a time, is shown
    database["User"].update_many({}, {"$unset": {"lastLogin": ""}})
    for words in sampled.LOOKS[command]:
        given = words if "-o" in words or command == "users export-data" else (*words, "-o", "json")
        for line in {words, given}:
            said = chatctl(*command.split(), *line, code=None)
            assert said.code < 10, said
            assert_unseen(said)


def test_a_list_of_ids_shows_references_in_any_form_and_the_types_of_other_values(
    chatctl: Chatctl, database: Documents
) -> None:
    one = ObjectId()
    ids = [one, str(one), {"$oid": str(one)}, "backup-code", 7, None, {"a": 1}]
    database["Role"].insert_one({"_id": ObjectId(), "name": "temp", "userIds": ids, "createdBy": one})
    event = json.loads(chatctl("roles", "delete", "temp", "--yes", "-o", "json").stdout)["event"]
    [change] = json.loads(chatctl("audit", "show", event, "-o", "json").stdout)["changes"]
    assert change["fields"] == [
        {"field": "name", "from": "temp"},
        {
            "field": "userIds",
            "from": [str(one), str(one), {"$oid": str(one)}, "(text)", "(number)", "(null)", "(document)"],
        },
        {"field": "createdBy", "from": "(id)"},
    ]
