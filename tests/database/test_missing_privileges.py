"""After a server has refused a command, chatctl knows which rights are missing."""

from datetime import timedelta
from typing import Any

import pytest
from pymongo.monitoring import CommandFailedEvent, CommandStartedEvent

from database.privileges import MissingPrivileges


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ({"code": 13, "errmsg": "not authorized on shop to execute command"}, True),
        ({"code": 8000, "errmsg": "user is not allowed to do action [find] on [shop.User]"}, True),
        ({"code": 8000, "errmsg": "you are over your space quota"}, False),
        ({"code": 50, "errmsg": "operation exceeded time limit"}, False),
    ],
)
def test_the_rights_that_a_refused_command_needs_are_remembered(answer: dict[str, Any], refused: bool) -> None:
    listener = MissingPrivileges()
    place = ("db", 1)
    listener.started(CommandStartedEvent({"find": "User"}, "shop", 1, place, None))
    listener.failed(CommandFailedEvent(timedelta(), answer, "find", 1, place, None))
    assert listener.missing == ({("User", "find")} if refused else set())
