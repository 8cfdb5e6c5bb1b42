"""Every command that writes, as it may be typed, and a database where each of them has something to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bson import ObjectId
from people import BEGAN, PASSWORD, Documents, conversation, messages, person
from typer.main import get_command

from cli.app import GROUPS, app

EVENT = ObjectId("700000000000000000000001")
"""Of the creation of the role `temp`."""
MESSAGE = ObjectId("690000000000000000000001")

WRITES: dict[str, tuple[str, ...]] = {
    "users create": ("--email", "eve@example.org", "--username", "eve", "--no-password"),
    "users update": ("ada", "--name", "Ada Lovelace"),
    "users suspend": ("ada",),
    "users reinstate": ("bob",),
    "users verify-email": ("cyd",),
    "users set-password": ("ada", "--generate-password"),
    "users grant": ("cyd", "--role", "support"),
    "users revoke": ("ada", "--role", "support"),
    "users unlink": ("ada", "google"),
    "users delete": ("cyd",),
    "users erase": ("cyd",),
    "users import": ("people.csv",),
    "roles create": ("intern",),
    "roles rename": ("support", "helpdesk"),
    "roles copy": ("support", "helpdesk"),
    "roles delete": ("support",),
    "roles grant": ("support", "user.suspend"),
    "roles revoke": ("support", "user.read"),
    "permissions create": ("role.read",),
    "permissions rename": ("user.read", "user.view"),
    "permissions delete": ("user.read",),
    "conversations create": ("ada", "cyd"),
    "conversations add": ("Night shift", "cyd"),
    "conversations remove": ("Night shift", "bob"),
    "conversations rename": ("Night shift", "Day shift"),
    "conversations delete": ("Night shift",),
    "messages send": ("--conversation", "Night shift", "--from", "ada", "--body", "hello"),
    "messages redact": (str(MESSAGE),),
    "messages delete": (str(MESSAGE),),
    "messages purge": ("--before", "2026-02-01"),
    "seeds apply": ("seed.yaml",),
    "audit undo": (str(EVENT),),
    "audit prune": ("--before", "2999-01-01"),
    "db indexes": ("--apply",),
    "db repair": (),
    "db generate": ("--users", "3", "--conversations", "1", "--messages", "2"),
}
"""Words of each command that writes → arguments behind them that are valid where `settle` and `lay_out` were."""


def commands() -> Iterator[tuple[str, Any]]:
    """Walk all commands of all groups: their words, and what Typer made of them."""
    root: Any = get_command(app)
    for group in GROUPS:
        for name, command in root.get_command(None, group).commands.items():
            yield f"{group} {name}", command


def lay_out(folder: Path) -> None:
    """Write the files that the arguments name."""
    (folder / "people.csv").write_text("email,username\neve@example.org,eve\n")
    (folder / "seed.yaml").write_text("version: 1\npermissions: [role.read]\n")
