"""Compare imports and exports of users with plain pymongo code for the same documents, and measure their memory."""

import csv
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId
from measuring import CHATCTL, QUICK, compare, database, memory, run, scaled

PEOPLE = scaled(100_000)
FIELDS = ("email", "username", "name", "phoneNumber", "address")
HASHED = 4 if QUICK else 40
BARE_EXPORT = """
import json, sys, pymongo
there = pymongo.MongoClient(sys.argv[1], tz_aware=True).get_default_database()
fields = ("email", "username", "name", "status", "emailVerified", "createdAt", "lastLogin", "rolesIds")
profiles = {profile["userId"]: profile for profile in there["Profile"].find()}
with open(sys.argv[2], "w") as file:
    for user in there["User"].find({}, fields):
        file.write(json.dumps(user | profiles.get(user["_id"], {}), default=str) + "\\n")
"""

Documents = dict[str, Any]


def person(number: int) -> list[str]:
    return [f"user{number}@example.org", f"user{number}", f"Number {number}", f"+1 555 {number}", f"{number} Main St"]


def table(path: Path, people: int, password: str = "") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*FIELDS, *(["password"] if password else [])])
        writer.writerows([*person(n), *([f"{n} {password}"] if password else [])] for n in range(people))
    return path


def export_of_clerk(path: Path, people: int) -> Path:
    """Write a file with the same users as `table`, in the format that Clerk exports."""
    header = "id first_name last_name username primary_email_address primary_phone_number verified_email_addresses"
    header += (
        " unverified_email_addresses verified_phone_numbers totp_secret password_digest password_hasher created_at"
    )
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split())
        for number in range(people):
            email, username, _, phone, _ = person(number)
            names = ["Number", str(number), username]
            writer.writerow([f"user_{number}", *names, email, phone, "", email, phone, "", "", "", ""])
    return path


def documents(people: int) -> tuple[list[Documents], list[Documents]]:
    """Return the users and profiles that an import of the table creates."""
    now, users, profiles = datetime.now(UTC), [], []
    for number in range(people):
        email, username, name, phone, address = person(number)
        profile = {"_id": ObjectId(), "userId": ObjectId(), "phoneNumber": phone, "address": address}
        lists: Documents = {"rolesIds": [], "conversationIds": [], "seenMessageIds": []}
        user = {"_id": profile["userId"], "email": email, "username": username, "name": name, "status": "ACTIVE"}
        users.append(user | lists | {"createdAt": now, "updatedAt": now, "profileId": profile["_id"]})
        profiles.append(profile)
    return users, profiles


def empty(client: pymongo.MongoClient[Documents]) -> None:
    """Drop all collections, and create the application's indexes."""
    there = client.get_default_database()
    client.drop_database(there.name)
    for collection, field in (("User", "email"), ("User", "username"), ("Profile", "userId")):
        there[collection].create_index(field, unique=True, name=f"{collection}_{field}_key")


def hashing(url: str, path: Path) -> None:
    """Import passwords on all cores and on one core, and print how much faster the import on all cores is."""
    cores = sorted(os.sched_getaffinity(0))
    taken = []
    for number in (len(cores), 1):
        os.sched_setaffinity(0, cores[:number])
        with pymongo.MongoClient[Documents](url) as client:
            empty(client)
        start = time.perf_counter()
        run(CHATCTL, "users", "import", path, MONGODB_DATABASE_URL=url)
        taken.append(time.perf_counter() - start)
    os.sched_setaffinity(0, cores)
    print(
        f"{HASHED} passwords: {taken[0]:.1f} s on {len(cores)} cores, {taken[1] / taken[0]:.2f} times as fast as on one"
    )


def main() -> None:
    with database() as url, tempfile.TemporaryDirectory() as folder, pymongo.MongoClient[Documents](url) as client:
        path = table(Path(folder, "people.csv"), PEOPLE)
        users, profiles = documents(PEOPLE)

        def ours() -> None:
            empty(client)
            run(CHATCTL, "users", "import", path, MONGODB_DATABASE_URL=url)

        def theirs() -> None:
            empty(client)
            client.get_default_database()["User"].insert_many(users)
            client.get_default_database()["Profile"].insert_many(profiles)

        compare(
            f"import of {PEOPLE:,} users against a plain insert_many", 1.25, ours, theirs, rounds=3, with_server=True
        )
        foreign = export_of_clerk(Path(folder, "clerk.csv"), PEOPLE)

        def moved() -> None:
            empty(client)
            run(CHATCTL, "users", "import", foreign, "--from", "clerk", MONGODB_DATABASE_URL=url)

        compare(f"import of {PEOPLE:,} users of Clerk against the same in own columns", 1.15, moved, ours, rounds=3)
        for form in ("ndjson", "json", "csv"):
            to = Path(folder, f"out.{form}")
            compare(
                f"export of {PEOPLE:,} users as {form} against a plain script with json.dumps",
                0.7,
                lambda to=to: run(CHATCTL, "users", "export", "--to", to, "--overwrite", MONGODB_DATABASE_URL=url),
                lambda: run(sys.executable, "-c", BARE_EXPORT, url, Path(folder, "bare.ndjson")),
                rounds=3,
            )
        for people in (PEOPLE // 10, PEOPLE):
            empty(client)
            imported = memory(url, "users", "import", table(path, people))
            exported = memory(url, "users", "export", "--to", to, "--overwrite")
            print(f"{people:,} users: {imported} MiB to import, {exported} MiB to export")
        hashing(url, table(path, HASHED, "kettles on the quiet pier"))


if __name__ == "__main__":
    main()
