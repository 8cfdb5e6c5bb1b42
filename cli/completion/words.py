"""What the values of parameters are, by what their help calls them."""

from typing import Final

from cli import views

NAMES: Final = {
    "USER": "User",
    "USER USER": "User",
    "USER|ID": "User",
    "ROLE": "Role",
    "PERMISSION": "Permission",
    "CONVERSATION": "Conversation",
}
"""Parameters that take a name of the database, by what their help calls the value."""

WORDS: Final = {
    "STATUS": ("ACTIVE", "SUSPENDED", "EMAIL_VERIFIED"),
    "COLLECTION": ("User", "Account", "Profile", "Role", "Permission", "Conversation", "Message"),
    "RULE": (
        "bad-password-hash",
        "dangling-link",
        "duplicate-direct",
        "duplicate-key",
        "duplicate-link",
        "email-case",
        "foreign-seen",
        "foreign-sender",
        "invalid-text",
        "lone-conversation",
        "misnamed-index",
        "missing-field",
        "missing-index",
        "missing-parent",
        "null-list",
        "one-sided-link",
        "other-collection",
        "oversized",
        "second-profile",
        "secret-in-trail",
        "stale-last-message",
        "status-mismatch",
        "string-id",
        "unknown-status",
        "unsynced-copy",
        "wrong-type",
    ),
}
"""Words that the floors below have, too, but only with the driver."""


VIEWS: Final = {
    "users": views.USERS,
    "roles": views.ROLES,
    "permissions": views.PERMISSIONS,
    "conversations": views.CONVERSATIONS,
    "messages": views.MESSAGES,
    "audit": views.EVENTS,
}
"""What `--columns` takes in each group."""

SORTED_BY: Final = {
    "users": ("email", "username", "name", "status", "createdAt", "updatedAt", "lastLogin", "emailVerified"),
    "roles": ("name",),
    "permissions": ("name",),
    "conversations": ("lastMessageAt", "created_at", "name"),
    "messages": ("createAt",),
    "audit": ("at", "command"),
}
