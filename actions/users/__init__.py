"""The actions of the commands of `chatctl users`.

`listing` finds and shows users. `access` tells what users may do and changes their roles. `creating`, `status`,
`deleting`, `erasing` and `merging` change users. `importing`, `exporting` and `personal_data` read files or make their
contents. Start reading at `status.suspend`.
"""

from actions.users.access import can, grant, revoke, ways_to_allow
from actions.users.creating import create, update
from actions.users.deleting import delete
from actions.users.erasing import erase
from actions.users.exporting import export
from actions.users.listing import Filters, find, show
from actions.users.merging import find_duplicates, merge
from actions.users.personal_data import PersonalData, export_data
from actions.users.status import reinstate, set_password, suspend, unlink, verify_email

__all__ = [
    "Filters",
    "PersonalData",
    "can",
    "create",
    "delete",
    "erase",
    "export",
    "export_data",
    "find",
    "find_duplicates",
    "grant",
    "merge",
    "reinstate",
    "revoke",
    "set_password",
    "show",
    "suspend",
    "unlink",
    "update",
    "verify_email",
    "ways_to_allow",
]
