"""The links between documents: four two-sided links, and the references of children to their parent.

A two-sided link is stored in a list of each document. The application writes both lists, and reads only one of them. A
reference to a parent is required, and is stored only in the child. Most fields with such a reference have no index in
the application.
"""

from typing import Final, NamedTuple


class Link(NamedTuple):
    """A many-to-many link.

    `field` of `collection` lists ids of `other`, and `other_field` lists ids of `collection`.
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
"""(collection, field) of one side of a link → (collection, field) of the other side, for both sides of every link."""

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
