"""Users: who they are, what they may do, whether they can sign in."""

from actions.users.creating import create, update
from actions.users.deleting import delete
from actions.users.erasing import erase
from actions.users.roles import grant, revoke
from actions.users.signing_in import set_password, unlink
from actions.users.status import reinstate, suspend, verify_email

__all__ = [
    "create",
    "delete",
    "erase",
    "grant",
    "reinstate",
    "revoke",
    "set_password",
    "suspend",
    "unlink",
    "update",
    "verify_email",
]
