"""People from elsewhere: held on disk, compared with the users there are, written in batches."""

from actions.users.importing.changing import changeset
from actions.users.importing.comparing import compare
from actions.users.importing.known import Roles
from actions.users.importing.person import FIELDS, OAUTH, Person, Policy
from actions.users.importing.spool import Flaw, Spool
from actions.users.importing.usernames import RULES, SOURCES

__all__ = [
    "FIELDS",
    "OAUTH",
    "RULES",
    "SOURCES",
    "Flaw",
    "Person",
    "Policy",
    "Roles",
    "Spool",
    "changeset",
    "compare",
]
