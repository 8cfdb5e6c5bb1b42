"""Command lines as somebody would type them, run in this process."""

import os
from collections.abc import Iterable
from functools import cache
from typing import Any

Line = tuple[str, ...]


def run(line: Line) -> None:
    """Run a command line; what goes wrong in it is raised."""
    _root().run(["--local", *line])


def written(line: Line) -> str:
    """Write a command line so that it can be typed where this run was: `uv run` leaves no chatctl behind."""
    from cli.output.text import quoted

    through: Iterable[str] = ("uv", "run") if "UV_RUN_RECURSION_DEPTH" in os.environ else ()
    return quoted([*through, "chatctl", "--local", *line])


@cache
def _root() -> Any:
    from typer.main import get_command

    from cli.app import app

    return get_command(app)
