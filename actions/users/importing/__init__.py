"""Import users: store the rows in a temporary database, compare them with existing users, write changes in batches.

`compare` decides what happens to each row. `changeset` plans the import. Start reading at `batches.changeset`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
