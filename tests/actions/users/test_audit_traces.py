"""An erasure removes the personal data of one person from the audit trail, and no other data."""

import pytest
from bson import ObjectId
from history import HERS, History, found, user, write
from samples import Documents

from actions import audit, users
from actions.errors import NotUndoableError, StillRunningError, UnknownNameError
from changes import Changeset, Draft, apply
from changes.events import record_reading
from changes.trail_entries import lease_id, replace_words
from database.own_collections import AUDIT, IMAGES, STATE

pytestmark = pytest.mark.usefixtures("either")


@pytest.fixture
def past(database: Documents) -> History:
    return write(database)


def test_only_events_that_changed_the_erased_user_cannot_be_undone(database: Documents, past: History) -> None:
    apply(users.erase("ada_later"))
    can = {"roles", "of bob", "redact", "delete message"}
    for what, event in past.events.items():
        if what not in can:
            with pytest.raises(NotUndoableError, match="has been erased"):
                audit.undo(str(event))
    apply(audit.undo(str(past.events["of bob"])))
    apply(audit.undo(str(past.events["redact"])))
    apply(audit.undo(str(past.events["delete message"])))
    assert len(database["User"].find_one({"_id": past.ada["_id"]})["seenMessageIds"]) == 2
    kept = set(database[IMAGES].distinct("event"))
    assert kept & set(past.events.values()) == {past.events[what] for what in can}


def test_the_audit_trail_still_says_what_was_done_to_an_erased_user(past: History) -> None:
    apply(users.erase("ada_later"))
    label = f"erased-{past.ada['_id']}"
    granted = audit.show(str(past.events["grant"]))
    assert granted["command"] == f"users grant {label} bob --role support"
    assert granted["reason"] == f"{label} asked for it ({label}'s word)"
    assert audit.lines(granted) == [
        f"~ User {label}, bob: rolesIds +support, intern",
        f"~ Role support, intern: userIds +{label}, bob",
    ]
    updated = audit.show(str(past.events["update"]))
    assert updated["command"] == f"users update {label} --username {label}"
    assert updated["reason"] == f"married; was {label}."
    assert audit.lines(updated) == [
        f"~ User {label}: email (erased) -> (erased), username (erased) -> (erased), name (erased) -> (erased)"
    ]
    assert audit.show(str(past.events["of bob"]))["reason"] == f"he wrote to {label} ({label})"
    created = audit.lines(audit.show(str(past.events["import"])))
    assert any(line.startswith("+ User bob: email bob@example.org, username bob") for line in created)


def test_the_event_of_an_erasure_names_the_admin_and_the_time_but_not_the_erased_user(
    database: Documents, past: History
) -> None:
    event = apply(users.erase("ada_later", with_messages=True), reason="a letter of 2 March").event
    shown = audit.show(str(event))
    assert shown["command"] == f"users erase {past.ada['_id']} --with-messages"
    assert (shown["reason"], shown["state"]) == ("a letter of 2 March", "done")
    assert f"~ User erased-{past.ada['_id']}: email, emailVerified, hashedPassword" in "\n".join(audit.lines(shown))
    with pytest.raises(NotUndoableError, match="was never stored"):
        audit.undo(str(event))


def test_a_deleted_user_is_erased_by_the_id_in_the_audit_trail(database: Documents, past: History) -> None:
    for name in ("Profile", "Account", "Message"):
        database[name].delete_many({})
    draft = Draft()
    ada = database["User"].find_one({"_id": past.ada["_id"]})
    draft.delete("User", ada)
    past.did("delete", draft, "users delete ada_later")
    apply(users.erase(str(ada["_id"])))
    assert found(database, HERS) == []
    assert database["User"].count_documents({}) == 1
    with pytest.raises(UnknownNameError):
        users.erase(str(ObjectId()))


def test_a_user_is_not_erased_while_another_command_changes_this_user(database: Documents, past: History) -> None:
    event = past.events["suspend"]
    database[AUDIT].update_one({"_id": event}, {"$set": {"whole": False}})
    database[AUDIT].delete_many({"event": event, "kind": "end"})
    database[STATE].insert_one({"_id": lease_id(event), "renewed": past.ada["createdAt"].replace(year=2999)})
    with pytest.raises(StillRunningError, match=str(event)):
        users.erase("ada_later")
    database[STATE].delete_one({"_id": lease_id(event)})
    apply(users.erase("ada_later"))


def test_names_that_mean_something_else_stay_in_the_trail(database: Documents) -> None:
    support, bob = user("support"), user("bob")
    database["User"].insert_many([dict(support), dict(bob)])
    past = History(support, bob)
    for name, one in (("support", support), ("bob", bob)):
        draft = Draft()
        draft.set("User", one, {"status": "SUSPENDED"})
        past.did(name, draft, f"users suspend {name}", f"support {name} is called support")
    reads = [
        {"_id": ObjectId(), "kind": "event", "summary": [], "command": f"messages {verb}"}
        for verb in ("list", "support")
    ]
    reads[0]["command"] += " --sender support"
    database[AUDIT].insert_many(reads)

    apply(users.erase("support"))

    label = f"erased-{support['_id']}"
    commands = {
        event["_id"]: (event["command"], event.get("reason")) for event in database[AUDIT].find({"kind": "event"})
    }
    assert commands[past.events["support"]] == (f"users suspend {label}", f"{label} {label} is called {label}")
    assert commands[past.events["bob"]] == ("users suspend bob", "support bob is called support")
    assert [commands[read["_id"]][0] for read in reads] == [f"messages list --sender {label}", "messages support"]


@pytest.mark.parametrize("command", ["users export-data {id}", "messages list --sender BOB", "messages list"])
def test_the_name_is_removed_from_reasons_of_events_that_only_read_the_user_too(
    database: Documents, past: History, command: str
) -> None:
    about = command != "messages list"
    targets = [past.bob["_id"]] if "export" in command else []
    record_reading(command.format(id=past.bob["_id"]), "bob asked", targets)
    apply(users.erase("bob"))
    reason = f"erased-{past.bob['_id']} asked" if about else "bob asked"
    assert database[AUDIT].count_documents({"kind": "event", "reason": reason}) == 1


def test_erasing_one_imported_user_blanks_only_this_user_and_ends_the_undo_of_the_import(database: Documents) -> None:
    people = [user(f"user{number}", name=f"Person {number}") for number in range(300)]
    draft = Draft()
    for number, one in enumerate(people):
        if number % 100 == 0:
            draft.reserve(1000)
        draft.insert("User", one)
    event = apply(Changeset("users import people.csv", [], draft.batches, names=draft.names)).event
    assert database[IMAGES].count_documents({"event": event}) == 3

    apply(users.erase("user150"))

    assert found(database, ("user150", "Person 150")) == []
    assert found(database, ("user149@example.org", "Person 299")) == ["user149@example.org", "Person 299"]
    assert database[IMAGES].count_documents({"event": event}) == 0
    with pytest.raises(NotUndoableError):
        audit.undo(str(event))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users suspend ada", "users suspend X"),
        ("Ada, ada's (ada) ask ada.", "X, X's (X) ask X."),
        ("ada-2 canada ada@x.org ada.b _ada", "ada-2 canada ada@x.org ada.b _ada"),
        ("from ADA@Example.org.", "from X."),
        ("a.ada@example.org ada@example.org.uk", "a.ada@example.org ada@example.org.uk"),
        ("x… (1,200 characters)", "x… (1,200 characters)"),
        ("users suspend bob ada@exa… (1,200 characters)", "users suspend bob X… (1,200 characters)"),
    ],
)
def test_a_name_is_removed_only_as_a_whole_word(text: str, expected: str) -> None:
    assert replace_words(text, ["ada", "ada@example.org", ""], "X") == expected
