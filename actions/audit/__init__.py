"""The audit trail: list and show its events, undo them, and delete old events. Start reading at `find` or `undo`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
