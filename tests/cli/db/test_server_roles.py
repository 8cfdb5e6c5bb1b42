"""The server roles that `db roles` prints, tried with a user for each role on a real server.

The test server knows the rights of a role only for a whole database, and not for each collection. Therefore the tests
set a failpoint: with it, the server refuses the next command that the role does not allow in its collection.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
import sampled
from people import Documents
from pymongo import monitoring
from reads import Needs, heard
from sampled import Sample

from actions.database.server_roles import ROLE_LIMITS, ROLES, SEEDER, SUPPORT_READ, Role
from database.own_collections import AUDIT, HOLDS, IMAGES, PROPOSALS, STATE
from database.privileges import Privilege, needed
from tests.conftest import Chatctl, Result, start_server

ATLAS = {
    "CHANGE_STREAM": "changeStream",
    "COLL_STATS": "collStats",
    "CREATE_COLLECTION": "createCollection",
    "CREATE_INDEX": "createIndex",
    "FIND": "find",
    "INSERT": "insert",
    "LIST_COLLECTIONS": "listCollections",
    "LIST_INDEXES": "listIndexes",
    "REMOVE": "remove",
    "UPDATE": "update",
}
"""Name of an action in the API of Atlas → its name in MongoDB."""
REFUSAL = re.compile(
    r"^error: (\S+) does not allow (.+)\nhint: .*chatctl db roles prints suitable roles\n\Z", re.MULTILINE
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server with a user for each role (of the same name), and a user with all rights."""
    folder = tmp_path_factory.mktemp("guarded")
    process, address = start_server(folder, "--sync-on-commit")
    with pymongo.MongoClient[dict[str, Any]](f"mongodb://{address}/") as client:
        shop = client["shop"]
        client.admin.command("createUser", "root", pwd="root", roles=["root"])
        for role in ROLES:
            privileges = [
                {"resource": {"db": "shop", "collection": collection}, "actions": actions}
                for collection, actions in role.rights.items()
            ]
            shop.command("createRole", role.name, privileges=privileges, roles=[])
            shop.command("createUser", role.name, pwd=role.name, roles=[{"role": role.name, "db": "shop"}])
    process.kill()
    process.wait()
    process, address = start_server(folder, "--auth", "--enable-test-commands")
    yield address
    process.kill()
    process.wait()


@pytest.fixture
def shop(guarded: str) -> Iterator[Documents]:
    """Yield the database `shop`, opened by the user with all rights."""
    with pymongo.MongoClient[dict[str, Any]](f"mongodb://root:root@{guarded}/", tz_aware=True) as client:
        yield client["shop"]


class Bound(Needs):
    """Lets the server refuse a command in a collection for which the role does not allow this command."""

    def __init__(self, role: Role, database: Documents) -> None:
        super().__init__()
        self._allowed = role.privileges()
        self._admin = database.client.admin

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        super().started(event)
        missing = needed(event.command) - self._allowed
        if missing and {action for _, action in missing} <= {action for _, action in self._allowed}:
            refusing = {"failCommands": [event.command_name], "errorCode": 13}
            self._admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=refusing)


class Person:
    """A user of the server who types commands."""

    def __init__(self, chatctl: Chatctl, address: str, name: str, source: str = "shop") -> None:
        self._chatctl = chatctl
        self._url = f"mongodb://{name}:{name}@{address}/shop?authSource={source}"

    def __call__(self, *line: str, code: int | None = 0) -> Result:
        return self._chatctl(*line, code=code, env={"MONGODB_DATABASE_URL": self._url})


def missing(said: str) -> set[Privilege]:
    """Return the rights that an error message names."""
    pairs = (part.split(" on ") for part in said.split(" and "))
    return {("" if where == "the database" else where, action) for action, where in pairs}


def tried(role: Role) -> list[Sample]:
    """Return the command lines that a user with a role types in the tests.

    A command that this role allows, but none of its included roles, is tried with all its lines. A command that
    the role does not allow is tried with its simplest line.
    """
    included = set[str]().union(*(one.commands for one in role.includes))
    plain = {sample.command: sample for sample in reversed([*sampled.samples()])}
    others = [sample for name, sample in plain.items() if name not in role.commands]
    return [sample for sample in sampled.samples() if sample.command in role.commands - included] + others


@pytest.fixture
def files(workspace: Path, guarded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the files that the command lines name.

    Commands that follow messages check for new ones often, to end soon.
    """
    monkeypatch.setattr("database.following.AWAIT", 0.05)
    monkeypatch.setenv("MONGODB_DATABASE_URL", f"mongodb://root:root@{guarded}/shop?authSource=admin")
    sampled.lay_out(workspace)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_user_with_a_role_may_do_exactly_what_the_role_is_for(
    chatctl: Chatctl, guarded: str, shop: Documents, role: Role
) -> None:
    root, user = Person(chatctl, guarded, "root", "admin"), Person(chatctl, guarded, role.name)
    done = set()
    for sample in tried(role):
        sample.settle(shop, root)
        with heard(Bound(role, shop)):
            result = user(*sample.line, code=sample.code if sample.command in role.commands else None)
        if result.code == sample.code:
            done.add(sample.command)
            continue
        said = REFUSAL.search(result.stderr)
        assert (result.code, said and said[1]) == (6, guarded), result
        assert missing(said[2]) - role.privileges(), result
    assert done - role.commands <= {*role.also_allowed, "db status"}


def test_db_status_shows_support_everything_and_says_what_others_may_not_read(
    chatctl: Chatctl, guarded: str, shop: Documents
) -> None:
    next(sampled.samples()).settle(shop, Person(chatctl, guarded, "root", "admin"))
    support, seeder = (status(chatctl, guarded, shop, role) for role in (SUPPORT_READ, SEEDER))
    names = sorted(
        (
            *("Account", "Conversation", "Message", "Permission", "Profile", "Role", "User"),
            *(AUDIT, HOLDS, IMAGES, PROPOSALS, STATE),
        )
    )
    assert [one["name"] for one in support["collections"]] == names
    assert all(None not in one.values() for one in support["collections"])
    assert support["notAllowed"] == []
    assert seeder["collections"] == [{"name": name, "count": None, "bytes": None} for name in names]
    assert seeder["notAllowed"] == ["indexes", *(f"the size of {name}" for name in names)]


def status(chatctl: Chatctl, address: str, database: Documents, role: Role) -> dict[str, Any]:
    with heard(Bound(role, database)):
        return json.loads(Person(chatctl, address, role.name)("db", "status", "-o", "json").stdout)


def test_the_script_creates_each_role_with_its_rights(chatctl: Chatctl) -> None:
    script = chatctl("db", "roles", "--database", "shop").stdout
    assert read(script) == {role.name: role.rights for role in ROLES}
    assert script.endswith(
        """
]) {
  const target = db.getSiblingDB("shop");
  if (target.getRole(role)) {
    target.updateRole(role, { privileges, roles: [] });
  } else {
    target.createRole({ role, privileges, roles: [] });
  }
}
"""
    )


def test_the_script_says_what_each_role_is_for_and_what_roles_cannot_prevent(chatctl: Chatctl) -> None:
    lines = chatctl("db", "roles", "--database", "shop").stdout.split("\nfor (const")[0].split("\n")
    assert all(line.startswith("//") and len(line) <= 120 for line in lines)
    said = " ".join(line.removeprefix("//").strip() for line in lines)
    assert "support-write helps users" in said
    assert "For everything that support-propose is for; users update, suspend, reinstate" in said
    for note in ROLE_LIMITS:
        assert f"- {note}" in said


def read(script: str, name: str = "shop") -> dict[str, dict[str, list[str]]]:
    """Read the roles in a mongosh script: role → collection → actions."""
    [listed] = re.findall(r"^for \(const \{ role, privileges \} of (\[.*^\])\) \{$", script, re.DOTALL | re.MULTILINE)
    quoted = re.sub(r"\b(role|privileges|resource|db|collection|actions):", r'"\1":', listed)
    roles = json.loads(re.sub(r",(\s*[\]}])", r"\1", quoted))
    assert {one["resource"]["db"] for role in roles for one in role["privileges"]} == {name}
    return {
        role["role"]: {one["resource"]["collection"]: one["actions"] for one in role["privileges"]} for role in roles
    }


def test_the_output_for_atlas_lists_the_collections_of_each_action(chatctl: Chatctl) -> None:
    result = chatctl("db", "roles", "--format", "atlas", "--database", "shop")
    roles = json.loads(result.stdout)
    assert [set(role) for role in roles] == [{"roleName", "actions", "inheritedRoles"}] * len(ROLES)
    for role, defined in zip(ROLES, roles, strict=True):
        assert (defined["roleName"], defined["inheritedRoles"]) == (role.name, [])
        assert {
            (place["collection"], ATLAS[one["action"]]) for one in defined["actions"] for place in one["resources"]
        } == role.privileges()
        assert {place["db"] for one in defined["actions"] for place in one["resources"]} == {"shop"}
    assert set(ROLE_LIMITS) <= set(result.stderr.splitlines())


def test_the_roles_are_for_the_chosen_database_which_is_not_connected_to(chatctl: Chatctl) -> None:
    nobody = "mongodb://ada:secret@127.0.0.1:9/market"
    result = chatctl("db", "roles", env={"MONGODB_DATABASE_URL": nobody})
    assert 'db: "market", collection: "User"' in result.stdout
    assert "secret" not in result.stdout + result.stderr


def test_the_name_of_a_database_is_quoted_safely_in_the_script(chatctl: Chatctl) -> None:
    hostile = "sh'op\n;`drop()`\u2028"
    script = chatctl("db", "roles", "--database", hostile).stdout
    assert script.isascii()
    assert [line for line in script.splitlines() if line.startswith(";")] == []
    assert read(script, hostile)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--format", "mongo"),
            'error: --format: "mongo" is not valid here. Choose mongosh or atlas.\nhint: did you mean "mongosh"?\n',
        ),
        (("--database", "a/b"), 'error: "a/b" cannot be the name of a database\n'),
        (("--database", "é" * 32), f'error: "{"é" * 32}" cannot be the name of a database\n'),
        (("--database", ""), 'error: "" cannot be the name of a database\n'),
    ],
)
def test_invalid_options_are_explained(chatctl: Chatctl, arguments: tuple[str, ...], said: str) -> None:
    assert chatctl("db", "roles", *arguments, code=2).stderr.startswith(said)


def test_without_a_configured_database_the_option_for_its_name_is_enough(
    chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MONGODB_DATABASE_URL")
    assert chatctl("db", "roles", code=6).stderr.endswith("; this command needs only --database NAME\n")
    assert read(chatctl("db", "roles", "--database", "shop").stdout)


def test_a_check_reports_a_collection_that_may_not_be_counted(chatctl: Chatctl, guarded: str, shop: Documents) -> None:
    next(sampled.samples()).settle(shop, Person(chatctl, guarded, "root", "admin"))
    shop["user"].insert_one({})
    with heard(Bound(SUPPORT_READ, shop)):
        result = Person(chatctl, guarded, SUPPORT_READ.name)("db", "check", "--rule", "other-collection", code=1)
    shop["user"].drop()
    assert "User user: counting is not allowed" in result.stdout, result
