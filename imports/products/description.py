"""The format of the YAML files that describe the exports of a product, and how such a description is read."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from imports.columns import COLUMNS
from imports.products.values import Getter, Record, filled, getter, parsed, plain, text, time, truth
from seeds.schema import Schema, check
from seeds.yaml_tree import Faults, Node, compose

Test = Callable[[Record], bool]

_TEXT: Final[Schema] = {"type": "string", "title": "a text"}
_TEXTS: Final[Schema] = {"type": "array", "title": "a list of texts", "items": _TEXT}
_TEXT_OR_TEXTS: Final[Schema] = {"title": "a text or a list of texts", "anyOf": [_TEXT, _TEXTS]}


def _object(title: str, properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    closed = {"additionalProperties": False, "required": [*required]}
    return {"type": "object", "title": title, **closed, "properties": dict(properties)}


_IS: Final[Schema] = {
    "title": "true, false, future, filled, empty or a list of words",
    "anyOf": [_TEXT, {"type": "boolean", "title": "true or false"}, _TEXTS],
}
_TEST: Final = _object("a test", {"key": _TEXT_OR_TEXTS, "is": _IS, "has": _TEXT}, ["key"])
_TESTS_LIST: Final[Schema] = {"type": "array", "title": "a list of tests", "items": _TEST}
_READING: Final = _object("a source", {"key": _TEXT_OR_TEXTS, "join": _TEXTS, "match": _TEXT, "is": _IS, "has": _TEXT})
_SOURCE: Final[Schema] = {
    "title": "a source",
    "anyOf": [
        _TEXT,
        _READING,
        {"type": "array", "title": "a list of sources", "items": {"title": "a source", "anyOf": [_TEXT, _READING]}},
    ],
}
_ACCOUNTS: Final = _object(
    "linked sign-ins", {"list": _TEXT, "provider": _TEXT, "named": _TEXT, "id": _TEXT, "pair": _TEXT}
)

SCHEMA: Final = _object(
    "a description of a product",
    {
        "name": {**_TEXT, "description": "The name of the product, as people write it."},
        "recognized": {
            "type": "array",
            "title": "a list of groups of names",
            "items": _TEXTS,
            "description": "Groups of headers or keys. A file with all names of one group is an export of this "
            "product. Not required in your own map file.",
        },
        "path": {**_TEXT_OR_TEXTS, "description": "The keys that can contain the list of users."},
        "prefix": {**_TEXT, "description": "The character that the product puts before every text of a CSV file."},
        "nothing": {**_TEXTS, "description": "Words that mean an empty value."},
        "header": {**_TEXTS, "description": "The names of the cells of a CSV file without a header."},
        "only": {**_TESTS_LIST, "description": "A record is a user if at least one of these tests is true."},
        "left_out": {
            "type": "array",
            "title": "a list of tests",
            "items": _object("a test with a name", {"name": _TEXT, **_TEST["properties"]}, ["name", "key"]),
            "description": "Tests for users who are not imported. The preview counts these users under the name of the "
            "test.",
        },
        "columns": {
            **_object("columns", dict.fromkeys((c for c in COLUMNS if c != "accounts"), _SOURCE), ["email"]),
            "description": "The source of the value for each column.",
        },
        "suspended": {
            **_TESTS_LIST,
            "description": "A user gets the status SUSPENDED if at least one of these tests is true.",
        },
        "accounts": {
            "type": "array",
            "title": "a list of linked sign-ins",
            "items": _ACCOUNTS,
            "description": "The paths of the linked sign-ins.",
        },
        "own_providers": {
            **_TEXTS,
            "description": "Providers that mean the product itself. They are not imported as linked sign-ins.",
        },
        "unusable": {**_TEXTS, "description": "The paths of hashes that the application cannot check."},
        "ignored": {**_TEXTS, "description": "Headers or keys that are ignored on purpose, like tokens."},
    },
    ["name", "columns"],
)
"""The JSON Schema of a YAML file that describes the exported files of a product."""


class Source(NamedTuple):
    """The source of a column: a function that gets the value from a record, and the paths that the function reads."""

    get: Getter
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """A description of the files that a product exports, as read from YAML. `SCHEMA` explains each key.

    `used` has all names that the description knows: the paths, the ignored names, and the first key of each path.
    """

    name: str
    recognized: tuple[tuple[str, ...], ...]
    path: tuple[str, ...]
    prefix: str
    nothing: frozenset[str]
    header: tuple[str, ...]
    only: tuple[Test, ...]
    left_out: tuple[tuple[str, Test], ...]
    columns: Mapping[str, Source]
    suspended: tuple[Test, ...]
    accounts: tuple[Callable[[Record], list[dict[str, Any]]], ...]
    own_providers: frozenset[str]
    unusable: tuple[Getter, ...]
    used: frozenset[str]


def described(data: bytes, file: str) -> tuple[Product | None, Faults]:
    """Read a description from YAML. Return the product (None if there are faults), and the faults."""
    faults = Faults()
    node = compose(data, file, faults) if data.strip() else None
    if node is None and not faults.found:
        faults.stop(file, "the file is empty: it must have the keys name and columns", 1, 1)
    if node is not None:
        check(node, faults, SCHEMA)
    product = _Reader(faults).product(node) if node is not None and not faults.found else None
    return (None if faults.found else product), faults


class _Reader:
    """A reader that makes a `Product` from a description, and notes the faults that the schema cannot find."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._paths: list[str] = []
        self._nothing: frozenset[str] = frozenset()

    def product(self, node: Node) -> Product:
        columns = node.value["columns"]
        self._nothing = frozenset(_words(node.value.get("nothing")))
        left_out = [(one.text("name") or "", self._test(one)) for one in node.items("left_out", "object")]
        sources = {column: self._source(source) for column, source in columns.value.items()}
        only, suspended = ([*map(self._test, node.items(key, "object"))] for key in ("only", "suspended"))
        accounts = [self._accounts(one) for one in node.items("accounts", "object")]
        unusable = [self._getter(one) for one in node.items("unusable")]
        used = [*self._paths, *_words(node.value.get("ignored"))]
        return Product(
            name=node.text("name") or "",
            recognized=tuple(tuple(_words(group)) for group in node.items("recognized", "array")),
            path=tuple(_words(node.value.get("path"))),
            prefix=node.text("prefix") or "",
            nothing=self._nothing,
            header=tuple(_words(node.value.get("header"))),
            only=tuple(only),
            left_out=tuple(left_out),
            columns=sources,
            suspended=tuple(suspended),
            accounts=tuple(accounts),
            own_providers=frozenset(_words(node.value.get("own_providers"))),
            unusable=tuple(unusable),
            used=frozenset(one for path in used for one in (path, re.split(r"[.\[]", path)[0])),
        )

    def _getter(self, node: Node) -> Getter:
        self._paths.append(node.value)
        return getter(node.value)

    def _source(self, node: Node) -> Source:
        before = len(self._paths)
        get = self._get(node)
        return Source(get, tuple(self._paths[before:]))

    def _get(self, node: Node) -> Getter:
        if node.kind == "string":
            return self._getter(node)
        if node.kind == "array":
            return _first([self._get(one) for one in node.value], {None, *self._nothing})
        return self._reading(node)

    def _reading(self, node: Node) -> Getter:
        if sum(key in node.value for key in ("key", "join")) != 1:
            self._faults.add(node, "a source requires key or join, not both")
            return lambda _: None
        if "join" in node.value:
            return _joined([self._getter(one) for one in node.items("join")], self._nothing)
        if not node.value.keys() & {"match", "is", "has"}:
            self._faults.add(node, "a source with key requires match, is or has")
            return lambda _: None
        get = self._get(node.value["key"])
        if "match" in node.value:
            return _matched(get, self._pattern(node.value["match"]))
        test = self._test(node)
        return lambda record: None if get(record) is None else test(record)

    def _pattern(self, node: Node) -> re.Pattern[str]:
        try:
            pattern = re.compile(node.value)
        except re.error as error:
            self._faults.add(node, f"this is not a valid pattern: {error}")
            return re.compile("()")
        if pattern.groups != 1:
            self._faults.add(node, "a pattern requires exactly one group in parentheses, for the value")
        return pattern

    def _test(self, node: Node) -> Test:
        get = self._get(node.value["key"])
        if ("is" in node.value) == ("has" in node.value):
            self._faults.add(node, "a test requires is or has, not both")
            return lambda _: False
        if "has" in node.value:
            part = self._getter(node.value["has"])
            return lambda record: text(part(record)) in re.split(r"\s*[|,;]\s*", str(text(get(record)) or ""))
        wanted = node.value["is"]
        if wanted.kind == "array":
            words = {word.casefold() for word in _words(wanted)}
            return lambda record: str(plain(get(record))).strip().casefold() in words
        if wanted.value not in _TESTS:
            near = self._faults.did_you_mean(wanted.value, _TESTS)
            self._faults.add(wanted, f"use true, false, future, filled, empty or a list of words{near}")
            return lambda _: False
        test = _TESTS[wanted.value]
        return lambda record: test(get(record))

    def _accounts(self, node: Node) -> Callable[[Record], list[dict[str, Any]]]:
        if ("pair" in node.value) == ("id" in node.value):
            self._faults.add(node, "linked sign-ins require id or pair, not both")
            return lambda _: []
        if "pair" in node.value:
            pair = self._getter(node.value["pair"])
            return lambda record: [_divided(text(pair(record)))]
        listed = self._getter(node.value["list"]) if "list" in node.value else None
        provider, name = node.text("provider"), node.text("named")
        if not listed:
            self._paths += [node.value["id"].value, *([provider] if provider else [])]
        find, identify = getter(provider) if provider else None, getter(node.text("id") or "")

        def accounts(record: Record) -> list[dict[str, Any]]:
            return [
                {"provider": name or (find(one) if find else key), "providerAccountId": plain(identify(one))}
                for key, one in _items(listed(record) if listed else record, listed is not None)
            ]

        return accounts


def _items(found: Any, inside: bool) -> list[tuple[Any, Any]]:
    """Return (key or position, object) for each object inside `found`.

    If `inside` is false, return only (None, found).
    """
    if not inside:
        return [(None, found)]
    found = parsed(found)
    pairs = found.items() if isinstance(found, dict) else enumerate(found if isinstance(found, list) else ())
    return [(key, one) for key, one in pairs if isinstance(one, dict)]


def _divided(value: Any) -> dict[str, Any]:
    provider, _, identifier = str(value or "").partition("|")
    return {"provider": provider, "providerAccountId": identifier}


def _words(node: Node | None) -> list[str]:
    if node is None:
        return []
    return [node.value] if node.kind == "string" else [one.value for one in node.value]


def _first(gets: Sequence[Getter], nothing: Collection[str | None]) -> Getter:
    def first(record: Record) -> Any:
        for get in gets:
            value = get(record)
            if value is None or value == "":
                continue
            found = text(value)
            if not isinstance(found, str | None) or found not in nothing:
                return value
        return None

    return first


def _joined(gets: Sequence[Getter], nothing: Collection[str]) -> Getter:
    def joined(record: Record) -> str:
        parts = [text(value) for get in gets if (value := get(record))]
        return " ".join([part for part in parts if isinstance(part, str) and part not in nothing])

    return joined


def _matched(get: Getter, pattern: re.Pattern[str]) -> Getter:
    def match(record: Record) -> Any:
        found = pattern.search(str(text(get(record)) or ""))
        return found and found[1]

    return match


def _is_future(value: Any) -> bool:
    moment = time(value)
    return isinstance(moment, datetime) and moment > datetime.now(UTC)


_TESTS: Final[dict[str, Callable[[Any], bool]]] = {
    "true": lambda value: truth(value) is True,
    "false": lambda value: truth(value) is False,
    "future": _is_future,
    "filled": filled,
    "empty": lambda value: not filled(value),
}
"""The tests that a description can use, like `is: future`. Word after `is` → the function that tests a value."""
