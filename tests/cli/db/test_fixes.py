"""`db check` suggests a command for each fault, and each suggested command works."""

import json
import re
from typing import Any

import pytest
from people import BEGAN, Documents, person, stored, user
from planting import AGAIN, FAULTS, Fault, Ids, settle

from actions.database.checking.rules import all_rules
from tests.conftest import Chatctl


@pytest.fixture
def ids(database: Documents) -> Ids:
    return settle(database)


def findings(chatctl: Chatctl, *rules: str) -> list[dict[str, Any]]:
    options = [word for rule in rules for word in ("--rule", rule)]
    return list(json.loads(chatctl("db", "check", *options, "-o", "json", code=None).stdout))


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{number} {fault.rule}" for number, fault in enumerate(FAULTS)])
def test_every_suggested_repair_removes_its_fault(
    chatctl: Chatctl, database: Documents, ids: Ids, fault: Fault
) -> None:
    fault.plant(database, ids)
    [row] = findings(chatctl, fault.rule)
    promised = re.match(r"chatctl (db repair --rule [\w-]+(?: --\w+)?)", row["fix"])
    assert bool(promised) >= fault.repaired
    if promised:
        chatctl(*promised[1].split(), "--yes")
        assert findings(chatctl, fault.rule) == []


def test_every_fault_has_the_command_that_it_needs(either: Chatctl, database: Documents, ids: Ids) -> None:
    database["User"].drop_index("User_email_key")
    database["User"].update_many({}, {"$unset": {"updatedAt": ""}})
    database["User"].insert_many(
        {"email": f"{n}@b.c", "username": f"u{n}", **AGAIN, "updatedAt": None} for n in range(7)
    )
    database["User"].update_one({"_id": ids["ada"]}, {"$set": {"email": None, "updatedAt": BEGAN}})
    database["Role"].update_one({"_id": ids["support"]}, {"$set": {"name": None}})
    [row] = findings(either, "missing-field")
    needed = {(one["collection"], one["field"]): one["fix"] for one in row["examples"]}
    assert needed["User", "email"] == f"chatctl users update id:{ids['ada']} --email ADDRESS"
    assert needed["Role", "name"] == f"chatctl roles rename id:{ids['support']} NAME"
    assert "{$set: {updatedAt: …}}" in needed["User", "updatedAt"]
    assert row["fix"] == row["examples"][0]["fix"]
    said = either("db", "check", "--rule", "missing-field", code=1).stdout
    assert said.count("  to do: ") == 3
    assert needed["Role", "name"] in said
    left = either("db", "repair", "--rule", "missing-field", "--yes").stdout
    assert "1 fault left; your decision is required: chatctl roles rename" in left
    assert "9 faults left; your decision is required: set a value" in left


def test_one_rule_has_a_row_for_each_severity(either: Chatctl, database: Documents, ids: Ids) -> None:
    database["User"].update_one({"_id": ids["ada"]}, {"$unset": {"status": ""}})
    database["User"].update_one({"_id": ids["alan"]}, {"$set": {"status": None}})
    rows = findings(either, "missing-field")
    assert [(row["rule"], row["severity"], row["count"]) for row in rows] == [
        ("missing-field", "E", 1),
        ("missing-field", "W", 1),
    ]
    database["Account"].update_one({}, {"$set": {"expires_at": 7.0}})
    either("db", "check", "--rule", "wrong-type", code=0)


def test_one_command_repairs_all_emails_except_those_that_two_users_have(
    either: Chatctl, database: Documents, ids: Ids
) -> None:
    was = {name: user(database, name)["email"] for name in ("ada", "grace", "alan")}
    for name, email in was.items():
        database["User"].update_one({"username": name}, {"$set": {"email": email.capitalize()}})
    more = [f"P{number}@Example.org" for number in range(30)]
    database["User"].insert_many({"email": email, "username": email[:3], **AGAIN} for email in more)
    twin, upper, other = (
        person(database, name, email=email)
        for name, email in (("twin", "grace@example.org"), ("upper", "ZOE@example.org"), ("other", "Zoe@example.org"))
    )
    before = stored(database)
    [row] = findings(either, "email-case")
    assert (row["severity"], row["count"]) == ("W", 35)
    grace = next(one for one in row["examples"] if one["id"] == str(ids["grace"]))
    assert grace["value"] == ["Grace@example.org", str(twin)]
    assert f"users show id:{twin}" in grace["fix"]
    assert "db repair" not in grace["fix"]
    done = either("db", "repair", "--rule", "email-case", "--yes")
    assert done.stdout.startswith(
        "email-case: repaired (32 faults)\nemail-case: unchanged (3 faults left; your decision is required:"
    )
    kept = {str(one["_id"]): one["email"] for one in database["User"].find() if one["email"] != one["email"].lower()}
    assert kept == {
        str(ids["grace"]): "Grace@example.org",
        str(upper): "ZOE@example.org",
        str(other): "Zoe@example.org",
    }
    assert user(database, "ada")["updatedAt"] > BEGAN
    either("audit", "undo", done.stderr.split()[-1], "--yes")
    assert stored(database) == before


@pytest.mark.parametrize("plural", ["users", "Users", "USERS", "messages", "Roles", "accounts"])
def test_a_plural_collection_beside_an_empty_one_is_reported(
    chatctl: Chatctl, database: Documents, plural: str
) -> None:
    meant = {"user": "User", "message": "Message", "role": "Role", "account": "Account"}[plural.lower()[:-1]]
    database[plural].insert_one({"x": 1})

    def noted() -> tuple[list[Any], str]:
        [status, table] = (chatctl("db", "status", "-o", form) for form in ("json", "table"))
        others = json.loads(status.stdout)["otherCollections"]
        assert re.findall(r"OTHER COLLECTIONS +(\S+)", table.stdout) == [plural if others else "-"]
        return others, table.stderr

    others, said = noted()
    assert others == [{"name": plural, "meant": meant}]
    assert f"the application uses {meant}, not {plural}; see chatctl db check --rule other-collection\n" in said
    [row] = findings(chatctl, "other-collection")
    [example] = row["examples"]
    assert (example["collection"], example["id"], example["value"]) == (meant, plural, "1 document")
    database[meant].insert_one({})
    assert noted()[0] == []
    assert findings(chatctl, "other-collection") == []


def test_an_index_that_is_not_unique_is_reported_as_such(either: Chatctl, database: Documents, ids: Ids) -> None:
    database["User"].drop_index("User_email_key")
    database["User"].create_index("email", name="User_email_key")
    database["User"].drop_index("User_username_key")
    database["User"].create_index("username", name="username_1")
    [row] = findings(either, "misnamed-index")
    assert [one["value"] for one in row["examples"]] == [
        "User_email_key is not unique",
        "the index username_1 has the same key but is not unique",
    ]
    listed = json.loads(either("db", "indexes", "-o", "json").stdout)
    assert [one["message"] for one in listed if one["state"] == "conflict"] == [one["value"] for one in row["examples"]]
    database["User"].insert_one({"email": "ada@example.org", "username": "ada2", **AGAIN})
    [twice] = findings(either, "duplicate-key")
    assert "users update id:" in twice["fix"]


def test_rules_that_need_a_decision_do_not_suggest_a_plain_repair() -> None:
    plain = "chatctl db repair --rule {name}"
    for rule in all_rules():
        mends = rule.automatic or rule.repairable.__qualname__.startswith(rule.__name__)
        assert mends or plain not in {rule.fix, *rule.fixes.values()}, rule
