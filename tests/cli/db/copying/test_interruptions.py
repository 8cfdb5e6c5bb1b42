"""A copy that fails or is interrupted, and one that another program disturbs."""

import json
from collections.abc import Iterator
from typing import Any

import pymongo
import pymongo.collection
import pytest
from bson import ObjectId
from copies import COPY
from people import BEGAN, Documents, links
from pymongo.errors import BulkWriteError
from reads import Needs, heard

from actions.database.copying import copying as planning
from actions.database.copying.copying import Source
from actions.database.server_roles import ADMIN
from changes import copying
from changes.trail_entries import lease_id
from tests.conftest import Chatctl


def test_an_unfinished_copy_is_named_and_can_be_replaced(
    chatctl: Chatctl, world: Documents, target: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = copying._insert

    def stop(collection: str, documents: Any) -> None:
        insert(collection, documents)
        if collection == "Profile":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copying, "_insert", stop)
        assert "To start again, run the command with --replace." in chatctl(*COPY, code=130).stderr
    assert target["User"].count_documents({}) == 3
    said = chatctl(*COPY, code=4).stderr
    assert f"error: {target.name} is an unfinished copy\nhint: " in said
    assert "add --replace" in said
    assert "is an unfinished copy itself" in chatctl("--context", "copy", *COPY, "--replace", code=7).stderr
    assert "confirmation is required" in chatctl(*COPY[:-1], "--replace", code=7).stderr
    rights = Needs()
    with heard(rights):
        chatctl(*COPY, "--replace")
    assert rights.found <= ADMIN.privileges()
    links(target)
    assert target["User"].count_documents({}) == 3
    assert [one["state"] for one in json.loads(chatctl("--context", "copy", "audit", "list", "-o", "json").stdout)] == [
        "done",
        "interrupted",
    ]


def test_a_target_that_another_program_writes_to_is_refused(
    chatctl: Chatctl, world: Documents, target: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ObjectId()
    event = {"_id": other, "kind": "event", "at": BEGAN, "command": "db copy --from x --anonymize", "whole": False}

    def begin_another_copy(*_: Any) -> None:
        target["chatctl_audit"].insert_one(event)
        target["chatctl_state"].update_one({"_id": lease_id(other)}, {"$currentDate": {"renewed": True}}, upsert=True)

    for meanwhile, code, said in (
        (lambda *_: target["User"].insert_one({"_id": 1}), 4, "is not empty: it has User"),
        (begin_another_copy, 7, "is still running"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(planning, "_begin", meanwhile)
            assert said in chatctl(*COPY, code=code).stderr
        assert target["Role"].count_documents({}) == 0
        target["User"].delete_many({"_id": 1})
    target["chatctl_audit"].delete_one({"_id": other})
    chatctl(*COPY)
    target["chatctl_audit"].insert_one({**event, "_id": ObjectId()})  # a refused second copy
    assert "is not empty" in chatctl(*COPY, "--replace", code=4).stderr


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [(239, 4, "raise minSnapshotHistoryWindowInSeconds"), (13, 6, "does not allow find on Role")],
)
def test_an_error_of_the_source_is_explained(
    chatctl: Chatctl,
    world: Documents,
    target: Documents,
    monkeypatch: pytest.MonkeyPatch,
    *,
    error: int,
    code: int,
    said: str,
) -> None:
    read = Source.batches

    def refused(*args: Any) -> Iterator[list[Any]]:
        failing = {"failCommands": ["find"], "errorCode": error}
        world.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=failing)
        return read(*args)

    monkeypatch.setattr(Source, "batches", refused)
    assert said in chatctl(*COPY, code=code).stderr


def test_a_write_that_few_members_confirmed_is_not_called_a_duplicate(
    chatctl: Chatctl, world: Documents, target: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    unconfirmed = {"code": 64, "errmsg": "waiting for replication timed out"}

    def refuse(*_: Any, **__: Any) -> None:
        raise BulkWriteError({"writeErrors": [], "writeConcernErrors": [unconfirmed]})

    monkeypatch.setattr(pymongo.collection.Collection, "insert_many", refuse)
    with pytest.raises(BulkWriteError):
        copying._insert("Message", [{}])
