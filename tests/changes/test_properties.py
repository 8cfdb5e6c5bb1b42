"""After any sequence of changes, links have two sides, and undos restore the database."""

from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import Documents, carry_out, role, stored, undo

from changes import ABSENT, Draft
from models.links import LINKS, ROLE_PERMISSIONS, USER_ROLES, Link

pytestmark = pytest.mark.usefixtures("either")


IDS = [ObjectId(f"{number:024x}") for number in range(1, 10)]


PEOPLE = {"User": IDS[:3], "Role": IDS[3:6], "Permission": IDS[6:]}


def lists(link: Link, side: str) -> st.SearchStrategy[Any]:
    """Return links in any state: right, absent, null, one-sided, dangling, or with a duplicate id."""
    known = PEOPLE[link.other if side == "left" else link.collection]
    return st.one_of(st.just(ABSENT), st.none(), st.lists(st.sampled_from([*known, ObjectId("f" * 24)]), max_size=4))


@st.composite
def databases(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for collection, identifiers in PEOPLE.items():
        found[collection] = []
        for identifier in draw(st.lists(st.sampled_from(identifiers), unique=True)):
            document: dict[str, Any] = {"_id": identifier, "name": f"{collection}{identifier}"}
            document |= {"email": f"{identifier}@x.y", "username": str(identifier)} if collection == "User" else {}
            for link in (USER_ROLES, ROLE_PERMISSIONS):
                for side, place, field in (("left", link[0], link[1]), ("right", link[2], link[3])):
                    if place == collection and (value := draw(lists(link, side))) is not ABSENT:
                        document[field] = value
            found[collection].append(document)
    return found


STEP = st.tuples(
    st.sampled_from(["link", "unlink", "rename", "create", "delete"]),
    st.sampled_from([USER_ROLES, ROLE_PERMISSIONS]),
    st.sets(st.integers(0, 2), min_size=1),
    st.sets(st.integers(0, 2), min_size=1),
)


def draft_of(database: Documents, step: Any) -> Draft:
    """Plan one random change of the current data, as an action would plan it."""
    verb, link, left, right = step
    draft = Draft()
    lefts = [
        document
        for i in sorted(left)
        if (document := database[link.collection].find_one({"_id": PEOPLE[link.collection][i]}))
    ]
    rights = [
        document for i in sorted(right) if (document := database[link.other].find_one({"_id": PEOPLE[link.other][i]}))
    ]
    if verb == "link":
        draft.link(link, lefts, rights)
    elif verb == "unlink":
        draft.unlink(link, lefts, rights)
    elif verb == "rename":
        for document in lefts:
            draft.set(link.collection, document, {"name": f"{document.get('name')}!", "new": None})
    elif verb == "delete":
        for document in lefts:
            others = list(database[link.other].find({link.other_field: document["_id"]}))
            draft.take(link.other, others, link.other_field, [document["_id"]])
            draft.delete(link.collection, document)
            break
    else:
        missing = [PEOPLE["Role"][i] for i in left if not database["Role"].find_one({"_id": PEOPLE["Role"][i]})]
        for identifier in missing:
            draft.insert("Role", role(f"new {identifier}", _id=identifier))
    return draft


EITHER = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EITHER
@given(start=databases(), steps=st.lists(STEP, max_size=6))
def test_undoing_any_changes_in_reverse_order_restores_the_database(
    database: Documents, start: dict[str, list[dict[str, Any]]], steps: list[Any]
) -> None:
    for collection, documents in start.items():
        database[collection].delete_many({})
        if documents:
            database[collection].insert_many([dict(document) for document in documents])
    was = stored(database)
    events = [outcome.event for step in steps if (outcome := carry_out(draft_of(database, step))).event]
    for event in reversed(events):
        undo(database, event)
    assert stored(database) == was


@EITHER
@given(steps=st.lists(STEP.filter(lambda step: step[0] != "delete"), max_size=8), undone=st.integers(0, 8))
def test_links_stay_two_sided(database: Documents, steps: list[Any], undone: int) -> None:
    for collection, identifiers in PEOPLE.items():
        database[collection].delete_many({})
        database[collection].insert_many(
            [{"_id": i, "name": str(i), "email": str(i), "username": str(i)} for i in identifiers]
        )
    events = [outcome.event for step in steps if (outcome := carry_out(draft_of(database, step))).event]
    for event in events[::-1][:undone]:
        undo(database, event)
    for link in LINKS[:2]:
        assert pairs(database, link.collection, link.field) == {
            (left, right) for right, left in pairs(database, link.other, link.other_field)
        }


def pairs(database: Documents, collection: str, field: str) -> set[tuple[Any, Any]]:
    return {(document["_id"], item) for document in database[collection].find() for item in document.get(field) or ()}
