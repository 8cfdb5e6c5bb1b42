"""Carry out a write: preview the changes or ask for confirmation, write them, and report the results."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final

from cli.output import formats, questions, say, streams, text
from cli.output.masking import masked, masked_entry
from database.errors import ConflictError, OutputError, RefusedError, TerminatedError, UsageError
from database.wording import NAMED, counted

if TYPE_CHECKING:
    from collections.abc import Collection

    from bson import ObjectId

    from changes import Changeset, Result
    from changes.changeset import Resuming
    from cli.output import Output
    from cli.output.write_bar import WriteBar
    from cli.params import Decide
    from database.own_collections import Marker

MISSING: Final = "missing"
"""The outcome of an item that does not exist. A note reports such an item, and the results leave it out."""
PASSED_OVER: Final = "passed-over"
"""The outcome of an item that a command must leave unchanged, like held data. A note reports such an item."""
MANY_ITEMS: Final = 10
ALWAYS_PRINTED: Final = frozenset({"id", "ref", "outcome"})
"""The keys that every result has in JSON. Other keys are left out if their value is empty."""
MOST_RESULT_LINES: Final = 100
"""The most results with the same outcome that are printed one by one.

If there are more, only their number is printed.
"""


def apply(out: "Output", changeset: "Changeset", confirm: "Decide") -> None:
    """Preview a changeset (planned changes), or ask for confirmation if required, write it, and report the results."""
    if out.form not in {"table", "json"}:
        raise UsageError(f"-o {out.form} is not available for a write", "use -o json, or remove -o")
    _refuse_more(changeset, confirm.max)
    _note_skipped(out, changeset)
    from changes import losses

    losses.refuse(changeset)
    if confirm.save_plan is not None:
        _save_plan(out, changeset, confirm, confirm.save_plan)
        return
    changeset = _proposal_of(changeset, confirm)
    from database import connection

    event: ObjectId | None = None
    out.invocation.command = changeset.command + (" --dry-run" if confirm.dry_run else "")
    if confirm.dry_run:
        _preview(out, changeset)
    elif changeset.changes_something:
        from changes.applying import require_two_people

        require_two_people(changeset)
        marker = None if _proposed(changeset) else connection.marker()
        yes = out.invocation.expect is not None if marker else confirm.yes
        asked = not yes and (marker is not None or _must_ask(changeset))
        if asked and not questions.can_ask(out.invocation):
            raise _unconfirmed(marker)
        # If there is a question, it shows the notes itself. If --yes has answered the question and the write can be
        # undone, the notes are not needed.
        notes_are_known = asked or (changeset.asks and changeset.undoable) or out.form == "json"
        verb = "proposing a change of" if _proposed(changeset) else "changing"
        _announce(out, verb, [] if notes_are_known else _notes(out, changeset), asked=asked)
        agreement = _Agreement(out, changeset, marker, asked=asked, yes=yes, max_items=confirm.max)
        if asked:
            questions.confirm(out, changeset, _notes(out, changeset), marker)
            changeset = agreement.renewed()
        event, changeset = _carry_out(out, changeset, confirm.reason, agreement)
    try:
        _report(out, changeset, event, dry_run=confirm.dry_run)
        streams.flush()
    except OutputError as error:
        error.hint = (
            f"the changes are saved, only the output failed: chatctl audit show {event}" if event else error.hint
        )
        raise


def _proposal_of(changeset: "Changeset", confirm: "Decide") -> "Changeset":
    """Return the changeset. With `--propose`, return another changeset, which stores the first one as a proposal."""
    if not confirm.propose:
        return changeset
    if confirm.dry_run:
        raise UsageError("--propose and --dry-run cannot be combined", "use one of them")
    import actions

    return actions.proposals.propose(changeset, confirm.reason)


def _proposed(changeset: "Changeset") -> "ObjectId | None":
    """Return the id of the proposal that a changeset stores, or None if it stores no proposal."""
    first = next(iter(changeset.results), None)
    return first.id if first and first.outcome == "proposed" else None


def _save_plan(out: "Output", changeset: "Changeset", confirm: "Decide", to: str) -> None:
    """Save a changeset as a plan in a file, and change nothing."""
    if confirm.propose or confirm.dry_run:
        raise UsageError("--save-plan cannot be combined with --propose or --dry-run", "use one of them")
    from actions import plan_files
    from changes import Result
    from cli.output.files import STANDARD_OUTPUT, write_file

    text_of_plan = plan_files.dump(changeset)
    try:
        write_file(text_of_plan, to)
    except ConflictError as error:
        error.hint = "use another name"
        raise
    if out.form == "json" and to not in STANDARD_OUTPUT:
        _report(out, replace(changeset, results=[Result(None, changeset.command, "saved")]), None, dry_run=False)
    if to not in STANDARD_OUTPUT:
        out.note(f"saved, nothing was changed; carry it out with: {text.quoted(['chatctl', 'apply', to])}")


def _preview(out: "Output", changeset: "Changeset") -> None:
    """Print a line for each change that would be made."""
    _announce(out, "would change", [] if out.form == "json" else _notes(out, changeset))
    if out.form != "json":
        whole = not changeset.shows("Message") or out.may_show_bodies()
        with out.paged():
            out.lines(changeset.lines() if whole else changeset.lines(masked_entry))


def _note_skipped(out: "Output", changeset: "Changeset") -> None:
    """Print a note with the names of the skipped items, which the command line names but which do not exist."""
    skipped = [result.ref for result in changeset.results if result.outcome == MISSING]
    if skipped:
        more = [f"and {len(skipped) - NAMED:,} more"] if len(skipped) > NAMED else []
        out.note(f"{len(skipped):,} skipped: {', '.join([*skipped[:NAMED], *more])}")


def _carry_out(
    out: "Output", changeset: "Changeset", reason: str | None, agreement: "_Agreement"
) -> "tuple[ObjectId | None, Changeset]":
    import changes
    from cli.output.write_bar import WriteBar

    with WriteBar(out.note, agreement.covers, agreement.asks_about) as bar:
        try:
            return changes.apply(changeset, reason=reason, watch=bar)
        except BaseException as error:
            if changeset.resuming and bar.event:
                _note_resuming(out, changeset.resuming, bar, error)
            raise


def _note_resuming(out: "Output", resuming: "Resuming", bar: "WriteBar", error: BaseException) -> None:
    """Add a note to the error of an interrupted write: how much is done, and which command finishes the work."""
    import changes

    batches = bar.batches
    # After an interrupt, a batch may be written although the answer of the server did not arrive.
    if bar.event and isinstance(error, KeyboardInterrupt | TerminatedError):
        batches = max(batches, changes.batches_written(bar.event))
    if batches:
        again = text.quoted(out.invocation.command_with(resuming.option, resuming.value))
        error.add_note(f"{resuming.done(batches)} (chatctl audit show {bar.event}). Finish with: {again}")


class _Agreement:
    """The consent of the user to a write.

    If a later plan does more than the confirmed plan, the user is asked again.
    """

    def __init__(
        self,
        out: "Output",
        changeset: "Changeset",
        marker: "Marker | None",
        *,
        asked: bool,
        yes: bool,
        max_items: int | None,
    ) -> None:
        self._out = out
        self._changeset = changeset
        self._marker = marker
        self._asked = asked
        self._yes = yes
        self._max = max_items
        self._told_of_more = False

    def renewed(self) -> "Changeset":
        """Plan the write again after the user's answer. If the new plan does more, ask about the additions."""
        changeset = self._changeset
        again = changeset.replan() if changeset.replan else changeset
        if again.changes_something:
            self.covers(again)
        return again

    def covers(self, again: "Changeset") -> bool:
        """Tell whether a new plan may replace the confirmed plan.

        If the new plan does more, the user is asked, but only once.

        After the second question, the user knows that new data keeps arriving. If every addition caused a question,
        nobody could delete a user who sends messages all the time.
        """
        _refuse_more(again, self._max)
        if not self._asked:
            return self._yes or not _must_ask(again)
        if self.asks_about(again):
            self._told_of_more = True
            new = f"added since you confirmed: {', '.join(again.beyond(self._changeset))}"
            questions.confirm(self._out, again, [new], self._marker)
        return True

    def asks_about(self, again: "Changeset") -> bool:
        """Tell whether a plan does more than the confirmed plan, and the user was not asked about additions before."""
        return self._asked and not self._told_of_more and bool(again.beyond(self._changeset))


def _refuse_more(changeset: "Changeset", max_items: int | None) -> None:
    if max_items is not None and changeset.touched > max_items:
        number = counted(changeset.touched, "item")
        raise RefusedError(f"this would change {number}, but --max allows only {max_items:,}", "nothing was changed")


def _must_ask(changeset: "Changeset") -> bool:
    return changeset.asks or (changeset.asks_about_many and changeset.touched > MANY_ITEMS)


def _announce(out: "Output", verb: str, notes: list[str], *, asked: bool = False) -> None:
    """Print notes before a write, first the name of the database.

    If a question follows, print them with JSON output too.
    """
    from database import connection

    note = say if asked else out.note
    target = connection.target()
    note(f"{verb} {target.name} on {target.host} ({target.source})")
    if not connection.transactions():
        note("warning: this server has no transactions; a crash can leave a one-sided link (db check finds it)")
    for line in notes:
        note(line)


def _notes(out: "Output", changeset: "Changeset") -> list[str]:
    """Return the notes about a write.

    If it cannot be undone, the notes include the URLs of images to delete elsewhere.
    """
    from actions.rules.checked_changeset import undo_limits

    final_results = () if changeset.undoable else changeset.results
    return [
        *changeset.notes,
        *undo_limits(changeset),
        *(line for result in final_results for line in _addresses_elsewhere(out, result)),
    ]


def _addresses_elsewhere(out: "Output", result: "Result") -> Iterator[str]:
    if result.elsewhere:
        whole = out.may_show_bodies()
        yield from (
            f"delete this image where it is stored: {url if whole else masked(url)}" for url in result.elsewhere
        )


def _unconfirmed(marker: "Marker | None") -> RefusedError:
    if marker is None:
        hint = "Preview it with --dry-run, confirm it with --yes."
        return RefusedError("Not changed: confirmation is required.", hint)
    # The name of a database may contain any character if it was stored by another program.
    expected = text.quoted(["--expect", marker.name])
    return RefusedError(
        f'Not changed: this database is protected as "{marker.name}".',
        f"Preview it with --dry-run, confirm it with {expected}. --yes is not enough here.",
    )


def _report(out: "Output", changeset: "Changeset", event: "ObjectId | None", *, dry_run: bool) -> None:
    if out.form == "json":
        for part in _outcome_as_json(out, changeset, event, dry_run=dry_run):
            streams.write(part)
        return
    if dry_run:
        if not changeset.changes_something:
            out.notes(_result_lines(out, [result for result in changeset.results if result.if_unchanged]))
        out.note("nothing was written: this was a dry run" if changeset.changes_something else "nothing to do")
        return
    passwords = [result.password for result in changeset.results if result.password]
    try:
        for line in _result_lines(out, changeset.results):
            if passwords:  # standard output has only the passwords, so that a shell variable can receive them
                out.note(line)
            else:
                streams.write(f"{text.safe(line)}\n")
        for password in passwords:
            streams.write(f"{password}\n")
    finally:
        _note_next_step(out, changeset, event)


def _note_next_step(out: "Output", changeset: "Changeset", event: "ObjectId | None") -> None:
    """Print the command for the next step: to undo a write, or to approve a proposal."""
    if event is None:
        out.note("nothing to do")
    elif proposed := _proposed(changeset):
        out.note(f"another person can now run: chatctl proposals approve {proposed}")
    elif changeset.undoable and changeset.total:  # an event that only created indexes cannot be undone
        out.note(f"undo: chatctl audit undo {event}")


def _result_lines(out: "Output", results: "Collection[Result]") -> Iterator[str]:
    """Yield a line for each result. If many results have the same outcome, yield only their number.

    Unchanged items are listed only if there are at most `MANY_ITEMS`, because most readers do not need their names.
    """
    counts = Counter(result.outcome for result in results if not result.message and result.outcome != MISSING)
    bounds = {"unchanged": MANY_ITEMS if len(results) > MANY_ITEMS else MOST_RESULT_LINES}
    folded = {outcome: count for outcome, count in counts.items() if count > bounds.get(outcome, MOST_RESULT_LINES)}
    for result in results:
        if result.outcome == PASSED_OVER:
            out.note(result.message or f"{result.ref} was not changed")
        elif result.outcome != MISSING and (result.message or result.outcome not in folded):
            why = result.message or (result.if_unchanged if result.outcome == "unchanged" else None)
            yield f"{result.ref}: {result.outcome}" + (f" ({why})" if why else "")
        yield from _addresses_elsewhere(out, result)
    for outcome, count in folded.items():
        yield f"{count:,} {outcome}"


def _outcome_as_json(
    out: "Output", changeset: "Changeset", event: "ObjectId | None", *, dry_run: bool
) -> Iterator[str]:
    """Yield the outcome of a write as JSON, in small parts, because there may be a hundred thousand results."""
    changed = changeset.changed
    unchanged = len(changeset.results) - changed
    head: dict[str, Any] = {"event": event, "changed": changed, "unchanged": unchanged, "results": []}
    before, brackets, after = formats.as_json(head, indent=2).rpartition("[]")
    opening = "["
    yield before
    for result in changeset.results:
        shown = result._replace(password=None) if dry_run else result
        if shown.outcome != PASSED_OVER:  # For other outcomes, the number of documents is in the message already.
            shown = shown._replace(documents=0)
        if result.elsewhere and not out.may_show_bodies():
            shown = shown._replace(elsewhere=[masked(url) for url in result.elsewhere])
        shown = shown._replace(if_unchanged=None)
        given = {key: value for key, value in shown._asdict().items() if value or key in ALWAYS_PRINTED}
        yield f"{opening}\n{indent(formats.as_json(given, indent=2), '    ')}"
        opening = ","
    yield f"{brackets}{after}\n" if opening == "[" else f"\n  ]{after}\n"
