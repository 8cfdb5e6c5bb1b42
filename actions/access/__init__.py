"""Access: who may do what, what looks wrong about it, and its regular review. Start reading at `report`."""

from actions.access.report import Report, diff, report
from actions.access.review import SHEET, Decision, review, sheet

__all__ = ["SHEET", "Decision", "Report", "diff", "report", "review", "sheet"]
