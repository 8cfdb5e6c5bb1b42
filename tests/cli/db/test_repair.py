"""`chatctl db repair`."""

import json

import pytest
from bson import ObjectId
from people import Documents, links, messages, stored
from planting import AGAIN, Ids, many, settle

from actions.database.checking import repairing
from actions.rules.lockout import PROTECTED
from database.own_collections import STATE
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

BOTH = "missing-parent or second-profile"


@pytest.fixture
def ids(database: Documents) -> Ids:
    return settle(database)


def break_it(database: Documents, ids: Ids) -> None:
    """Insert three faults with only one right correction, and two faults that need a decision of the user."""
    database["User"].update_one({"_id": ids["ada"]}, {"$set": {"status": "BANNED"}, "$push": {"rolesIds": ids["read"]}})
    database["User"].update_one({"_id": ids["alan"]}, {"$set": {"rolesIds": None}})
    database["Role"].update_one({"_id": ids["support"]}, {"$push": {"userIds": ids["alan"]}})
    gone = {"userId": ObjectId(), "type": "oauth", "provider": "github", "providerAccountId": "7"}
    ids["orphan"] = database["Account"].insert_one(gone).inserted_id


def test_faults_with_one_right_repair_are_repaired_and_others_listed(
    either: Chatctl, database: Documents, ids: Ids
) -> None:
    break_it(database, ids)
    was = stored(database)
    result = either("db", "repair", "--yes", code=0)
    ada = ids["ada"]
    assert result.stdout.splitlines() == [
        "null-list: repaired (1 fault)",
        "dangling-link: repaired (1 fault)",
        "one-sided-link: repaired (1 fault)",
        (
            "missing-parent: unchanged (1 fault left; your decision is required: "
            "chatctl db repair --rule missing-parent --delete (deletes the documents that name a missing one))"
        ),
        (
            f"unknown-status: unchanged (1 fault left; your decision is required: chatctl users reinstate id:{ada},"
            f" or chatctl users suspend id:{ada} to keep the user out)"
        ),
    ]
    rules = [row["rule"] for row in json.loads(either("db", "check", "-o", "json", code=1).stdout)]
    assert rules == ["missing-parent", "unknown-status"]
    alan = database["User"].find_one({"_id": ids["alan"]}) or {}
    assert alan["rolesIds"] == [ids["support"]]
    links(database)
    undo = result.stderr.rpartition("undo: chatctl ")[2].split()
    either(*undo, "--yes")
    assert stored(database) == was


def test_a_dry_run_shows_what_would_change_and_what_is_left(either: Chatctl, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    was = stored(database)
    result = either("db", "repair", "--dry-run", code=0)
    assert result.stdout == (
        f"~ User alan: rolesIds null -> []\n~ User ada: rolesIds -{ids['read']}\n~ User alan: rolesIds +support\n"
    ).replace("+support", f"+{ids['support']}")
    assert "null-list: 1 fault to be repaired\n" in result.stderr
    assert "unknown-status: 1 fault left; your decision is required: chatctl users reinstate" in result.stderr
    assert result.stderr.endswith("nothing was written: this was a dry run\n")
    assert stored(database) == was


def test_a_dry_run_shows_whether_an_id_is_stored_as_text(either: Chatctl, database: Documents, ids: Ids) -> None:
    database["Message"].update_one({"_id": ids["one"]}, {"$set": {"senderId": str(ids["ada"])}})
    database["Role"].update_one({"_id": ids["viewer"]}, {"$set": {"userIds": [str(ids["ada"]), ids["grace"]]}})
    shown = either("db", "repair", "--rule", "string-id", "--dry-run").stdout.splitlines()
    assert shown[1].endswith(f': senderId "{ids["ada"]}" -> {ids["ada"]}')
    assert f'userIds ["{ids["ada"]}", ' in shown[0]


def test_programs_read_what_was_repaired_and_what_is_left(either: Chatctl, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    outcome = json.loads(either("db", "repair", "--yes", "-o", "json").stdout)
    assert outcome["event"]
    assert (outcome["changed"], outcome["unchanged"]) == (3, 2)
    assert [(one["ref"], one["outcome"]) for one in outcome["results"]][::4] == [
        ("null-list", "repaired"),
        ("unknown-status", "unchanged"),
    ]
    again = json.loads(either("db", "repair", "--yes", "-o", "json").stdout)
    assert (again["event"], again["changed"], again["unchanged"]) == (None, 0, 2)


def test_the_question_says_what_is_repaired_and_what_is_left(terminal: Terminal, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    was = stored(database)
    screen = terminal("db", "repair", typed="n\n", columns=200)
    assert screen.code == 7
    assert "  change 2 users\n  null-list: 1 fault to be repaired\n" in screen.text
    assert stored(database) == was
    assert terminal("db", "repair", typed="y\n").code == 0


def test_without_a_terminal_a_repair_is_refused(either: Chatctl, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    assert "confirmation is required" in either("db", "repair", code=7).stderr


def test_the_option_max_limits_the_number_of_faults(either: Chatctl, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    result = either("db", "repair", "--yes", "--max", "2", code=7)
    assert result.stderr == "error: this would change 3 items, but --max allows only 2\nhint: nothing was changed\n"
    either("db", "repair", "--yes", "--max", "3")


def test_a_repair_without_faults_changes_nothing(either: Chatctl, database: Documents, ids: Ids) -> None:
    result = either("db", "repair", "--yes")
    assert (result.stdout, result.stderr) == ("", "nothing to do\n")


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (("--drop",), "to the rule duplicate-key", "one-sided-link"),
        (("--delete",), "to the rule duplicate-key", BOTH),
        (("--drop", "--rule", "missing-parent"), "to the rule missing-parent", "one-sided-link"),
        (("--delete", "--rule", "dangling-link"), "to the rule dangling-link", BOTH),
        (
            ("--delete", "--rule", "missing-parent", "--rule", "null-list"),
            "to the rule null-list",
            "missing-parent or second-profile",
        ),
    ],
)
def test_drop_and_delete_require_the_rules_to_which_they_apply(
    either: Chatctl, options: tuple[str, ...], message: str, hint: str
) -> None:
    result = either("db", "repair", *options, "--yes", code=2)
    assert result.stderr == f"error: {options[0]} does not apply {message}\nhint: use it with --rule {hint}\n"


def test_an_undo_restores_documents_that_had_no_parent_before(either: Chatctl, database: Documents, ids: Ids) -> None:
    database["User"].delete_one({"_id": ids["alan"]})
    was = stored(database)
    repaired = either("db", "repair", "--rule", "missing-parent", "--delete", "--yes").stderr
    assert stored(database) != was
    either(*repaired.rpartition("undo: chatctl ")[2].split(), "--yes")
    assert stored(database) == was


def test_an_undo_is_refused_if_a_parent_was_deleted_since(either: Chatctl, database: Documents, ids: Ids) -> None:
    place = (database["Message"].find_one({"_id": ids["two"]}) or {})["conversationId"]
    deleted = either("messages", "delete", ids["two"], "--yes").stderr
    database["Conversation"].delete_one({"_id": place})
    assert (
        "was deleted after this event"
        in either(*deleted.rpartition("undo: chatctl ")[2].split(), "--yes", code=4).stderr
    )


def test_no_undo_is_suggested_if_only_an_index_was_created(either: Chatctl, database: Documents, ids: Ids) -> None:
    database["Role"].drop_index("Role_name_key")
    assert "undo:" not in either("db", "repair", "--rule", "missing-index", "--yes").stderr


def test_faults_above_the_limit_are_repaired_by_the_next_run(
    either: Chatctl, database: Documents, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repairing, "HELD", 2)
    database["User"].update_one({"_id": ids["ada"]}, {"$push": {"rolesIds": {"$each": [ObjectId() for _ in range(3)]}}})
    assert either("db", "repair", "--yes").stdout.splitlines() == [
        "dangling-link: repaired (2 faults)",
        "dangling-link: unchanged (1 fault more: run the same command again to repair them)",
    ]
    assert either("db", "repair", "--yes").stdout == "dangling-link: repaired (1 fault)\n"
    assert either("db", "check").stdout == ""


def test_orphans_are_deleted_with_everything_that_refers_to_them(
    either: Chatctl, database: Documents, ids: Ids
) -> None:
    gone = ObjectId()
    for collection, field, who in (("Message", "senderId", "four"), ("Profile", "userId", "profile")):
        database[collection].update_one({"_id": ids[who]}, {"$set": {field: gone}})
    database["Account"].update_one({"_id": ids["account"]}, {"$set": {"userId": gone}})
    lost = messages(database, ObjectId(), ids["ada"], "lost", seen=(ids["alan"],))
    assert either("db", "repair", "--rule", "missing-parent", "--yes").stdout.startswith("missing-parent: unchanged")
    either("db", "repair", "--rule", "missing-parent", "--delete", "--yes")
    assert either("db", "check").stdout == ""
    assert database["Message"].count_documents({"_id": {"$in": [*lost, ids["four"]]}}) == 0
    assert database["Profile"].count_documents({}) == database["Account"].count_documents({}) == 0
    assert "profileId" not in (database["User"].find_one({"_id": ids["grace"]}) or {})
    group = database["Conversation"].find_one({"_id": ids["group"]}) or {}
    assert group["messagesIds"] == [ids["three"]]
    assert group["lastMessageAt"] == (database["Message"].find_one({"_id": ids["three"]}) or {})["createAt"]


def test_if_a_user_has_two_profiles_the_one_in_profile_id_is_kept(
    either: Chatctl, database: Documents, ids: Ids
) -> None:
    database["Profile"].drop_index("Profile_userId_key")
    for number in (1, 2):
        database["Profile"].insert_one({"_id": ObjectId(f"{number:024x}"), "userId": ids["grace"]})
        database["Profile"].insert_one({"_id": ObjectId(f"{number + 5:024x}"), "userId": ids["ada"]})
    either("db", "repair", "--rule", "second-profile", "--delete", "--yes")
    assert {profile["_id"] for profile in database["Profile"].find()} == {ids["profile"], ObjectId(f"{6:024x}")}
    either("db", "repair", "--rule", "missing-index", "--yes")
    assert either("db", "check").stdout == ""


def test_an_index_is_created_if_there_are_no_duplicates(either: Chatctl, database: Documents, ids: Ids) -> None:
    database["Role"].drop_index("Role_name_key")
    database["User"].drop_index("User_email_key")
    database["User"].insert_one({"email": "ada@example.org", "username": "again", **AGAIN})
    result = either("db", "repair", "--rule", "missing-index", "--yes")
    assert result.stdout.splitlines() == [
        "missing-index: repaired (1 fault)",
        (
            "missing-index: unchanged (1 fault left; your decision is required: chatctl db repair --rule missing-index,"
            " after all documents have different values (chatctl db check --rule duplicate-key --rule missing-field))"
        ),
    ]
    assert "Role_name_key" in database["Role"].index_information()
    assert "User_email_key" not in database["User"].index_information()


@pytest.mark.parametrize("active", [True, False])
def test_a_repair_does_not_drop_the_last_member_of_a_protected_role(
    either: Chatctl, database: Documents, ids: Ids, active: bool
) -> None:
    database[STATE].insert_one({"_id": PROTECTED, "ids": [ids["support"]]})
    database["Role"].update_one({"_id": ids["support"]}, {"$set": {"userIds": []}})
    if not active:
        database["User"].update_one({"_id": ids["ada"]}, {"$set": {"status": "SUSPENDED"}})
    drop = ("db", "repair", "--rule", "one-sided-link", "--drop", "--yes")
    result = either(*drop, code=7 if active else 0)
    if active:
        assert 'the protected role "support" would lose its last active member' in result.stderr
        either("db", "repair", "--yes")
    links(database)


def test_many_faults_are_repaired_in_batches(chatctl: Chatctl, database: Documents, ids: Ids) -> None:
    many(database, 1_010)
    was = stored(database)
    done = chatctl("db", "repair", "--yes")
    assert done.stdout.splitlines() == [
        "dangling-link: repaired (1,010 faults)",
        "one-sided-link: repaired (1,010 faults)",
    ]
    assert chatctl("db", "check").stdout == ""
    links(database)
    event = done.stderr.split()[-1]
    parts = database["chatctl_audit"].count_documents({"event": ObjectId(event), "kind": "part"})
    assert parts >= 2
    chatctl("audit", "undo", event, "--yes")
    assert stored(database) == was


def test_many_documents_are_repaired_in_several_ways_at_once(chatctl: Chatctl, database: Documents, ids: Ids) -> None:
    many(database, 1_010)
    gone = ObjectId()
    broken = {"rolesIds": None, "conversationIds": [gone, str(ids["direct"]), gone], "status": "EMAIL_VERIFIED"}
    database["User"].update_many({"username": {"$regex": "^u"}}, {"$set": broken})
    people = [user["_id"] for user in database["User"].find({"username": {"$regex": "^u"}}, ["_id"])]
    database["Role"].update_one({"name": "member"}, {"$set": {"userIds": people}})
    assert len(chatctl("db", "repair", "--yes").stdout.splitlines()) == 6
    chatctl("db", "repair", "--yes")
    assert chatctl("db", "check").stdout == ""
    links(database)
