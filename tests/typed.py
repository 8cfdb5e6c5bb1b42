"""A command line for every command that writes, and a database in which each command has something to do."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
from bson import ObjectId
from people import BEGAN, Documents, conversation, person
from samples import permission, role
from typer.main import get_command

from actions import plan_files
from changes import Changeset, Insert, Set, Update, events, plans
from changes.events import encode_changes
from cli.app import app
from cli.commands import GROUPS
from database import connection

EVENT = ObjectId("700000000000000000000001")
"""The id of the event that created the role `temp`."""
PROPOSAL, OWN_PROPOSAL = ObjectId("710000000000000000000001"), ObjectId("720000000000000000000001")
"""The ids of two proposals to suspend cyd. Another person has made the first proposal, the current user the second."""
MESSAGE = ObjectId("690000000000000000000001")
ADA = ObjectId("680000000000000000000001")

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
    "users merge": ("cyd", "--into", "ada"),
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
    "access review": ("sheet.csv",),
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
    "proposals approve": (str(PROPOSAL),),
    "proposals reject": (str(PROPOSAL),),
    "proposals withdraw": (str(OWN_PROPOSAL),),
    "apply": ("plan.json",),
    "audit undo": (str(EVENT),),
    "audit prune": ("--before", "2999-01-01"),
    "holds add": ("case-2", "--user", "ada", "--reason", "a letter"),
    "holds release": ("case-1",),
    "retention apply": ("retention.yaml", "--max", "9"),
    "db indexes": ("--apply",),
    "db repair": (),
    "db protect": ("prod",),
    "db unprotect": (),
    "db generate": ("--users", "3", "--conversations", "1", "--messages", "2"),
}
"""Command that writes → the words to type after the command.

After `settle` and `lay_out`, each command has something to do, with two exceptions: `db generate` requires an empty
database, and `db unprotect` requires a protected one.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command: its words, and its Click command."""
    root: Any = get_command(app)
    for name in root.list_commands(None):
        command = root.get_command(None, name)
        below = command.list_commands(None) if name in GROUPS else []
        yield from (
            ((f"{name} {word}", command.get_command(None, word)) for word in below) if below else [(name, command)]
        )


def is_write(command: Any) -> bool:
    """Tell whether a command writes to the target database. `db copy` only reads it, and writes to another database."""
    names = {parameter.name for parameter in command.params}
    return "dry_run" in names and "local_as" not in names


def lay_out(folder: Path) -> None:
    """Write the files that the command lines in `WRITES` name."""
    (folder / "people.csv").write_text("email,username\neve@example.org,eve\n")
    (folder / "sheet.csv").write_text(f"id,role,keep\n{ADA},support,no\n")
    (folder / "seed.yaml").write_text("version: 1\npermissions: [role.read]\n")
    (folder / "retention.yaml").write_text("version: 1\nretention: [{name: old, messages: {older_than: 1d}}]\n")
    if "MONGODB_DATABASE_URL" in os.environ:
        create = Insert("Permission", {"_id": ObjectId(), "name": "role.write", "rolesIds": []})
        connection.choose()
        (folder / "plan.json").write_text(plan_files.dump(Changeset("permissions create role.write", [], [[create]])))
        connection.choose()


def settle(database: Documents) -> None:
    """Insert users, two roles, a conversation, a one-sided link, a hold, and an event that can be undone."""
    read, suspend = permission("user.read"), permission("user.suspend")
    support, temp = role("support", permissionsIds=[read["_id"]]), role("temp")
    database["Permission"].insert_many([{**read, "rolesIds": [support["_id"]]}, suspend])
    database["Role"].insert_many([support, temp])
    ada = person(database, "ada", _id=ADA, roles=("support",), hashedPassword="$2b$04$" + "x" * 53)
    bob, cyd = person(database, "bob", status="SUSPENDED"), person(database, "cyd")
    account = {"userId": ada, "type": "oauth", "provider": "google", "providerAccountId": "ada-google"}
    database["Account"].insert_one(account)
    place = conversation(database, ada, bob, name="Night shift")
    said = {
        "body": "who has the kettle?",
        "createAt": BEGAN,
        "seenIds": [ada],
        "conversationId": place,
        "senderId": ada,
    }
    database["Message"].insert_one({"_id": MESSAGE, **said})
    database["Conversation"].update_one({"_id": place}, {"$push": {"messagesIds": MESSAGE}})
    database["User"].update_one({"_id": cyd}, {"$push": {"seenMessageIds": MESSAGE}})
    suspended = Update("User", (cyd,), {"status": Set("ACTIVE", "SUSPENDED")})
    for proposal, who in ((PROPOSAL, "zoe"), (OWN_PROPOSAL, events.system_user())):
        propose(database, proposal, who, plans.Plan("users suspend cyd", [[suspended]]))
    hold = {"kind": "hold", "name": "case-1", "placed": BEGAN, "users": [], "conversations": [ObjectId()]}
    database["chatctl_holds"].insert_one(hold)
    keep_event(database, EVENT, "roles create temp", "Role", temp)


def keep_event(database: Documents, event: ObjectId, command: str, collection: str, document: dict[str, Any]) -> None:
    """Insert an event that has inserted a document and can be undone."""
    head = {"at": BEGAN, "actor": {"os": "ada"}, "command": command, "whole": True, "undoable": True}
    database["chatctl_audit"].insert_one({"_id": event, "kind": "event", "summary": [], **head})
    [data] = encode_changes([Insert(collection, document)])
    image = {"event": event, "at": datetime.now(UTC), "batch": 0, "parts": 1, "part": 0, "data": data}
    database["chatctl_images"].insert_one(image)


def propose(database: Documents, proposal: ObjectId, who: str, plan: plans.Plan) -> None:
    """Insert a plan as a proposal of the person `who`."""
    by = {"actor": {"os": who, "host": "office"}, "by": {"system": who}, "at": datetime.now(UTC)}
    targets = [identifier for change in plan.changes for identifier in change.ids]
    about = {"command": plan.command, "reason": "spam", "documents": 1_000_000, "targets": targets}
    data = bson.encode({"plan": plans.encoded(plan)})
    kept = {"kind": "proposal", "parts": 1, "data": data, "expires": datetime.now(UTC) + timedelta(days=1)}
    database["chatctl_proposals"].insert_one({"_id": proposal, **by, **about, **kept})
    if plan.key_entry:
        event = {"_id": ObjectId(), "kind": "event", **by, "command": f"{plan.command} --propose", "summary": []}
        part = {"kind": "part", "event": event["_id"], "targets": [plan.id], "changes": [], "names": []}
        database["chatctl_audit"].insert_many([{**event, "planKey": plan.key_entry, "whole": True}, part])
