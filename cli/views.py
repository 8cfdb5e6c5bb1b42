"""The columns of each resource (users, roles, messages …). All output formats use the same columns."""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Column:
    """One column of a table, and one value in JSON, YAML and CSV.

    - `key`: the name of the value, for programs. `title`: the heading for people; by default the key in capitals.
    - `table`: a width in cells. A terminal with at least this width always shows the column, if a row has a value for
      it. A narrower terminal shows the column only if there is room; columns with a lower number come first. Output to
      a pipe has all columns. If it is None, a table has the column only if `--columns` names it.
    - `whole`: the column is cut last. `share`: columns without `whole` divide the remaining width in these proportions.
    - `collection`: an id of this collection can be shortened to the digits that make it unique.
    - `listed`: False if the value costs too much for a list. Then only `show` has it.
    - `absent`: the text for people if there is no value.
    - `ago`: a time that a terminal shows as its age, like "2 hours ago".
    - `address`: a URL, which is cut if it contains its data. `excerpt`: a text in which the match of a search is
      marked. `state`: a word that has a colour. `private`: a text or image of a message, which can be masked.
    """

    key: str
    title: str = ""
    table: int | None = 0
    share: int = 1
    whole: bool = False
    collection: str = ""
    listed: bool = True
    absent: str = ""
    ago: bool = False
    address: bool = False
    excerpt: bool = False
    state: bool = False
    private: bool = False

    @property
    def heading(self) -> str:
        return self.title or self.key.upper()


View = tuple[Column, ...]

USERS: View = (
    Column("id", table=150, whole=True, collection="User"),
    Column("username"),
    Column("name", table=70),
    Column("email", table=50),
    Column("status", table=60, absent="none", state=True),
    Column("roles", table=80),
    Column("lastLogin", title="LAST SIGN-IN", table=120, whole=True, absent="never"),
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

DUPLICATES: View = (
    Column("id", table=150, whole=True, collection="User"),
    Column("username"),
    Column("name", table=90),
    Column("email", table=60),
    Column("sameAs", title="SAME AS"),
    Column("why"),
    Column("status", table=None, absent="none", state=True),
    Column("createdAt", title="CREATED", table=None),
    Column("lastLogin", title="LAST SIGN-IN", table=120, whole=True, absent="never"),
)

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
    Column("id", whole=True, collection="Conversation"),
    Column("title", title="CONVERSATION", share=2),
    Column("participants", table=None),
    Column("unread", title="NOT READ BY", table=90),
    Column("lastMessageAt", title="LAST ACTIVITY", table=60, whole=True, ago=True),
    Column("name", table=None),
    Column("isGroup", title="GROUP", table=None, absent="no"),
    Column("created_at", title="CREATED", table=None),
    Column("messages", table=None, listed=False),
)

_SHOWN_ELSEWHERE: Final = frozenset({"name", "participants", "unread"})
"""Columns that `conversations show` does not print for people, because its title or its table has the same values."""

CONVERSATION: View = (
    *CONVERSATIONS[:2],
    *(replace(column, table=None if column.key in _SHOWN_ELSEWHERE else 0) for column in CONVERSATIONS[2:]),
    Column("firstMessage", table=None, private=True),
    Column("lastMessage", table=None, private=True),
)

PARTICIPANTS: View = (Column("person", title="USERNAME"), Column("messages"), Column("unread"))

MESSAGES: View = (
    Column("id", whole=True, collection="Message"),
    Column("createAt", title="TIME", table=70, whole=True),
    Column("sender"),
    Column("conversation", table=80),
    Column("body", share=2, absent="(no text)", private=True),
    Column("image", table=160, address=True, private=True),
    Column("seen", title="SEEN BY", table=None),
    Column("unseen", title="NOT SEEN BY", table=None),
    Column("conversationId", table=None),
    Column("senderId", table=None),
)

MATCHES: View = (
    *MESSAGES[:4],
    Column("match", share=2, excerpt=True, private=True),
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
    Column("id", table=120, whole=True, collection="Role"),
    Column("name"),
    Column("members", table=50),
    Column("protected", table=60),
    Column("permissions", table=50, share=2),
)

PERMISSIONS: View = (
    Column("id", table=120, whole=True, collection="Permission"),
    Column("name"),
    Column("users", table=50),
    Column("roles", table=60),
)

MATRIX: View = (Column("id", whole=True, table=None), Column("permission"), Column("roles"))

DIFFERENCES: View = (Column("id", whole=True, table=None), Column("permission"), Column("role", title="ONLY IN"))

EVENTS: View = (
    Column("id", whole=True, collection="chatctl_audit"),
    Column("at", table=45, whole=True),
    Column("actor", table=70),
    Column("command"),
    Column("reason", table=80),
    Column("state", table=100, whole=True, state=True),
)

EVENT: View = (
    *EVENTS,
    Column("undoes"),
    Column("undoneBy", title="UNDONE BY"),
    Column("proposal"),
    Column("proposedBy", title="PROPOSED BY"),
    Column("changes", table=None),
)

PROPOSALS: View = (
    Column("id", whole=True, collection="chatctl_proposals"),
    Column("at", table=60, whole=True),
    Column("by", table=50),
    Column("command"),
    Column("reason", table=80),
    Column("state", table=100, whole=True, state=True),
    Column("documents", table=120),
    Column("expires", table=140, whole=True),
    Column("decidedBy", title="DECIDED BY", table=None),
    Column("decidedAt", title="DECIDED", table=None),
    Column("answer", table=None),
)

_DECIDED: Final = frozenset({"decidedBy", "decidedAt", "answer"})

PROPOSAL: View = (
    *(replace(column, table=0) if column.key in _DECIDED else column for column in PROPOSALS),
    Column("notes"),
    Column("moved", title="MOVED SINCE"),
    Column("summary", table=None),
    Column("changes", table=None),
)

RETENTION: View = (
    Column("name", title="RULE", whole=True),
    Column("action", whole=True),
    Column("due"),
    Column("of"),
    Column("before", table=90, whole=True),
    Column("oldest", table=80, whole=True),
    Column("held", table=60),
    Column("undated", table=100),
    Column("last", title="KEPT LAST", table=110),
    Column("protected", table=120),
    Column("active", table=130),
)

HOLDS: View = (
    Column("id", table=150, whole=True, collection="chatctl_holds"),
    Column("name", whole=True),
    Column("state", state=True),
    Column("users", table=60),
    Column("conversations", table=60),
    Column("placed", table=70, whole=True),
    Column("actor", table=100),
    Column("reason", table=80),
    Column("released", table=120, whole=True),
)

_LISTED_BELOW: Final = frozenset({"users", "conversations"})

HOLD: View = (
    *(replace(column, table=None if column.key in _LISTED_BELOW else 0) for column in HOLDS),
    Column("kept", table=None),
)

HELD_USERS: View = (Column("id", whole=True), Column("username", title="USER", absent="deleted user"))

HELD_CONVERSATIONS: View = (Column("id", whole=True), Column("title", title="CONVERSATION"))

HELD_DOCUMENTS: View = (Column("collection"), Column("documents", title="KEPT"))

HELD_NOW: View = (
    Column("hold", whole=True),
    Column("collection"),
    Column("placed", title="KEPT"),
    Column("now"),
    Column("gone"),
    Column("examples", title="GONE IDS", table=80),
)

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
    Column("twoPeople", title="TWO PEOPLE"),
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
    Column("state", state=True),
    Column("collection", table=60),
    Column("keys", table=80),
    Column("unique", table=90),
    Column("partial", table=100),
    Column("message", table=80),
)

ASSERTIONS: View = tuple(Column(key) for key in ("passed", "role", "expected", "permission", "place", "message"))

FOUND: View = (
    Column("severity", title="", state=True),
    Column("rule", whole=True),
    Column("count", whole=True),
    Column("example"),
)

FINDINGS: View = tuple(Column(key) for key in ("rule", "severity", "count", "examples", "effect", "fix"))

FIGURES: View = (Column("figure", title=" "), Column("total"), Column("most"), Column("curve", title=" "))

STATUSES: View = (Column("status", state=True), Column("users"))

MEMBERS: View = (Column("name", title="ROLE"), Column("users"))

SENDERS: View = (
    Column("id", whole=True, collection="User"),
    Column("username", title="MOST MESSAGES BY"),
    Column("messages"),
)
