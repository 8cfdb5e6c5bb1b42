"""Legal holds: place and release them, list them, find deleted documents, and export what holds keep.

`changes.holds` says what a hold keeps, and `changes.losses` refuses the changes that would lose it. Start reading at
`placing.add`.
"""

from actions.holds.contents import Contents, contents
from actions.holds.listing import check, find, show
from actions.holds.placing import add, release, rules_of

__all__ = ["Contents", "add", "check", "contents", "find", "release", "rules_of", "show"]
