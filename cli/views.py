"""The columns of each resource, once: every format takes its values from them."""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Column:
    """One value of a resource.

    `table` is the least width of a terminal whose tables have it (in a pipe there is room for all), None where no table
    has it unasked. `whole` values are cut last. Those not `listed` cost too much for a list: only `show` has them.
    `absent` is what people read where there is no value. Times whose distance matters are said as `ago` on a terminal,
    an `address` is shown as long as anybody reads one, in an `excerpt` stands out what was found. What people wrote to
    each other is `private`.
    """

    key: str
    title: str = ""
    table: int | None = 0
    whole: bool = False
    listed: bool = True
    absent: str = ""
    ago: bool = False
    address: bool = False
    excerpt: bool = False
    private: bool = False

    @property
    def heading(self) -> str:
        return self.title or self.key.upper()


View = tuple[Column, ...]

ID = Column("id", whole=True)

USERS: View = (
    ID,
    Column("username"),
    Column("email", table=60),
    Column("status", table=80, absent="none"),
    Column("roles", table=100),
    Column("lastLogin", title="LAST SIGN-IN", table=120, whole=True, absent="never"),
    Column("name", table=140),
    Column("emailVerified", title="E-MAIL VERIFIED", table=None, absent="no"),
    Column("createdAt", title="CREATED", table=None),
    Column("updatedAt", title="UPDATED", table=None),
    Column("rolesIds", table=None),
    Column("permissions", table=None),
    Column("profile", table=None),
    Column("accounts", table=None),
    Column("hasPassword", title="HAS PASSWORD", table=None),
    Column("conversations", table=None, listed=False),
    Column("messages", table=None, listed=False),
)

HOLDERS: View = (*USERS[:2], Column("through"), *USERS[2:])

_IN_TABLES_BELOW: Final = frozenset({"rolesIds", "permissions", "accounts"})

USER: View = (
    *(replace(column, table=None if column.key in _IN_TABLES_BELOW else 0) for column in USERS),
    Column("access", table=None),
    Column("events", table=None),
)

ACCESS: View = (Column("permission"), Column("roles", title="THROUGH"))

ACCESS_FINDINGS: View = (
    Column("finding", whole=True),
    Column("name"),
    Column("detail"),
    *(Column(key, table=None) for key in ("id", "roles", "users", "at", "actor")),
)

ACCESS_DIFFERENCES: View = (Column("permission"), Column("user", title="ONLY"), Column("through"))

ACCOUNTS: View = (
    Column("provider"),
    Column("type"),
    Column("providerAccountId", title="ACCOUNT"),
    Column("hasAccessToken", title="ACCESS TOKEN", table=70),
    Column("hasRefreshToken", title="REFRESH TOKEN", table=70),
    Column("hasIdToken", title="ID TOKEN", table=70),
)

IMPORTED: View = (Column("column", whole=True), Column("takes"))

ANSWER: View = (
    Column("id", table=None),
    Column("user"),
    Column("permission"),
    Column("allowed"),
    Column("why"),
    Column("through"),
    Column("wouldGive", title="WOULD GIVE IT"),
)

CONVERSATIONS: View = (
    ID,
    Column("title", title="CONVERSATION"),
    Column("participants", table=None),
    Column("unread", title="NOT READ BY", table=90),
    Column("lastMessageAt", title="LAST ACTIVITY", table=60, whole=True, ago=True),
    Column("name", table=None),
    Column("isGroup", title="GROUP", table=None, absent="no"),
    Column("created_at", title="CREATED", table=None),
    Column("messages", table=None, listed=False),
)

_SHOWN_ELSEWHERE: Final = frozenset({"name", "participants", "unread"})
"""What a title or a table below says as well."""

CONVERSATION: View = (
    *CONVERSATIONS[:2],
    *(replace(column, table=None if column.key in _SHOWN_ELSEWHERE else 0) for column in CONVERSATIONS[2:]),
    Column("firstMessage", table=None, private=True),
    Column("lastMessage", table=None, private=True),
)

PARTICIPANTS: View = (Column("person", title="USERNAME"), Column("messages"), Column("unread"))

MESSAGES: View = (
    ID,
    Column("createAt", title="TIME", table=80, whole=True),
    Column("sender"),
    Column("conversation", table=120),
    Column("body", absent="(no text)", private=True),
    Column("image", table=160, address=True, private=True),
    Column("seen", title="SEEN BY", table=None),
    Column("unseen", title="NOT SEEN BY", table=None),
    Column("conversationId", table=None),
    Column("senderId", table=None),
)

MATCHES: View = (
    *MESSAGES[:4],
    Column("match", excerpt=True, private=True),
    *(replace(column, table=None) for column in MESSAGES[4:]),
)

ENDS: View = (Column("which", title="MESSAGE", whole=True), *MESSAGES[:3], MESSAGES[4])

MESSAGE: View = (
    *(replace(column, table=None if column.key in {"body", "senderId"} else 0) for column in MESSAGES[:-2]),
    Column("conversationId", title="CONVERSATION ID"),
    MESSAGES[-1],
)

EVENTS_OF_MESSAGES: View = (*MESSAGES, Column("event"))

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
    Column("readOnly", title="READ ONLY"),
    Column("version"),
    Column("topology"),
    Column("transactions"),
    Column("local"),
    Column("protected"),
    Column("indexesMissing", title="INDEXES MISSING"),
    Column("indexesInConflict", title="INDEXES IN CONFLICT"),
    Column("otherCollections", title="OTHER COLLECTIONS"),
    Column("notAllowed", title="NOT ALLOWED"),
    Column("collections", table=None),
)

IDENTITY: View = (
    Column("user"),
    Column("systemUser", title="SYSTEM USER"),
    Column("host"),
    Column("claimed"),
    Column("roles"),
    Column("database"),
    Column("server"),
    Column("source"),
    Column("readOnly", title="READ ONLY"),
    Column("protected"),
    Column("maskBodies", title="MASK BODIES"),
    Column("auditReads", title="AUDIT READS"),
    Column("notAllowed", title="NOT ALLOWED"),
)

COLLECTIONS: View = (Column("name", title="COLLECTION"), Column("count"), Column("bytes"))

CONTEXTS: View = (
    Column("name", whole=True),
    Column("current"),
    Column("readOnly", title="READ ONLY"),
    Column("database"),
    Column("server", table=60),
    Column("source", table=80),
    Column("from", table=80),
)

CONTEXT: View = (*CONTEXTS, Column("problem"))

INDEXES: View = (
    Column("name", whole=True),
    Column("state"),
    Column("collection", table=60),
    Column("keys", table=80),
    Column("unique", table=90),
    Column("partial", table=100),
    Column("message", table=80),
)

ASSERTIONS: View = tuple(Column(key) for key in ("passed", "role", "expected", "permission", "place", "message"))

FOUND: View = (Column("severity", title=""), Column("rule", whole=True), Column("count", whole=True), Column("example"))

FINDINGS: View = tuple(Column(key) for key in ("rule", "severity", "count", "examples", "effect", "fix"))

FIGURES: View = (Column("figure", title=" "), Column("total"), Column("most"), Column("curve", title=" "))

STATUSES: View = (Column("status"), Column("users"))

MEMBERS: View = (Column("name", title="ROLE"), Column("users"))

SENDERS: View = (Column("id", whole=True), Column("username", title="MOST MESSAGES BY"), Column("messages"))
