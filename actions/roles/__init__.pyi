from .changing import copy, create, delete, grant, rename, revoke
from .listing import diff, find, matrix, show

__all__ = ["copy", "create", "delete", "diff", "find", "grant", "matrix", "rename", "revoke", "show"]
