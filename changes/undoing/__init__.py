"""Plan the undo of an event: invert its changes, and adapt them to the documents as they are now.

Start reading at `inverse`. It has four steps, in this order:

1. Invert each change, from the last to the first.
2. Read the documents once, and make each planned change to them in memory (`present_documents`).
3. Refuse to overwrite changes made after the event, and to restore a document without its parent (`refusals`).
4. Compute `updatedAt`, `profileId` and `lastMessageAt` again if they were changed after the event (`recomputed`).

`fitted_changes` applies steps 2 to 4 to one inverse change after the other.
"""

from collections.abc import Collection
from typing import Any

from pymongo.database import Database

from changes.change import Change, Document
from changes.trail_entries import stays_after_undo
from changes.undoing import fitted_changes, present_documents, recomputed
from changes.undoing.fitted_changes import ChangedSinceError, FittedChanges, StillNeededError

__all__ = ["ChangedSinceError", "StillNeededError", "inverse"]


def inverse(
    database: Database[Document],
    batches: list[list[Change]],
    *,
    force: bool = False,
    orphans: Collection[tuple[str, Any, str]] = (),
) -> list[list[Change]]:
    """Return the changes that undo the batches of an event, from the last batch to the first.

    A change is left out if its documents already have the values from before the event. This happens on a server
    without transactions, after a write was interrupted. If a document was changed after the event, this function raises
    `ChangedSinceError`. If `force` is true, the document is overwritten instead, and links to deleted documents are not
    restored. The documents in `orphans` are restored without a parent, because they had no parent before the event.
    """
    undone = [
        [change.inverse() for change in reversed(batch) if not stays_after_undo(change)] for batch in reversed(batches)
    ]
    changes = [change for batch in undone for change in batch]
    present = present_documents.read(database, changes)
    children = recomputed.children_by_parent(changes)
    orphaned = fitted_changes.orphaned(present, changes, orphans)
    returning = present_documents.inserted(changes) - orphaned.keys()
    fitted_changes.refuse_to_orphan(present, changes, returning)
    values = recomputed.Recomputed(database, children, returning, orphaned.keys())
    fitting = FittedChanges(present, values, returning, orphaned, force=force)
    fitted = [[change for planned in batch for change in fitting.of(planned)] for batch in undone]
    later = recomputed.later_last_messages(database, fitted)
    return [[*batch, *more] for batch, more in zip(fitted, later, strict=True)]
