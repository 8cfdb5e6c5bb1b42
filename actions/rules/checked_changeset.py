"""Make changesets with their rules, plan a changeset again after a conflict, and divide changes into batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, Final, ParamSpec

from pymongo.client_session import ClientSession

from actions import lookup, queries
from actions.rules import lockout
from changes import (
    Add,
    Batch,
    Change,
    ChangedMeanwhileError,
    Changeset,
    Delete,
    Draft,
    Insert,
    Result,
    Rule,
    Set,
    Stream,
    Update,
)
from changes.draft import BATCH
from changes.events import PART_BYTES, encode_changes
from changes.visible_values import field_name
from database import connection
from database.decoding import is_exact
from database.ids import id_text
from database.references import Document, forms
from database.wording import NAMED

P = ParamSpec("P")

FOREVER: Final = ("This cannot be undone: nothing is kept for an undo.",)
"""The note that is printed before a change that cannot be undone."""


def checked_changeset(
    command: str,
    draft: Draft,
    results: list[Result],
    *,
    allow_last_member: bool = False,
    allow_lockout: bool = False,
    **details: Any,
) -> Changeset:
    """Make a changeset from a draft, and add the rules to check. `details` are other fields of `Changeset`.

    Raises `LastMemberError` if a protected role would be left without an active member, and `LastSignInError` if a user
    would be left without a way to sign in.
    """
    names = {**{result.id: result.ref for result in results if result.id}, **draft.names}
    rules = [*details.pop("rules", ()), *_list_rules(draft, names)]
    rules += [] if allow_last_member else lockout.member_rules(draft.changes)
    rules += [] if allow_lockout else lockout.sign_in_rules(draft.changes, names)
    return Changeset(
        command,
        results,
        draft.batches,
        names=names,
        rules=rules,
        relies_on=draft.unchanged_lists,
        lifted=lockout.lifted(allow_last_member=allow_last_member, allow_lockout=allow_lockout),
        **details,
    )


def undo_limits(changeset: Changeset) -> list[str]:
    """Return a note that names the texts that an undo cannot restore exactly: texts that are not valid UTF-8."""
    if not changeset.undoable or all(verb == "insert" for verb, _ in changeset.documents):
        return []
    first: list[str] = []
    number = 0
    for change in changeset.batches.losing() if isinstance(changeset.batches, Stream) else changeset.changes:
        for name in _inexact(change):
            number += 1
            first += [f"{change.collection} {id_text(change.ids[0])} {field_name(name)}"] if number <= NAMED else []
    more = f" and {number - NAMED:,} more" if number > NAMED else ""
    return [f"An undo cannot restore the exact bytes of: {', '.join(first)}{more}"] if first else []


def _inexact(change: Change) -> Iterator[str]:
    """Yield the names of deleted or overwritten fields if the name or the value was not valid UTF-8."""
    lost: Document = change.document if isinstance(change, Delete) else {}
    if isinstance(change, Update):
        fields = ((name, field) for name, field in change.fields.items() if not isinstance(field, Add))
        lost = {name: field.before if isinstance(field, Set) else list(field.ids) for name, field in fields}
    return (name for name, value in lost.items() if not is_exact(name) or not is_exact(value))


def replannable(
    *, deletes: bool = False, quick: bool = True
) -> Callable[[Callable[P, Changeset]], Callable[P, Changeset]]:
    """Decorate a function that plans a changeset: if documents change before the write, the function is called again.

    The function gets the same arguments. If a name in the arguments now means another document, `ChangedMeanwhileError`
    is raised. If `deletes` is true, it is not an error if another program has already deleted some of the documents.
    `quick` tells whether the function is fast enough to run inside a transaction.
    """

    def decorated(plan: Callable[P, Changeset]) -> Callable[P, Changeset]:
        @wraps(plan)
        def planned(*args: P.args, **options: P.kwargs) -> Changeset:
            first: dict[tuple[str, str], Any] = {}

            def make() -> Changeset:
                with lookup.record_meanings() as meanings:
                    changeset = plan(*args, **options)
                for (collection, ref), identifier in meanings.items():
                    if first.setdefault((collection, ref), identifier) != identifier:
                        raise ChangedMeanwhileError(
                            f'the name "{ref}" now belongs to another {collection.lower()}', None
                        )
                return replace(changeset, replan=make_again, quick=quick)

            def make_again() -> Changeset:
                if deletes:
                    options["skip_missing"] = True
                return make()

            return make()

        return planned

    return decorated


def in_batches(changes: Iterable[Change]) -> Iterator[Batch]:
    """Divide changes into batches. Each batch is small enough for one transaction and for one message to the server."""
    batch: Batch = []
    room = PART_BYTES
    for change in changes:
        size = sum(map(len, encode_changes([change])))
        if batch and (size > room or len(batch) >= BATCH) and not _is_same_document(batch[-1], change):
            yield batch
            batch, room = [], PART_BYTES
        batch.append(change)
        room -= size
    if batch:
        yield batch


def _is_same_document(deleted: Change, change: Change) -> bool:
    """Tell whether one change deletes a document and another change inserts it again.

    Such changes must be in the same batch.
    """
    return isinstance(deleted, Delete) and isinstance(change, Insert) and deleted.ids == change.ids


def _list_rules(draft: Draft, names: Mapping[Any, str]) -> list[Rule]:
    """Return the rule that certain lists have not changed. If one of them has changed, the write is refused.

    The draft changes only one side of some links. The list on the other side of each such link must not change before
    the write. All commands with this rule take the same lock, so they write one after the other.
    """

    def check(session: ClientSession | None) -> None:
        for (collection, identifier, field, holds), ids in draft.unchanged_lists.items():
            documents = connection.database()[collection]
            for part in queries.chunks(ids):
                listed: list[Document] = [{field: {"$in": forms(one)}} for one in part]
                still = {"_id": identifier, "$and" if holds else "$nor": listed}
                if not documents.find_one(still, {"_id": 1}, session=session):
                    label = f"{collection.lower()} {names.get(identifier, identifier)}"
                    raise ChangedMeanwhileError(f"{label} was changed while this command ran", None)

    return [Rule("half-links", check)] if draft.unchanged_lists else []
