"""Write files that only their owner can read."""

import os
from pathlib import Path
from typing import Final

MODE: Final = 0o600


def write(path: Path, data: bytes) -> None:
    """Write a file completely or not at all. The caller must prevent that another process writes the same file."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
