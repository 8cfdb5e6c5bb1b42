"""Mend what has one right answer, and what somebody decides."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from actions.database.checking.checking import Hear, chosen, examine
from actions.database.checking.mending import Mending
from actions.database.checking.rule import Finding, Rule
from actions.database.checking.rules.keys import MissingIndex, index
from actions.rules import last_active_member
from changes import Batch, Change, Changeset, Result, Stream, Take, Update
from database.errors import UsageError
from database.wording import counted

ORDER: Final = (
    "wrong-type",
    "null-list",
    "string-id",
    "missing-parent",
    "duplicate-link",
    "dangling-link",
    "one-sided-link",
)
"""What has to be mended first; in lists that are none nothing can be linked. The others follow."""
HELD: Final = 200_000
"""Faults of one rule that are mended in one go."""


def repair(
    rules: Sequence[str] = (),
    collections: Sequence[str] = (),
    *,
    drop: bool = False,
    delete: bool = False,
    hear: Hear | None = None,
) -> Changeset:
    """Mend what rules find, as far as it has one right answer or is decided by `drop` and `delete`.

    Raises `UsageError` for a decision that none of the rules waits for, and `LastMemberError` where a protected role
    would be left without an active member.
    """
    decided = frozenset(word for word, given in (("drop", drop), ("delete", delete)) if given)
    kinds = chosen(rules, collections)
    _check_decisions(decided, kinds if rules else chosen((), ()))
    undoable = not rules or _is_undoable(kinds)
    found = _Found(decided, undoable=undoable)
    for rule, faults in examine(kinds, collections, hear=hear):
        found.add(rule, faults)
    names: dict[Any, str] = {}
    words = [*(f"--rule {name}" for name in rules), *(f"--collection {name}" for name in collections)]
    return Changeset(
        " ".join(["db repair", *words, *(f"--{word}" for word in sorted(decided))]),
        list(found.results()),
        Stream(lambda: found.batches(names), found.counts()),
        asks=True,
        names=names,
        notes=[
            *found.notes(),
            *(() if undoable or not found.mended else ("this cannot be undone, and backups are not changed",)),
        ],
        rules=last_active_member.rules(found.leaving()),
        indexes=[
            index(fault) for rule in found.mended for fault in found.mended[rule] if isinstance(rule, MissingIndex)
        ],
        items=sum(map(len, found.mended.values())),
        undoable=undoable,
    )


def _check_decisions(decided: frozenset[str], kinds: Sequence[type[Rule]]) -> None:
    """See that each decision is about all rules: what one of them deletes, another would mend."""
    for word in sorted(decided):
        names = [kind.name for kind in chosen((), ()) if word in kind.decisions]
        if others := [kind.name for kind in kinds if kind.name not in names]:
            raise UsageError(f"--{word} decides nothing about {others[0]}", f"it goes with --rule {' or '.join(names)}")


def _is_undoable(kinds: Sequence[type[Rule]]) -> bool:
    """Tell whether a repair by these rules can be undone. It is one event, so all of it can be undone or nothing."""
    final = [kind.name for kind in kinds if not kind.undoable]
    if final and len(final) < len(kinds):
        raise UsageError(f"a repair by {final[0]} cannot be undone", f"run only this rule: --rule {final[0]}")
    return not final


class _Found:
    """What was found: faults that are mended, as many as are held, and how many of each rule are left."""

    def __init__(self, decided: frozenset[str], *, undoable: bool) -> None:
        self._undoable = undoable
        self.mended: dict[Rule, list[Finding]] = {}
        self._decided = decided
        self._left: dict[tuple[Rule, str], Finding] = {}
        self._numbers: Counter[tuple[Rule, str]] = Counter()
        self._more: Counter[Rule] = Counter()

    def add(self, rule: Rule, faults: Sequence[Finding]) -> None:
        mended = list(rule.mendable(faults, self._decided)) if rule.undoable is self._undoable else []
        if mended:
            held = self.mended.setdefault(rule, [])
            room = HELD - len(held)
            held += mended[:room]
            self._more[rule] += len(mended[room:])
        known = set(map(id, mended))  # the value of a fault may be a list, which a set does not take
        for fault in (fault for fault in faults if id(fault) not in known):
            needs = rule, rule.template(fault)
            self._left.setdefault(needs, fault)
            self._numbers[needs] += 1

    def results(self) -> Iterator[Result]:
        """Return for each rule how many faults are mended, and which commands mend the others."""
        for rule, faults in self.mended.items():
            yield Result(None, rule.name, "mended", counted(len(faults), "fault"))
        for needs, example in self._left.items():
            rule, _ = needs
            told = f"{counted(self._numbers[needs], 'fault')} left, decision required: {rule.advise(example)}"
            yield Result(None, rule.name, "unchanged", told)
        for rule, count in (+self._more).items():
            told = f"{counted(count, 'fault')} more, mended by the same command, run again"
            yield Result(None, rule.name, "unchanged", told)

    def notes(self) -> Iterator[str]:
        """Say the same to somebody who is asked."""
        for result in self.results():
            yield f"{result.ref}: {result.message}" + (" to be mended" if result.outcome == "mended" else "")

    def counts(self) -> Mapping[tuple[str, str], int]:
        touched: dict[tuple[str, str], set[Any]] = {}
        for rule, faults in self.mended.items():
            for fault in faults if not isinstance(rule, MissingIndex) else ():
                verb, collection, identifier = rule.touches(fault, self._decided)
                touched.setdefault((verb, collection), set()).add(identifier)
        return {what: len(ids) for what, ids in touched.items()}

    def leaving(self) -> Iterator[Change]:
        """Give the changes by which somebody may leave a role: what else is taken leads nowhere."""
        for rule, faults in self.mended.items():
            for fault in faults if "drop" in rule.decisions & self._decided else ():
                if (fault.collection, fault.field) == ("User", "rolesIds"):
                    yield Update("User", (fault.id,), {"rolesIds": Take((fault.value,))})

    def batches(self, names: dict[Any, str]) -> Iterator[Batch]:
        """Make what mends the faults, looked at once more, one rule behind the other."""
        mending = Mending(names)
        for rule in sorted((rule for rule in self.mended if not isinstance(rule, MissingIndex)), key=_when):
            faults = self.mended[rule]
            for start in range(0, len(faults), rule.at_once):
                still = list(rule.confirm(faults[start : start + rule.at_once]))
                yield from rule.mend(mending, still, self._decided)
        yield from mending.draft.batches


def _when(rule: Rule) -> int:
    return ORDER.index(rule.name) if rule.name in ORDER else len(ORDER)
