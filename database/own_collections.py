"""Our own records, which lie beside the application's collections and never in them."""

from typing import Final

AUDIT: Final = "chatctl_audit"
"""Events: for ever, without secrets."""

IMAGES: Final = "chatctl_images"
"""What an undo needs, hashes included: for thirty days."""

STATE: Final = "chatctl_state"
"""Locks, leases, which roles are protected, what a seed owns, the marker of a protected database."""
