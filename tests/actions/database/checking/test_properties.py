"""After any sequence of commands, a check finds only faults that a user can cause on purpose with a command."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import Documents, stored
from planting import FAULTS, settle

from actions import audit, conversations, messages, permissions, roles, users
from actions.database.checking import check, repair
from changes import Changeset, apply
from database import connection
from database.errors import ChatctlError

pytestmark = pytest.mark.usefixtures("either")

CHOSEN: Final = {"lone-conversation", "foreign-sender", "foreign-seen"}
"""The rules whose faults a user can cause on purpose with a command."""
PEOPLE: Final = ("ada", "grace", "alan", "new")
ROLES: Final = ("support", "viewer", "copy")
EITHER = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

Command = Callable[[list[str], str], Changeset]

OF_USERS: Final[dict[str, Command]] = {
    "create": lambda who, role: users.create(
        f"New{len(who)}@example.org", "new", roles=[role], profile={"address": "Pier"}
    ),
    "update": lambda who, role: users.update(who[0], email=f"{role}.{who[0]}@Example.org", profile={"address": role}),
    "suspend": lambda who, _: users.suspend(who),
    "reinstate": lambda who, _: users.reinstate(who),
    "verify": lambda who, _: users.verify_email(who),
    "password": lambda who, _: users.set_password(who[0], "7 kettles on the quiet pier"),
    "grant": lambda who, role: users.grant(who, [role]),
    "revoke": lambda who, role: users.revoke(who, [role]),
    "unlink": lambda who, _: users.unlink(who[0], "google", allow_lockout=True),
    "delete": lambda who, _: users.delete(who),
    "delete alone": lambda who, _: users.delete(who, keep_conversations=True),
    "erase": lambda who, _: users.erase(who[0]),
}
OF_ROLES: Final[dict[str, Command]] = {
    "create role": lambda _, role: roles.create(role, ["user.read"]),
    "copy role": lambda _, role: roles.copy(role, "copy"),
    "rename role": lambda _, role: roles.rename(role, "copy"),
    "delete role": lambda _, role: roles.delete([role]),
    "grant role": lambda _, role: roles.grant(role, ["user.read", "user.write"]),
    "revoke role": lambda _, role: roles.revoke(role, ["user.read"]),
    "create permission": lambda _, __: permissions.create(["user.write"]),
    "rename permission": lambda _, __: permissions.rename("user.write", "user.change"),
    "delete permission": lambda _, __: permissions.delete(["user.read"]),
}
OF_TALK: Final[dict[str, Command]] = {
    "talk": lambda who, _: conversations.create(who),
    "group": lambda who, role: conversations.create([*who, "grace"], name=role),
    "add": lambda who, role: conversations.add(one_of("Conversation", role), who),
    "remove": lambda who, role: conversations.remove(one_of("Conversation", role), who),
    "rename": lambda _, role: conversations.rename(one_of("Conversation", role), f"the {role}"),
    "end": lambda _, role: conversations.delete([one_of("Conversation", role)]),
    "send": lambda who, role: messages.send(one_of("Conversation", role), who[0], body=role),
    "redact": lambda _, role: messages.redact([one_of("Message", role)]),
    "take away": lambda _, role: messages.delete([one_of("Message", role)]),
    "purge": lambda who, _: messages.purge(datetime.now(UTC), sender=who[0], keep_last=len(who)),
}
COMMANDS: Final = OF_USERS | OF_ROLES | OF_TALK
"""Name of a command → a function that plans it for some users and a role."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from([*sorted(COMMANDS), "undo"]),
        st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True),
        st.sampled_from(ROLES),
    ),
    max_size=8,
)


def one_of(collection: str, role: str) -> str:
    """Return the id of a document of a collection. The name of the role decides which document this is."""
    ids = [str(one["_id"]) for one in connection.database()[collection].find().sort("_id")]
    return ids[ROLES.index(role) % len(ids)] if ids else str(ObjectId())


def do(steps: list[Any]) -> None:
    """Run all steps that are possible with the present data. The step `undo` undoes the last command."""
    events: list[ObjectId] = []
    for command, who, role in steps:
        with suppress(ChatctlError):  # the user does not exist, or already exists
            undone = command == "undo" and events
            if command != "undo" or undone:
                change = audit.undo(str(events.pop())) if undone else COMMANDS[command](who, role)
                if event := apply(change).event:
                    events.append(event)


@EITHER
@given(steps=STEPS)
def test_no_command_causes_a_fault_that_the_user_did_not_cause_on_purpose(
    database: Documents, steps: list[Any]
) -> None:
    settle(database)
    do(steps)
    assert {row["rule"] for row in check()} <= CHOSEN


@EITHER
@given(planted=st.lists(st.sampled_from(range(len(FAULTS))), min_size=1, max_size=5, unique=True))
def test_a_second_repair_finds_nothing_and_the_first_is_undone_completely(
    database: Documents, planted: list[int]
) -> None:
    ids = settle(database)
    for number in planted:
        with suppress(Exception):  # Some faults prevent others, so some combinations of faults cannot be planted.
            if FAULTS[number].rule not in {"oversized", "missing-index", "misnamed-index"}:
                FAULTS[number].plant(database, ids)
    was = stored(database)
    change = repair()
    event = apply(change).event
    repaired = {result.ref for result in change.results if result.outcome == "repaired"}
    if event and "missing-index" not in repaired:
        assert not repaired & {result.ref for result in repair().results if result.outcome == "repaired"}
        apply(audit.undo(str(event)))
        assert stored(database) == was
