"""A database with personal data, and the database that gets its copy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pymongo.collection
import pytest
from bson import Int64
from copies import BODIES, ID, SECRETS, TEXT_ID
from people import BEGAN, Documents, conversation, messages, person
from sampled import add_context
from samples import permission, role

from tests.conftest import Chatctl, beside
from tests.planting import HASH


@pytest.fixture
def target(
    chatctl: Chatctl, url: str, server_client: pymongo.MongoClient[dict[str, Any]], name: str, workspace: Path
) -> Iterator[Documents]:
    """Yield the target database, and add the context `copy` for this database."""
    add_context(workspace, "copy", beside(url))
    yield server_client[f"{name}_other"]
    server_client.drop_database(f"{name}_other")


@pytest.fixture
def world(database: Documents) -> Documents:
    """Insert users and messages in many scripts, with personal data in every kind of field, also in unknown fields."""
    read = permission("user.read")
    support = role("support", permissionsIds=[read["_id"]])
    database["Permission"].insert_one({**read, "rolesIds": [support["_id"]]})
    database["Role"].insert_one(support | {"description": "Helps Kyrielle Jacquemin"})
    unknown = {"crm": {"tags": ["VIP Kyrielle"], "kyrielle.jacquemin@private-mail.org": {"lead": "Dr. Weißmüller"}}}
    unknown["crm"]["likes"] = {"takahashi_dai": 2, "Sapozhnikova": 3, "olga": 1, "u_650000000000000000000001": 1}
    more = {"homepage": "https://kyrielle.example.com/about-me?tel=4930123456", "taxNumber": 31415926535}
    ada = person(
        database,
        "kyrielle.jacquemin",
        _id=ID,
        email="Kyrielle.Jacquemin@private-mail.org",
        name="Kyrielle Jacquemin",
        roles=("support",),
        hashedPassword=HASH,
        lastLogin=BEGAN,
        **unknown,
        **more,
    )
    bob = person(database, "takahashi_dai", name="高橋 大輔", locationOfHome=[48.13715432, 11.57612345])
    olga = person(database, "sapozhnikova", _id=TEXT_ID, name="Ольга Сапожникова", backup="olga@private-mail.org")
    database["User"].update_one({"_id": TEXT_ID}, {"$set": {"status": "BANNED: harassed Takahashi"}})
    profile = {"phoneNumber": "+49 151 2345 6789", "address": "Rosenthaler Straße 38\n10178 Berlin"}
    database["Profile"].insert_one({"userId": ID, **profile, "imageUrl": "https://cdn.example.com/kyrielle.jpg"})
    account = {"type": "oauth", "provider": "google", "providerAccountId": "108204268033311374519"}
    database["Account"].insert_one({"userId": ID, **account, **SECRETS, "expires_at": Int64(1_770_000_000)})
    place = conversation(database, ada, bob, olga, name="Weißmüller family circle")
    messages(database, place, ada, *BODIES, seen=(bob,))
    database["Message"].update_many({}, {"$set": {"readBy": str(ID), "image": "https://cdn.example.com/7fQ2mZk0.jpg"}})
    return database
