"""chatctl's own collections, beside those of the application, and the marker that protects a database."""

from typing import Any, Final, NamedTuple

AUDIT: Final = "chatctl_audit"
"""The events of the audit trail: kept for ever, without secrets."""

IMAGES: Final = "chatctl_images"
"""What an undo needs, including password hashes: kept for thirty days."""

STATE: Final = "chatctl_state"
"""Locks, leases, which roles are protected, what a seed owns, the marker of a protected database."""


MARKER_ID: Final = "marker"
"""The `_id` of the state document that is the marker."""


class Marker(NamedTuple):
    """The name of a protected database, whether message bodies are masked, and whether reading them is recorded."""

    name: str
    mask_bodies: bool
    audit_reads: bool


def marker_document(marker: Marker) -> dict[str, Any]:
    """Return the document that stores a marker."""
    return {"_id": MARKER_ID, "name": marker.name, "maskBodies": marker.mask_bodies, "auditReads": marker.audit_reads}


def read_marker(database: Any) -> Marker | None:
    """Return the marker of a database, or None. A marker without a name gets the name of the database."""
    found = database[STATE].find_one({"_id": MARKER_ID})
    return found and Marker(
        str(found.get("name") or database.name), bool(found.get("maskBodies")), bool(found.get("auditReads"))
    )
