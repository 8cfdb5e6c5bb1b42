"""The actions on conversations: one function for each command. Start at `find` (a list) or `add` (a change)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
