"""The collections of chatctl in the database of the application, and the marker that protects a database."""

from typing import Any, Final, NamedTuple

AUDIT: Final = "chatctl_audit"
"""The events of the audit trail. They contain no secrets, and are kept for ever."""

IMAGES: Final = "chatctl_images"
"""The images of events, which an undo needs: all old and new values of changes, even password hashes.

Images are kept for 30 days.
"""

HOLDS: Final = "chatctl_holds"
"""The legal holds, and the ids of what they kept when they were placed. They are kept for ever."""

PROPOSALS: Final = "chatctl_proposals"
"""The proposals: changes that one person proposes and another may approve, and the decisions.

Proposals are kept for 30 days. Documents are only inserted, so that nobody can change a proposal after its review.
"""

STATE: Final = "chatctl_state"
"""The state documents: locks, leases, the list of protected roles, what each seed has created, and the marker.

A lease shows that a command is still running. The marker shows that a database is protected.
"""

OWN: Final = frozenset({AUDIT, IMAGES, HOLDS, PROPOSALS, STATE})
"""All collections of chatctl. All others belong to the application."""

MARKER_ID: Final = "marker"
"""The `_id` of the state document that is the marker."""


class Marker(NamedTuple):
    """The marker of a protected database: its name in the marker, and how it is protected.

    `mask_bodies` masks messages. `audit_reads` records who reads messages. With `two_people`, every change must be
    proposed by one person and approved by another.
    """

    name: str
    mask_bodies: bool
    audit_reads: bool
    two_people: bool = False


def marker_document(marker: Marker) -> dict[str, Any]:
    """Return the document that stores a marker."""
    guards = {"maskBodies": marker.mask_bodies, "auditReads": marker.audit_reads}
    return {"_id": MARKER_ID, "name": marker.name, **guards, **({"twoPeople": True} if marker.two_people else {})}


def read_marker(database: Any) -> Marker | None:
    """Return the marker of a database, or None if it has none. A marker without a name has the name of the database."""
    found = database[STATE].find_one({"_id": MARKER_ID})
    if not found:
        return None
    guards = (bool(found.get(guard)) for guard in ("maskBodies", "auditReads", "twoPeople"))
    return Marker(str(found.get("name") or database.name), *guards)
