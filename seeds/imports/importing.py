"""From a file of people to a changeset, or to all that is wrong with it."""

import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO, cast

from actions.errors import ImportConflictError
from actions.users import importing
from actions.users.importing import Flaw, Policy, Spool
from models.changes import Changeset
from models.errors import Fault, InvalidInputError, NotFoundError
from models.names import counted, shown
from seeds.imports import objects
from seeds.imports.checking import REQUIRED, check, unknown_columns
from seeds.imports.lines import form_of, text_of
from seeds.imports.row import BEYOND, ERROR, Row, UnreadableError
from seeds.imports.tables import Table
from seeds.nodes import Faults

AT_ONCE: Final = 1000
HEAD: Final = 4096
"""Bytes by which a format is told."""


Heard = Callable[[int, int], None]
"""What hears how many rows are done, of about how many."""


def read(name: str, stdin: BinaryIO, *, keep: bool = False, hear: Heard = lambda *_: None) -> "Import":
    """Read a file of people, `-` for standard input, and check each row; no database is needed.

    With `keep` its rows are kept as they came, to be handed back. Raises `NotFoundError` where there is no file.
    """
    found = Import(name, keep=keep, hear=hear)
    try:
        if name == "-":
            found.read(stdin)
            return found
        with Path(name).open("rb") as file:
            found.read(file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {shown(name)}") from None
    except OSError as error:
        raise InvalidInputError(f"{name} cannot be read: {(error.strerror or 'no reason given').lower()}") from None
    return found


class Import:
    """A file of people: those without faults, and the faults, held on disk."""

    def __init__(self, name: str, *, keep: bool, hear: Heard) -> None:
        self.form = "csv"
        self.header: list[str] = []
        self._name = name
        self._keep = keep
        self._hear = hear
        self._beyond = False
        self._spool = Spool()

    def read(self, file: BinaryIO, size: int = 0) -> None:
        """Read all rows, which a file has in so many bytes if that is known; what ends the reading is a fault too."""
        source: Any = io.BufferedReader(cast("Any", file))  # what has no look ahead gets one
        head = source.peek(HEAD)
        self.form = form_of(self._name, head)
        text = text_of(source, head)
        try:
            rows = objects.yaml(source, self._name) if self.form == "yaml" else self._rows(text)
            while part := list(islice(rows, AT_ONCE)):
                self._take(part)
                if size:  # as many rows as there would be if all were as long as those so far
                    self._hear(done := len(self._spool), done * size // file.tell())
        except UnreadableError as error:
            self._spool.note([Flaw(error.row, None, error.message)])
        except UnicodeDecodeError:
            self._spool.note([Flaw(1, None, "the file is not in the encoding that it begins with")])
        finally:  # neither may close what it reads from
            text.detach()
            source.detach()

    def _rows(self, text: TextIO) -> Iterator[Row]:
        if self.form != "csv":
            return (objects.ndjson if self.form == "ndjson" else objects.array)(text)
        table = Table(text)
        self.header = table.header
        flaws = [Flaw(1, *found) for found in unknown_columns(table.header)]
        missing = [column for column in REQUIRED if column not in table.header]
        self._spool.note(flaws + [Flaw(1, None, f"there is no column {shown(column)}") for column in missing])
        return iter(()) if missing else table.rows()

    def _take(self, part: Sequence[Row]) -> None:
        checked = [(row, *check(row)) for row in part]
        self._spool.add([person for _, person, _ in checked if person])
        self._spool.note(Flaw(row.number, *found) for row, _, flaws in checked for found in flaws)
        if self._keep:
            self._beyond |= self.form == "csv" and any(len(row.given) > len(self.header) for row in part)
            self._spool.keep((row.number, row.written()) for row in part)

    def compare(self, policy: Policy) -> None:
        """Hold the people against the users there are, which adds to the faults."""
        importing.compare(self._spool, policy, self._hear)

    @property
    def faulty(self) -> bool:
        return bool(self._spool.faults(0)[0])

    @property
    def rejects_as(self) -> str:
        """Return the format in which rows can be handed back: CSV as it came, all else as lines of JSON."""
        return "csv" if self.form == "csv" else "ndjson"

    def rejected(self) -> tuple[list[str], Iterator[dict[str, Any]]]:
        """Return all columns and the rows at fault as they came, with what is wrong with each in the column `error`."""
        columns = [ERROR, *(name for name in self.header if name != ERROR)] + [BEYOND] * (
            self._beyond and BEYOND not in self.header
        )
        return columns, (self._with_error(json.loads(given), error) for given, error in self._spool.rejected())

    def changeset(self, policy: Policy, *, allow_last_member: bool = False) -> Changeset:
        """Plan the import.

        Raises `InvalidInputError` with all that is wrong, `ImportConflictError` if all of it is what is there already,
        and what `importing.changeset` raises.
        """
        number, conflicts, flaws = self._spool.faults(Faults.MOST)
        if number:
            faults = tuple(self._fault(flaw) for flaw in flaws)
            hint = "nothing was written"
            hint += f"; these are the first {Faults.MOST:,} of them" if number > len(faults) else ""
            if number > conflicts:
                what = "the import has a fault" if number == 1 else f"the import has {counted(number, 'fault')}"
                raise InvalidInputError(what, hint, faults)
            raise ImportConflictError(number, faults)
        return importing.changeset(self._spool, policy, self._name, allow_last_member=allow_last_member)

    def _fault(self, flaw: Flaw) -> Fault:
        column = self.header.index(flaw.field) + 1 if flaw.field in self.header else None
        message = flaw.message if flaw.field is None else f"{flaw.field}: {flaw.message}"
        return Fault(self._name, flaw.row, column, message)

    def _with_error(self, given: Any, error: str) -> dict[str, Any]:
        """Return a row with its error; what is no object stands under the name of what it should have been."""
        if self.form == "csv":
            beyond = given[len(self.header) :]
            given = dict(zip(self.header, given, strict=False)) | ({BEYOND: beyond} if beyond else {})
        return {**(given if isinstance(given, dict) else {"row": given}), ERROR: error}
