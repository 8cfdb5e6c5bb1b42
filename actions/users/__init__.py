"""The actions of the commands of `chatctl users`.

`listing` finds and shows users. `access` says what users may do. `creating`, `granting`, `status`, `deleting`,
`erasing` and `merging` change users. `importing` reads files; `exporting` and `personal_data` make the contents of
files. Start reading at `status.suspend`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
