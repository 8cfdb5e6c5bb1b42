"""A user, Ada, with many traces: documents, events in the audit trail, and data for undos."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import bson
from bson import Int64, ObjectId
from samples import Documents

from changes import ABSENT, Changeset, Draft, apply
from models.links import USER_ROLES

THEN = datetime(2026, 3, 1, tzinfo=UTC)

HERS = (
    *("first.ada@example.org", "later.ada@example.org", "ada_first", "ada_later", "Ada Byron", "Ada Lovelace"),
    *("$2b$12$hash-of-ada", "+44 20 7946 0000", "+44 20 7946 0001", "12 St James's Square", "Ockham Park"),
    *("https://images.example/ada-1.png", "https://images.example/ada-2.png", "https://images.example/google.png"),
    *("github-4711", "google-4712", "access-token-of-ada", "refresh-token-of-ada", "id-token-of-ada"),
    "her pet is called Puff",
)
"""The texts that must not be found anywhere after Ada is erased."""

WRITTEN = (
    *("Notes on the engine", "a message that was redacted", "a message that was deleted"),
    *("https://images.example/sketch.png", "https://images.example/redacted.png"),
)
"""The texts and images of Ada's messages."""


@dataclass
class History:
    """The documents of Ada and Bob, and the ids of the events that the function `write` has recorded."""

    ada: dict[str, Any]
    bob: dict[str, Any]
    events: dict[str, ObjectId] = field(default_factory=dict)

    def did(self, what: str, draft: Draft, command: str, reason: str | None = None) -> None:
        changeset = Changeset(command, [], draft.batches, names=draft.names)
        event = apply(changeset, reason=reason).event
        assert event is not None
        self.events[what] = event


def user(username: str, **fields: Any) -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "email": f"{username}@example.org",
        "username": username,
        "status": "ACTIVE",
        "createdAt": THEN,
        "updatedAt": THEN,
        **{links: [] for links in ("rolesIds", "conversationIds", "seenMessageIds")},
        **fields,
    }


def write(database: Documents) -> History:
    """Insert Ada and Bob, and record all kinds of changes that chatctl can make to a user."""
    past = History(
        user("ada_first", email="first.ada@example.org", name="Ada Byron", hashedPassword="$2b$12$hash-of-ada"),
        user("bob", name="Bob"),
    )
    roles = [{"_id": ObjectId(), "name": name, "userIds": [], "permissionsIds": []} for name in ("support", "intern")]
    profile = {
        "_id": ObjectId(),
        "userId": past.ada["_id"],
        "phoneNumber": "+44 20 7946 0000",
        "address": "Ockham Park",
    }
    profile["imageUrl"] = "https://images.example/ada-1.png"
    accounts = [_account(past.ada["_id"], "github", "github-4711"), _account(past.ada["_id"], "google", "google-4712")]
    _create(past, roles, profile, accounts)
    _write_messages(database, past)
    _change(past, roles, profile)
    draft = Draft()
    draft.delete("Account", accounts[0])
    past.did("unlink", draft, "users unlink ada_later github")
    draft = Draft()
    draft.set("User", past.bob, {"status": "SUSPENDED"})
    past.did("of bob", draft, "users suspend bob", "he wrote to ada_later (first.ada@example.org)")
    # The application may add fields that are not in the schema.
    extra = {"note": "her pet is called Puff", "image": "https://images.example/google.png"}
    database["User"].update_one({"_id": past.ada["_id"]}, {"$set": extra})
    return past


def _account(owner: ObjectId, provider: str, identifier: str) -> dict[str, Any]:
    tokens = {f"{kind}_token": f"{kind}-token-of-ada" for kind in ("access", "refresh", "id")}
    named = {"type": "oauth", "provider": provider, "providerAccountId": identifier, "expires_at": Int64(1)}
    return {"_id": ObjectId(), "userId": owner, **named, **tokens}


def _create(past: History, roles: list[Any], profile: dict[str, Any], accounts: list[dict[str, Any]]) -> None:
    draft = Draft()
    for one in (past.ada, past.bob):
        draft.insert("User", dict(one))
    draft.insert("Profile", dict(profile))
    for account in accounts:
        draft.insert("Account", dict(account))
    past.did("import", draft, "users import people.csv")
    draft = Draft()
    for role in roles:
        draft.insert("Role", dict(role))
    past.did("roles", draft, "roles create")
    draft = Draft()
    draft.link(USER_ROLES, [past.ada, past.bob], roles)
    past.did("grant", draft, "users grant ada_first bob --role support", "Ada Byron asked for it (ada_first's word)")


def _change(past: History, roles: list[Any], profile: dict[str, Any]) -> None:
    draft = Draft()
    draft.set("User", past.ada, {"email": "later.ada@example.org", "username": "ada_later", "name": "Ada Lovelace"})
    past.did("update", draft, "users update ada_first --username ada_later", "married; was first.ada@example.org.")
    draft = Draft()
    new = {
        "phoneNumber": "+44 20 7946 0001",
        "address": "12 St James's Square",
        "imageUrl": "https://images.example/ada-2.png",
    }
    draft.set("Profile", profile, new)
    past.did("profile", draft, "users update ada_later --phone", "call +44 20 7946 0001")
    draft = Draft()
    draft.set("User", past.ada, {"status": "SUSPENDED"})
    past.did("suspend", draft, "users suspend Later.Ada@example.org")
    draft = Draft()
    draft.set("User", past.ada, {"status": "EMAIL_VERIFIED", "emailVerified": THEN, "lastLogin": THEN})
    past.did("verify", draft, "users verify-email ada_later")
    draft = Draft()
    draft.take("User", [past.ada, past.bob], "rolesIds", [roles[1]["_id"]])
    draft.delete("Role", roles[1])
    past.did("delete role", draft, "roles delete intern")


def _write_messages(database: Documents, past: History) -> None:
    ada, bob = past.ada["_id"], past.bob["_id"]
    talk = {"_id": ObjectId(), "created_at": THEN, "lastMessageAt": THEN, "name": "engines", "userIds": [ada, bob]}
    said = {"conversationId": talk["_id"], "createAt": THEN, "seenIds": [ada, bob]}
    hers = [
        {"_id": ObjectId(), "senderId": ada, "body": "Notes on the engine", **said},
        {"_id": ObjectId(), "senderId": ada, "image": "https://images.example/sketch.png", **said},
        {"_id": ObjectId(), "senderId": ada, "body": "a message that was redacted", **said},
        {"_id": ObjectId(), "senderId": ada, "body": "a message that was deleted", **said},
    ]
    hers[2]["image"] = "https://images.example/redacted.png"
    his = {"_id": ObjectId(), "senderId": bob, "body": "a message of bob", **said}
    database["Conversation"].insert_one(talk)
    database["Message"].insert_many([dict(message) for message in [*hers, his]])
    for one in (past.ada, past.bob):
        one |= {"conversationIds": [talk["_id"]], "seenMessageIds": [hers[0]["_id"], hers[3]["_id"]]}
        links = {name: one[name] for name in ("conversationIds", "seenMessageIds")}
        database["User"].update_one({"_id": one["_id"]}, {"$set": links})
    draft = Draft()
    draft.set("Message", hers[2], {"body": "[removed]", "image": ABSENT})
    past.did("redact", draft, f"messages redact {hers[2]['_id']}")
    draft = Draft()
    draft.take("User", [past.ada, past.bob], "seenMessageIds", [hers[3]["_id"]])
    draft.delete("Message", hers[3])
    past.did("delete message", draft, f"messages delete {hers[3]['_id']}")


def everything(database: Documents) -> bytes:
    """Return all documents of a database as bytes."""
    names = sorted(database.list_collection_names())
    return b"".join(bson.encode(document) for name in names for document in database[name].find())


def found(database: Documents, texts: tuple[str, ...]) -> list[str]:
    """Return the given texts that a database contains in any document, in upper or lower case."""
    stored = everything(database).lower()
    return [text for text in texts if text.lower().encode() in stored]
