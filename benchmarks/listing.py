"""Compare the time to list one page of users in a large and in a small database, for each filter that has an index.

A million users need a server with real index scans: set its URL in CHATCTL_BENCH_URL.
"""

import statistics
import time
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from typing import Any

import pymongo
from bson import ObjectId
from measuring import ROUNDS, SMALLEST, URL, compare_server, database, scaled

from actions.users import Filters, find
from database import connection, indexes

MANY, FEW = scaled(1_000_000 if URL else 20_000), SMALLEST
BATCH = 10_000
PAGE = 51
COLUMNS = ("id", "username", "email", "status", "roles", "lastLogin")
ROLES = [ObjectId(f"65000000000000000000000{number}") for number in range(10)]
FIRST, SPAN = datetime(2023, 1, 1, tzinfo=UTC), timedelta(1000)
LAST = FIRST + 2 * SPAN

LISTS = {
    "all": Filters(),
    "status": Filters(status="ACTIVE"),
    "status of few": Filters(status="SUSPENDED"),
    "role": Filters(role="role-3"),
    "permission": Filters(permission="user.read"),
    "created since": Filters(created_since=FIRST + SPAN / 10),
    "created before": Filters(created_before=FIRST + SPAN * 0.9),
    "inactive since": Filters(inactive_since=FIRST + SPAN * 0.9),
    "provider": Filters(provider="github"),
}


def user(number: int, size: int) -> dict[str, Any]:
    """Return one of `size` users. They sign up at regular intervals, and most of them have roles and have signed in."""
    created = (FIRST + SPAN * (number / size)).replace(microsecond=0)
    status = "SUSPENDED" if number % 20 == 1 else "EMAIL_VERIFIED" if number % 10 == 0 else "ACTIVE"
    identifier = ObjectId(int(created.timestamp()).to_bytes(4, "big") + number.to_bytes(8, "big"))
    names = {"email": f"user{number}@example.org", "username": f"user{number}", "name": f"User {number}"}
    roles = [ROLES[number % 10], ROLES[number * 7 % 10]][: number % 3]
    login = {} if number % 5 == 1 else {"lastLogin": created + timedelta(number % 60)}
    times = {"createdAt": created, "updatedAt": created, **login}
    lists: dict[str, Any] = {"rolesIds": roles, "conversationIds": [], "seenMessageIds": []}
    return {"_id": identifier, **names, "status": status, **times, **lists}


def fill(url: str, size: int) -> None:
    """Insert users, half of them with a linked account, and then create the indexes."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        there = client.get_default_database()
        there["Permission"].insert_one({"_id": ROLES[0], "name": "user.read"})
        held: dict[int, list[ObjectId]] = {2: ROLES[:1], 5: ROLES[:1]}
        there["Role"].insert_many(
            {"_id": id_, "name": f"role-{number}", "permissionsIds": held.get(number, [])}
            for number, id_ in enumerate(ROLES)
        )
        users = (user(number, size) for number in range(size))
        while batch := list(islice(users, BATCH)):
            there["User"].insert_many(batch, ordered=False)
            linked = [{"userId": one["_id"], "provider": "github", "providerAccountId": one["email"]} for one in batch]
            there["Account"].insert_many(linked[::2], ordered=False)
        for index in (*indexes.APPLICATION, *indexes.QUERIES):
            indexes.create(there, index)


def middle(name: str) -> str:
    """Return the id after which a page in the middle of the list begins."""
    half = ObjectId.from_datetime(FIRST + SPAN / 2)
    return str(next(find(LISTS[name]).ids("id", str(half)))["id"])


def seconds(url: str, name: str, page: str) -> float:
    """Return the median time to read a page of a list, in seconds."""
    connection.choose(url)
    after = middle(name) if page == "middle" else None
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        list(find(LISTS[name]).rows(after=after, limit=PAGE, columns=COLUMNS))
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    with database() as large, database() as small:
        for url, size in ((large, MANY), (small, FEW)):
            start = time.perf_counter()
            fill(url, size)
            print(f"{size:,} users with their indexes in {time.perf_counter() - start:.0f} s", flush=True)
        for name, page in product(LISTS, ("first", "middle")):
            many, few = (seconds(url, name, page) for url in (large, small))
            compare_server(f"users list, {name}, {page} page of {MANY:,} users against {FEW:,}", 2, many, few)
        connection.close()


if __name__ == "__main__":
    main()
