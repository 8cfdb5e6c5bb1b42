"""Ids are removed from a long list at their planned positions. If the ids have moved, the server searches for them."""

import random
from typing import Any

import pytest
from bson import ObjectId
from samples import Documents, carry_out, role, undo

from changes import ChangedMeanwhileError, Draft, Take, Update, id_lists
from changes.id_lists import FEW_IDS


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch, chatctl: Any) -> None:
    """Treat lists of this length as long lists."""
    monkeypatch.setattr(id_lists, "MANY_COMPARISONS", 0)


def taking(database: Documents, ids: list[ObjectId], gone: list[ObjectId]) -> tuple[Draft, Any]:
    support = role(userIds=ids)
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.take("Role", [support], "userIds", gone)
    return draft, support["_id"]


def take(draft: Draft) -> Take:
    [change] = draft.changes
    assert isinstance(change, Update)
    field = change.fields["userIds"]
    assert isinstance(field, Take)
    return field


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("meanwhile", ["nothing", "added", "taken", "shuffled"])
def test_removing_some_ids_keeps_all_other_ids(database: Documents, seed: int, meanwhile: str) -> None:
    dice = random.Random(seed)  # noqa: S311
    ids = [ObjectId() for _ in range(3 * FEW_IDS)]
    starts = sorted(dice.sample(range(len(ids)), dice.randint(1, 30)))
    gone = list({ids[at] for start in starts for at in range(start, min(start + dice.randint(1, 20), len(ids)))})
    draft, identifier = taking(database, ids, dice.sample(gone, len(gone)))
    assert sum(length for _, length in take(draft).slices) == len(gone)

    now = list(ids)
    if meanwhile == "added":
        now.append(ObjectId())
    elif meanwhile == "taken":
        now.remove(next(item for item in ids if item not in gone))
    elif meanwhile == "shuffled":
        dice.shuffle(now)
    database["Role"].update_one({"_id": identifier}, {"$set": {"userIds": now}})
    event = carry_out(draft).event

    assert database["Role"].find_one()["userIds"] == [item for item in now if item not in gone]
    assert event is not None
    undo(database, event)
    assert sorted(database["Role"].find_one()["userIds"]) == sorted(now)


@pytest.mark.parametrize("number", [FEW_IDS // 2, 2 * FEW_IDS])
def test_an_id_that_was_already_removed_is_a_conflict(database: Documents, number: int) -> None:
    ids = [ObjectId() for _ in range(3 * FEW_IDS)]
    draft, identifier = taking(database, ids, ids[:number])
    database["Role"].update_one({"_id": identifier}, {"$pop": {"userIds": -1}})
    with pytest.raises(ChangedMeanwhileError):
        carry_out(draft)
    assert database["Role"].find_one()["userIds"] == ids[1:]


def test_ids_scattered_over_a_list_are_found_one_by_one(database: Documents) -> None:
    ids = [ObjectId() for _ in range(5 * FEW_IDS)]
    draft, _ = taking(database, ids, ids[::2])
    assert take(draft).slices == ()
    carry_out(draft)
    assert database["Role"].find_one()["userIds"] == ids[1::2]


def test_values_that_are_not_ids_stay_in_a_list(database: Documents) -> None:
    ids: list[Any] = [ObjectId() for _ in range(3 * FEW_IDS)]
    ids[4] = {"broken": [1]}
    draft, _ = taking(database, ids, ids[5:9])
    carry_out(draft)
    assert database["Role"].find_one()["userIds"] == [*ids[:5], *ids[9:]]
