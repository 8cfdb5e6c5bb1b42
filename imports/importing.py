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
from actions.users.importing import Flaw, Policy, StagingDatabase
from changes import Changeset
from database.errors import Fault, InvalidInputError, NotFoundError, UsageError
from database.wording import counted, shown
from imports import objects
from imports.checking import MISSING, check
from imports.headers import Names, Problem
from imports.layout import Layout
from imports.lines import form_of, lines, text_of
from imports.row import BEYOND, ERROR, Row, UnreadableError
from imports.tables import Table
from seeds.nodes import Faults

AT_ONCE: Final = 1000
PLAIN: Final = Layout()
HEAD: Final = 4096
"""Bytes by which a format is told."""


Heard = Callable[[int, int], None]
"""What hears how many rows are done, of about how many."""


def read(
    name: str, stdin: BinaryIO, layout: Layout = PLAIN, *, keep: bool = False, hear: Heard = lambda *_: None
) -> "Import":
    """Read a file of people, `-` for standard input, and check each row; no database is needed.

    With `keep` its rows are kept as they came, to be handed back. Raises `NotFoundError` where there is no file.
    """
    found = Import(name, layout, keep=keep, hear=hear)
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

    def __init__(self, name: str, layout: Layout, *, keep: bool, hear: Heard) -> None:
        self.form = "csv"
        self.header: list[str] = []
        self._name = name
        self._layout = layout
        self._keep = keep
        self._hear = hear
        self._beyond = False
        self._told_apart: list[str] = []
        self._places: dict[str, int] = {}
        self._problem: Problem | None = None
        self._staging = StagingDatabase()

    def read(self, file: BinaryIO, size: int = 0) -> None:
        """Read all rows, which a file has in so many bytes if that is known; what ends the reading is a fault too."""
        source: Any = io.BufferedReader(cast("Any", file))  # what has no look ahead gets one
        head = source.peek(HEAD)
        self.form = form_of(self._name, head)
        text = text_of(source, head)
        try:
            rows = self._table(text) if self.form == "csv" else self._objects(source, text)
            while part := list(islice(rows, AT_ONCE)):
                self._take(part)
                if size:  # as many rows as there would be if all were as long as those so far
                    self._hear(done := len(self._staging), done * size // file.tell())
        except UnreadableError as error:
            self._staging.add_flaws([Flaw(error.row, None, error.message)])
        except UnicodeDecodeError:
            self._staging.add_flaws([Flaw(1, None, "the file is not in the encoding that it begins with")])
        finally:  # neither may close what it reads from
            text.detach()
            source.detach()

    def _table(self, text: TextIO) -> Iterator[Row]:
        if self._layout.path:
            raise UsageError("--path works only with JSON and YAML, and this file is CSV")
        names = Names(self._layout, "column")
        table = Table(text, names)
        self.header, self._places = table.header, table.places
        self._told_apart = [
            f"{name} ({place + 1})" if name in self.header[:place] else name for place, name in enumerate(self.header)
        ]
        self._problem = names.problem(self.header)
        if not self._problem or not names.missing:
            return table.rows()
        if self._keep:  # for the file of --errors; these rows cannot be checked
            while part := list(islice(table.rows(), AT_ONCE)):
                self._put_by(part)
        return iter(())

    def _objects(self, file: BinaryIO, text: TextIO) -> Iterator[Row]:
        names = Names(self._layout)
        if self.form == "yaml":
            yield from objects.yaml(file, self._name, names, self._layout.path)
        elif self.form == "json" or self._layout.path:
            yield from objects.json(text, names, self._layout.path)
        else:
            yield from objects.ndjson(lines(text), names)
        self._problem = names.problem()
        for column in names.missing:
            self._staging.silence(column, MISSING)

    def _take(self, part: Sequence[Row]) -> None:
        checked = [(row, *check(row)) for row in part]
        self._staging.add([person for _, person, _ in checked if person])
        self._staging.add_flaws(Flaw(row.number, *found) for row, _, flaws in checked for found in flaws)
        if self._keep:
            unknown = ((row.number, name) for row in part for name in row.unknown)
            self._staging.add_flaws(Flaw(row, name, "unknown key", quiet=True) for row, name in unknown)
            self._put_by(part)

    def _put_by(self, part: Sequence[Row]) -> None:
        """Keep rows unchanged, for the file of --errors."""
        self._beyond |= self.form == "csv" and any(len(row.given) > len(self.header) for row in part)
        self._staging.keep_originals((row.number, row.written()) for row in part)

    def compare(self, policy: Policy) -> None:
        """Hold the people against the users there are, which adds to the faults."""
        importing.compare(self._staging, policy, self._hear)

    @property
    def faulty(self) -> bool:
        return self._problem is not None or bool(self._staging.flaws(0)[0])

    @property
    def rejects_as(self) -> str:
        """Return the format in which rows can be handed back: CSV as it came, all else as lines of JSON."""
        return "csv" if self.form == "csv" else "ndjson"

    def rejected(self) -> tuple[list[str], Iterator[dict[str, Any]]]:
        """Return all columns and the rows at fault as they came, with what is wrong with each in the column `error`."""
        columns = [ERROR, *(name for name in self._told_apart if name != ERROR)] + [BEYOND] * (
            self._beyond and BEYOND not in self.header
        )
        of_all = self._problem.message if self._problem and self.form == "csv" else ""
        rows = ((json.loads(given), error) for given, error in self._staging.flawed_rows(of_all))
        return columns, (self._with_error(given, error) for given, error in rows)

    def changeset(self, policy: Policy, *, allow_last_member: bool = False) -> Changeset:
        """Plan the import.

        Raises `InvalidInputError` with all that is wrong, `ImportConflictError` if all of it is what is there already,
        and what `importing.changeset` raises.
        """
        number, conflicts, flaws = self._staging.flaws(Faults.MOST)
        faults = tuple(self._fault(flaw) for flaw in flaws)
        if self._problem:
            number += 1
            row, column, message, _ = self._problem
            faults = (Fault(self._name, row, column, message), *faults)
        if number:
            hint = "nothing was written"
            hint += f"; {self._problem.hint}" if self._problem else ""
            hint += f"; these are the first {Faults.MOST:,} of them" if len(flaws) == Faults.MOST < number else ""
            if number > conflicts:
                what = "the import has a fault" if number == 1 else f"the import has {counted(number, 'fault')}"
                raise InvalidInputError(what, hint, faults)
            raise ImportConflictError(number, faults)
        return importing.changeset(self._staging, policy, self._name, allow_last_member=allow_last_member)

    def _fault(self, flaw: Flaw) -> Fault:
        place = self._places.get(flaw.field or "")
        message = flaw.message if flaw.field is None else f"{flaw.field}: {flaw.message}"
        return Fault(self._name, flaw.row, place, message)

    def _with_error(self, given: Any, error: str) -> dict[str, Any]:
        """Return a row with its error; what is no object stands under the name of what it should have been."""
        if self.form == "csv":
            beyond = given[len(self.header) :]
            given = dict(zip(self._told_apart, given, strict=False)) | ({BEYOND: beyond} if beyond else {})
        return {**(given if isinstance(given, dict) else {"row": given}), ERROR: error}
