"""Every command ends, even if the application writes to the same documents all the time."""

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bson import ObjectId
from busy import busy
from people import Documents, conversation, links, messages, minute_after, person
from samples import role

from actions import audit, conversations, roles, users
from actions import messages as acting
from actions.database import checking
from changes import Changeset, apply
from tests.cli.conftest import PROGRAM
from tests.conftest import Chatctl

pytestmark = pytest.mark.usefixtures("chatctl")

Ids = dict[str, ObjectId]


@pytest.fixture
def world(database: Documents) -> Ids:
    """Insert users who write to each other in a group and in pairs, and three roles."""
    database["Role"].insert_many([role("support"), role("intern"), role("guest")])
    ids = {name: person(database, name, roles=("support",)) for name in ("ada", "grace")}
    ids |= {name: person(database, name) for name in ("alan", "edith", "mary", "joan")}
    ids["group"] = conversation(database, *(ids[name] for name in ("ada", "grace", "alan", "edith")), name="engines")
    ids["direct"] = conversation(database, ids["ada"], ids["grace"])
    [ids["first"], *_] = messages(database, ids["group"], ids["ada"], *map(str, range(40)), seen=(ids["grace"],))
    messages(database, ids["direct"], ids["grace"], *map(str, range(40)))
    return ids


COMMANDS: dict[str, Callable[[Ids], Changeset]] = {
    "users delete": lambda _: users.delete(["ada"]),
    "users delete --keep-conversations": lambda _: users.delete(["ada"], keep_conversations=True),
    "users merge": lambda _: users.merge(["ada"], "edith"),
    "users merge --roles union": lambda _: users.merge(["ada", "mary"], "joan", union=True, keep_conversations=True),
    "users erase": lambda _: users.erase("ada"),
    "users erase --with-messages": lambda _: users.erase("ada", with_messages=True),
    "users suspend": lambda _: users.suspend(["ada", "alan"]),
    "users grant": lambda _: users.grant(["ada", "grace", "alan", "edith"], ["support", "guest"]),
    "users revoke": lambda _: users.revoke(["ada", "grace", "alan", "edith"], ["support", "guest"]),
    "conversations add": lambda _: conversations.add("engines", ["mary", "joan"]),
    "conversations remove": lambda _: conversations.remove("engines", ["ada"]),
    "conversations delete": lambda _: conversations.delete(["engines"]),
    "messages delete": lambda ids: acting.delete([str(ids["first"])]),
    "messages redact": lambda ids: acting.redact([str(ids["first"])]),
    "messages purge": lambda _: acting.purge(minute_after(30)),
    "roles delete": lambda _: roles.delete(["support", "guest"]),
}


OF_THE_APPLICATION = {"duplicate-direct", "unsynced-copy", "foreign-sender", "foreign-seen", "missing-index"}
"""The rules of faults that the application itself causes, or that the removal of a user from a conversation causes."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_while_the_application_writes_all_the_time(
    database: Documents, world: Ids, command: str
) -> None:
    with busy(database, [world["ada"], world["alan"]], [world["grace"], world["edith"]]) as application:
        while application.done < 5:
            pass
        event = apply(COMMANDS[command](world)).event
        assert event
    links(database)
    kept = {"lone-conversation"} if "--keep" in command else set()
    assert {row["rule"] for row in checking.check()} <= OF_THE_APPLICATION | kept
    assert audit.show(str(event))["state"] == "done"


def test_an_import_changes_roles_while_the_application_writes_all_the_time(
    chatctl: Chatctl, database: Documents, world: Ids, workspace: Path
) -> None:
    rows = (f"{name}@example.org,{name},{roles}" for name, roles in (("ada", "guest"), ("alan", "support;intern")))
    (workspace / "people.csv").write_text("\n".join(["email,username,roles", *rows]))
    with busy(database, [world["ada"], world["alan"]], [world["grace"], world["edith"]]) as application:
        for _ in range(3):
            before = application.done
            while application.done < before + 3:
                pass
            chatctl("users", "import", "people.csv", "--on-conflict", "update", "--yes")
    links(database)


def test_granting_different_roles_to_the_same_users_at_once_is_not_a_conflict(database: Documents, url: str) -> None:
    names = [f"role{number}" for number in range(16)]
    database["Role"].insert_many([role(name) for name in names])
    people = [person(database, name) for name in ("ada", "grace", "alan")]
    database["User"].update_many({}, {"$unset": {"rolesIds": 1}})
    grant = [PROGRAM, "users", "grant", "ada", "grace", "alan", "--role"]
    environment = {"PATH": os.environ["PATH"], "MONGODB_DATABASE_URL": url, "HOME": os.environ["HOME"]}

    def granted(name: str) -> int:
        command = [*grant, name]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode  # noqa: S603

    with ThreadPoolExecutor(8) as pool:
        done = pool.map(granted, names)
    assert list(done) == [0] * 16
    assert len(links(database)["rolesIds"]) == 16 * len(people)


def test_an_absent_list_is_absent_again_after_an_undo_unless_others_added_ids(database: Documents, world: Ids) -> None:
    database["User"].update_many({}, {"$unset": {"rolesIds": 1}})
    database["Role"].update_many({}, {"$set": {"userIds": []}})
    planned = users.grant(["ada", "alan"], ["support"])
    guest = (database["Role"].find_one({"name": "guest"}) or {})["_id"]
    database["User"].update_one({"_id": world["alan"]}, {"$set": {"rolesIds": [guest]}})
    database["Role"].update_one({"_id": guest}, {"$push": {"userIds": world["alan"]}})
    done = apply(planned)
    assert done.changeset is planned
    undone = apply(audit.undo(str(done.event)))
    assert "rolesIds" not in (database["User"].find_one({"_id": world["ada"]}) or {})
    assert links(database)["rolesIds"] == {(world["alan"], guest)}
    apply(audit.undo(str(undone.event)))
    assert len(links(database)["rolesIds"]) == 3


def test_a_grant_skips_users_who_got_the_role_after_the_plan(database: Documents, world: Ids) -> None:
    names = ("alan", "edith", "mary", "joan")
    planned = users.grant(names, ["support"])
    apply(users.grant(["edith"], ["support"]))
    done = apply(planned).changeset
    assert [result.outcome for result in done.results] == ["granted", "unchanged", "granted", "granted"]
    assert len(links(database)["rolesIds"]) == 6
