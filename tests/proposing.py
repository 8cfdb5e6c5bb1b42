"""Propose commands, and compare databases before and after."""

import json
from typing import Any

from people import Documents

from tests.conftest import Chatctl

OURS = {"chatctl_audit", "chatctl_images", "chatctl_proposals"}


def stored(database: Documents) -> dict[str, list[dict[str, Any]]]:
    """Return all documents except chatctl's own records. Lists are sorted, because an undo may change their order."""
    names = sorted({*database.list_collection_names()} - OURS)
    found = {name: sorted(database[name].find(), key=lambda one: str(one["_id"])) for name in names}
    for document in (document for documents in found.values() for document in documents):
        document.update({name: sorted(value) for name, value in document.items() if isinstance(value, list)})
    return found


def without_locks(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: documents
        for name, all_ in found.items()
        if (documents := [one for one in all_ if not str(one["_id"]).startswith("lock:")])
    }


def propose(chatctl: Chatctl, *line: object) -> str:
    """Propose a command, and return the id of the proposal."""
    said = json.loads(chatctl(*line, *WHY, "-o", "json").stdout)
    [result] = said["results"]
    assert result["outcome"] == "proposed"
    return str(result["id"])


WHY = ("--propose", "--reason", "a customer asked")


UNPROPOSABLE = {
    "users set-password": (2, "sets a password"),
    "users erase": (5, "would keep the data that it erases"),
    "db generate": (2, "sets a password"),
}
"""Command that cannot be proposed → the exit code, and a part of the error."""


ABOUT_PROPOSALS = {"proposals approve", "proposals reject", "proposals withdraw"}
