"""The first digits of an id can be typed instead of the id in every command, and never mean a wrong document."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents, conversation, person, stored
from reads import listening

from actions import lookup
from tests.conftest import Chatctl

ADA, BOB, CYD = (ObjectId(f"{start}{'0' * (24 - len(start))}") for start in ("6a0b1c2d", "6a0b1c3e", "decade12"))
ROLE, PLACE, DIRECT = (ObjectId(f"{start}{'0' * 16}") for start in ("7a0b1c2d", "8a0b1c2d", "8a0b1c3e"))
MESSAGE, OTHER, EVENT = (ObjectId(f"{start}{'0' * 16}") for start in ("9a0b1c2d", "9a0b1c3e", "700b1c2d"))


@pytest.fixture
def world(either: Chatctl, database: Documents) -> Chatctl:
    """Insert three users, a role, two conversations, two messages and an event, all with fixed ids."""
    database["Role"].insert_one({"_id": ROLE, "name": "support", "userIds": [], "permissionsIds": []})
    person(database, "ada", _id=ADA, roles=("support",))
    person(database, "bob", _id=BOB)
    person(database, "cyd", _id=CYD)
    for one, fields in ((PLACE, {"name": "Lobby", "isGroup": True}), (DIRECT, {})):
        times = {"created_at": BEGAN, "lastMessageAt": BEGAN}
        database["Conversation"].insert_one({"_id": one, "userIds": [ADA, BOB], "messagesIds": [], **times, **fields})
    database["User"].update_many({"_id": {"$in": [ADA, BOB]}}, {"$set": {"conversationIds": [PLACE, DIRECT]}})
    for number, one in enumerate((MESSAGE, OTHER)):
        said = {"body": "hello", "createAt": BEGAN, "seenIds": [], "conversationId": PLACE, "senderId": ADA}
        database["Message"].insert_one({"_id": one, **said, "body": f"hello {number}"})
    head = {"at": BEGAN, "actor": {"os": "ada"}, "command": "roles create temp", "whole": True, "undoable": True}
    database["chatctl_audit"].insert_one({"_id": EVENT, "kind": "event", "summary": [], **head})
    part = {"kind": "part", "event": EVENT, "batch": 0, "targets": [ROLE], "changes": [], "names": []}
    database["chatctl_audit"].insert_one({"_id": ObjectId("700b1c2e" + "0" * 16), **part})
    return either


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("users show 6a0b1c2d", ADA),
        ("users show id:6A0B1C2D0000", ADA),
        ("users show decade", CYD),
        ("users can 6a0b1c2d x", None),
        ("roles show 7a0b1c", ROLE),
        ("roles show id:7a0b1c", ROLE),
        ("conversations show 8a0b1c2", PLACE),
        ("conversations transcript 8a0b1c2 --around 9a0b1c2", MESSAGE),
        ("messages show 9a0b1c2d", MESSAGE),
        ("messages show id:9a0b1c2d", MESSAGE),
        ("audit show 700b1c", EVENT),
        ("audit show id:700b1c", EVENT),
        ("audit list --target 7a0b1c2d", EVENT),
        ("audit list --target id:7a0b1c2d", EVENT),
        ("users list --role 7a0b1c", ADA),
        ("users list --after 6a0b1c3", CYD),
        ("users list --after 6a0b1c3 --sort username", CYD),
        ("conversations list --user 6a0b1c2", PLACE),
        ("conversations list --between 6a0b1c2 6a0b1c3", DIRECT),
        ("messages list --sender 6a0b1c2 --conversation 8a0b1c2", OTHER),
        ("messages search hello --sender id:6a0b1c2", MESSAGE),
        ("messages list --unseen-by 6a0b1c3", MESSAGE),
    ],
)
def test_the_first_digits_of_an_id_are_enough(world: Chatctl, line: str, found: ObjectId | None) -> None:
    said = world(*line.split(), "-o", "json", code=None)
    if found is None:
        assert said == ("", said.stderr, 3)
        assert 'no permission \\"x\\"' in said.stderr
    else:
        assert (said.code, f'"id": "{found}"' in said.stdout) == (0, True), said


@pytest.mark.parametrize(
    ("line", "message", "candidates"),
    [
        (
            "users suspend 6a0b1c --yes",
            'several users match "6a0b1c"',
            [f"id:{ADA} (ada, ada@example.org)", f"id:{BOB} (bob, bob@example.org)"],
        ),
        (
            "conversations delete 8a0b1c --yes",
            'several conversations match "8a0b1c"',
            [
                "id:8a0b1c2d (Lobby, 2 participants, last activity 2026-01-01 00:00Z)",
                "id:8a0b1c3e (ada, bob, last activity 2026-01-01 00:00Z)",
            ],
        ),
        (
            "messages redact 9a0b1c --yes",
            'several messages match "9a0b1c"',
            [f"id:{MESSAGE} (2026-01-01T00:00:00.000Z)", f"id:{OTHER} (2026-01-01T00:00:00.000Z)"],
        ),
        (
            "users list --after 6a0b1c",
            'several users match "6a0b1c"',
            [f"id:{ADA} (ada, ada@example.org)", f"id:{BOB} (bob, bob@example.org)"],
        ),
    ],
)
def test_digits_that_begin_several_ids_change_nothing_and_list_them(
    world: Chatctl, database: Documents, line: str, message: str, candidates: list[str]
) -> None:
    before = stored(database)
    refused = world(*line.split(), code=4)
    assert refused.stderr == f"error: {message}\nhint: use one of {', '.join(candidates)}\n"
    assert stored(database) == before


def test_conversations_with_the_same_name_are_listed_with_details(world: Chatctl, database: Documents) -> None:
    twin = ObjectId("8a0b1d" + "0" * 18)
    last = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
    database["Conversation"].insert_one(
        {"_id": twin, "name": "Lobby", "isGroup": True, "userIds": [ADA, BOB, CYD], "lastMessageAt": last}
    )
    assert world("conversations", "show", "Lobby", code=4).stderr == (
        'error: several conversations have the name "Lobby"\n'
        "hint: use one of id:8a0b1c2d (Lobby, 2 participants, last activity 2026-01-01 00:00Z), "
        "id:8a0b1d00 (Lobby, 3 participants, last activity 2026-03-04 09:30Z)\n"
    )
    assert f'"id": "{twin}"' in world("conversations", "show", "id:8a0b1d00", "-o", "json").stdout


def test_an_ambiguous_target_of_audit_list_is_refused_too(world: Chatctl, database: Documents) -> None:
    gone = ObjectId("6a0b1c2d" + "1" * 16)
    database["chatctl_audit"].insert_one({"kind": "part", "event": EVENT, "batch": 1, "targets": [gone]})
    refused = world("audit", "list", "--target", "6a0b1c2d", code=4).stderr
    assert refused.startswith('error: several ids match "6a0b1c2d"\nhint: use one of id:6a0b1c2d')
    assert {str(ADA), str(gone)} == {one.strip(",").removeprefix("id:") for one in refused.split()[-2:]}
    assert f'"id": "{EVENT}"' in world("audit", "list", "--target", "6a0b1c2d1", "-o", "json").stdout


@pytest.mark.parametrize("verb", ["suspend", "delete", "verify-email"])
def test_a_name_that_is_also_the_beginning_of_another_id_is_refused(
    world: Chatctl, database: Documents, verb: str
) -> None:
    other = person(database, "decade12")
    before = stored(database)
    said = world("users", verb, "decade12", "--yes", code=4).stderr
    assert said == (
        'error: several users match "decade12"\n'
        f"hint: use one of id:{other} (decade12, decade12@example.org), id:{CYD} (cyd, cyd@example.org)\n"
    )
    assert stored(database) == before
    for ref, label in (("username:decade12", "decade12"), ("id:decade12", "cyd"), (CYD, "cyd")):
        assert f'"ref": "{label}"' in world("users", verb, ref, "-n", "-o", "json").stdout


def test_a_name_of_hexadecimal_digits_stays_a_name(world: Chatctl, database: Documents) -> None:
    person(database, "facade12")
    conversation(database, ADA, BOB, name="abcdef")
    world("roles", "create", "decade")
    assert '"ref": "facade12"' in world("users", "suspend", "facade12", "-n", "-o", "json").stdout
    assert world("roles", "show", "decade", "-o", "json").stdout.count('"name": "decade"') == 1
    assert "abcdef" in world("conversations", "show", "abcdef").stdout
    own = ObjectId("beaded12" + "0" * 16)
    person(database, "beaded12", _id=own)
    assert f'"id": "{own}"' in world("users", "show", "beaded12", "-o", "json").stdout


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("messages show 9a0b1", 2, '"9a0b1" is not a message id'),
        ("messages show lobby", 2, '"lobby" is not a message id'),
        ("users show id:6a0b1", 2, '"6a0b1" is not a user id'),
        ("audit show 700b1", 2, '"700b1" is not an event id'),
        ("messages show 111111", 3, 'no message "111111"'),
        ("audit show 700b1c2e", 3, 'no event "700b1c2e"'),
        ("users show 111111", 3, 'no user "111111"'),
        ("conversations show id:111111", 3, 'no conversation "111111"'),
        ("users list --after 111111", 2, '"111111" is not an id of this list'),
        ("users show 6a0b1", 3, 'no user "6a0b1"'),
    ],
)
def test_digits_that_begin_no_id_are_refused(world: Chatctl, line: str, code: int, said: str) -> None:
    assert world(*line.split(), code=code).stderr.startswith(f"error: {said}\n")


@pytest.mark.parametrize("form", ["6abcde" + "0" * 18, "6ABCDE" + "0" * 18, {"oid": "6abcde" + "0" * 18}], ids=str)
def test_an_id_of_any_form_that_a_list_prints_is_found_by_its_first_digits(
    chatctl: Chatctl, database: Documents, form: Any
) -> None:
    person(database, "ada", _id=form)
    person(database, "bob")
    assert chatctl("users", "suspend", "6abcde", "--yes").stdout == "ada: suspended\n"
    assert json.loads(chatctl("users", "show", "6ABCDE", "-o", "json").stdout)["status"] == "SUSPENDED"


def test_the_audit_trail_has_the_whole_id_if_only_its_first_digits_were_typed(
    world: Chatctl, database: Documents
) -> None:
    assert world("messages", "redact", "9a0b1c2", "--yes").stdout == f"{MESSAGE}: redacted\n"
    assert database["chatctl_audit"].count_documents({"command": f"messages redact {MESSAGE}"}) == 1


def test_many_shortened_ids_are_looked_up_with_few_queries(url: str, database: Documents) -> None:
    ids = [ObjectId(f"{number:08x}{'0' * 16}") for number in range(0x6A000000, 0x6A000000 + 250)]
    for number, one in enumerate(ids):
        person(database, f"u{number}", _id=one)
    with listening(url) as sent:
        found = lookup.find_users([str(one)[:8] for one in ids], ())
    assert [one.document["_id"] for one in found] == ids
    assert len(sent.commands) < 10
