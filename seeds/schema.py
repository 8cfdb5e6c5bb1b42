"""The format of a seed file: its JSON Schema for editors, the check of a file, and escapes in names."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from database.times import AGE, ago
from database.wording import did_you_mean, name_flaw, shown
from models.names import LONGEST
from seeds.yaml_tree import Faults, Node

_COUNT: Final = re.compile("[1-9][0-9]{0,17}")
_PARTS: Final = re.compile(r"\\(.)|(\*)|(.)", re.DOTALL)


class Pattern(NamedTuple):
    r"""A name, or a pattern for names: `*` matches any characters, and `\` makes the next character literal."""

    parts: tuple[str, ...]
    """The texts before, between and after the stars. If there is only one text, the pattern is a plain name."""

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        parts = [""]
        if "*" not in text and "\\" not in text:
            return cls((text,))
        for escaped, star, plain in _PARTS.findall(text):
            if star:
                parts.append("")
            else:
                parts[-1] += escaped or plain
        return cls(tuple(parts))

    @property
    def name(self) -> str | None:
        """The plain name that the pattern matches. None if the pattern has a star."""
        return self.parts[0] if len(self.parts) == 1 else None

    def matches(self, name: str) -> bool:
        """Tell whether a name matches the pattern.

        The time grows only linearly with the length of the name: for each part of the pattern, only the first place
        where it fits is tried.
        """
        first, *middle, last = self.parts
        if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
            return False
        at, end = len(first), len(name) - len(last)
        for part in middle:
            at = name.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


def escape_pattern(name: str) -> str:
    """Escape a name, so that `Pattern.parse` returns a pattern that matches only this name."""
    return name.replace("\\", "\\\\").replace("*", "\\*")


_VARIABLE: Final = re.compile(r"\$(?P<escaped>\$)?\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})?")


def variables(text: str) -> list[str | None]:
    """Return the names of the variables in a text. A `${` that does not begin a valid `${NAME}` gives None."""
    return [found["name"] for found in _VARIABLE.finditer(text) if not found["escaped"]]


def expand(text: str, values: dict[str, str]) -> str:
    """Replace each `${NAME}` in a text by the value of the variable, and each `$${` by `${`."""

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return found[0][1:]
        return values[found["name"]]

    return _VARIABLE.sub(value, text)


def escape_variables(text: str) -> str:
    """Escape `${` in a text, so that `expand` returns the original text."""
    return text.replace("${", "$${")


Schema = dict[str, Any]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list(title: str, items: Schema, description: str, *, unique: bool = True) -> Schema:
    kept = {"uniqueItems": True} if unique else {}
    return {"type": "array", "title": title, "items": items, **kept, "description": description}


def _object(title: str, required: list[str], properties: dict[str, Schema]) -> Schema:
    closed = {"additionalProperties": False, "required": required}
    return {"type": "object", "title": title, **closed, "properties": properties}


_DEFINITIONS: Final[dict[str, Schema]] = {
    "name": {
        "type": "string",
        "title": "a name",
        "minLength": 1,
        "maxLength": LONGEST,
        "pattern": r"^\S(.*\S)?$",
        "description": "Visible characters, without a space at the start or end. Write $${ for a literal ${.",
    },
    "pattern": {
        "type": "string",
        "title": "the name of a permission",
        "minLength": 1,
        "description": "A permission of the seed, or a pattern in which * matches any characters.",
    },
    "text": {"type": "string", "title": "a text"},
    "filled": {
        "type": "string",
        "title": "a text",
        "minLength": 1,
        "description": "Can contain ${VARIABLES} of the environment. Write $${ for a literal ${.",
    },
    "variable": {"type": "string", "title": "the name of a variable", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    "age": {
        "type": "string",
        "title": "an age like 90d",
        "pattern": f"^{AGE.pattern}$",
        "description": "Hours (h), days (d), weeks (w) or calendar years (y).",
    },
    "deed": {
        "type": "string",
        "title": "suspend or erase",
        "enum": ["suspend", "erase"],
        "description": "What is done to these users. An erased user becomes a placeholder, and messages stay.",
    },
    "permission": _object(
        "a permission",
        ["name"],
        {"name": _ref("name"), "description": {**_ref("text"), "description": "Not written to the database."}},
    ),
    "role": _object(
        "a role",
        ["name"],
        {
            "name": _ref("name"),
            "description": {**_ref("text"), "description": "Not written to the database."},
            "permissions": _list(
                "a list of permissions",
                _ref("pattern"),
                "All permissions of the role. Without this key, the seed does not change its permissions.",
            ),
            "extends": _list(
                "a list of roles", _ref("name"), "Roles of the seed. This role gets all their permissions too."
            ),
            "renamed_from": {
                **_ref("name"),
                "description": "The old name of this role. A role with that name is renamed and keeps its members.",
            },
            "protected": {
                "type": "boolean",
                "title": "true or false",
                "description": "Whether the role must always have an active member.",
            },
        },
    ),
    "password": _object("a password from the environment ({env: NAME})", ["env"], {"env": _ref("variable")}),
    "user": _object(
        "a user",
        ["email", "username"],
        {
            "email": {**_ref("filled"), "description": "The user is found by this address, in upper or lower case."},
            "username": _ref("filled"),
            "name": {**_ref("filled"), "description": "Set only when the user is created."},
            "password": {**_ref("password"), "description": "Read and set only when the user is created."},
            "roles": _list("a list of roles", _ref("name"), "Roles of the seed. They are added, never removed."),
        },
    ),
    "test": _object(
        "a test",
        ["role"],
        {
            "role": _ref("name"),
            "can": _list("a list of permissions", _ref("pattern"), "Permissions that the role must have."),
            "cannot": _list("a list of permissions", _ref("pattern"), "Permissions that the role must not have."),
        },
    ),
    "oldMessages": _object(
        "a rule for messages",
        ["older_than"],
        {
            "older_than": {**_ref("age"), "description": "Messages that are older are deleted."},
            "keep_last": {
                "type": "integer",
                "title": "a number from 1",
                "minimum": 1,
                "description": "The last messages of each conversation that are kept, whatever their age.",
            },
            "conversation": {
                **_ref("text"),
                "description": "Only messages of this conversation (id, or exact name of a group).",
            },
            "role": {**_ref("name"), "description": "Only messages of senders who have this role."},
        },
    ),
    "inactiveUsers": _object(
        "a rule for users",
        ["inactive_for", "do"],
        {
            "inactive_for": {
                **_ref("age"),
                "description": "Only users without a sign-in for this time, and without a message.",
            },
            "do": _ref("deed"),
            "role": {**_ref("name"), "description": "Only users who have this role."},
        },
    ),
    "retentionRule": {
        **_object(
            "a retention rule",
            ["name"],
            {"name": _ref("name"), "messages": _ref("oldMessages"), "users": _ref("inactiveUsers")},
        ),
        "oneOf": [{"required": ["messages"]}, {"required": ["users"]}],
    },
}

SCHEMA: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        "a seed",
        ["version"],
        {
            "version": {"type": "integer", "title": "1", "const": 1, "description": "The version of this format."},
            "seed": {
                **_ref("name"),
                "description": "The name of the seed. It owns the roles that it creates. The default is `default`.",
            },
            "permissions": _list(
                "a list of permissions",
                {"title": "a name", "anyOf": [_ref("name"), _ref("permission")]},
                "The permissions that must exist.",
            ),
            "roles": _list("a list of roles", _ref("role"), "The roles that must exist."),
            "users": _list("a list of users", _ref("user"), "The users who must exist, and their roles."),
            "tests": _list(
                "a list of tests",
                _ref("test"),
                "Checked by `chatctl seeds test`, never written to the database.",
                unique=False,
            ),
            "retention": _list(
                "a list of retention rules",
                _ref("retentionRule"),
                "Carried out by `chatctl retention apply`, ignored by `chatctl seeds apply`.",
                unique=False,
            ),
        },
    ),
    "$defs": _DEFINITIONS,
}
"""The JSON Schema of a seed file, which `seeds schema` prints."""


_KIND_NAMES: Final = {
    "object": "an object (keys with values)",
    "array": "a list",
    "string": "a text",
    "boolean": "true or false",
    "integer": "a number",
    "number": "a number",
    "time": "a date",
}


def check(node: Node, faults: Faults, schema: dict[str, Any] = SCHEMA) -> None:
    """Check a value of a file and the values inside it, and note every fault.

    A wrong value gets the kind `fault`, and later steps ignore it.
    """
    if node.kind == "fault":
        return
    name, schema = _definition(schema)
    if "anyOf" in schema:
        schema = next(
            (choice for choice in schema["anyOf"] if _definition(choice)[1]["type"] == node.kind), schema["anyOf"][0]
        )
        name, schema = _definition(schema)
    if schema["type"] != node.kind:
        _reject(node, faults, _wrong_kind(node, schema["title"]))
    elif node.kind == "object":
        _check_object(node, schema, faults)
    elif node.kind == "array":
        _check_array(node, schema, faults)
    elif node.kind == "string":
        problem = _TEXTS[name](node) if name else None
        if problem:
            _reject(node, faults, problem)
    elif "const" in schema and node.value != str(schema["const"]):
        _reject(node, faults, f"unknown version {shown(node.value)}; use version {schema['const']}")
    elif "minimum" in schema and not _COUNT.fullmatch(node.value):
        _reject(node, faults, f"{shown(node.value)} is not a whole number from {schema['minimum']}")


def _definition(schema: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    if "$ref" not in schema:
        return None, schema
    name = schema["$ref"].rpartition("/")[2]
    return name, SCHEMA["$defs"][name]


def _reject(node: Node, faults: Faults, message: str) -> None:
    faults.add(node, message)
    node.kind = "fault"


def _wrong_kind(node: Node, title: str) -> str:
    if node.kind == "null" and not node.value:
        return f"the value is missing: expected {title}"
    if title == "1":
        return "the version must be 1, without quotes"
    if node.kind in {"boolean", "integer", "number", "time", "null"}:
        read_as = _KIND_NAMES.get(node.kind, "nothing")
        quote = f": write '{node.value}' in quotes to make it a text" if title not in _NOT_TEXTS else ""
        return f"expected {title}, found {read_as} ({shown(node.value)}){quote}"
    return f"expected {title}, found {_KIND_NAMES[node.kind]}"


def _check_object(node: Node, schema: dict[str, Any], faults: Faults) -> None:
    properties = schema["properties"]
    for key, value in node.value.items():
        if key in properties:
            check(value, faults, properties[key])
        else:
            faults.add(
                node.keys[key], f"unknown key {shown(key)} in {schema['title']}{faults.did_you_mean(key, properties)}"
            )
    for key in schema["required"]:
        if key not in node.value:
            faults.add(node, f"{schema['title']} requires the key {shown(key)}")


def _check_array(node: Node, schema: dict[str, Any], faults: Faults) -> None:
    first: dict[str, Node] = {}
    for item in node.value:
        check(item, faults, schema["items"])
        if item.kind == "string" and schema.get("uniqueItems"):
            earlier = first.setdefault(item.value, item)
            if earlier is not item:
                _reject(item, faults, f"duplicate {shown(item.value)} in this list; the first is at {earlier.place}")


def _check_name(node: Node) -> str | None:
    """Return the fault of a name, or None. Before the check, escapes in the name are replaced."""
    return _check_text(node) or name_flaw(node.value)


def _check_text(node: Node) -> str | None:
    if variables(node.value):
        return (
            f"{shown(node.value)}: variables are allowed only in a user's email, username and name;"
            " write $${ for a literal ${"
        )
    node.value = expand(node.value, {})
    return None


def _check_pattern(node: Node) -> str | None:
    """Return the fault of a pattern, or None. Escapes do not count for the length of the name."""
    return _check_text(node) or name_flaw(Pattern.parse(node.value).name or node.value.replace("\\*", "*"))


def _check_template(node: Node) -> str | None:
    """Return the fault in the syntax of a text with variables, or None. The values of the variables are not read."""
    if None in variables(node.value):
        return f"{shown(node.value)}: write a variable as ${{NAME}}, and a literal ${{ as $${{"
    return None


def _check_age(node: Node) -> str | None:
    if ago(node.value, datetime.now(UTC)) is None:
        return f"{shown(node.value)} is not a valid age. Use 12h, 90d, 8w or 2y."
    return None


def _check_deed(node: Node) -> str | None:
    choices = SCHEMA["$defs"]["deed"]["enum"]
    if node.value in choices:
        return None
    near = did_you_mean(node.value, choices)
    return f"{shown(node.value)} is not valid here. Use {' or '.join(choices)}." + (f" ({near})" if near else "")


def _check_variable(node: Node) -> str | None:
    if variables(f"${{{node.value}}}") != [node.value]:
        return f"{shown(node.value)} is not a valid variable name: use letters, digits and _"
    return None


_TEXTS: Final[dict[str, Callable[[Node], str | None]]] = {
    "name": _check_name,
    "pattern": _check_pattern,
    "text": _check_text,
    "filled": _check_template,
    "variable": _check_variable,
    "age": _check_age,
    "deed": _check_deed,
}
_NOT_TEXTS: Final = {
    definition["title"] for definition in SCHEMA["$defs"].values() if definition["type"] != "string"
} | {
    "true or false",
    "an age like 90d",
    "a number from 1",
    *(value["title"] for value in SCHEMA["properties"].values() if "title" in value),
}
