"""Creating and changing conversations: both sides of every link are written, and an undo restores everything."""

import json
from typing import Any

import pytest
from bson import ObjectId
from engines import undone
from people import BEGAN, Documents, conversation, links, messages, person, stored

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


def test_a_one_to_one_conversation_is_created(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    done = either("conversations", "create", "ada", "edith@example.org")
    [new] = [one for one in database["Conversation"].find() if one["userIds"] == [world["ada"], world["edith"]]]
    assert done.stdout == f"ada, edith: created ({new['_id']})\n"
    assert new == {
        "_id": new["_id"],
        "created_at": new["created_at"],
        "lastMessageAt": new["created_at"],
        "messagesIds": [],
        "userIds": [world["ada"], world["edith"]],
    }
    assert (database["User"].find_one({"username": "edith"}) or {})["updatedAt"] == BEGAN
    links(database)
    undone(either, done)
    assert stored(database) == before


@pytest.mark.parametrize("people", [("ada", "grace"), ("grace", "ada"), ("grace", "ada", "GRACE@example.org")])
def test_two_users_get_no_second_one_to_one_conversation(
    either: Chatctl, database: Documents, world: Ids, people: tuple[str, ...]
) -> None:
    before = stored(database)
    done = either("conversations", "create", *people)
    assert done.stdout == f"{people[0]}, {people[1]}: unchanged ({world['direct']})\n"
    assert done.stderr == "nothing to do\n"
    outcome = json.loads(either("conversations", "create", *people, "-o", "json").stdout)
    assert (outcome["event"], outcome["unchanged"]) == (None, 1)
    assert outcome["results"][0]["id"] == str(world["direct"])
    assert stored(database) == before


def test_a_group_is_created(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    done = either("conversations", "create", "ada", "grace", "edith", "--name", "looms")
    new = database["Conversation"].find_one({"name": "looms"}) or {}
    assert done.stdout == f"looms: created ({new['_id']})\n"
    assert (new["isGroup"], new["userIds"]) == (True, [world["ada"], world["grace"], world["edith"]])
    links(database)
    undone(either, done)
    assert stored(database) == before


def test_a_group_of_two_users_is_created_with_a_note(either: Chatctl, database: Documents, world: Ids) -> None:
    done = either("conversations", "create", "ada", "grace", "--name", "pair", "--reason", "a test")
    assert done.stderr.splitlines()[1:-1] == [
        *(
            ["warning: this server has no transactions; a crash can leave a one-sided link (db check finds it)"]
            if "no transactions" in done.stderr
            else []
        ),
        "pair will have only two people. The application shows such a group as a one-to-one conversation.",
    ]


def test_a_group_cannot_take_the_name_of_another_group(either: Chatctl, database: Documents, world: Ids) -> None:
    said = 'the conversation "engines" already exists\nhint: see chatctl conversations list'
    assert said in either("conversations", "create", "ada", "grace", "alan", "--name", "engines", code=4).stderr
    conversation(database, world["ada"], world["alan"], world["edith"], name="engines")
    assert "use one of id:" in either("conversations", "add", "engines", "edith", code=4).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ada"], 2, "a conversation requires at least two different users\nhint: name two or more users"),
        (["ada", "ADA@example.org"], 2, "a conversation requires at least two different users"),
        (["ada", "--name", "me"], 2, "a conversation requires at least two different users"),
        (
            ["ada", "grace", "alan"],
            2,
            "a conversation of 3 people is a group, and a group requires a name\nhint: add --name NAME",
        ),
        (["ada", "nobody"], 3, 'no user "nobody"'),
        (["ada", "grace", "--name", ""], 5, "not a valid conversation name: a name cannot be empty"),
        (["ada", "grace", "--name", " x"], 5, "begins or ends with a space"),
        (["ada", "grace", "--name", "\x1b[31m"], 5, "contains an invisible character (U+001B)"),
        (["ada", "grace", "--name", "\u202ex"], 5, "contains an invisible character (U+202E)"),
        (["ada", "grace", "--name", "x" * 201], 5, "a name has at most 200"),
        (["ada", "grace", "--name", "5f" * 12], 5, "it would be read as an id"),
        (["ada", "grace", "--name", "id:x"], 5, "it would be read as an id"),
        (["ada", "grace", "--name", "name:x"], 5, "it cannot begin with name: or username:"),
        (["ada", "grace", "--name", "-"], 5, "it means standard input in a command"),
    ],
)
def test_an_invalid_conversation_is_refused(
    either: Chatctl, database: Documents, *, world: Ids, arguments: list[str], code: int, said: str
) -> None:
    before = stored(database)
    assert said in either("conversations", "create", *arguments, code=code).stderr
    assert stored(database) == before


@pytest.mark.parametrize("links_of_ada", [None, "absent", []])
def test_an_undo_makes_a_null_or_absent_list_null_or_absent_again(
    either: Chatctl, database: Documents, world: Ids, links_of_ada: Any
) -> None:
    change = {"$unset": {"conversationIds": 1}} if links_of_ada == "absent" else {"$set": {"conversationIds": None}}
    if links_of_ada != []:
        database["User"].update_one({"username": "edith"}, change)
    before = stored(database)
    done = either("conversations", "create", "edith", "grace")
    links_of_edith = (database["User"].find_one({"username": "edith"}) or {})["conversationIds"]
    assert len(links_of_edith) == 1
    undone(either, done)
    assert stored(database) == before


def test_a_user_is_added_to_a_group(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    done = either("conversations", "add", "engines", "edith", "ada")
    assert done.stdout == "edith: added\nada: unchanged (already a participant)\n"
    assert world["edith"] in (database["Conversation"].find_one({"name": "engines"}) or {})["userIds"]
    links(database)
    assert either("conversations", "add", "engines", "edith").stderr == "nothing to do\n"
    undone(either, done)
    assert stored(database) == before


def test_a_one_to_one_conversation_gets_no_third_person(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    refused = either("conversations", "add", world["direct"], "edith", code=7)
    assert refused.stderr == (
        "error: ada, grace is a one-to-one conversation\n"
        "hint: create a group: chatctl conversations create USER... edith --name NAME\n"
    )
    assert stored(database) == before
    assert either("conversations", "add", world["direct"], "ada").stdout == "ada: unchanged (already a participant)\n"


def test_a_one_sided_link_is_completed_or_removed(either: Chatctl, database: Documents, world: Ids) -> None:
    database["Conversation"].update_one({"name": "engines"}, {"$pull": {"userIds": world["ada"]}})
    either("conversations", "add", "engines", "ada")
    links(database)
    database["User"].update_one({"username": "ada"}, {"$pull": {"conversationIds": world["group"]}})
    assert either("conversations", "remove", "engines", "ada", "--yes").stdout == "ada: removed\n"
    links(database)
    assert either("conversations", "remove", "engines", "ada", "--yes").stdout == "ada: unchanged (not a participant)\n"


def test_the_messages_of_a_removed_user_stay(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    done = either("conversations", "remove", "engines", "alan", "edith", "--yes")
    assert done.stdout == "alan: removed\nedith: unchanged (not a participant)\n"
    left = stored(database)
    assert left["Message"] == before["Message"]
    assert [user["seenMessageIds"] for user in left["User"]] == [user["seenMessageIds"] for user in before["User"]]
    links(database)
    undone(either, done)
    assert stored(database) == before


@pytest.mark.parametrize(
    ("place", "people", "said"),
    [
        (
            "group",
            ["alan"],
            "engines will have only two people. The application shows such a group as a one-to-one",
        ),
        ("group", ["alan", "grace", "ada"], "engines will have no participants."),
        (
            "direct",
            ["grace"],
            "ada, grace will have only one person, and its page in the application will fail. Delete it: chat",
        ),
        ("direct", ["grace", "ada"], "ada, grace will have no participants."),
    ],
)
def test_the_preview_names_a_conversation_that_loses_too_many_people(
    terminal: Terminal, chatctl: Chatctl, database: Documents, *, place: str, people: list[str], said: str
) -> None:
    ids = {name: person(database, name) for name in ("ada", "grace", "alan")}
    ids["direct"] = conversation(database, ids["ada"], ids["grace"])
    ids["group"] = conversation(database, ids["ada"], ids["grace"], ids["alan"], name="engines")
    before = stored(database)
    screen = terminal("conversations", "remove", ids[place], *people, typed="n\n", columns=200)
    assert screen.code == 7
    assert f" loses {', '.join(people)}\n" in screen.text
    assert f"  {said}" in screen.text
    assert stored(database) == before
    assert terminal("conversations", "remove", ids[place], *people, typed="y\n").code == 0
    links(database)


def test_a_second_conversation_of_the_same_two_people_gets_a_note(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    alone = conversation(database, world["ada"])
    said = either("conversations", "add", alone, "grace").stderr
    assert (
        f"These two users already have another one-to-one conversation ({world['direct']}). "
        "The application opens only one of the two." in said
    )


def test_a_group_is_renamed(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    done = either("conversations", "rename", "engines", "looms")
    assert done.stdout == "looms: renamed\n"
    assert either("conversations", "rename", "looms", "looms").stdout == "looms: unchanged (already has this name)\n"
    undone(either, done)
    assert stored(database) == before
    conversation(database, world["ada"], world["alan"], world["edith"], name="looms")
    assert (
        'the conversation "looms" already exists'
        in either("conversations", "rename", "engines", "looms", code=4).stderr
    )


@pytest.mark.parametrize(
    ("place", "new", "code", "said"),
    [
        ("direct", "us", 7, "ada, grace is a one-to-one conversation, which has no name"),
        ("group", "", 5, "a name cannot be empty"),
        ("group", "-", 5, "it means standard input in a command"),
        ("group", "5f" * 12, 5, "it would be read as an id"),
    ],
)
def test_an_invalid_name_is_refused(
    either: Chatctl, database: Documents, *, world: Ids, place: str, new: str, code: int, said: str
) -> None:
    before = stored(database)
    assert said in either("conversations", "rename", world[place], "--", new, code=code).stderr
    assert stored(database) == before


def test_programs_get_the_outcome_for_each_user_as_json(chatctl: Chatctl, database: Documents) -> None:
    ada, grace = person(database, "ada"), person(database, "grace")
    group = conversation(database, ada, name="engines")
    done = chatctl("conversations", "add", "engines", "grace", "ada", "-o", "json")
    outcome = json.loads(done.stdout)
    assert done.stderr == ""
    assert outcome["results"] == [
        {"id": str(grace), "ref": "grace", "outcome": "added"},
        {"id": str(ada), "ref": "ada", "outcome": "unchanged"},
    ]
    dry = json.loads(chatctl("conversations", "delete", group, "-n", "-o", "json").stdout)
    assert dry == {
        "event": None,
        "changed": 1,
        "unchanged": 0,
        "results": [{"id": str(group), "ref": "engines", "outcome": "deleted"}],
    }


def test_a_command_that_asks_is_refused_without_a_terminal(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    either("conversations", "delete", "engines", code=7)
    either("conversations", "remove", "engines", "ada", code=7)
    either("conversations", "delete", "-", input="engines\n", code=7)
    either("conversations", "delete", "engines", world["direct"], "--max", "1", "--yes", code=7)
    assert stored(database) == before


def test_users_are_added_to_a_group_without_a_list(either: Chatctl, database: Documents) -> None:
    person(database, "ada")
    database["Conversation"].insert_one({"_id": ObjectId(), "name": "null", "isGroup": True, "userIds": None})
    before = stored(database)
    done = either("conversations", "add", "null", "ada")
    links(database)
    undone(either, done)
    assert stored(database) == before


def test_a_group_of_thousands_is_created_in_one_transaction(chatctl: Chatctl, database: Documents) -> None:
    template = {"status": "ACTIVE", "createdAt": BEGAN, "updatedAt": BEGAN, "conversationIds": []}
    database["User"].insert_many({**template, "email": f"{n}@x.org", "username": f"u{n}"} for n in range(1_200))
    names = "".join(f"u{n}\n" for n in range(1_200))
    before = stored(database)
    chatctl("conversations", "create", "-", "--name", "all", input=names, code=7)
    chatctl("conversations", "create", "-", "--name", "all", "--yes", "--max", "1199", input=names, code=7)
    done = chatctl("conversations", "create", "-", "--name", "all", "--yes", input=names)
    assert len(links(database)["conversationIds"]) == 1_200
    undone(chatctl, done)
    assert stored(database) == before
    conversation(database, name="rest")
    assert chatctl("conversations", "add", "rest", "-", "--yes", input=names).stdout == "1,200 added\n"
    assert len(links(database)["conversationIds"]) == 1_200
