"""Four example users, for tests of how users are shown: their fields, roles, sign-ins and messages."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from samples import Documents

FIRST = datetime(2026, 3, 1, 10, tzinfo=UTC)
IDS = {name: ObjectId(f"65000000000000000000000{number}") for number, name in enumerate(("ada", "bob", "cyd", "dan"))}
ROLES = {name: ObjectId(f"66000000000000000000000{number}") for number, name in enumerate(("support", "viewer"))}
PERMISSIONS = {
    name: ObjectId(f"67000000000000000000000{number}")
    for number, name in enumerate(("user.read", "user.suspend", "message.delete"))
}


def day(number: float) -> datetime:
    return FIRST + timedelta(number)


def person(username: str, **fields: Any) -> dict[str, Any]:
    """Return a user as the application stores one. Each user was created a day after the user before."""
    created = day(list(IDS).index(username) if username in IDS else 0)
    return {
        "_id": IDS.get(username) or ObjectId(),
        "email": f"{username}@example.org",
        "username": username,
        "rolesIds": [],
        "status": "ACTIVE",
        "createdAt": created,
        "updatedAt": created,
        "conversationIds": [],
        "seenMessageIds": [],
        **fields,
    }


def account(user: str, provider: str, **fields: Any) -> dict[str, Any]:
    number = f"{user}-{provider}"
    return {"userId": IDS[user], "type": "oauth", "provider": provider, "providerAccountId": number, **fields}


def settle(database: Documents) -> None:
    """Insert the users. Ada and Bob have roles, Bob is suspended, Cyd has linked sign-ins, and Dan has nothing."""
    support, viewer = ROLES["support"], ROLES["viewer"]
    read, suspend = PERMISSIONS["user.read"], PERMISSIONS["user.suspend"]
    database["Permission"].insert_many([{"_id": id_, "name": name} for name, id_ in PERMISSIONS.items()])
    database["Role"].insert_many(
        [
            {"_id": support, "name": "support", "userIds": [IDS["ada"], IDS["bob"]], "permissionsIds": [suspend, read]},
            {"_id": viewer, "name": "viewer", "userIds": [IDS["ada"]], "permissionsIds": [read]},
        ]
    )
    secret = {"hashedPassword": "$2b$04$" + "x" * 53}
    database["User"].insert_many(
        [
            person("ada", name="Ada Lovelace", rolesIds=[viewer, support], lastLogin=day(9), **secret),
            person("bob", status="SUSPENDED", rolesIds=[support], lastLogin=day(5), emailVerified=day(2), **secret),
            person("cyd", email="Cyd@Other.example", status="EMAIL_VERIFIED", emailVerified=day(3), rolesIds=None),
            person("dan", lastLogin=None, hashedPassword=None),
        ]
    )
    tokens = {"access_token": "an access token", "refresh_token": None, "expires_at": 1_800_000_000}
    database["Account"].insert_many(
        [account("cyd", "github", **tokens), account("cyd", "google"), account("ada", "github", id_token="a token")]
    )
    database["Profile"].insert_one({"_id": ObjectId(), "userId": IDS["ada"], "phoneNumber": "+49 30 1", "address": ""})
    talk = ObjectId()
    database["Conversation"].insert_many([{"_id": talk, "userIds": [IDS["ada"], IDS["bob"]]}, {"userIds": None}])
    sent = [("ada", "hello"), ("ada", "again"), ("bob", "hi")]
    database["Message"].insert_many(
        [{"senderId": IDS[who], "conversationId": talk, "body": body} for who, body in sent]
    )
