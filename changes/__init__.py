"""The only package that writes documents: it plans changes, shows, applies and records them, and can undo them.

Start reading at `changes.applying.apply`. docs/architecture.md explains the words and the invariants.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
