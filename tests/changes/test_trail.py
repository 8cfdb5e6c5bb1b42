"""The records of a write: its event in the audit trail, and its images, which are kept for thirty days."""

from typing import Any

import bson
import pytest
from bson import ObjectId
from samples import Documents, carry_out, changeset, permission, role, undo

from changes import ChangedMeanwhileError, Changeset, Draft, Insert, Update, Watch, apply
from changes.events import decode_changes, encode_changes
from changes.operations import operations
from changes.trail_entries import lease_id
from database.own_collections import AUDIT, IMAGES, STATE
from models.links import ROLE_PERMISSIONS

pytestmark = pytest.mark.usefixtures("either")


def test_secrets_are_in_the_images_but_not_in_the_trail(database: Documents) -> None:
    draft = Draft()
    draft.insert("User", {"_id": ObjectId(), "username": "ada", "email": "a@b.c", "hashedPassword": "$2b$12$geheim"})
    draft.insert("Account", {"_id": ObjectId(), "provider": "x", "providerAccountId": "1", "access_token": "geheim"})
    carry_out(draft)
    assert "geheim" not in str(list(database[AUDIT].find()))
    assert str(list(database[IMAGES].find())).count("geheim") == 2


def test_names_and_commands_of_any_length_fit_into_the_trail(database: Documents) -> None:
    many = [ObjectId() for _ in range(900)]
    support = role(_id="an id of another type")
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.add("Role", [support], "permissionsIds", many)
    names = draft.names | dict.fromkeys(many, "x" * 20_000)
    event = apply(Changeset("x" * 20_000_000, [], draft.batches, names=names)).event
    kept = database[AUDIT].find({"$or": [{"_id": event}, {"event": event}]})
    assert max(len(bson.encode(document)) for document in kept) < 2 * 1024 * 1024


def test_a_document_of_very_many_fields_fits_into_the_trail(database: Documents) -> None:
    support = role(**{f"f{number}": number for number in range(100_000)})
    draft = Draft()
    draft.insert("Role", support)
    event = carry_out(draft).event
    kept = [len(bson.encode(document)) for document in database[AUDIT].find({"event": event})]
    assert max(kept) < 3_000_000 < sum(kept)


def test_a_write_that_fails_between_two_batches_counts_as_interrupted_immediately(database: Documents) -> None:
    support = role()
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.add("Role", [dict(support)], "userIds", [ObjectId()])
    draft.reserve(1000)
    draft.set("Role", {**support, "name": "another"}, {"name": "helpdesk"})
    with pytest.raises(ChangedMeanwhileError) as refused:
        carry_out(draft)
    event = database[AUDIT].find_one({"kind": "event"})["_id"]
    assert str(event) in str(refused.value.hint)
    assert "renewed" not in database[STATE].find_one({"_id": lease_id(event)})
    assert database["Role"].find_one()["name"] == "support"


def test_a_write_in_several_batches_has_a_start_and_an_end_and_is_undone_from_the_last_batch(
    database: Documents,
) -> None:
    draft = Draft()
    support = role()
    draft.insert("Role", support)
    for number in range(3):
        draft.reserve(1000)
        draft.add("Role", [support], "userIds", [ObjectId() for _ in range(number + 1)])
    outcome = carry_out(draft)
    kinds = [
        document["kind"]
        for document in database[AUDIT].find({"$or": [{"_id": outcome.event}, {"event": outcome.event}]})
    ]
    assert sorted(kinds) == ["end", "event", "part", "part", "part", "part"]
    assert database[STATE].count_documents({}) == 0
    assert len(database["Role"].find_one()["userIds"]) == 6
    undo(database, outcome.event)
    assert database["Role"].count_documents({}) == 0


def test_a_changeset_without_changes_leaves_no_trace(database: Documents) -> None:
    assert carry_out(Draft()).event is None
    assert database.list_collection_names() == []


def test_the_lines_of_a_changeset_describe_its_changes_before_the_write() -> None:
    support, read = role(), permission()
    draft = Draft()
    draft.link(ROLE_PERMISSIONS, [support], [read])
    draft.set("Role", support, {"name": "helpdesk"})
    described = changeset(draft)
    assert described.summary() == ["change 1 role", "change 1 permission"]
    assert list(described.lines()) == [
        "~ Role support: permissionsIds +user.read",
        "~ Permission user.read: rolesIds +support",
        "~ Role support: name support -> helpdesk",
    ]
    assert all(isinstance(change, Update) for change in described.changes)


def test_our_collections_are_created_before_a_transaction_and_images_expire_after_thirty_days(
    database: Documents,
) -> None:
    draft = Draft()
    draft.insert("Role", role())
    carry_out(draft)
    assert {AUDIT, IMAGES, STATE, "Role"} == set(database.list_collection_names())
    kept = [
        index["expireAfterSeconds"]
        for index in database[IMAGES].index_information().values()
        if "expireAfterSeconds" in index
    ]
    assert kept == [30 * 24 * 60 * 60]
    assert database["Role"].index_information()["Role_name_key"]["unique"]


def test_an_image_is_divided_into_parts_of_eight_mebibytes(database: Documents) -> None:
    many = [ObjectId() for _ in range(600_000)]
    parts = encode_changes([Insert("Role", role(userIds=many))])
    assert [len(part) <= 8 * 1024 * 1024 for part in parts] == [True, True]
    [change] = decode_changes(parts)
    assert change.document["userIds"] == many


def test_many_ids_are_removed_from_a_list_by_one_operation() -> None:
    many = [ObjectId() for _ in range(300)]
    draft = Draft()
    draft.take("Role", [role(userIds=list(many))], "userIds", many)
    assert [one._doc for change in draft.changes for one in operations(change)] == [{"$pullAll": {"userIds": many}}]


def test_the_trail_is_never_changed(database: Documents) -> None:
    support = role()
    draft = Draft()
    draft.insert("Role", support)
    draft.reserve(1000)
    draft.set("Role", support, {"name": "helpdesk"})
    trail: dict[ObjectId, Any] = {}

    class Reader(Watch):
        """A `Watch` that reads the audit trail after each batch."""

        def wrote(self, documents: int, total: int) -> None:  # noqa: ARG002 - only the time of the call matters
            trail.update({entry["_id"]: entry for entry in database[AUDIT].find() if entry["_id"] not in trail})

    event = apply(changeset(draft), watch=Reader()).event
    undo(database, undo(database, event).event)

    assert {entry["_id"]: entry for entry in database[AUDIT].find({"_id": {"$in": list(trail)}})} == trail
    assert database["Role"].find_one()["name"] == "helpdesk"
