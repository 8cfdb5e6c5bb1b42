"""Write a changeset (the planned changes of a command) to the database, with one transaction for each batch.

Each transaction also writes the audit record of its batch. If another program changes a document, the changes that are
not written yet are planned again.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final, NamedTuple, TypeAlias

from bson import ObjectId
from pymongo.client_session import ClientSession

from changes import copying, losses, transactions, writing
from changes.changeset import Changeset, Stream, kind
from changes.copying import CopyStream
from changes.draft import Batch
from changes.events import Event
from changes.holds import Holds
from changes.losses import HeldError
from changes.trail_entries import OUR_RECORDS
from changes.writing import ChangedMeanwhileError, NotAsPlannedError, NumberedBatch
from database import connection, indexes
from database.errors import ConflictError, PartialError, RefusedError

PATIENCE: Final = 60
"""If conflicts prevent every batch for this number of seconds, the write fails."""
ALIKE: Final = 3
"""The number of times that the same batch is tried again.

Another program may have changed a list and then reversed this change. In this case, the same batch can succeed.
"""
FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 0.5
"""The longest wait after a conflict, in seconds.

The length of each wait is random. Its upper limit is short at first, and doubles after each conflict.
"""
SEE_INDEXES: Final = "remove the cause, then run the command again; chatctl db indexes lists all indexes"


Planned: TypeAlias = tuple[Changeset, list[NumberedBatch]]
"""A plan, and the batches of this plan that one transaction writes."""


class Outcome(NamedTuple):
    """The result of a write: the id of its audit event, and the changeset that was written.

    If nothing was written, the id is None.
    """

    event: ObjectId | None
    changeset: Changeset


class Watch:
    """Functions that `apply` calls during a write, to show its progress and to ask about a changed plan.

    This class shows nothing and accepts every plan. Subclasses override its functions.
    """

    def indexed(self, indexes: int, total: int) -> None:
        """Show that `indexes` of `total` indexes are created. Called before the first batch."""

    def begins(self, event: ObjectId) -> None:
        """Receive the id of the audit event. Called before the first batch is written."""

    def removes(self, image_urls: Collection[str]) -> None:
        """Show the URLs of the images that this batch and all earlier batches remove for ever.

        Called before each batch of a stream is written. After the write, the URLs are stored nowhere.
        """

    def wrote(self, documents: int, total: int) -> None:
        """Show that `documents` of `total` documents are written. Called after each batch."""

    def waits(self) -> None:
        """Tell the user that this write waits for another write. Called if the wait takes longer than usual."""

    def asks_about(self, again: Changeset) -> bool:  # noqa: ARG002 - a subclass may use it
        """Tell whether `accepts` would ask the user about a new plan.

        If so, `accepts` is not called inside a transaction, because a transaction cannot wait for an answer.
        """
        return False

    def accepts(self, again: Changeset) -> bool:  # noqa: ARG002 - a subclass may use it
        """Decide whether a new plan, which was made after a conflict, may replace the first plan."""
        return True


UNWATCHED: Final = Watch()


def apply(changeset: Changeset, *, reason: str | None = None, watch: Watch = UNWATCHED) -> Outcome:
    """Write a changeset to the database, and record it as an event in the audit trail.

    Invariant: only the changeset writes. Commands and actions never call a write function of the driver.

    If another program changes a document after the plan was made, the function `replan` of the changeset plans the
    unwritten changes again. The new changes belong to the same event. A changeset without `replan` raises
    `ConflictError` instead. The rules of the changeset can also raise errors. If a batch fails, its transaction writes
    nothing. If this run must not write to the database, an error is raised before the first write.
    """
    connection.permit_write()
    require_two_people(changeset)
    if isinstance(changeset.batches, CopyStream):
        event = copying.carry_out(changeset, changeset.batches, reason or changeset.reason, watch)
        return Outcome(event.id, changeset)
    refused = _create_indexes(changeset, watch)
    outcome = _Work(changeset, reason or changeset.reason, watch).carry_out()
    if refused:
        raise PartialError(f"some indexes could not be created: {refused}", SEE_INDEXES)
    return outcome


def require_two_people(changeset: Changeset) -> None:
    """Raise `RefusedError` if the database allows only approved changes, and nobody has approved this changeset."""
    marker = connection.marker()
    if marker and marker.two_people and not changeset.approves and not changeset.is_about_proposals:
        raise RefusedError(
            f'this database is protected as "{marker.name}": a change requires two people',
            "add --propose --reason TEXT; then another person can approve it",
        )


class _Work:
    """The writing of one changeset. All batches belong to one audit event, even batches that are planned again."""

    def __init__(self, changeset: Changeset, reason: str | None, watch: Watch) -> None:
        self._plan = self._agreed = changeset
        self._reason = reason
        self._watch = watch
        self._event: Event | None = None
        self._lease = ExitStack()
        self._batches = self._written = self._documents = self._conflicts = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._prepared: set[str] = set()
        self._holds = Holds()
        self._waits = False
        self._contested: Batch = []
        self._progress = time.monotonic()

    def carry_out(self) -> Outcome:
        with self._lease:
            while self._plan.changes_something or self._batches:
                try:
                    if self._write():
                        break
                    self._plan = _plan_again(self._plan)
                except ChangedMeanwhileError as conflict:
                    if self._plan.replan is None:
                        raise
                    self._pause(conflict)
                    self._plan_anew(conflict)
                except HeldError as refusal:
                    if self._batches and self._event:
                        refusal.add_note(f"Earlier changes are saved: chatctl audit show {self._event.id}")
                    raise
        return Outcome(self._event.id if self._event and self._batches else None, self._corrected())

    def _corrected(self) -> Changeset:
        """Return the confirmed plan. If other programs have made some of its changes, its results are corrected."""
        agreed = self._agreed
        if not self._batches and agreed.changes_something and agreed.replan is not None:
            again = agreed.replan()
            agreed = agreed if again.changes_something else again
        if agreed.counting is not None:
            agreed = replace(agreed, results=agreed.counting(agreed.results, self._counts))
        return agreed

    def _write(self) -> bool:
        """Write the batches of the plan. Return True if the last batch was written."""
        if self._conflicts > 1 and self._plan.quick and connection.transactions():
            # After several conflicts, plan inside the transaction. Then other programs cannot change the documents
            # before the write.
            return self._write_batches(self._first_batch, self._contested, whole=False)
        with closing(writing.number_batches(self._plan.batches, self._batches)) as batches:
            if not self._plan.divided and connection.transactions():
                together = self._plan, list(batches)
                expected = [change for batch in together[1] for change in batch.changes]
                return self._write_batches(lambda: together, expected, whole=True)
            for batch in batches:
                if isinstance(self._plan.batches, Stream):
                    if not self._has_work(self._plan, batch):
                        continue
                    self._watch.removes(self._plan.batches.image_urls)
                self._write_merging(batch)
        return True

    def _write_merging(self, batch: NumberedBatch) -> None:
        """Write a batch of the plan.

        Other programs may have already made some of its list changes. In this case, leave out these list changes, and
        try again.

        Invariant: a list change is left out only while its document is locked. Each retry begins with the planned
        batch. It locks all documents of the batch before it leaves out list changes. Without these locks, another
        program could change a link between the reads of its two sides, and only one side would be written.
        """
        alike, left, planned = 0, batch.changes, _as_planned
        while True:
            # Without transactions, a failed attempt may have used this number already, so the next free number is used.
            batch = batch._replace(number=self._batches)
            try:
                self._write_batches(partial(planned, self._plan, batch), batch.changes, whole=batch.last)
            except ChangedMeanwhileError as conflict:
                tried, planned = left, _merged
                left = list(writing.merged(connection.database(), batch.changes))
                alike = alike + 1 if left == tried else 0
                if not self._plan.merges_lists or alike > ALIKE:
                    raise
                self._pause(conflict)
            else:
                return

    def _write_batches(self, make: Callable[[], Planned], expected: Batch, *, whole: bool) -> bool:
        """Write batches in one transaction. Return True if the last batch of the plan was written.

        `make` is called inside the transaction. It returns the plan and the batches to write.
        """
        database, tries = connection.database(), count(self._conflicts)
        self._prepare(expected)
        event = self._begin(whole=whole)
        made: Planned = self._plan, [NumberedBatch(self._batches, [], last=True)]

        def work(session: ClientSession | None) -> None:
            nonlocal made
            if next(tries) and session:
                writing.lock_documents(database, [*expected, *self._contested], session)
            plan, batches = made = transactions.reading_in(session, make)
            self._contested = [change for batch in batches for change in batch.changes]
            if not self._batches and plan is not self._plan:
                event.update_plan(plan)
            for batch in batches:
                if self._has_work(plan, batch):
                    self._keep_held(plan, batch.changes, session)
                    writing.write(database, plan, event, batch, session)

        try:
            transactions.run(database, work, self._watch.waits)
        except NotAsPlannedError as error:
            what = writing.describe_conflict(database, self._contested, made[0].names, error)
            written = self._batches or not connection.transactions()
            # Without transactions, the failed batch is recorded already and may be partly written. So it counts as
            # written.
            self._batches = max(self._batches, event.recorded)
            raise ChangedMeanwhileError(what, event.id if written else None) from None
        for batch in made[1]:
            self._wrote(made[0], batch)
        return made[1][-1].last

    def _has_work(self, plan: Changeset, batch: NumberedBatch) -> bool:
        """Tell whether a batch must be written.

        A stream of changes can be empty although its counts are not, because other programs have already made all
        changes. Then no event is recorded.
        """
        planned = plan.changes_something and not isinstance(plan.batches, Stream)
        return bool(self._batches or batch.changes or planned)

    def _keep_held(self, plan: Changeset, changes: Batch, session: ClientSession | None) -> None:
        """Raise `HeldError` if a batch would lose data that a legal hold keeps.

        If the plan can skip such data, raise `ChangedMeanwhileError` instead. Then `carry_out` plans the unwritten
        changes again.
        """
        if loss := losses.first_loss(connection.database(), self._holds, plan, changes, session):
            if plan.passing_over is None:
                raise HeldError(loss)
            event = self._event.id if self._event and self._batches else None
            raise ChangedMeanwhileError(f"the hold {loss.hold} was placed while this command ran", event)

    def _first_batch(self) -> Planned:
        """Plan again inside the transaction, and return the new plan and its first batch."""
        plan = _plan_again(self._plan)
        asks = not self._written and plan.changes_something and self._watch.asks_about(plan)
        with closing(writing.number_batches(plan.batches, self._batches)) as batches:
            batch = next(batches)
        if asks or not self._may_begin(plan) or not _locks(plan, batch.changes) <= self._prepared:
            raise ChangedMeanwhileError("the data was changed while this command ran", None)
        return plan, [batch]

    def _may_begin(self, plan: Changeset) -> bool:
        """Tell whether a new plan may replace the plan that the user confirmed.

        If a batch has already been written, the result is always True.

        Invariant: a different plan needs a new yes.
        """
        return bool(self._written) or not plan.changes_something or self._watch.accepts(plan)

    def _prepare(self, expected: Batch) -> None:
        """Create the collections and locks that the transaction needs for its batch and for the audit trail."""
        locks, collections = _locks(self._plan, expected), {change.collection for change in expected}
        needed = locks.union(collections, OUR_RECORDS)
        if not needed <= self._prepared:
            transactions.prepare(connection.database(), collections, locks)
            self._prepared |= needed

    def _begin(self, *, whole: bool) -> Event:
        """Return the audit event of this write. Before the first batch is written, each call returns a new event."""
        if not self._batches:
            self._lease.close()
            whole = whole and connection.transactions()
            self._event = Event(connection.database(), self._plan, self._reason, whole=whole)
            self._watch.begins(self._event.id)
            self._lease.enter_context(self._event.renewed_lease())
        assert self._event is not None  # noqa: S101 - the event began with the first batch
        return self._event

    def _wrote(self, plan: Changeset, batch: NumberedBatch) -> None:
        if not self._batches:
            self._agreed = plan
        if not self._has_work(plan, batch):
            return
        self._batches = batch.number + 1
        self._written += 1
        self._counts.update(what for what, _ in {(kind(change), one) for change in batch.changes for one in change.ids})
        self._conflicts, self._progress = 0, time.monotonic()
        self._documents += plan.size(batch.changes)
        self._watch.wrote(self._documents, max(self._agreed.total, self._documents))

    def _pause(self, conflict: ChangedMeanwhileError) -> None:
        """Wait for a random time, so that other writes can finish.

        If no batch was written for `PATIENCE` seconds, raise `conflict`.
        """
        if time.monotonic() - self._progress > PATIENCE:
            raise conflict
        if time.monotonic() - self._progress > transactions.UNEXPLAINED_WAIT and not self._waits:
            self._waits = True
            self._watch.waits()
        self._conflicts += 1
        longest = min(FIRST_PAUSE * 2**self._conflicts, LONGEST_PAUSE)
        time.sleep(random.uniform(0, longest))  # noqa: S311 - not a secret

    def _plan_anew(self, conflict: ChangedMeanwhileError) -> None:
        """Plan the unwritten changes again.

        If nothing is written yet and the new plan is not accepted, raise `conflict`.
        """
        again = _plan_again(self._plan)
        if not self._may_begin(again):
            raise conflict
        if not self._batches:
            self._agreed = again
        elif again.passing_over is not None:
            self._agreed = replace(self._agreed, results=again.passing_over(self._agreed.results))
        self._plan = again


def _locks(plan: Changeset, changes: Batch) -> set[str]:
    return {rule.lock for rule in plan.rules} | ({losses.LOCK} if losses.needs_lock(plan, changes) else set())


def _as_planned(plan: Changeset, batch: NumberedBatch) -> Planned:
    return plan, [batch]


def _merged(plan: Changeset, batch: NumberedBatch) -> Planned:
    return plan, [batch._replace(changes=list(writing.merged(connection.database(), batch.changes)))]


def _plan_again(plan: Changeset) -> Changeset:
    assert plan.replan is not None  # noqa: S101 - a plan that cannot be made again has raised its conflict already
    return plan.replan()


def _create_indexes(changeset: Changeset, watch: Watch) -> str:
    """Create the indexes of a changeset. Return a text with the names of the indexes that the server refused.

    Raises `ConflictError` if the server refused all of them.
    """
    found = indexes.create_all(connection.database(), changeset.indexes, watch.indexed)
    refused = [f"{one.index.name} ({one.message})" for one in found if one.message]
    if refused and len(refused) == len(found):
        raise ConflictError(f"no index could be created: {', '.join(refused)}", SEE_INDEXES)
    return ", ".join(refused)
