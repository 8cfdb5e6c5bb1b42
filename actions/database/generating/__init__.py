"""Believable data that is made up: people, conversations, messages, and faults to find."""

from actions.database.generating.generating import Wanted, generate

__all__ = ["Wanted", "generate"]
