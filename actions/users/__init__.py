"""Users: who they are, what they may do, whether they can sign in."""

from actions.users.access import can
from actions.users.dossier import show
from actions.users.exporting import export
from actions.users.filters import Filters
from actions.users.listing import find
from actions.users.status import reinstate, suspend, verify_email

__all__ = ["Filters", "can", "export", "find", "reinstate", "show", "suspend", "verify_email"]
