"""Users: who they are, what they may do, whether they can sign in."""

from actions.users.status import reinstate, suspend, verify_email

__all__ = ["reinstate", "suspend", "verify_email"]
