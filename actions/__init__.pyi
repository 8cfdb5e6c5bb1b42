from . import (
    access,
    audit,
    contexts,
    conversations,
    database,
    holds,
    lookup,
    messages,
    permissions,
    plan_files,
    proposals,
    queries,
    question_items,
    roles,
    users,
    wrong_id_types,
)

__all__ = [
    "access",
    "audit",
    "contexts",
    "conversations",
    "database",
    "holds",
    "lookup",
    "messages",
    "permissions",
    "plan_files",
    "proposals",
    "queries",
    "question_items",
    "roles",
    "users",
    "wrong_id_types",
]

SORTABLE: dict[str, tuple[str, ...]]
