"""A sharded cluster refuses some writes and indexes, and fails some queries while documents move between shards."""

from collections.abc import Iterator
from typing import Any

import mongos
import pymongo
import pytest
from engines import undone
from people import Documents, conversation, messages, person

from tests.conftest import Chatctl, named

HASHED = {"_id": "hashed"}


@pytest.fixture(scope="module")
def router(server: str) -> Iterator[str]:
    """Yield the URL of mongos, without the name of a database."""
    with mongos.started(server) as url:
        yield url


@pytest.fixture
def cluster(router: str, name: str, chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let `chatctl` use mongos. Return its URL, with the name of the database."""
    monkeypatch.setenv("MONGODB_DATABASE_URL", named(router, name))
    return named(router, name)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"update": "Message", "updates": [{"q": {"body": "x"}, "u": {"$set": {"body": "y"}}}]}, 61),
        ({"update": "Message", "updates": [{"q": {"_id": 1}, "u": {"$set": {"body": "y"}}, "upsert": True}]}, 61),
        ({"delete": "Message", "deletes": [{"q": {"body": "x"}, "limit": 1}]}, 61),
        ({"findAndModify": "Message", "query": {"_id": 1}, "update": {"$set": {"body": "y"}}}, 61),
        ({"update": "Message", "updates": [{"q": {"_id": 1}, "u": {"$set": {"conversationId": 2}}}]}, 31025),
        (
            {
                "update": "Message",
                "updates": [{"q": {"conversationId": 1}, "u": {"$set": {"conversationId": 2}}, "multi": True}],
            },
            72,
        ),
        (
            {
                "update": "Message",
                "updates": [{"q": {"conversationId": 1}, "u": {"$set": {"conversationId": 2}}}] * 2,
            },
            72,
        ),
        ({"createIndexes": "Message", "indexes": [{"key": {"body": 1}, "name": "x", "unique": True}]}, 67),
        ({"createIndexes": "Conversation", "indexes": [{"key": {"name": 1}, "name": "x", "unique": True}]}, 67),
        ({"aggregate": "User", "pipeline": [{"$out": "Message"}], "cursor": {}}, 28769),
        ({"replSetGetStatus": 1}, 59),
    ],
    ids=str,
)
def test_the_proxy_refuses_what_mongos_refuses(
    command: dict[str, Any], code: int, cluster: str, database: Documents
) -> None:
    database["Message"].insert_one({"_id": 1, "conversationId": 1, "body": "x"})
    with pymongo.MongoClient[dict[str, Any]](cluster) as client:
        reply = client.get_default_database().command(command, check=False)
    assert [reply.get("code"), *(error["code"] for error in reply.get("writeErrors", ()))][-1] == code
    assert database["Message"].find_one() == {"_id": 1, "conversationId": 1, "body": "x"}


@pytest.mark.parametrize(
    ("commands", "refused"),
    [
        ([{"insert": "Role", "documents": [{}]}, {"insert": "Message", "documents": [{}]}], True),
        ([{"insert": "Role", "documents": [{}]}], False),
        ([{"count": "Role"}], True),
        ([{"listCollections": 1}], True),
        ([{"createIndexes": "Role", "indexes": [{"key": {"x": 1}, "name": "x"}]}], True),
        ([{"distinct": "Role", "key": "name"}], False),
        ([{"distinct": "Message", "key": "body"}], True),
        ([{"aggregate": "Role", "pipeline": [{"$out": "x"}], "cursor": {}}], True),
    ],
    ids=str,
)
def test_the_proxy_refuses_in_a_transaction_what_mongos_refuses(
    commands: list[dict[str, Any]], refused: bool, cluster: str, database: Documents
) -> None:
    database["Role"].insert_one({})
    codes = []
    with pymongo.MongoClient[dict[str, Any]](cluster) as client, client.start_session() as session:
        session.start_transaction()
        for command in commands:
            reply = client.get_default_database().command(command, check=False, session=session)
            codes.append(reply.get("code"))
        session.abort_transaction()
    assert codes[-1] == (263 if refused else None)


def test_a_unique_index_that_the_shard_key_does_not_allow_is_named_and_the_others_are_created(
    cluster: str, router: str, name: str, chatctl: Chatctl, database: Documents
) -> None:
    mongos.shard(router, name, {"User": HASHED})
    done = chatctl("db", "indexes", "--apply", "--yes", code=8)
    why = "the shard key of the collection does not allow this unique index: see docs/scale.md"
    assert f"User_email_key ({why}), User_username_key ({why})" in done.stderr
    assert {"chatctl_created", "chatctl_status"} <= database["User"].index_information().keys()
    assert "Role_name_key" in database["Role"].index_information()


@pytest.mark.parametrize("key", [{"conversationId": 1}, {"conversationId": "hashed"}, {"conversationId": 1, "_id": 1}])
def test_a_repair_moves_messages_to_the_shards_of_their_conversations(
    *, key: mongos.Key, cluster: str, router: str, name: str, chatctl: Chatctl, database: Documents
) -> None:
    mongos.shard(router, name, {"Message": key})
    ada, bob = person(database, "ada"), person(database, "bob")
    place = conversation(database, ada, bob, name="tea")
    ids = messages(database, place, ada, "one", "two", "three")
    database["Message"].update_many({"_id": {"$in": ids[1:]}}, {"$set": {"conversationId": str(place)}})
    done = chatctl("db", "repair", "--rule", "string-id", "--yes")
    assert database["Message"].distinct("conversationId") == [place]
    undone(chatctl, done)
    assert database["Message"].count_documents({"conversationId": str(place)}) == 2


def test_a_change_that_the_shard_key_does_not_allow_is_explained(
    cluster: str, router: str, name: str, chatctl: Chatctl, database: Documents
) -> None:
    mongos.shard(router, name, {"Message": {"senderId": 1}})
    ada, _, cyd = (person(database, who) for who in ("ada", "bob", "cyd"))
    messages(database, conversation(database, ada, cyd, name="tea"), ada, "one", "two")
    refused = chatctl("users", "merge", "ada", "--into", "bob", "--yes", code=7)
    assert "does not allow this change, because of the shard key of a collection" in refused.stderr
    assert "docs/scale.md" in refused.stderr
    assert database["Message"].count_documents({"senderId": ada}) == 2


@pytest.fixture
def fail(router: str) -> Iterator[Any]:
    """Return a function that lets mongos fail commands: `fail("find", 43)`. `mode` says how often the command fails."""
    with pymongo.MongoClient[dict[str, Any]](router) as client:

        def fail(command: str, code: int, *labels: str, mode: dict[str, int] | str = "alwaysOn") -> None:
            data = {"failCommands": [command], "errorCode": code, "errorLabels": list(labels)}
            client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)

        yield fail
        client.admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.parametrize("command", ["insert", "update", "commitTransaction"])
def test_a_write_is_tried_again_if_documents_move_between_shards(
    command: str, cluster: str, chatctl: Chatctl, database: Documents, fail: Any
) -> None:
    person(database, "ada")
    chatctl("users", "update", "ada", "--name", "Ada", "--yes")
    fail(command, 13388, "TransientTransactionError", mode={"times": 1})
    chatctl("users", "suspend", "ada", "--yes")
    assert (database["User"].find_one() or {})["status"] == "SUSPENDED"
    assert database["chatctl_audit"].count_documents({"command": {"$regex": "suspend"}}) == 1


@pytest.mark.parametrize(
    ("line", "command", "code", "says"),
    [
        ("messages search x -o ndjson", "getMore", 43, "ended this query before all results were read"),
        ("messages list -o csv --limit 500", "getMore", 43, "ended this query before all results were read"),
        ("db check", "getMore", 43, "ended this query before all results were read"),
        ("users list", "find", 13388, "moves documents between shards at the moment"),
        ("users list", "find", 150, "moves documents between shards at the moment"),
    ],
)
def test_a_query_that_the_cluster_ends_is_explained(
    *,
    line: str,
    command: str,
    code: int,
    says: str,
    cluster: str,
    chatctl: Chatctl,
    database: Documents,
    fail: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = person(database, "ada")
    place = conversation(database, ada, person(database, "bob"), name="tea")
    messages(database, place, ada, *["x" * 10] * 300)
    monkeypatch.setattr("database.listing.BATCH", 100)
    monkeypatch.setattr("actions.database.checking.checking.BATCH", 100)
    fail(command, code)
    assert says in chatctl(*line.split(), code=6).stderr
