"""Four roles for users of the server: which commands each is for, and the rights that these exactly need.

A test hears what the commands send and compares it with what is written here, in both directions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from database import connection, urls
from database.errors import NotConfiguredError, UsageError
from database.own_collections import AUDIT, IMAGES, STATE
from database.privileges import Privilege
from database.wording import shown

Rights = Mapping[str, str]
"""Collection → actions on it, with spaces between them; no collection is the database itself."""

FREE: Final = (
    *("seeds validate", "seeds schema", "db stop", "db roles", "completion", "demo"),
    *(f"context {verb}" for verb in ("add", "list", "show", "use", "remove")),
)
"""Commands that need no right: they look at no database, or at the embedded one, which has one user."""

SEVEN: Final = ("User", "Account", "Profile", "Role", "Permission", "Conversation", "Message")
LOOKED_AT: Final = "find listIndexes collStats"


@dataclass(frozen=True)
class Role:
    """A role: what it adds to those that it includes.

    `own` are the commands of each group it is for, `also` those that it is not for and that its rights let run all the
    same, some of them in part.
    """

    name: str
    purpose: str
    own: Mapping[str, str]
    adds: Rights
    includes: "tuple[Role, ...]" = ()
    also: tuple[str, ...] = ()

    @property
    def commands(self) -> set[str]:
        """Name all commands that the role is for."""
        own = {f"{group} {verb}" for group, verbs in self.own.items() for verb in verbs.split(", ")}
        return own.union(*(role.commands for role in self.includes))

    @property
    def rights(self) -> dict[str, list[str]]:
        """Return collection → actions, those of the roles that are included too."""
        found: dict[str, set[str]] = {}
        for rights in (*(role.rights for role in self.includes), self.adds):
            for collection, actions in rights.items():
                found.setdefault(collection, set()).update(actions.split() if isinstance(actions, str) else actions)
        return {collection: sorted(actions) for collection, actions in found.items()}

    def privileges(self) -> set[Privilege]:
        return {(collection, action) for collection, actions in self.rights.items() for action in actions}


SUPPORT_READ: Final = Role(
    "support-read",
    "looks at everything but what an undo needs",
    {
        "users": "list, show, can, export-data, export",
        "roles": "list, show, matrix, diff",
        "permissions": "list, show",
        "conversations": "list, show, transcript",
        "messages": "list, search, show, tail",
        "seeds": "plan, export, test",
        "audit": "list, show",
        "db": "status, indexes, check, stats",
    },
    {
        "": "listCollections",
        **dict.fromkeys(SEVEN, LOOKED_AT),
        "Message": f"{LOOKED_AT} changeStream",
        AUDIT: f"{LOOKED_AT} insert",
        IMAGES: "listIndexes collStats",
        STATE: "find collStats",
    },
)

SUPPORT_WRITE: Final = Role(
    "support-write",
    "helps users and moderates what they write; makes nobody up, and gives nobody a role",
    {
        "users": "update, suspend, reinstate, verify-email, set-password, unlink",
        "conversations": "add, remove, rename",
        "messages": "redact, delete, purge",
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
    includes=(SUPPORT_READ,),
    also=("db protect", "db repair", "db unprotect", "users erase", "users import"),
)

SEEDER: Final = Role(
    "seeder",
    "brings roles and permissions to what seeds say, and gives them to users",
    {
        "users": "can, grant, revoke",
        "roles": "list, show, create, rename, copy, delete, grant, revoke, matrix, diff",
        "permissions": "list, show, create, rename, delete",
        "seeds": "plan, apply, export, test",
    },
    {
        "": "listCollections",
        "User": "find insert update",
        **dict.fromkeys(("Role", "Permission"), "find insert update remove"),
        AUDIT: "insert",
        IMAGES: "insert",
        STATE: "find insert update remove",
    },
    also=(
        *("db protect", "db unprotect"),
        *("users create", "users import", "users list", "users reinstate", "users set-password", "users suspend"),
        *("users update", "users verify-email"),
    ),
)

ADMIN: Final = Role(
    "admin",
    "does everything, and makes the collections and indexes that the others need",
    {
        "users": "create, delete, erase, import",
        "conversations": "create, delete",
        "messages": "send",
        "audit": "undo, prune",
        "db": "indexes --apply, repair, generate, protect, unprotect",
    },
    {
        **dict.fromkeys(SEVEN, "insert update remove createIndex"),
        **dict.fromkeys(("Conversation", "Message"), "insert update remove createIndex createCollection"),
        AUDIT: "update remove createIndex",
        IMAGES: "find remove createIndex",
        STATE: "createCollection",
    },
    includes=(SUPPORT_WRITE, SEEDER),
)

ROLES: Final = (SUPPORT_READ, SUPPORT_WRITE, SEEDER, ADMIN)

NOT_KEPT_APART: Final = (
    "who may find User and Account reads password hashes and tokens there, which chatctl shows nobody",
    "who may find Message reads what is said, with another client: chatctl alone masks it (chatctl db protect)",
    "who may update User may give anybody any password, status and role",
    "who may update chatctl_state may take away what chatctl db protect left there",
    "who may insert into chatctl_audit may write what never happened; to change and delete there is the admin's alone",
)
"""What a server that knows collections and actions cannot tell."""


def database(name: str | None) -> str:
    """Return the name of the database that roles are for: `name`, or the chosen one, without connecting to it."""
    if name is None:
        try:
            return connection.target().name
        except NotConfiguredError as error:
            error.hint = f"{error.hint}; here --database NAME is enough"
            raise
    if not urls.is_database_name(name):
        raise UsageError(f"{shown(name)} cannot be the name of a database")
    return name
