"""Import users: store the rows in a temporary database, compare them with existing users, write changes in batches.

`compare` decides what happens to each row. `changeset` plans the import. Start reading at `batches.changeset`.
"""

from actions.users.importing.batches import changeset
from actions.users.importing.comparison import compare
from actions.users.importing.person import FIELDS, OAUTH, Person, Policy
from actions.users.importing.staging import RowFault, StagingDatabase
from actions.users.importing.usernames import RULES, SOURCES

__all__ = [
    "FIELDS",
    "OAUTH",
    "RULES",
    "SOURCES",
    "Person",
    "Policy",
    "RowFault",
    "StagingDatabase",
    "changeset",
    "compare",
]
