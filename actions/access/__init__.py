"""Access: report problems in the roles and permissions of users, and review them. Start reading at `report`."""

from actions.access.report import Report, diff, report
from actions.access.review import SHEET, Decision, review, sheet

__all__ = ["SHEET", "Decision", "Report", "diff", "report", "review", "sheet"]
