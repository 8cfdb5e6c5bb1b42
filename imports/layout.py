"""The layout of an import file: which header or key means which column, and where the list of users is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from database.errors import UsageError
from database.wording import did_you_mean, shown
from imports.columns import COLUMNS, fold

LEFT_OUT: Final = ""
"""The column of a name that is ignored."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file whose names are not the columns of an import.

    `columns` maps names to columns: headers, keys, or paths of keys joined by dots. `path` has the keys that lead to
    the list of users.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    ignore_unknown: bool = False
    path: Sequence[str] = ()


def layout(maps: Sequence[str] = (), *, ignore_unknown: bool = False, path: str | None = None) -> Layout:
    """Read each `HEADER=column`. Raises `UsageError` for one that is not valid."""
    columns: dict[str, str] = {}
    for text in maps:
        name, equals, column = text.rpartition("=")
        if not equals or not name.strip():
            raise UsageError(f"--map {shown(text)} is not HEADER=column", "for example --map 'E-mail address=email'")
        known = {fold(one): one for one in COLUMNS}
        if column and fold(column) not in known:
            hint = did_you_mean(column, COLUMNS) or "see chatctl users import --columns"
            raise UsageError(f"--map: there is no column {shown(column)}", hint)
        if fold(name) in map(fold, columns):
            raise UsageError(f"--map names {shown(name)} twice", "give it once")
        columns[name] = known.get(fold(column), LEFT_OUT)
    taken = [column for column in columns.values() if column]
    if twice := next((column for column in taken if taken.count(column) > 1), None):
        raise UsageError(f"--map names the column {twice} twice", "give it once")
    return Layout(columns, ignore_unknown, tuple(path.split(".")) if path else ())
