"""People on their way into the database, on disk, so that memory does not grow with their number."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, NamedTuple
from weakref import finalize

import bson
from bson import ObjectId

from actions import finding
from actions.users.documents import PROFILE
from actions.users.importing.person import Person
from models import cells
from models.changes import Result
from models.decoding import AS_STORED
from models.errors import OutputError

AT_ONCE: Final = 1000

_TABLES: Final = f"""
PRAGMA journal_mode = OFF;
CREATE TABLE person (
    {Person._fields[0]} INTEGER PRIMARY KEY, {", ".join(Person._fields[1:])},
    id, outcome DEFAULT 'created', message, found
);
CREATE INDEX updated ON person (id) WHERE outcome = 'updated';
CREATE TABLE fault (row INTEGER, field, message, conflict);
CREATE TABLE given (row INTEGER PRIMARY KEY, cells);
"""
_COLUMNS: Final = ", ".join(Person._fields)
_PERSON: Final = f"INSERT INTO person ({_COLUMNS}, id) VALUES ({'?, ' * len(Person._fields)}?)"  # noqa: S608
_TWICE: Final = """
SELECT row, first FROM (SELECT row, min(row) OVER (PARTITION BY {0}) AS first FROM person WHERE {0} IS NOT NULL)
WHERE row > first
"""


class Flaw(NamedTuple):
    """What is wrong with a row, in one of its fields or as a whole; a conflict is right but for what is there."""

    row: int
    field: str | None
    message: str
    conflict: bool = False


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

    @_room()
    def keep(self, given: Iterable[tuple[int, str]]) -> None:
        """Keep rows as they were given, to be handed back."""
        self._database.executemany("INSERT INTO given VALUES (?, ?)", given)

    @_room()
    def note(self, flaws: Iterable[Flaw]) -> None:
        shown = ((flaw.row, _visible(flaw.field), _visible(flaw.message), flaw.conflict) for flaw in flaws)
        self._database.executemany("INSERT INTO fault VALUES (?, ?, ?, ?)", shown)

    @_room()
    def decide(self, decisions: Iterable[Decision]) -> None:
        rows = ((_bytes(one.id), one.outcome, one.message, _bytes(one.found), one.row) for one in decisions)
        self._database.executemany("UPDATE person SET id = ?, outcome = ?, message = ?, found = ? WHERE row = ?", rows)

    @_room()
    def note_doubles(self, field: str) -> None:
        """Note every row that has a value of an earlier one."""
        self._database.execute(f"CREATE INDEX by_{field} ON person ({field}, row)")
        doubles = self._database.execute(_TWICE.format(field))
        self.note(Flaw(row, field, f"row {first} has the same {field}") for row, first in doubles.fetchall())

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

    def username(self, identifier: Any) -> str | None:
        """Return what somebody whom the import changes is called before."""
        wanted = "SELECT found FROM person WHERE id = ? AND outcome = 'updated'"
        found = (
            self._database.execute(wanted, (_bytes(identifier),)).fetchone()
            if isinstance(identifier, ObjectId)
            else None
        )
        return found and finding.user_label(_document(found[0])["user"])

    def counts(self, outcome: str) -> tuple[int, int]:
        """Count the people with an outcome, and those of them who have a profile."""
        filled = " OR ".join(f"{field} IS NOT NULL" for field in PROFILE)
        count = f"SELECT count(*), coalesce(sum({filled}), 0) FROM person WHERE outcome = ?"  # noqa: S608
        people, profiles = self._database.execute(count, (outcome,)).fetchone()
        return people, profiles

    def roles_of(self, outcome: str) -> Iterator[tuple[list[str], int]]:
        """Read the lists of roles of people with an outcome, each once, and how many have it."""
        lists = "SELECT roles, count(*) FROM person WHERE outcome = ? AND roles IS NOT NULL GROUP BY roles"
        for roles, count in self._database.execute(lists, (outcome,)).fetchall():
            yield cells.divided(roles), count

    def faults(self, most: int) -> tuple[int, int, list[Flaw]]:
        """Count faults and conflicts, and return the first of them in the order of rows."""
        count = "SELECT count(*), coalesce(sum(conflict), 0) FROM fault"
        number, conflicts = self._database.execute(count).fetchone()
        first = self._database.execute("SELECT * FROM fault ORDER BY row, rowid LIMIT ?", (most,))
        return number, conflicts, [Flaw(*values) for values in first]

    def rejected(self) -> Iterator[tuple[str, str]]:
        """Read the rows at fault as `keep` was given them, each with all that is wrong with it."""
        messages = "group_concat(coalesce(field || ': ', '') || message, '; ')"
        yield from self._database.execute(
            f"SELECT cells, {messages} FROM given JOIN fault USING (row) GROUP BY row ORDER BY row"  # noqa: S608
        )

    def __iter__(self) -> Iterator[Result]:
        for part in self._parts("SELECT row, id, email, outcome, message FROM person WHERE row > ?"):
            for _, identifier, email, outcome, message in part:
                yield Result(ObjectId(identifier), email, outcome, message)

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
    if isinstance(person.emailVerified, datetime):
        values[_VERIFIED] = person.emailVerified.isoformat()
    values[_ROLES] = None if person.roles is None else cells.joined(person.roles)
    return values


def _person(values: Sequence[Any]) -> Person:
    person = Person(*values)
    verified, roles = values[_VERIFIED], values[_ROLES]
    if verified is None and roles is None:
        return person
    return person._replace(
        emailVerified=datetime.fromisoformat(verified) if isinstance(verified, str) else verified and True,
        roles=None if roles is None else tuple(cells.divided(roles)),
    )


_VERIFIED, _ROLES = Person._fields.index("emailVerified"), Person._fields.index("roles")


def _visible(text: str | None) -> str | None:
    """Escape what is not UTF-8, which a fault may quote and no database takes."""
    return text and text.encode("utf-8", "backslashreplace").decode()


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, ObjectId):
        return value.binary
    return None if value is None else bson.encode(value, codec_options=AS_STORED)


def _document(data: bytes) -> dict[str, Any]:
    return bson.decode(data, AS_STORED)
