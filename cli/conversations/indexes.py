"""What makes looking at conversations slow."""

from collections.abc import Callable
from typing import Final

import actions

SLOW: Final = (
    "there is no index for the messages of a conversation: all messages are gone through, which takes long; "
    "make it with: chatctl db indexes --apply"
)


def note_if_slow(say: Callable[[str], None]) -> None:
    """Say that an index is missing, and how it is made."""
    if actions.conversations.lacks_index():
        say(SLOW)
