"""Only the role `admin` of `db roles` can delete from the audit trail or read the data for an undo."""

import pytest
import sampled
import typed

from actions.database.server_roles import ADMIN, ROLES, WITHOUT_RIGHTS, Role


def test_every_command_is_for_the_admin_or_needs_no_rights() -> None:
    commands = {name for name, _ in typed.commands()} | {*sampled.WRITING.values(), sampled.PROPOSING}
    assert commands == ADMIN.commands | set(WITHOUT_RIGHTS)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_only_the_admin_can_delete_from_the_audit_trail(role: Role) -> None:
    """A TTL index deletes documents, so the right to create indexes includes the right to delete."""
    allowed = {action for collection, action in role.privileges() if collection == "chatctl_audit"}
    forgetting = allowed & {"update", "remove", "createIndex", "collMod", "dropCollection"}
    assert forgetting == ({"update", "remove", "createIndex"} if role is ADMIN else set())


def test_only_the_admin_can_read_the_data_for_an_undo() -> None:
    assert [role.name for role in ROLES if ("chatctl_images", "find") in role.privileges()] == ["admin"]
