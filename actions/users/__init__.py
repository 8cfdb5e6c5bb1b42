"""Users: who they are, what they may do, whether they can sign in."""

from actions.users.erasing import erase
from actions.users.status import reinstate, suspend, verify_email

__all__ = ["erase", "reinstate", "suspend", "verify_email"]
