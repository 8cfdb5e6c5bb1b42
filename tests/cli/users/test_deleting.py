"""Deleting a user also deletes everything that depends on the user and nothing else. An undo restores everything."""

import json
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from bson import ObjectId
from people import Documents, conversation, links, messages, person, stored

from database.own_collections import IMAGES
from tests.cli.conftest import PROGRAM, Terminal
from tests.conftest import Chatctl


@pytest.fixture
def world(either: Chatctl, database: Documents) -> dict[str, ObjectId]:
    """Insert Ada, who writes to Grace, and in a group with two others. Alan has references to Ada."""
    either("roles", "create", "support")
    ada = person(database, "ada", roles=("support",), name="Ada")
    grace, alan = person(database, "grace"), person(database, "alan", roles=("support",))
    database["Profile"].insert_one({"_id": ObjectId(), "userId": ada, "phoneNumber": "+44 1"})
    database["Account"].insert_one({"userId": ada, "type": "oauth", "provider": "google", "providerAccountId": "1"})
    direct, group = conversation(database, ada, grace), conversation(database, ada, grace, alan, name="engines")
    messages(database, direct, ada, "hello", seen=(grace,))
    messages(database, direct, grace, "hello yourself", seen=(ada,), after=1)
    messages(database, group, alan, "first", seen=(ada, grace))
    messages(database, group, ada, "second", "third", seen=(alan,), after=5)
    return {"ada": ada, "grace": grace, "alan": alan, "direct": direct, "group": group}


def test_everything_that_depends_on_a_user_is_deleted(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    done = either("users", "delete", "ada", "--yes")
    assert done.stdout == "ada: deleted\n"
    left = stored(database)
    assert [user["username"] for user in left["User"]] == ["grace", "alan"]
    assert (left["Account"], left["Profile"]) == ([], [])
    [group] = left["Conversation"]
    assert group["_id"] == world["group"]
    assert [message["body"] for message in left["Message"]] == ["first"]
    assert group["messagesIds"] == [left["Message"][0]["_id"]]
    assert group["lastMessageAt"] == left["Message"][0]["createAt"]
    assert str(world["ada"]) not in str(left)
    links(database)


def test_an_undo_restores_everything(either: Chatctl, database: Documents, world: dict[str, ObjectId]) -> None:
    before = stored(database)
    event = either("users", "delete", "ada", "--yes").stderr.split()[-1]
    either("audit", "undo", event, "--yes")
    assert stored(database) == before


def test_with_keep_conversations_all_conversations_are_kept(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    either("users", "delete", "ada", "--keep-conversations", "--yes")
    kept = {found["_id"]: found["userIds"] for found in database["Conversation"].find()}
    assert kept == {world["direct"]: [world["grace"]], world["group"]: [world["grace"], world["alan"]]}
    assert [found["body"] for found in database["Message"].find().sort("_id")] == ["hello yourself", "first"]
    links(database)


def test_two_users_of_one_conversation_are_deleted_together(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    before = stored(database)
    done = either("users", "delete", "ada", "grace", "--yes")
    assert done.stdout == "ada: deleted\ngrace: deleted\n"
    assert [found["_id"] for found in database["Conversation"].find()] == [world["group"]]
    links(database)
    either("audit", "undo", done.stderr.split()[-1], "--yes")
    assert stored(database) == before


def test_forever_keeps_nothing_of_the_deleted_user(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    images = database[IMAGES].count_documents({})
    done = either("users", "delete", "ada", "--forever", "--yes")
    assert "undo:" not in done.stderr
    assert database[IMAGES].count_documents({}) == images
    event = json.loads(either("audit", "list", "-o", "json").stdout)[0]["id"]
    assert "third" not in either("audit", "show", event).stdout
    either("audit", "undo", event, "--yes", code=7)


def test_the_last_member_of_a_protected_role_stays(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    role = database["Role"].find_one({}) or {}
    database["chatctl_state"].insert_one({"_id": "protected-roles", "ids": [role["_id"]]})
    either("users", "delete", "ada", "--yes")
    before = stored(database)
    refused = either("users", "delete", "alan", "--yes", code=7)
    assert 'the protected role "support" would lose its last active member' in refused.stderr
    assert stored(database) == before
    either("users", "delete", world["alan"], "--yes", "--allow-last-member")


def test_an_unknown_user_stops_the_command(either: Chatctl, database: Documents, world: dict[str, ObjectId]) -> None:
    before = stored(database)
    refused = either("users", "delete", "ada", "adaa", "--yes", code=3)
    assert refused.stderr == 'error: no user "adaa"\nhint: did you mean "ada"?\n'
    assert stored(database) == before
    either("users", "delete", "ada", "adaa", "--yes", "--skip-missing")
    assert database["User"].count_documents({"username": "ada"}) == 0


def test_broken_data_is_deleted_too(either: Chatctl, database: Documents) -> None:
    broken = {"_id": ObjectId(), "email": "x@y.z", "username": "x", "rolesIds": None, "seenMessageIds": "none"}
    database["User"].insert_one(broken)
    database["Message"].insert_many(
        [{"senderId": broken["_id"], "conversationId": ObjectId(), "seenIds": None}, {"senderId": broken["_id"]}]
    )
    database["Conversation"].insert_one({"userIds": [broken["_id"], None, "7"], "lastMessageAt": "yesterday"})
    event = either("users", "delete", "x", "--yes").stderr.split()[-1]
    assert [database[name].count_documents({}) for name in ("User", "Message", "Conversation")] == [0, 0, 0]
    either("audit", "undo", event, "--yes", "--force")
    assert database["User"].find_one() == broken


@pytest.mark.parametrize("twice", ["Role", "Message", "User"])
def test_several_users_are_removed_from_a_list_with_duplicates(
    either: Chatctl, database: Documents, twice: str
) -> None:
    either("roles", "create", "support")
    ada, bob = (person(database, name, roles=("support",)) for name in ("ada", "bob"))
    grace, alan = person(database, "grace"), person(database, "alan")
    conversation(database, ada, grace)
    with_bob = conversation(database, bob, grace)
    group = conversation(database, ada, bob, grace, alan, name="engines")
    messages(database, group, grace, "hello", seen=(ada, bob))
    field, again = {
        "Role": ("userIds", bob),
        "Message": ("seenIds", bob),
        "User": ("conversationIds", with_bob),
    }[twice]
    database[twice].update_one({"_id": grace} if twice == "User" else {}, {"$push": {field: again}})
    before = stored(database)
    event = either("users", "delete", "ada", "bob", "--yes").stderr.split()[-1]
    assert [found["_id"] for found in database["Conversation"].find()] == [group]
    links(database)
    either("audit", "undo", event, "--yes")
    assert stored(database) == before


def test_an_invalid_time_of_the_last_message_is_not_changed(either: Chatctl, database: Documents) -> None:
    ada, *others = (person(database, name) for name in ("ada", "grace", "alan"))
    group = conversation(database, ada, *others, name="engines")
    messages(database, group, others[0], "hello")
    database["Conversation"].update_one({}, {"$set": {"lastMessageAt": "yesterday"}})
    either("users", "delete", "ada", "--yes")
    assert (database["Conversation"].find_one() or {})["lastMessageAt"] == "yesterday"


def test_the_preview_says_what_is_deleted_and_what_stays(
    terminal: Terminal, chatctl: Chatctl, database: Documents
) -> None:
    ada, grace, alan = (person(database, name) for name in ("ada", "grace", "alan"))
    direct, group = conversation(database, ada, grace), conversation(database, ada, grace, alan, name="engines")
    messages(database, direct, grace, "one", "two")
    messages(database, group, ada, "three")
    before = stored(database)
    screen = terminal("users", "delete", "ada", typed="no\n")
    assert screen.code == 7
    for line in (
        "  delete 3 messages\n",
        "  delete 1 conversation\n",
        "  delete 1 user\n",
        "  One-to-one conversations that will be deleted: with grace\n",
        "  Other conversations that will lose only the messages of these users: engines\n",
        "  engines will have only two people.\n",
    ):
        assert line in screen.text
    assert stored(database) == before
    assert chatctl("users", "delete", "ada", "-n").stdout.count("- Message ") == 3


def test_a_user_with_thousands_of_messages_is_restored_completely(chatctl: Chatctl, database: Documents) -> None:
    ada, grace, alan = (person(database, name) for name in ("ada", "grace", "alan"))
    group = conversation(database, ada, grace, alan, name="engines")
    messages(database, group, alan, "the first")
    messages(
        database, group, ada, *(f"message {number}" for number in range(3_300)), after=1
    )  # more messages than may be deleted before the first batch is written
    messages(database, conversation(database, ada, alan), alan, *map(str, range(300)), seen=(ada,))
    before = stored(database)
    event = chatctl("users", "delete", "ada", "--yes").stderr.split()[-1]
    assert database["Message"].count_documents({}) == 1
    links(database)
    chatctl("audit", "undo", event, "--yes")
    assert stored(database) == before


def test_messages_of_a_megabyte_are_deleted_in_small_batches(either: Chatctl, database: Documents) -> None:
    ada, grace = person(database, "ada"), person(database, "grace")
    messages(database, conversation(database, ada, grace), ada, *("x" * 1_000_000 for _ in range(30)))
    event = either("users", "delete", "ada", "--yes").stderr.split()[-1]
    assert max(image["parts"] for image in database[IMAGES].find({}, ["parts"])) <= 2
    either("audit", "undo", event, "--yes")
    assert database["Message"].count_documents({}) == 30


def test_an_interrupted_deletion_is_undone_or_finished_by_the_same_command(
    chatctl: Chatctl, environment: dict[str, str], database: Documents
) -> None:
    ada, others = person(database, "ada"), [person(database, name) for name in ("grace", "alan")]
    messages(database, conversation(database, ada, *others, name="engines"), ada, *map(str, range(4_000)))
    before = stored(database)
    for finish in ("undo", "again"):
        started = subprocess.Popen(  # noqa: S603
            [PROGRAM, "users", "delete", "ada", "--yes"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        while database["Message"].count_documents({}) == 4_000:
            time.sleep(0.01)
        started.send_signal(signal.SIGINT)
        assert (started.communicate()[1].splitlines()[-1], started.returncode) == (b"error: interrupted", 130)
        assert database["User"].count_documents({"username": "ada"}) == 1
        assert 0 < database["Message"].count_documents({}) < 4_000
        # the order of ids from two processes is not the order of their times
        events = json.loads(chatctl("audit", "list", "-o", "json").stdout)
        [event] = [event for event in events if event["state"] == "interrupted"]
        assert event["command"] == "users delete ada"
        if finish == "undo":
            chatctl("audit", "undo", event["id"], "--yes")
            assert stored(database) == before
    chatctl("users", "delete", "ada", "--yes")
    assert database["Message"].count_documents({}) == 0
    links(database)


class Answers(str):
    """Answers several questions of chatctl. Before the first answer, it calls a function."""

    __slots__ = ("_given", "_happens")

    def thought_over(self, happens: Callable[[], object]) -> "Answers":
        self._given, self._happens = iter(self.split(",")), iter([happens])
        return self

    def encode(self, *_: str) -> bytes:
        for happens in self._happens:
            happens()
        return f"{next(self._given)}\n".encode()


@pytest.mark.parametrize(("answers", "code", "left"), [("y,y", 0, 0), ("y,n", 7, 14)])
def test_messages_sent_during_the_question_cause_a_second_question(
    terminal: Terminal, database: Documents, answers: str, code: int, left: int
) -> None:
    ada, grace = person(database, "ada"), person(database, "grace")
    place = conversation(database, ada, grace)
    messages(database, place, ada, "one", "two")
    typed = Answers(answers).thought_over(lambda: messages(database, place, ada, *map(str, range(12)), after=5))
    screen = terminal("users", "delete", "ada", typed=typed)
    assert screen.text.count("[y/N]") == 2
    assert "  added since you confirmed: delete 12 more messages\n" in screen.text
    assert screen.code == code
    assert database["Message"].count_documents({}) == left


def test_a_message_seen_during_the_question_causes_no_second_question(terminal: Terminal, database: Documents) -> None:
    ada, grace = person(database, "ada"), person(database, "grace")
    [one] = messages(database, conversation(database, ada, grace), ada, "one")

    def read() -> None:
        database["Message"].update_one({"_id": one}, {"$addToSet": {"seenIds": grace}})
        database["User"].update_one({"_id": grace}, {"$addToSet": {"seenMessageIds": one}})
        database["User"].update_one({"_id": ada}, {"$currentDate": {"lastLogin": True, "updatedAt": True}})

    screen = terminal("users", "delete", "ada", typed=Answers("y").thought_over(read))
    assert (screen.text.count("[y/N]"), screen.code) == (1, 0)
    links(database)
