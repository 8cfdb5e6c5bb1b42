"""Files of people, in the formats of an export, read row by row and checked."""

from seeds.imports.columns import COLUMNS
from seeds.imports.importing import Import, read
from seeds.imports.layout import Layout, layout

__all__ = ["COLUMNS", "Import", "Layout", "layout", "read"]
