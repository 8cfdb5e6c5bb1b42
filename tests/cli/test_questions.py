"""The question before a write: its words, the items that it names, and the result of the answer no."""

import json
from pathlib import Path

import pytest
import typed
from people import SEVEN, Documents, person

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

ADA, CYD = "ada (ada@example.org)", "cyd (cyd@example.org)"
QUESTIONS = {
    "users create": "Create eve (eve@example.org)",
    "users update": f"Update {ADA}",
    "users suspend": f"Suspend {ADA}",
    "users reinstate": "Reinstate bob (bob@example.org)",
    "users verify-email": f"Mark the e-mail of {CYD} as verified",
    "users set-password": f"Set the password of {ADA}",
    "users grant": f"Grant support to {CYD}",
    "users revoke": f"Revoke support from {ADA}",
    "users unlink": f"Unlink google from {ADA}",
    "users delete": f"Delete {CYD}",
    "users erase": f"Erase {CYD}",
    "users merge": f"Merge {CYD} into {ADA}",
    "users import": "Import eve@example.org",
    "roles create": "Create role intern",
    "roles rename": "Rename role support to helpdesk",
    "roles copy": "Copy role support to helpdesk",
    "roles delete": "Delete role support",
    "roles grant": "Grant permission user.suspend to role support",
    "roles revoke": "Revoke permission user.read from role support",
    "permissions create": "Create permission role.read",
    "permissions rename": "Rename permission user.read to user.view",
    "permissions delete": "Delete permission user.read",
    "access review": "Revoke 1 role from 1 user",
    "conversations create": "Create conversation ada, cyd",
    "conversations add": f"Add {CYD} to Night shift",
    "conversations remove": "Remove bob (bob@example.org) from Night shift",
    "conversations rename": "Rename conversation Night shift to Day shift",
    "conversations delete": "Delete conversation Night shift",
    "messages send": "Send a message from ada to Night shift",
    "messages redact": "Redact the message of ada, 2026-01-01 00:00Z",
    "messages delete": "Delete the message of ada, 2026-01-01 00:00Z",
    "messages purge": "Delete 1 message",
    "seeds apply": "Apply the seed default",
    "proposals approve": "Approve users suspend cyd, proposed by zoe@office",
    "proposals reject": "Reject the proposal users suspend cyd",
    "proposals withdraw": "Withdraw the proposal users suspend cyd",
    "apply": "Apply the plan permissions create role.write",
    "audit undo": "Undo roles create temp (ada@null, 2026-01-01 00:00Z)",
    "audit prune": "Delete 2 events",
    "holds add": "Hold case-2",
    "holds release": "Release hold case-1",
    "retention apply": "Delete 1 message (100 % of all) by the rule old",
    "db indexes": "Create the missing indexes",
    "db repair": "Repair 8 faults",
    "db protect": 'Protect this database as "other"',
    "db unprotect": "Remove the protection of this database",
    "db generate": "Generate 10 documents",
}


@pytest.fixture
def settled(chatctl: Chatctl, database: Documents, workspace: Path) -> Chatctl:
    typed.settle(database)
    typed.lay_out(workspace)
    return chatctl


@pytest.mark.parametrize("words", typed.WRITES)
def test_the_question_of_each_write_names_what_is_done_to_what(
    settled: Chatctl, terminal: Terminal, database: Documents, words: str
) -> None:
    settled("db", "protect", "prod")
    if words == "db generate":
        for name in SEVEN:
            database[name].drop()
    line = (*words.split(), *(("other",) if words == "db protect" else typed.WRITES[words]))
    screen = terminal(*line, answers={'Type "prod" to confirm: ': "no\n"}, columns=200)
    *_, question, answer, end = screen.text.splitlines()
    assert question == f"{QUESTIONS[words]}? This database is protected."
    assert (answer, end, screen.code) == ('Type "prod" to confirm: no', "Cancelled. Nothing was changed.", 7)


@pytest.mark.parametrize(
    ("line", "above"),
    [
        ("users revoke ada --role support", ["role support loses ada"]),
        ("users grant cyd --role support --role temp", ["role support gains cyd", "role temp gains cyd"]),
        ("roles delete support", ["delete 1 role", "role support loses ada", "role support loses user.read"]),
        ("roles delete temp support", ["role temp", "role support", "delete 2 roles", "role support loses ada"]),
        ("roles revoke support user.read", ["role support loses user.read"]),
        ("permissions delete user.read", ["delete 1 permission", "role support loses user.read"]),
        ("roles create intern --permission user.read", ["create 1 role", "role intern gains user.read"]),
        ("users create --email e@x --username eve --no-password --role temp", ["create 1 user", "role temp gains eve"]),
        ("conversations create ada cyd", ["create 1 conversation", "conversation ada, cyd gains ada, cyd"]),
        (f"messages redact {typed.MESSAGE}", ["who has the kettle?", "change 1 message"]),
        (f"messages delete {typed.MESSAGE}", ["who has the kettle?", "delete 1 message"]),
        ("db unprotect", ["delete 1 setting"]),
    ],
)
def test_a_question_names_both_ends_of_a_link_and_quotes_messages(
    settled: Chatctl, terminal: Terminal, line: str, above: list[str]
) -> None:
    settled("db", "protect", "prod")
    screen = terminal(*line.split(), answers={'Type "prod" to confirm: ': "no\n"}, columns=200)
    assert screen.text.splitlines()[1 : 1 + len(above)] == [f"  {said}" for said in above]
    assert "change 1 role" not in screen.text


def test_the_question_of_an_undo_names_the_restored_links(settled: Chatctl, terminal: Terminal) -> None:
    event = settled("users", "revoke", "ada", "--role", "support", "--yes").stderr.split()[-1]
    screen = terminal("audit", "undo", event, typed="n\n", columns=200)
    assert "  role support gains ada\n" in screen.text
    assert "\nUndo users revoke ada --role support (" in screen.text


def test_a_question_names_the_user_and_escapes_hostile_names(
    settled: Chatctl, terminal: Terminal, database: Documents
) -> None:
    settled("users", "update", "ada", "--name", "Ada Lovelace")
    assert (
        "\nSuspend ada (Ada Lovelace, ada@example.org)? [y/N] n\n"
        in terminal("users", "suspend", "ada", typed="n\n").text
    )
    settled("users", "suspend", "ada", "--yes")
    screen = terminal("users", "suspend", "ada", "cyd", typed="n\n")
    assert (
        f"\n  change 1 user\n  New sign-ins are blocked. Open sessions may continue.\nSuspend {CYD}? [y/N] n\n"
        in screen.text
    )
    database["User"].insert_one({"username": "x\x1b[31m\u202ey", "email": "x@example.org", "name": "a\nb\x1b]0;c\x07"})
    shown = terminal("users", "suspend", "x@example.org", typed="n\n").text
    assert r"Suspend x\x1b[31m\u202ey (a\nb\x1b]0;c\x07, x@example.org)? [y/N] " in shown
    assert "\x1b" not in shown


def test_a_question_about_many_items_lists_the_first_ten(
    settled: Chatctl, terminal: Terminal, database: Documents
) -> None:
    for number in range(12):
        person(database, f"someone-{number}")
    names = settled("users", "list", "--search", "someone", "-o", "ids").stdout.split()
    screen = terminal("users", "grant", *names, "--role", "temp", typed="n\n", columns=300)
    *_, more, effect, question, end = screen.text.splitlines()
    assert screen.text.splitlines()[1] == "  someone-0 (someone-0@example.org)"
    assert more == "  and 2 more"
    assert effect.startswith("  role temp gains someone-0, someone-1, ")
    assert effect.endswith(", someone-9 and 2 more")
    assert question == "Grant temp to 12 users? [y/N] n"
    assert end == "Cancelled. Nothing was changed."


@pytest.mark.parametrize("reveal", [False, True])
def test_a_question_masks_what_other_output_masks(
    settled: Chatctl, terminal: Terminal, database: Documents, *, reveal: bool
) -> None:
    settled("db", "protect", "prod", "--mask-bodies")
    events = database["chatctl_audit"].count_documents({"kind": "event"})
    options = ["--reveal", "--reason", "case 4711"] if reveal else []
    screen = terminal("messages", "redact", typed.MESSAGE, *options, answers={'Type "prod" to confirm: ': "no\n"})
    assert ("who has the kettle?" in screen.text, "  (19 characters)\n" in screen.text) == (reveal, not reveal)
    assert database["chatctl_audit"].count_documents({"kind": "event"}) - events == reveal


def test_the_answer_no_is_not_an_error_and_is_reported_as_json(settled: Chatctl, terminal: Terminal) -> None:
    screen = terminal("users", "suspend", "ada", "-o", "json", typed="n\n", columns=200)
    assert screen.code == 7
    said = json.loads(screen.text.splitlines()[-1])["error"]
    assert said == {"code": "refused", "exit": 7, "message": "Cancelled. Nothing was changed.", "hint": None}
    assert settled("users", "list", "--status", "SUSPENDED", "--count").stdout == "1\n"


SEEDS = {
    "a permission and a role are created": "permissions: [new]\nroles: [{name: new, permissions: [new]}]",
    "a role gains": "permissions: [user.read, user.suspend]\nroles: [{name: support, permissions: [user.suspend]}]",
    "a role loses": "permissions: [user.read]\nroles: [{name: support, permissions: []}]",
    "a role is renamed": "roles: [{name: helpdesk, renamed_from: support}]",
    "a role is protected": "roles: [{name: temp, protected: true}]",
    "a user gets a role": "roles: [{name: temp}]\nusers: [{email: ada@example.org, username: ada, roles: [temp]}]",
    "a user is created": "users: [{email: eve@example.org, username: eve}]",
}


@pytest.mark.parametrize("kind", SEEDS)
def test_seeds_apply_asks_with_exactly_the_lines_of_plan(
    settled: Chatctl, terminal: Terminal, workspace: Path, kind: str
) -> None:
    (workspace / "seed.yaml").write_text(f"version: 1\n{SEEDS[kind]}\n")
    settled("db", "protect", "prod")
    planned = settled("seeds", "plan", "seed.yaml").stdout.splitlines()
    answers = {'Type "prod" to confirm: ': "no\n"}
    asked = terminal("seeds", "apply", "seed.yaml", answers=answers, columns=200, env={"NO_COLOR": "1"})
    changing, *preview, question, _, _ = asked.text.splitlines()
    assert changing.startswith("changing ")
    assert preview == [f"  {line}" for line in planned]
    assert question == "Apply the seed default? This database is protected."


def test_every_write_has_its_question_in_the_table() -> None:
    assert QUESTIONS.keys() == typed.WRITES.keys()
