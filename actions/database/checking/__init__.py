"""Find and repair data that the application cannot read, or shows wrong. Start reading at `check`.

Each rule is a class in `rules`; its docstring says how to add one.
"""

from actions.database.checking.checking import check, select_rules
from actions.database.checking.repairing import repair

__all__ = ["check", "repair", "select_rules"]
