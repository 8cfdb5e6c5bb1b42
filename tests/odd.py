"""Unexpected values of every type, for every field. A proxy puts values that the server refuses into its answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import bson
from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from people import BEGAN, Documents, conversation, messages, person

from models.schema import FIELDS
from tests.planting import AGAIN, HASH

HEX: Final = "65a0c0ffee0123456789abcd"
CUT: Final = "~cut~"
FAR, EARLY = datetime(2494, 9, 7, tzinfo=UTC), datetime(2495, 9, 7, tzinfo=UTC)
LONG: Final = 10**15

VALUES: Final[dict[str, Any]] = {
    "cut": f"{CUT} name",
    "hostile": "\x1b[31m\u202e\u200b<b>[red]\n\x00",
    "digits": HEX,
    "far": FAR,
    "early": EARLY,
    "date": BEGAN,
    "long": Int64(2**62),
    "double": 1.5,
    "nan": float("nan"),
    "infinity": float("-inf"),
    "decimal": Decimal128("1.10"),
    "no decimal": Decimal128("NaN"),
    "true": True,
    "null": None,
    "least": MinKey(),
    "most": MaxKey(),
    "code": Code("return 1"),
    "scope": Code("return a", {"a": 1}),
    "pattern": Regex("^.*", "im"),
    "timestamp": Timestamp(5, 6),
    "uuid": Binary(b"0123456789abcdef", 4),
    "short uuid": Binary(b"short", 4),
    "bytes": b"\x00\xff",
    "dbref": DBRef("User", ObjectId(HEX), "shop"),
    "oid": {"oid": HEX},
    "$oid": {"$oid": HEX},
    "operator": {"$gt": ""},
    "dotted": {"a.b": {"$set": 1}, "": [{"$or": []}]},
    "empty": {},
    "list": ["a", 1, None, ["x"], {"$oid": HEX}, Regex("a"), Decimal128("1")],
    "lists": [[ObjectId(HEX)], []],
    "none": [],
    "id": ObjectId(HEX),
}
UNSTORABLE_AS_ID: Final = {"$oid", "operator", "dbref", "list", "lists", "none", "pattern", "nan"}
"""Values that MongoDB refuses as `_id`, or that SecantusDB cannot store as `_id`."""

REWRITTEN: Final = {
    FAR: DatetimeMS(LONG),
    EARLY: DatetimeMS(-LONG),
}


def _milliseconds(value: Any) -> bytes:
    return bson.encode({"": value})[6:14]


class Proxy(threading.Thread):
    """A proxy between chatctl and the server.

    The server stores other values in place of values that it refuses. The proxy replaces them in both directions.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        dates = [(_milliseconds(one), _milliseconds(other)) for one, other in REWRITTEN.items()]
        self._back = [(there, here) for here, there in dates]
        self._forth = [*dates, (CUT.encode(), CUT.encode().replace(b"u", b"\xc3"))]
        self.start()

    def run(self) -> None:
        while True:
            try:
                here, _ = self._listening.accept()
            except OSError:
                return
            there = socket.create_connection(self._server)
            for one, other, pairs in ((here, there, self._back), (there, here, self._forth)):
                threading.Thread(target=self._pass, args=(one, other, pairs), daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket, pairs: list[tuple[bytes, bytes]]) -> None:
        with one, other, suppress(OSError):  # either side may close the connection at any time
            messages = one.makefile("rb")
            while head := messages.read(4):
                message = messages.read(int.from_bytes(head, "little") - 4)
                for was, becomes in pairs:
                    message = message.replace(was, becomes)
                other.sendall(head + message)
            other.shutdown(socket.SHUT_RDWR)  # The thread for the other direction still reads from this socket.


@contextmanager
def proxy(server: str) -> Iterator[str]:
    """Yield the address of a proxy for a server."""
    host, _, port = server.removeprefix("mongodb://").partition("/")[0].rpartition(":")
    between = Proxy((host, int(port)))
    yield f"127.0.0.1:{between.port}"
    between.close()


def plant(database: Documents) -> dict[str, dict[str, list[Any]]]:
    """Insert a document for each field and unexpected value. Return collection → kind of value → ids of documents."""
    for name in ("support", "viewer"):
        database["Role"].insert_one({"name": name, "userIds": [], "permissionsIds": []})
    database["Permission"].insert_one({"name": "user.read", "rolesIds": []})
    ada, bob = (person(database, name, roles=("support",), hashedPassword=HASH) for name in ("ada", "bob"))
    place = conversation(database, ada, bob, person(database, "cyd"), name="engines")
    messages(database, place, ada, "hello", "you", seen=(bob,))
    sound = {
        "User": {**AGAIN, "rolesIds": [], "conversationIds": [place], "seenMessageIds": []},
        "Account": {"userId": ada, "type": "oauth", "provider": "github"},
        "Profile": {"userId": ada},
        "Role": {"userIds": [], "permissionsIds": []},
        "Permission": {"rolesIds": []},
        "Conversation": {"created_at": BEGAN, "lastMessageAt": BEGAN, "isGroup": True, "userIds": [ada, bob]},
        "Message": {"body": "hello", "createAt": BEGAN, "seenIds": [ada], "conversationId": place, "senderId": bob},
    }
    return {name: _plant(database, name, document) for name, document in sound.items()}


def _plant(database: Documents, collection: str, sound: dict[str, Any]) -> dict[str, list[Any]]:
    planted: dict[str, list[Any]] = {}
    documents = []
    for kind, value in VALUES.items():
        names = [*sorted(FIELDS[collection]), "extra", *(() if kind in UNSTORABLE_AS_ID else ("_id",))]
        for field in names:
            document = {"_id": ObjectId(), **sound, **_names(collection, f"{kind.replace(' ', '-')}.{field}")}
            documents.append(document | {field: _as(value, sound.get(field))})
        named = _names(collection, f"{kind.replace(' ', '-')}.all")
        odd = {field: _as(value, sound.get(field)) for field in FIELDS[collection] - {"email", "username", "name"}}
        documents.append({"_id": ObjectId(), **odd, "extra": value, **named})
        planted[kind] = [document["_id"] for document in documents[-len(names) - 1 :]]
    database[collection].insert_many(documents)
    return planted


def _as(value: Any, sound: Any) -> Any:
    return [value] if isinstance(sound, list) and not isinstance(value, list) else value


def _names(collection: str, name: str) -> dict[str, Any]:
    return {
        "User": {"email": f"{name}@example.org".lower(), "username": name},
        "Account": {"providerAccountId": name},
        "Role": {"name": name},
        "Permission": {"name": name},
        "Conversation": {"name": name},
    }.get(collection, {})
