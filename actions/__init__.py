"""The actions of chatctl: a module or package for each kind of data, and a function for each command.

- `users`, `roles`, `permissions`, `access`, `conversations`, `messages`, `proposals`, `audit`, `holds`, `retention`,
  `contexts`, `database`: the kinds of data. A command calls the function of the same name: `chatctl users suspend`
  calls `users.suspend`. A function that changes data returns a `Changeset`; the command previews and applies it. A
  function that lists data returns a `Listing`.
- `rules`: the rules for every change. `rules.checked_changeset` makes a changeset and checks the rules.
- `lookup`: finds the document that a typed name or id means. `queries`: reads documents by ids, values and references,
  and makes filters.
- `display_names`, `question_items`, `plan_files`, `csv_cells`, `cascading_deletion`, `wrong_id_types`, `completion`:
  used by several of the modules above. `errors`: the errors that actions raise.

Start reading at `users.status.suspend`. Each module is imported at its first use, so that `--help` does not load the
database driver.
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

The modules of the lists load the database driver. This table is in another module, because `--help` and completion need
it without the driver.
"""
