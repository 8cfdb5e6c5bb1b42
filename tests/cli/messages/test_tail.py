"""`messages tail` on servers with change streams."""

import signal
import subprocess
from pathlib import Path
from queue import Empty
from typing import Any

import odd
import pymongo
import pytest
from bson import ObjectId
from people import BEGAN, conversation, messages, person

from actions.messages.changing import REMOVED
from cli.output.masking import MASKED
from tests.cli.conftest import PROGRAM, Process
from tests.cli.messages.conftest import Documents, Following, Tail
from tests.cli.test_odd_values import ACTS
from tests.conftest import Chatctl, start_server

Lunch = dict[str, Any]


def test_a_message_is_printed_as_soon_as_it_is_sent(following: Following, database: Documents, lunch: Lunch) -> None:
    tail = following()
    messages(database, lunch["group"], lunch["ada"], "sent \x1b[31m\nred [b]\u202e")
    assert tail.line() == "2026-01-01 00:01Z  sent      Lunch  ada: sent \\x1b[31m\\nred [b]\\u202e"
    [identifier] = messages(database, lunch["direct"], lunch["bob"], "direct")
    assert tail.line() == "2026-01-01 00:01Z  sent      ada, bob  bob: direct"
    database["Message"].update_one({"_id": identifier}, {"$set": {"image": "https://a.b/c.png"}})
    assert tail.line() == "2026-01-01 00:01Z  changed   ada, bob  bob: direct  https://a.b/c.png"
    database["Message"].update_one({"_id": identifier}, {"$set": {"body": REMOVED}, "$unset": {"image": ""}})
    assert tail.line() == f"2026-01-01 00:01Z  redacted  ada, bob  bob: {REMOVED}"
    database["Message"].delete_many({"_id": {"$in": [identifier, lunch["old"][0]]}})
    gone = {tail.line(), tail.line()}
    assert gone == {
        f"                   deleted   ada, bob  bob: message {identifier}",
        f"                   deleted   Lunch  ada: message {lunch['old'][0]}",
    }
    assert tail.end() == (130, [])


def test_a_printed_event_is_the_message_and_what_happened_to_it(
    following: Following, database: Documents, lunch: Lunch
) -> None:
    tail = following("-o", "ndjson")
    [identifier] = messages(database, lunch["group"], lunch["ada"], "hello")
    ada, bob = ({"id": str(lunch[name]), "username": name} for name in ("ada", "bob"))
    where = {
        "sender": ada,
        "conversation": {"id": str(lunch["group"]), "title": "Lunch"},
        "conversationId": str(lunch["group"]),
        "senderId": str(lunch["ada"]),
    }
    text = {"createAt": "2026-01-01T00:01:00.000Z", "body": "hello", "image": None, "seen": [ada], "unseen": [bob]}
    assert tail.event() == {"id": str(identifier), **where, **text, "event": "sent"}
    database["Message"].delete_one({"_id": identifier})
    assert tail.event() == {"id": str(identifier), **where, **dict.fromkeys(text), "event": "deleted"}
    assert tail.end(signal.SIGTERM) == (143, ["error: terminated"])


def test_new_messages_are_masked_in_a_masked_database(
    chatctl: Chatctl, environment: dict[str, str], database: Documents, lunch: Lunch
) -> None:
    chatctl("db", "protect", "prod", "--mask-bodies")
    tail = Tail((), environment)
    try:
        assert tail.line("stderr") == MASKED
        while not tail.seen():
            messages(database, lunch["group"], lunch["ada"], "the kettle")
        assert tail.line().endswith("  sent      Lunch  ada: (10 characters)")
    finally:
        tail.close()


@pytest.mark.parametrize("options", [(), ("-o", "ndjson")])
def test_messages_with_values_of_any_type_are_followed(
    following: Following, database: Documents, lunch: Lunch, server: str, options: tuple[str, ...]
) -> None:
    ordinary = {"body": "hello", "createAt": BEGAN, "conversationId": lunch["group"], "senderId": lunch["ada"]}
    with odd.proxy(server) as address:
        url = f"mongodb://{address}/{database.name}?directConnection=true"
        tail = following(*options, env={"MONGODB_DATABASE_URL": url})
        for kind, value in odd.VALUES.items():
            ids = [] if kind in odd.UNSTORABLE_AS_ID else ["_id"]
            for field in (*ordinary, "image", "seenIds", "extra", *ids):
                document = {"_id": ObjectId(), **ordinary, field: value}
                database["Message"].insert_one(document)
                assert not ACTS.search(line := tail.line()), (kind, field)
                assert "sent" in line
                database["Message"].delete_one({"_id": {"$eq": document["_id"]}})
                assert not ACTS.search(line := tail.line()), (kind, field)
                assert "deleted" in line
        assert tail.end() == (130, [])


def test_reading_a_message_is_not_shown_as_an_event(following: Following, database: Documents, lunch: Lunch) -> None:
    tail = following("-o", "ndjson")
    database["Message"].update_one({"_id": lunch["old"][0]}, {"$push": {"seenIds": lunch["bob"]}})
    database["Message"].update_one({"_id": lunch["old"][0]}, {"$set": {"createAt": BEGAN}})
    messages(database, lunch["group"], lunch["ada"], "next")
    assert tail.event()["body"] == "next"


def test_only_messages_that_match_the_filters_are_shown(
    following: Following, database: Documents, lunch: Lunch
) -> None:
    tail = following("--conversation", "Lunch", "--sender", "ada", "-o", "ndjson")
    [other] = messages(database, lunch["direct"], lunch["ada"], "elsewhere")
    [bobs] = messages(database, lunch["group"], lunch["bob"], "of another")
    database["Message"].update_one({"_id": other}, {"$set": {"body": "changed"}})
    database["Message"].delete_many({"_id": {"$in": [other, bobs]}})
    database["Message"].delete_one({"_id": lunch["old"][1]})
    gone = tail.event()
    assert (gone["id"], gone["event"], gone["sender"]["username"]) == (str(lunch["old"][1]), "deleted", "ada")
    text = {"conversationId": str(lunch["group"]), "senderId": str(lunch["ada"])}
    database["Message"].insert_one({"_id": ObjectId(), "body": "ids as text", "seenIds": None, **text})
    assert tail.event()["body"] == "ids as text"


def test_broken_messages_are_shown_too(following: Following, database: Documents) -> None:
    tail = following()
    identifier, user = ObjectId(), ObjectId()
    database["Message"].insert_one({"_id": identifier, "body": 7, "senderId": user, "conversationId": None})
    assert tail.line() == f"                   sent      deleted conversation  deleted user {user}: 7"
    database["Message"].insert_one({"_id": "x"})
    assert "unknown author" in tail.line()
    with database.client.start_session() as session, session.start_transaction():
        database["Message"].insert_one({"_id": identifier.__class__(), "body": "short"}, session=session)
        database["Message"].update_one({"body": "short"}, {"$set": {"body": "shorter"}}, session=session)
        database["Message"].delete_one({"body": "shorter"}, session=session)
    assert [tail.line().split()[0], tail.line().split()[0]] == ["sent", "deleted"]
    assert tail.rest("stderr") == []


def test_users_created_after_the_start_are_named(following: Following, database: Documents) -> None:
    tail = following()
    eve = person(database, "eve")
    messages(database, conversation(database, eve, name="New"), eve, "hi")
    assert tail.line() == "2026-01-01 00:01Z  sent      New  eve: hi"


def test_following_continues_after_the_collection_was_recreated(
    following: Following, database: Documents, lunch: Lunch
) -> None:
    tail = following()
    database.drop_collection("Message")
    assert tail.line("stderr").startswith("the collection was dropped or renamed")
    messages(database, lunch["group"], lunch["ada"], "again")
    assert tail.line().endswith("Lunch  ada: again")


def test_invalid_input_is_refused_before_anything_is_shown(process: Process, database: Documents) -> None:
    done = process("messages", "tail", "--conversation", "Nowhere")
    assert (done.returncode, done.stdout) == (3, b"")
    assert process("messages", "tail", "--sender", "nobody").returncode == 3
    assert process("messages", "tail", "-o", "csv").returncode == 2
    nowhere = {"MONGODB_DATABASE_URL": "mongodb://127.0.0.1:1/shop"}
    done = process("messages", "tail", env=nowhere)
    assert (done.returncode, done.stdout) == (6, b"")
    assert b"no server answers at 127.0.0.1:1" in done.stderr


def test_a_closed_pipe_ends_following_quietly(
    environment: dict[str, str], following: Following, database: Documents, lunch: Lunch
) -> None:
    tail = following()
    head = subprocess.Popen(  # noqa: S603
        ["bash", "-c", f"set -o pipefail; {PROGRAM} messages tail -o ndjson | head -1"],  # noqa: S607
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while head.poll() is None:
        messages(database, lunch["group"], lunch["ada"], "hello")
        tail.line()
    out, said = head.communicate()
    assert (head.returncode, out.count(b"\n"), said) == (141, 1, b"")


@pytest.mark.timeout(120)
def test_after_a_lost_connection_the_missed_messages_are_shown(
    following: Following, lunch: Lunch, database: Documents, tmp_path: Path
) -> None:
    server, address = start_server(tmp_path, "--sync-on-commit")
    try:
        with pymongo.MongoClient[dict[str, Any]](f"mongodb://{address}/", tz_aware=True) as client:
            for name in ("User", "Conversation"):
                client["shop"][name].insert_many(database[name].find())
            tail = following(env={"MONGODB_DATABASE_URL": f"mongodb://{address}/shop"}, into=client["shop"])
            server.kill()
            server.wait()
            assert tail.line("stderr") == "connection lost, trying again"
            with pytest.raises(Empty):
                tail.line("stderr", patience=2)
            server, address = start_server(tmp_path, "--sync-on-commit", port=int(address.rpartition(":")[2]))
            messages(client["shop"], lunch["group"], lunch["ada"], "meanwhile")
            assert tail.line("stderr") == "connected again"
            assert tail.line().endswith("Lunch  ada: meanwhile")
            assert tail.end() == (130, [])
    finally:
        server.kill()
        server.wait()


def test_tail_polls_a_server_without_change_streams(
    following: Following, lunch: Lunch, database: Documents, tmp_path: Path, chatctl: Chatctl
) -> None:
    server, address = start_server(tmp_path, "--standalone")
    try:
        with pymongo.MongoClient[dict[str, Any]](
            f"mongodb://{address}/?directConnection=true", tz_aware=True
        ) as client:
            shop = client["shop"]
            for name in ("User", "Conversation"):
                shop[name].insert_many(database[name].find())
            url = f"mongodb://{address}/shop"
            tail = following("--sender", "ada", env={"MONGODB_DATABASE_URL": url}, into=shop)
            assert tail.line("stderr") == (
                "this server has no change streams: chatctl checks for new messages every second, "
                "and does not see redactions and deletions"
            )
            messages(shop, lunch["group"], lunch["bob"], "of another")
            late = ObjectId.from_datetime(ObjectId().generation_time.replace(year=2020))
            shop["Message"].insert_one({"_id": late, "body": "too late"})
            behind = ObjectId(f"{int(ObjectId().generation_time.timestamp()) - 50:08x}" + "0" * 16)
            message = {"body": "of a clock behind", "conversationId": lunch["group"], "senderId": lunch["ada"]}
            shop["Message"].insert_one({"_id": behind, **message})
            assert tail.line().endswith("Lunch  ada: of a clock behind")
            messages(shop, lunch["direct"], lunch["ada"], "direct")
            assert tail.line().endswith("ada, bob  ada: direct")
            assert tail.end() == (130, [])
    finally:
        server.kill()
        server.wait()
