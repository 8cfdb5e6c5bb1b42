"""Read the database once, and find its faults."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from actions.database.checking.known import Known
from actions.database.checking.rule import Finding, Rule, sound
from actions.database.checking.rules import all_rules
from changes import Document
from changes.visible_values import readable
from database import connection
from database.errors import UsageError
from database.listing import BATCH, Row
from database.prefetch import prefetched
from database.wording import did_you_mean
from models.schema import FIELDS

ORDER: Final = ("User", "Role", "Permission", "Conversation", "Profile", "Account", "Message")
"""The order in which collections are read: what is referred to before what refers to it."""
EXAMPLES: Final = 5

Hear = Callable[[int, int], None]
"""Hears how many documents were read, and of how many."""


def check(
    rules: Sequence[str] = (), collections: Sequence[str] = (), sample: int | None = None, hear: Hear | None = None
) -> list[Row]:
    """Find faults: `{rule, severity, count, examples, effect, fix}` for each rule and severity, the worst first.

    Each example has its own `fix`, and each different fix has an example. With `sample` only so many documents of each
    collection are checked, and some of the documents that they link to. Raises `UsageError` for an unknown name.
    """
    found: dict[type[Rule], Row] = {}
    fixes: set[tuple[type[Rule], str]] = set()
    batches = examine(chosen(rules, collections), collections, sample, hear)
    for rule, fault in ((rule, fault) for rule, faults in batches for fault in faults):
        row = found.get(type(rule)) or found.setdefault(type(rule), _row(rule, fault))
        row["count"] += 1
        fix = type(rule), rule.template(fault)
        if len(row["examples"]) < EXAMPLES or fix not in fixes:
            row["examples"].append({**fault._asdict(), "value": readable(fault.value), "fix": rule.advise(fault)})
            fixes.add(fix)
    return [found[kind] for kind in all_rules() if kind in found]


def chosen(rules: Sequence[str], collections: Sequence[str]) -> list[type[Rule]]:
    """Return the rules of some names, all where there are none, as far as they are about some collections."""
    known = all_rules()
    _check_names("rule", rules, dict.fromkeys(kind.name for kind in known))
    _check_names("collection", collections, FIELDS)
    kinds = [kind for name in dict.fromkeys(rules) for kind in known if kind.name == name] or known
    return [kind for kind in kinds if not collections or not kind.reads or kind.reads.keys() & set(collections)]


def examine(
    kinds: Iterable[type[Rule]], collections: Sequence[str], sample: int | None = None, hear: Hear | None = None
) -> Iterator[tuple[Rule, list[Finding]]]:
    """Read what rules need, and yield the faults that they find and find again, many of one rule at once."""
    known = Known(sample)
    rules = [kind(known) for kind in kinds]
    waiting: dict[Rule, list[Finding]] = {rule: [] for rule in rules}
    for rule, suspect in _suspects(rules, known, collections, sample, hear):
        if not collections or suspect.collection in collections:
            waiting[rule].append(suspect)
            if len(waiting[rule]) == rule.at_once:
                yield rule, list(rule.confirm(waiting[rule]))
                waiting[rule] = []
    for rule, suspects in waiting.items():
        yield rule, list(rule.confirm(suspects))


def _suspects(
    rules: Sequence[Rule], known: Known, collections: Sequence[str], sample: int | None, hear: Hear | None
) -> Iterator[tuple[Rule, Finding]]:
    needed = {
        collection: looking
        for collection in ORDER
        if (looking := [rule for rule in rules if rule.needs(collection, collections)])
    }
    read, total = 0, sum(_size(collection, sample) for collection in needed) if hear else 0
    for collection, looking in needed.items():
        fields = sorted({field for rule in looking for field in rule.reads[collection]} | {"_id"})
        found = iter(_documents(collection, fields, sample))
        while documents := list(islice(found, BATCH)):
            usual = list(sound(documents))
            if len(usual) == len(documents):  # what rules share they know again by the list itself
                usual = documents
            known.learn(collection, documents)
            for rule in looking:
                yield from ((rule, suspect) for suspect in rule.look(collection, documents if rule.all_ids else usual))
            read += len(documents)
            if hear:
                hear(read, total)
    yield from chain.from_iterable(((rule, suspect) for suspect in rule.end()) for rule in rules)


def _documents(collection: str, fields: Sequence[str], sample: int | None) -> Iterator[Document]:
    there = connection.database()[collection]
    if sample is None:
        return prefetched(there.find({}, fields, batch_size=BATCH))
    return iter(there.aggregate([{"$sample": {"size": sample}}, {"$project": dict.fromkeys(fields, 1)}]))


def _size(collection: str, sample: int | None) -> int:
    size = connection.database()[collection].estimated_document_count()
    return size if sample is None else min(size, sample)


def _row(rule: Rule, found: Finding) -> Row:
    told = {"effect": rule.effect, "fix": rule.advise(found)}
    return {"rule": rule.name, "severity": rule.severity, "count": 0, "examples": [], **told}


def _check_names(what: str, names: Sequence[str], known: Collection[Any]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f'no {what} "{name}"', did_you_mean(name, known) or f"there are {', '.join(known)}")
