"""References are stored as ObjectId, as text and in other forms. Each command finds all references, or is refused."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from bson import ObjectId
from conftest import Chatctl
from pymongo.database import Database

from database.indexes import APPLICATION, create
from database.references import referred
from models.links import OTHER_SIDES, OWNED
from models.schema import FIELDS

Documents = Database[dict[str, Any]]
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
JANE, BOB, CEM = (ObjectId(f"65000000000000000000abc{number}") for number in range(3))
GROUP, DIRECT = (ObjectId(f"67000000000000000000abc{number}") for number in range(2))
ONE, TWO, THREE = (ObjectId(f"68000000000000000000abc{number}") for number in range(3))
ROLE, PERMISSION = ObjectId("69000000000000000000abc0"), ObjectId("6b000000000000000000abc0")

SPELLINGS: dict[str, Callable[[ObjectId], Any]] = {
    "text": str,
    "upper case": lambda identifier: str(identifier).upper(),
    "$oid": lambda identifier: {"$oid": str(identifier)},
    "oid": lambda identifier: {"oid": str(identifier)},
}
PLACES = sorted({*OTHER_SIDES, *((owned.collection, owned.field) for owned in OWNED)})


def stored() -> dict[str, list[dict[str, Any]]]:
    def user(identifier: ObjectId, name: str, **links: Any) -> dict[str, Any]:
        dates = {"createdAt": BEGAN, "updatedAt": BEGAN}
        lists = {"rolesIds": [], "conversationIds": [], "seenMessageIds": []}
        own = {"_id": identifier, "username": name, "email": f"{name}@example.com", "status": "ACTIVE"}
        return {**own, "hashedPassword": "$2b$04$" + "x" * 53, **dates, **lists, **links}

    def message(identifier: ObjectId, place: ObjectId, sender: ObjectId, minutes: int) -> dict[str, Any]:
        text = {"_id": identifier, "body": f"written by {sender}", "createAt": BEGAN + timedelta(minutes=minutes)}
        return {**text, "conversationId": place, "senderId": sender, "seenIds": [JANE, BOB]}

    seen = {"conversationIds": [GROUP, DIRECT], "seenMessageIds": [ONE, TWO, THREE]}
    times = {"created_at": BEGAN, "lastMessageAt": BEGAN + timedelta(minutes=2)}
    return {
        "User": [
            user(JANE, "jane", rolesIds=[ROLE], **seen),
            user(BOB, "bob", rolesIds=[ROLE], **seen),
            user(CEM, "cem", conversationIds=[GROUP]),
        ],
        "Role": [{"_id": ROLE, "name": "support", "userIds": [JANE, BOB], "permissionsIds": [PERMISSION]}],
        "Permission": [{"_id": PERMISSION, "name": "user.read", "rolesIds": [ROLE]}],
        "Conversation": [
            {"_id": GROUP, "name": "Team", "isGroup": True, "userIds": [JANE, BOB, CEM], **times},
            {"_id": DIRECT, "userIds": [JANE, BOB], **times, "lastMessageAt": BEGAN + timedelta(minutes=3)},
        ],
        "Profile": [{"_id": ObjectId(), "userId": JANE, "phoneNumber": "+1 555 0100"}],
        "Account": [
            {"_id": ObjectId(), "userId": JANE, "type": "oauth", "provider": "google", "providerAccountId": "1"}
        ],
        "Message": [message(ONE, GROUP, JANE, 1), message(TWO, GROUP, BOB, 2), message(THREE, DIRECT, BOB, 3)],
    }


def plant(database: Documents, places: list[tuple[str, str]], spell: Callable[[ObjectId], Any]) -> None:
    """Insert the documents. In the fields `places`, references are not ObjectIds: `spell` gives them another form.

    A place is a collection and a field. The field can be "_id".
    """
    for index in APPLICATION:
        create(database, index)
    for collection, documents in stored().items():
        for document in documents:
            for field in (field for other, field in places if other == collection):
                value = document[field]
                document[field] = [spell(item) for item in value] if isinstance(value, list) else spell(value)
            database[collection].insert_one(document)


def everything(database: Documents) -> dict[str, list[dict[str, Any]]]:
    """Read all documents of the application. Lists of ids are sorted, because an undo may change their order."""
    return {
        name: sorted((ordered(one) for one in database[name].find()), key=lambda one: str(referred(one["_id"])))
        for name in FIELDS
    }


def ordered(document: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in document.items() if name != "updatedAt"}
    return {name: sorted(value, key=str) if isinstance(value, list) else value for name, value in kept.items()}


def values(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from values(item)


class Deletion(NamedTuple):
    words: tuple[str, ...]
    gone: tuple[ObjectId, ...]


DELETIONS = [
    Deletion(("users", "delete", "jane"), (JANE, ONE, THREE, DIRECT)),
    Deletion(("conversations", "delete", str(GROUP)), (GROUP, ONE, TWO)),
    Deletion(("messages", "delete", str(TWO), str(THREE)), (TWO, THREE)),
    Deletion(("messages", "purge", "--before", "2024-01-01T00:02Z"), (ONE,)),
    Deletion(("messages", "purge", "--before", "2025-01-01", "--conversation", str(GROUP)), (ONE, TWO)),
    Deletion(("messages", "purge", "--before", "2025-01-01", "--sender", "bob"), (TWO, THREE)),
    Deletion(("roles", "delete", "support"), (ROLE,)),
    Deletion(("permissions", "delete", "user.read"), (PERMISSION,)),
]


MERGES = [
    Deletion(("users", "merge", "jane", "--into", "cem", "--roles", "union"), (JANE,)),
    Deletion(("users", "merge", "jane", "--into", "bob"), (JANE, THREE, DIRECT)),
]


def check_all_goes_and_comes_back(chatctl: Chatctl, database: Documents, deletions: list[Deletion] = DELETIONS) -> None:
    before = everything(database)
    for words, gone in deletions:
        chatctl(*words, "--yes")
        left = [referred(value) for value in values(everything(database)) if not isinstance(value, dict | list)]
        nested = [referred(value) for value in values(everything(database)) if isinstance(value, dict)]
        assert not {*gone}.intersection(item for item in (*left, *nested) if isinstance(item, ObjectId)), words
        event = chatctl("audit", "list", "-o", "ids", "--sort", "-at", "--limit", 1).stdout.strip()
        chatctl("audit", "undo", event, "--yes")
        assert everything(database) == before, words


def check_reading(chatctl: Chatctl) -> None:
    shown = chatctl("users", "show", "jane").stdout
    for said in ("support", "user.read", "+1 555 0100", "google"):
        assert said in shown
    assert "MESSAGES       1" in shown.replace("MESSAGES         1", "MESSAGES       1")
    assert chatctl("users", "can", "jane", "user.read").code == 0
    for line in (("users", "export"), ("users", "export", "--search", "jane")):
        exported = chatctl(*line).stdout
        assert "+1 555 0100" in exported
        assert "google:1" in exported
    assert "written by" in chatctl("conversations", "transcript", str(GROUP)).stdout
    assert chatctl("messages", "list", "--conversation", str(GROUP), "--count").stdout == "2\n"
    assert chatctl("messages", "list", "--sender", "jane", "--count").stdout == "1\n"
    assert chatctl("conversations", "list", "--user", "jane", "--count").stdout == "2\n"
    unread = chatctl("conversations", "list", "--columns", "title,messages,participants", "-o", "csv").stdout
    assert "Team,2,jane;bob;cem" in unread
    assert chatctl("roles", "matrix").stdout.split() == ["PERMISSION", "support", "user.read", "x"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_form_of_all_references_is_found_by_every_command(
    chatctl: Chatctl, database: Documents, spelling: str
) -> None:
    plant(database, PLACES, SPELLINGS[spelling])
    check_reading(chatctl)
    check_all_goes_and_comes_back(chatctl, database, [*DELETIONS, *MERGES])


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_a_reference_stored_as_extended_json_is_found_by_every_deletion(
    chatctl: Chatctl, database: Documents, place: tuple[str, str]
) -> None:
    plant(database, [place], SPELLINGS["$oid"])
    check_all_goes_and_comes_back(chatctl, database)


@pytest.mark.parametrize("collection", sorted(FIELDS))
def test_an_id_stored_as_text_makes_no_orphans_and_can_be_repaired_and_undone(
    chatctl: Chatctl, database: Documents, collection: str
) -> None:
    plant(database, [(collection, "_id")], str)
    before = everything(database)
    found = chatctl("db", "check", code=1).stdout
    assert "wrong-type" in found
    for rule in ("missing-parent", "dangling-link", "lone-conversation"):
        assert rule not in found
    check_all_goes_and_comes_back(chatctl, database, [*DELETIONS, *(MERGES if collection == "User" else ())])
    chatctl("db", "repair", "--rule", "missing-parent", "--delete", "--yes")
    chatctl("db", "repair", "--rule", "dangling-link", "--yes")
    assert everything(database) == before
    chatctl("db", "repair", "--rule", "wrong-type", "--yes")
    assert all(isinstance(one["_id"], ObjectId) for one in everything(database)[collection])
    assert chatctl("db", "check").code == 0
    event = chatctl("audit", "list", "-o", "ids", "--sort", "-at", "--limit", 1).stdout.strip()
    chatctl("audit", "undo", event, "--yes")
    assert everything(database) == before


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_repair_converts_every_form_of_an_id_and_leaves_no_fault(
    chatctl: Chatctl, database: Documents, spelling: str
) -> None:
    plant(database, PLACES, SPELLINGS[spelling])
    chatctl("db", "repair", "--yes")
    chatctl("db", "check")
    stay = {name: [ordered(one) for one in documents] for name, documents in stored().items()}
    found = everything(database)
    assert [one["username"] for one in found["User"]] == [one["username"] for one in stay["User"]]
    for name in ("User", "Role", "Conversation", "Message"):
        links = [field for field in FIELDS[name] if field.endswith(("Ids", "Id")) and field in stay[name][0]]
        assert [{field: one[field] for field in links} for one in found[name]] == [
            {field: one[field] for field in links} for one in stay[name]
        ]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_user_is_erased_and_exported_completely_with_every_form_of_reference(
    chatctl: Chatctl, database: Documents, spelling: str
) -> None:
    plant(database, PLACES, SPELLINGS[spelling])
    exported = chatctl("users", "export-data", "jane", "--to", "jane.zip")
    assert "2 conversations, 1 message, 1 linked sign-in" in exported.stdout + exported.stderr
    chatctl("users", "erase", "jane", "--with-messages", "--yes")
    left = str(everything(database))
    for said in ("+1 555 0100", "google", "jane@example.com", f"written by {JANE}"):
        assert said not in left
    [role] = database["Role"].find()
    assert JANE not in map(referred, role["userIds"])


@pytest.mark.parametrize(
    "words",
    [
        ("users", "delete", "jane", "--yes"),
        ("users", "merge", "jane", "--into", "bob", "--yes"),
        ("users", "merge", "bob", "--into", "jane", "--yes"),
        ("users", "erase", "jane", "--yes"),
        ("users", "export-data", "jane", "--to", "jane.zip"),
        ("roles", "delete", "support", "--yes"),
        ("permissions", "delete", "user.read", "--yes"),
        ("conversations", "delete", "Team", "--yes"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_two_documents_with_the_same_id_in_two_forms_are_refused(
    chatctl: Chatctl, database: Documents, words: tuple[str, ...]
) -> None:
    plant(database, [], str)
    for collection, identifier in (("User", JANE), ("Role", ROLE), ("Permission", PERMISSION), ("Conversation", GROUP)):
        database[collection].insert_one({"_id": str(identifier), "name": "twin", "username": "twin", "email": "twin"})
    before = everything(database)
    refused = chatctl(*words, code=4).stderr
    assert "as an ObjectId and as text" in refused
    assert "chatctl db check --rule wrong-type" in refused
    assert everything(database) == before


@pytest.mark.parametrize("words", [deletion.words for deletion in DELETIONS[:6]], ids=" ".join)
def test_a_message_is_removed_from_the_only_list_that_has_it(
    chatctl: Chatctl, database: Documents, words: tuple[str, ...]
) -> None:
    plant(database, [], str)
    database["Message"].update_many({}, {"$set": {"seenIds": []}})
    before = everything(database)
    chatctl(*words, "--yes")
    there = {message["_id"] for message in database["Message"].find()}
    for user in database["User"].find():
        assert {*user["seenMessageIds"]} <= there
    event = chatctl("audit", "list", "-o", "ids", "--sort", "-at", "--limit", 1).stdout.strip()
    chatctl("audit", "undo", event, "--yes")
    assert everything(database) == before
