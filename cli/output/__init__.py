"""Print the output of commands: the same values as a table for people, or in a format for programs.

Start reading at `printing.Output.rows` for a list, and at `applying.apply` for a write. Modules are imported on first
use, so that help stays fast.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
