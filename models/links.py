"""The links between documents: four two-sided links, and the references of children to their parent.

A two-sided link is stored twice: each of the two documents lists the id of the other document. The application writes
both lists, but reads only one of them. A reference to a parent is required, and is stored only in the child. The
application has no index for most fields with a reference to a parent.
"""

from typing import Final, NamedTuple


class Link(NamedTuple):
    """A many-to-many link between two collections.

    `field` in documents of `collection` lists ids of `other`; `other_field` in documents of `other` lists ids of
    `collection`.
    """

    collection: str
    field: str
    other: str
    other_field: str


class Owned(NamedTuple):
    """A required reference of a child to its parent: `field` in `collection` is the id of a document in `parent`."""

    collection: str
    field: str
    parent: str


USER_ROLES = Link("User", "rolesIds", "Role", "userIds")
ROLE_PERMISSIONS = Link("Role", "permissionsIds", "Permission", "rolesIds")
USER_CONVERSATIONS = Link("User", "conversationIds", "Conversation", "userIds")
USER_SEEN_MESSAGES = Link("User", "seenMessageIds", "Message", "seenIds")

LINKS = (USER_ROLES, ROLE_PERMISSIONS, USER_CONVERSATIONS, USER_SEEN_MESSAGES)

OTHER_SIDES = {(link.collection, link.field): (link.other, link.other_field) for link in LINKS} | {
    (link.other, link.other_field): (link.collection, link.field) for link in LINKS
}
"""One side of each two-sided link → the other side of this link. Each side is a pair (collection, field)."""

PROFILE_USER = Owned("Profile", "userId", "User")
ACCOUNT_USER = Owned("Account", "userId", "User")
MESSAGE_CONVERSATION = Owned("Message", "conversationId", "Conversation")

OWNED = (
    PROFILE_USER,
    ACCOUNT_USER,
    MESSAGE_CONVERSATION,
    Owned("Message", "senderId", "User"),
)

COLLECTIONS: Final = frozenset({*(name for name, _ in OTHER_SIDES), *(owned.collection for owned in OWNED)})
"""The names of the seven collections."""
