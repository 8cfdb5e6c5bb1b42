"""Repairs, and undos of repairs, that one person proposes and another person approves."""

import pytest
from people import Documents, stored
from planting import FAULTS, Fault, settle

from actions import audit, proposals
from actions.database.checking import check, repair
from changes import Changeset, Question, Result, apply, events, plans
from database.errors import InvalidInputError
from tests.conftest import Chatctl

REPAIRED = [fault for fault in FAULTS if fault.repaired]


def approved(change: Changeset) -> Changeset:
    """Store the plan of a changeset, read the plan again, and return the changeset that an approval would write."""
    planned = plans.plan_of(change)
    events.record_reading("db repair --save-plan", None, [planned.id], planned.key_entry)
    plan = plans.decoded(plans.encoded(planned))
    done = Result(None, "repair", "approved")
    return proposals.carry_out(plan, "proposals approve repair", done, noun="proposal", question=Question("Approve"))


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("fault", REPAIRED, ids=[f"{number} {fault.rule}" for number, fault in enumerate(REPAIRED)])
def test_a_repair_is_approved_and_undone_or_its_error_names_the_rule(
    chatctl: Chatctl, database: Documents, fault: Fault
) -> None:
    fault.plant(database, settle(database))
    was = stored(database)
    change = repair([fault.rule])
    if change.unproposable:
        with pytest.raises(InvalidInputError, match=f"a proposal cannot contain the repair of {fault.rule}") as refusal:
            plans.plan_of(change)
        assert f"chatctl db repair --rule {fault.rule} without --propose" in str(refusal.value.hint)
        return
    event = apply(approved(change)).event
    assert check([fault.rule]) == []
    if fault.rule != "missing-index":
        apply(approved(audit.undo(str(event))))
        assert stored(database) == was


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_a_repair_of_several_rules_names_those_that_cannot_be_proposed(chatctl: Chatctl, database: Documents) -> None:
    ids = settle(database)
    for fault in REPAIRED:
        if fault.rule in {"bad-password-hash", "email-case", "secret-in-trail"}:
            fault.plant(database, ids)
    said = chatctl("db", "repair", "--propose", "--reason", "a check", code=5).stderr
    assert "db repair cannot be proposed: a proposal cannot contain the repair of bad-password-hash" in said
    assert "hint: run chatctl db repair --rule bad-password-hash without --propose, then propose the rest" in said
    chatctl("db", "repair", "--rule", "bad-password-hash", "--yes")
    chatctl("db", "repair", "--propose", "--reason", "a check")
