"""The results, rights and costs of every command, in a replica set and in a sharded cluster."""

import importlib
import pkgutil
import re
import secrets
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import mongos
import pymongo
import pytest
import sampled
import yaml
from bson import ObjectId
from people import Documents
from pymongo.monitoring import CommandStartedEvent
from reads import Needs, heard

import actions
from actions.database.server_roles import ADMIN, ROLES
from database import connection
from database.privileges import Privilege
from database.references import ODD
from tests import conftest

PAGE: Final = (Path(__file__).parents[3] / "docs" / "scale.md").read_text("utf-8")
BODILESS: Final = {"create", "createIndexes", "collStats", "count", "getMore", "killCursors", "listIndexes"}
"""Commands that have no filter."""
EACH_RUN: Final = (
    (r"\b[0-9a-f]{24}\b", "ID"),
    (r"127\.0\.0\.1:\d+", "HOST"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*Z?", "TIME"),
    (r"replica set \w+", "sharded cluster"),
    (r"\b[\da-f]{64}\b|sha256:[\da-f]+", "DIGEST"),
    (r"(\b\w{5}-){4}\w{5}\b|\$2b\$04\$\S{53}", "PASSWORD"),
)
"""Patterns of texts that differ each time that a command runs, and the words that replace these texts."""


class Cost(IntEnum):
    """The number of shards that a command asks for messages. The values are the rows of a table in docs/scale.md."""

    NONE = 0
    ONE = 1
    BY_ID = 2
    ALL = 3


class Heard(Needs):
    """Collects the rights that all sent commands need, and the largest cost of a command in a sharded cluster."""

    def __init__(self) -> None:
        super().__init__()
        self.cost = Cost.NONE

    def started(self, event: CommandStartedEvent) -> None:
        super().started(event)
        if event.command.get(event.command_name) == "Message" and event.command_name not in BODILESS:
            self.cost = max(self.cost, *map(cost, filters(event.command_name, event.command)))


def filters(name: str, command: dict[str, Any]) -> list[dict[str, Any]]:
    if name == "insert":
        return command["documents"]
    if name == "aggregate":
        return [stage.get("$match", {}) for stage in command["pipeline"][:1]]
    return [write["q"] for write in command.get(f"{name}s", ())] or [command.get("filter", command.get("query", {}))]


def cost(where: dict[str, Any]) -> Cost:
    if mongos.is_targeted(where, mongos.SHARD_KEYS["Message"]):
        return Cost.ONE
    conditions = [condition for part in where.get("$or", [where]) for condition in part.values()]
    if conditions and all(isinstance(one, dict) and one.get("$type") in ODD for one in conditions):
        return Cost.NONE  # each shard only searches an index for ids of another type, and finds none
    return Cost.BY_ID if mongos.is_targeted(where, {"_id": 1}) else Cost.ALL


class Outcome(NamedTuple):
    """The result of a command line: its output, the documents after it, the rights that it needed, and its cost."""

    result: tuple[str, str, int]
    documents: dict[str, list[str]]
    rights: set[Privilege]
    cost: Cost


def same(value: Any) -> str:
    """Return a value as text, without ids, times, addresses and the order of lists, which differ each time."""
    if isinstance(value, dict):
        return str({key: same(item) for key, item in value.items() if key != "data"})
    if isinstance(value, list):
        return str(sorted(map(same, value)))
    text = "ID" if isinstance(value, ObjectId) else str(value)
    for pattern, replacement in EACH_RUN:
        text = re.sub(pattern, replacement, text)
    return text


Outcomes = dict[sampled.Sample, Outcome]


@pytest.fixture(scope="module")
def type_all(
    patch: pytest.MonkeyPatch, server_client: pymongo.MongoClient[dict[str, Any]], tmp_path_factory: Any
) -> Callable[[str], Outcomes]:
    """Return a function that types the line of each sample on a server, always in a database with the same name."""
    name = f"test_{secrets.token_hex(6)}"
    chatctl = conftest.typist(patch)

    def type_all(server: str) -> Outcomes:
        patch.chdir(tmp_path_factory.mktemp("typed"))
        patch.setenv("XDG_CONFIG_HOME", str(Path(".config").absolute()))
        patch.setenv("MONGODB_DATABASE_URL", conftest.named(server, name))
        sampled.lay_out(Path())
        try:
            return {sample: outcome(sample, server_client[name], chatctl) for sample in sampled.samples()}
        finally:
            server_client.drop_database(name)
            connection.choose()

    return type_all


def outcome(sample: sampled.Sample, database: Documents, chatctl: conftest.Chatctl) -> Outcome:
    sample.settle(database, chatctl)
    listener = Heard()
    with heard(listener):
        result = chatctl(*sample.line, code=sample.code)
    documents = {name: sorted(map(same, database[name].find())) for name in database.list_collection_names()}
    return Outcome((same(result.stdout), same(result.stderr), result.code), documents, listener.found, listener.cost)


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    """Use small batches, because a write in several batches also needs rights for a lease. Unset all variables."""
    for module in pkgutil.walk_packages(actions.__path__, "actions."):
        # Import all modules now: a module imported later would keep the values that this fixture sets.
        importlib.import_module(module.name)
    with pytest.MonkeyPatch.context() as patch:
        for variable in conftest.VARIABLES:
            patch.delenv(variable, raising=False)
        for limit, number in {
            "changes.draft.BATCH": 3,
            "actions.rules.checked_changeset.BATCH": 3,
            "actions.cascading_deletion.MESSAGES_PER_BATCH": 2,
            "actions.rules.passwords.ROUNDS": 4,
            "database.following.AWAIT": 0.05,
        }.items():
            patch.setattr(limit, number)
        yield patch


@pytest.fixture(scope="module")
def plain(type_all: Callable[[str], Outcomes], server: str) -> Outcomes:
    """Type the line of each sample in a replica set."""
    return type_all(server)


@pytest.fixture(scope="module")
def sharded(type_all: Callable[[str], Outcomes], server: str) -> Outcomes:
    """Type the line of each sample in a sharded cluster."""
    with mongos.started(server) as router:
        return type_all(router)


def test_every_command_has_a_sample() -> None:
    assert {sample.command for sample in sampled.samples()} == ADMIN.commands


def test_the_roles_allow_exactly_what_their_commands_need(plain: Outcomes) -> None:
    for role in ROLES:
        needed = set[Privilege]().union(
            *(found.rights for sample, found in plain.items() if sample.command in role.commands)
        )
        assert needed == role.privileges(), role.name
        others = {sample.command for sample, found in plain.items() if found.rights <= role.privileges()}
        assert others - role.commands == set(role.also_allowed), role.name


def test_each_command_does_in_a_sharded_cluster_what_it_does_in_a_replica_set(
    plain: Outcomes, sharded: Outcomes
) -> None:
    for sample, outcome in sharded.items():
        assert outcome._replace(cost=plain[sample].cost) == plain[sample], sample.line


def test_the_page_about_scale_says_what_each_command_costs(sharded: Outcomes) -> None:
    highest: dict[str, Cost] = {}
    for sample, found in sharded.items():
        highest[sample.command] = max(found.cost, highest.get(sample.command, Cost.NONE))
    rows = re.findall(r"^\| ([\w, ]+) \| (`.+`) \|$", PAGE.partition("## What each command costs")[2], re.MULTILINE)
    listed = {row: re.findall(r"`([^`]+)`", commands) for row, commands in rows}
    assert listed == {
        row: sorted(command for command, most in highest.items() if most == level)
        for row, level in {"one shard": Cost.ONE, "all shards, by id": Cost.BY_ID, "all shards": Cost.ALL}.items()
    }


def test_the_page_about_scale_recommends_the_tested_shard_keys() -> None:
    keys = re.findall(r"^\| `(\w+)` \| `(\{.+\})` \|", PAGE, re.MULTILINE)
    assert {collection: yaml.safe_load(key) for collection, key in keys} == mongos.SHARD_KEYS
