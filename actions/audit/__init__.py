"""The audit trail: list and show events, undo them, and prune old ones. Start reading at `find`, or at `undo`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
