"""Roles: list, create, copy, rename, delete and compare them, and change their permissions. Start at `find`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
