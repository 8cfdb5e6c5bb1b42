"""Protect a database with a marker, and remove the marker."""

from actions.rules.checked_changeset import checked_changeset
from changes import Changeset, Draft, Result
from database import connection
from database.errors import InvalidInputError
from database.own_collections import STATE
from database.protection import MARKER_ID, Marker, marker_document
from database.wording import shown
from models.names import EASY, HOW_EASY


def protect(name: str, *, mask_bodies: bool = False, audit_reads: bool = False) -> Changeset:
    """Mark the database as protected, or change the name and the options of its marker.

    Raises `InvalidInputError` for a name that is hard to type.
    """
    if not EASY.fullmatch(name):
        raise InvalidInputError(f"{shown(name)} cannot be the name of a protected database", HOW_EASY)
    wanted = marker_document(Marker(name, mask_bodies, audit_reads))
    draft = Draft()
    if found := connection.database()[STATE].find_one({"_id": MARKER_ID}):
        draft.set(STATE, found, wanted)
    else:
        draft.insert(STATE, wanted)
    options = [*(["--mask-bodies"] if mask_bodies else []), *(["--audit-reads"] if audit_reads else [])]
    return _changeset(" ".join(["db protect", name, *options]), draft, name, "protected")


def unprotect() -> Changeset:
    """Remove the marker, if there is one."""
    draft = Draft()
    found = connection.database()[STATE].find_one({"_id": MARKER_ID})
    if found:
        draft.delete(STATE, found)
    return _changeset("db unprotect", draft, str((found or {}).get("name", connection.target().name)), "unprotected")


def _changeset(command: str, draft: Draft, name: str, outcome: str) -> Changeset:
    return checked_changeset(command, draft, [Result(None, name, outcome if draft.changes else "unchanged")])
