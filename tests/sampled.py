"""Sample command lines for every command that uses the database. Lines of one command need different rights."""

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import typed
from bson import ObjectId
from people import Documents, messages
from typed import EVENT, MESSAGE, PROPOSAL

from database.own_collections import AUDIT, HOLDS, STATE
from tests.conftest import Chatctl, beside

NIGHT = ("--conversation", "Night shift")
PLACED = ObjectId("700000000000000000000003")
"""The id of the event that placed the hold `case-1`."""
LOOKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "users list": ((), ("--role", "support", "--permission", "user.read", "--provider", "google", "-o", "json")),
    "users show": (("ada",),),
    "users can": (("ada", "user.read"),),
    "users duplicates": ((), ("-o", "ids")),
    "users export-data": (("ada", "--to", "ada.zip", "--overwrite"),),
    "users export": (("--with-password-hashes",),),
    "roles list": ((),),
    "roles show": (("support",),),
    "roles matrix": ((),),
    "roles diff": (("support", "temp"),),
    "permissions list": ((),),
    "permissions show": (("user.read",),),
    "access report": ((), ("--privileged", "support")),
    "access who": (("user.read",),),
    "access diff": (("ada", "bob"),),
    "access review": ((), ("--role", "support")),
    "conversations list": ((), ("--user", "ada")),
    "conversations show": (("Night shift",),),
    "conversations transcript": (("Night shift",), ("Night shift", "--last", "1")),
    "messages list": ((*NIGHT, "--sender", "ada"),),
    "messages search": (("kettle",),),
    "messages show": ((str(MESSAGE),),),
    "messages tail": (NIGHT,),
    "seeds plan": (("seed.yaml",), ("full.yaml",)),
    "seeds export": ((),),
    "seeds test": (("seed.yaml", "--live"),),
    "proposals list": ((), ("--state", "all")),
    "proposals show": ((str(PROPOSAL),),),
    "audit list": ((), ("--target", "ada")),
    "audit show": ((str(EVENT),),),
    "holds list": ((),),
    "holds show": (("case-1",),),
    "holds check": ((), ("case-1",)),
    "holds export": (("case-1", "--to", "case.zip", "--overwrite"),),
    "retention plan": (("retention.yaml",), ("users.yaml",)),
    "db status": ((),),
    "whoami": ((),),
    "db check": ((),),
    "db stats": ((),),
    "db indexes": ((),),
    "db copy": (("--to", "copy", "--dry-run"),),
}
MORE: dict[str, tuple[tuple[str, ...], ...]] = {
    "users create": (("--email", "e@b.c", "--username", "eve", "--no-password", "--role", "support", "--phone", "1"),),
    "users update": (("ada", "--phone", "1"), ("bob", "--phone", "1"), ("ada", "--email", "x@example.org")),
    "users delete": (("ada",), ("ada", "--keep-conversations"), ("ada", "--forever")),
    "users erase": (("ada", "--with-messages"),),
    "users merge": (("ada", "--into", "bob", "--roles", "union"), ("bob", "--into", "ada"), ("ada", "--into", "cyd")),
    "users import": (("changes.csv", "--on-conflict", "update"), ("linked.csv", "--on-conflict", "update")),
    "audit undo": ((str(PLACED),),),
    "retention apply": (("users.yaml", "--max", "99"),),
    "roles create": (("intern", "--permission", "user.read"),),
    "roles delete": (("support", "temp"),),
    "db repair": (("--rule", "one-sided-link"), ("--rule", "secret-in-trail")),
    "seeds apply": (("full.yaml",), ("seed.yaml", "--prune", "--allow-members")),
}
INSTEAD = {"db unprotect": ("--expect", "prod")}
"""Command → the words to type after it. In these tests, the words in `typed.WRITES` would change nothing."""
WRITING = {"db indexes": "db indexes --apply", "access review": "access review FILE"}
"""Command that writes only with an additional word → its name in `actions.database.server_roles`."""
PROPOSING = "every write with --propose"
BEFORE: dict[tuple[str, ...], tuple[str, ...]] = {
    ("users", "erase", "ada", "--with-messages"): ("users", "suspend", "ada", "--yes"),
    ("seeds", "apply", "seed.yaml", "--prune", "--allow-members"): ("seeds", "apply", "few.yaml", "--yes"),
    ("conversations", "transcript", "Night shift", "--last", "1"): ("db", "protect", "prod", "--audit-reads", "--yes"),
    ("db", "unprotect", "--expect", "prod"): ("db", "protect", "prod", "--yes"),
}
"""Command line → the line to type before it, so that the command has something to do."""

FULL = """
version: 1
permissions: [user.read, role.read]
roles:
  - name: helpdesk
    renamed_from: support
    permissions: [role.read]
  - name: boss
    protected: true
    permissions: ["*"]
users:
  - {email: eve@example.org, username: eve, roles: [boss]}
  - {email: cyd@example.org, username: cyd, roles: [helpdesk]}
"""


EMPTY = {"db generate", "db indexes --apply"}

USERS = """
version: 1
retention:
  - {name: asleep, users: {inactive_for: 20d, do: suspend}}
  - {name: gone, users: {inactive_for: 30d, do: erase, role: support}}
  - {name: old, messages: {older_than: 30d, role: support, conversation: Night shift, keep_last: 2}}
"""


FEW = """
version: 1
roles:
  - {name: intern, permissions: []}
"""


OLD = {
    "kind": "part",
    "event": EVENT,
    "batch": 0,
    "targets": [],
    "names": [],
    "changes": [{"op": "insert", "collection": "Role", "ids": [], "fields": [{"field": "token", "to": "7"}]}],
}
"""A part of an event, as older versions of chatctl stored it: with a secret value."""


class Sample(NamedTuple):
    """A command line to try.

    `command` is the name of the command in `actions.database.server_roles`. `before` is a line to type first. If
    `empty` is true, the database has no collections.
    """

    command: str
    line: tuple[str, ...]
    before: tuple[str, ...] = ()
    empty: bool = False

    @property
    def code(self) -> int:
        """Return the expected exit code: `db check` finds a fault, `messages tail` is interrupted, others succeed."""
        return {"db check": 1, "messages tail": 130}.get(self.command, 0)

    def settle(self, database: Documents, chatctl: Chatctl) -> None:
        """Fill or empty the database, and run the line `before`, so that the command line has something to do."""
        there = database.list_collection_names()
        for name in there:
            (database[name].drop if self.empty else partial(database[name].delete_many, {}))()
        if self.empty:
            return
        if STATE not in there:
            chatctl("db", "indexes", "--apply")
        settle(database)
        database[AUDIT].insert_one(dict(OLD))
        if self.command == "holds add":  # the first hold creates this collection, so the collection must not exist
            database[HOLDS].drop()
        if self.before:
            chatctl(*self.before)


def samples() -> Iterator[Sample]:
    """Yield samples for all commands. The first sample of a command is the simplest."""
    for command, ways in LOOKS.items():
        lines = [(*command.split(), *words) for words in ways]
        yield from (Sample(command, line, BEFORE.get(line, ())) for line in lines)
    yield Sample(PROPOSING, ("users", "suspend", "ada", "--propose", "--reason", "spam"))
    for command, first in typed.WRITES.items():
        for words in (INSTEAD.get(command, first), *MORE.get(command, ())):
            line = (*command.split(), *words)
            name = WRITING.get(command, command)
            yield Sample(name, (*line, "--yes"), BEFORE.get(line, ()), name in EMPTY)


def lay_out(folder: Path) -> None:
    typed.lay_out(folder)
    add_context(folder, "copy", beside(os.environ["MONGODB_DATABASE_URL"]))
    (folder / "full.yaml").write_text(FULL)
    (folder / "few.yaml").write_text(FEW)
    (folder / "users.yaml").write_text(USERS)
    linked = "ada@example.org,ada,google:ada-google;github:ada\ndot@example.org,dot,google:dot\n"
    (folder / "linked.csv").write_text(f"email,username,accounts\n{linked}")
    (folder / "changes.csv").write_text("email,username,phoneNumber,roles\nada@example.org,ada,2,support\n")


def add_context(folder: Path, name: str, url: str) -> None:
    """Write a configuration file that contains a context."""
    config = folder / ".config" / "chatctl" / "config.toml"
    config.parent.mkdir(parents=True, mode=0o700)
    config.touch(mode=0o600)
    config.write_text(f"[contexts.{name}]\nurl = {json.dumps(url)}\n")


def settle(database: Documents) -> None:
    """Insert more data than `typed.settle`, so that some commands need several batches, or have faults to repair."""
    typed.settle(database)
    ada, bob = (database["User"].find_one({"username": name}, {"_id": 1}) or {} for name in ("ada", "bob"))
    database["Profile"].insert_one({"userId": ada["_id"], "phoneNumber": "+44 20 7946 0000"})
    account = {"type": "oauth", "provider": "github", "providerAccountId": "bob-github"}
    database["Account"].insert_one({"userId": str(bob["_id"]), **account})
    typed.keep_event(database, PLACED, "holds add case-1", HOLDS, database[HOLDS].find_one() or {})
    [place] = database["Conversation"].distinct("_id")
    messages(database, place, ada["_id"], *"abcdefgh", seen=(bob["_id"],))
    database["Permission"].update_one({"name": "user.suspend"}, {"$push": {"rolesIds": ObjectId()}})
