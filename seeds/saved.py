"""Plans kept in a file."""

from pathlib import Path

from seeds.planning import Plan


def dump(plan: Plan) -> str:
    """Return a plan as the text of a file (`plan --to`): no secret, no URL. Who writes the file is the caller."""
    raise NotImplementedError


def load(path: Path) -> Plan:
    """Read a saved plan and plan it anew: the same, or `ConflictError` when the database has moved or is another."""
    raise NotImplementedError
