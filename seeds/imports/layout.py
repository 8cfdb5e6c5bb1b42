"""How a file lays its people out: which name means which column, and where the list of them is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from models.errors import UsageError
from models.names import did_you_mean, shown
from seeds.imports.columns import COLUMNS, fold

LEFT_OUT: Final = ""
"""The column of a name that nothing is imported from."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a file that does not have the columns of an import.

    `columns` says what names mean: headers, keys, or paths of keys with dots between them. `path` leads to the list.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    ignore_unknown: bool = False
    path: Sequence[str] = ()


def layout(maps: Sequence[str] = (), *, ignore_unknown: bool = False, path: str | None = None) -> Layout:
    """Read `HEADER=column` as often as it is given; raises `UsageError` for what cannot be meant."""
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
