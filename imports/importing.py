"""Read a file of users, check it, and plan its import."""

import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, Final, TextIO, cast

from actions.errors import ImportConflictError
from actions.users import importing
from actions.users.importing import Policy, RowFault, StagingDatabase
from changes import Changeset
from database.errors import Fault, InvalidInputError, UsageError
from database.input_files import opened
from database.wording import counted
from imports import products, readers
from imports.columns import COLUMNS, MISSING, check
from imports.formats import ERROR, EXTRA_CELLS, Problem, Row, UnreadableError, decoded, encoding_of, format_of, lines
from imports.layout import Headers, Layout, normalize_header
from imports.products import Beginning, Translation
from imports.products.translating import an_export, of_another
from imports.readers import Table
from seeds.yaml_tree import Faults

BATCH: Final = 1000
PLAIN: Final = Layout()
HEAD: Final = 64 * 1024
"""The number of bytes at the beginning of a file from which its format and product are detected."""


Progress = Callable[[int, int], None]
"""A function that shows the progress: it receives the number of rows read so far, and an estimate of all rows."""


def read(
    name: str, stdin: BinaryIO, layout: Layout = PLAIN, *, keep: bool = False, progress: Progress = lambda *_: None
) -> "Import":
    """Read a file of users and check each row. The name `-` means standard input. This requires no database.

    If `keep` is true, the rows are also kept as they are in the file, for `Import.rejected`. Raises `NotFoundError` if
    the file does not exist, and `InvalidInputError` if it cannot be opened.
    """
    found = Import(name, layout, keep=keep, progress=progress)
    with opened(name, stdin) as file:
        found.read(file, 0 if name == "-" else os.fstat(file.fileno()).st_size)
    return found


class Import:
    """The import of a file of users. The valid rows and the faults of the file are kept in a temporary database."""

    def __init__(self, name: str, layout: Layout, *, keep: bool, progress: Progress) -> None:
        self.format = "csv"
        self.header: list[str] = []
        self._name = name
        self._layout = layout
        self._keep = keep
        self._progress = progress
        self._has_extra_cells = False
        self._unique_header: list[str] = []
        self._places: dict[str, int] = {}
        self._problem: Problem | None = None
        self._refused: Problem | None = None
        self._missing: list[str] = []
        self._staging = StagingDatabase()
        self._translation: Translation | None = None
        if layout.product:
            self._translation = Translation(
                layout.product,
                layout.columns,
                required=layout.required,
                require_passwords=layout.require_passwords,
            )

    def read(self, file: BinaryIO, size: int = 0) -> None:
        """Read and check all rows. `size` is the size of the file in bytes, 0 if unknown.

        If the rest of the file cannot be read, this is noted as a fault.
        """
        # The given stream may have no method `peek`, so it is wrapped.
        source: Any = io.BufferedReader(cast("Any", file), HEAD)
        head = source.peek(HEAD)
        self.format = format_of(self._name, head)
        text = decoded(source, head)
        self._refused = wrong_product(head.decode(encoding_of(head), "ignore"), self.format, self._layout)
        try:
            rows = self._table(text) if self.format == "csv" else self._objects(source, text)
            while (self._keep or not self._refused) and (batch := list(islice(rows, BATCH))):
                self._add(batch)
                if size:  # The estimate assumes that all rows have the same length.
                    self._progress(done := len(self._staging), done * size // file.tell())
        except UnreadableError as error:
            self._note([RowFault(error.row, None, error.message)])
        except UnicodeDecodeError:
            self._note([RowFault(1, None, "the file is not valid in the encoding that its first bytes declare")])
        finally:  # Detach both streams from the file, because Python closes the file when it deletes such a stream.
            text.detach()
            source.detach()
        self._problem = self._refused or self._problem
        for column in self._missing:
            self._staging.silence(column, MISSING)

    def _note(self, faults: Iterable[RowFault]) -> None:
        """Store the faults of rows. If the whole file is refused, faults of single rows are not stored."""
        if not self._refused:
            self._staging.add_faults(faults)

    def _table(self, text: TextIO) -> Iterator[Row]:
        if self._layout.path:
            raise UsageError("--path works only with JSON and YAML, and this file is CSV")
        headers = Headers(self._layout, "column")
        table = Table(text, self._translation or headers)
        self.header, self._places = table.header, table.places
        self._unique_header = [
            f"{name} ({place + 1})" if name in self.header[:place] else name for place, name in enumerate(self.header)
        ]
        if self._translation:
            return self._judged(table.rows(), self._translation)
        self._problem = headers.problem(self.header)
        if not self._problem or not headers.missing:
            return table.rows()
        if self._keep:  # Columns are missing, so no row can be checked. Keep all rows for the file of --errors.
            while batch := list(islice(table.rows(), BATCH)):
                self._keep_rows(batch)
        return iter(())

    def _objects(self, file: BinaryIO, text: TextIO) -> Iterator[Row]:
        headers = self._translation or Headers(self._layout)
        if self.format == "yaml":
            rows = readers.yaml(file, self._name, headers, self._layout.path)
        elif self.format == "json" or self._layout.path:
            rows = readers.json(text, headers, self._layout.path)
        else:
            rows = readers.ndjson(lines(text), headers)
        return self._judged(rows, headers)

    def _judged(self, rows: Iterator[Row], headers: Headers | Translation) -> Iterator[Row]:
        """Yield all rows of the file. After the last row, check the headers or keys of the file."""
        yield from rows
        self._problem = headers.problem()
        self._missing = headers.missing

    def _add(self, batch: Sequence[Row]) -> None:
        if not self._refused:
            checked = [(row, *check(row, self._layout.required)) for row in batch]
            self._staging.add([person for _, person, _ in checked if person])
            self._staging.add_faults(RowFault(row.number, *found) for row, _, faults in checked for found in faults)
        if self._keep:
            unknown = ((row.number, name) for row in batch for name in row.unknown)
            self._note(RowFault(row, name, "unknown key", summarized=True) for row, name in unknown)
            self._keep_rows(batch)

    def _keep_rows(self, batch: Sequence[Row]) -> None:
        """Store rows as they are in the import file, so that rejected rows can be written to the file of --errors."""
        self._has_extra_cells |= self.format == "csv" and any(len(row.given) > len(self.header) for row in batch)
        self._staging.keep_originals((row.number, row.written()) for row in batch)

    def compare(self, policy: Policy) -> None:
        """Compare the rows with the users in the database, and store the faults that this finds."""
        importing.compare(self._staging, policy, self._progress, username_from=self._layout.username_from)

    @property
    def faulty(self) -> bool:
        return self._problem is not None or bool(self._staging.faults(0)[0])

    @property
    def rejects_as(self) -> str:
        """Return the format of the file of rejected rows: CSV if the import file is CSV, otherwise NDJSON."""
        return "csv" if self.format == "csv" else "ndjson"

    def rejected(self) -> tuple[list[str], Iterator[dict[str, Any]]]:
        """Return the columns and the rows for the file of rejected rows. The column `error` has the faults of a row."""
        columns = [ERROR, *(name for name in self._unique_header if name != ERROR)] + [EXTRA_CELLS] * (
            self._has_extra_cells and EXTRA_CELLS not in self.header
        )
        of_all = self._problem.message if self._problem and (self._refused or self.format == "csv") else ""
        rows = ((json.loads(given), error) for given, error in self._staging.faulty_rows(of_all))
        return columns, (self._with_error(given, error) for given, error in rows)

    def changeset(self, policy: Policy, *, allow_last_member: bool = False) -> Changeset:
        """Return the changeset that imports the users of the file.

        Raises `InvalidInputError` with the faults of the file, `ImportConflictError` if the only faults are users that
        already exist, and the errors of `importing.changeset`.
        """
        number, conflicts, in_rows = self._staging.faults(Faults.MAX_REPORTED)
        faults = tuple(self._fault(fault) for fault in in_rows)
        if self._problem:
            number += 1
            row, column, message, _ = self._problem
            faults = (Fault(self._name, row, column, message), *faults)
        if number:
            hint = "nothing was written"
            hint += f"; {self._problem.hint}" if self._problem else ""
            hint += (
                f"; only the first {Faults.MAX_REPORTED:,} faults are shown"
                if len(in_rows) == Faults.MAX_REPORTED < number
                else ""
            )
            if number > conflicts:
                what = "the import has a fault" if number == 1 else f"the import has {counted(number, 'fault')}"
                raise InvalidInputError(what, hint, faults)
            raise ImportConflictError(number, faults)
        notes = self._translation.notes() if self._translation else []
        notes += [importing.RULES[self._layout.username_from]] if self._layout.username_from else []
        return importing.changeset(self._staging, policy, self._name, notes=notes, allow_last_member=allow_last_member)

    def _fault(self, fault: RowFault) -> Fault:
        place = self._places.get(fault.field or "")
        message = fault.message if fault.field is None else f"{fault.field}: {fault.message}"
        return Fault(self._name, fault.row, place, message)

    def _with_error(self, given: Any, error: str) -> dict[str, Any]:
        """Return a row as it is in the file, with its faults in the key `error`.

        A row that is not an object gets the key `row`.
        """
        if self.format == "csv":
            beyond = given[len(self.header) :]
            given = dict(zip(self._unique_header, given, strict=False)) | ({EXTRA_CELLS: beyond} if beyond else {})
        return {**(given if isinstance(given, dict) else {"row": given}), ERROR: error}


OURS: Final = frozenset({*map(normalize_header, COLUMNS), ERROR})
"""The headers that a file with chatctl's own columns can have, in lower case."""


def wrong_product(head: str, form: str, layout: Layout) -> Problem | None:
    """Return a problem if a file is not an export of the chosen product, otherwise None.

    If no product is chosen, the problem is that the file looks like an export of a product, and the user must add
    --from. Only the beginning of the file is checked. The problem quotes no personal data.
    """
    beginning = Beginning.of(head, form)
    product = layout.product
    if product is None:
        if layout.columns or layout.ignore_unknown or beginning.names <= OURS:
            return None
        found = products.recognized(beginning)
        if found is None:
            return None
        return Problem(1, None, f"this looks like {an_export(products.load(found))}", f"add --from {found}")
    if products.is_of(product, beginning):
        return None
    if product.recognized and (found := products.recognized(beginning)):
        hint = f"it looks like {an_export(products.load(found))}: use --from {found}"
        return Problem(1, None, f"this is not {an_export(product)}", hint)
    has_email = bool(beginning.names & set(map(normalize_header, product.columns["email"].paths)))
    is_data = form == "yaml" or not head.strip() or head.strip()[0] in "[{"
    return None if (has_email if form == "csv" else is_data) else of_another(product)
