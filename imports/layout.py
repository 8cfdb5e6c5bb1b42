"""The layout of an import file: the column that each header or key means, and the place of the list of users."""

import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from database.errors import UsageError
from database.wording import NAMED, counted, did_you_mean, nearest, shown
from imports import products
from imports.columns import COLUMNS, LISTED, MAX_GUESSED, NOT_UTF8, REQUIRED, SAVE_AS_UTF8, is_data
from imports.formats import ERROR, Problem
from imports.products import Product

IGNORED: Final = ""
"""The word that is used instead of a column for a header or key that is ignored."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The options that say how to read a file whose headers or keys are not chatctl's columns.

    `columns` maps names in the file to columns. A name is a header, a key, or a path of keys joined by dots. `path` has
    the keys that lead to the list of users. `product` describes the files of another product. If `columns` and
    `product` both have a source for a column, the one in `columns` is used.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    ignore_unknown: bool = False
    path: Sequence[str] = ()
    product: Product | None = None
    username_from: str | None = None
    require_passwords: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """Return the columns that each row must have."""
        return tuple(column for column in REQUIRED if not (column == "username" and self.username_from))


def layout(
    maps: Sequence[str] = (),
    *,
    ignore_unknown: bool = False,
    path: str | None = None,
    product: str | None = None,
    map_file: str | None = None,
    username_from: str | None = None,
    require_passwords: bool = False,
) -> Layout:
    """Make a layout from options: each text in `maps` is `HEADER=column`. Raises `UsageError` for invalid options."""
    columns: dict[str, str] = {}
    for text in maps:
        name, equals, column = text.rpartition("=")
        if not equals or not name.strip():
            raise UsageError(f"--map {shown(text)} is not HEADER=column", "for example --map 'E-mail address=email'")
        known = {normalize_header(one): one for one in COLUMNS}
        if column and normalize_header(column) not in known:
            hint = did_you_mean(column, COLUMNS) or "see chatctl users import --columns"
            raise UsageError(f"--map: unknown column {shown(column)}", hint)
        if normalize_header(name) in map(normalize_header, columns):
            raise UsageError(f"--map names {shown(name)} twice", "use it only once")
        columns[name] = known.get(normalize_header(column), IGNORED)
    taken = [column for column in columns.values() if column]
    if twice := next((column for column in taken if taken.count(column) > 1), None):
        raise UsageError(f"--map names the column {twice} twice", "use it only once")
    steps = tuple(path.split(".")) if path else ()
    if product and map_file:
        raise UsageError(
            "--from and --map-file both describe the file", "use one of them, and --map for single columns"
        )
    described = products.load(product) if product else products.read(map_file) if map_file else None
    if require_passwords and not described:
        raise UsageError("--require-passwords works only with --from or --map-file")
    return Layout(columns, ignore_unknown, steps, described, username_from, require_passwords)


MAX_NAMES: Final = 1000
"""The most unknown names that are remembered. A broken file may have new names in every row."""
MAX_MAPS: Final = 6
"""The most --map options in a hint."""

KEEP_ONE: Final = f"keep one of them; --map NAME= ignores the column NAME. {LISTED}"
"""The hint if several headers or keys mean the same column and nothing else is wrong."""

LISTED_USERS: Final = frozenset({"id", "updatedAt", "hasPassword"})
"""Columns that `users list` prints, but an import does not accept."""

_BYTES: Final = re.compile("[\ud800-\udfff]")


class Headers:
    """The headers or keys of a file, and the column for each of them.

    `known` has the names in the file for which a column is known, in lower case. `unknown` maps each other name, in the
    order of the file, to the number of its first row and the number of rows that have it.
    """

    def __init__(self, layout: Layout, noun: str = "key") -> None:
        self.unknown: dict[str, list[int]] = {}
        self.ignores_unknown = layout.ignore_unknown
        self._required = layout.required
        self._noun = noun
        self._column_of = {normalize_header(name): name for name in COLUMNS} | {ERROR: IGNORED}
        self._column_of |= {normalize_header(name): column for name, column in layout.columns.items()}
        self._mapped = {normalize_header(name): name for name in layout.columns}
        self._mapped_parents = {parent for name in self._mapped for parent in _parents(name)}
        self._columns: dict[str, str] = {}
        self.known: set[str] = set()
        self._more = 0

    def column(self, name: str) -> str | None:
        """Return the column for a header or key of the file, and remember this name as known.

        Return `IGNORED` if the options say to ignore the name, and None if the name is unknown.
        """
        if name not in self._columns:
            folded = normalize_header(name)
            if folded not in self._column_of:
                return IGNORED if self.ignores_unknown else None
            self.known.add(folded)
            self._columns[name] = self._column_of[folded]
        return self._columns[name]

    def meaning(self, name: str) -> str | None:
        """Return the column for a header or key without remembering the name. Return None if the name is unknown."""
        return self._column_of.get(normalize_header(name))

    def fields(
        self, given: Mapping[str, Any] | Sequence[Any], before: str = ""
    ) -> Iterator[tuple[str | None, str, Any]]:
        """Yield the column, the full name and the value of each key of an object.

        If the layout has a path like `profile.email`, the keys inside `profile` are yielded too.
        """
        for key, value in given.items() if isinstance(given, Mapping) else enumerate(given):
            name = f"{before}{key}"
            column = self.column(name)
            if not column and isinstance(value, (dict, list)) and normalize_header(name) in self._mapped_parents:
                yield from self.fields(value, f"{name}.")
            else:
                yield column, name, value

    def add_unknown(self, names: Sequence[str], row: int) -> None:
        """Remember the unknown names of a row."""
        for name in names:
            if name in self.unknown or len(self.unknown) < MAX_NAMES:
                self.unknown.setdefault(name, [row, 0])[1] += 1
            else:
                self._more += 1

    @property
    def missing(self) -> list[str]:
        """Return the required columns for which the file has no header or key."""
        met = {self._column_of.get(name) for name in self.known}
        return [column for column in self._required if column not in met]

    def problem(self, header: Sequence[str] | None = None) -> Problem | None:
        """Return the faults of all headers or keys as one problem, or None. The problem quotes no personal data."""
        if header is None and not self.known and not self.unknown:  # An empty list of users needs no columns.
            return None
        header = header or ()
        broken = next((place for place, name in enumerate(header, 1) if _BYTES.search(name)), None)
        if broken:
            return Problem(1, broken, NOT_UTF8, SAVE_AS_UTF8)
        twice = _duplicates([self.column(name) for name in header])
        missing = self.missing
        lost = [name for folded, name in self._mapped.items() if folded not in self.known]
        if not (self.unknown or missing or twice or lost):
            return None
        free = [column for column in COLUMNS if column not in {self._column_of.get(name) for name in self.known}]
        near = {name: column for name in self.unknown if not is_data(name) and (column := guess_column(name, free))}
        if header and not self.known and (not near or any(map(is_data, header))):
            message = "the first row has no known column: the file must begin with a header"
            return Problem(1, None, message, f"add a header, or map its columns with --map. {LISTED}")
        parts = [self._unknown(near)] if self.unknown else []
        parts += [f"missing {self._noun}{'s' * (len(missing) > 1)}: {', '.join(missing)}"] if missing else []
        parts += [f"several {self._noun}s are read as {', '.join(twice)}"] if twice else []
        parts += (
            [f"--map names a {self._noun} that the file does not have: {', '.join(map(shown, lost))}"] if lost else []
        )
        first = min(self.unknown.values(), default=[1, 0])[0]
        place = next((place for place, name in enumerate(header, 1) if name in self.unknown), None)
        return Problem(first, place, "; ".join(parts), KEEP_ONE if twice and len(parts) == 1 else self._hint(near))

    def _unknown(self, near: Mapping[str, str]) -> str:
        names = [name for name in self.unknown if not is_data(name)]
        said = [self._describe(name, near) for name in names[:NAMED]]
        hidden = len(self.unknown) - len(said) + self._more
        said += (
            [
                f"and {hidden:,} more"
                if said
                else f"{hidden:,} that look{'s' * (hidden == 1)} like personal data (not shown)"
            ]
            if hidden
            else []
        )
        several = "s" * (len(self.unknown) + self._more > 1)
        return f"unknown {self._noun}{several}: {', '.join(said)}"

    def _describe(self, name: str, near: Mapping[str, str]) -> str:
        notes = [counted(self.unknown[name][1], "row")] if self._noun == "key" else []
        notes += [f'did you mean "{near[name]}"?'] if name in near else []
        return shown(name) + (f" ({'; '.join(notes)})" if notes else "")

    def _hint(self, near: Mapping[str, str]) -> str:
        if self.unknown.keys() >= LISTED_USERS:
            return "this is the output of chatctl users list; chatctl users export writes a file that can be imported"
        first: dict[str, str] = {}
        for name, column in near.items():  # Several names may mean the same column.
            first.setdefault(column, f"{name}={column}")
        pairs = [*first.values()]
        maps = [f"--map {shlex.quote(pair)}" for pair in pairs[:MAX_MAPS]]
        say = f"map the {self._noun}s with {' '.join(maps or ['--map HEADER=column'])}"
        ignore = f", and ignore the other {self._noun}s with --ignore-unknown" if len(self.unknown) > len(maps) else ""
        if self.missing == ["username"]:
            say = f"add --username-from email to make usernames, or {say}"
        return f"{say}{ignore}. {LISTED}"


def _parents(path: str) -> Iterator[str]:
    steps = path.split(".")
    return (".".join(steps[:number]) for number in range(1, len(steps)))


def _duplicates(columns: Sequence[str | None]) -> list[str]:
    return sorted({column for column in columns if column and columns.count(column) > 1})


_WORD: Final = re.compile("[A-Z]?[a-z0-9]+|[A-Z]+")
_E_MAIL: Final = re.compile("e[-_ ]mail", re.IGNORECASE)
_HASH: Final = re.compile("(hash|digest|crypt).*(pass|pwd|pw)|(pass|pwd|pw).*(hash|digest|crypt)")
_SYNONYMS: Final = {
    "mail": "email",
    "login": "username",
    "phone": "phoneNumber",
    "mobile": "phoneNumber",
    "telephone": "phoneNumber",
    "avatar": "imageUrl",
    "picture": "imageUrl",
    "photo": "imageUrl",
    "verified": "emailVerified",
    "created": "createdAt",
    "joined": "createdAt",
    "identities": "accounts",
}
"""Common words in the headers of other programs → the columns of an import that they mean."""
_PARTS: Final = frozenset({"first", "last", "given", "family", "middle", "nick"})
"""Words in headers that mean only a part of a name, like "first name"."""


def normalize_header(name: str) -> str:
    """Return a header in lower case and without spaces around it, so that headers can be compared."""
    return name.strip().casefold()


def guess_column(name: str, free: Collection[str]) -> str | None:
    """Guess which column in `free` an unknown header or key means. Return None if no column is similar."""
    if len(name) > MAX_GUESSED:
        return None
    words = [word.casefold() for word in _WORD.findall(_E_MAIL.sub("email", name))]
    if _HASH.search(joined := "".join(words)):
        return "hashedPassword" if "hashedPassword" in free else None
    return _by_word([joined, *words], free) or nearest(joined, free)


def _by_word(words: Collection[str], free: Collection[str]) -> str | None:
    by_word = _SYNONYMS | {column.casefold(): column for column in COLUMNS}
    known = (by_word[word] for word in words if word in by_word)
    return None if _PARTS.intersection(words) else next((column for column in known if column in free), None)
