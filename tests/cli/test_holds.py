"""Legal holds: what they keep, what commands do with held data, and how held data is checked and exported."""

import hashlib
import json
import re
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typed
from bson import ObjectId
from engines import undone
from people import BEGAN, Documents, conversation, messages, minute_after, person

from actions import cascading_deletion
from changes import applying, draft, events
from tests.cli.conftest import PROGRAM
from tests.conftest import Chatctl

MESSAGE = str(typed.MESSAGE)
LATER = "2999-01-01"
REFUSED = {
    "users unlink": "account",
    "users delete": "user",
    "users merge": "user",
    "users erase": "user",
    "conversations remove": "conversation Night shift",
    "conversations delete": "message",
    "messages redact": "message",
    "messages delete": "message",
}
"""Command that would lose held data → the held document that its error names."""
MORE = {
    "users delete": (("ada", "--forever"), ("bob", "--keep-conversations")),
    "users erase": (("ada", "--with-messages"),),
    "conversations delete": (("Night shift", "--forever"),),
    "messages redact": ((MESSAGE, "--forever", "--text", "gone"),),
    "messages delete": ((MESSAGE, "--forever"),),
    "messages purge": (("--before", LATER, "--forever"), ("--before", LATER, "--sender", "ada")),
    "db repair": (
        ("--rule", "dangling-link"),
        ("--rule", "one-sided-link", "--drop"),
        ("--rule", "missing-parent", "--delete"),
        ("--rule", "second-profile", "--delete"),
    ),
}
LINES = [
    *(
        pytest.param(words, line, id=words)
        for words, line in typed.WRITES.items()
        if words not in {"db generate", "db indexes"}
    ),
    *(pytest.param(words, line, id=f"{words} {' '.join(line)}") for words, lines in MORE.items() for line in lines),
]


def held(database: Documents) -> dict[str, Any]:
    """Return all data that a hold on all users must keep, to compare it before and after a command."""
    found: dict[str, Any] = {name: set(database[name].distinct("_id")) for name in ("User", "Account", "Profile")}
    found["Message"] = {
        one["_id"]: (one.get("body"), one.get("image"), one["senderId"], one["conversationId"])
        for one in database["Message"].find()
    }
    found["Conversation"] = {one["_id"]: set(one["userIds"]) for one in database["Conversation"].find()}
    found["secrets"] = {one["_id"]: (one["username"], one["email"]) for one in database["User"].find()}
    return found


def lost(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of the collections that have lost data. New documents and new participants are allowed."""
    gone = [name for name in ("User", "Account", "Profile") if not before[name] <= after[name]]
    gone += [name for name in ("Message",) if not before[name].items() <= after[name].items()]
    places = before["Conversation"].items()
    return gone + ["Conversation" for key, people in places if not people <= after["Conversation"].get(key, set())]


def settle(database: Documents, workspace: Path) -> None:
    """Insert the data of `typed.settle`, and faults that `db repair` would repair by deleting data."""
    typed.settle(database)
    typed.lay_out(workspace)
    [place] = database["Conversation"].distinct("_id")
    gone = ObjectId()
    database["Conversation"].update_one({"_id": place}, {"$push": {"userIds": gone}})
    database["Message"].insert_one(
        {"_id": ObjectId(), "body": "?", "createAt": BEGAN, "seenIds": [], "conversationId": place, "senderId": gone}
    )
    database["Profile"].insert_many([{"userId": typed.ADA, "phoneNumber": number} for number in "12"])


@pytest.mark.parametrize(("words", "line"), LINES)
def test_no_command_loses_data_under_a_legal_hold(
    either: Chatctl, database: Documents, workspace: Path, words: str, line: tuple[str, ...]
) -> None:
    settle(database, workspace)
    either("holds", "add", "all", *["--user", "ada", "--user", "bob", "--user", "cyd", "--reason", "law"])
    before = held(database)
    for way in ("--dry-run", "--yes"):
        done = either(*words.split(), *line, way, code=7 if words in REFUSED else 0)
        if words in REFUSED:
            assert f"error: {REFUSED[words]}" in done.stderr
            assert "is kept by the hold all\nhint: see chatctl holds show all\n" in done.stderr
    after = held(database)
    assert lost(before, after) == []
    if words != "users update":
        assert before["secrets"].items() <= after["secrets"].items()
    assert either("holds", "check").code == 0


def test_every_refused_command_works_after_the_release(either: Chatctl, database: Documents, workspace: Path) -> None:
    typed.settle(database)
    either("holds", "add", "all", "--user", "ada", "--reason", "law")
    either("messages", "delete", MESSAGE, "--yes", code=7)
    released = either("holds", "release", "all", "--reason", "closed", "--yes")
    assert released.stdout == "all: released\n"
    assert either("holds", "release", "all", "--yes").stdout == "all: unchanged (already released)\n"
    undone(either, released)
    either("messages", "delete", MESSAGE, "--yes", code=7)
    either("holds", "release", "all", "--yes")
    either("messages", "delete", MESSAGE, "--yes")


@pytest.fixture
def world(either: Chatctl, database: Documents) -> dict[str, ObjectId]:
    """Insert a held user with a conversation, and messages of other users in this and in another conversation."""
    ids = {name: person(database, name) for name in ("ada", "bob", "cyd")}
    ids["pair"] = conversation(database, ids["ada"], ids["bob"])
    ids["group"] = conversation(database, ids["bob"], ids["cyd"], name="engines")
    messages(database, ids["pair"], ids["bob"], "b1", "b2")
    messages(database, ids["group"], ids["bob"], "b3", "b4", "b5", after=10)
    ids["foreign"] = messages(database, ids["group"], ids["ada"], "a1", after=20)[0]
    either("holds", "add", "case-1", "--user", "ada", "--reason", "law")
    return ids


def bodies(database: Documents) -> str:
    return " ".join(sorted(one["body"] for one in database["Message"].find()))


def test_a_purge_skips_held_messages_and_counts_them(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    purge = ("messages", "purge", "--before", LATER)
    told = "3 messages are kept by the hold case-1: chatctl holds show case-1\n"
    assert told in either(*purge, "-n").stderr
    outcome = json.loads(either(*purge, "-n", "-o", "json").stdout)
    assert outcome["results"][-1] == {
        "id": None,
        "ref": "held messages",
        "outcome": "passed-over",
        "message": told[:-1],
        "documents": 3,
    }
    done = either(*purge, "--yes")
    assert done.stdout == "engines: purged (3 messages)\n"
    assert told in done.stderr
    assert bodies(database) == "a1 b1 b2"
    again = either(*purge, "--yes")
    assert (again.stdout, again.stderr) == ("", f"{told}nothing to do\n")


@pytest.mark.usefixtures("world")
def test_held_messages_count_for_keep_last_in_a_purge(either: Chatctl, database: Documents) -> None:
    either("messages", "purge", "--before", LATER, "--keep-last", "2", "--yes")
    assert bodies(database) == "a1 b1 b2 b5"


def test_audit_prune_skips_events_about_held_data(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    either("users", "update", "cyd", "--name", "Cyd")
    either("users", "update", "bob", "--name", "Bob")
    either("users", "update", "ada", "--name", "Ada")
    either("messages", "send", "--conversation", "engines", "--from", "bob", "--body", "not held")
    either("messages", "send", "--conversation", str(world["pair"]), "--from", "bob", "--body", "held")
    done = either("audit", "prune", "--before", LATER, "--yes")
    assert "3 events are kept by the hold case-1: chatctl holds show case-1\n" in done.stderr
    left = json.loads(either("audit", "list", "--sort", "id", "-o", "json").stdout)
    assert [row["command"].split(" --")[0] for row in left] == [
        "holds add case-1",
        "users update ada",
        "messages send",
        "audit prune",
    ]


def test_a_repair_skips_faults_of_held_data_and_counts_them(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    for name in ("pair", "group"):
        database["Conversation"].update_one({"_id": world[name]}, {"$push": {"userIds": ObjectId()}})
    done = either("db", "repair", "--rule", "dangling-link", "--yes")
    assert done.stdout == "dangling-link: repaired (1 fault)\n"
    assert "1 fault is kept by the hold case-1: chatctl holds show case-1\n" in done.stderr
    sizes = {one["_id"]: len(one["userIds"]) for one in database["Conversation"].find()}
    assert sizes == {world["pair"]: 3, world["group"]: 2}


def test_a_held_conversation_keeps_its_participants_and_can_get_new_ones(
    either: Chatctl, world: dict[str, ObjectId], database: Documents
) -> None:
    refused = either("users", "delete", "bob", "--yes", code=7).stderr
    assert "is kept by the hold case-1" in refused
    either("holds", "add", "case-2", "--conversation", "engines", "--reason", "law")
    either("conversations", "add", "engines", "ada")
    assert "kept by the hold case-2" in either("conversations", "remove", "engines", "cyd", "--yes", code=7).stderr
    either("conversations", "rename", "engines", "turbines")


def test_an_undo_restores_held_data_but_never_deletes_it(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    either("holds", "release", "case-1", "--yes")
    redacted = either("messages", "redact", str(world["foreign"]), "--text", "x", "--yes").stderr.split()[-1]
    sent = either("messages", "send", "--conversation", str(world["pair"]), "--from", "bob", "--body", "b9")
    either("holds", "add", "case-2", "--user", "ada", "--reason", "law")
    assert "kept by the hold case-2" in either("audit", "undo", sent.stderr.split()[-1], "--yes", code=7).stderr
    restored = either("audit", "undo", redacted, "--yes").stderr.split()[-1]
    assert bodies(database) == "a1 b1 b2 b3 b4 b5 b9"
    assert "kept by the hold case-2" in either("audit", "undo", restored, "--yes", code=7).stderr


def test_a_conversation_with_a_one_sided_link_to_a_held_user_is_held_too(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    ada, bob = world["ada"], world["bob"]
    left, listed = (conversation(database, ada, bob, name=name) for name in ("left", "listed"))
    messages(database, left, bob, "c1")
    messages(database, listed, bob, "c2")
    database["User"].update_one({"_id": ada}, {"$pull": {"conversationIds": left}})
    database["Conversation"].update_one({"_id": listed}, {"$pull": {"userIds": ada}})
    either("conversations", "remove", "listed", "ada", "--yes", code=7)
    repaired = either("db", "repair", "--rule", "one-sided-link", "--drop", "--yes").stderr
    assert "2 faults are kept by the hold case-1" in repaired
    either("messages", "purge", "--before", LATER, "--yes")
    assert bodies(database) == "a1 b1 b2 c1 c2"
    for name in ("left", "listed"):
        either("conversations", "delete", name, "--yes", code=7)


def test_the_undo_of_a_merge_takes_no_sign_in_from_a_held_user(either: Chatctl, database: Documents) -> None:
    bob = person(database, "bob")
    person(database, "cyd")
    account = {"userId": bob, "type": "oauth", "provider": "github", "providerAccountId": "1"}
    database["Account"].insert_one(account)
    merged = either("users", "merge", "bob", "--into", "cyd", "--yes").stderr.split()[-1]
    either("holds", "add", "case-1", "--user", "cyd", "--reason", "law")
    assert "kept by the hold case-1" in either("audit", "undo", merged, "--yes", code=7).stderr


def test_a_second_hold_never_gets_the_same_name(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    add = ("holds", "add", "x", "--reason", "law", "--user")
    for user in ("bob", "cyd"):
        either(*add, user, "--save-plan", f"{user}.json")
    undo = either("audit", "undo", either(*add, "bob").stderr.split()[-1], "--yes").stderr.split()[-1]
    either("apply", "cyd.json", "--yes")
    for line in (("apply", "bob.json", "--yes"), ("audit", "undo", undo, "--yes")):
        assert "the hold x already exists\n" in either(*line, code=4).stderr
    assert either("holds", "list", "--count").stdout == "2\n"


def test_erasing_a_person_keeps_the_images_of_held_documents(either: Chatctl, database: Documents) -> None:
    """The images of an event lose only the data of the erased person. The event can no longer be undone."""
    ada, bob, _ = (person(database, name, name=f"{name} X") for name in ("ada", "bob", "cyd"))
    shared, alone = (
        json.loads(either("users", "suspend", *names, "--yes", "-o", "json").stdout)["event"]
        for names in (("ada", "bob"), ("cyd",))
    )
    merged = json.loads(either("users", "merge", "cyd", "--into", "bob", "--yes", "-o", "json").stdout)["event"]
    either("holds", "add", "case-1", "--user", "ada", "--reason", "a letter")
    for _ in range(2):
        said = either("users", "erase", f"id:{bob}", "--yes")
        kept = [change for batch in events.read(database, ObjectId(shared)) for change in batch]
        assert [(change.collection, change.ids) for change in kept] == [("User", (ada,))]
    assert "unchanged" in said.stdout
    assert database["chatctl_images"].count_documents({"event": {"$in": [ObjectId(alone), ObjectId(merged)]}}) == 0
    assert "a user whom it changed has been erased" in either("audit", "undo", shared, "--yes", code=7).stderr
    assert b"bob" not in b"".join(one["data"] for one in database["chatctl_images"].find())


def test_a_person_without_a_hold_can_be_erased(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    either("users", "erase", "cyd", "--yes")
    either("users", "erase", "bob", "--with-messages", "--yes", code=7)
    either("users", "erase", "bob", "--yes")
    assert bodies(database) == "a1 b1 b2 b3 b4 b5"


def test_adding_a_hold_requires_a_reason_a_new_name_and_something_to_hold(
    either: Chatctl, world: dict[str, ObjectId]
) -> None:
    assert "requires a reason" in either("holds", "add", "x", "--user", "bob", code=2).stderr
    assert "requires a user or a conversation" in either("holds", "add", "x", "--reason", "y", code=2).stderr
    assert "is not a valid name" in either("holds", "add", "x y", "--user", "bob", "--reason", "y", code=5).stderr
    either("holds", "add", "case-1", "--user", "bob", "--reason", "y", code=4)
    either("holds", "add", "x", "--user", "nobody", "--reason", "y", code=3)
    assert 'did you mean "case-1"' in either("holds", "show", "case1", code=3).stderr
    added = either("holds", "add", "x", "--user", "bob", "--reason", "y")
    assert added.stdout == "x: held (1 user, 2 conversations, 6 messages)\n"
    undone(either, added)
    either("holds", "show", "x", code=3)


@pytest.mark.usefixtures("world")
def test_a_list_has_the_holds_with_who_placed_them_and_why(either: Chatctl) -> None:
    [row] = json.loads(either("holds", "list", "-o", "json").stdout)
    shown = json.loads(either("holds", "show", "case-1", "-o", "json").stdout)
    assert (row["name"], row["state"], row["users"], row["conversations"]) == ("case-1", "active", 1, 0)
    assert (row["reason"], row["released"]) == ("law", None)
    assert [one["username"] for one in shown["users"]] == ["ada"]
    kept = {one["collection"]: one["documents"] for one in shown["kept"]}
    assert kept == {"User": 1, "Account": 0, "Profile": 0, "Conversation": 1, "Message": 3}
    assert either("holds", "list", "--count").stdout == "1\n"


def test_a_check_finds_what_the_application_has_deleted(
    either: Chatctl, database: Documents, world: dict[str, ObjectId]
) -> None:
    assert either("holds", "check").stderr == ""
    messages(database, world["pair"], world["bob"], "new", after=30)
    database["Message"].delete_one({"_id": world["foreign"]})
    done = either("holds", "check", "case-1", "-o", "json", code=1)
    rows = {row["collection"]: (row["placed"], row["now"], row["gone"]) for row in json.loads(done.stdout)}
    assert rows["Message"] == (3, 3, 1)
    assert rows["User"] == (1, 1, 0)
    assert str(world["foreign"]) in done.stdout
    either("holds", "release", "case-1", "--yes")
    assert either("holds", "check").stdout == ""


def test_an_export_has_all_held_data_and_checksums_of_its_files(
    either: Chatctl, database: Documents, world: dict[str, ObjectId], workspace: Path
) -> None:
    either("users", "update", "ada", "--name", "<b>Ada</b>")
    done = either("holds", "export", "case-1", "--to", "case.zip")
    assert done.stdout == "case-1: 1 user, 1 conversation, 3 messages, 2 events, written to case.zip\n"
    assert (workspace / "case.zip").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(workspace / "case.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    assert {one["name"]: one["sha256"] for one in manifest["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "manifest.json"
    }
    said = [json.loads(line) for line in files["messages.ndjson"].splitlines()]
    assert sorted(one["body"] for one in said) == ["a1", "b1", "b2"]
    page, other = (files[f"conversations/{world[name]}.html"].decode() for name in ("pair", "group"))
    assert [re.findall(r">([ab]\d)<", text) for text in (page, other)] == [["b1", "b2"], ["a1"]]
    assert "&lt;b&gt;Ada&lt;/b&gt;" in files["index.html"].decode()
    assert [json.loads(line)["command"] for line in files["events.ndjson"].splitlines()] == [
        "holds add case-1 --user ada",
        "users update ada",
    ]
    assert "hashedPassword" not in files["users.json"].decode()
    either("holds", "export", "case-1", "--to", "case.zip", code=4)


def test_a_hold_that_is_placed_during_a_purge_keeps_whole_batches(
    chatctl: Chatctl, database: Documents, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process places the hold at a random time while batches are written."""
    ada, bob = person(database, "ada"), person(database, "bob")
    engines, other = (conversation(database, ada, bob, name=name) for name in ("engines", "other"))
    messages(database, engines, ada, *map(str, range(500)))
    messages(database, other, ada, *map(str, range(60)))
    monkeypatch.setattr(cascading_deletion, "MESSAGES_PER_BATCH", 20)
    monkeypatch.setattr(draft, "BATCH", 30)
    add = [str(PROGRAM), *["holds", "add", "case-1", "--conversation", "engines", "--reason", "law", "--url"], url]
    started: list[subprocess.Popen[str]] = []
    wrote = applying._Work._wrote

    def slowly(work: Any, *made: Any) -> None:
        wrote(work, *made)
        if not started:
            started.append(subprocess.Popen(add, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE))  # noqa: S603
        if work._batches > 20:
            started[0].wait()
        time.sleep(0.02)

    monkeypatch.setattr(applying._Work, "_wrote", slowly)
    done = chatctl("messages", "purge", "--before", LATER, "--yes")
    said, problem = started[0].communicate(timeout=60)
    assert started[0].returncode == 0, problem
    kept = int(re.search(r"(\d+) messages\)", said)[1])  # type: ignore[index]
    assert 0 < kept < 500
    assert database["Message"].count_documents({"conversationId": engines}) == kept
    assert database["Message"].count_documents({"conversationId": other}) == 0
    assert sorted(done.stdout.splitlines()) == [
        f"engines: purged ({500 - kept} messages)",
        "other: purged (60 messages)",
    ]
    assert f"{kept} messages are kept by the hold case-1" in done.stderr
    chatctl("holds", "check")
    assert kept % 20 == 0


def test_a_deletion_that_a_hold_stops_says_what_is_saved(
    chatctl: Chatctl, database: Documents, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = person(database, "ada"), person(database, "bob")
    place = conversation(database, ada, bob, name="engines")
    messages(database, place, ada, *map(str, range(60)))
    monkeypatch.setattr(cascading_deletion, "MESSAGES_PER_BATCH", 20)
    monkeypatch.setattr(draft, "BATCH", 30)
    wrote = applying._Work._wrote

    def held_after_the_first(work: Any, *made: Any) -> None:
        wrote(work, *made)
        if work._batches == 1:
            hold = {"_id": ObjectId(), "kind": "hold", "name": "case-1", "placed": minute_after(1)}
            database["chatctl_holds"].insert_one({**hold, "users": [], "conversations": [place]})
            part = {"kind": "part", "hold": hold["_id"], "collection": "Conversation", "ids": [place]}
            database["chatctl_holds"].insert_one(part)

    monkeypatch.setattr(applying._Work, "_wrote", held_after_the_first)
    stopped = chatctl("conversations", "delete", "engines", "--yes", code=7).stderr
    assert "is kept by the hold case-1" in stopped
    assert "Earlier changes are saved: chatctl audit show" in stopped
    event = json.loads(chatctl("audit", "list", "-o", "json", "--limit", "1").stdout)[0]
    assert event["state"] == "interrupted"
    monkeypatch.undo()
