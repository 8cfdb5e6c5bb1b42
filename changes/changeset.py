"""The complete plan of a write: everything that the preview, the question and the audit trail need."""

from collections import ChainMap, Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from bson import ObjectId
from pymongo.client_session import ClientSession

from changes.change import Change, Document, Update
from changes.draft import Batch
from changes.trail_entries import OUR_RECORDS, describe, is_lease
from changes.visible_values import name_of
from database.indexes import Index
from database.own_collections import AUDIT, HOLDS, IMAGES, STATE
from database.times import rfc3339
from database.wording import NAMED, counted
from models.schema import FIELDS

VERBS: Final = {"insert": "create", "update": "change", "delete": "delete"}
SIGNS: Final = {"insert": "+", "update": "~", "delete": "-"}
_COLLECTIONS: Final = {
    **{f"{name.lower()}s": name for name in ("User", "Role", "Permission", "Conversation", "Message")},
    "audit": AUDIT,
    "holds": HOLDS,
}
_NOUNS: Final = {AUDIT: "audit record", HOLDS: "hold record", IMAGES: "undo record", STATE: "setting"}
UNTOUCHED: Final = frozenset({"unchanged", "missing", "passed-over"})
"""Outcomes of items that are not written: already as wanted, not found, or broken and therefore not changed."""


class Result(NamedTuple):
    """The result for one item that the user named; an item with an outcome in `UNTOUCHED` is not written.

    `password` is a generated password, which is shown only once. `elsewhere` are URLs of files outside the database,
    which the user must delete there. A `warning` is for programs: people read it in the notes of the changeset.
    `documents` is how many documents the result is about, if they are several.
    """

    id: ObjectId | None
    ref: str
    outcome: str
    message: str | None = None
    password: str | None = None
    elsewhere: Collection[str] = ()
    warning: str | None = None
    documents: int = 0


class Question(NamedTuple):
    """The question before a write: a `verb`, the changed items, and the `rest`: Remove / ada / from Night shift.

    The items are documents of the collection `of`; without it the verb says everything.
    """

    verb: str
    of: str | None = None
    rest: str = ""


class Rule(NamedTuple):
    """A condition over several documents, checked in every transaction of the changeset while `lock` is held.

    Two transactions that read the same documents but write different ones do not conflict on any server. Therefore each
    first increments one common document: the second waits for the first, and then reads its result. `check` takes the
    session to read in (`None` if the server has no transactions) and raises a `RefusedError`.
    """

    lock: str
    check: Callable[[ClientSession | None], None]


class Resuming(NamedTuple):
    """How to continue interrupted work: the progress after a number of batches, and the option that continues it."""

    done: Callable[[int], str]
    option: str
    value: str


class Stream:
    """Batches that are made while they are written, so that memory does not grow with their number.

    `make` returns the batches, which are never empty. It is called to write them, and also to show them, unless `shown`
    does that with less work. `counts` are the numbers of documents that they insert, update and delete, by verb and
    collection; only the most important ones, if counting would take as long as the work. `losing` returns only the
    changes that delete or overwrite text, or remove participants, with less work.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[Batch]],
        counts: Mapping[tuple[str, str], int],
        shown: Callable[[], Iterator[Batch]] | None = None,
        losing: Callable[[], Iterator[Change]] | None = None,
    ) -> None:
        self._make = make
        self._losing = losing
        self.shown = shown or make
        self.counts = {what: count for what, count in counts.items() if count}

    def __iter__(self) -> Iterator[Batch]:
        return self._make()

    def losing(self) -> Iterator[Change]:
        return self._losing() if self._losing else (change for batch in self for change in batch)


@dataclass
class Changeset:
    """Changes in batches, each of them one transaction, with everything that the preview and the audit trail show.

    `results` can be iterated several times. `names` maps ids to the names that people know. `replan` makes
    the plan again after a conflict; it is `quick` if it can run inside a transaction. A new plan never does anything
    that the user has not agreed to. If others have changed lists, a changeset that `merges_lists` writes only what is
    still missing. Without `undoable` the old values are not kept: neither for an undo nor in the trail. `indexes`
    are created before the first batch, because transactions cannot create them. Without `itemised` the changes are
    counted in the preview and in the trail, not listed. `items` is the number of touched items, if one result is about
    several. `resuming` says how to continue after an interruption between two batches. `question` is what is asked
    before the write, if the words of the command do not say it; `preview` are the lines above it, if not the counts;
    the last of them sums up the others. A changeset with `passing_over` leaves held documents out: if a hold is placed
    during the write, the rest is planned again, and this function of the new plan corrects the results of the first.
    """

    command: str
    results: Collection[Result]
    batches: list[Batch] | Stream
    asks: bool = False
    asks_about_many: bool = True
    notes: list[str] = field(default_factory=list)
    names: Mapping[Any, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    undoes: ObjectId | None = None
    undoable: bool = True
    itemised: bool = True
    items: int | None = None
    replan: Callable[[], "Changeset"] | None = None
    quick: bool = False
    merges_lists: bool = False
    resuming: Resuming | None = None
    question: Question | None = None
    preview: Sequence[str] = ()
    passing_over: Callable[[Collection[Result]], Collection[Result]] | None = None

    @property
    def asked(self) -> Question:
        """Return the question before the write, by default made from the command: `users suspend` → Suspend / User."""
        group, verb, *_ = self.command.split()
        return self.question or Question(verb.capitalize(), _COLLECTIONS.get(group))

    @property
    def changes(self) -> Iterator[Change]:
        return (change for batch in self.batches for change in batch)

    @property
    def changed(self) -> int:
        return sum(result.outcome not in UNTOUCHED for result in self.results)

    @property
    def touched(self) -> int:
        """Count the items of the command, as a user would count them, without missing and passed-over ones."""
        found = sum(result.outcome not in {"missing", "passed-over"} for result in self.results)
        return found if self.items is None else self.items

    @property
    def changes_something(self) -> bool:
        planned = self.documents if isinstance(self.batches, Stream) else any(self.batches)
        return bool(planned) or bool(self.indexes)

    @property
    def total(self) -> int:
        """Count the written documents, once in each batch that has them; of a stream only those in its `counts`."""
        if isinstance(self.batches, Stream):
            return sum(self.batches.counts.values())
        return self.size(self.changes)

    def size(self, changes: Iterable[Change]) -> int:
        """Count the documents of some changes in the same way as `total`."""
        counted = self.batches.counts if isinstance(self.batches, Stream) else None
        return sum(len(change.ids) for change in changes if counted is None or kind(change) in counted)

    def beyond(self, agreed: "Changeset") -> list[str]:
        """Say what this plan does more than the plan to which the user has agreed.

        The result has new lines of the preview, or the numbers of more changed or deleted documents.
        """
        if self.preview and not isinstance(self.batches, Stream):
            return [line.strip() for line in (Counter(self.preview[:-1]) - Counter(agreed.preview)).elements()]
        more = Counter(self.documents) - Counter(agreed.documents)
        return [
            f"{VERBS[op]} {counted(count, f'more {collection.lower()}')}"
            for (op, collection), count in more.items()
            if op != "insert" and collection in FIELDS
        ]

    def summary(self) -> list[str]:
        """Count documents by what happens to them: `create 3 roles`; our own records only if there are no others."""
        return [*count_lines(self.documents), *self.index_lines()]

    def index_lines(self) -> list[str]:
        return [f"create indexes: {len(self.indexes)}"] if self.indexes else []

    @property
    def documents(self) -> dict[tuple[str, str], int]:
        """Count documents by what happens to them, each once, without leases."""
        if isinstance(self.batches, Stream):
            return self.batches.counts
        touched: dict[tuple[str, str], set[object]] = {}
        for change in (change for change in self.changes if not is_lease(change)):
            touched.setdefault(kind(change), set()).update(change.ids)
        return {key: len(ids) for key, ids in touched.items()}

    def shows(self, collection: str) -> bool:
        """Tell whether `lines` has documents of a collection."""
        return self.itemised and any(name == collection for _, name in self.documents)

    def lines(self, show: Callable[[Document], Document] = lambda entry: entry) -> Iterator[str]:
        """Yield a line for each change: `~ Role support: permissionsIds +user.read`. `show` can mask its values."""
        if not self.itemised:
            yield from self.summary()
            return
        names = ChainMap({}, cast("MutableMapping[Any, str]", self.names))
        for batch in self.batches.shown() if isinstance(self.batches, Stream) else self.batches:
            if isinstance(self.batches, Stream):  # only the batch that inserts a document mentions it
                names.maps[0].clear()
            for change in batch:
                if isinstance(change, Update):
                    continue
                if name := name_of(change.collection, change.document):
                    names.setdefault(change.document["_id"], name)
            for change in batch:
                if change.collection in OUR_RECORDS:  # the trail has no entries about itself
                    yield f"{SIGNS[kind(change)[0]]} {change.collection} {_named(list(change.ids), names)}"
                yield from diff(map(show, describe(change)), names)
        for index in self.indexes:
            yield f"+ index {index.name} on {index.collection} ({', '.join(name for name, _ in index.keys)})"


def count_lines(documents: Mapping[tuple[str, str], int]) -> list[str]:
    """Say how many documents are created, changed and deleted; our own records only if there is nothing else."""
    known = {key: count for key, count in documents.items() if key[1] in FIELDS} or documents
    return [f"{VERBS[op]} {counted(count, _NOUNS.get(of, of.lower()))}" for (op, of), count in known.items()]


def kind(change: Change) -> tuple[str, str]:
    """Return what a change does and to which collection, in the words of the audit trail."""
    return type(change).__name__.lower(), change.collection


def diff(entries: Iterable[Document], names: Mapping[Any, str]) -> Iterator[str]:
    """Yield a line for each entry of the audit trail, with names instead of ids if they are known."""
    for entry in entries:
        fields = ", ".join(_field(row, names) for row in entry["fields"])
        title = f"{SIGNS[entry['op']]} {entry['collection']} {_named(entry['ids'], names)}"
        yield f"{title}: {fields}" if fields else title


def _field(row: Document, names: Mapping[Any, str]) -> str:
    for side, sign in (("added", "+"), ("taken", "-")):
        if side in row:
            return f"{row['field']} {sign}{_named(row[side], names)}"
    before, after = (_value(row[side], names) if side in row else "" for side in ("from", "to"))
    return (
        f"{row['field']} {before} -> {after}"
        if "from" in row and "to" in row
        else f"{row['field']} {before or after}".rstrip()
    )


def _value(value: Any, names: Mapping[Any, str]) -> str:
    if isinstance(value, list):
        return f"[{_named(value, names)}]"
    return _named([value], names)


def _named(ids: list[Any], names: Mapping[Any, str]) -> str:
    shown = ", ".join(_item(item, names) for item in ids[:NAMED])
    return f"{shown} and {len(ids) - NAMED:,} more" if len(ids) > NAMED else shown


def _item(value: Any, names: Mapping[Any, str]) -> str:
    """Show an id by its name. A text that looks like an id (in broken data) is quoted, to distinguish it."""
    if isinstance(value, ObjectId):
        return names.get(value, str(value))
    if isinstance(value, str) and ObjectId.is_valid(value):
        return f'"{value}"'
    return "null" if value is None else rfc3339(value) or str(value)
