"""The class `Changeset`: the complete plan of a write, with all data for its preview, question and audit record."""

import sys
from collections import ChainMap, Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from bson import ObjectId
from pymongo.client_session import ClientSession

from changes.change import Change, Document, Update
from changes.draft import Batch, UnchangedList
from changes.trail_entries import OUR_RECORDS, describe, is_lease
from changes.visible_values import name_of
from database.own_collections import AUDIT, HOLDS, IMAGES, OWN, PROPOSALS, STATE
from database.times import rfc3339
from database.wording import NAMED, counted

if TYPE_CHECKING:
    from database.indexes import Index

VERBS: Final = {"insert": "create", "update": "change", "delete": "delete"}
SIGNS: Final = {"insert": "+", "update": "~", "delete": "-"}
_COLLECTIONS: Final = {
    **{f"{name.lower()}s": name for name in ("User", "Role", "Permission", "Conversation", "Message")},
    "audit": AUDIT,
    "holds": HOLDS,
}
_NOUNS: Final = {
    AUDIT: "audit record",
    HOLDS: "hold record",
    IMAGES: "undo record",
    STATE: "setting",
    PROPOSALS: "proposal record",
}
UNTOUCHED: Final = frozenset({"unchanged", "missing", "passed-over"})
"""The outcomes of items that a write does not change."""


class Result(NamedTuple):
    """The result for one item that the user named. An item with an outcome in `UNTOUCHED` is not written.

    `password` is a generated password, which is shown only once. `elsewhere` has URLs of files outside the database.
    The user must delete these files there. `warning` is only for output that programs read; people read the same text
    in the notes of the changeset. `if_unchanged` is only for people: it says why the outcome is `unchanged`.
    `documents` is the number of documents that the result is about, if there are several.
    """

    id: ObjectId | None
    ref: str
    outcome: str
    message: str | None = None
    password: str | None = None
    elsewhere: Collection[str] = ()
    warning: str | None = None
    if_unchanged: str | None = None
    documents: int = 0


class Question(NamedTuple):
    """The question to the user before a write: `verb`, the names of the changed items, and `rest`.

    An example is `Remove` + `ada` + `from Night shift`. `of` is the collection of the changed items. If `of` is None,
    the question names no items. If `typed` is not empty, the user must type this text instead of y, or give a limit
    with `--max`.
    """

    verb: str
    of: str | None = None
    rest: str = ""
    typed: str = ""


class Rule(NamedTuple):
    """A condition over several documents. Every transaction of the changeset takes `lock` and checks the condition.

    Servers see no conflict between two transactions that read the same documents but write different documents.
    Therefore each transaction first writes to one common document, the lock. The second transaction waits for the first
    transaction, and then reads what that transaction wrote. `check` gets the session for its reads (None if the server
    has no transactions), and raises a `RefusedError` if the condition is false.
    """

    lock: str
    check: Callable[[ClientSession | None], None]


class Resuming(NamedTuple):
    """How to continue an interrupted write.

    `done` is a function that takes the number of written batches, and returns a text like `500 of 2,000 rows are
    imported`. The write continues if the user repeats the command line with `option` and its `value`.
    """

    done: Callable[[int], str]
    option: str
    value: str


class Stream:
    """Batches of changes. Each batch is planned while earlier batches are written, so that only a few are in memory.

    `make` returns the batches for the write. No batch is empty. `shown` returns the batches for the preview, with less
    work than `make`. If `shown` is not given, `make` is also called for the preview. `counts` maps (verb, collection)
    to the number of documents that the batches insert, update or delete. If it would take too long to count all
    documents, `counts` has only the most important numbers. `losing` returns only the changes that could lose data
    (they delete or overwrite text, or remove participants), with less work than `make`. `image_urls` contains the URLs
    of the images that the batches remove for ever: `make` adds the URLs of a batch before it yields the batch.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[Batch]],
        counts: Mapping[tuple[str, str], int],
        shown: Callable[[], Iterator[Batch]] | None = None,
        losing: Callable[[], Iterator[Change]] | None = None,
        image_urls: Collection[str] = (),
    ) -> None:
        self._make = make
        self.image_urls = image_urls
        self._losing = losing
        self.shown = shown or make
        self.counts = {what: count for what, count in counts.items() if count}

    def __iter__(self) -> Iterator[Batch]:
        return self._make()

    def losing(self) -> Iterator[Change]:
        return self._losing() if self._losing else (change for batch in self for change in batch)


@dataclass
class Changeset:
    """The changes of a command in batches (one transaction for each), with all data for preview and audit trail.

    - `results`: one result for each item; can be iterated several times.
    - `asks`: the user must confirm the write. `asks_about_many`: the user must confirm it if it changes many items.
    - `names`: ids → the names that people know.
    - `indexes`: are created before the first batch, because transactions cannot create them.
    - `undoable`: if false, old values are kept neither for an undo nor in the audit trail.
    - `itemised`: if false, the preview and the audit trail count the changes and do not list them.
    - `items`: the number of all changed items, if a result is about several items.
    - `replan`: a function that makes the plan again after a conflict. The new plan never does anything that the user
      has not confirmed. `quick`: `replan` is fast, and can be called inside a transaction.
    - `merges_lists`: the write leaves out list changes that other programs have already made.
    - `resuming`: how to continue the write after an interruption between two batches.
    - `question`: replaces the question that is made from the command.
    - `preview`: lines to show above the question instead of the counts. The last line is a summary.
    - `passing_over`: the changeset skips documents that a legal hold keeps. If a hold is placed during the write, the
      unwritten changes are planned again. Then this function of the new plan corrects the first results.
    - `counting`: a function that corrects the results after the write. It gets the numbers of written documents, like
      `documents`. They can be smaller than planned, because other programs may have made some of the changes.
    - `reason`: is recorded if the user gives no reason.
    - `targets`: other ids that the event is about, besides the ids of the changed documents.
    - `divided`: if false, all batches are written in one transaction.

    The other fields are about proposals:

    - `lifted`: the names of the rules that options of the command switch off. An approval checks all other rules again.
    - `relies_on`: lists that the plan does not change, and that no other program may change before the write.
    - `unproposable`: why the changes cannot be proposed, and what to do instead.
    - `approves`: data about the proposal that this changeset approves. The event records them.
    - `plan_key`: the key for the digests of a plan (see `hidden_values`). The event records it.
    """

    command: str
    results: Collection[Result]
    batches: list[Batch] | Stream
    asks: bool = False
    asks_about_many: bool = True
    notes: list[str] = field(default_factory=list)
    names: Mapping[Any, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    indexes: list["Index"] = field(default_factory=list)
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
    counting: Callable[[Collection[Result], Mapping[tuple[str, str], int]], Collection[Result]] | None = None
    lifted: frozenset[str] = frozenset()
    relies_on: Mapping[UnchangedList, list[Any]] = field(default_factory=dict)
    unproposable: tuple[str, str | None] | None = None
    approves: Document | None = None
    plan_key: Document | None = None
    reason: str | None = None
    targets: Collection[Any] = ()
    divided: bool = True

    @property
    def asked(self) -> Question:
        """Return the question before the write: `question`, or else a question made from the words of the command."""
        group, verb, *_ = self.command.split()
        return self.question or Question(verb.capitalize(), _COLLECTIONS.get(group))

    @property
    def is_about_proposals(self) -> bool:
        """True if this changeset only adds or decides a proposal. Nobody needs to approve such a changeset."""
        return not self.indexes and {collection for _, collection in self.documents} == {PROPOSALS}

    @property
    def changes(self) -> Iterator[Change]:
        return (change for batch in self.batches for change in batch)

    @property
    def changed(self) -> int:
        return sum(result.outcome not in UNTOUCHED for result in self.results)

    @property
    def touched(self) -> int:
        """Return the number of items that the command works on.

        Missing items, and items with broken data, do not count.
        """
        found = sum(result.outcome not in {"missing", "passed-over"} for result in self.results)
        return found if self.items is None else self.items

    @property
    def changes_something(self) -> bool:
        planned = self.documents if isinstance(self.batches, Stream) else any(self.batches)
        return bool(planned) or bool(self.indexes)

    @property
    def total(self) -> int:
        """Return the number of documents to write.

        A document with changes in several batches counts once in each batch. For a stream, the result is the sum of its
        `counts`.
        """
        if isinstance(self.batches, Stream):
            return sum(self.batches.counts.values())
        return sum(map(self.size, self.batches))

    def size(self, batch: Batch) -> int:
        """Return the number of documents in a batch, counted in the same way as in `total`."""
        counted = self.batches.counts if isinstance(self.batches, Stream) else None
        shown = (change for change in batch if counted is None or kind(change) in counted)
        return len({(kind(change), identifier) for change in shown for identifier in change.ids})

    def beyond(self, agreed: "Changeset") -> list[str]:
        """Return lines that say what this plan does in addition to the plan that the user confirmed (`agreed`).

        If there is a preview, these are the new lines of the preview. Otherwise, they are lines like `delete 2 more
        roles`.
        """
        if self.preview and not isinstance(self.batches, Stream):
            return [line.strip() for line in (Counter(self.preview[:-1]) - Counter(agreed.preview)).elements()]
        more = Counter(self.documents) - Counter(agreed.documents)
        return [
            f"{VERBS[op]} {counted(count, f'more {collection.lower()}')}"
            for (op, collection), count in more.items()
            if op != "insert" and collection not in OWN
        ]

    def summary(self) -> list[str]:
        """Return lines with the numbers of documents, like `create 3 roles`.

        Documents of chatctl's own collections are counted only if the changeset has no other documents.
        """
        return [*count_lines(self.documents), *self.index_lines()]

    def index_lines(self) -> list[str]:
        return [f"create indexes: {len(self.indexes)}"] if self.indexes else []

    @property
    def documents(self) -> dict[tuple[str, str], int]:
        """Return (verb, collection) → number of documents.

        Each document counts once. A lease (a record of chatctl about a running write) does not count.
        """
        if isinstance(self.batches, Stream):
            return self.batches.counts
        touched: dict[tuple[str, str], set[object]] = {}
        for change in (change for change in self.changes if not is_lease(change)):
            touched.setdefault(kind(change), set()).update(change.ids)
        return {key: len(ids) for key, ids in touched.items()}

    def shows(self, collection: str) -> bool:
        """Tell whether the preview (`lines`) has a line for each changed document of this collection."""
        return self.itemised and any(name == collection for _, name in self.documents)

    def lines(
        self, show: Callable[[Document], Document] = lambda entry: entry, *, whole: bool = False
    ) -> Iterator[str]:
        """Yield a line for each change, like `~ Role support: permissionsIds +user.read`.

        `show` can mask values. Long lists are cut. If `whole` is true, only the lists of deleted documents are cut.
        """
        if not self.itemised:
            yield from self.summary()
            return
        names = ChainMap({}, cast("MutableMapping[Any, str]", self.names))
        for batch in self.batches.shown() if isinstance(self.batches, Stream) else self.batches:
            if isinstance(self.batches, Stream):
                # Later batches of a `Stream` never mention new documents of this batch. So their names are forgotten to
                # save memory.
                names.maps[0].clear()
            for change in batch:
                if isinstance(change, Update):
                    continue
                if name := name_of(change.collection, change.document):
                    names.setdefault(change.document["_id"], name)
            for change in batch:
                if change.collection in OUR_RECORDS:  # `describe` has no lines for documents of the audit trail
                    yield f"{SIGNS[kind(change)[0]]} {change.collection} {_named(list(change.ids), names)}"
                yield from diff(map(show, describe(change)), names, whole=whole)
        for index in self.indexes:
            yield f"+ index {index.name} on {index.collection} ({', '.join(name for name, _ in index.keys)})"


def count_lines(documents: Mapping[tuple[str, str], int]) -> list[str]:
    """Return lines like `create 3 roles` for (verb, collection) → number of documents.

    Documents of chatctl's own collections are left out if there are other documents.
    """
    known = {key: count for key, count in documents.items() if key[1] not in OWN} or documents
    return [f"{VERBS[op]} {counted(count, _NOUNS.get(of, of.lower()))}" for (op, of), count in known.items()]


def kind(change: Change) -> tuple[str, str]:
    """Return the verb of a change as in the audit trail (insert, update or delete), and the collection."""
    return type(change).__name__.lower(), change.collection


def diff(entries: Iterable[Document], names: Mapping[Any, str], *, whole: bool = False) -> Iterator[str]:
    """Yield a line for each entry of the audit trail, with names instead of ids if the names are known.

    Long lists are cut. If `whole` is true, only the lists of deleted documents are cut.
    """
    for entry in entries:
        most = sys.maxsize if whole and entry["op"] != "delete" else NAMED
        fields = ", ".join(_field(row, names, most, entry["op"]) for row in entry["fields"])
        title = f"{SIGNS[entry['op']]} {entry['collection']} {_named(entry['ids'], names, most)}"
        yield f"{title}: {fields}" if fields else title


def _field(row: Document, names: Mapping[Any, str], most: int, op: str) -> str:
    for side, sign in (("added", "+"), ("taken", "-")):
        if side in row:
            return f"{row['field']} {sign}{_named(row[side], names, most)}"
    before, after = (_value(row[side], names, most) if side in row else "" for side in ("from", "to"))
    # A long list is divided into several rows, which have only one side.
    if op == "update" and "from" in row and "to" not in row and not isinstance(row["from"], list):
        return f"{row['field']} {before} -> (removed)"
    return (
        f"{row['field']} {before} -> {after}"
        if "from" in row and "to" in row
        else f"{row['field']} {before or after}".rstrip()
    )


def _value(value: Any, names: Mapping[Any, str], most: int) -> str:
    if isinstance(value, list):
        return f"[{_named(value, names, most)}]"
    return _named([value], names, most)


def _named(ids: list[Any], names: Mapping[Any, str], most: int = NAMED) -> str:
    shown = ", ".join(_item(item, names) for item in ids[:most])
    return f"{shown} and {len(ids) - most:,} more" if len(ids) > most else shown


def _item(value: Any, names: Mapping[Any, str]) -> str:
    """Return a value as text for a preview. An id is replaced by the name of its document.

    In broken data, a text can look like an id. Such a text is put in quotation marks.
    """
    if isinstance(value, ObjectId):
        return names.get(value, str(value))
    if isinstance(value, str) and ObjectId.is_valid(value):
        return f'"{value}"'
    return "null" if value is None else rfc3339(value) or str(value)
