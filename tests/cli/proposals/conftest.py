"""Fixtures for proposals: a change of the current user, and a database in which each command has something to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
import typed
from people import Documents

from changes import events
from tests.conftest import Chatctl


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that changes the current system user, so that ada can propose and bob can approve."""
    return lambda name: monkeypatch.setattr(events, "system_user", lambda: name)


@pytest.fixture
def office(chatctl: Chatctl, database: Documents, workspace: Path, as_user: Callable[[str], None]) -> Chatctl:
    """Return `chatctl` as the system user ada, for a database with users and without proposals."""
    typed.settle(database)
    typed.lay_out(workspace)
    database["chatctl_proposals"].delete_many({})
    as_user("ada")
    return chatctl
