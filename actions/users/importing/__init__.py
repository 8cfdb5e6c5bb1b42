"""People from elsewhere: held on disk, compared with the users there are, written in batches."""

from actions.users.access import Roles
from actions.users.importing.changing import changeset
from actions.users.importing.comparing import compare
from actions.users.importing.person import FIELDS, OAUTH, Person, Policy
from actions.users.importing.spool import Flaw, Spool

__all__ = ["FIELDS", "OAUTH", "Flaw", "Person", "Policy", "Roles", "Spool", "changeset", "compare"]
