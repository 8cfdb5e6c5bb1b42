"""Users: who they are, what they may do, whether they can sign in, what is stored of them."""

from actions.users.creating import create, update
from actions.users.deleting import delete
from actions.users.erasing import erase
from actions.users.personal_data import PersonalData, export_data
from actions.users.roles import grant, revoke
from actions.users.signing_in import set_password, unlink
from actions.users.status import reinstate, suspend, verify_email

__all__ = [
    "PersonalData",
    "create",
    "delete",
    "erase",
    "export_data",
    "grant",
    "reinstate",
    "revoke",
    "set_password",
    "suspend",
    "unlink",
    "update",
    "verify_email",
]
