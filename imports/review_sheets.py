"""Read the CSV sheet of an access review, in which the reviewers have written their answers."""

import csv
import hashlib
import io
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from actions.access import Decision
from actions.csv_cells import unescape_formulas
from database.errors import Fault, InvalidInputError
from database.input_files import opened
from database.wording import shown
from imports.formats import DELIMITERS, encoding_of

NEEDED: Final = ("id", "role", "keep")
LARGEST: Final = 100 * 1024 * 1024
"""The largest size of a sheet in bytes, enough for about 500,000 rows."""
ANSWERS: Final = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


class Sheet(NamedTuple):
    """The decisions of the reviewers in a sheet, and the SHA-256 digest of the file."""

    decisions: list[Decision]
    sha256: str


def read(name: str, stdin: BinaryIO) -> Sheet:
    """Read a sheet from a file. The name `-` means standard input.

    Raises `NotFoundError` if the file does not exist. Raises `InvalidInputError` with all faults of the sheet.
    """
    with opened(name, stdin) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InvalidInputError(f"{shown(name)} is larger than {LARGEST // 1024**2} MiB")
    try:
        text = data.decode(encoding_of(data[:4]))
    except UnicodeDecodeError:
        raise InvalidInputError(f"{shown(name)} is not UTF-8 text", "save the sheet as CSV in UTF-8") from None
    faults: list[Fault] = []
    try:
        decisions = list(_decisions(text, name, faults))
    except csv.Error as error:
        raise InvalidInputError(f"{shown(name)} is not valid CSV: {error}") from None
    if faults:
        raise InvalidInputError(f"{shown(name)} is not a valid sheet", None, tuple(faults))
    return Sheet(decisions, hashlib.sha256(data).hexdigest())


def _decisions(text: str, name: str, faults: list[Fault]) -> Iterator[Decision]:
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [cell.strip().lower() for cell in next(rows, [])]
    if missing := [column for column in NEEDED if column not in header]:
        faults.append(Fault(name, 1, None, f"no column {', '.join(missing)}"))
        return
    places = {column: header.index(column) for column in NEEDED}
    for number, given in enumerate(rows, 2):
        if not any(given):
            continue
        cells = [*given, *([""] * len(header))]  # Spreadsheets omit empty cells at the end of a row.
        user, role, answer = (unescape_formulas(cells[places[column]]) for column in NEEDED)
        word = answer.strip().casefold()
        if word and word not in ANSWERS:
            faults.append(Fault(name, number, places["keep"] + 1, f"{shown(answer)} is not an answer. Use yes or no."))
        if not user or not role:
            faults.append(Fault(name, number, None, "the row has no id or no role"))
        yield Decision(number, user, role, ANSWERS.get(word))
