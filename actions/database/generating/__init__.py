"""Generate realistic test data: users, conversations, messages, and faults for `db check`. Start at `generate`."""

from actions.database.generating.generation import Amounts, generate

__all__ = ["Amounts", "generate"]
