"""People on their way into the database, on disk, so that memory does not grow with their number."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple
from weakref import finalize

import bson
from bson import ObjectId

from actions import csv_cells, finding
from actions.users.documents import PROFILE
from actions.users.importing.person import Person
from changes import Result
from database.decoding import AS_STORED
from database.errors import OutputError

AT_ONCE: Final = 1000
OBJECT_ID_BYTES: Final = 12
"""The length of an ObjectId in bytes; other ids are stored as longer BSON documents."""
SAID_EACH: Final = 10
"""Up to this many rows with the same fault are listed one by one."""

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
CREATE TABLE fault (row INTEGER, field, message, conflict, quiet);
CREATE TABLE given (row INTEGER PRIMARY KEY, cells);
"""
_COLUMNS: Final = ", ".join(Person._fields)
_PERSON: Final = f"INSERT INTO person ({_COLUMNS}, id) VALUES ({'?, ' * len(Person._fields)}?)"  # noqa: S608
_TWICE: Final = """
SELECT row, first FROM (SELECT row, min(row) OVER (PARTITION BY {0}) AS first FROM {1}) WHERE row > first
"""
_FAULTS: Final = """
SELECT row, field, message, conflict, quiet, times FROM (
    SELECT *, rowid AS place, count(*) OVER alike AS times, row_number() OVER (alike ORDER BY row, rowid) AS number
    FROM fault WHERE NOT quiet WINDOW alike AS (PARTITION BY field, message, conflict)
) WHERE times <= ? OR number = 1 ORDER BY row, place LIMIT ?
"""


class Flaw(NamedTuple):
    """What is wrong with a row or one of its fields; a `conflict` is a valid row that contradicts the database.

    A `quiet` flaw is reported elsewhere, once for all rows; here it is only for the file of faulty rows.
    """

    row: int
    field: str | None
    message: str
    conflict: bool = False
    quiet: bool = False


class Counts(NamedTuple):
    """The number of people with an outcome, and how many profiles, linked sign-ins and no way to sign in they have."""

    people: int
    profiles: int
    accounts: int
    locked_out: int


class Decision(NamedTuple):
    """What becomes of the person of a row; `found` is what there is of one who will be changed."""

    row: int
    id: Any
    outcome: str
    message: str | None = None
    found: Mapping[str, Any] | None = None


class Waiting(NamedTuple):
    """A person whose time to be written has come, with their id and what there is of them."""

    person: Person
    id: ObjectId
    found: dict[str, Any] | None


@contextmanager
def _room() -> Iterator[None]:
    """Take a disk that is full for no bug; any method that writes wants it."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
            raise
        hint = "nothing was done; TMPDIR can name a folder with more room"
        raise OutputError(f"temporary files could not be written: {error}", hint) from None


class Spool(Collection[Result]):
    """A nameless database of this process, gone with it: people, what is wrong with them, what becomes of them.

    It holds passwords as they were given, as the file does; nobody else can open it. As a collection it is the results
    of the import. Every person has an id from the start, that of the user they will be if there is none yet.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        finalize(self, self._database.close)
        self._database.executescript(_TABLES)

    @_room()
    def add(self, people: Sequence[Person]) -> None:
        self._database.executemany(_PERSON, ((*_stored(person), ObjectId().binary) for person in people))
        pairs = ((person.row, *pair) for person in people if person.accounts for pair in person.sign_ins)
        self._database.executemany("INSERT INTO account VALUES (?, ?, ?)", pairs)

    @_room()
    def keep(self, given: Iterable[tuple[int, str]]) -> None:
        """Keep rows as they were given, to be handed back."""
        self._database.executemany("INSERT INTO given VALUES (?, ?)", given)

    @_room()
    def note(self, flaws: Iterable[Flaw]) -> None:
        shown = ((flaw.row, _visible(flaw.field), _visible(flaw.message), *flaw[3:]) for flaw in flaws)
        self._database.executemany("INSERT INTO fault VALUES (?, ?, ?, ?, ?)", shown)

    @_room()
    def hush(self, field: str, message: str) -> None:
        """Do not list faults of a field with this message: they are reported elsewhere."""
        self._database.execute("UPDATE fault SET quiet = 1 WHERE field = ? AND message = ?", (field, message))

    @_room()
    def decide(self, decisions: Iterable[Decision]) -> None:
        rows = ((_bytes(one.id), one.outcome, one.message, _bytes(one.found), one.row) for one in decisions)
        self._database.executemany("UPDATE person SET id = ?, outcome = ?, message = ?, found = ? WHERE row = ?", rows)

    @_room()
    def note_doubles(self, field: str) -> None:
        """Note every row that has a value of an earlier one."""
        self._database.execute(f"CREATE INDEX by_{field} ON person ({field}, row)")
        doubles = self._database.execute(_TWICE.format(field, f"person WHERE {field} IS NOT NULL"))
        self.note(Flaw(row, field, f"row {first} has the same {field}") for row, first in doubles.fetchall())

    @_room()
    def note_double_accounts(self) -> None:
        """Note every row that has a linked sign-in of an earlier row."""
        doubles = self._database.execute(_TWICE.format("provider, providerAccountId", "account"))
        self.note(Flaw(row, "accounts", f"row {first} has the same account") for row, first in doubles.fetchall())

    @_room()
    def rename(self, usernames: Mapping[int, str]) -> None:
        """Store the usernames of people, by the numbers of their rows."""
        pairs = ((name, row) for row, name in usernames.items())
        self._database.executemany("UPDATE person SET username = ? WHERE row = ?", pairs)

    def has(self, field: str, value: str) -> bool:
        """Tell whether somebody here has a value of a field that `note_doubles` has looked at."""
        return bool(self._database.execute(f"SELECT 1 FROM person WHERE {field} = ?", (value,)).fetchone())  # noqa: S608

    def people(self) -> Iterator[list[Person]]:
        """Read all people in the order of their rows, a thousand at a time."""
        for part in self._parts(f"SELECT {_COLUMNS} FROM person WHERE row > ?"):  # noqa: S608
            yield [_person(values) for values in part]

    def waiting(self, outcome: str | None = None) -> Iterator[Waiting]:
        """Read the people whom the import creates and changes, or one of these."""
        wanted = f"outcome = '{outcome}'" if outcome else "outcome != 'unchanged'"
        for part in self._parts(f"SELECT {_COLUMNS}, id, found FROM person WHERE {wanted} AND row > ?"):  # noqa: S608
            for *values, identifier, found in part:
                yield Waiting(_person(values), ObjectId(identifier), found and _document(found))

    def left(self) -> int:
        """Count the people whom the import creates and changes."""
        return int(self._database.execute("SELECT count(*) FROM person WHERE outcome != 'unchanged'").fetchone()[0])

    def username(self, identifier: Any) -> str | None:
        """Return what somebody whom the import changes is called before."""
        wanted = "SELECT found FROM person WHERE id = ? AND outcome = 'updated'"
        found = (
            self._database.execute(wanted, (_bytes(identifier),)).fetchone()
            if isinstance(identifier, ObjectId)
            else None
        )
        return found and finding.user_label(_document(found[0])["user"])

    def counts(self, outcome: str) -> Counts:
        """Count the people with an outcome, and what they have."""
        filled = " OR ".join(f"{field} IS NOT NULL" for field in PROFILE)
        sums = ", ".join(f"coalesce(sum({condition}), 0)" for condition in (filled, LOCKED_OUT))
        people, profiles, locked_out = self._database.execute(
            f"SELECT count(*), {sums} FROM person WHERE outcome = ?",  # noqa: S608
            (outcome,),
        ).fetchone()
        linked = "SELECT count(*) FROM account JOIN person USING (row) WHERE outcome = ?"
        return Counts(people, profiles, self._database.execute(linked, (outcome,)).fetchone()[0], locked_out)

    def roles_of(self, outcome: str) -> Iterator[tuple[list[str], int]]:
        """Read the lists of roles of people with an outcome, each once, and how many have it."""
        lists = "SELECT roles, count(*) FROM person WHERE outcome = ? AND roles IS NOT NULL GROUP BY roles"
        for roles, count in self._database.execute(lists, (outcome,)).fetchall():
            yield csv_cells.divided(roles), count

    def faults(self, most: int) -> tuple[int, int, list[Flaw]]:
        """Count faults and conflicts, and return the first of them in the order of rows.

        A fault that many rows have is reported once, for the first of them.
        """
        count = "SELECT count(*), coalesce(sum(conflict), 0) FROM fault WHERE NOT quiet"
        number, conflicts = self._database.execute(count).fetchone()
        first = self._database.execute(_FAULTS, (SAID_EACH, most))
        return number, conflicts, [_with_times(Flaw(*values), times) for *values, times in first]

    def rejected(self, of_all: str = "") -> Iterator[tuple[str, str]]:
        """Read the faulty rows as they were given to `keep`, each with all its faults.

        `of_all` is a fault of all rows, which is not stored for each of them.
        """
        messages = "group_concat(coalesce(field || ': ', '') || message, '; ')"
        join = "LEFT JOIN" if of_all else "JOIN"
        rows = f"SELECT cells, {messages} FROM given {join} fault USING (row) GROUP BY row ORDER BY row"  # noqa: S608
        for cells_given, message in self._database.execute(rows):
            yield cells_given, "; ".join(filter(None, (of_all, message)))

    def __iter__(self) -> Iterator[Result]:
        for part in self._parts(f"SELECT row, id, email, outcome, message, {LOCKED_OUT} FROM person WHERE row > ?"):  # noqa: S608
            for _, identifier, email, outcome, message, locked_out in part:
                warning = CANNOT_SIGN_IN if locked_out and outcome == "created" else None
                yield Result(_id(identifier), email, outcome, message, warning=warning)

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM person").fetchone()[0])

    def __contains__(self, result: object) -> bool:
        return any(result == one for one in self)

    def _parts(self, select: str) -> Iterator[list[Any]]:
        """Read rows part by part, so that they can be written in between; the first column is the number of the row."""
        last = 0
        while part := self._database.execute(f"{select} ORDER BY row LIMIT {AT_ONCE}", (last,)).fetchall():
            yield part
            last = part[-1][0]


def _stored(person: Person) -> list[Any]:
    values: list[Any] = list(person)
    for place, (store, _) in _ODD.items():
        if values[place] is not None:
            values[place] = store(values[place])
    return values


def _person(values: Sequence[Any]) -> Person:
    read: list[Any] | None = None
    for place, (_, load) in _ODD.items():
        if values[place] is not None:
            read = read or list(values)
            read[place] = load(values[place])
    return Person(*(read or values))


def _time(value: datetime | bool) -> str | bool:
    return value.isoformat() if isinstance(value, datetime) else value


def _read_time(value: str | int) -> datetime | bool:
    return datetime.fromisoformat(value) if isinstance(value, str) else bool(value)


_ODD: Final[dict[int, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    **{Person._fields.index(field): (_time, _read_time) for field in ("emailVerified", "createdAt", "lastLogin")},
    Person._fields.index("roles"): (csv_cells.joined, lambda text: tuple(csv_cells.divided(text))),
    Person._fields.index("accounts"): (json.dumps, lambda text: tuple(json.loads(text))),
}
"""Values for which SQLite has no type, by their position: how they are stored and read back."""


def _with_times(flaw: Flaw, times: int) -> Flaw:
    return flaw if times <= SAID_EACH else flaw._replace(message=f"{flaw.message} (and in {times - 1:,} more rows)")


def _visible(text: str | None) -> str | None:
    """Escape what is not UTF-8, which a fault may quote and no database takes."""
    return text and text.encode("utf-8", "backslashreplace").decode()


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, ObjectId):
        return value.binary
    if value is None:
        return None
    return bson.encode(value if isinstance(value, dict) else {"": value}, codec_options=AS_STORED)


def _id(data: bytes) -> Any:
    """Read back an id, which may be of any type in broken data."""
    return ObjectId(data) if len(data) == OBJECT_ID_BYTES else bson.decode(data, AS_STORED)[""]


def _document(data: bytes) -> dict[str, Any]:
    return bson.decode(data, AS_STORED)
