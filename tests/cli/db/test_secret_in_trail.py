"""`chatctl db repair --rule secret-in-trail`, with an audit trail that an older version has written."""

import json
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents
from planting import Ids, settle

from tests.conftest import Chatctl

RULE = ("--rule", "secret-in-trail")


@pytest.fixture
def ids(database: Documents) -> Ids:
    return settle(database)


def event(database: Documents, collection: str, *fields: dict[str, Any], **more: Any) -> ObjectId:
    """Insert an event that has deleted one document. Return the id of the part of the event."""
    head = {"kind": "event", "at": BEGAN, "actor": {}, "command": "x", "summary": [], "whole": True, "undoable": True}
    kept = database["chatctl_audit"].insert_one(head).inserted_id
    one = ObjectId()
    entry = {"op": "delete", "collection": collection, "ids": [one], "fields": list(fields), **more}
    part = {"kind": "part", "event": kept, "batch": 0, "targets": [one], "changes": [entry]}
    names = [{"id": one, "name": more.get("name", str(one))}]
    return ObjectId(database["chatctl_audit"].insert_one({**part, "names": names}).inserted_id)


@pytest.mark.parametrize(
    ("collection", "field", "kept"),
    [
        ("Account", {"field": "oauth_token", "from": "SECRET"}, {"from": "(text)"}),
        ("Account", {"field": "session_state", "to": "SECRET"}, {"to": "(secret)"}),
        (
            "User",
            {"field": "backup", "from": {"a": "SECRET"}, "to": ["SECRET"]},
            {"from": "(document)", "to": "(list of 1)"},
        ),
        ("User", {"field": "name", "from": {"a": "SECRET"}, "to": "Ada"}, {"from": "(document)", "to": "Ada"}),
        ("Role", {"field": "userIds", "taken": ["SECRET", None]}, {"taken": ["(text)", "(null)"]}),
        ("Elsewhere", {"field": "email", "from": "SECRET"}, {"from": "(text)"}),
    ],
)
@pytest.mark.usefixtures("ids")
def test_only_the_secret_values_are_removed(
    either: Chatctl, database: Documents, collection: str, field: dict[str, Any], kept: dict[str, Any]
) -> None:
    part = event(database, collection, {"field": "email", "from": "(erased)"}, field)
    [row] = json.loads(either("db", "check", *RULE, "-o", "json", code=1).stdout)
    assert (row["count"], row["examples"][0]["id"], row["examples"][0]["field"]) == (1, str(part), field["field"])
    before = database["chatctl_audit"].find_one({"_id": part}) or {}

    done = either("db", "repair", *RULE, "--yes")
    assert "undo:" not in done.stderr
    assert "This cannot be undone" in done.stderr
    after = database["chatctl_audit"].find_one({"_id": part}) or {}
    assert after["changes"][0]["fields"][1] == {"field": field["field"], **kept}
    before["changes"][0]["fields"][1] = after["changes"][0]["fields"][1]
    assert after == before
    assert database["chatctl_images"].count_documents({}) == 0
    assert either("db", "check", *RULE).stderr == "no fault was found\n"
    assert "nothing to do" in either("db", "repair", *RULE, "--yes").stderr


@pytest.mark.usefixtures("ids")
def test_a_secret_stored_as_the_name_of_a_document_is_removed(either: Chatctl, database: Documents) -> None:
    part = event(database, "Account", {"field": "provider", "from": "x"}, name="SECRET")
    either("db", "repair", *RULE, "--yes")
    after = database["chatctl_audit"].find_one({"_id": part}) or {}
    assert (after["names"], "name" in after["changes"][0]) == ([], False)


@pytest.mark.usefixtures("ids")
def test_the_event_of_the_repair_says_what_it_did_and_cannot_be_undone(either: Chatctl, database: Documents) -> None:
    event(database, "Account", {"field": "oauth_token", "from": "SECRET"})
    done = either("db", "repair", *RULE, "--yes", "-o", "json", "--reason", "case 4711")
    own = json.loads(done.stdout)["event"]
    shown = json.loads(either("audit", "show", own, "-o", "json").stdout)
    assert (shown["command"], shown["reason"], shown["changes"]) == (
        "db repair --rule secret-in-trail",
        "case 4711",
        [],
    )
    assert "never stored" in either("audit", "undo", own, "--yes", code=7).stderr


def test_the_repair_runs_only_if_its_rule_is_the_only_one_named(either: Chatctl, database: Documents, ids: Ids) -> None:
    part = event(database, "Account", {"field": "oauth_token", "from": "SECRET"})
    was = database["chatctl_audit"].find_one({"_id": part})
    database["User"].update_one({"_id": ids["alan"]}, {"$set": {"rolesIds": None}})
    refused = either("db", "repair", *RULE, "--rule", "null-list", "--yes", code=2)
    assert refused.stderr.splitlines() == [
        "error: a repair by the rule secret-in-trail cannot be undone",
        "hint: run only this rule: --rule secret-in-trail",
    ]
    done = either("db", "repair", "--yes")
    assert (
        "secret-in-trail: unchanged (1 fault left; your decision is required: chatctl db repair --rule secret-in-trail"
        in done.stdout
    )
    assert "undo: chatctl audit undo" in done.stderr
    assert database["chatctl_audit"].find_one({"_id": part}) == was


@pytest.mark.usefixtures("ids")
def test_an_event_of_an_older_version_is_shown_without_its_secrets(either: Chatctl, database: Documents) -> None:
    part = event(database, "Account", {"field": "oauth_token", "from": "SECRET"}, name="SECRET")
    old = (database["chatctl_audit"].find_one({"_id": part}) or {})["event"]
    for form in ("table", "json", "yaml", "csv", "ndjson"):
        assert "SECRET" not in either("audit", "show", old, "-o", form).stdout


@pytest.mark.usefixtures("ids")
def test_many_parts_are_repaired_in_several_batches(
    chatctl: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.rules.checked_changeset.BATCH", 3)
    for _ in range(10):
        event(database, "Account", {"field": "oauth_token", "from": "SECRET"})
    chatctl("db", "repair", *RULE, "--yes")
    assert "SECRET" not in str(list(database["chatctl_audit"].find()))
    assert database["chatctl_audit"].count_documents({"kind": "end"}) == 1
    assert chatctl("db", "check", *RULE).stderr == "no fault was found\n"
