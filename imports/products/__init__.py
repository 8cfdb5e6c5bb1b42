"""Import files from other products. For each product, a YAML file in this folder describes the exported files.

Start reading at `choosing`, which detects the product of a file and loads the description of a product. `description`
reads a YAML file into a `Product`. `translating` makes the cells of an import from the records of an exported file, and
`values` finds and reads single values. CONTRIBUTING.md says how to add a product.
"""

from imports.products.choosing import MAX_MISSING, Beginning, is_of, load, names, read, recognized
from imports.products.description import Product
from imports.products.translating import Translation

__all__ = ["MAX_MISSING", "Beginning", "Product", "Translation", "is_of", "load", "names", "read", "recognized"]
