"""What stands where an administrator has taken the text of a message away."""

from typing import Final

REMOVED: Final = "[removed by an administrator]"
