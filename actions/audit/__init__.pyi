from .changing import prune, undo
from .listing import actor_text, find, is_undone, last_own, lines, rows, running, show

__all__ = ["actor_text", "find", "is_undone", "last_own", "lines", "prune", "rows", "running", "show", "undo"]
