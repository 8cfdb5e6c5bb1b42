"""Text that is not valid UTF-8 is reported, and no command fails because of such text."""

import json
import re
import time
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
    """Return a `chatctl` whose server returns invalid UTF-8."""
    with proxy(url) as address:
        monkeypatch.setenv("MONGODB_DATABASE_URL", f"mongodb://{address}/{name}?directConnection=true")
        yield chatctl


@pytest.fixture
def cut(proxied: Chatctl, database: Documents, ids: Ids) -> Chatctl:
    """Insert a user whose name was cut inside a character, and a user whose name has a valid U+FFFD."""
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
    assert re.search("An undo cannot restore the exact bytes of: User [0-9a-f]{24} name\n", planned.stderr)
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
"""For each collection, a text that was cut inside a character."""


@pytest.mark.parametrize(
    ("typed", "lost"),
    [
        ("users update id:{grace} --name Grace", ["User"]),
        ("users delete grace", ["Message", "Profile", "User"]),
        ("users delete grace --keep-conversations", ["Message", "Profile", "User"]),
        ("users delete ada", ["Account"]),
        ("users merge grace --into alan", ["User"]),
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
def test_a_note_says_before_the_write_what_an_undo_cannot_restore(
    proxied: Chatctl, database: Documents, ids: Ids, typed: str, lost: list[str]
) -> None:
    for collection, (who, field) in CUT_TEXTS.items():
        database[collection].update_one({"_id": ids[who]}, {"$set": {field: CUT}})
    said = proxied(*typed.format(**ids).split(), "--dry-run").stderr
    [found] = re.findall("An undo cannot restore the exact bytes of: (.*)\n", said) or [""]
    expected = {f"{collection} {ids[CUT_TEXTS[collection][0]]} {CUT_TEXTS[collection][1]}" for collection in lost}
    assert set(filter(None, found.split(", "))) == expected


SOON = 30
TOMBSTONE = ["_id", "conversationIds", "createdAt", "email", "rolesIds", "seenMessageIds", "status", "updatedAt"]
TOMBSTONE += ["username"]
PERSON = [*TOMBSTONE, "hashedPassword", CUT]


@pytest.mark.parametrize(
    ("typed", "having", "user_has"),
    [
        ("users erase ada --with-messages", ["direct"], TOMBSTONE),
        ("users erase ada", ["one", "direct"], TOMBSTONE),
        ("users delete ada", [], []),
        ("users delete ada --keep-conversations", ["direct"], []),
        ("users merge ada --into alan", ["account", "one", "direct"], []),
        ("users suspend ada", ["ada", "account", "one", "direct"], PERSON),
        ("users update ada --name Ada", ["ada", "account", "one", "direct"], [*PERSON, "name"]),
        ("messages delete {one}", ["ada", "account", "direct"], PERSON),
        ("conversations delete {direct}", ["ada", "account"], PERSON),
    ],
)
def test_a_field_with_an_invalid_name_does_not_prevent_a_write(
    proxied: Chatctl, database: Documents, typed: str, having: list[str], user_has: list[str]
) -> None:
    ids = settle(database)
    everywhere = (("User", "ada"), ("Account", "account"), ("Message", "one"), ("Conversation", "direct"))
    for collection, who in everywhere:
        database[collection].update_one({"_id": ids[who]}, {"$set": {CUT: "a secret"}})
    began = time.monotonic()
    proxied(*typed.format(**ids).split(), "--yes")
    assert time.monotonic() - began < SOON
    left = [one["_id"] for name, _ in everywhere for one in database[name].find({CUT: "a secret"})]
    assert left == [ids[who] for who in having]
    assert sorted(database["User"].find_one({"_id": ids["ada"]}) or {}) == sorted(user_has)
