"""Compare granting a role to many users with plain updates of the same documents: number of commands, and time."""

import os
from datetime import UTC, datetime
from typing import Any

import pymongo
from bson import ObjectId
from measuring import Commands, compare, database, scaled
from pymongo import monitoring

from actions import users
from changes import apply
from database import connection

FEW, MANY = 1_000, scaled(10_000)


def fill(there: Any, count: int) -> list[str]:
    """Insert users and a role, and return the ids of the users."""
    for name in ("User", "Role"):
        there[name].delete_many({})
    began = datetime.now(UTC)
    fixed = {"status": "ACTIVE", "createdAt": began, "updatedAt": began, "rolesIds": []}
    there["User"].insert_many(
        {**fixed, "email": f"{number}@x.org", "username": f"u{number}"} for number in range(count)
    )
    there["Role"].insert_one({"name": "support", "userIds": [], "permissionsIds": []})
    return [str(user["_id"]) for user in there["User"].find({}, ["_id"])]


def bare(there: Any, ids: list[str]) -> None:
    """Link the same users and role with one plain update per collection."""
    role = there["Role"].find_one()["_id"]
    members = [ObjectId(identifier) for identifier in ids]
    there["Role"].update_one({"_id": role}, {"$push": {"userIds": {"$each": members}}})
    there["User"].update_many({"_id": {"$in": members}}, {"$push": {"rolesIds": role}})


def main() -> None:
    commands = Commands()
    with database() as url, pymongo.MongoClient[dict[str, Any]](url) as client:
        there = client.get_default_database()
        os.environ["MONGODB_DATABASE_URL"] = url
        monitoring.register(commands)
        connection.choose()
        for count in (FEW, MANY):
            apply(users.grant(fill(there, count), ["support"]))
            commands.sent.clear()
            ids = fill(there, count)
            commands.sent.clear()
            apply(users.grant(ids, ["support"]))
            writes = sum(commands.sent[name] for name in ("insert", "update", "delete"))
            print(f"{count:,} users: {commands.sent.total()} commands, {writes} of them writes")

        def ours() -> None:
            apply(users.grant(fill(there, MANY), ["support"]))

        def theirs() -> None:
            bare(there, fill(there, MANY))

        compare(
            "a role for many users against plain updates, both with the filling",
            4,
            ours,
            theirs,
            rounds=3,
            with_server=True,
        )
        connection.close()


if __name__ == "__main__":
    main()
