"""Find and repair data that the application cannot read, or shows wrongly. Start reading at `check`.

Each rule is a class in the package `rules`. The docstring of that package says how to add a rule.
"""

from actions.database.checking.checking import check, sample_notes, select_rules
from actions.database.checking.repairing import repair

__all__ = ["check", "repair", "sample_notes", "select_rules"]
