"""The access of users: report problems in roles and permissions, and review the roles of users. Start at `report`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
