"""Two seeds at the same time, the seed that ships with chatctl, and the cost of a large seed."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymongo import monitoring

from changes import apply
from database import connection
from database.errors import ConflictError, UsageError
from seeds.planning import plan
from seeds.reading import read
from seeds.seed import Seed

Grow = Callable[..., Any]
Seeds = Callable[[str], Seed]
Granted = Callable[[], dict[str, list[str]]]
Everything = Callable[[], dict[str, list[Any]]]


def test_the_shipped_seed_is_for_databases_without_other_roles(here: Any) -> None:
    here.Role.insert_one({"name": "theirs"})
    with pytest.raises(UsageError):
        plan(read())
    here.Role.delete_many({})
    made = plan(read())
    here.Role.insert_one({"name": "theirs"})
    with pytest.raises(UsageError):
        apply(made.changeset)
    here.Role.delete_many({})
    apply(made.changeset)
    here.Role.insert_one({"name": "theirs"})
    assert not plan(read()).differs


def test_the_shipped_seed_passes_its_own_tests(here: Any) -> None:
    from seeds import reading

    seed = read()
    assert [assertion for assertion in reading.run(seed) if not assertion.passed] == []
    apply(plan(seed).changeset)
    assert [assertion for assertion in reading.run(seed, live=True) if not assertion.passed] == []
    here.Role.delete_one({"name": "viewer"})
    here.Role.update_one({"name": "support"}, {"$set": {"permissionsIds": []}})
    failed = {assertion.message for assertion in reading.run(seed, live=True) if not assertion.passed}
    assert failed == {
        'role "viewer" not found',
        '"support" cannot user.read; expected: can',
        '"support" cannot user.suspend; expected: can',
    }


def test_two_applies_of_a_seed_at_once_have_the_effect_of_one(seed: Seeds, everything: Everything, start: str) -> None:
    first, second = plan(seed(start)), plan(seed(start))
    assert apply(first.changeset).event is not None
    before = everything()
    assert apply(second.changeset).event is None
    assert everything() == before


def test_two_applies_at_once_have_the_effect_of_one_without_unique_indexes_too(
    here: Any, seed: Seeds, start: str
) -> None:
    first, second = plan(seed(start)), plan(seed(start))
    for collection in ("Role", "Permission"):
        here.create_collection(collection)
    apply(first.changeset)
    assert apply(second.changeset).event is None
    assert here.Role.count_documents({}) == 4


def test_applies_at_the_same_moment_take_turns(here: Any, seed: Seeds, granted: Granted, start: str) -> None:
    made = seed(start)
    connection.database()
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda _: apply(plan(made).changeset), range(6)))
    assert len([outcome for outcome in outcomes if outcome.event]) == 1
    assert len(granted()) == 4
    assert here.Permission.count_documents({}) == 4


def test_a_new_plan_that_removes_something_is_not_applied_without_a_question(seed: Seeds, granted: Granted) -> None:
    made = plan(seed("permissions: [a, b]\nroles: [{name: r, permissions: [a]}]"))
    assert not made.changeset.asks
    apply(plan(seed("seed: other\npermissions: [a, b]\nroles: [{name: r, permissions: [b]}]")).changeset)
    with pytest.raises(ConflictError, match="would now remove something"):
        apply(made.changeset)
    assert granted() == {"r": ["b"]}


class Counting(monitoring.CommandListener):
    def __init__(self) -> None:
        self.commands: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.commands.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def of_size(roles: int, less: int = 0) -> str:
    """Return a seed with this many roles, twice as many permissions, and a tenth of all possible links."""
    names = [f"p{number}" for number in range(2 * roles)]
    shifted = itertools.cycle(names)
    lines = ["version: 1", "permissions:", *(f"- {name}" for name in names), "roles:"]
    for number in range(roles):
        held = ", ".join(itertools.islice(shifted, roles // 10 - less))
        next(shifted)
        lines.append(f"- {{name: r{number}, permissions: [{held}]}}")
    return "\n".join(lines)


def test_the_number_of_commands_does_not_grow_with_the_seed(
    url: str, here: Any, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting()
    monkeypatch.setattr(monitoring, "_LISTENERS", monitoring._Listeners([counting], [], [], [], []))
    connection.choose(url)
    apply(plan(read([write(of_size(10))])).changeset)
    sizes = []
    for size in (20, 300):
        for version in (of_size(size), of_size(size, less=1)):
            counting.commands.clear()
            apply(plan(read([write(version)])).changeset)
            sizes.append((size, list(counting.commands)))
    (_, small_growth), (_, small_change), (_, large_growth), (_, large_change) = sizes
    assert large_growth == small_growth
    assert large_change == small_change
    counting.commands.clear()
    assert not plan(read([write(of_size(300, less=1))])).differs
    assert counting.commands == ["find", "find", "find"]
    assert here.Role.count_documents({}) == 300


def test_a_new_plan_lists_what_it_removes_in_addition(here: Any, grow: Grow, seed: Seeds) -> None:
    grow("permissions: [a, b, c]\nroles: [{name: one, permissions: [a]}, {name: two, permissions: [a]}]")
    wanted = seed("permissions: [a, b, c]\nroles: [{name: one, permissions: []}, {name: two, permissions: [a]}]")
    asked = plan(wanted).changeset
    assert plan(wanted).changeset.beyond(asked) == []
    two, b = (here[kind].find_one({"name": name}) for kind, name in (("Role", "two"), ("Permission", "b")))
    here.Role.update_one({"_id": two["_id"]}, {"$push": {"permissionsIds": b["_id"]}})
    here.Permission.update_one({"_id": b["_id"]}, {"$push": {"rolesIds": two["_id"]}})
    again = plan(wanted).changeset
    assert again.beyond(asked) == ["~ role two", "- b"]
    assert asked.beyond(again) == []
