"""The actions of the commands of `chatctl users`.

`listing` finds and shows users. `access` tells what users may do and changes their roles. `creating`, `status`,
`deleting`, `erasing` and `merging` change users. `importing`, `exporting` and `personal_data` read files or make their
contents. Start reading at `status.suspend`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
