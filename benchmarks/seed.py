"""Compare a large seed (1,000 roles, 2,000 permissions, 100,000 links) with one plain bulk write per collection."""

import os
import tempfile
import time
from pathlib import Path

import pymongo
from bson import ObjectId
from measuring import QUICK, Commands, compare, database
from pymongo import monitoring

import seeds
from changes import Outcome, apply
from database import connection
from seeds.seed import Seed

ROLES, PERMISSIONS, LINKS = 1_000, 2_000, 10 if QUICK else 100


def text(roles: int, permissions: int, links: int) -> str:
    """Return the text of a seed with roles and permissions. Each role has `links` permissions."""
    lines = ["version: 1", "permissions:", *(f"  - thing{number}.read" for number in range(permissions)), "roles:"]
    for role in range(roles):
        names = ", ".join(f"thing{(role * 7 + number) % permissions}.read" for number in range(links))
        lines += [f"  - name: role-{role}", f"    permissions: [{names}]"]
    return "\n".join(lines) + "\n"


def bare(client: pymongo.MongoClient[dict[str, object]], name: str, seed: Seed) -> None:
    """Write the documents of the same seed with one plain bulk write per collection."""
    ids = {permission: ObjectId() for permission in seed.permissions}
    holders: dict[str, list[ObjectId]] = {permission: [] for permission in ids}
    roles = []
    for role in seed.roles:
        identifier = ObjectId()
        held = [ids[permission] for permission in role.permissions or ()]
        for permission in role.permissions or ():
            holders[permission].append(identifier)
        roles.append(pymongo.InsertOne({"_id": identifier, "name": role.name, "userIds": [], "permissionsIds": held}))
    permissions = [
        pymongo.InsertOne({"_id": identifier, "name": permission, "rolesIds": holders[permission]})
        for permission, identifier in ids.items()
    ]
    client[name]["Role"].bulk_write(roles)
    client[name]["Permission"].bulk_write(permissions)


def planned_and_applied(seed: Seed) -> Outcome:
    return apply(seeds.planning.plan(seed, seeds.planning.Options()).changeset)


def main() -> None:
    commands = Commands()
    with database() as url, tempfile.TemporaryDirectory() as folder:
        os.environ["MONGODB_DATABASE_URL"] = url
        read = {}
        for size in (10, 1):
            file = Path(folder, f"seed-{size}.yaml")
            file.write_text(text(ROLES // size, PERMISSIONS // size, LINKS))
            start = time.perf_counter()
            read[size] = seeds.reading.read([file])
            print(f"a seed of {ROLES // size:,} roles is read in {time.perf_counter() - start:.2f} s")
        client = pymongo.MongoClient[dict[str, object]](url)
        name = client.get_default_database().name

        def empty() -> None:
            for collection in ("Role", "Permission", "chatctl_state"):
                client[name][collection].delete_many({})

        monitoring.register(commands)
        connection.choose()
        for size, seed in read.items():
            empty()
            connection.close()
            commands.sent.clear()
            planned_and_applied(seed)
            print(f"{ROLES // size:,} roles: {commands.sent.total()} commands {dict(commands.sent)}")
            commands.sent.clear()
            assert planned_and_applied(seed).event is None  # noqa: S101 - otherwise the measured time is wrong
            print(f"again: {commands.sent.total()} commands {dict(commands.sent)}")

        def ours() -> None:
            empty()
            planned_and_applied(read[1])

        def theirs() -> None:
            empty()
            bare(client, name, read[1])

        compare(
            "plan and apply of the large seed against a plain bulk write a collection",
            3,
            ours,
            theirs,
            rounds=5,
            with_server=True,
        )
        client.close()
        connection.close()


if __name__ == "__main__":
    main()
