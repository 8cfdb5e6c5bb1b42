"""A whole write, described before it is done."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo.client_session import ClientSession

from models.changes.change import Change, Document, Update
from models.changes.record import OUR_RECORDS, describe
from models.indexes import Index
from models.names import counted
from models.schema import FIELDS

VERBS: Final = {"insert": "create", "update": "change", "delete": "delete"}
SIGNS: Final = {"insert": "+", "update": "~", "delete": "-"}
NAMED: Final = 10
"""How many of a change's documents or ids a line names."""


class Result(NamedTuple):
    """What becomes of one thing a person named; `unchanged` is the outcome of what was so already."""

    id: ObjectId | None
    ref: str
    outcome: str
    message: str | None = None


class Rule(NamedTuple):
    """A rule over several documents, looked at in every transaction of the changeset while `lock` is held.

    Two transactions that read the same documents and write others do not conflict on any server, so each first counts
    up one common document; the second then has to wait for the first, and reads what that one left. `check` takes the
    session to read in (`None` where the server has no transactions) and raises a `RefusedError`.
    """

    lock: str
    check: Callable[[ClientSession | None], None]


@dataclass
class Changeset:
    """Changes in batches, each of them one transaction, with all that the preview and the audit trail say of them.

    `names` gives ids the names that people know them by. `replan` plans anew after a conflict; what a person was asked
    about is never replaced by something else. Without `undoable` nothing is kept to undo it with. `indexes` are created
    before the first batch: no transaction can.
    """

    command: str
    results: list[Result]
    batches: list[list[Change]]
    asks: bool = False
    asks_about_many: bool = True
    notes: list[str] = field(default_factory=list)
    names: dict[Any, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    undoes: ObjectId | None = None
    undoable: bool = True
    replan: Callable[[], "Changeset"] | None = None

    @property
    def changes(self) -> Iterator[Change]:
        return (change for batch in self.batches for change in batch)

    @property
    def changed(self) -> int:
        return sum(result.outcome != "unchanged" for result in self.results)

    @property
    def unchanged(self) -> int:
        return len(self.results) - self.changed

    def summary(self) -> list[str]:
        """Count documents by what happens to them: `create 3 roles`, `change 12 users`; our own records if alone."""
        touched: dict[tuple[str, str], set[object]] = {}
        for change in self.changes:
            touched.setdefault((type(change).__name__.lower(), change.collection), set()).update(change.ids)
        known = {key: ids for key, ids in touched.items() if key[1] in FIELDS} or touched
        lines = [f"{VERBS[op]} {counted(len(ids), collection.lower())}" for (op, collection), ids in known.items()]
        return [*lines, *([f"create indexes: {len(self.indexes)}"] if self.indexes else [])]

    def lines(self) -> Iterator[str]:
        """Show every change on a line: `~ Role support: permissionsIds +user.read`."""
        names = dict(self.names)
        for change in self.changes:
            if not isinstance(change, Update) and isinstance(name := change.document.get("name"), str):
                names.setdefault(change.document["_id"], name)
        for change in self.changes:
            if change.collection in OUR_RECORDS:  # the trail has no entries about itself
                yield f"{SIGNS[type(change).__name__.lower()]} {change.collection} {_named(list(change.ids), names)}"
            yield from diff(describe(change), names)
        for index in self.indexes:
            yield f"+ index {index.name} on {index.collection} ({', '.join(name for name, _ in index.keys)})"


def diff(entries: Iterable[Document], names: dict[Any, str]) -> Iterator[str]:
    """Show entries of the audit trail, a line each, ids by their names where those are known."""
    for entry in entries:
        fields = ", ".join(_field(row, names) for row in entry["fields"])
        title = f"{SIGNS[entry['op']]} {entry['collection']} {_named(entry['ids'], names)}"
        yield f"{title}: {fields}" if fields else title


def _field(row: Document, names: dict[Any, str]) -> str:
    for side, sign in (("added", "+"), ("taken", "-")):
        if side in row:
            return f"{row['field']} {sign}{_named(row[side], names)}"
    before, after = (_value(row[side], names) if side in row else "" for side in ("from", "to"))
    return (
        f"{row['field']} {before} -> {after}" if "from" in row and "to" in row else f"{row['field']} {before or after}"
    )


def _value(value: Any, names: dict[Any, str]) -> str:
    if isinstance(value, list):
        return f"[{_named(value, names)}]"
    return "null" if value is None else str(names.get(value, value)) if isinstance(value, ObjectId) else str(value)


def _named(ids: list[Any], names: dict[Any, str]) -> str:
    shown = ", ".join(names.get(item, str(item)) if isinstance(item, ObjectId) else str(item) for item in ids[:NAMED])
    return f"{shown} and {len(ids) - NAMED:,} more" if len(ids) > NAMED else shown
