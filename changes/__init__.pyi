from .applying import Outcome, Watch, apply
from .change import (
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
from .changeset import Changeset, Question, Result, Rule, Stream
from .draft import Batch, Draft
from .effects import effects
from .events import batches_written
from .losses import HeldError
from .writing import ChangedMeanwhileError

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
]
