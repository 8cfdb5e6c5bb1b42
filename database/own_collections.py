"""The collections of chatctl in the application's database, and the marker that protects a database."""

from typing import Any, Final, NamedTuple

AUDIT: Final = "chatctl_audit"
"""The events of the audit trail. They contain no secrets, and never expire."""

IMAGES: Final = "chatctl_images"
"""The images of events, which an undo needs: all old and new values of changes, even password hashes.

The server deletes an image after 30 days.
"""

HOLDS: Final = "chatctl_holds"
"""The legal holds, and the ids of the documents that each hold kept when it was placed. They never expire."""

PROPOSALS: Final = "chatctl_proposals"
"""The proposals (changes that one person proposes and another person may approve), and the decisions.

The server deletes a proposal after 30 days. Documents are only inserted, so nobody can change a proposal after its
review.
"""

STATE: Final = "chatctl_state"
"""The state documents: locks, leases, the list of protected roles, what each seed has created, and the marker.

A lease shows that a command is still running. The marker shows that the database is protected.
"""

OWN: Final = frozenset({AUDIT, IMAGES, HOLDS, PROPOSALS, STATE})
"""The names of all collections of chatctl. All other collections belong to the application."""

MARKER_ID: Final = "marker"
"""The `_id` of the state document that is the marker."""


class Marker(NamedTuple):
    """The marker of a protected database: a name, and the kinds of protection.

    `mask_bodies`: the texts of messages are hidden. `audit_reads`: the audit trail records who reads messages.
    `two_people`: one person must propose each change, and another person must approve it.
    """

    name: str
    mask_bodies: bool
    audit_reads: bool
    two_people: bool = False


def marker_document(marker: Marker) -> dict[str, Any]:
    """Return the document in `chatctl_state` that stores a marker."""
    guards = {"maskBodies": marker.mask_bodies, "auditReads": marker.audit_reads}
    return {"_id": MARKER_ID, "name": marker.name, **guards, **({"twoPeople": True} if marker.two_people else {})}


def read_marker(database: Any) -> Marker | None:
    """Return the marker of a database, or None if the database has no marker.

    If the marker has no name, the name of the database is used.
    """
    found = database[STATE].find_one({"_id": MARKER_ID})
    if not found:
        return None
    guards = (bool(found.get(guard)) for guard in ("maskBodies", "auditReads", "twoPeople"))
    return Marker(str(found.get("name") or database.name), *guards)
