"""The rows of an import in a temporary database on disk, so that a large import needs little memory."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple
from weakref import finalize

import bson
from bson import ObjectId

from actions import csv_cells, lookup
from actions.users.importing.person import Person
from actions.users.listing import PROFILE
from changes import Result
from database.decoding import AS_STORED
from database.errors import OutputError

AT_ONCE: Final = 1000
OBJECT_ID_BYTES: Final = 12
"""The length of an ObjectId in bytes. Any other id is stored as a BSON document, which is longer."""
LISTED_EACH: Final = 10
"""If up to this number of rows have the same fault, the fault is listed for each row.

If more rows have the fault, it is listed once, with the number of rows.
"""

LOCKED_OUT: Final = "password IS NULL AND hashedPassword IS NULL AND accounts IS NULL"
CANNOT_SIGN_IN: Final = "no password and no linked sign-in"

_TABLES: Final = f"""
PRAGMA journal_mode = OFF;
CREATE TABLE person (
    {Person._fields[0]} INTEGER PRIMARY KEY, {", ".join(Person._fields[1:])},
    id, outcome DEFAULT 'created', message, found
);
CREATE INDEX updated ON person (id) WHERE outcome = 'updated';
CREATE TABLE account (row INTEGER, provider, providerAccountId);
CREATE TABLE fault (row INTEGER, field, message, conflict, summarized);
CREATE TABLE given (row INTEGER PRIMARY KEY, cells);
"""
_COLUMNS: Final = ", ".join(Person._fields)
_PERSON: Final = f"INSERT INTO person ({_COLUMNS}, id) VALUES ({'?, ' * len(Person._fields)}?)"  # noqa: S608
_DUPLICATES: Final = """
SELECT row, first FROM (SELECT row, min(row) OVER (PARTITION BY {0}) AS first FROM {1}) WHERE row > first
"""
_FAULTS: Final = """
SELECT row, field, message, conflict, summarized, times FROM (
    SELECT *, rowid AS place, count(*) OVER alike AS times, row_number() OVER (alike ORDER BY row, rowid) AS number
    FROM fault WHERE NOT summarized WINDOW alike AS (PARTITION BY field, message, conflict)
) WHERE times <= ? OR number = 1 ORDER BY row, place LIMIT ?
"""


class RowFault(NamedTuple):
    """A fault in a row or in a field. If `conflict` is true, the row is valid, but contradicts the database.

    If `summarized` is true, the fault is not listed for each row, because one message reports it for all rows. But the
    file of faulty rows has the fault in each row.
    """

    row: int
    field: str | None
    message: str
    conflict: bool = False
    summarized: bool = False


class Counts(NamedTuple):
    """The numbers of people, profiles and linked sign-ins, and of people who will have no way to sign in."""

    people: int
    profiles: int
    accounts: int
    locked_out: int


class Decision(NamedTuple):
    """What the import does with the person of a row. `found` has the stored documents if a user will be changed."""

    row: int
    id: Any
    outcome: str
    message: str | None = None
    found: Mapping[str, Any] | None = None


class PendingPerson(NamedTuple):
    """A person whom the import will create or change. `found` has the stored documents if the user already exists."""

    person: Person
    id: ObjectId
    found: dict[str, Any] | None


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Raise `OutputError` instead of an error of SQLite, for example if the disk is full.

    All methods that write use this function as decorator.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
            raise
        hint = "nothing was changed; set TMPDIR to a folder with more space"
        raise OutputError(f"temporary files could not be written: {error}", hint) from None


class StagingDatabase(Collection[Result]):
    """A temporary database of an import: people, the faults of their rows, and what the import does with each person.

    The database contains passwords in plain text, like the imported file. It has no file name, so no other process can
    open it. Iterating over this object yields the results of the import. `add` gives every person an id. If the import
    creates a user for this person, the user gets this id.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        finalize(self, self._database.close)
        self._database.executescript(_TABLES)

    @_disk_errors()
    def add(self, people: Sequence[Person]) -> None:
        """Store the people of some rows, and give an id to each person."""
        self._database.executemany(_PERSON, ((*_to_sqlite(person), ObjectId().binary) for person in people))
        pairs = ((person.row, *pair) for person in people if person.accounts for pair in person.sign_ins)
        self._database.executemany("INSERT INTO account VALUES (?, ?, ?)", pairs)

    @_disk_errors()
    def keep_originals(self, given: Iterable[tuple[int, str]]) -> None:
        """Store rows as they are in the imported file. The file of faulty rows needs them."""
        self._database.executemany("INSERT INTO given VALUES (?, ?)", given)

    @_disk_errors()
    def add_faults(self, faults: Iterable[RowFault]) -> None:
        """Store the faults of some rows."""
        shown = ((fault.row, _escaped(fault.field), _escaped(fault.message), *fault[3:]) for fault in faults)
        self._database.executemany("INSERT INTO fault VALUES (?, ?, ?, ?, ?)", shown)

    @_disk_errors()
    def silence(self, field: str, message: str) -> None:
        """Mark all faults with this field and message as `summarized`: one message reports the fault for all rows."""
        self._database.execute("UPDATE fault SET summarized = 1 WHERE field = ? AND message = ?", (field, message))

    @_disk_errors()
    def set_decisions(self, decisions: Iterable[Decision]) -> None:
        """Record for each person whether the import creates, updates or skips them."""
        rows = ((_bytes(one.id), one.outcome, one.message, _bytes(one.found), one.row) for one in decisions)
        self._database.executemany("UPDATE person SET id = ?, outcome = ?, message = ?, found = ? WHERE row = ?", rows)

    @_disk_errors()
    def flag_duplicates(self, field: str) -> None:
        """Record a fault for each row that has the same value in this field as an earlier row."""
        self._database.execute(f"CREATE INDEX by_{field} ON person ({field}, row)")
        doubles = self._database.execute(_DUPLICATES.format(field, f"person WHERE {field} IS NOT NULL"))
        self.add_faults(RowFault(row, field, f"row {first} has the same {field}") for row, first in doubles.fetchall())

    @_disk_errors()
    def flag_duplicate_accounts(self) -> None:
        """Record a fault for each row that has the same linked sign-in as an earlier row."""
        doubles = self._database.execute(_DUPLICATES.format("provider, providerAccountId", "account"))
        self.add_faults(
            RowFault(row, "accounts", f"row {first} has the same account") for row, first in doubles.fetchall()
        )

    @_disk_errors()
    def set_usernames(self, usernames: Mapping[int, str]) -> None:
        """Store the usernames of people, by the numbers of their rows."""
        pairs = ((name, row) for row, name in usernames.items())
        self._database.executemany("UPDATE person SET username = ? WHERE row = ?", pairs)

    def has(self, field: str, value: str) -> bool:
        """Tell whether a row has this value in this field.

        Call `flag_duplicates` for the field first. Otherwise this function is slow.
        """
        return bool(self._database.execute(f"SELECT 1 FROM person WHERE {field} = ?", (value,)).fetchone())  # noqa: S608

    def people(self) -> Iterator[list[Person]]:
        """Read all people in the order of their rows, a thousand people at a time."""
        for part in self._pages(f"SELECT {_COLUMNS} FROM person WHERE row > ?"):  # noqa: S608
            yield [_from_sqlite(values) for values in part]

    def pending(self, outcome: str | None = None) -> Iterator[PendingPerson]:
        """Read the people whom the import creates or changes.

        If `outcome` is given, read only the people who are created, or only the people who are updated.
        """
        wanted = f"outcome = '{outcome}'" if outcome else "outcome != 'unchanged'"
        for part in self._pages(f"SELECT {_COLUMNS}, id, found FROM person WHERE {wanted} AND row > ?"):  # noqa: S608
            for *values, identifier, found in part:
                yield PendingPerson(_from_sqlite(values), ObjectId(identifier), found and _document(found))

    def count_pending(self) -> int:
        """Return the number of people whom the import creates or changes."""
        return int(self._database.execute("SELECT count(*) FROM person WHERE outcome != 'unchanged'").fetchone()[0])

    def username(self, identifier: Any) -> str | None:
        """Return the current username of a user whom the import changes."""
        wanted = "SELECT found FROM person WHERE id = ? AND outcome = 'updated'"
        found = (
            self._database.execute(wanted, (_bytes(identifier),)).fetchone()
            if isinstance(identifier, ObjectId)
            else None
        )
        return found and lookup.user_label(_document(found[0])["user"])

    def counts(self, outcome: str) -> Counts:
        """Count the people with this outcome, their profiles, and their linked sign-ins."""
        filled = " OR ".join(f"{field} IS NOT NULL" for field in PROFILE)
        sums = ", ".join(f"coalesce(sum({condition}), 0)" for condition in (filled, LOCKED_OUT))
        people, profiles, locked_out = self._database.execute(
            f"SELECT count(*), {sums} FROM person WHERE outcome = ?",  # noqa: S608
            (outcome,),
        ).fetchone()
        linked = "SELECT count(*) FROM account JOIN person USING (row) WHERE outcome = ?"
        return Counts(people, profiles, self._database.execute(linked, (outcome,)).fetchone()[0], locked_out)

    def role_lists(self, outcome: str) -> Iterator[tuple[list[str], int]]:
        """Yield each list of roles that people with this outcome have, and the number of people who have this list."""
        lists = "SELECT roles, count(*) FROM person WHERE outcome = ? AND roles IS NOT NULL GROUP BY roles"
        for roles, count in self._database.execute(lists, (outcome,)).fetchall():
            yield csv_cells.split_list(roles), count

    def faults(self, most: int) -> tuple[int, int, list[RowFault]]:
        """Return the number of faults, the number of conflicts, and the first `most` faults in the order of their rows.

        A fault that many rows have is listed once, for the first of these rows.
        """
        count = "SELECT count(*), coalesce(sum(conflict), 0) FROM fault WHERE NOT summarized"
        number, conflicts = self._database.execute(count).fetchone()
        first = self._database.execute(_FAULTS, (LISTED_EACH, most))
        return number, conflicts, [_with_count(RowFault(*values), times) for *values, times in first]

    def faulty_rows(self, of_all: str = "") -> Iterator[tuple[str, str]]:
        """Read the faulty rows as they are in the imported file, each with a text of all its faults.

        If all rows have the same fault, `of_all` is its message. This fault is not stored for each row.
        """
        messages = "group_concat(coalesce(field || ': ', '') || message, '; ')"
        join = "LEFT JOIN" if of_all else "JOIN"
        rows = f"SELECT cells, {messages} FROM given {join} fault USING (row) GROUP BY row ORDER BY row"  # noqa: S608
        for cells_given, message in self._database.execute(rows):
            yield cells_given, "; ".join(filter(None, (of_all, message)))

    def __iter__(self) -> Iterator[Result]:
        for part in self._pages(f"SELECT row, id, email, outcome, message, {LOCKED_OUT} FROM person WHERE row > ?"):  # noqa: S608
            for _, identifier, email, outcome, message, locked_out in part:
                warning = CANNOT_SIGN_IN if locked_out and outcome == "created" else None
                yield Result(_read_id(identifier), email, outcome, message, warning=warning)

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM person").fetchone()[0])

    def __contains__(self, result: object) -> bool:
        return any(result == one for one in self)

    def _pages(self, select: str) -> Iterator[list[Any]]:
        """Read rows page by page, so that rows can be changed between two pages.

        The first column of `select` must be the row number.
        """
        last = 0
        while part := self._database.execute(f"{select} ORDER BY row LIMIT {AT_ONCE}", (last,)).fetchall():
            yield part
            last = part[-1][0]


def _to_sqlite(person: Person) -> list[Any]:
    values: list[Any] = list(person)
    for place, (store, _) in _CONVERTERS.items():
        if values[place] is not None:
            values[place] = store(values[place])
    return values


def _from_sqlite(values: Sequence[Any]) -> Person:
    read: list[Any] | None = None
    for place, (_, load) in _CONVERTERS.items():
        if values[place] is not None:
            read = read or list(values)
            read[place] = load(values[place])
    return Person(*(read or values))


def _time(value: datetime | bool) -> str | bool:
    return value.isoformat() if isinstance(value, datetime) else value


def _read_time(value: str | int) -> datetime | bool:
    return datetime.fromisoformat(value) if isinstance(value, str) else bool(value)


_CONVERTERS: Final[dict[int, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    **{Person._fields.index(field): (_time, _read_time) for field in ("emailVerified", "createdAt", "lastLogin")},
    Person._fields.index("roles"): (csv_cells.join_list, lambda text: tuple(csv_cells.split_list(text))),
    Person._fields.index("accounts"): (json.dumps, lambda text: tuple(json.loads(text))),
}
"""Position of a field of `Person` → two functions, for each field that SQLite cannot store.

The first function converts a value before it is stored. The second function converts the value back.
"""


def _with_count(fault: RowFault, times: int) -> RowFault:
    return (
        fault if times <= LISTED_EACH else fault._replace(message=f"{fault.message} (and in {times - 1:,} more rows)")
    )


def _escaped(text: str | None) -> str | None:
    """Escape characters that are not valid UTF-8, because SQLite refuses them. A fault may quote such characters."""
    return text and text.encode("utf-8", "backslashreplace").decode()


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, ObjectId):
        return value.binary
    if value is None:
        return None
    return bson.encode(value if isinstance(value, dict) else {"": value}, codec_options=AS_STORED)


def _read_id(data: bytes) -> Any:
    """Convert a stored id back to its value. In broken data, the id may have any type."""
    return ObjectId(data) if len(data) == OBJECT_ID_BYTES else bson.decode(data, AS_STORED)[""]


def _document(data: bytes) -> dict[str, Any]:
    return bson.decode(data, AS_STORED)
