"""The headers or keys of a file: which columns they mean, and what is wrong with them, reported once for all rows."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from database.wording import NAMED, counted, shown
from imports.columns import COLUMNS, LISTED, REQUIRED, fold, meant
from imports.layout import LEFT_OUT, Layout
from imports.row import ERROR

MOST_NAMES: Final = 1000
"""The most unknown names that are remembered; a broken file may have a new one in every row."""
FEW_MAPS: Final = 6
"""The most --map options in a hint."""

LISTED_USERS: Final = frozenset({"id", "updatedAt", "hasPassword"})
"""Columns that `users list` prints and an import does not accept."""

_DATA: Final = re.compile(r"@|\d{4}|\$|==|^\s*(true|false|null|-?[\d.,]+)\s*$|\S{40}|.{80}", re.IGNORECASE | re.DOTALL)
"""Text that is probably a value of a user, not a header."""
_BYTES: Final = re.compile("[\ud800-\udfff]")


def is_data(name: str) -> bool:
    """Tell whether a name looks like personal data, which messages must not quote."""
    return bool(_DATA.search(name))


class Problem(NamedTuple):
    """What is wrong with the names of columns: where, in which column, and what to do."""

    row: int
    column: int | None
    message: str
    hint: str


class Names:
    """The headers or keys of a file, and the column that each means.

    `met` has the names read so far that mean a column, folded. `unknown` has the other names in the order in which
    they are read, each with its first row and its number of rows.
    """

    def __init__(self, layout: Layout, noun: str = "key") -> None:
        self.unknown: dict[str, list[int]] = {}
        self.ignores_unknown = layout.ignore_unknown
        self._noun = noun
        self._meant = {fold(name): name for name in COLUMNS} | {ERROR: LEFT_OUT}
        self._meant |= {fold(name): column for name, column in layout.columns.items()}
        self._mapped = {fold(name): name for name in layout.columns}
        self._ways = {way for name in self._mapped for way in _beginnings(name)}
        self._columns: dict[str, str] = {}
        self.met: set[str] = set()
        self._more = 0

    def column(self, name: str) -> str | None:
        """Return the column that a name means, `LEFT_OUT` if the name is ignored, None if it is unknown."""
        if name not in self._columns:
            folded = fold(name)
            if folded not in self._meant:
                return LEFT_OUT if self.ignores_unknown else None
            self.met.add(folded)
            self._columns[name] = self._meant[folded]
        return self._columns[name]

    def meaning(self, name: str) -> str | None:
        """Return the column that a name would mean, without marking the name as met."""
        return self._meant.get(fold(name))

    def of(self, given: Mapping[str, Any] | Sequence[Any], before: str = "") -> Iterator[tuple[str | None, str, Any]]:
        """Yield the column, the full name and the value of each key of an object, also inside a mapped path."""
        for key, value in given.items() if isinstance(given, Mapping) else enumerate(given):
            name = f"{before}{key}"
            column = self.column(name)
            if not column and isinstance(value, (dict, list)) and fold(name) in self._ways:
                yield from self.of(value, f"{name}.")
            else:
                yield column, name, value

    def note(self, names: Sequence[str], row: int) -> None:
        """Remember the unknown names of a row."""
        for name in names:
            if name in self.unknown or len(self.unknown) < MOST_NAMES:
                self.unknown.setdefault(name, [row, 0])[1] += 1
            else:
                self._more += 1

    @property
    def missing(self) -> list[str]:
        """Return the required columns that the file does not have."""
        met = {self._meant.get(name) for name in self.met}
        return [column for column in REQUIRED if column not in met]

    def problem(self, header: Sequence[str] | None = None) -> Problem | None:
        """Say what is wrong with all names, in one message that quotes no personal data."""
        if header is None and not self.met and not self.unknown:  # an empty list has no missing columns
            return None
        header = header or ()
        broken = next((place for place, name in enumerate(header, 1) if _BYTES.search(name)), None)
        if broken:
            return Problem(1, broken, NOT_UTF8, SAVE_AS_UTF8)
        twice = _twice([self.column(name) for name in header])
        missing = self.missing
        lost = [name for folded, name in self._mapped.items() if folded not in self.met]
        if not (self.unknown or missing or twice or lost):
            return None
        free = [column for column in COLUMNS if column not in {self._meant.get(name) for name in self.met}]
        near = {name: column for name in self.unknown if not is_data(name) and (column := meant(name, free))}
        if header and not self.met and (not near or any(map(is_data, header))):
            message = "the first row has no known column: the file must begin with a header"
            return Problem(1, None, message, f"add a header, or map its columns with --map. {LISTED}")
        parts = [self._unknown(near)] if self.unknown else []
        parts += [f"missing {self._noun}{'s' * (len(missing) > 1)}: {', '.join(missing)}"] if missing else []
        parts += [f"several {self._noun}s for {', '.join(twice)}"] if twice else []
        parts += (
            [f"--map names a {self._noun} that the file does not have: {', '.join(map(shown, lost))}"] if lost else []
        )
        first = min(self.unknown.values(), default=[1, 0])[0]
        place = next((place for place, name in enumerate(header, 1) if name in self.unknown), None)
        return Problem(first, place, "; ".join(parts), self._hint(near))

    def _unknown(self, near: Mapping[str, str]) -> str:
        names = [name for name in self.unknown if not is_data(name)]
        said = [self._said(name, near) for name in names[:NAMED]]
        hidden = len(self.unknown) - len(said) + self._more
        said += [f"and {hidden:,} more" if said else f"{hidden:,} that look like values"] if hidden else []
        several = "s" * (len(self.unknown) + self._more > 1)
        return f"unknown {self._noun}{several}: {', '.join(said)}"

    def _said(self, name: str, near: Mapping[str, str]) -> str:
        notes = [counted(self.unknown[name][1], "row")] if self._noun == "key" else []
        notes += [f'did you mean "{near[name]}"?'] if name in near else []
        return shown(name) + (f" ({'; '.join(notes)})" if notes else "")

    def _hint(self, near: Mapping[str, str]) -> str:
        if self.unknown.keys() >= LISTED_USERS:
            return "this is the output of chatctl users list; chatctl users export writes a file that can be imported"
        first: dict[str, str] = {}
        for name, column in near.items():  # one column may be meant by several names
            first.setdefault(column, f"{name}={column}")
        pairs = [*first.values()]
        maps = [f"--map {shlex.quote(pair)}" for pair in pairs[:FEW_MAPS]]
        say = f"map the {self._noun}s with {' '.join(maps or ['--map HEADER=column'])}"
        ignore = f", and ignore the other {self._noun}s with --ignore-unknown" if len(self.unknown) > len(maps) else ""
        return f"{say}{ignore}. {LISTED}"


NOT_UTF8: Final = "this is not UTF-8 text"
SAVE_AS_UTF8: Final = (
    'save the file as UTF-8: "CSV UTF-8" in Excel, "Unicode (UTF-8)" in LibreOffice, or iconv -f WINDOWS-1252 -t UTF-8'
)


def _beginnings(path: str) -> Iterator[str]:
    steps = path.split(".")
    return (".".join(steps[:number]) for number in range(1, len(steps)))


def _twice(columns: Sequence[str | None]) -> list[str]:
    return sorted({column for column in columns if column and columns.count(column) > 1})
