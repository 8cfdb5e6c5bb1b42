"""Repair faults: those with only one right correction, and those for which an option says what to do."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any, Final

from bson import Int64, ObjectId

from actions.database.checking.checking import Progress, find_faults, select_rules
from actions.database.checking.rule import Finding, RepairDraft, Rule, groups
from actions.database.checking.rules.unique_keys import MissingIndex, index
from actions.rules import lockout
from changes import Batch, Change, Changeset, Question, Result, Stream, Take, Update, holds
from database import connection
from database.errors import UsageError
from database.references import referred
from database.times import iso
from database.wording import counted, enumerated

FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The earliest date that a number can mean. A number that means an earlier or a future date is not converted."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
WRAPPED: Final = ("$date", "$numberLong", "$numberInt", "$numberDouble")
"""Keys of MongoDB's Extended JSON, like `$date`. Other tools stored some values with these keys by mistake."""
LARGEST: Final = 2**63
DIGITS: Final = len(str(-LARGEST))


def convert(wanted: type, value: Any) -> Any:
    """Convert a value to the `wanted` type. Return None if the meaning of the value is not certain.

    A text in ISO 8601 becomes a date, in UTC if it has no time zone. A number becomes a date if it means a time between
    the year 2000 and now, in milliseconds or seconds since 1970. A text of digits becomes a number, and a text of
    24 hex digits becomes an id.
    """
    if wanted is ObjectId:
        found = referred(value)
        return found if isinstance(found, ObjectId) else None
    inner = _unwrapped(value)
    if wanted is datetime:
        return _date(inner, explicit=inner is not value)
    return _number(inner) if wanted is int else None


def _unwrapped(value: Any) -> Any:
    while isinstance(value, dict) and len(value) == 1 and next(iter(value)) in WRAPPED:
        [value] = value.values()
    return value


def _date(value: Any, *, explicit: bool) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and (time := iso(value)):
        return time
    number = _number(value) if explicit or not isinstance(value, str) else None
    if number is None:
        return None
    for milliseconds in (number, number * 1000):
        try:
            time = EPOCH + timedelta(milliseconds=milliseconds)
        except OverflowError:
            continue
        if explicit or FIRST <= time <= datetime.now(UTC):
            return time
    return None


def _number(value: Any) -> Int64 | None:
    if isinstance(value, str) and len(value) <= DIGITS and value.removeprefix("-").isdecimal() and value.isascii():
        value = int(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return Int64(value) if whole and not isinstance(value, bool) and -LARGEST <= value < LARGEST else None


ORDER: Final = (
    "wrong-type",
    "null-list",
    "string-id",
    "missing-parent",
    "duplicate-link",
    "dangling-link",
    "one-sided-link",
)
"""The rules whose faults are repaired first, in this order, because repairs of links need valid lists."""
LEAVING: Final[Mapping[tuple[str, str, str | None], frozenset[str]]] = {
    ("Conversation", "Conversation", "userIds"): frozenset({"dangling-link", "one-sided-link"}),
    ("User", "User", "conversationIds"): frozenset({"one-sided-link"}),
}
"""The repairs that can lose data under a legal hold.

The key is: changed collection, collection of the fault, field of the fault. The value is the names of the rules. A
legal hold keeps the participants of a held conversation, and the list of conversations of a held user.
"""
HELD: Final = 200_000
"""The most faults of one rule that one run of the command repairs."""


def repair(
    rules: Sequence[str] = (),
    collections: Sequence[str] = (),
    *,
    drop: bool = False,
    delete: bool = False,
    progress: Progress | None = None,
) -> Changeset:
    """Plan the repair of faults that have only one right correction, and of faults that `drop` or `delete` decides.

    Raises `UsageError` if `drop` or `delete` does not apply to all given rules, and `LastMemberError` if a protected
    role would have no active member after the repair.
    """
    decisions = frozenset(word for word, given in (("drop", drop), ("delete", delete)) if given)
    kinds = select_rules(rules, collections)
    _check_decisions(decisions, kinds if rules else select_rules((), ()))
    undoable = not rules or _is_undoable(kinds)
    plan = _Plan(decisions, undoable=undoable)
    for rule, faults in find_faults(kinds, collections, progress=progress):
        plan.add(rule, faults)
    names: dict[Any, str] = {}
    words = [*(f"--rule {name}" for name in rules), *(f"--collection {name}" for name in collections)]
    return Changeset(
        " ".join(["db repair", *words, *(f"--{word}" for word in sorted(decisions))]),
        list(plan.results()),
        Stream(lambda: plan.batches(names), plan.counts()),
        asks=True,
        names=names,
        notes=[
            *plan.notes(),
            *(() if undoable or not plan.repaired else ("This cannot be undone. Backups are not changed.",)),
        ],
        rules=lockout.member_rules(plan.leaving()),
        lifted=lockout.lifted(allow_lockout=True),
        indexes=[
            index(fault) for rule in plan.repaired for fault in plan.repaired[rule] if isinstance(rule, MissingIndex)
        ],
        items=(number := plan.faults),
        question=Question(f"Repair {counted(number, 'fault')}"),
        undoable=undoable,
        unproposable=plan.unproposable(),
    )


def _check_decisions(decisions: frozenset[str], kinds: Sequence[type[Rule]]) -> None:
    """Raise `UsageError` if `drop` or `delete` does not apply to all of these rules.

    Otherwise, the option could delete what another rule repairs.
    """
    for word in sorted(decisions):
        names = [kind.name for kind in select_rules((), ()) if word in kind.decisions]
        if others := [kind.name for kind in kinds if kind.name not in names]:
            raise UsageError(
                f"--{word} does not apply to the rule {others[0]}", f"use it with --rule {' or '.join(names)}"
            )


def _is_undoable(kinds: Sequence[type[Rule]]) -> bool:
    """Tell whether repairs by these rules can be undone. All repairs of one command are one event, undone as a whole.

    Raises `UsageError` if only some of the rules can be undone.
    """
    final = [kind.name for kind in kinds if not kind.undoable]
    if final and len(final) < len(kinds):
        raise UsageError(f"a repair by the rule {final[0]} cannot be undone", f"run only this rule: --rule {final[0]}")
    return not final


class _Plan:
    """The faults to repair in this run, and the number of the other faults.

    Other faults need a decision of the user, or another run of the command, or a legal hold keeps their documents.
    """

    def __init__(self, decisions: frozenset[str], *, undoable: bool) -> None:
        self._undoable = undoable
        self.repaired: dict[Rule, list[Finding]] = {}
        self._decisions = decisions
        self._left: dict[tuple[Rule, str], Finding] = {}
        self._numbers: Counter[tuple[Rule, str]] = Counter()
        self._repairs: Counter[Rule] = Counter()
        self._more: Counter[Rule] = Counter()
        self._kept = 0
        self._held = holds.read(connection.database())

    def add(self, rule: Rule, faults: Sequence[Finding]) -> None:
        repairable = list(rule.repairable(faults, self._decisions)) if rule.undoable is self._undoable else []
        if self._held:
            kept = self._kept_by_holds(rule, repairable)
            self._kept += sum(fault.faults for fault in repairable if id(fault) in kept)
            faults = [fault for fault in faults if id(fault) not in kept]
            repairable = [fault for fault in repairable if id(fault) not in kept]
        if repairable:
            held = self.repaired.setdefault(rule, [])
            for fault in repairable:
                if taken := _first(fault, HELD - self._repairs[rule]):
                    held.append(taken)
                    self._repairs[rule] += taken.faults
                self._more[rule] += fault.faults - (taken.faults if taken else 0)
        # The ids are Python's, because the value of a fault may be a list, which cannot be in a set.
        repairable_ids = set(map(id, repairable))
        for fault in (fault for fault in faults if id(fault) not in repairable_ids):
            needs = rule, rule.fix_template(fault)
            self._left.setdefault(needs, next(fault.separate()))
            self._numbers[needs] += fault.faults

    def _kept_by_holds(self, rule: Rule, repairable: Sequence[Finding]) -> set[int]:
        """Return the faults whose repair would lose data under a legal hold.

        The result contains the Python `id()` of each of these faults.
        """
        losing: dict[str, list[Finding]] = {}
        for fault in repairable if not isinstance(rule, MissingIndex) else ():
            verb, collection, _ = rule.change_of(fault, self._decisions)
            place = (collection, fault.collection, fault.field)
            if verb == "delete" or rule.name in LEAVING.get(place, ()):
                losing.setdefault(collection, []).append(fault)
        kept = set()
        for collection, some in losing.items():
            held = self._held.stored(connection.database(), collection, {fault.id for fault in some})
            ids = {identifier for identifier, _ in held}
            kept |= {id(fault) for fault in some if fault.id in ids}
        return kept

    @property
    def faults(self) -> int:
        """The number of faults to repair."""
        return self._repairs.total()

    def results(self) -> Iterator[Result]:
        """Yield for each rule the number of faults to repair, and the commands that repair the remaining faults."""
        for rule in self.repaired:
            yield Result(None, rule.name, "repaired", counted(self._repairs[rule], "fault"))
        for needs, example in self._left.items():
            rule, _ = needs
            told = (
                f"{counted(self._numbers[needs], 'fault')} left; your decision is required: {rule.fix_command(example)}"
            )
            yield Result(None, rule.name, "unchanged", told)
        for rule, count in (+self._more).items():
            told = f"{counted(count, 'fault')} more: run the same command again to repair them"
            yield Result(None, rule.name, "unchanged", told)
        if self._kept:
            told = self._held.note(self._kept, "fault")
            yield Result(None, "held documents", "passed-over", told, documents=self._kept)

    def notes(self) -> Iterator[str]:
        """Yield the texts of `results` as notes, to show above the question to the user."""
        for result in self.results():
            yield f"{result.ref}: {result.message}" + (" to be repaired" if result.outcome == "repaired" else "")

    def unproposable(self) -> tuple[str, str] | None:
        """Return why the repair cannot be proposed, and what to do instead; None if it can be proposed."""
        found = self.repaired.items()
        names = sorted({rule.name for rule, faults in found if not all(map(rule.is_proposable, faults))})
        if not names:
            return None
        alone = " ".join(f"--rule {name}" for name in names)
        return (
            f"a proposal cannot contain the repair of {enumerated(names)}",
            f"run chatctl db repair {alone} without --propose, then propose the rest",
        )

    def counts(self) -> Mapping[tuple[str, str], int]:
        touched: dict[tuple[str, str], set[Any]] = {}
        for rule, faults in self.repaired.items():
            for fault in (
                chain.from_iterable(map(Finding.separate, faults)) if not isinstance(rule, MissingIndex) else ()
            ):
                verb, collection, identifier = rule.change_of(fault, self._decisions)
                touched.setdefault((verb, collection), set()).add(identifier)
        return {what: len(ids) for what, ids in touched.items()}

    def leaving(self) -> Iterator[Change]:
        """Yield the changes that remove a role from a user, to check the rules about the members of roles.

        These rules do not depend on any other link.
        """
        for rule, faults in self.repaired.items():
            for fault in faults if "drop" in rule.decisions & self._decisions else ():
                if (fault.collection, fault.field) == ("User", "rolesIds"):
                    yield Update("User", (fault.id,), {"rolesIds": Take(tuple(one.value for one in fault.separate()))})

    def batches(self, names: dict[Any, str]) -> Iterator[Batch]:
        """Confirm the faults once more, and yield batches of changes that repair them, one rule after the other."""
        draft = RepairDraft(names)
        for rule in sorted((rule for rule in self.repaired if not isinstance(rule, MissingIndex)), key=_order):
            for some in groups(self.repaired[rule], rule.group_size):
                yield from rule.repair(draft, list(rule.confirm(some)), self._decisions)
        yield from draft.batches


def _first(found: Finding, number: int) -> Finding | None:
    """Leave out what a finding stands for beyond this number of faults. Return None if nothing remains."""
    if found.faults <= number:
        return found
    return found._replace(value=frozenset(islice(found.value, number))) if number else None


def _order(rule: Rule) -> int:
    return ORDER.index(rule.name) if rule.name in ORDER else len(ORDER)
