"""A fixture with four users who write to each other."""

import pytest
import talk
from lobby import Lobby
from people import Documents

from tests.conftest import Chatctl


@pytest.fixture
def talking(either: Chatctl, database: Documents) -> Chatctl:
    """Insert four users who write to each other."""
    talk.settle(database)
    return either


@pytest.fixture
def lobby(database: Documents) -> Lobby:
    return Lobby(database)
