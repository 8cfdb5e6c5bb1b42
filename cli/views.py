"""The columns of each resource, once: every format takes its values from them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One value of a resource.

    `table` is the least width of a terminal whose tables have it (in a pipe there is room for all), None where no table
    has it unasked. `whole` values are cut last. Those not `listed` cost too much for a list: only `show` has them.
    """

    key: str
    title: str = ""
    table: int | None = 0
    whole: bool = False
    listed: bool = True

    @property
    def heading(self) -> str:
        return self.title or self.key.upper()


View = tuple[Column, ...]

ID = Column("id", whole=True)

ROLES: View = (
    ID,
    Column("name"),
    Column("members", table=50),
    Column("protected", table=60),
    Column("permissions", table=70),
)

PERMISSIONS: View = (
    ID,
    Column("name"),
    Column("users", table=50),
    Column("roles", table=60),
)

MATRIX: View = (Column("id", whole=True, table=None), Column("permission"), Column("roles"))

DIFFERENCES: View = (Column("id", whole=True, table=None), Column("permission"), Column("role", title="ONLY IN"))

EVENTS: View = (
    ID,
    Column("at", table=45, whole=True),
    Column("actor", table=100),
    Column("command", table=50),
    Column("reason", table=120),
    Column("state", table=60, whole=True),
)

EVENT: View = (*EVENTS, Column("undoes"), Column("undoneBy", title="UNDONE BY"), Column("changes", table=None))

STATUS: View = (
    Column("database"),
    Column("server"),
    Column("source"),
    Column("version"),
    Column("topology"),
    Column("transactions"),
    Column("local"),
    Column("indexesMissing", title="INDEXES MISSING"),
    Column("indexesInConflict", title="INDEXES IN CONFLICT"),
    Column("notAllowed", title="NOT ALLOWED"),
    Column("collections", table=None),
)

COLLECTIONS: View = (Column("name", title="COLLECTION"), Column("count"), Column("bytes"))

INDEXES: View = (
    Column("name", whole=True),
    Column("state"),
    Column("collection", table=60),
    Column("keys", table=80),
    Column("unique", table=90),
    Column("partial", table=100),
    Column("message", table=80),
)

ASSERTIONS: View = (
    Column("passed"),
    Column("role"),
    Column("expected"),
    Column("permission"),
    Column("place", table=None),
    Column("message", table=80),
)
