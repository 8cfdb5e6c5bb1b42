"""The collections of chatctl in the database of the application, and the marker that protects a database."""

from typing import Any, Final, NamedTuple

AUDIT: Final = "chatctl_audit"
"""The events of the audit trail: kept for ever, without secrets."""

IMAGES: Final = "chatctl_images"
"""The complete old and new values of changes, which an undo needs. They include password hashes. Kept for 30 days."""

HOLDS: Final = "chatctl_holds"
"""The legal holds, and the ids of what they kept when they were placed. Kept for ever."""

STATE: Final = "chatctl_state"
"""The state documents: locks, leases, the list of protected roles, what each seed has created, and the marker."""


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
    """Return the marker of a database, or None if it has no marker. The default name is the name of the database."""
    found = database[STATE].find_one({"_id": MARKER_ID})
    return found and Marker(
        str(found.get("name") or database.name), bool(found.get("maskBodies")), bool(found.get("auditReads"))
    )
