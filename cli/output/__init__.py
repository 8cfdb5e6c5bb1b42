"""Everything that chatctl prints: the same typed values as a table for people or in a format for programs.

Start reading at `Output.rows` for a list, and at `applying.apply` for a write.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.invocation import Invocation, on_same_database
from cli.output import formats, masking, streams, table, text
from cli.output.files import STANDARD_OUTPUT, opened, write_file, writing
from cli.views import Column, View
from database.errors import OutputError, UsageError
from database.wording import did_you_mean

if TYPE_CHECKING:
    from changes import Changeset
    from cli.params import Confirm, Page
    from database.listing import Listing

__all__ = ["STANDARD_OUTPUT", "Output", "opened", "say", "show_json", "write_file", "write_rows", "writing"]

Row = dict[str, Any]

PAGE: Final = 50
COUNTED_UP_TO: Final = 10_000
_COLOURS: Final = {"+": 32, "-": 31, "~": 33, "PASS": 32, "FAIL": 31}
"""Colours of lines, by their first word."""


@dataclass(frozen=True)
class Output:
    """The format of a command's output (`-o`), and the functions that print in it."""

    form: str
    invocation: Invocation

    def rows(self, listing: "Listing", view: View, page: "Page") -> None:
        """Print a list while it is read. A table ends after one page, with the command for the next page."""
        chosen = _chosen_columns(view, page.columns)
        chosen = _columns_that_fit(chosen) if self.form == "table" and page.columns is None else chosen
        keys = [column.key for column in chosen]
        _check_sort(page.sort, listing.sortable)
        if page.limit is not None and page.all:
            raise UsageError("--limit and --all cannot be combined", "use one of them")
        if page.count:
            streams.write(f"{listing.count()}\n")
        elif self.form == "ids":
            formats.write_rows("ids", listing.ids(page.sort, page.after, page.limit), ())
        elif self.form != "table":
            rows = listing.rows(page.sort, page.after, page.limit, columns=keys)
            self._data(self._masked(rows, chosen), chosen)
        elif page.all:
            self._table(list(self._masked(listing.rows(page.sort, page.after, columns=keys), chosen)), chosen)
        else:
            self._page(listing, chosen, page.sort, page.after, page.limit or PAGE)

    def items(self, rows: Iterable[Row], view: View) -> None:
        """Print a list that is already complete."""
        if self.form == "table":
            self._table(list(self._masked(rows, view)), _columns_that_fit(view))
        else:
            self._data(self._masked(rows, view), view)

    def follow(self, rows: Iterable[Row], view: View, line: Callable[[Row], str]) -> None:
        """Print each row when it arrives, and flush it; `line` makes the line for people."""
        for row in self._masked(rows, view):
            if self.form == "table":
                streams.write(f"{streams.encodable(line(row), sys.stdout)}\n")
            else:
                self._data([row], view)
            streams.flush()

    def matrix(self, rows: Sequence[Row], across: Sequence[str], view: View) -> None:
        """Print which names are in the list of each row: a table with a column for each name, in parts that fit."""
        if self.form != "table":
            self._data(rows, view)
            return
        down, listed = view[-2:]
        titles = [text.safe(name) for name in across]
        width = max((table.cell_width(text.cell(row[down.key])) for row in rows), default=0)
        for number, (start, end) in enumerate(table.column_ranges(width, titles)):
            headings = [table.Heading(down.heading), *map(table.Heading, titles[start:end])]
            body = [
                [text.cell(row[down.key]), *("x" if name in row[listed.key] else "" for name in across[start:end])]
                for row in rows
            ]
            streams.write("\n" * bool(number) + "".join(f"{line}\n" for line in table.lines(headings, body)))

    def record(
        self,
        row: Row,
        view: View,
        *,
        lines: Iterable[str] = (),
        below: Mapping[str, View] | None = None,
        passage: str | None = None,
    ) -> None:
        """Print one row with all its values.

        For people, `lines`, the tables `below`, or the text of the column `passage` follow.
        """
        [row] = self._masked([row], view, [row["id"]] if "id" in row else [])
        if self.form != "table":
            keys = [column.key for column in view]
            formats.write_record(self.form, {key: row.get(key) for key in keys}, keys)
            return
        shown = [
            column for column in view if column.table is not None and (column.absent or row.get(column.key) is not None)
        ]
        indent = max(len(column.heading) for column in shown) + len(table.GAP)
        for column in shown:
            value = row.get(column.key)
            one = value is None or column.ago or column.address or column.key == "id"
            parts = [_cell(row, column)] if one else text.parts(value) or ["-"]
            title = f"{column.heading:<{indent}}"
            bold = f"\x1b[1m{title}\x1b[0m" if self.coloured else title
            streams.write(f"{bold}{table.wrap_parts(parts, indent)}".rstrip() + "\n")
        self.lines(lines)
        for key, columns in (below or {}).items():
            if row[key]:
                streams.write("\n")
                self._table(list(self._masked(row[key], columns)), _columns_that_fit(columns))
        if passage is not None and row[passage] is not None:
            streams.write(f"\n{text.passage(row[passage])}\n")

    def visible_entries(self, entries: Sequence[Row], *targets: Any) -> Sequence[Row]:
        """Return entries of the audit trail, masked if messages are masked."""
        if self.form == "ids" or not any(map(masking.is_private, entries)) or self.may_show_bodies(*targets):
            return entries
        return [masking.masked_entry(entry) for entry in entries]

    def document(self, document: Row, lines: Iterable[str]) -> None:
        """Print a document without columns: its lines for people, the document for programs.

        A document that is only a list is printed as one line for each item in NDJSON and CSV.
        """
        (key, items), *more = document.items()
        if self.form == "table":
            self.lines(lines)
        elif self.form in {"ndjson", "csv"} and isinstance(items, list) and not more:
            formats.write_rows(self.form, items, list(items[0]) if items else [key])
        else:
            formats.write_record(self.form, document, list(document))

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines of data. Lines of a diff or a test are coloured on a terminal."""
        for line in lines:
            shown = text.safe(line)
            colour = _COLOURS.get(shown.lstrip().partition(" ")[0]) if self.coloured else None
            streams.write(f"\x1b[{colour}m{shown}\x1b[0m\n" if colour else f"{shown}\n")

    def note(self, message: str) -> None:
        """Print a note on standard error, except with JSON output."""
        if self.form != "json":
            say(self.pasteable(message))

    def pasteable(self, message: str) -> str:
        """Add the options that chose the database to each command in a text."""
        return on_same_database(message, self.invocation.arguments)

    def notes(self, messages: Iterable[str]) -> None:
        """Print notes on standard error. With JSON output nothing is printed, and the notes are not looked up."""
        if self.form != "json":
            for message in messages:
                self.note(message)

    def apply(self, changeset: "Changeset", confirm: "Confirm") -> None:
        """Preview a write, ask if required, apply it and report the result."""
        from cli.output import applying

        applying.apply(self, changeset, confirm)

    def nothing_to_do(self) -> None:
        """Report a write without any items."""
        if self.form == "json":
            show_json({"event": None, "changed": 0, "unchanged": 0, "results": []})
        self.note("nothing to do")

    def may_show_bodies(self, *targets: Any) -> bool:
        """Decide whether messages are shown; see `masking.may_show`."""
        return masking.may_show(self.invocation, self.note, targets)

    @property
    def coloured(self) -> bool:
        return streams.has_colour(sys.stdout)

    def _masked(self, rows: Iterable[Row], view: View, targets: Sequence[Any] = ()) -> Iterable[Row]:
        """Return rows, with the lengths of their private values if messages are masked."""
        private = [column.key for column in view if column.private and self.form != "ids"]
        return rows if not private or self.may_show_bodies(*targets) else masking.masked_rows(rows, private)

    def _data(self, rows: Iterable[Row], view: View) -> None:
        keys = [column.key for column in view]
        if self.form == "ids":
            formats.write_rows("ids", rows, keys)
        else:
            formats.write_rows(self.form, ({key: row.get(key) for key in keys} for row in rows), keys)

    def _page(self, listing: "Listing", view: View, sort: str | None, after: str | None, limit: int) -> None:
        found = list(listing.rows(sort, after, limit + 1, columns=[column.key for column in view]))
        page = list(self._masked(found[:limit], view))
        self._table(page, view)
        if len(found) > limit:
            number, exact = listing.count_up_to(COUNTED_UP_TO)
            known = f"{max(number, len(found)):,}{'' if exact else '+'}"
            onward = self.invocation.command_with("--after", text.id_text(page[-1]["id"]))
            self.note(f"{len(page):,} of {known}; next page: {text.quoted(onward)}")

    def _table(self, rows: Sequence[Row], view: View) -> None:
        if not rows:
            self.note("nothing found")
            return
        headings = [
            table.Heading(column.heading, right=_is_number(rows, column.key), whole=column.whole) for column in view
        ]
        body = [[_cell(row, column) for column in view] for row in rows]
        for line in table.lines(headings, body):
            streams.write(f"{line}\n")


def say(message: str) -> None:
    """Print a message on standard error, after everything that was printed before."""
    with suppress(OutputError):  # the last flush fails again and ends the program
        streams.flush()
    streams.say(text.safe(streams.encodable(message, sys.stderr)))


def write_rows(rows: Iterable[Row], keys: Sequence[str], form: str, to: str, *, overwrite: bool = False) -> None:
    """Write a list to a file while it is read, as `files.writing` does."""
    if to in STANDARD_OUTPUT:
        formats.write_rows(form, rows, keys)
        return
    with writing(to, overwrite=overwrite) as write:
        for part in formats.parts(form, rows, keys):
            write(part)


def silent(_: str) -> None:
    """Print nothing, because a program reads the output."""


def show_json(document: Any) -> None:
    """Print a document as JSON."""
    streams.write(f"{formats.as_json(document, indent=2)}\n")


def _chosen_columns(view: View, columns: str | None) -> View:
    if columns is None:
        return tuple(column for column in view if column.listed)
    known = {column.key: column for column in view}
    names = [name.strip() for name in columns.split(",")]
    for name in names:
        if name not in known:
            raise UsageError(f'unknown column "{name}"', did_you_mean(name, known) or f"use {', '.join(known)}")
    return tuple(known[name] for name in names)


def _check_sort(sort: str | None, sortable: Sequence[str]) -> None:
    fields = ("id", *(field for field in sortable if field != "id"))
    name = "id" if sort is None else sort.removeprefix("-")
    if name not in fields:
        hint = did_you_mean(name, fields) or f"sort by {', '.join(fields)}"
        raise UsageError(f'cannot sort by "{name}"', hint)


def _columns_that_fit(view: View) -> View:
    """Leave out the columns that no table has unasked, and those that a terminal has no room for."""
    room = streams.width()
    return tuple(column for column in view if column.table is not None and (room is None or column.table <= room))


def _cell(row: Row, column: Column) -> str:
    value = row.get(column.key)
    if value is None:
        return column.absent
    if column.excerpt:
        return text.excerpt({**value, "before": table.last_words(value["before"])})
    if column.key == "id":
        return text.safe(text.id_text(value))
    if column.address:
        return text.address(value)
    return text.ago(value) if column.ago and streams.is_terminal(sys.stdout) else text.cell(value)


def _is_number(rows: Sequence[Row], key: str) -> bool:
    values = [row.get(key) for row in rows]
    return any(value is not None for value in values) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    )
