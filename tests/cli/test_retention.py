"""Retention rules: which data they change, which data they keep and count, and which rules require --max."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from engines import undone
from people import Documents, conversation, links, messages, person, stored
from samples import role

from actions.rules.lockout import PROTECTED
from cli.output import applying
from database.times import ago
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

APPLY = ("retention", "apply", "rules.yaml", "--yes")
MESSAGES = "{name: old, messages: {older_than: 30d}}"
LATELY = datetime.now(UTC).replace(microsecond=0) - timedelta(1)
LONG_AGO = LATELY - timedelta(400)


def rules(*lines: str) -> None:
    Path("rules.yaml").write_text("\n  - ".join(["version: 1\nretention:", *lines]) + "\n")


def planned(chatctl: Chatctl, *options: str, code: int = 0) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(
        chatctl("retention", "plan", "rules.yaml", "-o", "json", *options, code=code).stdout
    )
    for row in rows:
        del row["before"]
    return rows


def settle_messages(database: Documents) -> dict[str, ObjectId]:
    """Insert 9 old messages of ada and bob in two conversations, a recent message, and one without a date."""
    database["Role"].insert_one(role("guest"))
    ids = {"ada": person(database, "ada"), "bob": person(database, "bob", roles=("guest",))}
    ids["group"] = conversation(database, *ids.values(), name="engines")
    ids["pair"] = conversation(database, ids["ada"], ids["bob"])
    messages(database, ids["group"], ids["ada"], "a1", "a2", "a3", "a4")
    messages(database, ids["group"], ids["bob"], "b1", "b2", after=10)
    messages(database, ids["pair"], ids["bob"], "c1", "c2", "c3")
    [new] = messages(database, ids["pair"], ids["bob"], "new", after=60)
    database["Message"].update_one({"_id": new}, {"$set": {"createAt": LATELY}})
    database["Conversation"].update_one({"_id": ids["pair"]}, {"$set": {"lastMessageAt": LATELY}})
    [odd] = messages(database, ids["group"], ids["bob"], "odd", after=10)
    database["Message"].update_one({"_id": odd}, {"$set": {"createAt": "2020-01-01"}})
    return ids


def bodies(database: Documents) -> str:
    return " ".join(sorted(one["body"] for one in database["Message"].find()))


@pytest.mark.parametrize(
    ("rule", "due", "last", "left"),
    [
        ("older_than: 30d", 9, 0, "new odd"),
        ("older_than: 99y", 0, 0, "a1 a2 a3 a4 b1 b2 c1 c2 c3 new odd"),
        ("older_than: 30d, keep_last: 2", 6, 3, "b1 b2 c3 new odd"),
        ("older_than: 30d, conversation: engines", 6, 0, "c1 c2 c3 new odd"),
        ("older_than: 30d, role: guest", 5, 0, "a1 a2 a3 a4 new odd"),
        ("older_than: 30d, role: guest, conversation: engines, keep_last: 3", 0, 2, ""),
    ],
)
def test_a_rule_for_messages_deletes_what_its_plan_counts(
    either: Chatctl, database: Documents, *, rule: str, due: int, last: int, left: str
) -> None:
    settle_messages(database)
    before = stored(database)
    rules(f"{{name: old, messages: {{{rule}}}}}")
    [row] = planned(either, "--exit-code", code=int(due > 0))
    assert (row["due"], row["of"], row["last"], row["undated"]) == (due, 11, last, 1)
    assert row["action"] == "delete messages"
    assert (row["oldest"] is None) == (due == 0)
    assert stored(database) == before
    done = either(*APPLY, "--max", "9")
    if due == 0:
        assert (done.stdout, done.stderr, stored(database)) == ("", "", before)
        return
    assert done.stdout.startswith(f"old: deleted ({due} messages in ")
    assert bodies(database) == left
    links(database)
    [event] = json.loads(either("audit", "list", "-o", "json").stdout)
    assert event["command"].startswith("retention apply --rule old (before 20")
    assert planned(either)[0]["due"] == 0
    undone(either, done)
    assert stored(database) == before


def settle_users(database: Documents) -> dict[str, ObjectId]:
    """Insert users who are inactive for different reasons, and users whom a rule must not change."""
    admin = role("admin")
    database["Role"].insert_many([admin, role("guest")])
    database["chatctl_state"].insert_one({"_id": PROTECTED, "ids": [admin["_id"]]})
    old: dict[str, Any] = {"lastLogin": LONG_AGO}
    fields: dict[str, dict[str, Any]] = {
        "ada": old | {"roles": ("guest",)},
        "bob": {"createdAt": LONG_AGO},
        "idle": old | {"status": "SUSPENDED"},
        "null": {"lastLogin": None, "createdAt": LONG_AGO},
        "recent": {"lastLogin": LATELY, "createdAt": LONG_AGO},
        "new": {"createdAt": LATELY},
        "text": {"lastLogin": "2020-01-01"},
        "broken": {"createdAt": "2020-01-01"},
        "list": {"lastLogin": [LONG_AGO]},
        "boss": old | {"roles": ("admin",)},
        "held": old,
        "busy": old,
        "vague": old,
    }
    ids = {name: person(database, name, **values) for name, values in fields.items()}
    place = conversation(database, ids["busy"], ids["recent"], ids["vague"], name="engines")
    [said] = messages(database, place, ids["busy"], "still here")
    database["Message"].update_one({"_id": said}, {"$set": {"createAt": LATELY}})
    [undated] = messages(database, place, ids["vague"], "me too")
    database["Message"].update_one({"_id": undated}, {"$set": {"createAt": "2020-01-01"}})
    database["Conversation"].update_one({"_id": place}, {"$set": {"lastMessageAt": LATELY}})
    return ids


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        ("do: suspend", ("ada", "bob", "null")),
        ("do: erase", ("ada", "bob", "idle", "null")),
        ("do: suspend, role: guest", ("ada",)),
        ("do: erase, role: guest", ("ada",)),
    ],
)
def test_a_rule_for_users_changes_only_inactive_users_whom_nothing_keeps(
    either: Chatctl, database: Documents, rule: str, due: Sequence[str]
) -> None:
    ids = settle_users(database)
    either("holds", "add", "case-1", "--user", "held", "--reason", "law")
    before = {one["_id"]: one for one in database["User"].find()}
    rules(f"{{name: quiet, users: {{inactive_for: 1y, {rule}}}}}")
    [row] = planned(either)
    assert (row["due"], row["of"]) == (len(due), 13)
    if "role" not in rule:
        assert [row[key] for key in ("held", "undated", "protected", "active")] == [1, 3, 1, 2]
    done = either(*APPLY, "--max", "9", "-o", "json")
    after = {one["_id"]: one for one in database["User"].find()}
    assert sorted(name for name, one in ids.items() if after[one] != before[one]) == sorted(due)
    for name in due:
        assert after[ids[name]]["status"] == "SUSPENDED"
        assert (after[ids[name]]["username"] == f"erased-{ids[name]}") == ("erase" in rule)
    links(database)
    first, *kept = json.loads(done.stdout)["results"]
    verb = "erased" if "erase" in rule else "suspended"
    assert (first["outcome"], first["message"]) == (verb, f"{len(due)} user{'s'[: len(due) > 1]}")
    if "role" not in rule:
        assert [one["message"] for one in kept] == [
            "1 user is kept by the hold case-1: chatctl holds show case-1",
            (
                "Passed over: 3 users without a valid date of the last sign-in, 1 user in protected roles, "
                "2 users who sent a message since"
            ),
        ]
    assert planned(either)[0]["due"] == 0
    assert either(*APPLY).stderr == ""


def test_several_rules_are_carried_out_in_their_order_each_with_its_event(either: Chatctl, database: Documents) -> None:
    settle_messages(database)
    first, second = MESSAGES.replace("30d", "30d, keep_last: 2"), MESSAGES.replace("old,", "older,")
    rules(first, second, "{name: never, messages: {older_than: 99y}}")
    before = stored(database)
    assert [row["due"] for row in planned(either)] == [6, 9, 0]
    assert "this would change 15 items" in either(*APPLY, "--max", "14", code=7).stderr
    assert either(*APPLY, "--dry-run", "--max", "15").stdout.count("- Message ") == 15
    assert stored(database) == before
    outcome = json.loads(either(*APPLY, "--max", "15", "-o", "json", "--reason", "policy").stdout)
    results = [one for one in outcome["results"] if one["outcome"] != "passed-over"]
    assert [(one["ref"], one["outcome"], one.get("message")) for one in results] == [
        ("old", "deleted", "6 messages in 2 conversations"),
        ("older", "deleted", "3 messages in 2 conversations"),
        ("never", "unchanged", None),
    ]
    events = [one["event"] for one in results]
    assert (outcome["event"], events[2]) == (events[1], None)
    for event in reversed(events[:2]):
        assert json.loads(either("audit", "show", event, "-o", "json").stdout)["reason"] == "policy"
        either("audit", "undo", event, "--yes")
    assert stored(database) == before
    assert either(*APPLY, "--max", "9", "--rule", "older").stdout == "older: deleted (9 messages in 2 conversations)\n"


def test_messages_that_an_earlier_rule_deletes_still_keep_their_senders(either: Chatctl, database: Documents) -> None:
    settle_messages(database)
    person(database, "idle")
    database["User"].update_many({}, {"$set": {"lastLogin": LONG_AGO}})
    sent = datetime.now(UTC) - timedelta(40)
    database["Message"].update_many({"createAt": {"$type": "date"}}, {"$set": {"createAt": sent}})
    rules(MESSAGES, "{name: gone, users: {inactive_for: 60d, do: erase}}")
    messages_due, users_due = planned(either)
    assert (messages_due["due"], users_due["due"], users_due["active"]) == (10, 1, 2)
    done = either(*APPLY, "--max", "11")
    assert done.stdout.endswith("\ngone: erased (1 user)\n")
    assert sorted(database["User"].distinct("username", {"status": "ACTIVE"})) == ["ada", "bob"]


def test_held_messages_are_passed_over_and_counted(either: Chatctl, database: Documents) -> None:
    settle_messages(database)
    either("holds", "add", "case-1", "--conversation", "engines", "--reason", "law")
    rules(MESSAGES)
    [row] = planned(either)
    assert (row["due"], row["held"]) == (3, 6)
    done = either(*APPLY, "--max", "3")
    assert "6 messages are kept by the hold case-1: chatctl holds show case-1\n" in done.stderr
    assert bodies(database) == "a1 a2 a3 a4 b1 b2 new odd"
    assert either("holds", "check").code == 0


@pytest.mark.parametrize(("recent", "large"), [(81, False), (80, True)])
def test_a_rule_for_more_than_a_tenth_requires_a_limit(
    chatctl: Chatctl, database: Documents, *, recent: int, large: bool
) -> None:
    ada = person(database, "ada")
    place = conversation(database, ada, name="engines")
    messages(database, place, ada, *(f"m{number}" for number in range(9)))
    new = {"senderId": ada, "conversationId": place, "createAt": LATELY, "seenIds": [], "body": "x"}
    database["Message"].insert_many([{"_id": ObjectId(), **new} for _ in range(recent)])
    rules(MESSAGES)
    chatctl(*APPLY[:-1], code=7)
    if large:
        refused = chatctl(*APPLY, code=7).stderr
        assert "a limit is required to delete 9 messages (10 % of all) by the rule old" in refused
        assert "--yes --max 9" in refused
        chatctl(*APPLY, "--max", "8", code=7)
        assert database["Message"].count_documents({}) == recent + 9
        chatctl("db", "protect", "prod", "--yes")
        assert "--expect prod --max 9" in chatctl(*APPLY[:-1], "--expect", "prod", code=7).stderr
        chatctl(*APPLY[:-1], "--expect", "prod", "--max", "9")
    else:
        chatctl(*APPLY)
    assert database["Message"].count_documents({}) == recent


def test_on_a_terminal_the_name_of_a_large_rule_is_typed(
    chatctl: Chatctl, terminal: Terminal, database: Documents
) -> None:
    settle_messages(database)
    rules(MESSAGES)
    for typed, code, left in (("y\n", 7, 11), ("old\n", 0, 2)):
        screen = terminal(*APPLY, answers={'Type "old" to confirm: ': typed}, columns=200)
        assert "Delete 9 messages (81 % of all) by the rule old?\n" in screen.text
        assert (screen.code, database["Message"].count_documents({})) == (code, left)
    screen = terminal(*APPLY)
    assert (screen.text, screen.code) == ("nothing to do\n", 0)


def test_no_to_a_later_rule_says_that_the_earlier_rule_is_saved(terminal: Terminal, database: Documents) -> None:
    settle_messages(database)
    rules("{name: one, messages: {older_than: 30d, conversation: engines}}", MESSAGES)
    screen = terminal(
        *APPLY, answers={'Type "one" to confirm: ': "one\n", 'Type "old" to confirm: ': "n\n"}, columns=200
    )
    assert screen.code == 7
    assert "Nothing was changed" not in screen.text
    assert screen.text.splitlines()[-2:][0] == "Cancelled."
    assert screen.text.splitlines()[-1].startswith("Earlier changes are saved: chatctl audit show ")
    assert database["Message"].count_documents({}) == 5


def test_a_rule_can_be_proposed_and_saved_but_an_erasure_cannot(
    chatctl: Chatctl, database: Documents, workspace: Path
) -> None:
    settle_users(database)
    suspend = "{name: asleep, users: {inactive_for: 1y, do: suspend}}"
    rules(suspend, suspend.replace("asleep", "asleep too"), "{name: gone, users: {inactive_for: 1y, do: erase}}")
    line = ("retention", "apply", "rules.yaml")
    assert "choose one with --rule NAME" in chatctl(*line, "--save-plan", "plan.json", code=2).stderr
    chatctl(*line, "--save-plan", "plan.json", "--rule", "asleep")
    assert "would keep the data" in chatctl(*line, "--rule", "gone", "--save-plan", "x.json", code=5).stderr
    assert "would keep the data" in chatctl(*line, "--propose", "--reason", "policy", code=5).stderr
    assert database["chatctl_proposals"].count_documents({}) == 0
    chatctl(*line, "--rule", "asleep", "--propose", "--reason", "policy")
    chatctl("db", "protect", "prod", "--two-people", "--yes")
    assert "requires two people" in chatctl(*line, "--expect", "prod", "--max", "99", code=7).stderr
    chatctl("apply", "plan.json", "--dry-run")
    assert database["User"].count_documents({"status": "SUSPENDED"}) == 1


KILLED = """
import os, signal, sys
from cli.__main__ import main
from cli.output.write_bar import WriteBar

left = int(sys.argv.pop(1))

def wrote(self, *_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

WriteBar.wrote = wrote
main()
"""
"""A program that runs chatctl, and kills the process after a number of batches, which is its first argument."""


def killed(environment: dict[str, str], batches: int) -> str:
    """Apply the rules in a process that is killed after a number of batches. Return the lines on standard error."""
    line = [sys.executable, "-c", KILLED, str(batches), *APPLY, "--max", "9999"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == -signal.SIGKILL, done
    assert done.stdout == ""
    return done.stderr


def settle_pictured(chatctl: Chatctl, database: Documents, *names: str) -> list[str]:
    """Insert inactive users who have two pictures each, one of them only in the audit trail. Return all URLs."""
    urls = [f"https://images.example/{name}-{number}.png" for name in names for number in (1, 2)]
    for name in names:
        person(database, name, lastLogin=LONG_AGO)
    for url in urls:
        chatctl("users", "update", url.split("/")[-1].partition("-")[0], "--image-url", url)
    rules("{name: gone, users: {inactive_for: 1y, do: erase}}")
    return urls


def test_the_limit_counts_the_changes_of_all_rules_even_if_more_becomes_due_meanwhile(
    chatctl: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = settle_messages(database)
    for name in ("cyd", "dot"):
        person(database, name, lastLogin=LONG_AGO)
    engines = "{name: first, messages: {older_than: 30d, conversation: engines}}"
    rules(engines, "{name: second, users: {inactive_for: 1y, do: suspend}}", MESSAGES)
    report = applying._report_written

    def grow(*args: Any) -> None:
        monkeypatch.setattr(applying, "_report_written", report)
        messages(database, ids["pair"], ids["bob"], *(f"d{number}" for number in range(7)))
        report(*args)

    monkeypatch.setattr(applying, "_report_written", grow)
    done = chatctl(*APPLY, "--max", "17", code=7)
    assert done.stdout == "first: deleted (6 messages in 1 conversation)\nsecond: suspended (2 users)\n"
    assert (
        "error: this would change 10 more items, but --max allows only 17, and 8 are already changed\n" in done.stderr
    )
    assert "Earlier changes are saved: chatctl audit show " in done.stderr
    assert "nothing was changed" not in done.stderr
    assert bodies(database).startswith("c1 c2 c3 d0 ")
    assert chatctl(*APPLY, "--max", "10").stdout == "old: deleted (10 messages in 1 conversation)\n"


@pytest.mark.parametrize("command", [("users", "erase", "ada"), ("retention", "apply", "rules.yaml")])
def test_the_preview_of_an_erasure_names_roles_and_says_which_fields_are_removed(
    chatctl: Chatctl, database: Documents, command: Sequence[str]
) -> None:
    database["Role"].insert_one(role("guest"))
    ada = person(database, "ada", roles=("guest",), lastLogin=LONG_AGO, name="Ada Lovelace")
    rules("{name: gone, users: {inactive_for: 1y, do: erase}}")
    lines = chatctl(*command, "--dry-run").stdout.splitlines()
    assert f"~ User erased-{ada}: rolesIds -guest" in lines
    assert f"~ User erased-{ada}: " in lines[-1]
    assert " name Ada Lovelace -> (removed), " in lines[-1]


@pytest.mark.parametrize("do", ["suspend", "erase", "delete"])
@pytest.mark.parametrize("moment", ["after the plans", "before the write"])
def test_without_a_terminal_a_run_that_finds_nothing_left_to_do_is_silent(
    chatctl: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch, do: str, moment: str
) -> None:
    settle_messages(database)
    database["Message"].delete_many({"body": {"$in": ["new", "odd"]}})
    eve = person(database, "eve")
    messages(database, conversation(database, eve), eve, "kept")
    database["User"].update_many({}, {"$set": {"lastLogin": LONG_AGO}})
    chatctl("holds", "add", "case-1", "--user", "eve", "--reason", "law")
    users = f"{{name: old, users: {{inactive_for: 30d, do: {do}}}}}"
    rules(MESSAGES if do == "delete" else users, "{name: never, messages: {older_than: 99y}}")
    line = (*APPLY, "--max", "9")
    wait = applying._check_each if moment == "after the plans" else applying._carry_out

    def wait_for_another_run(*args: Any) -> Any:
        monkeypatch.setattr(applying, wait.__name__, wait)
        assert chatctl(*line).stdout.startswith("old: ")
        return wait(*args)

    monkeypatch.setattr(applying, wait.__name__, wait_for_another_run)
    assert chatctl(*line) == ("", "", 0)
    assert database["chatctl_audit"].count_documents({"kind": "event", "command": {"$regex": "^retention "}}) == 1


@pytest.mark.parametrize("batches", [1, 2, 4])
def test_a_killed_erasure_has_printed_the_url_of_every_image_that_it_removed(
    chatctl: Chatctl, database: Documents, environment: dict[str, str], batches: int
) -> None:
    urls = settle_pictured(chatctl, database, "ada", "bob", "cyd")
    lines = killed(environment, batches).splitlines()
    everything = str([list(database[name].find()) for name in database.list_collection_names()])
    removed = [url for url in urls if url not in everything]
    assert removed
    for url in removed:
        assert lines.count(f"delete this image where it is stored: {url}") == 1
    printed = [line for line in chatctl(*APPLY, "--max", "9").stderr.splitlines() if "delete this image" in line]
    assert len(printed) == len(set(printed))
    assert {*printed, *lines}.issuperset(f"delete this image where it is stored: {url}" for url in urls)


@pytest.mark.parametrize(("do", "batches"), [("erase", 1), ("erase", 2), ("erase", 3), ("delete", 1), ("suspend", 1)])
def test_the_next_run_finishes_a_killed_rule(
    chatctl: Chatctl, database: Documents, environment: dict[str, str], do: str, batches: int
) -> None:
    settle_pictured(chatctl, database, "dot", "eve", "flo")
    ada, bob, cyd = (person(database, name, lastLogin=LONG_AGO) for name in ("ada", "bob", "cyd"))
    place = conversation(database, ada, bob, cyd, name="engines")
    messages(database, place, ada, *(f"m{number}" for number in range(950)), seen=(bob,))
    chatctl("db", "indexes", "--apply")
    users = f"{{name: old, users: {{inactive_for: 30d, do: {do}}}}}"
    rules(MESSAGES if do == "delete" else users)
    before = planned(chatctl)[0]["due"]
    killed(environment, batches)
    left = planned(chatctl)[0]["due"]
    assert left < before or (do, batches) == ("erase", 1)
    assert json.loads(chatctl("db", "check", "-o", "json", code=None).stdout) == []
    links(database)
    done = chatctl(*APPLY, "--max", "9999")
    assert (done.stdout != "") == (left > 0)
    assert planned(chatctl)[0]["due"] == 0
    assert json.loads(chatctl("db", "check", "-o", "json", code=None).stdout) == []
    links(database)


FAULTS = {
    "{messages: {older_than: 1d}}": 'a retention rule requires the key "name"',
    "{name: x}": "a retention rule requires either `messages` or `users`",
    "{name: x, messages: {older_than: 1d}, users: {inactive_for: 1d, do: erase}}": "requires either",
    "{name: x, messages: {}}": 'a rule for messages requires the key "older_than"',
    "{name: x, users: {inactive_for: 1d}}": 'a rule for users requires the key "do"',
    "{name: x, messages: {older_then: 1d}}": 'unknown key "older_then" in a rule for messages (did you mean',
    "{name: x, messages: {older_than: 0d}}": '"0d" is not a valid age. Use 12h, 90d, 8w or 2y.',
    "{name: x, messages: {older_than: 6m}}": '"6m" is not a valid age',
    "{name: x, messages: {older_than: -1d}}": '"-1d" is not a valid age',
    "{name: x, messages: {older_than: 9999y}}": '"9999y" is not a valid age',
    "{name: x, messages: {older_than: 90}}": "expected an age like 90d, found a number",
    "{name: x, messages: {older_than: 2020-01-01}}": "expected an age like 90d, found a date",
    "{name: x, messages: {older_than: 1d, keep_last: 0}}": '"0" is not a whole number from 1',
    "{name: x, messages: {older_than: 1d, keep_last: ten}}": "expected a number from 1, found a text",
    "{name: x, messages: {older_than: 1d, keep_last: 1.5}}": "expected a number from 1, found a number",
    "{name: x, users: {inactive_for: 1d, do: delete}}": '"delete" is not valid here. Use suspend or erase.',
    "{name: x, users: {inactive_for: 1d, do: erase, keep_last: 1}}": 'unknown key "keep_last" in a rule for users',
    "{name: x, messages: {older_than: 1d, role: '${ROLE}'}}": "variables are allowed only in",
}


@pytest.mark.usefixtures("workspace")
def test_every_wrong_rule_is_a_fault_with_its_place(chatctl: Chatctl) -> None:
    rules(*(rule.replace("name: x", f"name: x{number}") for number, rule in enumerate(FAULTS)))
    for command in (("seeds", "validate"), ("retention", "plan"), ("retention", "apply")):
        lines = chatctl(*command, "rules.yaml", code=5).stderr.splitlines()
        for number, said in enumerate(FAULTS.values(), 3):
            assert [line for line in lines if line.startswith(f"rules.yaml:{number}:") and said in line], said


def test_the_name_of_a_rule_is_unique(chatctl: Chatctl, workspace: Path) -> None:
    rules(MESSAGES, MESSAGES)
    said = chatctl("seeds", "validate", "rules.yaml", code=5).stderr
    assert 'rules.yaml:4:12: duplicate retention rule "old"; the first is at rules.yaml:3:5\n' in said


def test_other_commands_of_seeds_ignore_the_rules(chatctl: Chatctl, database: Documents, workspace: Path) -> None:
    settle_messages(database)
    rules(MESSAGES, "{name: 'no conversation', messages: {older_than: 1d, conversation: nowhere}}")
    before = stored(database)
    assert chatctl("seeds", "validate", "rules.yaml").stdout.endswith(", 2 retention rules\n")
    assert chatctl("seeds", "plan", "rules.yaml", "--exit-code").stdout == "No changes.\n"
    assert chatctl("seeds", "apply", "rules.yaml", "--yes").stderr == "nothing to do\n"
    assert "retention" not in chatctl("seeds", "export").stdout
    assert stored(database) == before
    said = chatctl("retention", "plan", "rules.yaml", code=3).stderr
    assert 'no conversation "nowhere"' in said
    assert "in the retention rule no conversation" in said


def test_the_seeds_of_the_folder_are_used_only_on_a_terminal(
    chatctl: Chatctl, terminal: Terminal, database: Documents, workspace: Path
) -> None:
    settle_messages(database)
    assert "this folder has no seed files" in chatctl("retention", "plan", code=2).stderr
    rules("{name: never, messages: {older_than: 99y}}")
    assert "No PATH: using ./rules.yaml\n" in chatctl("retention", "plan").stderr
    assert "PATH is required without a terminal" in chatctl("retention", "apply", "--yes", code=2).stderr
    assert terminal("retention", "apply").text == "No PATH: using ./rules.yaml\nnothing to do\n"
    (workspace / "none.yaml").write_text("version: 1\n")
    assert "the seed has no retention rules" in chatctl("retention", "plan", "none.yaml", code=2).stderr
    said = chatctl("retention", "plan", "rules.yaml", "--rule", "nevr", code=3).stderr
    assert 'did you mean "never"?' in said


def test_a_plan_is_a_table_for_people_and_for_reviewers(chatctl: Chatctl, database: Documents, workspace: Path) -> None:
    settle_messages(database)
    rules("{name: '|x`', messages: {older_than: 30d}}")
    table = chatctl("retention", "plan", "rules.yaml").stdout.splitlines()
    assert table[0].startswith("RULE  ACTION           DUE  OF  BEFORE  ")
    marked = chatctl("retention", "plan", "rules.yaml", "-o", "markdown").stdout
    assert marked.startswith("### chatctl retention plan: `")
    assert "\n| \\|`` x` `` | `delete messages` | `9` |" in marked
    summary = workspace / "summary.md"
    chatctl("retention", "plan", "rules.yaml", env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.read_text().strip() == marked.strip()


@pytest.mark.parametrize(
    ("age", "now", "time"),
    [
        ("12h", "2026-03-01T06:00", "2026-02-28T18:00"),
        ("8w", "2026-03-01T00:00", "2026-01-04T00:00"),
        ("2y", "2026-03-01T00:00", "2024-03-01T00:00"),
        ("1y", "2028-02-29T00:00", "2027-02-28T00:00"),
        ("4y", "2028-02-29T00:00", "2024-02-28T00:00"),
        ("2026y", "2026-03-01T00:00", None),
        ("999999w", "2026-03-01T00:00", None),
        ("1", "2026-03-01T00:00", None),
        ("01d", "2026-03-01T00:00", None),
        ("٣d", "2026-03-01T00:00", None),
    ],
)
def test_an_age_is_in_hours_days_weeks_or_calendar_years(age: str, now: str, time: str | None) -> None:
    found = ago(age, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(time).replace(tzinfo=UTC) if time else None)
