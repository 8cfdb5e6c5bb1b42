"""A command notices changes that other programs make after its plan and before its write."""

import time
from datetime import timedelta

import pytest
from bson import ObjectId
from people import BEGAN, Documents, conversation, links, messages, person, stored

from actions import audit, conversations, users
from actions import messages as acting
from actions.errors import NotParticipantError, OneToOneError, UnknownNameError
from changes import apply
from changes.undoing import ChangedSinceError, StillNeededError
from database.errors import ConflictError

pytestmark = pytest.mark.usefixtures("either")

Ids = dict[str, ObjectId]


@pytest.fixture
def world(database: Documents) -> Ids:
    ids = {name: person(database, name) for name in ("ada", "grace", "alan")}
    ids["group"] = conversation(database, *ids.values(), name="engines")
    return ids


def test_a_message_to_a_deleted_conversation_is_refused(database: Documents, world: Ids) -> None:
    planned = acting.send("engines", "ada", body="hello")
    apply(conversations.delete(["engines"]))
    with pytest.raises(UnknownNameError):
        apply(planned)
    assert database["Message"].count_documents({}) == 0


@pytest.mark.parametrize("later", [False, True], ids=["moved", "left"])
def test_a_sender_who_left_the_conversation_cannot_send(database: Documents, world: Ids, *, later: bool) -> None:
    if later:
        database["Conversation"].update_one({}, {"$set": {"lastMessageAt": BEGAN + timedelta(99_999)}})
        database["Conversation"].update_one({}, {"$unset": {"messagesIds": 1}})
    planned = acting.send("engines", "ada", body="hello")
    apply(conversations.remove("engines", ["ada"]))
    with pytest.raises(NotParticipantError):
        apply(planned)
    assert database["Message"].count_documents({}) == 0


def test_a_message_is_sent_even_if_others_join_and_write_at_the_same_time(database: Documents, world: Ids) -> None:
    planned = acting.send("engines", "ada", body="hello")
    edith = person(database, "edith")
    apply(conversations.add("engines", ["edith"]))
    apply(conversations.remove("engines", ["alan"]))
    late = apply(acting.send("engines", "edith", body="before you")).changeset
    assert apply(planned).event
    links(database)
    group = database["Conversation"].find_one() or {}
    newest = max(message["createAt"] for message in database["Message"].find())
    assert (group["lastMessageAt"], len(group["messagesIds"])) == (newest, 2)
    assert edith in group["userIds"]
    assert late.changed == 1


def test_a_message_sent_before_the_deletion_of_its_conversation_is_deleted_too(database: Documents, world: Ids) -> None:
    planned = conversations.delete(["engines"])
    messages(database, world["group"], world["ada"], "wait")
    apply(planned)  # Messages that are sent before the batch is made are deleted too.
    assert database["Conversation"].count_documents({}) == database["Message"].count_documents({}) == 0


def test_a_message_that_was_changed_after_the_plan_is_not_redacted(database: Documents, world: Ids) -> None:
    [one] = messages(database, world["group"], world["ada"], "hello")
    planned = acting.redact([str(one)])
    database["Message"].update_one({"_id": one}, {"$set": {"body": "edited"}})
    with pytest.raises(ConflictError, match="was changed while this command ran"):
        apply(planned)


def test_a_one_to_one_conversation_created_twice_exists_once(database: Documents, world: Ids) -> None:
    planned = [conversations.create(pair) for pair in (["ada", "grace"], ["grace", "ada"])]
    first, then = map(apply, planned)
    assert first.event
    assert then.event is None
    assert [result.outcome for result in then.changeset.results] == ["unchanged"]
    assert database["Conversation"].count_documents({"isGroup": None}) == 1
    links(database)


def test_a_conversation_with_one_participant_gets_a_second_but_no_third(database: Documents, world: Ids) -> None:
    alone = str(conversation(database, world["ada"]))
    planned = [conversations.add(alone, [name]) for name in ("grace", "alan")]
    apply(planned[0])
    with pytest.raises(OneToOneError):
        apply(planned[1])
    links(database)
    with pytest.raises(OneToOneError):
        conversations.add(alone, ["alan"])


def test_a_change_of_a_one_sided_link_after_the_plan_causes_a_new_plan(database: Documents, world: Ids) -> None:
    database["User"].update_one({"username": "ada"}, {"$pull": {"conversationIds": world["group"]}})
    planned = conversations.add("engines", ["ada"])
    apply(conversations.remove("engines", ["ada"]))
    assert apply(planned).event
    links(database)
    assert world["ada"] in (database["Conversation"].find_one({"name": "engines"}) or {})["userIds"]


def test_a_user_deleted_after_the_plan_is_not_added_to_a_conversation(database: Documents, world: Ids) -> None:
    person(database, "edith")
    planned = conversations.add("engines", ["edith"]), conversations.create(["ada", "edith"])
    database["User"].delete_one({"username": "edith"})
    for one in planned:
        with pytest.raises(UnknownNameError):
            apply(one)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (2, 0, 1)], ids=str)
def test_sending_several_messages_can_be_undone_in_any_order(
    database: Documents, world: Ids, order: tuple[int, ...]
) -> None:
    messages(database, world["group"], world["ada"], "first")
    was, events = stored(database), []
    for number in range(3):
        events.append(apply(acting.send("engines", "ada", body=str(number))).event)
        time.sleep(0.002)
    for number in order:
        apply(audit.undo(str(events[number])))
        last = max(message["createAt"] for message in database["Message"].find())
        assert (database["Conversation"].find_one() or {})["lastMessageAt"] == last
    assert stored(database) == was


@pytest.mark.parametrize("gone", ["conversation", "sender"])
def test_a_message_is_not_restored_without_its_conversation(database: Documents, world: Ids, gone: str) -> None:
    messages(database, world["group"], world["grace"], "first", seen=(world["ada"],))
    [last] = messages(database, world["group"], world["alan"], "last", seen=(world["ada"],), after=5)
    event = str(apply(acting.delete([str(last)])).event)
    apply(conversations.delete(["engines"]) if gone == "conversation" else users.delete(["alan"]))
    was = database["Conversation"].find_one({}, ["lastMessageAt"])
    with pytest.raises(ChangedSinceError, match="was deleted after this event"):
        audit.undo(event)
    apply(audit.undo(event, force=True))
    links(database)
    assert database["Message"].find_one({"_id": last}) is None
    assert database["Conversation"].find_one({}, ["lastMessageAt"]) == was


@pytest.mark.parametrize("force", [False, True])
def test_the_creation_of_a_conversation_with_messages_is_not_undone(
    database: Documents, world: Ids, *, force: bool
) -> None:
    created = apply(conversations.create(["ada", "grace"]))
    place = created.changeset.results[0].id
    apply(acting.send(str(place), "ada", body="hello"))
    with pytest.raises(StillNeededError, match=f"conversation {place} got a new message after this event") as refused:
        audit.undo(str(created.event), force=force)
    assert refused.value.hint == f"delete the conversation with all its data: chatctl conversations delete {place}"


@pytest.mark.parametrize("first", [0, 1])
def test_after_undoing_deletions_in_any_order_the_time_of_the_last_message_is_right(
    database: Documents, world: Ids, first: int
) -> None:
    ids = messages(database, world["group"], world["ada"], "one", "two")
    before = stored(database)
    events = [apply(acting.delete([str(identifier)])).event for identifier in ids]
    apply(audit.undo(str(events[first])))
    there = [message["createAt"] for message in database["Message"].find()]
    assert [group["lastMessageAt"] for group in database["Conversation"].find()] == there
    apply(audit.undo(str(events[1 - first])))
    assert stored(database) == before
