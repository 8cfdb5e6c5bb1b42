"""What the tests of `db copy` have in common: personal data of a source, and what a copy contains."""

import string
from collections.abc import Iterator
from typing import Any

import bson
from bson import ObjectId
from people import SEVEN, Documents

COPY = ("db", "copy", "--to", "copy", "--yes")
SECRETS = {
    "refresh_token": "refresh-7fQ2mZk0",
    "access_token": "access-9xLw3Vt1",
    "id_token": "idtoken-4cRb8Ns6",
    "session_state": "session-2jHd5Yp",
}
ID, TEXT_ID = ObjectId("650000000000000000000001"), "user/olga.sapozhnikova"
BODIES = (
    "Meet me at Rosenthaler Straße 38, third floor, at half past nine",
    "שלום, נתראה מחר בבוקר ליד התחנה המרכזית",
    "明日の会議は十時からです。資料を忘れないでください。",
    "Встретимся завтра возле памятника Пушкину",
    "call +49 151 2345 6789 or write to kyrielle.jacquemin@private-mail.org",
    "🏡🐕🚲🎻🧗🏽 👩‍💻🏳️‍🌈",
    "मेरा नाम कीरीएल है और मैं यहाँ रहती हूँ",
)


def texts(value: Any) -> Iterator[str]:
    """Yield all texts of more than five characters in a document. A shorter text can appear in a copy by chance."""
    if isinstance(value, dict):
        yield from (text for item in [*value, *value.values()] for text in texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in texts(item))
    elif isinstance(value, str) and len(value) > 5:
        yield value


def words_of(text: str) -> Iterator[str]:
    return (word for word in text.split() if len(word.strip(string.punctuation)) > 5)


PUBLIC = {"support", "user.read", "ACTIVE", "google", "locationOfHome"}


def everything(database: Documents) -> bytes:
    found = [one for name in database.list_collection_names() for one in database[name].find()]
    indexes = [database[name].index_information() for name in database.list_collection_names()]
    return b"".join(map(bson.encode, found)) + str(indexes).encode()


def cannot_repeat(text: str) -> bool:
    """Tell whether a text is so long that it appears in a copy by chance in at most one of 10,000 runs of a test."""
    return len(text) >= 9 or (len(text) >= 3 and min(text) >= "\u3400")


def personal(database: Documents) -> set[bytes]:
    """Return all texts and ids of a database, except names of roles and permissions, and words of the application."""
    kept = {
        "User": {"status"},
        "Role": {"name"},
        "Permission": {"name"},
        "Account": {"type", "provider", "token_type", "scope"},
    }
    found: set[bytes] = set()
    for name in SEVEN:
        for document in database[name].find():
            identifier = document["_id"]
            found |= {identifier.binary, str(identifier).encode()}
            for field in document.keys() - kept.get(name, set()):
                found |= {text.encode() for text in texts(document[field]) if cannot_repeat(text)}
    return found
