"""The roles of `db roles` allow exactly the requests that their commands send."""

import importlib
import pkgutil
from pathlib import Path

import pytest
import sampled
import typed
from people import Documents
from reads import Needs, heard

import actions
from actions.database.server_roles import ADMIN, ROLES, WITHOUT_RIGHTS, Role
from database.privileges import Privilege
from tests.conftest import Chatctl

Measured = dict[tuple[str, ...], set[Privilege]]


def test_every_command_is_for_the_admin_or_needs_no_rights() -> None:
    commands = {name for name, _ in typed.commands()} | {*sampled.WRITING.values(), sampled.PROPOSING}
    assert commands == ADMIN.commands | set(WITHOUT_RIGHTS)


def test_every_command_has_a_sample() -> None:
    assert {sample.command for sample in sampled.samples()} == ADMIN.commands


def test_the_roles_allow_exactly_what_their_commands_need(
    chatctl: Chatctl, database: Documents, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in pkgutil.walk_packages(actions.__path__, "actions."):
        # Import all modules now: a module imported later would keep the values that this test sets.
        importlib.import_module(module.name)
    for limit, number in {
        "changes.draft.BATCH": 3,
        "actions.rules.checked_changeset.BATCH": 3,
        "actions.cascading_deletion.MESSAGES_PER_BATCH": 2,
        "database.following.AWAIT": 0.05,
    }.items():  # Small batches, because a write in several batches also needs the rights for a lease.
        monkeypatch.setattr(limit, number)
    sampled.lay_out(workspace)
    measured = {sample: measure(sample, database, chatctl) for sample in sampled.samples()}
    for role in ROLES:
        needed = set[Privilege]().union(
            *(found for sample, found in measured.items() if sample.command in role.commands)
        )
        assert needed == role.privileges(), role.name
        others = {sample.command for sample, found in measured.items() if found <= role.privileges()} - role.commands
        assert others == set(role.also_allowed), role.name


def measure(sample: sampled.Sample, database: Documents, chatctl: Chatctl) -> set[Privilege]:
    """Return the rights that a command line needs."""
    listener = Needs()
    sample.settle(database, chatctl)
    with heard(listener):
        chatctl(*sample.line, code=sample.code)
    return listener.found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_only_the_admin_can_delete_from_the_trail(role: Role) -> None:
    """A TTL index deletes documents, so the right to create indexes includes the right to delete."""
    allowed = {action for collection, action in role.privileges() if collection == "chatctl_audit"}
    forgetting = allowed & {"update", "remove", "createIndex", "collMod", "dropCollection"}
    assert forgetting == ({"update", "remove", "createIndex"} if role is ADMIN else set())


def test_only_the_admin_can_read_the_data_for_an_undo() -> None:
    assert [role.name for role in ROLES if ("chatctl_images", "find") in role.privileges()] == ["admin"]
