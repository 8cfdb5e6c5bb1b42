"""After a merge, one user has all data, and no document refers to the merged users. An undo restores all users."""

import json
import signal
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents, conversation, links, messages, minute_after, person, stored, user
from planting import HASH

from actions import cascading_deletion
from actions.rules.lockout import PROTECTED
from actions.users.merging.batches import make_batches
from actions.users.merging.documents import Merge
from changes import Batch, draft
from cli.output.write_bar import WriteBar
from database.own_collections import STATE
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

Ids = dict[str, ObjectId]
YES = ("--yes", "-o", "json")


@pytest.fixture
def world(either: Chatctl, database: Documents) -> Ids:
    """Insert two users of the same person (Ada), and other users who write to one or both users of Ada."""
    either("roles", "create", "support")
    either("roles", "create", "admin")
    ids = {"ada": person(database, "ada", roles=("support",), email="ada@example.org", createdAt=minute_after(9))}
    fields = {"name": "Ada Lovelace", "hashedPassword": HASH, "lastLogin": minute_after(5), "status": "SUSPENDED"}
    ids["ada2"] = person(database, "ada2", roles=("admin",), createdAt=minute_after(2), pet="Puff", **fields)
    ids |= {name: person(database, name) for name in ("grace", "alan")}
    profiles = {"ada": {"phoneNumber": "+44 1"}, "ada2": {"phoneNumber": "+44 2", "address": "Pier 7"}}
    for name, profile in profiles.items():
        found = database["Profile"].insert_one({"_id": ObjectId(), "userId": ids[name], **profile}).inserted_id
        database["User"].update_one({"_id": ids[name]}, {"$set": {"profileId": found}})
    for name, provider in (("ada", "google"), ("ada2", "github")):
        account = {"type": "oauth", "provider": provider, "providerAccountId": "1"}
        database["Account"].insert_one({"userId": ids[name], **account})
    ids["new"], ids["old"] = (conversation(database, ids[name], ids["grace"]) for name in ("ada", "ada2"))
    ids["alone"] = conversation(database, ids["ada2"], ids["alan"])
    ids["each other"] = conversation(database, ids["ada"], ids["ada2"])
    ids["group"] = conversation(database, *(ids[name] for name in ("ada", "ada2", "grace", "alan")), name="engines")
    messages(database, ids["new"], ids["ada"], "one", seen=(ids["grace"],), after=20)
    messages(database, ids["old"], ids["ada2"], "two", seen=(ids["grace"],), after=10)
    messages(database, ids["old"], ids["grace"], "three", seen=(ids["ada2"],), after=30)
    messages(database, ids["alone"], ids["ada2"], "four")
    messages(database, ids["each other"], ids["ada"], "five", seen=(ids["ada2"],))
    messages(database, ids["group"], ids["alan"], "six", seen=(ids["ada"], ids["ada2"]))
    return ids


def test_one_user_has_everything_and_nothing_refers_to_the_other(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    done = either("users", "merge", "ada2", "--into", "ada", "--yes", "--reason", "the same person")
    assert done.stdout == "ada2: merged (into ada)\n"
    assert str(world["ada2"]) not in str(stored(database))
    links(database)
    ada = user(database)
    assert (ada["name"], ada["hashedPassword"], ada["status"]) == ("Ada Lovelace", HASH, "ACTIVE")
    assert (ada["createdAt"], ada["lastLogin"]) == (minute_after(2), minute_after(5))
    assert ada["updatedAt"] > BEGAN
    [profile] = database["Profile"].find()
    assert (profile["phoneNumber"], profile["address"], profile["_id"]) == ("+44 1", "Pier 7", ada["profileId"])
    assert {one["provider"]: one["userId"] for one in database["Account"].find()} == dict.fromkeys(
        ("google", "github"), world["ada"]
    )
    sent = {one["body"]: one["conversationId"] for one in database["Message"].find({"senderId": world["ada"]})}
    assert sent == {"one": world["new"], "two": world["new"], "four": world["alone"]}
    [event, *_] = json.loads(either("audit", "list", "-o", "json").stdout)
    assert (event["command"], event["reason"]) == ("users merge ada2 --into ada", "the same person")


def test_an_undo_restores_everything(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    event = either("users", "merge", "ada2", "--into", "ada", "--roles", "union", "--yes").stderr.split()[-1]
    either("audit", "undo", event, "--yes", "--allow-lockout")
    assert stored(database) == before


def test_two_conversations_with_the_same_person_become_one(either: Chatctl, database: Documents, world: Ids) -> None:
    either("users", "merge", "ada2", "--into", "ada", "--yes")
    places = {one["_id"]: one for one in database["Conversation"].find()}
    assert places.keys() == {world["new"], world["alone"], world["group"]}
    one = places[world["new"]]
    assert set(one["userIds"]) == {world["ada"], world["grace"]}
    assert one["lastMessageAt"] == minute_after(31)
    there = database["Message"].find({"conversationId": world["new"]}).sort("createAt")
    assert [(message["body"], message["_id"] in one["messagesIds"]) for message in there] == [
        ("two", True),
        ("one", True),
        ("three", True),
    ]
    assert set(places[world["alone"]]["userIds"]) == {world["ada"], world["alan"]}


def test_an_empty_conversation_gets_the_time_of_the_last_message(either: Chatctl, database: Documents) -> None:
    ada, ada2, grace = (person(database, name) for name in ("ada", "ada2", "grace"))
    place = conversation(database, ada, grace)
    times = {"created_at": minute_after(90), "lastMessageAt": minute_after(90)}
    database["Conversation"].update_one({"_id": place}, {"$set": times, "$unset": {"messagesIds": 1}})
    messages(database, conversation(database, ada2, grace), grace, "one", "two")
    either("users", "merge", "ada2", "--into", "ada", "--yes")
    [left] = database["Conversation"].find()
    assert (left["_id"], left["lastMessageAt"], "messagesIds" in left) == (place, minute_after(2), False)


def test_with_keep_conversations_the_conversation_of_both_users_is_kept(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    either("users", "merge", "ada2", "--into", "ada", "--keep-conversations", "--yes")
    kept = database["Conversation"].find_one({"_id": world["each other"]}) or {}
    assert kept["userIds"] == [world["ada"]]
    assert database["Message"].count_documents({"conversationId": world["each other"]}) == 1
    links(database)


@pytest.mark.parametrize(("roles", "names"), [("keep", ["support"]), ("union", ["admin", "support"])])
def test_the_user_keeps_the_roles_or_gets_the_roles_of_both(
    either: Chatctl, database: Documents, world: Ids, roles: str, names: list[str]
) -> None:
    either("users", "merge", "ada2", "--into", "ada", "--roles", roles, "--yes")
    held = {one["_id"]: one["name"] for one in database["Role"].find({"userIds": world["ada"]})}
    assert sorted(held.values()) == names
    assert set(user(database)["rolesIds"]) == held.keys()


def test_the_last_active_member_of_a_protected_role_is_merged_only_into_an_active_member(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    role = database["Role"].find_one({"name": "admin"}) or {}
    database[STATE].insert_one({"_id": PROTECTED, "ids": [role["_id"]]})
    either("users", "reinstate", "ada2")
    before = stored(database)
    merge = ("users", "merge", "ada2", "--into", "ada", "--yes")
    refused = either(*merge, code=7)
    assert 'the protected role "admin" would lose its last active member' in refused.stderr
    either("users", "suspend", "ada", "--yes")
    either(*merge, "--roles", "union", code=7)
    either("users", "reinstate", "ada")
    assert stored(database) == before
    event = either(*merge, "--roles", "union").stderr.split()[-1]
    assert role["_id"] in user(database)["rolesIds"]
    either("users", "revoke", "ada", "--role", "admin", "--yes", code=7)
    either("audit", "undo", event, "--yes", "--allow-lockout")
    assert stored(database) == before
    either(*merge, "--allow-last-member")


def test_a_moved_profile_belongs_to_the_user_who_stays(either: Chatctl, database: Documents, world: Ids) -> None:
    database["Profile"].delete_one({"userId": world["ada"]})
    database["User"].update_one({"_id": world["ada"]}, {"$unset": {"profileId": ""}})
    before = stored(database)
    event = either("users", "merge", "ada2", "--into", "ada", "--yes").stderr.split()[-1]
    [profile] = database["Profile"].find()
    assert (profile["userId"], profile["phoneNumber"]) == (world["ada"], "+44 2")
    assert user(database)["profileId"] == profile["_id"]
    either("audit", "undo", event, "--yes", "--allow-lockout")
    assert stored(database) == before


def test_a_linked_sign_in_that_both_users_have_is_kept_once(either: Chatctl, database: Documents, world: Ids) -> None:
    database["Account"].update_many({}, {"$set": {"provider": "google"}})
    done = either("users", "merge", "ada2", "--into", "ada", "--yes", "-n")
    assert "linked sign-ins removed as duplicates: google\n" in done.stderr
    either("users", "merge", "ada2", "--into", "ada", "--yes")
    assert [one["userId"] for one in database["Account"].find()] == [world["ada"]]


def test_several_users_are_merged_at_once(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    done = either("users", "merge", "ada2", "alan", "--into", "ada", *YES)
    outcome = json.loads(done.stdout)
    assert [(one["ref"], one["outcome"]) for one in outcome["results"]] == [("ada2", "merged"), ("alan", "merged")]
    assert {one["senderId"] for one in database["Message"].find()} == {world["ada"], world["grace"]}
    assert {str(world["alan"]), str(world["ada2"])}.isdisjoint(str(stored(database)).split("'"))
    links(database)
    either("audit", "undo", outcome["event"], "--yes", "--allow-lockout")
    assert stored(database) == before


@pytest.mark.parametrize("either", ["mongomock"], indirect=True)
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("ada --into ada", 2, "error: ada cannot be merged into ada\n"),
        ("ada2 ADA@example.org --into ada", 2, "error: ada cannot be merged into ada\n"),
        ("ada2 ada2 --into ada", 2, "error: a user is named twice\nhint: name each user once: ada2\n"),
        ("ada2 ada2@example.org --into ada", 2, "error: a user is named twice\nhint: name each user once: ada2\n"),
        ("adda2 --into ada", 3, 'error: no user "adda2"\nhint: did you mean "ada2"?\n'),
        ("ada2 --into adda", 3, 'error: no user "adda"\nhint: did you mean "ada"?\n'),
        ("ada2 --into twin@example.org", 4, 'error: several users have the email "twin@example.org"\n'),
        ("twin@example.org --into ada", 4, 'error: several users have the email "twin@example.org"\n'),
        ("ada2 --into ada --roles all", 2, 'error: --roles: "all" is not valid here. Choose keep or union.\n'),
        ("ada2", 2, "error: missing option '--into'\n"),
        ("ada2 --into ada --max 0", 7, "error: this would change 1 item, but --max allows only 0\n"),
    ],
)
@pytest.mark.usefixtures("world")
def test_an_impossible_merge_is_refused_and_changes_nothing(
    either: Chatctl, database: Documents, line: str, code: int, said: str
) -> None:
    person(database, "twin1", email="twin@example.org")
    person(database, "twin2", email="Twin@example.org")
    before = stored(database)
    assert said in either("users", "merge", *line.split(), "--yes", code=code).stderr
    assert stored(database) == before


PREVIEW = """\
  delete 1 message
  delete 2 conversations
  delete 1 profile
  delete 1 user
  username: ada (removed: ada2)
  email: ada@example.org (removed: ada2@example.org)
  status: ACTIVE (removed: SUSPENDED)
  name: Ada Lovelace (from ada2)
  createdAt: 2026-01-01T00:02:00.000Z (from ada2)
  lastLogin: 2026-01-01T00:05:00.000Z (from ada2)
  password: from ada2
  Removed fields that are not in the schema: pet
  phoneNumber: +44 1 (removed: +44 2)
  address: Pier 7 (from ada2)
  roles: support (removed: admin)
  linked sign-ins added: github
  One-to-one conversations that will become one: with grace
  Deleted: the conversation of these users with each other (1 message)
Merge ada2 (Ada Lovelace, ada2@example.org) into ada (ada@example.org)? [y/N] n
Cancelled. Nothing was changed.
"""


@pytest.mark.parametrize("either", ["server"], indirect=True)
def test_the_preview_says_which_values_are_kept_and_the_question_names_both_users(
    terminal: Terminal, database: Documents, world: Ids
) -> None:
    before = stored(database)
    screen = terminal("users", "merge", "ada2", "--into", "ada", typed="n\n", columns=200)
    assert screen.text.endswith(PREVIEW)
    assert "  change 3 messages\n  change 2 conversations\n  change 1 account\n" in screen.text
    assert (screen.code, stored(database)) == (7, before)


def test_an_interrupted_merge_is_finished_by_the_same_command_or_undone(
    chatctl: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cascading_deletion, "MESSAGES_PER_BATCH", 5)
    monkeypatch.setattr(draft, "BATCH", 10)
    ada, ada2, *others = (person(database, name) for name in ("ada", "ada2", "grace", "alan"))
    place = conversation(database, ada2, *others, name="engines")
    messages(database, place, ada2, *map(str, range(20)), seen=(others[0],))
    before = stored(database)

    def interrupt(bar: WriteBar, documents: int, total: int) -> None:
        wrote(bar, documents, total)
        if database["Message"].find_one({"senderId": ada}):
            signal.raise_signal(signal.SIGINT)

    wrote, merge = WriteBar.wrote, ("users", "merge", "ada2", "--into", "ada", "--yes")
    for finish in ("undo", "again"):
        with monkeypatch.context() as patch:
            patch.setattr(WriteBar, "wrote", interrupt)
            chatctl(*merge, code=130)
        assert database["Message"].find_one({"senderId": ada2})
        links(database)
        if finish == "undo":
            [event] = json.loads(chatctl("audit", "list", "--limit", "1", "-o", "json").stdout)
            chatctl("audit", "undo", event["id"], "--yes")
            assert stored(database) == before
    chatctl(*merge)
    assert {one["senderId"] for one in database["Message"].find({}, ["senderId"])} == {ada}
    assert str(ada2) not in str(stored(database))
    links(database)


def test_a_merge_continues_if_the_application_deletes_the_conversation_that_stays(
    either: Chatctl, database: Documents, world: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_later(merge: Merge) -> Iterator[Batch]:
        database["Message"].delete_many({"conversationId": world["new"]})
        database["Conversation"].delete_one({"_id": world["new"]})
        database["User"].update_many({}, {"$pull": {"conversationIds": world["new"]}})
        return make_batches(merge)

    monkeypatch.setattr(import_module("actions.users.merging.merge"), "make_batches", make_later)
    either("users", "merge", "ada2", "--into", "ada", "--yes")
    there = {one["body"] for one in database["Message"].find({"conversationId": world["old"]})}
    assert there == {"two", "three"}
    assert not database["User"].find_one({"username": "ada2"})


@pytest.mark.parametrize("either", ["mongomock"], indirect=True)
@pytest.mark.parametrize("sender", ["ada2", "grace"])
def test_a_preview_says_that_a_hold_keeps_what_would_be_moved(
    either: Chatctl, database: Documents, sender: str
) -> None:
    ids = {name: person(database, name) for name in ("ada", "ada2", "alan", "grace")}
    for name in ("ada", "ada2"):
        conversation(database, ids[name], ids["alan"])
    held = conversation(database, ids["grace"], ids["alan"], name="engines")
    pair = database["Conversation"].find_one({"userIds": ids["ada2"]}) or {}
    # A user who has left a conversation is still the sender of messages in this conversation.
    [message] = messages(database, held if sender == "ada2" else pair["_id"], ids[sender], "hello")
    hold = ("holds", "add", "case-1", "--user", "grace", "--reason", "law")
    merge = ("users", "merge", "ada2", "--into", "ada", "--dry-run")
    either(*merge)
    either(*hold)
    assert f"message {message} is kept by the hold case-1\n" in either(*merge, code=7).stderr


@pytest.mark.parametrize("either", ["mongomock"], indirect=True)
def test_a_preview_says_that_a_hold_keeps_the_participants_of_a_group(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    database["Conversation"].delete_many({"isGroup": {"$ne": True}})
    either("holds", "add", "case-1", "--user", "alan", "--reason", "law")
    refused = either("users", "merge", "ada2", "--into", "ada", "--dry-run", code=7)
    assert "conversation engines is kept by the hold case-1\n" in refused.stderr


def test_a_saved_plan_of_a_merge_is_carried_out_and_undone(either: Chatctl, database: Documents, world: Ids) -> None:
    database["User"].update_one({"_id": world["ada2"]}, {"$unset": {"hashedPassword": 1, "status": 1}})
    role = database["Role"].find_one({"name": "admin"}) or {}
    database[STATE].insert_one({"_id": PROTECTED, "ids": [role["_id"]]})
    before = stored(database)
    either("users", "merge", "ada2", "--into", "ada", "--allow-last-member", "--save-plan", "plan.json")
    added = database["Account"].insert_one({"userId": world["ada2"], "provider": "x", "providerAccountId": "1"})
    refused = either("apply", "plan.json", "--yes", code=4)
    assert f"user {world['ada2']} got a new account\n" in refused.stderr
    database["Account"].delete_one({"_id": added.inserted_id})
    event = either("apply", "plan.json", "--yes").stderr.split()[-1]
    assert str(world["ada2"]) not in str(stored(database))
    links(database)
    either("audit", "undo", event, "--yes", "--allow-lockout")
    assert stored(database) == before


@pytest.mark.parametrize("either", ["mongomock"], indirect=True)
def test_the_preview_counts_conversations_and_names_all_that_is_lost(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    ada3 = person(database, "ada3", hashedPassword=b"$2b$12$")
    database["Profile"].insert_one({"userId": ada3, "bio": "writer", "shelf\x1b": 3})
    conversation(database, ada3, world["ada2"])
    group = conversation(database, ada3, world["ada"], world["alan"], name="reduced")
    database["Conversation"].update_one({"_id": group}, {"$unset": {"name": 1}})
    database["User"].update_one({"_id": world["ada2"]}, {"$unset": {"hashedPassword": 1}})
    said = either("users", "merge", "ada2", "ada3", "--into", "ada", "--dry-run").stderr.splitlines()
    assert "Deleted: 2 conversations of these users with each other (1 message)" in said
    assert "Removed fields that are not in the schema: bio, shelf\\x1b" in said
    assert f"{group} will have only two people." in said
    assert not [line for line in said if line.startswith("password")]  # a value that is not a text is not a password


def test_references_stored_as_text_are_moved_too(either: Chatctl, database: Documents, world: Ids) -> None:
    old: dict[str, Any] = {"senderId": world["ada2"]}
    database["Message"].update_many(old, {"$set": {"senderId": str(world["ada2"])}})
    database["Account"].update_many({"userId": world["ada2"]}, {"$set": {"userId": str(world["ada2"])}})
    before = stored(database)
    event = either("users", "merge", "ada2", "--into", "ada", "--yes").stderr.split()[-1]
    assert str(world["ada2"]) not in str(stored(database))
    assert database["Message"].count_documents({"senderId": world["ada"]}) == 3
    either("audit", "undo", event, "--yes", "--allow-lockout")
    assert stored(database) == before


def test_an_erasure_also_removes_data_of_merged_users_from_the_audit_trail(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    either("users", "update", "ada2", "--name", "Countess of Lovelace")
    either("users", "merge", "ada2", "--into", "alan", "--yes", "--reason", "ada2 is alan")
    either("users", "erase", "grace", "--yes")  # Grace only had a conversation with each of Ada's two users
    assert "Countess" in str(list(database["chatctl_audit"].find()))
    event = either("users", "merge", "alan", "--into", "ada", "--yes").stderr.split()[-1]
    either("users", "erase", "ada", "--yes")
    left = str([list(database[name].find()) for name in database.list_collection_names()])
    for said in ("ada2", "Countess", "alan@example.org", "+44", "Pier 7", HASH):
        assert said not in left
    either("audit", "undo", event, "--yes", code=7)


def test_an_erasure_keeps_the_trail_of_a_user_whose_merge_is_undone(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    event = either("users", "merge", "ada2", "--into", "ada", "--yes").stderr.split()[-1]
    either("audit", "undo", event, "--yes", "--allow-lockout")
    suspended = either("users", "update", "ada2", "--name", "Grace").stderr.split()[-1]
    either("users", "erase", "ada", "--yes")
    assert "ada2" in either("audit", "show", suspended).stdout
