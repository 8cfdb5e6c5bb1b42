"""Which documents refer to which: the four two-sided links, and the one-sided references.

The application writes both arrays of a link and reads either; the other references are required and have no index.
"""

from typing import NamedTuple


class Link(NamedTuple):
    """A many-to-many link: `field` of `collection` holds ids of `other`, whose `other_field` holds the ids back."""

    collection: str
    field: str
    other: str
    other_field: str


class Owned(NamedTuple):
    """A required reference: `field` of `collection` is the id of one document of `parent`."""

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
"""Collection and field of either side of a link → those of the other."""

PROFILE_USER = Owned("Profile", "userId", "User")
ACCOUNT_USER = Owned("Account", "userId", "User")
MESSAGE_CONVERSATION = Owned("Message", "conversationId", "Conversation")

OWNED = (
    PROFILE_USER,
    ACCOUNT_USER,
    MESSAGE_CONVERSATION,
    Owned("Message", "senderId", "User"),
)
