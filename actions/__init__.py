"""The actions of chatctl and the rules for them: a module or package for each noun, a function for each command.

- `users`, `roles`, `permissions`, `access`, `conversations`, `messages`, `proposals`, `audit`, `holds`, `retention`,
  `contexts`, `database`: the nouns. A command calls the function of the same name: `chatctl users suspend` calls
  `users.suspend`. A function that changes data returns a `Changeset`; the command previews and applies it. A function
  that lists data returns a `Listing`.
- `rules`: the rules for every change. `rules.checked_changeset` makes a changeset, and checks these rules for it.
- `lookup`: finds the documents that a typed name or id means. `queries`: reads documents by ids, values and
  references, and makes filters.
- `display_names`, `question_items`, `plan_files`, `csv_cells`, `cascading_deletion`, `wrong_id_types`, `completion`:
  shared by several nouns. `errors`: the errors that actions raise.

Start reading at `users.status.suspend`. Modules are imported on first use, so that help needs no database driver.
"""

from typing import Final

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

SORTABLE: Final = {
    "users": ("email", "username", "name", "status", "createdAt", "updatedAt", "lastLogin", "emailVerified"),
    "roles": ("name",),
    "permissions": ("name",),
    "conversations": ("lastMessageAt", "created_at", "name"),
    "messages": ("createAt",),
    "audit": ("at", "command"),
    "holds": ("name", "placed", "released"),
    "proposals": ("at", "command"),
}
"""The fields by which each list can be sorted. Every list can also be sorted by id.

This table is here, and not in the modules of the lists, so that help and completion do not load the database driver.
"""
