"""Our own collections, which lie beside the application's, and the marker in them that protects a database."""

from typing import Any, Final, NamedTuple

AUDIT: Final = "chatctl_audit"
"""Events: for ever, without secrets."""

IMAGES: Final = "chatctl_images"
"""What an undo needs, hashes included: for thirty days."""

STATE: Final = "chatctl_state"
"""Locks, leases, which roles are protected, what a seed owns, the marker of a protected database."""


MARKER_ID: Final = "marker"
"""The `_id` of the state document that is the marker."""


class Marker(NamedTuple):
    """The name of a protected database; whether message bodies are masked there, and reading them leaves an event."""

    name: str
    mask_bodies: bool
    audit_reads: bool


def marker_document(marker: Marker) -> dict[str, Any]:
    """Write a marker as it lies in the database."""
    return {"_id": MARKER_ID, "name": marker.name, "maskBodies": marker.mask_bodies, "auditReads": marker.audit_reads}


def read_marker(database: Any) -> Marker | None:
    """Read the marker of a database, if it has one; one without a name, which nobody could type, has the database's."""
    found = database[STATE].find_one({"_id": MARKER_ID})
    return found and Marker(
        str(found.get("name") or database.name), bool(found.get("maskBodies")), bool(found.get("auditReads"))
    )
