"""Seeds written to files, and applied to a database of one test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from changes import Outcome, apply
from database import connection
from database.errors import InvalidInputError
from seeds.planning import Options, plan
from seeds.reading import read
from seeds.seed import Seed

Write = Callable[..., Path]
Apply = Callable[..., Outcome]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a seed to a file, and return its path."""

    def written(text: str | bytes, name: str = "seed.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return path

    return written


@pytest.fixture
def faults() -> Callable[..., list[str]]:
    """Read an invalid seed. Return its faults as `file:line:column message`, with the names of files but no folders."""

    def said(*paths: Path) -> list[str]:
        with pytest.raises(InvalidInputError) as raised:
            read(paths)
        folder = f"{paths[0].parent}{os.sep}"
        return [
            f"{Path(file).name}:{line}:{column} {message}".replace(folder, "")
            for file, line, column, message in raised.value.faults
        ]

    return said


@pytest.fixture
def seed(write: Write) -> Callable[[str], Seed]:
    return lambda text: read([write("version: 1\n" + dedent(text))])


@pytest.fixture
def here(url: str, database: Database[dict[str, Any]]) -> Iterator[Any]:
    """Use the database of this test, and return it."""
    connection.choose(url)
    yield database
    connection.choose()


@pytest.fixture
def grow(here: Any, seed: Callable[[str], Seed]) -> Apply:
    """Apply a seed given as text."""

    def grown(text: str, **options: bool) -> Outcome:
        return apply(plan(seed(text), Options(**options)).changeset)

    return grown


@pytest.fixture
def start() -> str:
    """Return a simple seed."""
    return """
    permissions: [user.read, user.suspend, message.read, message.delete]
    roles:
      - {name: viewer, permissions: [user.read]}
      - {name: support, extends: [viewer], permissions: [user.suspend]}
      - {name: moderator, permissions: ["message.*", user.read]}
      - {name: admin, protected: true, permissions: ["*"]}
"""


@pytest.fixture
def granted(here: Any) -> Callable[[], dict[str, list[str]]]:
    """Return the permissions of each role. Check that both sides of every link are the same."""

    def read_them() -> dict[str, list[str]]:
        names = {document["_id"]: document["name"] for document in here.Permission.find()}
        links = {(role["_id"], item) for role in here.Role.find() for item in role["permissionsIds"]}
        assert links == {(item, one["_id"]) for one in here.Permission.find() for item in one["rolesIds"]}
        return {role["name"]: sorted(names[item] for item in role["permissionsIds"]) for role in here.Role.find()}

    return read_them


@pytest.fixture
def everything(here: Any) -> Callable[[], dict[str, list[Any]]]:
    """Return all documents of the database."""
    return lambda: {name: list(here[name].find().sort("_id")) for name in sorted(here.list_collection_names())}


@pytest.fixture
def member(here: Any) -> Callable[..., ObjectId]:
    """Insert a user with roles. Both sides of the links are written."""

    def join(name: str, *roles: str) -> ObjectId:
        held = [role["_id"] for role in here.Role.find({"name": {"$in": list(roles)}})]
        user = {"email": f"{name}@example.org", "username": name, "status": "ACTIVE", "rolesIds": held}
        identifier: ObjectId = here.User.insert_one(user).inserted_id
        here.Role.update_many({"_id": {"$in": held}}, {"$push": {"userIds": identifier}})
        return identifier

    return join
