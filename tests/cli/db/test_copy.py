"""`db copy`: a copy has the same structure as its source, and contains no personal data."""

import json
import re
import string
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bcrypt
import bson
import pymongo
import pymongo.collection
import pytest
from bson import DatetimeMS, Int64, ObjectId
from hypothesis import given, settings, strategies
from people import BEGAN, SEVEN, Documents, conversation, links, messages, person
from pymongo.errors import BulkWriteError
from reads import Needs, heard
from sampled import add_context
from samples import permission, role

from actions.database.copying import copying as planning
from actions.database.copying.copying import Source
from actions.database.copying.made_up import MadeUp
from actions.database.server_roles import ADMIN
from changes import copying
from changes.trail_entries import lease_id
from database.decoding import AS_STORED
from tests.cli.conftest import Process
from tests.conftest import Chatctl, beside, start_server, with_options
from tests.odd import VALUES
from tests.planting import HASH

COPY = ("db", "copy", "--to", "copy", "--yes")
SECRETS = {
    "refresh_token": "refresh-7fQ2mZk0",
    "access_token": "access-9xLw3Vt1",
    "id_token": "idtoken-4cRb8Ns6",
    "session_state": "session-2jHd5Yp",
}
ID, TEXT_ID = ObjectId("650000000000000000000001"), "user/olga.sapozhnikova"
BODIES = (
    "Meet me at Rosenthaler Straße 38, third floor, at half past nine",
    "שלום, נתראה מחר בבוקר ליד התחנה המרכזית",
    "明日の会議は十時からです。資料を忘れないでください。",
    "Встретимся завтра возле памятника Пушкину",
    "call +49 151 2345 6789 or write to kyrielle.jacquemin@private-mail.org",
    "🏡🐕🚲🎻🧗🏽 👩‍💻🏳️‍🌈",
    "मेरा नाम कीरीएल है और मैं यहाँ रहती हूँ",
)


@pytest.fixture
def target(
    chatctl: Chatctl, url: str, server_client: pymongo.MongoClient[dict[str, Any]], name: str, workspace: Path
) -> Iterator[Documents]:
    """Yield the target database, and add the context `copy` for this database."""
    add_context(workspace, "copy", beside(url))
    yield server_client[f"{name}_other"]
    server_client.drop_database(f"{name}_other")


@pytest.fixture
def world(database: Documents) -> Documents:
    """Insert users and messages in many scripts, with personal data in every kind of field, also in unknown fields."""
    read = permission("user.read")
    support = role("support", permissionsIds=[read["_id"]])
    database["Permission"].insert_one({**read, "rolesIds": [support["_id"]]})
    database["Role"].insert_one(support | {"description": "Helps Kyrielle Jacquemin"})
    unknown = {"crm": {"tags": ["VIP Kyrielle"], "kyrielle.jacquemin@private-mail.org": {"lead": "Dr. Weißmüller"}}}
    unknown["crm"]["likes"] = {"takahashi_dai": 2, "Sapozhnikova": 3, "olga": 1, "u_650000000000000000000001": 1}
    more = {"homepage": "https://kyrielle.example.com/about-me?tel=4930123456", "taxNumber": 31415926535}
    ada = person(
        database,
        "kyrielle.jacquemin",
        _id=ID,
        email="Kyrielle.Jacquemin@private-mail.org",
        name="Kyrielle Jacquemin",
        roles=("support",),
        hashedPassword=HASH,
        lastLogin=BEGAN,
        **unknown,
        **more,
    )
    bob = person(database, "takahashi_dai", name="高橋 大輔", locationOfHome=[48.13715432, 11.57612345])
    olga = person(database, "sapozhnikova", _id=TEXT_ID, name="Ольга Сапожникова", backup="olga@private-mail.org")
    database["User"].update_one({"_id": TEXT_ID}, {"$set": {"status": "BANNED: harassed Takahashi"}})
    profile = {"phoneNumber": "+49 151 2345 6789", "address": "Rosenthaler Straße 38\n10178 Berlin"}
    database["Profile"].insert_one({"userId": ID, **profile, "imageUrl": "https://cdn.example.com/kyrielle.jpg"})
    account = {"type": "oauth", "provider": "google", "providerAccountId": "108204268033311374519"}
    database["Account"].insert_one({"userId": ID, **account, **SECRETS, "expires_at": Int64(1_770_000_000)})
    place = conversation(database, ada, bob, olga, name="Weißmüller family circle")
    messages(database, place, ada, *BODIES, seen=(bob,))
    database["Message"].update_many({}, {"$set": {"readBy": str(ID), "image": "https://cdn.example.com/7fQ2mZk0.jpg"}})
    return database


def texts(value: Any) -> Iterator[str]:
    """Yield all texts of more than five characters in a document. A shorter text can appear in a copy by chance."""
    if isinstance(value, dict):
        yield from (text for item in [*value, *value.values()] for text in texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in texts(item))
    elif isinstance(value, str) and len(value) > 5:
        yield value


def words_of(text: str) -> Iterator[str]:
    return (word for word in text.split() if len(word.strip(string.punctuation)) > 5)


PUBLIC = {"support", "user.read", "ACTIVE", "google", "locationOfHome"}


def everything(database: Documents) -> bytes:
    found = [one for name in database.list_collection_names() for one in database[name].find()]
    indexes = [database[name].index_information() for name in database.list_collection_names()]
    return b"".join(map(bson.encode, found)) + str(indexes).encode()


def test_a_copy_contains_no_personal_data(chatctl: Chatctl, world: Documents, target: Documents) -> None:
    said = chatctl(*COPY, "--reason", "for tests")
    kept = everything(target)
    fields = {field for name in SEVEN for one in world[name].find() for field in one} | {"crm", "tags", "lead", "likes"}
    secrets = {text for name in SEVEN for one in world[name].find() for text in texts(one)} - PUBLIC - fields
    assert len(secrets) > 30
    parts = {word for text in secrets for word in words_of(text)}
    found = {text for text in secrets | parts if text.encode() in kept or text.lower().encode() in kept}
    assert found == set()
    for private in (ID.binary, str(ID).encode(), b"31415926535", bson.encode({"": 31415926535})[6:14]):
        assert private not in kept
    assert said.stdout.splitlines()[2] == "users: copied (3)"
    [event] = target["chatctl_audit"].find({"kind": "event"})
    assert event["command"] == f"db copy --from {world.name} --anonymize"
    assert "create 7 messages" in event["summary"]
    assert set(target.list_collection_names()) == {*SEVEN, "chatctl_audit", "chatctl_images", "chatctl_state"}
    assert "chatctl_audit" not in world.list_collection_names()


def test_a_copy_has_the_same_types_lengths_and_links_as_its_source(
    chatctl: Chatctl, world: Documents, target: Documents
) -> None:
    chatctl(*COPY)
    links(target)
    shift = {
        one["createAt"] - other["createAt"]
        for one, other in zip(*(db["Message"].find() for db in (world, target)), strict=True)
    }
    assert len(shift) == 1
    assert timedelta(days=7) <= min(shift) <= timedelta(days=28)
    for name in SEVEN:
        pairs = zip(world[name].find(), target[name].find(), strict=True)
        for one, other in pairs:
            for secret in {"hashedPassword", *SECRETS}:
                one.pop(secret, None)
            assert [*map(type, one.values())] == [*map(type, other.values())]
            assert list(map(len, texts(one))) == list(map(len, texts(other)))
            if isinstance(one["_id"], ObjectId):
                assert one["_id"].generation_time - other["_id"].generation_time == min(shift)
    read = target["Message"].distinct("readBy")
    [user] = target["User"].find({"_id": ObjectId(read[0])})
    assert user["username"] == target["User"].find_one({"email": user["email"]}, {})["username"]  # type: ignore[index]
    [account] = target["Account"].find()
    assert account.keys() & SECRETS.keys() == set()
    assert (account["userId"], account["provider"], account["type"]) == (user["_id"], "google", "oauth")
    assert account["expires_at"] == 1_770_000_000 - min(shift).total_seconds()
    assert {index for name in SEVEN for index in target[name].index_information()} - {"_id_"} >= {
        *("User_email_key", "User_username_key", "Account_provider_providerAccountId_key"),
        *("Profile_userId_key", "Role_name_key", "Permission_name_key"),
    }


def test_all_users_of_a_copy_can_have_one_password(chatctl: Chatctl, world: Documents, target: Documents) -> None:
    assert "too common" in chatctl(*COPY, "--password-stdin", input="passwordpassword", code=5).stderr
    assert "leave out --password-stdin" in chatctl(*COPY, "--password-stdin", code=5).stderr
    password = "seven kettles on a pier"
    said = chatctl(*COPY, "--password", password, code=2).stderr
    assert "other users of this machine could see the password: use --password-stdin" in said
    assert password not in said
    chatctl(*COPY, "--password-stdin", input=f"{password}\n")
    assert all(bcrypt.checkpw(password.encode(), user["hashedPassword"].encode()) for user in target["User"].find())
    assert password.encode() not in everything(target)


def test_a_check_finds_the_same_faults_in_a_copy_and_in_its_source(chatctl: Chatctl, target: Documents) -> None:
    chatctl(*["db", "generate", "--users", "12", "--conversations", "6", "--messages", "60", "--broken", "1", "--yes"])
    chatctl(*COPY)

    def faults(*options: str) -> dict[str, int]:
        rows = json.loads(chatctl("db", "check", "-o", "json", *options, code=1).stdout)
        return {row["rule"]: row["count"] for row in rows}

    assert faults("--context", "copy") == faults()
    assert len(faults()) > 15


def test_a_value_of_any_type_can_be_copied(chatctl: Chatctl, database: Documents, target: Documents) -> None:
    for name in SEVEN:
        database[name].insert_many({"odd": value, "number": number} for number, value in enumerate(VALUES.values()))
    database["User"].insert_many({field: value} for value in VALUES.values() for field in ("name", "createdAt"))
    said = chatctl(*COPY, code=8).stderr
    assert "all documents were copied, but some indexes could not be created: User_email_key" in said
    for name in SEVEN:
        found = [db[name].with_options(AS_STORED).find() for db in (database, target)]
        here, there = (Counter(type(one.get("odd")) for one in documents) for documents in found)
        assert here == there


@pytest.mark.parametrize(
    ("options", "users", "texts_kept"),
    [
        ("--users 3", 3, 4),
        ("--conversation name:Night", 4, 3),
        ("--since 2026-01-01T01:00Z", 3, 2),
        ("--conversation name:Night --conversation Day --as-is", 5, 5),
    ],
)
def test_a_copied_part_has_complete_links_and_no_missing_documents(
    chatctl: Chatctl, database: Documents, target: Documents, *, options: str, users: int, texts_kept: int
) -> None:
    database["Role"].insert_one(role("support"))
    people = [person(database, name, roles=("support",)) for name in ("ada", "bob", "cyd", "dan", "eve", "fay")]
    ada, bob, cyd, dan, eve, _ = people
    database["Profile"].insert_many({"userId": one} for one in people)
    night = conversation(database, ada, bob, cyd, name="Night")
    day = conversation(database, ada, bob, eve, name="Day")
    messages(database, night, ada, "one", "two", seen=(bob, dan))
    messages(database, night, dan, "three", seen=(bob,))  # dan has left the conversation
    messages(database, day, eve, "four", "five", seen=(ada, bob), after=60)
    direct = conversation(database, ada, bob)
    messages(database, direct, bob, "six", "seven", seen=(ada,))
    chatctl(*COPY, *options.replace("--as-is", f"--as-is {database.name}").split())
    links(target)
    assert (target["User"].count_documents({}), target["Profile"].count_documents({})) == (users, users)
    assert target["Message"].count_documents({}) == texts_kept
    assert target["Role"].count_documents({}) == 1
    rules = {row["rule"] for row in json.loads(chatctl("--context", "copy", "db", "check", "-o", "json").stdout)}
    assert rules <= {"foreign-sender", "foreign-seen"}


def test_a_copy_with_the_option_as_is_has_every_byte_of_the_source(
    chatctl: Chatctl, world: Documents, target: Documents, url: str
) -> None:
    chatctl(*COPY, "--as-is", world.name, "--dry-run")
    assert "chatctl_audit" not in world.list_collection_names()
    said = chatctl(*COPY, "--as-is", world.name, "--reason", "load test")
    assert "warning: the copy has all personal data" in said.stderr
    [event] = world["chatctl_audit"].find({}, {"command": 1, "reason": 1, "summary": 1})
    host = urlsplit(url).netloc
    copied = [f"copy all personal data to {target.name} on {host}"]
    assert event == {
        "_id": event["_id"],
        "command": "db copy --to copy --as-is",
        "reason": "load test",
        "summary": copied,
    }
    assert copied[0] in chatctl("audit", "show", event["_id"]).stdout
    for name in SEVEN:
        one, other = (sorted(map(bson.encode, db[name].find())) for db in (world, target))
        assert one == other


def test_nothing_is_copied_as_it_is_if_the_source_does_not_accept_the_event(
    chatctl: Chatctl, target: Documents, secured: str
) -> None:
    env = {"MONGODB_DATABASE_URL": f"mongodb://reader:reader@{secured}/shop?authSource=admin"}
    said = chatctl(*COPY, "--as-is", "shop", env=env, code=6).stderr
    assert f"{secured} does not allow insert on chatctl_audit" in said
    assert target.list_collection_names() == []


def test_the_event_of_a_copy_as_it_is_names_the_user_of_the_source(
    chatctl: Chatctl, target: Documents, tmp_path: Path
) -> None:
    process, address = start_server(tmp_path, "--sync-on-commit")
    with pymongo.MongoClient[dict[str, Any]](f"mongodb://{address}/") as client:
        client.admin.command("createUser", "olga", pwd="olga", roles=["root"])
        chatctl(
            *COPY,
            "--as-is",
            "shop",
            env={"MONGODB_DATABASE_URL": f"mongodb://olga:olga@{address}/shop?authSource=admin"},
        )
        [event] = client["shop"]["chatctl_audit"].find()
    process.kill()
    process.wait()
    assert event["actor"]["database"] == "olga"
    assert "database" not in target["chatctl_audit"].find_one({"kind": "event"}, {})["actor"]


def test_masked_messages_are_copied_as_they_are_only_with_a_reason(
    chatctl: Chatctl, world: Documents, target: Documents
) -> None:
    chatctl("db", "protect", "prod", "--mask-bodies", "--yes")
    as_is = (*COPY, "--as-is", "prod")
    assert "add --reveal --reason TEXT, or leave out --as-is" in chatctl(*as_is, code=7).stderr
    assert target.list_collection_names() == []
    chatctl(*as_is, "--reveal", "--reason", "case 4711")
    assert world["chatctl_audit"].count_documents({"reason": "case 4711", "kind": "event"}) == 1
    target.client.drop_database(target.name)
    chatctl(*COPY)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("", 2, "error: --to or --local-as is required"),
        ("--to copy --local-as play", 2, "error: --to and --local-as cannot be combined"),
        ("--to copy --users 3 --since 7d", 2, "error: --users and --since cannot be combined"),
        ("--to copy --as-is x --anonymize", 2, "error: --as-is and --anonymize cannot be combined"),
        ("--to copy --as-is x --password-stdin", 2, "error: --as-is and --password-stdin cannot be combined"),
        ("--to nowhere", 3, 'error: no context "nowhere"'),
        ("--to copy --conversation nothing", 3, 'error: no conversation "nothing"'),
        ("--to copy --as-is other", 7, 'not "other"'),
        ("--to copy --expect other", 7, 'not "other"'),
        ("--to guarded", 7, "error: context guarded is read-only"),
        ("--to itself", 7, "itself"),
        ("--to spelled", 7, "itself"),
        ("--local-as copy", 4, 'error: context "copy" already exists'),
        ("--local-as a,b --dry-run", 5, 'error: invalid context name "a,b"'),
        ("--local-as a/b", 5, "error: invalid context name"),
        ("--local-as ../x", 5, "error: invalid context name"),
        ("--local-as a.b", 5, "cannot be the name of a database"),
        ("--local-as admin", 5, "cannot be the name of a database"),
        ("--to copy --propose --reason review", 5, "cannot be proposed: the target must be empty"),
        ("--to copy --save-plan plan.json", 5, "cannot be proposed: the target must be empty"),
        ("--to copy --max 3", 7, "--max allows only 3"),
    ],
)
def test_a_wrong_command_line_of_db_copy_is_refused(
    chatctl: Chatctl, world: Documents, target: Documents, url: str, *, line: str, code: int, said: str
) -> None:
    for name, other, more in (
        ("guarded", beside(url), ["--read-only"]),
        ("itself", url, []),
        ("spelled", with_options(url.replace("127.0.0.1", "localhost"), "w=1"), []),
    ):
        chatctl("context", "add", name, "--url", other, *more)
    assert said in chatctl("db", "copy", "--yes", *line.split(), code=code).stderr
    assert not [name for name in SEVEN if target[name].find_one()]
    assert chatctl("context", "list", "-o", "json").stdout.count('"name"') == 4


@pytest.mark.parametrize("kind", [*SEVEN, "Session", "chatctl_holds", "chatctl_proposals", "marker"])
def test_a_target_with_documents_is_refused(chatctl: Chatctl, world: Documents, target: Documents, kind: str) -> None:
    if kind == "marker":
        chatctl("--context", "copy", "db", "protect", "staging", "--yes")
        assert 'is protected as "staging"' in chatctl(*COPY, code=7).stderr
        return
    target[kind].insert_one({"name": "x"})
    for options in ((), ("--replace",), ("--dry-run",)):
        assert f"is not empty: it has {kind}" in chatctl(*COPY, *options, code=4).stderr
    assert [target[name].count_documents({}) for name in target.list_collection_names()] == [1]


def test_a_target_with_indexes_and_no_documents_is_empty(chatctl: Chatctl, world: Documents, target: Documents) -> None:
    chatctl("--context", "copy", "db", "indexes", "--apply")
    chatctl(*COPY)
    assert "is not empty" in chatctl(*COPY, code=4).stderr


def test_a_target_that_does_not_accept_the_documents_is_named(
    chatctl: Chatctl, world: Documents, target: Documents
) -> None:
    target.create_collection("Message", validator={"$jsonSchema": {"required": ["tenant"]}})
    assert "the target has a validation rule for Message" in chatctl(*COPY, code=4).stderr


def test_a_write_that_few_members_confirmed_is_not_called_a_duplicate(
    chatctl: Chatctl, world: Documents, target: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    unconfirmed = {"code": 64, "errmsg": "waiting for replication timed out"}

    def refuse(*_: Any, **__: Any) -> None:
        raise BulkWriteError({"writeErrors": [], "writeConcernErrors": [unconfirmed]})

    monkeypatch.setattr(pymongo.collection.Collection, "insert_many", refuse)
    with pytest.raises(BulkWriteError):
        copying._insert("Message", [{}])


def test_a_source_is_only_read(chatctl: Chatctl, world: Documents, target: Documents, url: str) -> None:
    chatctl("db", "protect", "prod", "--two-people", "--yes")
    chatctl("context", "add", "prod", "--url", url, "--read-only")
    before = everything(world)
    dry = chatctl("--context", "prod", *COPY, "--dry-run")
    assert "create 7 messages" in dry.stdout
    assert target.list_collection_names() == []
    chatctl("--context", "prod", *COPY, env={"CHATCTL_EXPECT": "prod"})
    assert everything(world) == before
    assert target["User"].count_documents({}) == 3


def test_an_unfinished_copy_is_named_and_can_be_replaced(
    chatctl: Chatctl, world: Documents, target: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = copying._insert

    def stop(collection: str, documents: Any) -> None:
        insert(collection, documents)
        if collection == "Profile":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copying, "_insert", stop)
        assert "To start again, run the command with --replace." in chatctl(*COPY, code=130).stderr
    assert target["User"].count_documents({}) == 3
    said = chatctl(*COPY, code=4).stderr
    assert f"error: {target.name} is an unfinished copy\nhint: " in said
    assert "add --replace" in said
    assert "is an unfinished copy itself" in chatctl("--context", "copy", *COPY, "--replace", code=7).stderr
    assert "confirmation is required" in chatctl(*COPY[:-1], "--replace", code=7).stderr
    rights = Needs()
    with heard(rights):
        chatctl(*COPY, "--replace")
    assert rights.found <= ADMIN.privileges()
    links(target)
    assert target["User"].count_documents({}) == 3
    assert [one["state"] for one in json.loads(chatctl("--context", "copy", "audit", "list", "-o", "json").stdout)] == [
        "done",
        "interrupted",
    ]


def test_a_target_that_another_program_writes_to_is_refused(
    chatctl: Chatctl, world: Documents, target: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ObjectId()
    event = {"_id": other, "kind": "event", "at": BEGAN, "command": "db copy --from x --anonymize", "whole": False}

    def begin_another_copy(*_: Any) -> None:
        target["chatctl_audit"].insert_one(event)
        target["chatctl_state"].update_one({"_id": lease_id(other)}, {"$currentDate": {"renewed": True}}, upsert=True)

    for meanwhile, code, said in (
        (lambda *_: target["User"].insert_one({"_id": 1}), 4, "is not empty: it has User"),
        (begin_another_copy, 7, "is still running"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(planning, "_begin", meanwhile)
            assert said in chatctl(*COPY, code=code).stderr
        assert target["Role"].count_documents({}) == 0
        target["User"].delete_many({"_id": 1})
    target["chatctl_audit"].delete_one({"_id": other})
    chatctl(*COPY)
    target["chatctl_audit"].insert_one({**event, "_id": ObjectId()})  # a refused second copy
    assert "is not empty" in chatctl(*COPY, "--replace", code=4).stderr


def test_a_copy_can_be_a_database_of_the_embedded_server(
    process: Process, world: Documents, workspace: Path, environment: dict[str, str]
) -> None:
    environment["CHATCTL_LOCAL_DIR"] = str(workspace / "embedded")
    made = process(*["db", "copy", "--local-as", "play", "--yes"])
    assert made.returncode == 0, made.stderr
    assert b"to use the copy: add --context play to a command" in made.stderr
    found = json.loads(process("--context", "play", "users", "list", "-o", "json").stdout)
    assert len(found) == 3
    assert process("--local", "users", "list", "--count").stdout == b"0\n"
    shown = json.loads(process("context", "show", "play", "-o", "json").stdout)
    assert (shown["database"], shown["server"], shown["source"]) == ("play", "the embedded server", "local")
    assert b"is not empty" in process(*["db", "copy", "--local-as", "play", "--yes"]).stderr
    process("--local", "db", "stop")


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Kyrielle Jacquemin", r"[A-Z][a-z]{7} [A-Z][a-z]{8}"),
        ("ada.l+news@example.com", r"[a-z]{3}\.[a-z]\+[a-z]{4}@[a-z]{6}\.test"),
        ("ADA@web.de", r"[A-Z]{3}@[a-z]\.test"),
        ("ada@t.CO", r"[a-z]{3}@[a-z]\.teST"),
        (
            "To ada@web.de (see https://t.co/a).",
            r"[A-Z][a-z] [a-z]{3}@[a-z]\.test \([a-z]{3} https://[a-z]\.test/[a-z]\)\.",
        ),
        ("https://a.io/?mail=ada@web.de", r"https://[a-z]\.test/\?[a-z]{4}=[a-z]{3}@[a-z]\.test"),
        ("mailto:ada@web.de", r"[a-z]{6}:[a-z]{3}@[a-z]\.test"),
        ("+49 (151) 2345-6789", r"\+\d\d \(\d{3}\) \d{4}-\d{4}"),
        ("https://example.org/a/b.jpg?x=1", r"https://[a-z]{6}\.test/[a-z]/[a-z]\.[a-z]{3}\?[a-z]=\d"),
        ("שלום", "[א-ת\u05ef-\u05f2]{4}"),
        ("ひらがな", "[ぁ-ゖゟ]{4}"),
        ("漢字", "[\u3400-\u9fff]{2}"),
        ("Привет", "[\u0400-\u04ff]{6}"),
        ("2026-03-01T10:00:07.123Z", r"2026-0[12]-\d\dT\d\d:\d\d:07\.123Z"),
        ("650000000000000000000001", "6[0-9a-f]{23}"),
        (31415926535, r"3\d{10}"),
        (48.13715432, r"4\d\.\d{1,8}"),
        (48.13, "48.13"),
        (DatetimeMS(-(2**63)), r"DatetimeMS\(-9223372036854775808\)"),
        ("ᵏʸʳⁱᵉˡˡᵉ", "[\u02b0-\u02ff\u1d00-\u1dbf\u2071\u207f]{8}"),
        ("①⑤①", "[①-⓿]{3}"),
        (4711, "4711"),
        (True, "True"),
    ],
)
def test_a_made_up_value_has_the_form_of_the_original_value(value: Any, shape: str) -> None:
    made_up = MadeUp()
    assert re.fullmatch(shape, str(made_up.value(value))), made_up.value(value)
    assert made_up.value(value) == made_up.value(value)


@settings(deadline=None, max_examples=25)
@given(strategies.lists(strategies.text(strategies.characters(exclude_characters="@:"), max_size=30), max_size=8))
def test_made_up_texts_are_equal_only_if_the_original_texts_are_equal(found: list[str]) -> None:
    made_up = MadeUp()
    made = list(map(made_up.text, found))
    assert list(map(len, made)) == list(map(len, found))
    assert len(set(made)) == len(set(found))


def test_texts_that_differ_in_case_become_texts_that_differ_in_case() -> None:
    made_up = MadeUp()
    for one, other in (("Ada@Example.org", "ada@example.ORG"), ("Ärger", "ÄRGER"), ("A" * 30, "a" * 30)):
        assert made_up.text(one) != made_up.text(other)
        assert made_up.text(one).lower() == made_up.text(other).lower()


@given(strategies.sets(strategies.binary(min_size=8, max_size=8), max_size=50), strategies.integers(0, 2**32 - 1))
def test_different_ids_of_a_second_become_different_ids_of_a_second(ends: set[bytes], second: int) -> None:
    made_up = MadeUp()
    old = [ObjectId(second.to_bytes(4) + end) for end in sorted(ends)]
    new = made_up.ids(old, made_up.new_id)
    assert len(set(new)) == len(old)
    assert {int.from_bytes(one.binary[:4]) for one in new} <= {(second - made_up.seconds) % 2**32}
    assert [made_up.id(one) for one in old] == new
    assert [made_up.value(str(one)) for one in old] == [str(one) for one in new]


def test_made_up_domains_are_different_and_no_mail_can_be_delivered_to_them() -> None:
    made_up = MadeUp()
    domains = [f"{one}{other}.{end}" for one in string.ascii_lowercase for other in "abc" for end in ("de", "com")]
    made = [made_up.text(f"ada@{domain}").partition("@")[2] for domain in domains]
    assert len(set(made)) == len(domains)
    assert {domain[-5:] for domain in made} == {".test"}


def test_a_known_id_does_not_tell_other_ids() -> None:
    """No part of an id changes by the same amount as in other ids, except the time."""
    made_up = MadeUp()
    old = [int.from_bytes(f"{number:08x}".encode()) for number in range(500)]
    new = [int.from_bytes(made_up.id(ObjectId(b"time" + one.to_bytes(8))).binary[4:]) for one in old]
    for bits in (0xFF << place for place in range(0, 64, 8)):
        assert len({(one ^ other) & bits for one, other in zip(old, new, strict=True)}) > 100
        assert len({(one - other) & bits for one, other in zip(old, new, strict=True)}) > 100


def test_coordinates_and_names_in_unusual_letters_are_replaced() -> None:
    made_up = MadeUp()
    for value in (48.1371, 11.576, "ᵏʸʳⁱᵉˡˡᵉ", "①⑤①②③④⑤⑥⑦⑧"):
        assert made_up.value(value) != value


def test_dates_of_birth_are_not_shifted_like_other_times() -> None:
    made_up = MadeUp()
    days = [datetime(1984, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    made = [made_up.value(day + timedelta(days=40)) for day in days[:320]]
    assert {one.year for one in made} == {1984}
    assert len(set(made)) == 320
    assert len({one - day for one, day in zip(made, days, strict=False)}) > 100
    assert made_up.value("1984-03-01") == f"{made_up.value(datetime(1984, 3, 1, tzinfo=UTC)):%Y-%m-%d}"
    assert made_up.time(days[0]) == days[0] - timedelta(seconds=made_up.seconds)


def test_different_short_texts_get_different_replacements() -> None:
    made_up = MadeUp()
    letters = string.ascii_lowercase
    pairs = [one + other for one in letters for other in letters]
    assert {made_up.text(pair) for pair in pairs} == set(pairs)
    addresses = {made_up.text(f"{pair}@{domain}") for pair in pairs for domain in ("web.de", "gmx.de", "t.co", "u.co")}
    assert len(addresses) == 4 * len(pairs)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [(239, 4, "raise minSnapshotHistoryWindowInSeconds"), (13, 6, "does not allow find on Role")],
)
def test_an_error_of_the_source_is_explained(
    chatctl: Chatctl,
    world: Documents,
    target: Documents,
    monkeypatch: pytest.MonkeyPatch,
    *,
    error: int,
    code: int,
    said: str,
) -> None:
    read = Source.batches

    def refused(*args: Any) -> Iterator[list[Any]]:
        failing = {"failCommands": ["find"], "errorCode": error}
        world.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=failing)
        return read(*args)

    monkeypatch.setattr(Source, "batches", refused)
    assert said in chatctl(*COPY, code=code).stderr


def test_a_text_gets_the_same_replacement_before_and_after_other_texts() -> None:
    made_up = MadeUp()
    found = ["000𪤄𩾭", "漢字", "㐀", "𠀀", "한글", "ꀀ"]
    assert list(map(made_up.text, found)) == list(map(made_up.text, found))
