"""Actions on the whole database, for the commands of the group `db`.

Each module is imported at its first use. Start reading at `server.status`, or at `checking.check`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
