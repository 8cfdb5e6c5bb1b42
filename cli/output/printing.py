"""The class `Output`, which prints rows, records and results in the format that `-o` chooses, and notes for people."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.invocation import Invocation, on_same_database
from cli.output import formats, masking, streams, styles, table, text
from cli.output.files import STANDARD_OUTPUT, writing
from cli.output.screen import Screen
from cli.output.streams import paged
from cli.views import View
from database import times
from database.errors import OutputError, UsageError
from database.wording import counted, did_you_mean

if TYPE_CHECKING:
    from changes import Changeset
    from cli.params import Decide, Page
    from database.listing import Listing

Row = dict[str, Any]

PAGE: Final = 50
"""The number of rows in a table if neither `--limit` nor `--all` is given."""
COUNTED_UP_TO: Final = 10_000
"""The highest number of matches that the note after a table prints exactly. If there are more, it prints `10,000+`."""


@dataclass(frozen=True)
class Output:
    """The format of a command's output (`-o`), and the functions that print in this format."""

    form: str
    invocation: Invocation

    def rows(self, listing: "Listing", view: View, page: "Page") -> None:
        """Print a list. A table has one page, and a note with the command for the next page.

        The formats for programs have all rows, which are printed while they are read.
        """
        chosen = _chosen_columns(view, page.columns)
        chosen = chosen if page.columns is not None else self._usual_columns(chosen)
        keys = [column.key for column in chosen]
        _check_sort(page.sort, listing.sortable)
        if page.limit is not None and page.all:
            raise UsageError("--limit and --all cannot be combined", "use one of them")
        if after := page.after:
            from actions import lookup

            after = lookup.complete_id(listing.collection, after)
        if page.count:
            streams.write(f"{listing.count()}\n")
        elif self.form == "ids":
            formats.write_rows("ids", listing.ids(page.sort, after, page.limit), ())
        elif not self.for_people:
            rows = listing.rows(page.sort, after, page.limit, columns=keys)
            self._data(self._masked(rows, chosen), chosen)
        else:
            self._page(listing, chosen, page, after)

    def items(self, rows: Iterable[Row], view: View) -> None:
        """Print a list on one page. Unlike `rows`, this cannot sort the rows or limit their number."""
        if self.for_people:
            self._explain([self._table(list(self._masked(rows, view)), _table_columns(view))])
        else:
            self._data(self._masked(rows, view), self._usual_columns(view))

    def follow(self, rows: Iterable[Row], view: View, line: Callable[[Row], str]) -> None:
        """Print each row as soon as it arrives. `line` returns a row as text for people."""
        for row in self._masked(rows, view):
            if self.form == "table":
                streams.write(f"{streams.encodable(line(row), sys.stdout)}\n")
            else:
                self._data([row], view)
            streams.flush()

    def matrix(self, rows: Sequence[Row], across: Sequence[str], view: View) -> None:
        """Print a matrix, for example of roles and permissions, with a column for each name in `across`.

        A cell has an x if the list of its row contains the name of its column. On a terminal, the table is divided into
        parts that fit its width. Programs get the rows unchanged.
        """
        if not self.for_people:
            self._data(rows, view)
            return
        down, listed = view[-2:]
        titles = [text.safe(name) for name in across]
        width = max((table.cell_width(text.cell(row[down.key])) for row in rows), default=0)
        available = self.screen.width
        for number, (start, end) in enumerate(table.column_ranges(width, titles, available)):
            headings = [table.Heading(down.heading), *map(table.Heading, titles[start:end])]
            body = [
                [text.cell(row[down.key]), *("x" if name in row[listed.key] else "" for name in across[start:end])]
                for row in rows
            ]
            lines = table.lines(headings, body, available)
            streams.write("\n" * bool(number) + "".join(f"{line}\n" for line in lines))

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

        `lines`, `below` and `passage` are printed only for people, after the row: first the `lines`, then a table for
        each key of `below`, then the text in the column `passage`.
        """
        [row] = self._masked([row], view, [row["id"]] if "id" in row else [])
        if not self.for_people:
            keys = [column.key for column in view]
            formats.write_record(self.form, {key: row.get(key) for key in keys}, keys)
            return
        shown = [
            column for column in view if column.table is not None and (column.absent or row.get(column.key) is not None)
        ]
        indent = max(len(column.heading) for column in shown) + len(table.GAP)
        screen = self.screen
        for column in shown:
            title, shown_value = f"{column.heading:<{indent}}", table.wrap_parts(screen.parts(row, column), indent)
            if self.coloured:
                title = styles.styled(title, styles.BOLD)
                shown_value = styles.state(shown_value) if column.state else shown_value
            streams.write(f"{title}{shown_value}".rstrip() + "\n")
        self.lines(lines)
        tables: list[tuple[Sequence[str], bool]] = [((), screen.shows_local_times([row], shown))]
        for key, columns in (below or {}).items():
            if row[key]:
                streams.write("\n")
                tables.append(self._table(list(self._masked(row[key], columns)), _table_columns(columns)))
        if passage is not None and row[passage] is not None:
            streams.write(f"\n{text.passage(row[passage])}\n")
        self._explain(tables)

    def visible_entries(self, entries: Sequence[Row], *targets: Any) -> Sequence[Row]:
        """Return the changes that an event has recorded. Texts of messages are masked if the user may not see them.

        `targets` are the ids of the documents that are shown.
        """
        if self.form == "ids" or not any(map(masking.is_private, entries)) or self.may_show_bodies(*targets):
            return entries
        return [masking.masked_entry(entry) for entry in entries]

    def visible_lines(self, changeset: "Changeset", *targets: Any, whole: bool = False) -> Iterator[str]:
        """Return a line for each change of a changeset; see `Changeset.lines`. Messages are masked if required.

        `targets` are the ids of the shown documents.
        """
        if not changeset.shows("Message") or self.may_show_bodies(*targets):
            return changeset.lines(whole=whole)
        return changeset.lines(masking.masked_entry, whole=whole)

    def document(self, document: Row, lines: Iterable[str]) -> None:
        """Print a result that is not a list: `lines` for people, `document` for programs.

        If the only value of the document is a list, NDJSON and CSV have a line for each item of this list.
        """
        (key, items), *more = document.items()
        if self.for_people:
            self.lines(lines)
        elif self.form in {"ndjson", "csv"} and isinstance(items, list) and not more:
            formats.write_rows(self.form, items, list(items[0]) if items else [key])
        else:
            formats.write_record(self.form, document, list(document))

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines on standard output. On a terminal, lines of a diff or of tests are coloured."""
        for line in lines:
            shown = text.safe(line)
            streams.write(f"{styles.line(shown) if self.coloured else shown}\n")

    def paged(self) -> AbstractContextManager[None]:
        """Show the output of the `with` block in a pager, if the output is for people."""
        return paged() if self.for_people else nullcontext()

    def note(self, message: str) -> None:
        """Print a note on standard error, except with JSON output."""
        if self.form != "json":
            say(self.pasteable(message))

    def pasteable(self, message: str) -> str:
        """Add the options that chose the database to each command in a text. Then users can paste the command."""
        return on_same_database(message, self.invocation.arguments)

    def notes(self, messages: Iterable[str]) -> None:
        """Print notes on standard error. With JSON output, nothing is printed, and the iterator is not read."""
        if self.form != "json":
            for message in messages:
                self.note(message)

    def apply(self, changeset: "Changeset", confirm: "Decide") -> None:
        """Preview a change of the database, ask for confirmation if required, write it and report the results."""
        from cli.output import applying

        applying.apply(self, changeset, confirm)

    def apply_each(self, changesets: "Sequence[Changeset]", confirm: "Decide") -> None:
        """Apply several changesets one after the other, each as `apply` does.

        If nothing has to be changed, print nothing, except on a terminal, with `--dry-run` or as JSON.
        """
        from cli.output import applying

        applying.apply_each(self, changesets, confirm)

    def nothing_to_do(self) -> None:
        """Report that a command has nothing to change, for example because standard input was empty."""
        if self.form == "json":
            show_json({"event": None, "changed": 0, "unchanged": 0, "results": []})
        self.note("nothing to do")

    def may_show_bodies(self, *targets: Any) -> bool:
        """Tell whether texts and images of messages may be shown; see `masking.may_show`."""
        return masking.may_show(self.invocation, self.note, targets)

    @property
    def for_people(self) -> bool:
        return self.form in {"table", "wide"}

    @property
    def screen(self) -> Screen:
        width = None if self.form == "wide" else streams.width()
        return Screen(width, zone_of(self.invocation), relative=streams.is_terminal(sys.stdout))

    @property
    def coloured(self) -> bool:
        return streams.has_colour(sys.stdout)

    def note_zone(self) -> None:
        """Print a note with the time zone of the printed times. Print no note in UTC or in formats for programs."""
        if self.for_people and self.screen.zone:
            self.note(f"times are in {self.screen.zone}; for UTC add --utc")

    def _usual_columns(self, view: View) -> View:
        """Return the columns that a list has if the user does not choose columns. Programs get all columns."""
        return _table_columns(view) if self.for_people or self.form == "markdown" else view

    def _masked(self, rows: Iterable[Row], view: View, targets: Sequence[Any] = ()) -> Iterable[Row]:
        """Return the rows. If messages are masked, private values are replaced by their lengths."""
        private = [column.key for column in view if column.private and self.form != "ids"]
        return rows if not private or self.may_show_bodies(*targets) else masking.masked_rows(rows, private)

    def _data(self, rows: Iterable[Row], view: View) -> None:
        keys = [column.key for column in view]
        if self.form == "ids":
            formats.write_rows("ids", rows, keys)
        else:
            chosen = (row if [*row] == keys else {key: row.get(key) for key in keys} for row in rows)
            formats.write_rows(self.form, chosen, keys)

    def _page(self, listing: "Listing", view: View, page: "Page", after: str | None) -> None:
        limit = None if page.all else page.limit or PAGE
        rows = listing.rows(page.sort, after, limit and limit + 1, columns=[column.key for column in view])
        found = list(rows)
        shown = list(self._masked(found[:limit], view))
        self._explain([self._table(shown, view, fixed=page.columns is not None)])
        if limit and len(found) > limit:
            number, exact = listing.count_up_to(COUNTED_UP_TO)
            known = f"{max(number, len(found)):,}{'' if exact else '+'}"
            onward = self.invocation.command_with("--after", text.id_text(shown[-1]["id"]))
            self.note(f"{len(shown):,} of {known}; next page: {text.quoted(onward)}")

    def _table(self, rows: Sequence[Row], view: View, *, fixed: bool = False) -> tuple[Sequence[str], bool]:
        """Print a table. Return the keys of columns that did not fit, and whether the table has local times."""
        if not rows:
            self.note("nothing found")
            return (), False
        screen = self.screen
        shown = screen.table(rows, view, fixed=fixed)
        for line in shown.lines:
            streams.write(f"{line}\n")
        return shown.hidden, screen.shows_local_times(rows, shown.columns)

    def _explain(self, tables: Sequence[tuple[Sequence[str], bool]]) -> None:
        """Print notes about the tables that were just printed: their hidden columns, and the zone of local times.

        A table is `(keys of its hidden columns, whether it has local times)`.
        """
        hidden = [key for keys, _ in tables for key in keys]
        if hidden:
            self.note(f"{counted(len(hidden), 'column')} hidden ({', '.join(hidden)}): -o wide")
        if any(local for _, local in tables):
            self.note_zone()


def zone_of(invocation: Invocation) -> str | None:
    """Return the time zone of printed times: local on a terminal, None (UTC) elsewhere or with `--utc`."""
    return times.local_zone() if streams.is_terminal(sys.stdout) and not invocation.utc else None


def say(message: str) -> None:
    """Print a message on standard error, after everything that was printed before it."""
    # If standard output fails here, it fails again at the end of the run, where the error is reported.
    with suppress(OutputError):
        streams.flush()
    streams.say(for_people(message))


def for_people(message: str) -> str:
    """Return a message as it is printed on standard error. On a terminal, it is coloured, and wrapped between words."""
    shown = text.safe(streams.encodable(message, sys.stderr))
    if available := streams.width(sys.stderr):
        shown = table.wrap(shown, available, len(shown) - len(shown.lstrip()))
    return styles.line(shown) if streams.has_colour(sys.stderr) else shown


def write_rows(rows: Iterable[Row], keys: Sequence[str], form: str, to: str, *, overwrite: bool = False) -> None:
    """Write a list to a file or standard output, while the rows are read. See `files.writing`."""
    if to in STANDARD_OUTPUT:
        formats.write_rows(form, rows, keys)
        return
    with writing(to, overwrite=overwrite) as write:
        for part in formats.parts(form, rows, keys):
            write(part)


def silent(_: str) -> None:
    """Ignore a note. This function replaces `say` if only a program reads the output."""


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


def _table_columns(view: View) -> View:
    """Leave out the columns that tables show only with `--columns`."""
    return tuple(column for column in view if column.table is not None)
