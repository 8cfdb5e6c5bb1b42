"""Load the description of a product by its name, and detect the product of a file by its headers or keys."""

import csv
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from database.errors import InvalidInputError, NotFoundError
from database.wording import counted, shown
from imports.formats import DELIMITERS
from imports.products.description import Product, described
from imports.products.values import truth

SHOWN: Final = 8
"""The most faults of a description that a message lists."""
MAX_MISSING: Final = 2
"""The most cells that may be missing at the end of the first row, if the files of a product have no header."""

_KEY: Final = re.compile(r'"([^"\\\n]{1,100})"\s*:')
_PLAIN_KEY: Final = re.compile(r"^[ -]*([\w$.-]{1,100}):", re.MULTILINE)
_FOLDER: Final = files("imports.products")


def names() -> list[str]:
    """Return the names of all products, as the option `--from` accepts them."""
    return sorted(file.name.removesuffix(".yaml") for file in _FOLDER.iterdir() if file.name.endswith(".yaml"))


@cache
def load(name: str) -> Product:
    """Read the description of a product that ships with chatctl, from the YAML file in this folder."""
    file = f"{name}.yaml"
    return _sound(_FOLDER.joinpath(file).read_bytes(), file)


def read(path: str) -> Product:
    """Read the description of a product from a file of the user. Raises `InvalidInputError` with the first faults."""
    try:
        return _sound(Path(path).read_bytes(), path)
    except FileNotFoundError:
        raise NotFoundError(f"the file {shown(path)} does not exist") from None
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}") from None


def _sound(data: bytes, file: str) -> Product:
    product, faults = described(data, file)
    if product is None:
        number = len(faults.found)
        hint = "nothing was written" + (f"; only the first {SHOWN} faults are shown" if number > SHOWN else "")
        what = "the description has a fault" if number == 1 else f"the description has {counted(number, 'fault')}"
        raise InvalidInputError(what, hint, tuple(faults.found[:SHOWN]))
    return product


class Beginning(NamedTuple):
    """The beginning of a file: its headers or keys in lower case and, for CSV, the cells of its first row."""

    names: frozenset[str]
    cells: Sequence[str]

    @classmethod
    def of(cls, head: str, form: str) -> "Beginning":
        if form != "csv":
            keys = _KEY.findall(head) + (_PLAIN_KEY.findall(head) if form == "yaml" else [])
            return cls(frozenset(map(str.casefold, keys)), ())
        line = head.lstrip("\ufeff").partition("\n")[0]
        rows = [next(csv.reader([line], delimiter=delimiter), []) for delimiter in DELIMITERS]
        cells = max(rows, key=len)
        return cls(frozenset(cell.strip().casefold() for cell in cells), cells)


def recognized(beginning: Beginning) -> str | None:
    """Return the name of the product that exported a file, or None if the product is unknown.

    If several products match, return the product of which the file has the most headers or keys.
    """
    sizes = {name: _size(load(name), beginning) for name in names()}
    best = max(sizes, key=lambda name: sizes[name])
    return best if sizes[best] else None


def is_of(product: Product, beginning: Beginning) -> bool:
    """Tell whether a file is an export of a product."""
    return bool(_size(product, beginning))


def _size(product: Product, beginning: Beginning) -> int:
    """Return the number of headers or keys that identify a file as an export of the product. Return 0 if it is not one.

    If the files of the product have no header, return the number of cells in the first row.
    """
    missing = len(product.header) - len(beginning.cells)
    if product.header and -1 <= missing <= MAX_MISSING:
        record = dict(zip(product.header, beginning.cells, strict=False))
        verified = product.columns["emailVerified"].get(record)
        return len(beginning.cells) if truth(verified) is not None else 0
    groups = (set(map(str.casefold, group)) for group in product.recognized)
    return max((len(group) for group in groups if group <= beginning.names), default=0)
