"""Every kind of fault is found at its place, and repaired if only one correction is right."""

import re
from typing import Any

import pytest
from people import Documents, stored
from planting import FAULTS, Fault, settle

from actions import audit
from actions.database.checking import check, checking, repair
from actions.database.checking.rules import all_rules
from changes import apply

pytestmark = pytest.mark.usefixtures("either")

EACH = pytest.mark.parametrize("fault", FAULTS, ids=[f"{number} {fault.rule}" for number, fault in enumerate(FAULTS)])


def found(*rules: str, **options: Any) -> dict[str, dict[str, Any]]:
    return {row["rule"]: row for row in check(rules, **options)}


def test_valid_data_has_no_faults(database: Documents) -> None:
    settle(database)
    assert check() == []
    assert not repair().changes_something


def test_every_rule_has_a_planted_fault() -> None:
    # Other files test these rules. The last rule needs a proxy in front of the test server: see test_texts.
    elsewhere = {"one-sided-link", "duplicate-link", "invalid-text"}
    assert {fault.rule for fault in FAULTS} | elsewhere == {rule.name for rule in all_rules()}


@EACH
def test_a_fault_is_found_at_its_place_and_repaired_or_listed(database: Documents, fault: Fault) -> None:
    collection, identifier, field = fault.plant(database, settle(database))
    was = stored(database)
    rows = found()
    assert (rows.keys() - {fault.rule}) <= {*fault.with_it}, rows
    row = rows[fault.rule]
    assert row["severity"] == fault.severity
    [example] = row["examples"]
    assert row["count"] == 1
    assert (example["collection"], example["id"], example["field"]) == (collection, identifier, field)
    assert "{" not in re.sub(r"\{_id: |\{\$\w+: (\{\w+: …\})?", "", row["fix"])
    assert row["fix"] == example["fix"]

    change = repair([fault.rule])
    [result] = change.results
    assert (result.ref, result.outcome) == (fault.rule, "repaired" if fault.repaired else "unchanged")
    assert change.changes_something == fault.repaired
    if fault.repaired:
        event = apply(change).event
        assert fault.rule not in found()
        if fault.rule not in {"missing-index", "secret-in-trail"}:
            apply(audit.undo(str(event)))
            assert stored(database) == was


@EACH
def test_a_fault_is_found_in_a_sample_of_all_documents(database: Documents, fault: Fault) -> None:
    collection, identifier, field = fault.plant(database, settle(database))
    [example] = found(sample=1000)[fault.rule]["examples"]
    assert (example["collection"], example["id"], example["field"]) == (collection, identifier, field)


@pytest.mark.parametrize(
    ("collection", "read"),
    [
        ("Account", {"Account", "User", "Conversation"}),
        ("Profile", {"Profile", "User", "Conversation"}),
    ],
)
def test_messages_are_read_only_by_rules_that_need_them(
    database: Documents, monkeypatch: pytest.MonkeyPatch, collection: str, read: set[str]
) -> None:
    settle(database)
    found, documents = set(), checking._documents

    def reading(name: str, *rest: Any) -> Any:
        found.add(name)
        return documents(name, *rest)

    monkeypatch.setattr(checking, "_documents", reading)
    assert check(collections=[collection]) == []
    assert found == read
