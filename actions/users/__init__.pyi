from .access import can, ways_to_allow
from .creating import create, update
from .deleting import delete
from .erasing import erase
from .exporting import export
from .granting import grant, revoke
from .listing import Filters, find, show
from .merging import find_duplicates, merge
from .personal_data import PersonalData, export_data
from .status import reinstate, set_password, suspend, unlink, verify_email

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
