"""Several processes with their own clients use one server. Each process runs this file as a script."""

# ruff: noqa: S311, T201 - random numbers are not secrets here, and the processes print their answers to the test

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from actions import audit, roles, users
from actions.errors import LastMemberError
from actions.roles import changing
from actions.rules.lockout import PROTECTED
from changes import apply, draft, transactions
from changes.trail_entries import lease_id
from database import connection
from database.errors import ConflictError
from database.own_collections import AUDIT, STATE
from models.links import LINKS

Documents = Database[dict[str, Any]]
PROCESSES = 8
SECONDS = 2
BATCH = 20
MEMBERS = 110


@contextmanager
def process(work: str, url: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """Start a process that runs the function named by `work`. For each line of input, it does one step."""
    command = [sys.executable, __file__, work, url, *map(str, args)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:  # noqa: S603
        try:
            yield started
        finally:
            started.kill()


def told(started: subprocess.Popen[str], line: str) -> None:
    assert started.stdin
    started.stdin.write(f"{line}\n")
    started.stdin.flush()


def heard(started: subprocess.Popen[str]) -> str:
    assert started.stdout
    return started.stdout.readline().strip()


@pytest.fixture
def here(url: str) -> Iterator[str]:
    """Connect this process, too, to the database of the test."""
    connection.choose(url)
    yield url
    connection.choose()


def assert_both_sides_equal(database: Documents) -> None:
    for link in LINKS[:2]:
        left, right = pairs(database, link.collection, link.field), pairs(database, link.other, link.other_field)
        assert sorted(left) == sorted((one, other) for other, one in right)


def pairs(database: Documents, collection: str, field: str) -> list[tuple[Any, Any]]:
    return [(document["_id"], item) for document in database[collection].find() for item in document.get(field) or ()]


def stored(database: Documents) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [
            {field: sorted(value) if isinstance(value, list) else value for field, value in document.items()}
            for document in database[name].find().sort("_id")
        ]
        for name in ("User", "Role", "Permission")
    }


@pytest.mark.parametrize("pause", [0, 0.05], ids=["at-once", "paused-between-read-and-write"])
def test_eight_admins_who_change_permissions_of_one_role_lose_nothing(
    database: Documents, here: str, pause: float
) -> None:
    names = [f"{owner}.{number}" for owner in ("all", *range(PROCESSES)) for number in range(3)]
    database["Role"].insert_one({"_id": ObjectId(), "name": "support", "userIds": [], "permissionsIds": []})
    database["Permission"].insert_many([{"_id": ObjectId(), "name": name, "rolesIds": []} for name in names])

    started = [
        subprocess.Popen(  # noqa: S603 - the command contains no input of users
            [sys.executable, __file__, "change", here, str(number), str(SECONDS), str(pause)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    ended = [json.loads(one.communicate()[0]) for one in started]

    role = database["Role"].find_one()
    names_of = {permission["_id"]: permission["name"] for permission in database["Permission"].find()}
    held = [names_of[identifier] for identifier in role["permissionsIds"]]
    assert sorted(name for name in held if not name.startswith("all.")) == sorted(
        own for end in ended for own in end["held"]
    )
    assert all(end["done"] for end in ended)
    assert_both_sides_equal(database)
    assert database[AUDIT].count_documents({"kind": "event"}) == sum(end["done"] for end in ended)


def change(url: str, number: str, seconds: str, pause: str) -> None:
    """Grant and revoke random permissions: some that only this process changes, and some that all processes change."""
    connection.choose(url)
    mine = [f"{number}.{index}" for index in range(3)]
    until = time.monotonic() + float(seconds)
    held: set[str] = set()
    done = conflicts = 0
    while time.monotonic() < until:
        wanted = random.sample([*mine, f"all.{random.randrange(3)}"], 2)
        granting = random.random() < 0.5
        planned = (roles.grant if granting else roles.revoke)("support", wanted)
        time.sleep(random.uniform(0, 2 * float(pause)))
        try:
            done += apply(planned).event is not None
        except ConflictError:
            conflicts += 1
        else:
            held = held | set(wanted) if granting else held - set(wanted)
    connection.close()
    print(json.dumps({"held": sorted(held & set(mine)), "done": done, "conflicts": conflicts}))


def test_six_admins_who_change_roles_of_the_same_users_leave_no_one_sided_link(database: Documents, here: str) -> None:
    people = [{"_id": ObjectId(), "username": f"u{n}", "email": f"{n}@x.org", "rolesIds": []} for n in range(6)]
    database["User"].insert_many(people)
    database["Role"].insert_many([{"name": f"r{n}", "userIds": [], "permissionsIds": []} for n in range(3)])
    started = [
        subprocess.Popen([sys.executable, __file__, "hand_out", here], stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(6)
    ]
    done = sum(int(one.communicate()[0]) for one in started)
    assert_both_sides_equal(database)
    assert database[AUDIT].count_documents({"kind": "event"}) == done > 0


def hand_out(url: str) -> None:
    """Grant and revoke random roles. Print the number of writes that have changed something."""
    connection.choose(url)
    until = time.monotonic() + SECONDS
    done = 0
    while time.monotonic() < until:
        change = random.choice([users.grant, users.revoke])
        who = random.sample([f"u{number}" for number in range(6)], 2)
        with suppress(ConflictError):
            done += apply(change(who, random.sample(["r0", "r1", "r2"], 2))).event is not None
    connection.close()
    print(done)


@pytest.mark.parametrize(
    ("ways", "stays"),
    [
        (("revoke", "revoke"), {"userIds": 1}),
        (("suspend", "suspend"), {"active": 1}),
        (("suspend", "delete"), {"active": 1}),
        (("revoke", "erase"), {"userIds": 1}),
    ],
)
def test_only_one_of_two_admins_can_remove_the_last_two_members_of_a_protected_role(
    database: Documents, here: str, ways: tuple[str, str], stays: dict[str, int]
) -> None:
    role, members = ObjectId(), [ObjectId(), ObjectId()]
    database[STATE].insert_one({"_id": PROTECTED, "ids": [role]})
    with (
        process("leave", here, ways[0], members[0]) as one,
        process("leave", here, ways[1], members[1]) as other,
    ):
        for _ in range(10):
            database["Role"].replace_one(
                {"_id": role}, {"name": "admin", "userIds": members, "permissionsIds": []}, upsert=True
            )
            for member in members:
                user = {"username": str(member), "email": str(member), "status": "ACTIVE", "rolesIds": [role]}
                database["User"].replace_one({"_id": member}, user, upsert=True)
            for said in ("plan", "apply"):
                for both in (one, other):
                    told(both, said)
                answers = sorted(heard(both) for both in (one, other))
            assert answers == ["done", "refused"]
            assert_both_sides_equal(database)
            left = {
                "userIds": len(database["Role"].find_one()["userIds"]),
                "active": database["User"].count_documents({"rolesIds": role, "status": "ACTIVE"}),
            }
            assert stays.items() <= left.items()


def leave(url: str, way: str, member: str) -> None:
    """After one line of input, plan to remove a member of the role `admin`. After a second line, write the plan."""
    connection.choose(url)
    ways = {
        "suspend": lambda: users.suspend([member]),
        "revoke": lambda: users.revoke([member], ["admin"]),
        "delete": lambda: users.delete([member]),
        "erase": lambda: users.erase(member),
    }
    while input():
        made = ways[way]()
        print("planned", flush=True)
        input()
        try:
            apply(made)
        except LastMemberError:
            print("refused", flush=True)
        else:
            print("done", flush=True)


@pytest.mark.parametrize("finished", [False, True], ids=["undone", "finished-and-undone"])
def test_a_deletion_killed_between_batches_can_be_finished_and_undone(
    database: Documents, here: str, monkeypatch: pytest.MonkeyPatch, *, finished: bool
) -> None:
    members, role = [ObjectId() for _ in range(MEMBERS)], ObjectId()
    users = [{"_id": i, "username": str(i), "email": str(i), "rolesIds": [role]} for i in members]
    database["User"].insert_many(users)
    database["Role"].insert_one({"_id": role, "name": "support", "userIds": members, "permissionsIds": []})
    was = stored(database)

    with process("delete", here) as started:
        for _ in range(3):
            assert heard(started) == "next"
            told(started, "go on")
        assert heard(started) == "next"
        event = database[AUDIT].find_one({"kind": "event"})["_id"]
        assert audit.show(str(event))["state"] == "running"
        started.kill()

    assert len(database["Role"].find_one()["userIds"]) == MEMBERS - 3 * BATCH
    assert_both_sides_equal(database)
    late = datetime.now(UTC) - timedelta(minutes=1)
    database[STATE].update_one({"_id": lease_id(event)}, {"$set": {"renewed": late}})
    assert audit.show(str(event))["state"] == "interrupted"

    events = [event]
    if finished:
        monkeypatch.setattr(changing, "BATCH", BATCH)
        monkeypatch.setattr(draft, "BATCH", BATCH)
        events.append(apply(roles.delete(["support"])).event)
        assert database["Role"].find_one() is None
        assert database["User"].find_one({"rolesIds": {"$ne": []}}) is None
    for done in reversed(events):
        apply(audit.undo(str(done)))
    assert stored(database) == was
    assert {audit.show(str(done))["state"] for done in events} == {"undone"}
    assert database[STATE].count_documents({"_id": lease_id(event)}) == 0


def delete(url: str) -> None:
    """Delete a role in small batches, one batch after each line of input."""
    connection.choose(url)
    changing.BATCH = draft.BATCH = BATCH
    run = transactions.run

    def run_when_told(*args: Any) -> None:
        print("next", flush=True)
        input()
        run(*args)

    transactions.run = run_when_told
    apply(roles.delete(["support"]))


def test_many_first_writes_to_an_empty_database_all_succeed(database: Documents, here: str) -> None:
    started = [
        subprocess.Popen([sys.executable, __file__, "create", here, f"role{number}"], stdout=subprocess.DEVNULL)  # noqa: S603
        for number in range(PROCESSES)
    ]
    assert [one.wait() for one in started] == [0] * PROCESSES
    assert sorted(role["name"] for role in database["Role"].find()) == [f"role{n}" for n in range(PROCESSES)]
    assert "Role_name_key" in database["Role"].index_information()
    assert database[AUDIT].count_documents({"kind": "event"}) == PROCESSES


def create(url: str, name: str) -> None:
    connection.choose(url)
    apply(roles.create(name))
    connection.close()


if __name__ == "__main__":
    {"change": change, "hand_out": hand_out, "leave": leave, "delete": delete, "create": create}[sys.argv[1]](
        *sys.argv[2:]
    )
