"""The one description of a seed file: editors read it as JSON Schema, the checker reads files by it."""

from typing import Any, Final

from models.names import LONGEST

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
        "description": "Characters that can be seen, without a blank at either end; $${ stands for ${.",
    },
    "pattern": {
        "type": "string",
        "title": "the name of a permission",
        "minLength": 1,
        "description": "A permission named in the seed, or a pattern over them: * stands for any characters.",
    },
    "text": {"type": "string", "title": "a text"},
    "filled": {
        "type": "string",
        "title": "a text",
        "minLength": 1,
        "description": "May hold ${VARIABLES} of the environment; $${ stands for ${.",
    },
    "variable": {"type": "string", "title": "the name of a variable", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    "permission": _object(
        "a permission",
        ["name"],
        {"name": _ref("name"), "description": {**_ref("text"), "description": "Kept here alone."}},
    ),
    "role": _object(
        "a role",
        ["name"],
        {
            "name": _ref("name"),
            "description": {**_ref("text"), "description": "Kept here alone."},
            "permissions": _list(
                "a list of permissions", _ref("pattern"), "Exactly what the role allows; left out, it is not managed."
            ),
            "extends": _list(
                "a list of roles", _ref("name"), "Roles of the seed whose permissions this one takes over."
            ),
            "renamed_from": {
                **_ref("name"),
                "description": "A role that had this name becomes this one, members kept.",
            },
            "protected": {
                "type": "boolean",
                "title": "true or false",
                "description": "Whether the last active member is kept from being taken out.",
            },
        },
    ),
    "password": _object("a password from the environment ({env: NAME})", ["env"], {"env": _ref("variable")}),
    "user": _object(
        "a user",
        ["email", "username"],
        {
            "email": {**_ref("filled"), "description": "By this the user is found, in any case."},
            "username": _ref("filled"),
            "name": {**_ref("filled"), "description": "Set only when the user is created."},
            "password": {**_ref("password"), "description": "Read and set only when the user is created."},
            "roles": _list("a list of roles", _ref("name"), "Roles of the seed; added, never taken away."),
        },
    ),
    "test": _object(
        "a test",
        ["role"],
        {
            "role": _ref("name"),
            "can": _list("a list of permissions", _ref("pattern"), "What the role must allow."),
            "cannot": _list("a list of permissions", _ref("pattern"), "What the role must not allow."),
        },
    ),
}

SCHEMA: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        "a seed",
        ["version"],
        {
            "version": {"type": "integer", "title": "1", "const": 1, "description": "The version of this format."},
            "seed": {**_ref("name"), "description": "Whose roles these are; without it, default."},
            "permissions": _list(
                "a list of permissions",
                {"title": "a name", "anyOf": [_ref("name"), _ref("permission")]},
                "The permissions that exist.",
            ),
            "roles": _list("a list of roles", _ref("role"), "The roles that exist."),
            "users": _list("a list of users", _ref("user"), "Users who exist and have roles."),
            "tests": _list(
                "a list of tests", _ref("test"), "Asserted by `chatctl seeds test`, never written.", unique=False
            ),
        },
    ),
    "$defs": _DEFINITIONS,
}
"""What `seeds schema` prints, as JSON."""
