"""A proxy that makes one MongoDB server behave like `mongos` 7.0, the router of a sharded cluster.

The proxy passes commands to the server. The proxy refuses the commands that mongos refuses, with the same codes and
messages. The command `shardCollection` gives a collection another shard key than `SHARD_KEYS`. The answer of mongos can
depend on the shards of the documents. The proxy assumes the worst case: a document moves to another shard whenever its
shard key changes, and each transaction writes to several shards.
"""

import re
import socket
import socketserver
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any, Final, cast

import bson
import pymongo
from bson.codec_options import CodecOptions

Document = dict[str, Any]
Key = Mapping[str, Any]
Keys = Mapping[str, Key]

GREETINGS: Final = {"hello", "ismaster", "isMaster"}
IN_TRANSACTIONS: Final = {
    "abortTransaction",
    "aggregate",
    "commitTransaction",
    "delete",
    "distinct",
    "find",
    "findAndModify",
    "getMore",
    "insert",
    "killCursors",
    "update",
}
KNOWN: Final = IN_TRANSACTIONS | {
    *GREETINGS,
    "buildInfo",
    "collStats",
    "connectionStatus",
    "count",
    "create",
    "createIndexes",
    "endSessions",
    "listCollections",
    "listIndexes",
    "ping",
    "saslContinue",
    "saslStart",
}
"""The commands that mongos supports. Before you add a command, check that mongos supports it."""
NOT_IN_TRANSACTIONS: Final = {"$changeStream", "$collStats", "$currentOp", "$indexStats", "$merge", "$out"}
OF_A_REPLICA_SET: Final = {
    "electionId",
    "hosts",
    "lastWrite",
    "me",
    "primary",
    "secondary",
    "setName",
    "setVersion",
    "topologyVersion",
}

WIRE_VERSION: Final = 21
"""The version of the protocol of MongoDB 7.0."""
INVALID_OPTIONS, KEY_NOT_FOUND, CANNOT_CREATE_INDEX, NOT_SUPPORTED = 72, 61, 67, 263
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
EXHAUST: Final = 1 << 16
"""The flag with which a client asks for several replies to one request. The proxy always sends one reply."""
LENIENT: Final = CodecOptions[Document](unicode_decode_error_handler="replace")


SHARD_KEYS: Final[dict[str, Key]] = {
    "Account": {"provider": 1, "providerAccountId": 1},
    "Conversation": {"_id": "hashed"},
    "Message": {"conversationId": 1},
    "Profile": {"userId": 1},
}
"""The shard keys that docs/scale.md recommends. Every database behind the proxy has these shard keys."""


class RefusedByMongosError(Exception):
    """The error for a command, or for one write of a command, that mongos refuses."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def refusal(command: Document, keys: Keys, exists: Callable[[str], bool]) -> Document | None:
    """Return the reply with which mongos refuses a command, or None if mongos carries it out.

    `keys` has the shard keys of collections. `exists` tells whether a collection exists.
    """
    name = next(iter(command))
    try:
        _check_command(name, command, keys, exists)
    except RefusedByMongosError as error:
        return {"ok": 0.0, "code": error.code, "errmsg": str(error)}
    key = keys.get(str(command[name]))
    if name not in {"update", "delete"} or not key:
        return None
    writes = command[f"{name}s"]
    for index, write in enumerate(writes):
        try:
            (_check_update if name == "update" else _check_delete)(write, key, len(writes))
        except RefusedByMongosError as error:
            failed = {"index": index, "code": error.code, "errmsg": str(error)}
            return {"ok": 1.0, "n": 0, "nModified": 0, "writeErrors": [failed]}
    return None


def _check_command(name: str, command: Document, keys: Keys, exists: Callable[[str], bool]) -> None:
    if name not in KNOWN:
        raise RefusedByMongosError(59, f"no such command: '{name}'")
    collection = str(command[name])
    key = keys.get(collection)
    if command.get("autocommit") is False:
        _check_transaction(name, command, key)
        if name in {"insert", "update"} and not exists(collection):
            raise RefusedByMongosError(
                NOT_SUPPORTED, f"Cannot create namespace {collection} in multi-document transaction."
            )
    if name == "findAndModify" and key and not _has_key(command["query"], key):
        raise RefusedByMongosError(KEY_NOT_FOUND, "Query for sharded findAndModify must contain the shard key")
    for index in command["indexes"] if name == "createIndexes" and key else ():
        if index.get("unique") and next(iter(index["key"])) != "_id" and not _begins_with(index["key"], key or {}):
            message = f"cannot create unique index over {index['key']} with shard key pattern {key}"
            raise RefusedByMongosError(CANNOT_CREATE_INDEX, message)
    for stage in command["pipeline"] if name == "aggregate" else ():
        if keys.get(str(stage.get("$out"))):
            raise RefusedByMongosError(28769, f"{stage['$out']} cannot be sharded")


def _check_transaction(name: str, command: Document, key: Key | None) -> None:
    stages = {operator for stage in command.get("pipeline", ()) for operator in stage} if name == "aggregate" else set()
    if name not in IN_TRANSACTIONS:
        raise RefusedByMongosError(NOT_SUPPORTED, f"Cannot run '{name}' in a multi-document transaction.")
    if name == "distinct" and key:
        raise RefusedByMongosError(
            NOT_SUPPORTED, "Cannot run 'distinct' on a sharded collection in a multi-document transaction."
        )
    if refused := stages & NOT_IN_TRANSACTIONS:
        raise RefusedByMongosError(
            NOT_SUPPORTED, f"Stage not supported inside of a multi-document transaction: {refused.pop()}"
        )


def _check_update(update: Document, key: Key, writes: int) -> None:
    where, multi = update["q"], update.get("multi")
    if update.get("upsert") and not _has_key(where, key):
        raise RefusedByMongosError(KEY_NOT_FOUND, "An upsert on a sharded collection must contain the shard key")
    if not multi and not _has_key(where, key) and "_id" not in equalities(where):
        raise RefusedByMongosError(
            KEY_NOT_FOUND, "A single update on a sharded collection must contain an exact match on _id or the shard key"
        )
    if not any(field in key and equalities(where).get(field, ...) != value for field, value in _values(update["u"])):
        return
    if multi:
        raise RefusedByMongosError(
            INVALID_OPTIONS, "Multi-update operations are not allowed when updating the shard key field."
        )
    if not _has_key(where, key):
        raise RefusedByMongosError(
            31025, "Shard key update is not allowed without specifying the full shard key in the query"
        )
    if writes > 1:
        message = (
            "Document shard key value updates that cause the doc to move shards must be sent with write batch of size 1"
        )
        raise RefusedByMongosError(INVALID_OPTIONS, message)


def _check_delete(delete: Document, key: Key, _: int) -> None:
    if delete["limit"] == 1 and not _has_key(delete["q"], key) and "_id" not in equalities(delete["q"]):
        raise RefusedByMongosError(
            KEY_NOT_FOUND, "A single delete on a sharded collection must contain an exact match on _id or the shard key"
        )


def _values(update: Document | list[Document]) -> Iterator[tuple[str, Any]]:
    """Yield the fields that an update sets, with their new values. A value that is not known yet is an ellipsis."""
    for step in update if isinstance(update, list) else [update]:
        for operator, fields in step.items():
            if operator == "$replaceWith":
                yield fields["$setField"]["field"]["$literal"], ...
            elif operator in {"$set", "$addFields"}:
                yield from fields.items()
            elif operator != "$setOnInsert":
                yield from ((field, ...) for field in fields)


def _begins_with(index: Key, key: Key) -> bool:
    return list(index)[: len(key)] == list(key)


def _has_key(where: Document, key: Key) -> bool:
    return key.keys() <= equalities(where).keys()


def equalities(where: Document) -> Document:
    """Return the fields for which a filter requires one value: field → value."""
    found: Document = {}
    for field, condition in where.items():
        if field == "$and":
            for part in condition:
                found |= equalities(part)
        elif not field.startswith("$") and not _is_operators(condition):
            found[field] = condition
        elif not field.startswith("$") and "$eq" in condition:
            found[field] = condition["$eq"]
    return found


def is_targeted(where: Document, key: Key) -> bool:
    """Tell whether mongos can send a filter only to the shards that have the documents, instead of to all shards."""
    first = next(iter(key))
    if any(
        field == first and (not _is_operators(condition) or {"$eq", "$in"} & condition.keys())
        for field, condition in where.items()
    ):
        return True
    return any(is_targeted(part, key) for part in where.get("$and", ())) or (
        "$or" in where and all(is_targeted(part, key) for part in where["$or"])
    )


def _is_operators(condition: object) -> bool:
    return isinstance(condition, dict) and any(word.startswith("$") for word in condition)


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, server: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        host, _, port = _address(server).partition(":")
        self.behind = host, int(port)
        self.client: pymongo.MongoClient[Document] = pymongo.MongoClient(server)
        self.keys: dict[str, dict[str, Key]] = {}
        self._names: tuple[Any, set[str]] = None, set()
        self._failures: Iterator[Document | None] = iter(())
        self._failing: list[str] = []

    def exists(self, command: Document, collection: str) -> bool:
        """Tell whether a collection exists. The names are read once per transaction."""
        transaction = command["lsid"], command["txnNumber"]
        if self._names[0] != transaction:
            self._names = transaction, set(self.client[command["$db"]].list_collection_names())
        return collection in self._names[1]

    def refusal(self, command: Document) -> Document | None:
        name = next(iter(command))
        if name == "shardCollection":
            database, _, collection = command[name].partition(".")
            self.keys.setdefault(database, dict(SHARD_KEYS))[collection] = command["key"]
            return {"ok": 1.0}
        if name == "configureFailPoint":
            self._fail(command["mode"], command.get("data", {}))
            return {"ok": 1.0}
        if name in self._failing and (failure := next(self._failures, None)):
            return failure
        keys = self.keys.get(command["$db"], SHARD_KEYS)
        return refusal(command, keys, lambda collection: self.exists(command, collection))

    def _fail(self, mode: Document | str, data: Document) -> None:
        """Let commands fail with an error of mongos, because the fail points of servers lack some of these errors."""
        skip, times = (mode.get("skip", 0), mode.get("times")) if isinstance(mode, dict) else (0, None)
        error = {"ok": 0.0, "code": data.get("errorCode"), "errmsg": "", "errorLabels": data.get("errorLabels", [])}
        failures = repeat(error) if times is None else repeat(error, times)
        self._failing = data.get("failCommands", [])
        self._failures = chain(repeat(None, skip), failures)


class _Connection(socketserver.BaseRequestHandler):
    """Answers one client. For each client, it opens a separate connection to the server."""

    def handle(self) -> None:
        proxy = cast("_Proxy", self.server)
        with socket.create_connection(proxy.behind) as server:
            for connected in (server, self.request):
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while message := _read(self.request):
                command = _command(message)
                reply = proxy.refusal(command)
                if reply is not None:
                    self.request.sendall(_message(reply, message))
                    continue
                server.sendall(_with_one_reply(message))
                answer = _read(server)
                self.request.sendall(_greeting(answer, message) if next(iter(command)) in GREETINGS else answer)


def _read(connection: socket.socket) -> bytes:
    """Read one message. Return an empty value if the other side has closed the connection."""
    head = _exactly(connection, 4)
    return head and head + _exactly(connection, struct.unpack("<i", head)[0] - 4)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            return b""
        data += piece
    return bytes(data)


def _command(message: bytes) -> Document:
    """Return the command of a message, with the documents of its sequences."""
    if struct.unpack_from("<i", message, 12)[0] == OP_QUERY:
        database, _, rest = message[20:].partition(b"\0")
        return {**bson.decode(rest[8:], LENIENT), "$db": database.decode().partition(".")[0]}
    command: Document = {}
    at = 20
    while at < len(message):
        [size] = struct.unpack_from("<i", message, at + 1)
        part = message[at + 5 : at + 1 + size]
        if message[at]:
            field, _, documents = part.partition(b"\0")
            command[field.decode()] = bson.decode_all(documents, LENIENT)
        else:
            command = bson.decode(message[at + 1 : at + 1 + size], LENIENT) | command
        at += 1 + size
    return command


def _with_one_reply(message: bytes) -> bytes:
    code, flags = struct.unpack_from("<iI", message, 12)
    return message[:16] + struct.pack("<I", flags & ~EXHAUST) + message[20:] if code == OP_MSG else message


def _greeting(answer: bytes, asked: bytes) -> bytes:
    """Replace the answer of a replica set to the command `hello` by the answer of mongos."""
    start = 36 if struct.unpack_from("<i", answer, 12)[0] == OP_REPLY else 21
    told = bson.decode(answer[start:], LENIENT)
    if "maxWireVersion" not in told:
        return answer
    kept = {field: value for field, value in told.items() if field not in OF_A_REPLICA_SET}
    return _message({**kept, "msg": "isdbgrid", "maxWireVersion": min(told["maxWireVersion"], WIRE_VERSION)}, asked)


def _message(reply: Document, asked: bytes) -> bytes:
    number, _, code = struct.unpack_from("<iii", asked, 4)
    data = bson.encode(reply)
    head, kind = (struct.pack("<iqii", 0, 0, 0, 1), OP_REPLY) if code == OP_QUERY else (bytes(5), OP_MSG)
    return struct.pack("<iiii", 16 + len(head) + len(data), 0, number, kind) + head + data


def _address(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]


@contextmanager
def started(server: str) -> Iterator[str]:
    """Run a proxy in a separate process. Yield the URL of the server with the address of the proxy."""
    with subprocess.Popen([sys.executable, __file__, server], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        proxied = server.replace(_address(server), process.stdout.readline().strip())
        try:
            yield re.sub(r"\breplicaSet=[^&]*&?", "", proxied)
        finally:
            process.kill()


def shard(mongos: str, database: str, keys: Keys) -> None:
    """Give collections of a database other shard keys than `SHARD_KEYS`."""
    with pymongo.MongoClient[Document](mongos) as client:
        for collection, key in keys.items():
            client.admin.command("shardCollection", f"{database}.{collection}", key=key)


if __name__ == "__main__":
    with _Proxy(sys.argv[1]) as serving:
        print("{}:{}".format(*serving.server_address), flush=True)  # noqa: T201
        serving.serve_forever()
