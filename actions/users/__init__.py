"""Users: who they are, what they may do, whether they can sign in, what is stored of them."""

from actions.users.personal_data import PersonalData, export_data
from actions.users.status import reinstate, suspend, verify_email

__all__ = ["PersonalData", "export_data", "reinstate", "suspend", "verify_email"]
