"""The only package that writes documents: it plans changes, shows, applies and records them, and can undo them.

Start reading at `changes.applying.apply`; docs/architecture.md explains the words and the invariants.
"""

from changes.applying import Outcome, Watch, apply
from changes.change import (
    ABSENT,
    Add,
    Change,
    Delete,
    Document,
    FieldChange,
    Insert,
    ListContaining,
    Set,
    Take,
    Update,
    are_ids,
)
from changes.changeset import Changeset, Question, Result, Rule, Stream
from changes.draft import Batch, Draft
from changes.effects import effects
from changes.events import batches_written
from changes.losses import HeldError
from changes.writing import ChangedMeanwhileError
from database.references import ids_in

__all__ = [
    "ABSENT",
    "Add",
    "Batch",
    "Change",
    "ChangedMeanwhileError",
    "Changeset",
    "Delete",
    "Document",
    "Draft",
    "FieldChange",
    "HeldError",
    "Insert",
    "ListContaining",
    "Outcome",
    "Question",
    "Result",
    "Rule",
    "Set",
    "Stream",
    "Take",
    "Update",
    "Watch",
    "apply",
    "are_ids",
    "batches_written",
    "effects",
    "ids_in",
]
