"""Example roles, users and import files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import staff
from people import Documents, user

from tests.conftest import Chatctl, Result

Import = Callable[..., Result]


@pytest.fixture
def roles(either: Chatctl) -> Chatctl:
    """Insert two roles, each with a permission."""
    either("permissions", "create", "user.read", "user.suspend")
    either("roles", "create", "viewer", "--permission", "user.read")
    either("roles", "create", "support", "--permission", "user.suspend")
    return either


@pytest.fixture
def people(either: Chatctl, database: Documents) -> Chatctl:
    """Insert four users."""
    staff.settle(database)
    return either


@pytest.fixture
def load(chatctl: Chatctl, tmp_path: Path) -> Import:
    """Write a text to a file and import it."""

    def loaded(text: str | bytes, *options: str, name: str = "people.csv", code: int = 0) -> Result:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return chatctl("users", "import", name, *options, code=code)

    return loaded


@pytest.fixture
def imported(database: Documents) -> Callable[[str], dict[str, Any]]:
    """Return the imported users."""
    return lambda username: user(database, username)
