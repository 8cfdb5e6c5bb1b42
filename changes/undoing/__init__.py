"""Undo an event: invert its changes, and fit them to the documents as they are now.

Start reading at `inverse`. It has four steps, in this order:

1. what was: the inverse of each change, from the last to the first;
2. what is (`present_documents`): the documents are read once, then kept in step with the planned changes;
3. what may be restored (`refusals`): nothing that was changed after the event, and no document without its parent;
4. what is computed again (`recomputed`): `updatedAt`, `profileId` and `lastMessageAt`, if they were changed since.

`fitted_changes` applies steps 2 to 4 to one inverse change after the other.
"""

from collections.abc import Collection
from typing import Any

from pymongo.database import Database

from changes.change import Change, Document
from changes.trail_entries import is_lease
from changes.undoing import present_documents, recomputed, refusals
from changes.undoing.fitted_changes import FittedChanges
from changes.undoing.refusals import ChangedSinceError, StillNeededError

__all__ = ["ChangedSinceError", "StillNeededError", "inverse"]


def inverse(
    database: Database[Document],
    batches: list[list[Change]],
    *,
    force: bool = False,
    orphans: Collection[tuple[str, Any, str]] = (),
) -> list[list[Change]]:
    """Return the changes that undo some batches, from the last to the first.

    A change that is undone already is left out; an interrupted write without transactions leaves such changes. If
    somebody has changed a document since, this raises `ChangedSinceError`, or with `force` overwrites it; then no link
    is made to a deleted document. `orphans` come back without their parent, as they had none before.
    """
    undone = [[change.inverse() for change in reversed(batch) if not is_lease(change)] for batch in reversed(batches)]
    changes = [change for batch in undone for change in batch]
    present = present_documents.read(database, changes)
    children = recomputed.children_by_parent(changes)
    orphaned = refusals.orphaned(present, changes, orphans)
    returning = present_documents.inserted(changes) - orphaned.keys()
    refusals.refuse_to_orphan(present, changes, returning)
    values = recomputed.Recomputed(database, children, returning, orphaned.keys())
    fitting = FittedChanges(present, values, returning, orphaned, force=force)
    fitted = [[change for planned in batch for change in fitting.of(planned)] for batch in undone]
    later = recomputed.later_last_messages(database, fitted)
    return [[*batch, *more] for batch, more in zip(fitted, later, strict=True)]
