"""Import files: users from CSV, JSON, NDJSON and YAML, read row by row and checked.

Start with `importing.read`. A file goes through one of the `readers`, which finds the column of each
header by the `Layout`, then through `columns.check`, which makes a person of each row.

The files of other products are described in the folder `products/`, one YAML file for each. `importing` refuses a
file that is read as the wrong product, and `products.translating` makes the cells of each row. A new column is added
to `columns`, and a new format to `formats`.
"""

from imports.columns import COLUMNS
from imports.importing import Import, read
from imports.layout import Layout, layout

__all__ = ["COLUMNS", "Import", "Layout", "layout", "read"]
