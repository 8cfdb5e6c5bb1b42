"""What readers of all formats make of a file."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

ERROR: Final = "error"
"""The column that says what is wrong with a row that is handed back; on its way in it is passed over."""

BEYOND: Final = "too many"
"""The column that a row which is handed back has for the cells beyond its header; no import takes it."""

LONGEST_LINE: Final = 1_000_000
"""Characters, so that no file without ends of lines fills the memory."""


class UnreadableError(Exception):
    """A file cannot be read any further; `row` is where."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row
        self.message = message


@dataclass(slots=True)
class Row:
    """A row of a file: texts, lists of texts, or whatever else stands there; empty cells are left out.

    `flaws` are what its reader has found wrong, which may leave it without `cells`; `given` is the row as it came, to
    be handed back. `unknown` are the names that do not mean a column.
    """

    number: int
    cells: dict[str, Any] | None
    given: Any
    flaws: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def written(self) -> str:
        """Write the row down as it came."""
        return json.dumps(self.given)
