"""Import files: users from CSV, JSON, NDJSON and YAML, read row by row and checked.

Start with `importing.read`. A file goes through a reader (`csv_rows`, `object_rows`), which finds the column of each
header by the `Layout`, then through `columns.check`, which makes a person of each row.

To import from another product, add its layout: which header means which column, and where the list of users is. The
layouts of products belong in the folder `products/`, one YAML file for each, and `layout.layout` builds a `Layout`.
A new column is added to `columns`, and a new format to `formats`.
"""

from imports.columns import COLUMNS
from imports.importing import Import, read
from imports.layout import Layout, layout

__all__ = ["COLUMNS", "Import", "Layout", "layout", "read"]
