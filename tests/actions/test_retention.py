"""Retention rules if the data changes between the plan and the write: by sign-ins, new holds or interruptions."""

from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from people import Documents, conversation, links, messages, person, user
from samples import role

from actions import holds, retention, users
from actions.rules.lockout import PROTECTED
from changes import Changeset, Watch, apply, draft
from changes.events import now
from tests.conftest import Chatctl

SUSPEND = retention.Rule("asleep", "suspend", "60d")
ERASE = retention.Rule("gone", "erase", "60d")
DELETE = retention.Rule("old", "delete", "60d")
LONG_AGO = datetime.now(UTC) - timedelta(400)


class Stopped(Watch):
    """A `Watch` that stops the command after the first batch."""

    def wrote(self, *_: int) -> None:
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def ids(chatctl: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch) -> dict[str, ObjectId]:
    """Insert inactive users who have old messages and a common role. Make batches small."""
    monkeypatch.setattr(draft, "BATCH", 2)
    monkeypatch.setattr("actions.rules.checked_changeset.BATCH", 2)
    monkeypatch.setattr("actions.cascading_deletion.MESSAGES_PER_BATCH", 2)
    database["Role"].insert_one(role())
    found = {
        name: person(database, name, roles=("support",), lastLogin=LONG_AGO, name=name.title())
        for name in ("ada", "bob", "cyd", "dot", "eve")
    }
    place = conversation(database, *found.values(), name="engines")
    for name, one in found.items():
        messages(database, place, one, name)
    apply(users.update("ada", profile={"phoneNumber": "+44 1"}))
    apply(users.update("cyd", name="Cydney"))
    return found


def planned(rule: retention.Rule) -> Changeset:
    [changeset] = retention.changesets([rule])
    return changeset


def untouched(database: Documents) -> list[str]:
    return [one["username"] for one in database["User"].find({"status": "ACTIVE"}).sort("_id", 1)]


@pytest.mark.parametrize("rule", [SUSPEND, ERASE], ids=lambda rule: rule.do)
def test_a_user_who_signs_in_before_the_write_is_not_changed(
    database: Documents, ids: dict[str, ObjectId], rule: retention.Rule
) -> None:
    change = planned(rule)
    database["User"].update_one({"_id": ids["bob"]}, {"$set": {"lastLogin": now()}})
    outcome = apply(change)
    assert untouched(database) == ["bob"]
    assert user(database, "bob")["rolesIds"]
    assert next(iter(outcome.changeset.results)).message == "4 users"
    links(database)


class SignsIn(Watch):
    """A `Watch` that changes the last sign-in of a user after the first batch, which changes only the audit trail."""

    def __init__(self, database: Documents) -> None:
        self.database = database

    def wrote(self, *_: int) -> None:
        self.database["User"].update_one({"username": "ada"}, {"$set": {"lastLogin": now()}})


def test_a_user_who_signs_in_during_the_erasure_is_not_erased(database: Documents) -> None:
    outcome = apply(planned(ERASE), watch=SignsIn(database))
    assert untouched(database) == ["ada"]
    assert database["Profile"].count_documents({"phoneNumber": "+44 1"}) == 1
    first, left = outcome.changeset.results
    assert (first.message, left.message) == (
        "4 users",
        (
            "1 user not erased: they signed in, another command changes them, two users have one id, "
            "or their events are about held data"
        ),
    )


@pytest.mark.parametrize("rule", [SUSPEND, ERASE, DELETE], ids=lambda rule: rule.do)
def test_an_interrupted_rule_is_finished_by_running_it_again(database: Documents, rule: retention.Rule) -> None:
    with pytest.raises(KeyboardInterrupt):
        apply(planned(rule), watch=Stopped())
    assert planned(rule).changes_something
    links(database)
    apply(planned(rule))
    links(database)
    assert not planned(rule).changes_something
    if rule is DELETE:
        assert database["Message"].count_documents({}) == 0
    else:
        assert untouched(database) == []


def test_an_erasure_removes_every_trace(database: Documents, ids: dict[str, ObjectId]) -> None:
    apply(planned(ERASE))
    for name in database.list_collection_names():
        for document in database[name].find():
            assert not any(word in str(document) for word in ("Ada", "Cyd", "+44 1", "@example.org")), name
    assert {one["username"] for one in database["User"].find()} == {f"erased-{one}" for one in ids.values()}
    assert database["Message"].count_documents({}) == len(ids)


def test_a_user_whose_event_is_also_about_a_held_user_is_not_erased(
    database: Documents, ids: dict[str, ObjectId]
) -> None:
    apply(users.grant(["bob"], ["support"]))
    apply(users.suspend(["bob", "ada"]))
    apply(users.reinstate(["bob", "ada"]))
    apply(holds.add("case-1", users=["ada"]), reason="law")
    outcome = apply(planned(ERASE))
    first, *others = outcome.changeset.results
    left = untouched(database)
    assert left[0] == "ada"
    assert first.message == f"{5 - len(left)} users"
    assert any("1 user is kept by the hold case-1" in str(one.message) for one in others)
    assert planned(ERASE).items == len(left) - 1


@pytest.mark.parametrize("rule", [ERASE, DELETE], ids=lambda rule: rule.do)
def test_a_hold_that_is_placed_meanwhile_keeps_whole_batches(database: Documents, rule: retention.Rule) -> None:
    class Holds(Watch):
        def wrote(self, *_: int) -> None:
            if not database["chatctl_holds"].find_one():
                apply(holds.add("case-1", users=["eve"]), reason="law")

    outcome = apply(planned(rule), watch=Holds())
    assert user(database, "eve")["status"] == "ACTIVE"
    assert not any(row["gone"] for row in holds.check(None))
    numbers = [one.documents for one in outcome.changeset.results]
    gone = 5 - (len(untouched(database)) if rule is ERASE else database["Message"].count_documents({}))
    assert numbers[0] == gone


@pytest.mark.parametrize("rule", [SUSPEND, ERASE], ids=lambda rule: rule.do)
def test_a_user_who_gets_a_protected_role_before_the_write_is_not_changed(
    database: Documents, rule: retention.Rule
) -> None:
    admin = role("admin")
    database["Role"].insert_one(admin)
    person(database, "boss", roles=("admin",), lastLogin=now())
    database["chatctl_state"].insert_one({"_id": PROTECTED, "ids": [admin["_id"]]})
    change = planned(rule)
    apply(users.grant(["cyd"], ["admin"]))
    apply(change)
    assert untouched(database) == ["cyd", "boss"]


@pytest.mark.parametrize("rule", [SUSPEND, ERASE, DELETE], ids=lambda rule: rule.do)
def test_of_two_runs_at_once_the_second_reports_no_change_that_the_first_has_made(
    database: Documents, rule: retention.Rule
) -> None:
    second = planned(rule)
    first = apply(planned(rule))
    assert next(iter(first.changeset.results)).documents == 5
    events = database["chatctl_audit"].count_documents({"kind": "event"})
    outcome = apply(second)
    [result] = outcome.changeset.results
    assert (outcome.event, result.outcome, result.documents) == (None, "unchanged", 0)
    assert database["chatctl_audit"].count_documents({"kind": "event"}) == events


class RunsToo(Watch):
    """A `Watch` that carries out the same rule in another run, after the first batch of this run."""

    def __init__(self, rule: retention.Rule) -> None:
        self.rule: retention.Rule | None = rule
        self.number = 0

    def wrote(self, *_: int) -> None:
        if self.rule:
            rule, self.rule = self.rule, None
            self.number = next(iter(apply(planned(rule)).changeset.results)).documents


@pytest.mark.parametrize("rule", [SUSPEND, ERASE, DELETE], ids=lambda rule: rule.do)
def test_two_runs_at_once_report_together_each_change_once(database: Documents, rule: retention.Rule) -> None:
    other = RunsToo(rule)
    first, *_ = apply(planned(rule), watch=other).changeset.results
    assert other.number
    assert first.documents + other.number == 5
    links(database)
