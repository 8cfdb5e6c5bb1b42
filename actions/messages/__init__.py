"""Actions on messages. Start reading at `find` (a list) or `send` (a change)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
