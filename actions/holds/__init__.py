"""Legal holds: place and release them, list them, find deleted documents, and export what holds keep.

`changes.holds` says what a hold keeps, and `changes.losses` refuses the changes that would lose it. Start reading at
`placing.add`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
