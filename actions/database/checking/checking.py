"""Read the documents of the database, and find their faults."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from actions.database.checking.link_balance import IDS_OF_A_SAMPLE
from actions.database.checking.rule import Finding, Rule, Scan, with_object_ids
from actions.database.checking.rules import all_rules
from changes import Document
from changes.visible_values import readable
from database import connection
from database.errors import UsageError
from database.listing import BATCH, Row
from database.prefetch import prefetched, rare_collections
from database.wording import did_you_mean
from models.schema import FIELDS

ORDER: Final = ("User", "Role", "Permission", "Conversation", "Profile", "Account", "Message")
"""The order in which collections are read. If a collection refers to another one, the other one is read first."""
EXAMPLES: Final = 5

Progress = Callable[[str, int, int], None]
"""A function that shows the progress.

It receives the collection that is read, the number of documents that were read so far, and the number of all documents
to read.
"""
RULE_OF_THREE: Final = 3
"""If none of n documents has a fault, at most 3/n of all documents have it, with a confidence of 95 %."""


def check(
    rules: Sequence[str] = (),
    collections: Sequence[str] = (),
    sample: int | None = None,
    progress: Progress | None = None,
) -> list[Row]:
    """Find faults. Return a row `{rule, severity, count, examples, effect, fix}` for each rule, errors first.

    The `examples` are some of the faults, each with its own `fix`. If the faults of a rule need different fixes, there
    is an example for each fix. `sample` is the number of documents to check in each collection, in addition to some
    documents that they link to. If it is None, all documents are checked. Raises `UsageError` for an unknown name of a
    rule or collection.
    """
    found: dict[type[Rule], Row] = {}
    fixes: set[tuple[type[Rule], str]] = set()
    batches = find_faults(select_rules(rules, collections), collections, sample, progress)
    for rule, fault in ((rule, fault) for rule, faults in batches for fault in faults):
        row = found.get(type(rule)) or found.setdefault(type(rule), _row(rule, fault))
        row["count"] += fault.faults
        fix = type(rule), rule.fix_template(fault)
        room = max(EXAMPLES - len(row["examples"]), fix not in fixes)
        row["examples"] += (_example(rule, one) for one in islice(fault.separate(), room))
        fixes.add(fix)
    return [found[kind] for kind in all_rules() if kind in found]


def sample_notes(rules: Sequence[str], collections: Sequence[str], sample: int) -> Iterator[str]:
    """Say how many faults may remain in the documents that a check of a sample does not read."""
    scan = Scan(sample)
    kinds = [kind(scan) for kind in select_rules(rules, collections)]
    for collection in ORDER:
        size = _size(collection, None)
        if sample < size and any(kind.needs(collection, collections) for kind in kinds):
            share = min(100, 100 * RULE_OF_THREE / sample)
            yield (
                f"{collection}: {sample:,} of {size:,} documents were checked. If a rule found no fault in them,"
                f" at most {share:.3g} % of all documents have this fault (95 % confidence)."
            )
    if names := ", ".join(kind.name for kind in kinds if kind.sampled_ids):
        yield f"{names}: at most {IDS_OF_A_SAMPLE} ids of each list were checked."


def errors_in(collection: str, documents: Sequence[Document]) -> Iterator[tuple[str, Finding]]:
    """Find the faults in some documents that make the application fail to load them.

    Yields pairs: the name of a rule, and a finding. Only the given documents are checked; the database is not read.
    """
    scan = Scan()
    for kind in all_rules():
        if kind.in_one_document and kind.severity == "E" and collection in kind.reads:
            yield from ((kind.name, found) for found in kind(scan).suspects(collection, documents))


def select_rules(rules: Sequence[str], collections: Sequence[str]) -> list[type[Rule]]:
    """Return the rules with the given names, or all rules if no name is given.

    Rules that read none of the given collections are left out. Raises `UsageError` for an unknown name.
    """
    rule_types = all_rules()
    _check_names("rule", rules, dict.fromkeys(kind.name for kind in rule_types))
    _check_names("collection", collections, FIELDS)
    kinds = [kind for name in dict.fromkeys(rules) for kind in rule_types if kind.name == name] or rule_types
    return [kind for kind in kinds if not collections or not kind.reads or kind.reads.keys() & set(collections)]


def find_faults(
    kinds: Iterable[type[Rule]], collections: Sequence[str], sample: int | None = None, progress: Progress | None = None
) -> Iterator[tuple[Rule, list[Finding]]]:
    """Read the documents that the rules need, and find their faults.

    Yields pairs of a rule and a list of confirmed faults. A rule with many faults is in several pairs.
    """
    scan = Scan(sample)
    rules = [kind(scan) for kind in kinds]
    waiting: dict[Rule, list[Finding]] = {rule: [] for rule in rules}
    numbers: Counter[Rule] = Counter()
    with rare_collections():
        for rule, suspect in _suspects(rules, scan, collections, sample, progress):
            if not collections or suspect.collection in collections:
                waiting[rule].append(suspect)
                numbers[rule] += suspect.faults
                if numbers[rule] >= rule.group_size:
                    yield rule, list(rule.confirm(waiting[rule]))
                    waiting[rule], numbers[rule] = [], 0
        for rule, suspects in waiting.items():
            yield rule, list(rule.confirm(suspects))


def _suspects(
    rules: Sequence[Rule], scan: Scan, collections: Sequence[str], sample: int | None, progress: Progress | None
) -> Iterator[tuple[Rule, Finding]]:
    needed = {
        collection: looking
        for collection in ORDER
        if (looking := [rule for rule in rules if rule.needs(collection, collections)])
    }
    read, total = 0, sum(_size(collection, sample) for collection in needed) if progress else 0
    for collection, looking in needed.items():
        fields = sorted({field for rule in looking for field in rule.reads[collection]} | {"_id"})
        found = iter(_documents(collection, fields, sample))
        while documents := list(islice(found, BATCH)):
            usual = list(with_object_ids(documents))
            # Rules keep their results for a list of documents. They find these results only if they get the same list
            # object.
            if len(usual) == len(documents):
                usual = documents
            scan.learn(collection, documents)
            for rule in looking:
                yield from (
                    (rule, suspect) for suspect in rule.suspects(collection, documents if rule.odd_ids else usual)
                )
            read += len(documents)
            if progress:
                progress(collection, read, total)
    yield from chain.from_iterable(((rule, suspect) for suspect in rule.late_suspects()) for rule in rules)


def _documents(collection: str, fields: Sequence[str], sample: int | None) -> Iterator[Document]:
    there = connection.database()[collection]
    if sample is None:
        return prefetched(there.find({}, fields, batch_size=BATCH))
    return iter(there.aggregate([{"$sample": {"size": sample}}, {"$project": dict.fromkeys(fields, 1)}]))


def _size(collection: str, sample: int | None) -> int:
    size = connection.database()[collection].estimated_document_count()
    return size if sample is None else min(size, sample)


def _row(rule: Rule, found: Finding) -> Row:
    told = {"effect": rule.effect, "fix": rule.fix_command(next(found.separate()))}
    return {"rule": rule.name, "severity": rule.severity, "count": 0, "examples": [], **told}


def _example(rule: Rule, fault: Finding) -> Row:
    return {**fault._asdict(), "value": readable(fault.value), "fix": rule.fix_command(fault)}


def _check_names(what: str, names: Sequence[str], valid: Collection[Any]) -> None:
    for name in names:
        if name not in valid:
            raise UsageError(
                f'unknown {what} "{name}"', did_you_mean(name, valid) or f"choose one of {', '.join(valid)}"
            )
