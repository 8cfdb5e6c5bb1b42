"""Read YAML files as trees of nodes. Each node knows its line and column.

The parser reads a file as a sequence of events (like the start of a list), and no YAML loader builds objects from it.
Anchors, aliases and tags are refused. The depth and the number of nodes are limited before anything is built, so that
no file can exhaust memory or the stack.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import yaml

from database.errors import Fault, InvalidInputError
from database.wording import nearest, shown
from models.names import LONGEST

MAX_DEPTH: Final = 50
MAX_NODES: Final = 1_000_000
MAX_BYTES: Final = 16 * 1024 * 1024

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS: Final = yaml.SafeLoader.yaml_implicit_resolvers
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]",
)
_KINDS: Final = {"bool": "boolean", "int": "integer", "float": "number", "null": "null", "timestamp": "time"}


@dataclass(slots=True, eq=False)
class Node:
    """A value in a YAML file. `kind` is its type as in JSON Schema. If a fault was noted for it, `kind` is `fault`."""

    kind: str
    value: Any
    """A text for a string, a number or another scalar. A list of nodes for an array. Key → node for an object."""
    file: str
    line: int
    column: int
    keys: dict[str, "Node"] = field(default_factory=dict)
    """For an object: key → a node for the key itself.

    This node has the place of the key in the file, not of its value.
    """

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def get(self, key: str, kind: str) -> "Node | None":
        """Return the value of a key if the value has this kind, otherwise None.

        A value of a wrong kind was noted as a fault before.
        """
        found: Node | None = self.value.get(key) if self.kind == "object" else None
        return found if found is not None and found.kind == kind else None

    def items(self, key: str, kind: str = "string") -> "list[Node]":
        """Return the items of an array that have this kind. The array is the value of `key`."""
        array = self.get(key, "array")
        return [item for item in array.value if item.kind == kind] if array else []

    def text(self, key: str) -> str | None:
        found = self.get(key, "string")
        return found.value if found else None


class Faults:
    """The faults found so far, and how many more bytes and nodes may be read."""

    MAX_REPORTED: Final = 1000

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.nodes_left = MAX_NODES
        self.bytes_left = MAX_BYTES
        self.incomplete = False
        """Whether a file could not be read to its end. Then an unknown name may be defined in the rest of that file."""

    def add(self, node: Node, message: str) -> None:
        self.found.append(Fault(node.file, node.line, node.column, message))

    def stop(self, file: str, message: str, line: int | None = None, column: int | None = None) -> None:
        """Note a fault, and raise an error that ends the reading of this file."""
        self.found.append(Fault(file, line, column, message))
        self.incomplete = True

    def did_you_mean(self, word: str, words: Iterable[str]) -> str:
        """Return ` (did you mean "…"?)` with the most similar valid word, or an empty text.

        After many faults, nothing is suggested, because that would take too long.
        """
        worth_it = len(self.found) <= self.MAX_REPORTED // 10 and len(word) <= LONGEST
        match = nearest(word, words) if worth_it else None
        return f" (did you mean {shown(match)}?)" if match else ""

    def raise_if_any(self) -> None:
        """If there are faults, raise `InvalidInputError` with all of them, in the order of the files."""
        if not self.found:
            return
        order = {file: number for number, file in reversed(list(enumerate(fault.file for fault in self.found)))}
        found = sorted(self.found, key=lambda fault: (order[fault.file], fault.line or 0, fault.column or 0))
        reported = tuple(found[: self.MAX_REPORTED])
        count = f"{len(found):,} faults" if len(found) > 1 else "a fault"
        files = f" in {len(order)} files" if len(order) > 1 else ""
        hint = f"only the first {self.MAX_REPORTED:,} faults are shown" if len(found) > len(reported) else None
        raise InvalidInputError(f"the seed has {count}{files}", hint, reported)


class _StopError(Exception):
    """An internal error that ends the reading of a file. The fault is noted already."""


def compose(data: bytes, file: str, faults: Faults) -> Node | None:
    """Parse a YAML file, and return its tree. If this fails, note the faults and return None."""
    text = _decode(data, file, faults)
    if text is None:
        return None
    composer = _Composer(file, faults)
    for _ in composer.steps(text):
        """The loop has nothing to do: each step has already added a part of the tree to the composer."""
    if composer.failed:
        return None
    if composer.root is None:
        faults.stop(file, "the file is empty; a seed begins with `version: 1`", 1, 1)
    return composer.root


def read_items(stream: BinaryIO, file: str, faults: Faults, path: Sequence[str] = ()) -> Iterator[Node]:
    """Read the items of a list in a YAML file, one at a time: the top-level list, or the list under a path of keys.

    The limit for the number of nodes applies to each item.
    """
    composer = _Composer(file, faults)
    found = False
    for _ in composer.steps(stream):
        node = composer.root
        for key in path:
            node = node.value.get(key) if node and node.kind == "object" else node
        if node and node.kind != "array" and (node is not composer.root or not path):
            hint = "" if path else "; --path KEY reads the list under a key"
            faults.stop(file, f"expected a list{hint}", node.line, node.column)
            return
        found = found or bool(node and node.kind == "array")
        if node and node.kind == "array" and node.value and composer.depth == len(path) + 1:
            yield node.value.pop()
            faults.nodes_left = MAX_NODES
    if path and not found and not composer.failed:
        faults.stop(file, f"no list found under {'.'.join(path)}", 1, 1)


def _decode(data: bytes, file: str, faults: Faults) -> str | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        faults.stop(file, f"not UTF-8: byte 0x{data[error.start]:02x}", before.count(b"\n") + 1, column)
        return None
    for count, found in enumerate(_UNPRINTABLE.finditer(text)):
        if count == Faults.MAX_REPORTED:
            break
        line_start = text.rfind("\n", 0, found.start()) + 1
        line = text.count("\n", 0, found.start()) + 1
        faults.stop(
            file, f"control character U+{ord(found[0]):04X} is not allowed", line, found.start() - line_start + 1
        )
    return None if _UNPRINTABLE.search(text) else text


class _Composer:
    """A builder for the tree of nodes of one file. It uses no recursion."""

    def __init__(self, file: str, faults: Faults) -> None:
        self.root: Node | None = None
        self._file = file
        self._faults = faults
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._documents = 0
        self.failed = True
        """True until the file has been read to its end."""

    @property
    def depth(self) -> int:
        return len(self._open)

    def steps(self, source: str | BinaryIO) -> Iterator[None]:
        """Read all YAML events, and yield after each event. If the rest cannot be read, note the fault and stop."""
        try:
            for event in yaml.parse(source, Loader=_LOADER):
                self._handle(event)
                yield
            self.failed = False
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            message = ", ".join(part for part in (error.context, error.problem) if part) or "cannot be read as YAML"
            place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self._faults.stop(self._file, f"not YAML: {message}", *place)
        except yaml.reader.ReaderError as error:
            self._faults.stop(self._file, f"not YAML: {error.reason}")
        except _StopError:
            return

    def _handle(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._attach(event, self._scalar(event))
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            mapping = isinstance(event, yaml.MappingStartEvent)
            node = self._node(event, "object" if mapping else "array", {} if mapping else [])
            self._attach(event, node)
            self._open.append(node)
            self._keys.append(None)
            if len(self._open) > MAX_DEPTH:
                self._stop(event, f"nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            node = self._node(event, "fault", None)
            self._faults.add(node, f"aliases are not supported: write out the value of *{str(event.anchor)[:40]}")
            self._attach(event, node)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(event, "a second YAML document begins here; a file can have only one")

    def _scalar(self, event: Any) -> Node:
        if event.style:
            return self._node(event, "string", event.value)
        for tag, pattern in _RESOLVERS.get(event.value[:1], ()):
            if pattern.match(event.value):
                return self._node(event, _KINDS.get(tag.rpartition(":")[2], "string"), event.value)
        return self._node(event, "string", event.value)

    def _node(self, event: Any, kind: str, value: object) -> Node:
        mark = event.start_mark
        node = Node(kind, value, self._file, mark.line + 1, mark.column + 1)
        self._faults.nodes_left -= 1
        if self._faults.nodes_left < 0:
            self._stop(event, f"more than {MAX_NODES:,} values in one file")
        if kind == "fault":
            return node
        if event.anchor is not None:
            self._faults.add(node, "anchors are not supported")
        if event.tag is not None:
            self._faults.add(node, "tags are not supported: remove the tag, and put a text in quotes")
            node.kind = "fault"
        return node

    def _attach(self, event: Any, node: Node) -> None:
        """Add a value to the array or object that is being read.

        The first value of a file becomes the root of the tree.
        """
        if not self._open:
            self.root = node
            return
        parent, key = self._open[-1], self._keys[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif key is None:
            if not isinstance(event, yaml.ScalarEvent):
                self._stop(event, "a key must be a text")
            if node.value in parent.value:
                first = parent.keys[node.value]
                self._faults.add(node, f"duplicate key {shown(node.value)}; the first is in line {first.line}")
            self._keys[-1] = node
        else:
            parent.value.setdefault(key.value, node)
            parent.keys.setdefault(key.value, key)
            self._keys[-1] = None

    def _stop(self, event: Any, message: str) -> None:
        mark = event.start_mark
        self._faults.stop(self._file, message, mark.line + 1, mark.column + 1)
        raise _StopError
