"""Open the files that users name on the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from database.errors import InvalidInputError, NotFoundError
from database.wording import shown


@contextmanager
def opened(name: str, stdin: BinaryIO) -> Iterator[BinaryIO]:
    """Open a file for reading, or yield standard input if the name is `-`.

    Raises `NotFoundError` if the file does not exist, and `InvalidInputError` if it cannot be read.
    """
    if name == "-":
        yield stdin
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except FileNotFoundError:
        raise NotFoundError(f"the file {shown(name)} does not exist") from None
    except OSError as error:
        raise InvalidInputError(
            f"{shown(name)} cannot be read: {(error.strerror or 'unknown reason').lower()}"
        ) from None
