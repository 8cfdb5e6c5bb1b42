"""Access: report problems in the roles and permissions of users, and review them. Start reading at `report`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
