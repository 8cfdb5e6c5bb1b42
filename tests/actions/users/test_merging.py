"""Merging any two users leaves no reference to the merged user and no fault, and an undo restores everything."""

from typing import Any, Final

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import SEVEN, Documents, conversation, links, messages, minute_after, person, stored
from samples import role

from actions import audit, proposals, users
from actions.database import checking
from changes import Changeset, Question, Result, apply, events, plans
from database.errors import UsageError

pytestmark = pytest.mark.usefixtures("either")

EITHER = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES: Final = ("ada", "ada2", "ada3", "grace", "alan")
CHOSEN: Final = {"lone-conversation"}
"""The rules of faults that a merge can cause on purpose: a group has only two users, or a conversation only one."""

PEOPLE = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
PLACES = st.lists(
    st.tuples(
        PEOPLE.filter(lambda people: len(people) > 1),
        st.lists(st.tuples(st.sampled_from(NAMES), PEOPLE), max_size=3),
    ),
    max_size=5,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ada", "Ada Lovelace"]),
        "hashedPassword": st.sampled_from(["$2b$12$" + "x" * 53, "$2b$12$" + "y" * 53]),
        "status": st.sampled_from(["ACTIVE", "SUSPENDED"]),
        "createdAt": st.integers(0, 9).map(minute_after),
        "lastLogin": st.integers(0, 9).map(minute_after),
    },
)
OWNED = st.tuples(
    st.lists(st.sampled_from(["google", "github"]), unique=True),
    st.none() | st.dictionaries(st.sampled_from(["phoneNumber", "address"]), st.sampled_from(["1", "2"])),
    st.lists(st.sampled_from(["support", "viewer"]), unique=True),
    FIELDS,
)


def settle(database: Documents, owned: list[Any], places: list[Any]) -> dict[str, ObjectId]:
    for name in SEVEN:
        database[name].delete_many({})
    database["Role"].insert_many([role("support"), role("viewer")])
    ids = {}
    for name, (providers, profile, roles, fields) in zip(NAMES, owned, strict=True):
        ids[name] = person(database, name, roles=tuple(roles), **fields)
        for provider in providers:
            account = {"type": "oauth", "provider": provider, "providerAccountId": f"{provider}-{name}"}
            database["Account"].insert_one({"userId": ids[name], **account})
        if profile is not None:
            made = database["Profile"].insert_one({"userId": ids[name], **profile}).inserted_id
            database["User"].update_one({"_id": ids[name]}, {"$set": {"profileId": made}})
    pairs = set()
    for number, (people, said) in enumerate(places):
        if frozenset(people) in pairs:
            continue
        pairs.add(frozenset(people))
        name = f"group {number}" if len(people) > 2 else None
        place = conversation(database, *(ids[one] for one in people), name=name)
        for minute, (sender, readers) in enumerate(said):
            writer, *_ = [one for one in people if one == sender] or people
            seen = tuple(ids[one] for one in readers if one in people and one != writer)
            messages(database, place, ids[writer], "hello", seen=seen, after=number + 3 * minute)
    return ids


def approved(change: Changeset) -> Changeset:
    """Return the changeset that an approval writes after the given changeset was proposed.

    A changeset that sets a password is returned unchanged.
    """
    try:
        planned = plans.plan_of(change)
    except UsageError:
        return change
    events.record_reading("users merge --save-plan", None, [planned.id], planned.key_entry)
    plan = plans.decoded(plans.encoded(planned))
    done = Result(None, "merge", "approved")
    return proposals.carry_out(plan, "proposals approve merge", done, noun="proposal", question=Question("Approve"))


def references(value: Any) -> set[Any]:
    if isinstance(value, dict | list):
        return set().union(*map(references, value.values() if isinstance(value, dict) else value))
    return {value} if isinstance(value, ObjectId) else set()


@EITHER
@given(
    owned=st.lists(OWNED, min_size=len(NAMES), max_size=len(NAMES)),
    places=PLACES,
    merged=st.lists(st.sampled_from(NAMES[1:]), min_size=1, max_size=2, unique=True),
    options=st.fixed_dictionaries({"union": st.booleans(), "keep_conversations": st.booleans()}),
    is_proposed=st.booleans(),
)
def test_a_merge_of_any_users_leaves_no_fault_and_is_undone_completely(
    database: Documents,
    owned: list[Any],
    places: list[Any],
    merged: list[str],
    options: dict[str, bool],
    *,
    is_proposed: bool,
) -> None:
    ids = settle(database, owned, places)
    before = stored(database)
    change = users.merge(merged, "ada", **options)
    event = apply(approved(change) if is_proposed else change).event
    assert references(stored(database)).isdisjoint(ids[name] for name in merged)
    links(database)
    assert {row["rule"] for row in checking.check()} - {"missing-index"} <= CHOSEN
    apply(audit.undo(str(event), allow_lockout=True))
    assert stored(database) == before
