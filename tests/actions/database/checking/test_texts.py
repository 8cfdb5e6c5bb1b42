"""Text that is not valid UTF-8 is reported, and no command fails because of it."""

import json
import re
from collections.abc import Iterator

import pytest
from odd import CUT, proxy
from people import Documents, user
from planting import settle

from tests.conftest import Chatctl


@pytest.fixture
def cut(
    chatctl: Chatctl, database: Documents, url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Chatctl]:
    """Insert a user whose name was cut, and one whose name has a valid U+FFFD."""
    ids = settle(database)
    database["User"].update_one({"_id": ids["grace"]}, {"$set": {"name": f"Grace {CUT}"}})
    database["User"].update_one({"_id": ids["alan"]}, {"$set": {"name": "Alan \ufffd"}})
    with proxy(url) as address:
        monkeypatch.setenv("MONGODB_DATABASE_URL", f"mongodb://{address}/{name}?directConnection=true")
        yield chatctl


def test_text_cut_inside_a_character_is_reported(cut: Chatctl) -> None:
    [row] = json.loads(cut("db", "check", "--rule", "invalid-text", "-o", "json", code=1).stdout)
    assert (row["count"], row["examples"][0]["field"]) == (1, "name")


def test_a_user_with_invalid_text_can_be_suspended_deleted_and_restored(cut: Chatctl, database: Documents) -> None:
    cut("users", "suspend", "grace", "--yes")
    assert user(database, "grace")["status"] == "SUSPENDED"
    planned = cut("users", "delete", "grace", "--dry-run")
    assert re.search("an undo cannot restore the exact bytes of: User [0-9a-f]{24} name\n", planned.stderr)
    event = cut("users", "delete", "grace", "--yes").stderr.split()[-1]
    assert not user(database, "grace")
    cut("audit", "undo", event, "--yes")
    assert user(database, "grace")["name"] == f"Grace {CUT}".replace("u", "\ufffd")
