"""A check does not report changes that the application makes during the check. A repair does not undo such changes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents, conversation, links, messages, person
from planting import Ids, settle

from actions.database.checking import check, checking, repair
from actions.database.checking.rule import Rule
from actions.database.checking.rules import all_rules
from changes import apply
from database.errors import ConflictError

pytestmark = pytest.mark.usefixtures("either")

Hook = Callable[[str, Callable[[], object]], None]


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Return a hook: `before(collection, work)` lets `work` run each time before a check reads the collection."""
    read = checking._documents

    def hook(collection: str, work: Callable[[], object]) -> None:
        def documents(name: str, *rest: Any) -> Iterator[Any]:
            if name == collection:
                work()
            return read(name, *rest)

        monkeypatch.setattr(checking, "_documents", documents)

    return hook


@pytest.fixture
def confirming(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Return a hook: `confirming(work)` lets `work` run once, between the first and second read of faulty documents."""

    def hook(work: Callable[[], object]) -> None:
        left = [work]

        def first(confirm: Any) -> Any:
            def again(self: Rule, suspects: Any) -> Any:
                if suspects and left:
                    left.pop()()
                return confirm(self, suspects)

            return again

        for kind in all_rules():
            monkeypatch.setattr(kind, "confirm", first(kind.confirm))

    return hook


@pytest.fixture
def ids(database: Documents) -> Ids:
    return settle(database)


@pytest.mark.parametrize("collection", checking.ORDER)
def test_documents_inserted_during_a_check_are_not_faults(
    database: Documents, ids: Ids, before: Hook, collection: str
) -> None:
    def live() -> None:
        new = person(database, "new", roles=("viewer",))
        place = conversation(database, new, ids["ada"])
        messages(database, place, new, "hello", seen=(ids["ada"],))
        messages(database, ids["group"], ids["ada"], "news", seen=(ids["alan"],), after=20)
        profile = database["Profile"].insert_one({"userId": new}).inserted_id
        database["User"].update_one({"_id": new}, {"$set": {"profileId": profile}})
        database["Account"].insert_one({"userId": new, "type": "oauth", "provider": "google", "providerAccountId": "9"})

    before(collection, live)
    assert check() == []


@pytest.mark.parametrize("collection", checking.ORDER)
def test_documents_deleted_during_a_check_are_not_faults(
    database: Documents, ids: Ids, before: Hook, collection: str
) -> None:
    def leave() -> None:
        database["Message"].delete_one({"_id": ids["four"]})
        database["User"].update_many({}, {"$pull": {"seenMessageIds": ids["four"]}})
        last = (database["Message"].find_one({"_id": ids["three"]}) or {})["createAt"]
        database["Conversation"].update_one(
            {"_id": ids["group"]}, {"$pull": {"messagesIds": ids["four"]}, "$set": {"lastMessageAt": last}}
        )
        database["Role"].delete_one({"_id": ids["support"]})
        database["User"].update_many({}, {"$pull": {"rolesIds": ids["support"]}})
        database["Permission"].update_many({}, {"$pull": {"rolesIds": ids["support"]}})

    before(collection, leave)
    assert check() == []


def test_a_link_that_moves_during_a_check_is_not_a_fault(database: Documents, ids: Ids, before: Hook) -> None:
    def move() -> None:
        database["User"].update_one({"_id": ids["alan"]}, {"$addToSet": {"rolesIds": ids["viewer"]}})
        database["Role"].update_one({"_id": ids["viewer"]}, {"$addToSet": {"userIds": ids["alan"]}})
        database["User"].update_one({"_id": ids["ada"]}, {"$pull": {"rolesIds": ids["viewer"]}})
        database["Role"].update_one({"_id": ids["viewer"]}, {"$pull": {"userIds": ids["ada"]}})

    before("Role", move)
    assert check() == []


def test_a_fault_repaired_before_it_is_confirmed_is_not_reported(
    database: Documents, ids: Ids, confirming: Callable[[Callable[[], object]], None]
) -> None:
    break_(database, ids)

    def mend() -> None:
        database["User"].update_one({"_id": ids["alan"]}, {"$set": {"rolesIds": [], "status": "ACTIVE"}})
        database["Role"].update_one({"_id": ids["viewer"]}, {"$pull": {"userIds": ids["alan"]}})
        database["Conversation"].delete_many({"userIds": []})
        database["Message"].delete_many({"senderId": {"$nin": [ids[name] for name in ("ada", "grace", "alan")]}})

    confirming(mend)
    assert check() == []


def test_a_document_deleted_before_its_fault_is_confirmed_is_not_reported(
    database: Documents, ids: Ids, confirming: Callable[[Callable[[], object]], None]
) -> None:
    database["Role"].insert_one({"_id": ObjectId(), "name": None, "userIds": None, "permissionsIds": [ObjectId()]})
    database["Account"].insert_one({"userId": ObjectId(), "type": 1, "provider": "a", "providerAccountId": "b"})
    confirming(lambda: (database["Role"].delete_one({"name": None}), database["Account"].delete_one({"type": 1})))
    assert check() == []


def break_(database: Documents, ids: Ids) -> None:
    database["User"].update_one({"_id": ids["alan"]}, {"$set": {"rolesIds": None, "status": "BANNED"}})
    database["Role"].update_one({"_id": ids["viewer"]}, {"$push": {"userIds": ids["alan"]}})
    database["Conversation"].insert_one({"userIds": [], "created_at": BEGAN, "lastMessageAt": BEGAN})
    lost = {"senderId": ObjectId(), "conversationId": ids["direct"], "createAt": BEGAN, "seenIds": []}
    database["Message"].insert_one(lost)


def test_a_repair_skips_faults_that_were_repaired_meanwhile(database: Documents, ids: Ids) -> None:
    database["Role"].update_one({"_id": ids["viewer"]}, {"$push": {"userIds": ids["alan"]}})
    database["User"].update_one({"_id": ids["grace"]}, {"$push": {"rolesIds": ObjectId()}})
    planned = repair()
    database["User"].update_one({"_id": ids["alan"]}, {"$push": {"rolesIds": ids["viewer"]}})
    apply(planned)
    assert check() == []
    links(database)
    assert (database["User"].find_one({"_id": ids["alan"]}) or {})["rolesIds"] == [ids["viewer"]]


def test_a_link_is_kept_if_its_document_was_inserted_meanwhile(database: Documents, ids: Ids) -> None:
    coming = ObjectId()
    database["User"].update_one({"_id": ids["alan"]}, {"$push": {"rolesIds": coming}})
    planned = repair()
    database["Role"].insert_one({"_id": coming, "name": "coming", "userIds": [ids["alan"]], "permissionsIds": []})
    apply(planned)
    assert check() == []
    assert (database["User"].find_one({"_id": ids["alan"]}) or {})["rolesIds"] == [coming]


def test_a_change_between_confirmation_and_write_is_a_conflict(
    database: Documents, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    database["User"].update_one({"_id": ids["ada"]}, {"$set": {"status": "EMAIL_VERIFIED"}})
    planned = repair()
    batches = list(planned.batches)
    database["User"].update_one({"_id": ids["ada"]}, {"$set": {"emailVerified": BEGAN}})
    planned.batches = batches
    with pytest.raises(ConflictError, match="user ada was changed while this command ran"):
        apply(planned)
    assert check() == []
