"""Five roles for database users: the commands of each role, and exactly the rights that these commands need.

A test records the requests that each command sends to the server. The test fails if a role has too few or too many
rights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from database import connection, urls
from database.errors import NotConfiguredError, UsageError
from database.own_collections import AUDIT, HOLDS, IMAGES, PROPOSALS, STATE
from database.privileges import Privilege
from database.wording import shown

Rights = Mapping[str, str]
"""Collection → the actions that a role may do there, separated by spaces. The key "" means the whole database."""

WITHOUT_RIGHTS: Final = (
    *("seeds validate", "seeds schema", "db stop", "db roles", "completion", "demo"),
    *(f"context {verb}" for verb in ("add", "list", "show", "use", "remove")),
)
"""The commands that need no rights: they use no database, or only the embedded database, which has only one user."""

COLLECTIONS: Final = ("User", "Account", "Profile", "Role", "Permission", "Conversation", "Message")
READ_ACTIONS: Final = "find listIndexes collStats"


@dataclass(frozen=True)
class Role:
    """A role of the MongoDB server. It includes all commands and rights of the roles in `includes`.

    `verbs` maps a group of commands to the commands of this group that the role is for. The key "" means commands
    without a group. `also_allowed` lists other commands that the rights of the role also allow, some of them only in
    part.
    """

    name: str
    purpose: str
    verbs: Mapping[str, str]
    added_rights: Rights
    includes: "tuple[Role, ...]" = ()
    also_allowed: tuple[str, ...] = ()

    @property
    def commands(self) -> set[str]:
        """Return the names of all commands that the role is for, also those of the roles that it includes."""
        own = {f"{group} {verb}".strip() for group, verbs in self.verbs.items() for verb in verbs.split(", ")}
        return own.union(*(role.commands for role in self.includes))

    @property
    def rights(self) -> dict[str, list[str]]:
        """Return the rights of the role and of the roles that it includes: collection → allowed actions."""
        found: dict[str, set[str]] = {}
        for rights in (*(role.rights for role in self.includes), self.added_rights):
            for collection, actions in rights.items():
                found.setdefault(collection, set()).update(actions.split() if isinstance(actions, str) else actions)
        return {collection: sorted(actions) for collection, actions in found.items()}

    def privileges(self) -> set[Privilege]:
        return {(collection, action) for collection, actions in self.rights.items() for action in actions}


SUPPORT_READ: Final = Role(
    "support-read",
    "reads everything except the data for an undo",
    {
        "users": "list, show, can, duplicates, export-data, export",
        "roles": "list, show, matrix, diff",
        "permissions": "list, show",
        "access": "report, who, diff, review",
        "conversations": "list, show, transcript",
        "messages": "list, search, show, tail",
        "seeds": "plan, export, test",
        "proposals": "list, show",
        "audit": "list, show",
        "holds": "list, show, check, export",
        "retention": "plan",
        "db": "status, indexes, check, stats, copy",
        "whoami": "",
    },
    {
        "": "listCollections",
        **dict.fromkeys(COLLECTIONS, READ_ACTIONS),
        "Message": f"{READ_ACTIONS} changeStream",
        AUDIT: f"{READ_ACTIONS} insert",
        IMAGES: "listIndexes collStats",
        PROPOSALS: READ_ACTIONS,
        STATE: "find collStats",
        HOLDS: "find collStats",
    },
)

SUPPORT_PROPOSE: Final = Role(
    "support-propose",
    "proposes changes, which another person must approve; can write nothing else",
    {"proposals": "reject, withdraw", "every write with --propose": ""},
    {PROPOSALS: "insert"},
    includes=(SUPPORT_READ,),
)

SUPPORT_WRITE: Final = Role(
    "support-write",
    "helps users and moderates messages; cannot create users or grant roles",
    {
        "users": "update, suspend, reinstate, verify-email, set-password, unlink",
        "conversations": "add, remove, rename",
        "messages": "redact, delete, purge",
        "proposals": "approve",
    },
    {
        "User": "update",
        "Account": "remove",
        "Profile": "insert update",
        "Conversation": "update",
        "Message": "update remove",
        IMAGES: "insert",
        STATE: "insert update remove",
    },
    includes=(SUPPORT_PROPOSE,),
    also_allowed=("db protect", "db repair", "db unprotect", "retention apply", "users import"),
)

SEEDER: Final = Role(
    "seeder",
    "applies seeds, and grants roles to users",
    {
        "users": "can, grant, revoke",
        "roles": "list, show, create, rename, copy, delete, grant, revoke, matrix, diff",
        "permissions": "list, show, create, rename, delete",
        "access": "who, diff",
        "seeds": "plan, apply, export, test",
        "proposals": "list, show, approve, reject, withdraw",
        "apply": "",
        "every write with --propose": "",
        "whoami": "",
    },
    {
        "": "listCollections",
        "User": "find insert update",
        **dict.fromkeys(("Role", "Permission"), "find insert update remove"),
        AUDIT: "insert",
        IMAGES: "insert",
        PROPOSALS: "find insert",
        STATE: "find insert update remove",
    },
    also_allowed=(
        *("access review FILE", "db protect", "db unprotect"),
        *("users create", "users import", "users list", "users reinstate", "users set-password", "users suspend"),
        *("users update", "users verify-email"),
    ),
)

ADMIN: Final = Role(
    "admin",
    "does everything, and creates the collections and indexes that the other roles need",
    {
        "users": "create, delete, erase, import, merge",
        "conversations": "create, delete",
        "messages": "send",
        "access": "review FILE",
        "apply": "",
        "audit": "undo, prune",
        "holds": "add, release",
        "retention": "apply",
        "db": "indexes --apply, repair, generate, protect, unprotect",
    },
    {
        **dict.fromkeys(COLLECTIONS, "insert update remove createIndex"),
        **dict.fromkeys(("Conversation", "Message"), "insert update remove createIndex createCollection"),
        AUDIT: "update remove createIndex",
        IMAGES: "find remove createIndex",
        PROPOSALS: "remove createIndex",
        STATE: "createCollection",
        HOLDS: "insert update remove createCollection",
    },
    includes=(SUPPORT_WRITE, SEEDER),
)

ROLES: Final = (SUPPORT_READ, SUPPORT_PROPOSE, SUPPORT_WRITE, SEEDER, ADMIN)

ROLE_LIMITS: Final = (
    "find on User and Account allows reading password hashes and tokens, which chatctl never shows",
    "find on Message allows reading messages with another client; only chatctl masks them (chatctl db protect)",
    "update on User allows giving any user any password, status and role",
    "update on chatctl_state allows removing the protection that chatctl db protect has set",
    "insert on chatctl_proposals allows proposing in the name of others: check the changes, not only who made them",
    "insert on chatctl_audit allows writing false events; only admin may change and delete events",
)
"""Dangers that these roles cannot prevent, because MongoDB grants rights only by collection and action."""


def database_name(name: str | None) -> str:
    """Return the name of the database that the roles are for: `name`, or the name of the target database if it is None.

    This function does not connect to the server.
    """
    if name is None:
        try:
            return connection.target().name
        except NotConfiguredError as error:
            error.hint = f"{error.hint}; this command needs only --database NAME"
            raise
    if not urls.is_database_name(name):
        raise UsageError(f"{shown(name)} cannot be the name of a database")
    return name
