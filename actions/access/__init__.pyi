from .report import Report, diff, report
from .review import SHEET, Decision, review, sheet

__all__ = ["SHEET", "Decision", "Report", "diff", "report", "review", "sheet"]
