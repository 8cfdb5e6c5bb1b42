"""Legal holds: place, release and list them, find out which held documents are gone, and export what holds keep.

`changes.holds` says which data a hold keeps. `changes.losses` refuses changes that would lose these data. Start reading
at `placing.add`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
