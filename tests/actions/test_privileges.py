"""What the commands send is what the roles of `db roles` allow: no more, and no less."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sampled
import typed
from people import Documents
from pymongo import monitoring
from reads import heard
from sampled import Sample

from actions.privileges import ADMIN, FREE, ROLES, SEEDER, SUPPORT_READ, SUPPORT_WRITE, Role
from models import privileges
from models.changes import draft
from models.privileges import Privilege, needed
from tests.conftest import Chatctl

KNOWN = {*privileges.ACTIONS, *privileges.OF_THE_DATABASE, *privileges.FREE}
UNREAD = {"db check": 1, "messages tail": 130}
"""How commands end that have found something, or that follow until somebody ends them."""


class Needs(monitoring.CommandListener):
    """Collect the rights that all needs which is sent; what follows the messages is ended after its first wait."""

    def __init__(self) -> None:
        self.found: set[Privilege] = set()
        self._following = False

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name not in KNOWN:
            self.found.add(("?", event.command_name))
        self.found |= needed(event.command)
        self._following |= "changeStream" in {action for _, action in needed(event.command)}

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if self._following and event.command_name == "getMore":
            self._following = False
            signal.raise_signal(signal.SIGINT)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """It was sent as well."""

def test_explore(chatctl: Chatctl, database: Documents, workspace: Path, monkeypatch) -> None:
    sampled.lay_out(workspace)
    for m in ("models.changes.draft","actions.planning"): monkeypatch.setattr(m+".BATCH",3)
    monkeypatch.setattr("models.following.AWAIT",.05)
    monkeypatch.setattr("actions.removing.MESSAGES",2)
    if "NOB" in os.environ: monkeypatch.undo
    listener = Needs()
    out = {}
    with heard(listener):
        database.client.drop_database(database.name)
        for k, v in [("db indexes --apply",("db","indexes","--apply")),("db generate",("db","generate","--users","3","--conversations","1","--messages","2"))]:
            database.client.drop_database(database.name)
            listener.found=set()
            chatctl(*v)
            out[k, "EMPTY"] = listener.found
        for s in sampled.samples():
            for c in database.list_collection_names(): database[c].delete_many({})
            if s.command != "db generate": sampled.settle(database)
            if s.before: chatctl(*s.before)
            listener.found=set()
            try: chatctl(*s.line, code=UNREAD.get(s.command,0))
            except AssertionError as e: print("FAILED", s, e)
            out[s.command, s.line] = listener.found
    for role in ROLES:
        got = set().union(*[v for (c, _), v in out.items() if c in role.commands])
        print(role.name, "MISSING", sorted(got-role.privileges()), "TOO MUCH", sorted(role.privileges()-got))
        print("  unsampled", set(role.commands)-{c for c,_ in out})
        print("  also", sorted({c for (c, _), v in out.items() if v <= role.privileges() and c not in role.commands}))
        print("  fully", sorted(c for c in {c for c,_ in out} if set().union(*[v for (d, _), v in out.items() if d==c]) <= role.privileges() and c not in role.commands))
