from .batches import changeset
from .comparison import compare
from .person import FIELDS, OAUTH, Person, Policy
from .staging import RowFault, StagingDatabase
from .usernames import RULES, SOURCES

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
