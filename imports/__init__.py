"""Files with users to import (CSV, JSON, NDJSON, YAML), which are read and checked row by row.

Start reading at `importing.read`. One of the `readers` reads the rows of a file. The `Layout` says which column of an
import each header means. Then `columns.check` checks each row, and makes a `Person` of it.

The folder `products/` has one YAML file for each other product, which describes the files that the product exports.
`importing` refuses a file if it does not fit the chosen product, and `products.translating` makes the cells of each
row. Add a new column to `columns`, and a new format to `formats`.
"""

from imports.columns import COLUMNS
from imports.importing import Import, read
from imports.layout import Layout, layout

__all__ = ["COLUMNS", "Import", "Layout", "layout", "read"]
