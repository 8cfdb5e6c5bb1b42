"""Files of people, in the formats of an export, read row by row and checked."""

from imports.columns import COLUMNS
from imports.importing import Import, read
from imports.layout import Layout, layout

__all__ = ["COLUMNS", "Import", "Layout", "layout", "read"]
