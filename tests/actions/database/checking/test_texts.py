"""Text that is not valid UTF-8 is reported, and no command fails because of it."""

import json
import re
from collections.abc import Iterator

import pytest
from odd import CUT, proxy
from people import Documents, user
from planting import Ids, settle

from tests.conftest import Chatctl


@pytest.fixture
def ids(database: Documents) -> Ids:
    return settle(database)


@pytest.fixture
def proxied(chatctl: Chatctl, url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chatctl]:
    """Be `chatctl` on a server that holds invalid UTF-8."""
    with proxy(url) as address:
        monkeypatch.setenv("MONGODB_DATABASE_URL", f"mongodb://{address}/{name}?directConnection=true")
        yield chatctl


@pytest.fixture
def cut(proxied: Chatctl, database: Documents, ids: Ids) -> Chatctl:
    """Insert a user whose name was cut, and one whose name has a valid U+FFFD."""
    database["User"].update_one({"_id": ids["grace"]}, {"$set": {"name": f"Grace {CUT}"}})
    database["User"].update_one({"_id": ids["alan"]}, {"$set": {"name": "Alan \ufffd"}})
    return proxied


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


CUT_TEXTS = {
    "User": ("grace", "name"),
    "Profile": ("profile", "address"),
    "Account": ("account", "id_token"),
    "Role": ("viewer", "name"),
    "Permission": ("read", "name"),
    "Conversation": ("group", "name"),
    "Message": ("three", "body"),
}
"""A text of each collection that is cut."""


@pytest.mark.parametrize(
    ("typed", "lost"),
    [
        ("users update id:{grace} --name Grace", ["User"]),
        ("users delete grace", ["Message", "Profile", "User"]),
        ("users delete grace --keep-conversations", ["Message", "Profile", "User"]),
        ("users delete ada", ["Account"]),
        ("users unlink ada google", ["Account"]),
        ("roles rename id:{viewer} reader", ["Role"]),
        ("roles delete id:{viewer}", ["Role"]),
        ("permissions rename id:{read} user.show", ["Permission"]),
        ("permissions delete id:{read}", ["Permission"]),
        ("conversations rename {group} Lunch", ["Conversation"]),
        ("conversations delete {group}", ["Conversation", "Message"]),
        ("messages redact {three}", ["Message"]),
        ("messages delete {three}", ["Message"]),
        ("messages purge --before 2027-01-01", ["Message"]),
        ("users suspend grace", []),
        ("messages delete {three} --forever", []),
        ("conversations delete {group} --forever", []),
        ("users delete grace --forever", []),
    ],
)
def test_what_an_undo_cannot_restore_is_said_before(
    proxied: Chatctl, database: Documents, ids: Ids, typed: str, lost: list[str]
) -> None:
    for collection, (who, field) in CUT_TEXTS.items():
        database[collection].update_one({"_id": ids[who]}, {"$set": {field: CUT}})
    said = proxied(*typed.format(**ids).split(), "--dry-run").stderr
    [found] = re.findall("an undo cannot restore the exact bytes of: (.*)\n", said) or [""]
    expected = {f"{collection} {ids[CUT_TEXTS[collection][0]]} {CUT_TEXTS[collection][1]}" for collection in lost}
    assert set(filter(None, found.split(", "))) == expected
