"""After any commands about users, all links have two sides, and undos in reverse order restore the data."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import SEVEN, Documents, conversation, links, messages, person, stored

from actions import audit, roles, users
from changes import Changeset, apply
from database.errors import ChatctlError

pytestmark = pytest.mark.usefixtures("either")

NAMES: Final = ("ada", "grace", "alan", "new")
ROLES: Final = ("support", "viewer")
EITHER = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

COMMANDS: Final[dict[str, Callable[[list[str], str], Changeset]]] = {
    "create": lambda who, role: users.create("new@example.org", "new", roles=[role], profile={"address": who[0]}),
    "update": lambda who, role: users.update(
        who[0], email=f"{role}.{who[0]}@example.org", name=role, profile={"phoneNumber": role, "address": ""}
    ),
    "suspend": lambda who, _: users.suspend(who),
    "reinstate": lambda who, _: users.reinstate(who),
    "verify": lambda who, _: users.verify_email(who),
    "password": lambda who, _: users.set_password(who[0], "7 kettles on the quiet pier"),
    "no password": lambda who, _: users.set_password(who[0], None, allow_lockout=True),
    "grant": lambda who, role: users.grant(who, [role]),
    "revoke": lambda who, role: users.revoke(who, [role]),
    "unlink": lambda who, _: users.unlink(who[0], "google", allow_lockout=True),
    "delete": lambda who, _: users.delete(who),
    "delete alone": lambda who, _: users.delete(who, keep_conversations=True),
    "delete role": lambda _, role: roles.delete([role]),
}

STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(COMMANDS)),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True),
        st.sampled_from(ROLES),
    ),
    max_size=8,
)


def settle(database: Documents) -> None:
    for name in SEVEN:
        database[name].delete_many({})
    for name in ROLES:
        database["Role"].insert_one({"_id": ObjectId(), "name": name, "userIds": [], "permissionsIds": []})
    ada, grace, alan = person(database, "ada", roles=ROLES), person(database, "grace"), person(database, "alan")
    database["Account"].insert_one({"userId": ada, "type": "oauth", "provider": "google", "providerAccountId": "1"})
    database["Profile"].insert_one({"_id": ObjectId(), "userId": grace, "address": "Pier 7"})
    direct, group = conversation(database, ada, grace), conversation(database, ada, grace, alan, name="engines")
    messages(database, direct, ada, "one", "two", seen=(grace,))
    messages(database, group, grace, "three", seen=(ada, alan))
    messages(database, group, alan, "four", "five", seen=(ada,), after=3)


def done(steps: list[Any]) -> list[ObjectId]:
    """Run the steps that are possible, and return the ids of their events."""
    events = []
    for command, who, role in steps:
        with suppress(ChatctlError):  # the user does not exist, or already exists
            if event := apply(COMMANDS[command](who, role)).event:
                events.append(event)
    return events


@EITHER
@given(steps=STEPS)
def test_any_commands_keep_both_sides_of_links_and_can_be_undone_in_reverse_order(
    database: Documents, steps: list[Any]
) -> None:
    settle(database)
    was = stored(database)
    events = done(steps)
    links(database)
    assert dangling(database) == []
    for event in reversed(events):
        apply(audit.undo(str(event), allow_lockout=True))
        links(database)
    assert stored(database) == was


@EITHER
@given(steps=STEPS, undone=st.integers(0, 7))
def test_an_undo_of_an_earlier_event_is_refused_or_keeps_both_sides_of_links(
    database: Documents, steps: list[Any], undone: int
) -> None:
    settle(database)
    events = done(steps)
    if events:
        with suppress(ChatctlError):
            apply(audit.undo(str(events[undone % len(events)])))
    links(database)
    assert dangling(database) == []


def dangling(database: Documents) -> list[Any]:
    """Find children without a required parent. Such documents break the application."""
    there = {name: {document["_id"] for document in database[name].find({}, ["_id"])} for name in SEVEN}
    needs = (
        ("Profile", "userId", "User"),
        ("Account", "userId", "User"),
        ("Message", "senderId", "User"),
        ("Message", "conversationId", "Conversation"),
    )
    return [d for name, field, parent in needs for d in database[name].find() if d[field] not in there[parent]]
