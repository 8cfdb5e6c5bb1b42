"""Conversations: who is in them, what was said, and how they are kept in order."""

from actions.conversations.transcript import Transcript, lacks_index, transcript

__all__ = ["Transcript", "lacks_index", "transcript"]
