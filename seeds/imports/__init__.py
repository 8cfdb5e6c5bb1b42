"""Files of people, in the formats of an export, read row by row and checked."""

from seeds.imports.importing import Import, read

__all__ = ["Import", "read"]
