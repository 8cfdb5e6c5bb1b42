"""Mend what has one right answer, and what somebody decides."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from actions import protection
from actions.checking.checking import AT_ONCE, Hear, chosen, examine
from actions.checking.rule import Finding, Rule
from models.changes import Batch, Changeset, Draft, Result, Stream
from models.names import counted

ORDER: Final = ("null-list", "string-id", "missing-parent", "duplicate-link", "dangling-link", "one-sided-link")
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
    """Mend what rules find, as far as it has one right answer or is decided by `drop` and `delete`."""
    decided = frozenset(word for word, given in (("drop", drop), ("delete", delete)) if given)
    found: dict[Rule, list[Finding]] = {}
    counts: Counter[str] = Counter()
    for rule, fault in examine(chosen(rules, collections), collections, hear=hear):
        counts[rule.name] += 1
        if counts[rule.name] <= HELD:
            found.setdefault(rule, []).append(fault)
    mended = sorted((rule for rule in found if rule.mends or rule.decisions & decided), key=_when)
    left = [rule for rule in found if rule not in mended]
    results = [Result(None, rule.name, "mended", counted(len(found[rule]), "fault")) for rule in mended]
    words = [*(f"--rule {name}" for name in rules), *(f"--collection {name}" for name in collections)]
    return Changeset(
        " ".join(["db repair", *words, *(f"--{word}" for word in sorted(decided))]),
        results,
        Stream(lambda: _batches(mended, found, decided), _counts(mended, found)),
        asks=True,
        notes=[*_notes(left, counts), *_more(counts)],
    )


def _batches(mended: Sequence[Rule], found: dict[Rule, list[Finding]], decided: frozenset[str]) -> Iterator[Batch]:
    draft = Draft()
    for rule in mended:
        for start in range(0, len(found[rule]), AT_ONCE):
            still = list(rule.confirm(found[rule][start : start + AT_ONCE]))
            rule.mend(draft, still, decided)
            for batch in draft.full():
                protection.rules(batch)
                yield batch
        draft.room(1_000)  # what one rule has mended is read by the next
    for batch in draft.batches:
        protection.rules(batch)
        yield batch


def _counts(mended: Sequence[Rule], found: dict[Rule, list[Finding]]) -> dict[tuple[str, str], int]:
    touched: dict[str, set[Any]] = {}
    for rule in mended:
        for fault in found[rule]:
            touched.setdefault(fault.collection, set()).add(fault.id)
    return {("update", collection): len(ids) for collection, ids in touched.items()}


def _when(rule: Rule) -> int:
    return ORDER.index(rule.name) if rule.name in ORDER else len(ORDER)


def _notes(left: Sequence[Rule], counts: Counter[str]) -> Iterator[str]:
    for rule in left:
        number = counted(counts[rule.name], "fault")
        yield f"{rule.name}: {number} left, to be decided: {rule.fix.format(name=rule.name)}"


def _more(counts: Counter[str]) -> Iterator[str]:
    for name, count in counts.items():
        if count > HELD:
            yield f"{name}: {count - HELD:,} more are mended by the same command, run again"
