"""Insert a database without faults, and then write faults into the database without chatctl."""

from collections.abc import Callable
from typing import Any, NamedTuple

from bson import Int64, ObjectId, Timestamp
from people import BEGAN, SEVEN, Documents, conversation, messages, minute_after, person

import changes  # noqa: F401 - must be imported before database.indexes, which needs it
from database.indexes import APPLICATION, create

HASH = "$2b$12$" + "a" * 53

Ids = dict[str, Any]
Place = tuple[str, Any, str | None]


class Fault(NamedTuple):
    """A fault in the data: the rule that finds it, and a function that writes the fault and returns its place.

    `repaired` tells whether `db repair` repairs the fault. `with_it` names the other rules that report a fault because
    of this fault.
    """

    rule: str
    severity: str
    repaired: bool
    plant: Callable[[Documents, Ids], Place]
    with_it: tuple[str, ...] = ()


def settle(database: Documents) -> Ids:
    """Insert users, roles, conversations and messages without any fault. Return name → id."""
    for name in SEVEN:
        database[name].drop()
    for index in APPLICATION:
        create(database, index)
    ids: Ids = {name: ObjectId() for name in ("read", "support", "viewer")}
    roles = [ids["support"], ids["viewer"]]
    database["Permission"].insert_one({"_id": ids["read"], "name": "user.read", "rolesIds": roles})
    for name in ("support", "viewer"):
        role = {"_id": ids[name], "name": name, "userIds": [], "permissionsIds": [ids["read"]]}
        database["Role"].insert_one(role)
    ids["ada"] = person(database, "ada", roles=("support", "viewer"), hashedPassword=HASH)
    ids["grace"] = person(database, "grace", roles=("viewer",), status="EMAIL_VERIFIED", emailVerified=BEGAN)
    ids["alan"] = person(database, "alan")
    ids["direct"] = conversation(database, ids["ada"], ids["grace"])
    ids["group"] = conversation(database, ids["ada"], ids["grace"], ids["alan"], name="engines")
    ids["one"], ids["two"] = messages(database, ids["direct"], ids["ada"], "one", "two", seen=(ids["grace"],))
    ids["three"], *_ = messages(database, ids["group"], ids["grace"], "three", seen=(ids["ada"], ids["alan"]))
    ids["four"], *_ = messages(database, ids["group"], ids["alan"], "four", after=3)
    ids["profile"] = database["Profile"].insert_one({"userId": ids["grace"], "address": "Pier 7"}).inserted_id
    database["User"].update_one({"_id": ids["grace"]}, {"$set": {"profileId": ids["profile"]}})
    account = {"userId": ids["ada"], "type": "oauth", "provider": "google", "expires_at": Int64(1)}
    ids["account"] = database["Account"].insert_one({**account, "providerAccountId": "1"}).inserted_id
    return ids


def change(collection: str, who: str, update: dict[str, Any], field: str | None) -> Callable[[Documents, Ids], Place]:
    """Return a function that makes a fault with an update. In the update, names are replaced by ids of documents."""

    def plant(database: Documents, ids: Ids) -> Place:
        named = {
            operator: {name: ids.get(value, value) if isinstance(value, str) else value for name, value in some.items()}
            for operator, some in update.items()
        }
        database[collection].update_one({"_id": ids[who]}, named)
        return collection, ids[who], field

    return plant


def insert(collection: str, document: dict[str, Any], field: str | None) -> Callable[[Documents, Ids], Place]:
    def plant(database: Documents, ids: Ids) -> Place:
        made = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in document.items()}
        return collection, database[collection].insert_one(made).inserted_id, field

    return plant


def string_id(database: Documents, ids: Ids) -> Place:
    database["Message"].update_one({"_id": ids["one"]}, {"$set": {"conversationId": str(ids["direct"])}})
    return "Message", ids["one"], "conversationId"


def string_in_list(database: Documents, ids: Ids) -> Place:
    database["Role"].update_one({"_id": ids["viewer"]}, {"$set": {"userIds": [str(ids["ada"]), ids["grace"]]}})
    return "Role", ids["viewer"], "userIds"


def odd_id(database: Documents, _: Ids) -> Place:
    odd = {"_id": {"a": 1}, "userIds": [], "created_at": BEGAN, "lastMessageAt": BEGAN}
    database["Conversation"].insert_one(odd)
    return "Conversation", odd["_id"], "_id"


def twice(collection: str, index: str, document: dict[str, Any], field: str) -> Callable[[Documents, Ids], Place]:
    def plant(database: Documents, ids: Ids) -> Place:
        database[collection].drop_index(index)
        return insert(collection, document, field)(database, ids)

    return plant


def no_index(database: Documents, _: Ids) -> Place:
    database["Role"].drop_index("Role_name_key")
    return "Role", "Role_name_key", "name"


def misnamed(database: Documents, _: Ids) -> Place:
    database["Role"].drop_index("Role_name_key")
    database["Role"].create_index("name", unique=True, name="by_name")
    return "Role", "Role_name_key", "name"


def lax(database: Documents, _: Ids) -> Place:
    database["Role"].drop_index("Role_name_key")
    database["Role"].create_index("name", name="Role_name_key")
    return "Role", "Role_name_key", "name"


def plural_collection(database: Documents, _: Ids) -> Place:
    database["Account"].delete_many({})
    database["accounts"].insert_one({})
    return "Account", "accounts", None


def other_collection(database: Documents, _: Ids) -> Place:
    database["user"].insert_one({})
    return "User", "user", None


def secret_in_trail(database: Documents, ids: Ids) -> Place:
    """Insert an event of an older version of chatctl, which stored the values of all fields except four."""
    event = database["chatctl_audit"].insert_one(
        {"kind": "event", "at": BEGAN, "actor": {}, "command": "users unlink ada x", "summary": [], "whole": True}
    )
    fields = [{"field": "provider", "from": "x"}, {"field": "oauth_token", "from": "SECRET"}]
    entry = {"op": "delete", "collection": "Account", "ids": [ids["account"]], "fields": fields}
    part = {"kind": "part", "event": event.inserted_id, "batch": 0, "targets": [ids["account"]], "names": []}
    kept = database["chatctl_audit"].insert_one({**part, "changes": [entry]})
    return "chatctl_audit", kept.inserted_id, "oauth_token"


def direct_again(database: Documents, ids: Ids) -> Place:
    return "Conversation", conversation(database, ids["grace"], ids["ada"]), "userIds"


def left_alone(database: Documents, ids: Ids) -> Place:
    return "Conversation", conversation(database, ids["ada"]), "userIds"


def group_of_two(database: Documents, ids: Ids) -> Place:
    return "Conversation", conversation(database, ids["ada"], ids["alan"], name="two"), "userIds"


def stranger(database: Documents, ids: Ids) -> Place:
    [message] = messages(database, ids["direct"], ids["alan"], "let me in", after=9)
    database["Message"].update_one({"_id": message}, {"$set": {"seenIds": []}})
    database["User"].update_one({"_id": ids["alan"]}, {"$pull": {"seenMessageIds": message}})
    return "Message", message, "senderId"


def seen_by_stranger(database: Documents, ids: Ids) -> Place:
    database["Message"].update_one({"_id": ids["one"]}, {"$push": {"seenIds": ids["alan"]}})
    database["User"].update_one({"_id": ids["alan"]}, {"$push": {"seenMessageIds": ids["one"]}})
    return "Message", ids["one"], "seenIds"


def copy_of_messages(database: Documents, ids: Ids) -> Place:
    database["Conversation"].update_one({"_id": ids["direct"]}, {"$pull": {"messagesIds": ids["two"]}})
    return "Conversation", ids["direct"], "messagesIds"


def without_messages(database: Documents, ids: Ids) -> Place:
    """Insert a conversation without messages, as it is after the application has deleted its only message."""
    place = conversation(database, ids["grace"], ids["alan"])
    database["Conversation"].update_one({"_id": place}, {"$set": {"lastMessageAt": minute_after(5)}})
    return "Conversation", place, "lastMessageAt"


def many_ids(database: Documents, ids: Ids) -> Place:
    database["Conversation"].update_one(
        {"_id": ids["direct"]}, {"$set": {"messagesIds": [ObjectId() for _ in range(250_001)]}}
    )
    return "Conversation", ids["direct"], "messagesIds"


def many_bytes(database: Documents, ids: Ids) -> Place:
    database["Message"].update_one({"_id": ids["one"]}, {"$set": {"body": "a" * (8 * 1024 * 1024 + 1)}})
    return "Message", ids["one"], None


GONE = ObjectId()
LISTS = (
    ("User", "rolesIds", "alan", "support"),
    ("Role", "userIds", "support", "alan"),
    ("Permission", "rolesIds", "read", "new"),
    ("Role", "permissionsIds", "new", "read"),
    ("User", "conversationIds", "alan", "direct"),
    ("Conversation", "userIds", "group", "outsider"),
    ("User", "seenMessageIds", "alan", "four"),
    ("Message", "seenIds", "four", "alan"),
)
PARENT = {"senderId": GONE, "conversationId": "direct", "createAt": BEGAN, "seenIds": []}
ACCOUNT = {"userId": "ada", "type": "oauth", "provider": "google", "providerAccountId": "1"}
AGAIN = {"status": "ACTIVE", "createdAt": BEGAN, "updatedAt": BEGAN}

FAULTS = (
    Fault("missing-parent", "E", False, insert("Message", PARENT, "senderId"), ("unsynced-copy",)),
    Fault("missing-parent", "E", False, change("Account", "account", {"$set": {"userId": GONE}}, "userId")),
    Fault(
        *("missing-parent", "E", False),
        change("Profile", "profile", {"$set": {"userId": GONE}}, "userId"),
        ("unsynced-copy",),
    ),
    Fault("missing-field", "E", False, change("User", "ada", {"$unset": {"updatedAt": ""}}, "updatedAt")),
    Fault("missing-field", "W", True, change("User", "ada", {"$unset": {"status": ""}}, "status")),
    Fault("missing-field", "E", False, change("User", "ada", {"$set": {"status": None}}, "status")),
    Fault("missing-field", "E", False, change("Role", "support", {"$set": {"name": None}}, "name")),
    Fault("unknown-status", "E", False, change("User", "ada", {"$set": {"status": "BANNED"}}, "status")),
    Fault("wrong-type", "E", True, change("User", "ada", {"$set": {"lastLogin": "2026-01-01"}}, "lastLogin")),
    Fault("wrong-type", "E", True, change("Account", "account", {"$set": {"expires_at": "7"}}, "expires_at")),
    Fault("wrong-type", "E", False, change("Conversation", "group", {"$set": {"isGroup": "yes"}}, "isGroup")),
    Fault("wrong-type", "E", False, change("User", "alan", {"$set": {"rolesIds": "support"}}, "rolesIds")),
    Fault("wrong-type", "E", True, change("User", "alan", {"$push": {"rolesIds": None}}, "rolesIds")),
    Fault("wrong-type", "E", False, change("User", "alan", {"$push": {"rolesIds": {"a": [1]}}}, "rolesIds")),
    Fault("wrong-type", "E", False, odd_id),
    Fault("wrong-type", "I", False, change("Account", "account", {"$set": {"expires_at": 7.0}}, "expires_at")),
    Fault("wrong-type", "I", False, change("User", "ada", {"$set": {"lastLogin": Timestamp(1, 1)}}, "lastLogin")),
    Fault("wrong-type", "I", False, change("User", "ada", {"$set": {"name": GONE}}, "name")),
    Fault("string-id", "E", True, string_id),
    Fault("string-id", "E", True, string_in_list),
    Fault("null-list", "E", True, change("User", "alan", {"$set": {"rolesIds": None}}, "rolesIds")),
    Fault(
        "null-list", "E", True, change("User", "grace", {"$set": {"rolesIds": None}}, "rolesIds"), ("one-sided-link",)
    ),
    Fault(
        *("duplicate-key", "E", False),
        twice("User", "User_email_key", {"email": "ada@example.org", "username": "ada2", **AGAIN}, "email"),
        ("missing-index",),
    ),
    Fault(
        *("duplicate-key", "E", False),
        twice("Account", "Account_provider_providerAccountId_key", ACCOUNT, "provider, providerAccountId"),
        ("missing-index",),
    ),
    Fault("missing-index", "W", True, no_index),
    Fault("misnamed-index", "W", False, misnamed),
    Fault("misnamed-index", "W", False, lax),
    Fault(
        *("second-profile", "W", False),
        twice("Profile", "Profile_userId_key", {"userId": "grace"}, "userId"),
        ("duplicate-key", "missing-index"),
    ),
    Fault(
        "bad-password-hash", "W", False, change("User", "ada", {"$set": {"hashedPassword": "secret"}}, "hashedPassword")
    ),
    Fault(
        *("bad-password-hash", "W", True),
        change("User", "ada", {"$set": {"hashedPassword": HASH.replace("$2b$", "$2y$")}}, "hashedPassword"),
    ),
    Fault("status-mismatch", "W", True, change("User", "ada", {"$set": {"status": "EMAIL_VERIFIED"}}, "status")),
    Fault("email-case", "W", True, change("User", "ada", {"$set": {"email": "Ada@Example.org"}}, "email")),
    Fault("email-case", "W", False, insert("User", {"email": "ADA@example.org", "username": "a", **AGAIN}, "email")),
    Fault("lone-conversation", "W", False, left_alone),
    Fault("lone-conversation", "W", False, group_of_two),
    Fault("duplicate-direct", "W", False, direct_again),
    Fault(
        "stale-last-message",
        "W",
        True,
        change("Conversation", "group", {"$set": {"lastMessageAt": BEGAN}}, "lastMessageAt"),
    ),
    Fault("stale-last-message", "W", True, without_messages),
    Fault("oversized", "W", False, many_ids),
    Fault("oversized", "W", False, many_bytes),
    Fault("foreign-sender", "I", False, stranger),
    Fault("foreign-seen", "I", False, seen_by_stranger),
    Fault("unsynced-copy", "I", True, change("User", "grace", {"$set": {"profileId": GONE}}, "profileId")),
    Fault("unsynced-copy", "I", True, change("User", "ada", {"$set": {"profileId": "profile"}}, "profileId")),
    Fault("unsynced-copy", "I", True, copy_of_messages),
    Fault("other-collection", "E", False, other_collection),
    Fault("other-collection", "E", False, plural_collection),
    Fault("secret-in-trail", "W", True, secret_in_trail),
    *(
        Fault("dangling-link", "W", True, change(c, who if who != "new" else "support", {"$push": {f: GONE}}, f))
        for c, f, who, _ in LISTS
    ),
)


def many(database: Documents, number: int) -> Any:
    """Insert users with one-sided links to a role, and with links to conversations that do not exist."""
    role = database["Role"].insert_one({"name": "member", "userIds": [], "permissionsIds": []}).inserted_id
    lists: dict[str, Any] = {"rolesIds": [role], "seenMessageIds": []}
    database["User"].insert_many(
        {"email": f"u{n}@b.c", "username": f"u{n}", **AGAIN, **lists, "conversationIds": [ObjectId(), None]}
        for n in range(number)
    )
    database["User"].update_many({}, {"$pull": {"conversationIds": None}})
    return role
