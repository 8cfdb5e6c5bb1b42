"""Faults of the data that would break or mislead the application: found, explained, mended."""

from actions.checking.checking import check
from actions.checking.repairing import repair

__all__ = ["check", "repair"]
