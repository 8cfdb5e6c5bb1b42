"""Colours and styles for text on a terminal. All colours are readable on a white and on a black background."""

import re
from typing import Final

BOLD: Final = "1"
FAINT: Final = "2"
UNDERLINED: Final = "4"

COLOURS: Final = {"green": 29, "blue": 63, "magenta": 163, "red": 131, "violet": 98}
"""Name of a colour → its number in the 256-colour palette.

All have a contrast of 4.5:1 or more to white and to black. Colours 0 to 15 are not used, because each terminal shows
them differently.
"""
GREEN, BLUE, MAGENTA, RED, VIOLET = (f"38;5;{number}" for number in COLOURS.values())

NAMES: Final = tuple(
    f"{weight};{colour}" for weight in (BOLD, f"{BOLD};{UNDERLINED}") for colour in (BLUE, MAGENTA, GREEN, VIOLET, RED)
)
"""The styles for the names of people in a transcript. The first participant has the first style."""
FOUND: Final = f"{BOLD};{RED}"
"""The colour of the match of a search."""

STATES: Final = {
    "ACTIVE": GREEN,
    "EMAIL_VERIFIED": GREEN,
    "SUSPENDED": RED,
    "none": MAGENTA,
    "done": GREEN,
    "running": BLUE,
    "interrupted": MAGENTA,
    "undone": VIOLET,
    "present": GREEN,
    "missing": MAGENTA,
    "conflict": RED,
    "E": RED,
    "W": MAGENTA,
    "I": BLUE,
}
"""Word in a state column, like a status or severity → its colour."""
_SIGNS: Final = {"+": GREEN, "-": RED, "~": BLUE, "PASS": GREEN, "FAIL": RED}
_LABELS: Final = {"error": f"{BOLD};{RED}", "warning": f"{BOLD};{MAGENTA}", "hint": BOLD}
_MARKED: Final = re.compile(r"\s*(?:([-+~]|PASS|FAIL) |(error|warning|hint):)", re.IGNORECASE)


def styled(text: str, style: str) -> str:
    """Return a text with a style that ends after the text."""
    return f"\x1b[{style}m{text}\x1b[0m" if text else text


def state(word: str, shown: str | None = None) -> str:
    """Colour a word like `ACTIVE`. If the cell is too narrow for the word, `shown` is the part that fits."""
    text = word if shown is None else shown
    return styled(text, STATES[word]) if word in STATES else text


def line(text: str) -> str:
    """Colour a line of a diff or of test results. In a line that begins with `error:` or `hint:`, colour this word."""
    found = _MARKED.match(text)
    if found is None:
        return text
    if found[1]:
        return styled(text, _SIGNS[found[1]])
    label = found[0]
    return styled(label, _LABELS[found[2].lower()]) + text[len(label) :]
