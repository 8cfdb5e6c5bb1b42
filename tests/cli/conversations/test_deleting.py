"""Deleting conversations also deletes all their messages and nothing else, and an undo restores everything."""

import pytest
from bson import ObjectId
from engines import undone
from people import Documents, conversation, links, messages, person, stored

from database.own_collections import IMAGES
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl, Result

Ids = dict[str, ObjectId]


@pytest.fixture
def world(either: Chatctl, database: Documents) -> Ids:
    """Insert Ada, Grace and Alan, who write in a group.

    Ada and Grace also write to each other; Edith writes to nobody.
    """
    ids = {name: person(database, name) for name in ("ada", "grace", "alan", "edith")}
    ids["direct"] = conversation(database, ids["ada"], ids["grace"])
    ids["group"] = conversation(database, ids["ada"], ids["grace"], ids["alan"], name="engines")
    messages(database, ids["direct"], ids["ada"], "hello", seen=(ids["grace"],))
    messages(database, ids["group"], ids["alan"], "first", "second", seen=(ids["ada"],), after=3)
    return ids


def event(done: Result) -> str:
    assert "undo: chatctl audit undo " in done.stderr, done
    return done.stderr.split()[-1]


def test_a_conversation_is_deleted_with_all_its_messages(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    done = either("conversations", "delete", "engines", world["direct"], "--yes")
    assert done.stdout == "engines: deleted\nada, grace: deleted\n"
    left = stored(database)
    assert (left["Conversation"], left["Message"]) == ([], [])
    assert all(user["conversationIds"] == user["seenMessageIds"] == [] for user in left["User"])
    links(database)
    undone(either, done)
    assert stored(database) == before


def test_forever_keeps_no_image_for_an_undo(either: Chatctl, database: Documents, world: Ids) -> None:
    done = either("conversations", "delete", "engines", "--forever", "--yes")
    assert "This cannot be undone: nothing is kept for an undo." in done.stderr
    assert "undo:" not in done.stderr
    assert database[IMAGES].count_documents({}) == 0
    assert "second" not in str(list(database["chatctl_audit"].find()))


def test_an_unknown_conversation_stops_the_command_or_is_skipped(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    before = stored(database)
    refused = either("conversations", "delete", "engines", "engine", "--yes", code=3)
    assert refused.stderr == 'error: no conversation "engine"\nhint: did you mean "engines"?\n'
    assert stored(database) == before
    done = either("conversations", "delete", "engines", "engine", "--yes", "--skip-missing")
    assert done.stdout == "engines: deleted\n"
    assert 'no user "bob"' in either("conversations", "add", world["direct"], "bob", code=3).stderr


def test_the_preview_of_a_deletion_says_how_much_is_deleted(
    terminal: Terminal, chatctl: Chatctl, database: Documents
) -> None:
    ada, grace = person(database, "ada"), person(database, "grace\x1b[2J")
    direct = conversation(database, ada, grace)
    messages(database, direct, ada, "one", "two", "three")
    group = conversation(database, ada, grace, name="engines")
    before = stored(database)
    screen = terminal("conversations", "delete", direct, "engines", typed="n\n", env={"NO_COLOR": "1"})
    assert (
        "  delete 3 messages\n"
        "  delete 2 conversations\n"
        "  ada, grace\\x1b[2J: 3 messages\n"
        "  engines: 0 messages\n"
        "Delete 2 conversations? [y/N] n\n"
    ) in screen.text
    assert screen.code == 7
    assert stored(database) == before
    dry = chatctl("conversations", "delete", group, direct, "-n")
    assert dry.stdout.count("- Message ") == 3
    assert dry.stdout.count("- Conversation ") == 2
    assert stored(database) == before


def test_broken_data_is_deleted_too(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada")
    broken = [
        {"_id": ObjectId(), "userIds": None, "isGroup": True, "name": "null"},
        {"_id": ObjectId(), "userIds": [str(ada), None, ada, ObjectId()], "lastMessageAt": "yesterday"},
        {"_id": ObjectId()},
    ]
    database["Conversation"].insert_many([dict(one) for one in broken])
    database["Message"].insert_many(
        [
            {"_id": ObjectId(), "conversationId": broken[1]["_id"], "seenIds": None, "body": "text"},
            {"_id": ObjectId(), "conversationId": broken[2]["_id"], "senderId": ObjectId(), "createAt": "long ago"},
            {"_id": ObjectId(), "conversationId": str(broken[2]["_id"]), "senderId": str(ada), "body": "by text"},
        ]
    )
    before = stored(database)
    done = either("conversations", "delete", *(one["_id"] for one in broken), "--yes")
    assert [database[name].count_documents({}) for name in ("Conversation", "Message")] == [0, 0]
    either("audit", "undo", event(done), "--yes", "--force")
    assert len(stored(database)["Conversation"]) == len(before["Conversation"])
