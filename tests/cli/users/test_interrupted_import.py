"""The same command finishes an interrupted import, without duplicates."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.database import Database

from tests.cli.conftest import PROGRAM
from tests.conftest import Chatctl, start_server

ROWS = 2500
Documents = Database[dict[str, Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server only for this module, because ending a killed program's transactions affects all clients."""
    process, address = start_server(tmp_path_factory.mktemp("server"))
    yield f"mongodb://{address}/"
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def server_client(server: str) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    with pymongo.MongoClient(server, tz_aware=True, uuidRepresentation="standard") as client:
        yield client


@pytest.fixture
def people(chatctl: Chatctl, workspace: Path) -> list[str]:
    """Write many users to a file. Return the command that imports this file."""
    chatctl("roles", "create", "member")
    rows = "".join(f"u{number}@b.c,u{number},member,Main St {number}\n" for number in range(ROWS))
    (workspace / "people.csv").write_text(f"email,username,roles,address\n{rows}")
    return ["users", "import", "people.csv", "--on-conflict", "skip"]


def check_whole(database: Documents) -> set[Any]:
    """Check that each user has a profile, each link has two sides, and no user exists twice."""
    users = list(database["User"].find())
    profiles = {profile["userId"]: profile["_id"] for profile in database["Profile"].find()}
    role = database["Role"].find_one() or {}
    ids = [user["_id"] for user in users]
    assert sorted(role["userIds"]) == sorted(ids)
    assert profiles == {user["_id"]: user["profileId"] for user in users}
    assert all(user["rolesIds"] == [role["_id"]] for user in users)
    assert len({user["email"] for user in users}) == len(users)
    return set(ids)


def begin(command: list[str], environment: dict[str, str], database: Documents, enough: int) -> subprocess.Popen[str]:
    """Start an import. Return as soon as the database has a certain number of users."""
    child = subprocess.Popen([PROGRAM, *command], env=environment, stderr=subprocess.PIPE, text=True)  # noqa: S603
    while database["User"].estimated_document_count() < enough and child.poll() is None:
        time.sleep(0.01)
    return child


@pytest.mark.parametrize("attempt", range(3))
def test_a_killed_import_is_finished_by_the_same_command(
    people: list[str], environment: dict[str, str], database: Documents, chatctl: Chatctl, attempt: int
) -> None:
    child = begin(people, environment, database, random.randint(0, ROWS * 3 // 4))  # noqa: S311
    time.sleep(random.random() / 5)  # noqa: S311
    child.kill()
    child.communicate()
    # end the transactions of the killed program now, and not after a minute
    database.client.admin.command("killAllSessions", [])
    there = check_whole(database)
    done = chatctl(*people)
    assert check_whole(database) >= there
    assert database["User"].count_documents({}) == ROWS
    if there and len(there) < ROWS:
        assert sorted(done.stdout.splitlines()) == sorted(
            [f"{ROWS - len(there):,} created", f"{len(there):,} unchanged"]
        )


def test_an_interrupted_import_says_so_and_keeps_whole_batches(
    people: list[str], environment: dict[str, str], database: Documents, chatctl: Chatctl
) -> None:
    child = begin(people, environment, database, 500)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate()
    assert child.returncode == 130
    *_, error, hint = said.splitlines()
    assert error == "error: interrupted"
    written = len(check_whole(database))
    [event] = database["chatctl_audit"].distinct("_id", {"command": {"$regex": "^users import"}})
    command = "chatctl users import people.csv --on-conflict skip"
    assert (
        hint == f"hint: {written:,} of {ROWS:,} rows are imported (chatctl audit show {event}). Finish with: {command}"
    )
    assert 0 < written < ROWS
    assert ",interrupted" in chatctl("audit", "list", "-o", "csv").stdout
    chatctl(*people)
    assert len(check_whole(database)) == ROWS


def test_a_terminated_import_says_so_to_programs_too(
    people: list[str], environment: dict[str, str], database: Documents
) -> None:
    child = begin([*people, "-o", "json"], environment, database, 500)
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate()
    error = json.loads(said)["error"]
    assert (child.returncode, error["code"]) == (143, "interrupted")
    assert error["hint"].startswith(
        f"{len(check_whole(database)):,} of {ROWS:,} rows are imported (chatctl audit show "
    )
    assert error["hint"].endswith("Finish with: chatctl users import people.csv -o json --on-conflict skip")


def test_an_import_can_be_interrupted_while_it_hashes(
    chatctl: Chatctl, environment: dict[str, str], database: Documents, workspace: Path
) -> None:
    rows = "".join(f"u{number}@b.c,u{number},{number} kettles on the quiet pier\n" for number in range(500))
    (workspace / "people.csv").write_text(f"email,username,password\n{rows}")
    child = subprocess.Popen(  # noqa: S603
        [PROGRAM, "users", "import", "people.csv"], env=environment, stderr=subprocess.PIPE, text=True
    )
    time.sleep(3)
    child.send_signal(signal.SIGINT)
    began = time.monotonic()
    child.communicate()
    assert child.returncode == 130
    assert time.monotonic() - began < 3
    assert database["User"].count_documents({}) == 0


def test_two_equal_imports_at_once_create_every_user_once(
    people: list[str], environment: dict[str, str], database: Documents, chatctl: Chatctl
) -> None:
    children = [begin(people, environment, database, 0) for _ in range(2)]
    said = [child.communicate()[1] for child in children]
    codes = [child.returncode for child in children]
    assert set(codes) <= {0, 4}, said
    for code, text in zip(codes, said, strict=True):
        assert code == 0 or "already exist" in text or "changed while this command ran" in text, text
    check_whole(database)
    chatctl(*people)
    assert len(check_whole(database)) == ROWS
