"""The command `chatctl db roles`: it prints MongoDB roles for the users of the database server."""

import json
import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import actions
from cli import output
from cli.group import OUTPUT, part
from cli.output import streams
from cli.params import choice

if TYPE_CHECKING:
    from actions.database.server_roles import Role

app = part()

FORMATS: Final = ("mongosh", "atlas")
WIDTH: Final = 117
FIRST: Final = "Only admin can create collections and indexes: run `chatctl db indexes --apply` as admin first."
ATLAS: Final = (
    "each of these is the body of one call of createCustomDatabaseRole (atlas api customDatabaseRoles "
    "createCustomDatabaseRole --file); in Atlas, roles belong to the project: if it has several databases, use "
    "different role names for each"
)

Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="|".join(FORMATS),
        parser=choice(FORMATS),
        help="Script for mongosh, or JSON for Atlas.",
        rich_help_panel=OUTPUT,
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--database", metavar="NAME", help="Name of the database.  [default: that of the chosen database]"),
]


@app.command(example="chatctl db roles --database shop > roles.js\nchatctl db roles --format atlas")
def roles(*, form: Format = FORMATS[0], database: Name = None) -> None:
    """Print MongoDB roles for the users of the server.

    Each role has only the rights that its commands need: support-read reads, support-write helps users and moderates,
    seeder applies seeds, admin does everything. The command does not connect to the server. With mongosh, the output is
    a script for a user who may create roles. With atlas, it has the bodies of API calls. Notes in the output list
    the limits of these roles.
    """
    name = actions.database.server_roles.database_name(database)
    if form == "mongosh":
        streams.write("".join(f"{line}\n" for line in (*_head(name), *_script(name))))
        return
    output.show_json([_atlas(role, name) for role in actions.database.server_roles.ROLES])
    for note in (ATLAS, FIRST, *actions.database.server_roles.ROLE_LIMITS):
        output.say(note)


def _head(name: str) -> Iterator[str]:
    """Yield the comments at the head of the script: how to use it, what each role is for, and the limits of roles."""
    yield f"// Roles for chatctl on the database {json.dumps(name)}."
    yield from _comment("Run this in mongosh as a user who may create roles. Run it again to update them.")
    yield from _comment(FIRST)
    user = '{ user: "ada", pwd: passwordPrompt(), roles: ["support-read"] }'
    yield f"// A user: db.getSiblingDB({json.dumps(name)}).createUser({user})"
    for role in actions.database.server_roles.ROLES:
        yield "//"
        yield from _comment(f"{role.name} {role.purpose}. For {_words(role)}.")
        if role.also_allowed:
            yield from _comment(
                f"Its rights also allow these commands (some only partly): {', '.join(role.also_allowed)}."
            )
    yield "//"
    yield "// Limits of these roles:"
    for note in actions.database.server_roles.ROLE_LIMITS:
        yield from _comment(f"- {note}", "  ")


def _script(name: str) -> Iterator[str]:
    """Yield the lines of the mongosh script. The script creates the roles, or updates roles that exist already."""
    yield "for (const { role, privileges } of ["
    for role in actions.database.server_roles.ROLES:
        yield f"  {{ role: {json.dumps(role.name)}, privileges: ["
        for collection, allowed in role.rights.items():
            resource = f"db: {json.dumps(name)}, collection: {json.dumps(collection)}"
            yield f"    {{ resource: {{ {resource} }}, actions: {json.dumps(allowed)} }},"
        yield "  ] },"
    yield "]) {"
    yield f"  const target = db.getSiblingDB({json.dumps(name)});"
    yield "  if (target.getRole(role)) {"
    yield "    target.updateRole(role, { privileges, roles: [] });"
    yield "  } else {"
    yield "    target.createRole({ role, privileges, roles: [] });"
    yield "  }"
    yield "}"


def _words(role: "Role") -> str:
    """Return a text that names the chatctl commands that a MongoDB role is for."""
    included = [f"everything that {one.name} is for" for one in role.includes]
    return "; ".join([*included, *(f"{group} {verbs}".strip() for group, verbs in role.verbs.items())])


def _comment(text: str, indent: str = "") -> Iterator[str]:
    for number, line in enumerate(textwrap.wrap(text, WIDTH, break_on_hyphens=False)):
        yield f"// {indent if number else ''}{line}"


def _atlas(role: "Role", name: str) -> dict[str, Any]:
    """Return a role in the format of the Atlas API, in which each action lists its collections."""
    places: dict[str, list[dict[str, str]]] = {}
    for collection, allowed in role.rights.items():
        for action in allowed:
            spelt = re.sub(r"(?=[A-Z])", "_", action).upper()
            places.setdefault(spelt, []).append({"db": name, "collection": collection})
    return {
        "roleName": role.name,
        "actions": [{"action": action, "resources": resources} for action, resources in places.items()],
        "inheritedRoles": [],
    }
