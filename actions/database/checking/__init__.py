"""Faults of the data that would break or mislead the application: found, explained, mended."""

from actions.database.checking.checking import check
from actions.database.checking.repairing import repair

__all__ = ["check", "repair"]
