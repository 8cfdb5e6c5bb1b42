"""Carry out a write: preview the changes or ask for confirmation, write them, and report the results."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final

from cli.output import formats, questions, say, streams, text
from cli.output.masking import masked
from database.errors import ConflictError, OutputError, RefusedError, TerminatedError, UsageError
from database.wording import NAMED, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

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
    _refuse_form(out)
    if confirm.save_plan is not None:
        _check(out, changeset, confirm)
        _save_plan(out, changeset, confirm, confirm.save_plan)
        return
    _report_written(out, [_write(out, changeset, confirm)], confirm)


def apply_each(out: "Output", changesets: "Sequence[Changeset]", confirm: "Decide") -> None:
    """Apply several changesets one after the other, each with its own question and event.

    All changesets are checked before the first one is written. After a changeset is written, the next one is planned
    again, because its data may have changed. If no changeset changes anything, nothing is printed, except on a
    terminal, with `--dry-run` or as JSON.
    """
    from changes.changeset import UNTOUCHED

    due = [changeset for changeset in changesets if changeset.changes_something]
    if confirm.save_plan is not None and len(due) == 1:
        apply(out, due[0], confirm)
        return
    _check_each(out, due, confirm)
    quiet = not (confirm.dry_run or streams.is_terminal(sys.stderr))
    done: list[tuple[Changeset, ObjectId | None]] = []
    spent = 0
    for changeset in due:
        again = changeset.replan() if changeset.replan and done and not confirm.dry_run else changeset
        try:
            done.append(_write(out, again, confirm, quiet=quiet, spent=spent))
        except BaseException as error:
            if events := [str(event) for _, event in done if event]:
                error.add_note(f"Earlier changes are saved: chatctl audit show {events[-1]}")
            raise
        written, event = done[-1]
        spent += sum(result.documents for result in written.results if result.outcome not in UNTOUCHED)
        # If another program has made all changes in the meantime, there is nothing to report.
        if out.form != "json" and (event or written.changed or not quiet):
            _report_written(out, done[-1:], confirm)
    if out.form == "json":
        left = [(changeset, None) for changeset in changesets if not changeset.changes_something]
        _report_written(out, [*done, *left], confirm, each=True)
    elif not due and not quiet:
        out.nothing_to_do()


def _check_each(out: "Output", due: "Sequence[Changeset]", confirm: "Decide") -> None:
    """Refuse several changesets if one of them would be refused, or if they have too many items together."""
    _refuse_form(out)
    number = sum(changeset.touched for changeset in due)
    _refuse_number(number, confirm.max)
    for changeset in due:
        if confirm.propose and changeset.unproposable:
            _proposal_of(changeset, confirm)  # raises its error before another changeset is proposed
        elif not (confirm.dry_run or confirm.propose):
            _refuse_unasked(out, changeset, confirm, number)


def _refuse_form(out: "Output") -> None:
    if out.form not in {"table", "json"}:
        raise UsageError(f"-o {out.form} is not available for a write", "use -o json, or remove -o")


def _check(out: "Output", changeset: "Changeset", confirm: "Decide", spent: int = 0) -> None:
    """Refuse a changeset with too many items, and one that would lose held data. Print a note about missing items."""
    _refuse_number(changeset.touched, confirm.max, spent)
    _note_skipped(out, changeset)
    from changes import losses

    losses.refuse(changeset)


def _write(
    out: "Output", changeset: "Changeset", confirm: "Decide", *, quiet: bool = False, spent: int = 0
) -> "tuple[Changeset, ObjectId | None]":
    """Preview a changeset with `--dry-run`. Without it, ask for confirmation if required, and write the changeset.

    With `quiet`, the name of the database and the notes are printed only when something is written. `spent` is the
    number of items that earlier changesets of this command have changed; they count for `--max` too.

    Return the changeset that was written, and the id of its event. It can differ from the given one, because a conflict
    causes a new plan. The id is None if nothing was written.
    """
    _check(out, changeset, confirm, spent)
    changeset = _proposal_of(changeset, confirm)
    out.invocation.command = changeset.command + (" --dry-run" if confirm.dry_run else "")
    if confirm.dry_run:
        _preview(out, changeset)
    if confirm.dry_run or not changeset.changes_something:
        return changeset, None
    marker, asked, yes = _refuse_unasked(out, changeset, confirm)
    # If there is a question, it shows the notes itself. If --yes has answered the question and the write can be
    # undone, the notes are not needed.
    notes_are_known = asked or (changeset.asks and changeset.undoable) or out.form == "json"
    verb = "proposing a change of" if _proposed(changeset) else "changing"
    announce = partial(_announce, out, verb, [] if notes_are_known else _notes(out, changeset), asked=asked)
    if asked or not quiet:
        announce()
    agreement = _Agreement(out, changeset, marker, asked=asked, yes=yes, max_items=confirm.max, spent=spent)
    if asked:
        questions.confirm(out, changeset, _notes(out, changeset), marker)
        changeset = agreement.renewed()
    late = announce if quiet and not asked else None
    event, changeset = _carry_out(out, changeset, confirm.reason, agreement, late)
    return changeset, event


def _refuse_unasked(
    out: "Output", changeset: "Changeset", confirm: "Decide", most: int = 0
) -> "tuple[Marker | None, bool, bool]":
    """Refuse a changeset that must be confirmed, if no option confirms it and no question is possible.

    Return three values: the protection of the database, whether the user must be asked, and whether an option
    (`--yes`, or `--expect` in a protected database) has confirmed the changeset. If the question demands a typed text,
    these options confirm it only together with `--max`. The hint of the error suggests at least `most` for `--max`.
    """
    from changes.applying import require_two_people
    from database import connection

    require_two_people(changeset)
    marker = None if _proposed(changeset) else connection.marker()
    limited = confirm.max is not None or not changeset.asked.typed
    yes = limited and (out.invocation.expect is not None if marker else confirm.yes)
    asked = not yes and (marker is not None or _must_ask(changeset))
    if asked and not questions.can_ask(out.invocation):
        raise _unconfirmed(marker) if limited else _unlimited(changeset, marker, max(most, changeset.touched))
    return marker, asked, yes


def _report_written(
    out: "Output", done: "Sequence[tuple[Changeset, ObjectId | None]]", confirm: "Decide", *, each: bool = False
) -> None:
    """Print the results of written changesets. With `each`, every result in JSON has the id of its event.

    If the output fails, the error says that the changes are saved, and names the command that shows them.
    """
    event = next((event for _, event in reversed(done) if event), None)
    try:
        _report(out, done, event, dry_run=confirm.dry_run, each=each)
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
    """Save a changeset as a plan in a file, and change nothing. If nothing would change, no file is written."""
    if confirm.propose or confirm.dry_run:
        raise UsageError("--save-plan cannot be combined with --propose or --dry-run", "use one of them")
    if not changeset.changes_something:
        _report(out, [(changeset, None)], None, dry_run=True)
        return
    from actions import plan_files
    from changes import Result
    from cli.output.files import STANDARD_OUTPUT, write_file

    text_of_plan = plan_files.dump(changeset, confirm.reason)
    try:
        write_file(text_of_plan, to)
    except ConflictError as error:
        error.hint = "use another name"
        raise
    if out.form == "json" and to not in STANDARD_OUTPUT:
        saved = replace(changeset, results=[Result(None, changeset.command, "saved")])
        _report(out, [(saved, None)], None, dry_run=False)
    if to not in STANDARD_OUTPUT:
        out.note(f"saved, nothing was changed; carry it out with: {text.quoted(['chatctl', 'apply', to])}")


def _preview(out: "Output", changeset: "Changeset") -> None:
    """Print a line for each change that would be made."""
    _announce(out, "would change", [] if out.form == "json" else _notes(out, changeset))
    if out.form != "json":
        lines = out.visible_lines(changeset)
        with out.paged():
            out.lines(lines)


def _note_skipped(out: "Output", changeset: "Changeset") -> None:
    """Print a note with the names of the skipped items, which the command line names but which do not exist."""
    skipped = [result.ref for result in changeset.results if result.outcome == MISSING]
    if skipped:
        more = [f"and {len(skipped) - NAMED:,} more"] if len(skipped) > NAMED else []
        out.note(f"{len(skipped):,} skipped: {', '.join([*skipped[:NAMED], *more])}")


def _carry_out(
    out: "Output",
    changeset: "Changeset",
    reason: str | None,
    agreement: "_Agreement",
    announce: "Callable[[], None] | None",
) -> "tuple[ObjectId | None, Changeset]":
    """Write a changeset. If `announce` is given, call it once: when something is written, or before an error."""
    import changes
    from cli.output.write_bar import WriteBar

    def note_image(url: str) -> None:
        out.notes(_addresses_elsewhere(out, [url]))

    with WriteBar(out.note, note_image, agreement.covers, agreement.asks_about, announce) as bar:
        try:
            return changes.apply(changeset, reason=reason, watch=bar)
        except BaseException as error:
            bar.tell()
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
        spent: int,
    ) -> None:
        self._out = out
        self._changeset = changeset
        self._marker = marker
        self._asked = asked
        self._yes = yes
        self._max = max_items
        self._spent = spent
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
        _refuse_number(again.touched, self._max, self._spent)
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


def _refuse_number(number: int, max_items: int | None, spent: int = 0) -> None:
    """Refuse a number of items that, with the `spent` items that are changed already, is larger than `--max`."""
    if max_items is None or spent + number <= max_items:
        return
    items = counted(number, "item" if not spent else "more item")
    allowed = f"--max allows only {max_items:,}" + (f", and {spent:,} are already changed" if spent else "")
    raise RefusedError(f"this would change {items}, but {allowed}", None if spent else "nothing was changed")


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
        *(line for result in final_results for line in _addresses_elsewhere(out, result.elsewhere)),
    ]


def _addresses_elsewhere(out: "Output", urls: "Collection[str]") -> Iterator[str]:
    if urls:
        whole = out.may_show_bodies()
        yield from (f"delete this image where it is stored: {url if whole else masked(url)}" for url in urls)


def _unconfirmed(marker: "Marker | None") -> RefusedError:
    hint = f"Preview it with --dry-run, confirm it with {_answer(marker)}."
    if marker is None:
        return RefusedError("Not changed: confirmation is required.", hint)
    return RefusedError(
        f'Not changed: this database is protected as "{marker.name}".', f"{hint} --yes is not enough here."
    )


def _unlimited(changeset: "Changeset", marker: "Marker | None", most: int) -> RefusedError:
    verb = changeset.asked.verb
    return RefusedError(
        f"Not changed: a limit is required to {verb[0].lower()}{verb[1:]}.",
        f"Preview it with --dry-run, confirm it with {_answer(marker)} --max {most}.",
    )


def _answer(marker: "Marker | None") -> str:
    """Return the option that confirms a write."""
    # The name of a database may contain any character if it was stored by another program.
    return "--yes" if marker is None else text.quoted(["--expect", marker.name])


def _report(
    out: "Output",
    done: "Sequence[tuple[Changeset, ObjectId | None]]",
    event: "ObjectId | None",
    *,
    dry_run: bool,
    each: bool = False,
) -> None:
    """Print the outcome of changesets. `event` is the id of the last event.

    `done` has each changeset with the id of its event. JSON can have several changesets. Text for people needs a list
    of exactly one.
    """
    if out.form == "json":
        for part in _outcome_as_json(out, done, event, dry_run=dry_run, each=each):
            streams.write(part)
        return
    [(changeset, _)] = done
    if dry_run:
        if not changeset.changes_something:
            out.notes(_result_lines(out, [result for result in changeset.results if result.if_unchanged]))
        out.note("nothing was written: this was a dry run" if changeset.changes_something else "nothing to do")
        return
    passwords = [result.password for result in changeset.results if result.password]
    try:
        told = () if changeset.undoable else changeset.notes
        for line in _result_lines(out, changeset.results, told):
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


def _result_lines(out: "Output", results: "Collection[Result]", told: "Sequence[str]" = ()) -> Iterator[str]:
    """Yield a line for each result. If many results have the same outcome, yield only their number.

    Unchanged items are listed only if there are at most `MANY_ITEMS`, because most readers do not need their names.
    Notes that were `told` before the write are not printed again.
    """
    counts = Counter(result.outcome for result in results if not result.message and result.outcome != MISSING)
    bounds = {"unchanged": MANY_ITEMS if len(results) > MANY_ITEMS else MOST_RESULT_LINES}
    folded = {outcome: count for outcome, count in counts.items() if count > bounds.get(outcome, MOST_RESULT_LINES)}
    for result in results:
        if result.outcome == PASSED_OVER:
            if result.message not in told:
                out.note(result.message or f"{result.ref} was not changed")
        elif result.outcome != MISSING and (result.message or result.outcome not in folded):
            why = result.message or (result.if_unchanged if result.outcome == "unchanged" else None)
            yield f"{result.ref}: {result.outcome}" + (f" ({why})" if why else "")
        yield from _addresses_elsewhere(out, result.elsewhere)
    for outcome, count in folded.items():
        yield f"{count:,} {outcome}"


def _outcome_as_json(
    out: "Output",
    done: "Sequence[tuple[Changeset, ObjectId | None]]",
    event: "ObjectId | None",
    *,
    dry_run: bool,
    each: bool,
) -> Iterator[str]:
    """Yield the outcome of writes as JSON, in small parts, because there may be a hundred thousand results.

    With `each`, each result has the event of its write.
    """
    changed = sum(changeset.changed for changeset, _ in done)
    unchanged = sum(len(changeset.results) for changeset, _ in done) - changed
    head: dict[str, Any] = {"event": event, "changed": changed, "unchanged": unchanged, "results": []}
    before, brackets, after = formats.as_json(head, indent=2).rpartition("[]")
    opening = "["
    yield before
    for result, its_event in ((result, one) for changeset, one in done for result in changeset.results):
        shown = result._replace(password=None) if dry_run else result
        if shown.outcome != PASSED_OVER:  # For other outcomes, the number of documents is in the message already.
            shown = shown._replace(documents=0)
        if result.elsewhere and not out.may_show_bodies():
            shown = shown._replace(elsewhere=[masked(url) for url in result.elsewhere])
        shown = shown._replace(if_unchanged=None)
        given = {key: value for key, value in shown._asdict().items() if value or key in ALWAYS_PRINTED}
        given |= {"event": its_event} if each else {}
        yield f"{opening}\n{indent(formats.as_json(given, indent=2), '    ')}"
        opening = ","
    yield f"{brackets}{after}\n" if opening == "[" else f"\n  ]{after}\n"
