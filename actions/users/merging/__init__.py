"""Merge duplicate users into one user.

`duplicates` lists users who are probably the same person. `merge` plans a merge, and says which values win.
`conversations` decides which conversations become one conversation, and `values` decides which values the user keeps.
`batches` makes the changes.
"""

from actions.users.merging.duplicates import find_duplicates
from actions.users.merging.merge import merge

__all__ = ["find_duplicates", "merge"]
