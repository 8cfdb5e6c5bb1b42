"""Believable data that is made up: people, conversations, messages, and faults to find."""

from actions.database.generating.batches import Wanted
from actions.database.generating.generation import generate

__all__ = ["Wanted", "generate"]
