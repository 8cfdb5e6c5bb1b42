"""Draw pictures of the output of real commands on a terminal: `uv run python docs/pictures.py`."""

import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "docs" / "pictures"
COLUMNS: Final = 80
PICTURES: Final = {
    "users": ["users list", "users can ada message.delete"],
    "matrix": ["roles matrix"],
    "dossier": ["users show ada"],
    "transcript": ["conversations transcript 'Night shift' --no-ids", "messages search 'wire the'"],
    "suspend": [
        "users list --search bob --columns username,email,status",
        "users suspend bob --reason 'stolen laptop'",
        "users list --search bob --columns username,email,status",
        "audit undo ID",
    ],
    "check": ["db check"],
}
"""Picture → its commands. The word ID in a command means the id in the last `audit undo` line of the output."""
DAMAGE: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "User": ({"username": "alan"}, {"$set": {"status": "BANNED"}}),
    "Role": ({"name": "viewer"}, {"$set": {"userIds": []}}),
    "Conversation": ({"name": "lobby"}, {"$currentDate": {"lastMessageAt": True}}),
}
"""Collection → (filter, update) that damages a document before the picture of `db check` is drawn."""
FORMAT: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""The SVG format of Rich with fonts that exist on every machine. Rich itself would load fonts from the network."""


def typed(line: str) -> str:
    """Run a command on a terminal, answer yes to its questions, and return its output."""
    seen = b""

    def read(terminal: int) -> bytes:
        nonlocal seen
        part = os.read(terminal, 65536)
        seen += part
        if seen.endswith(b"[y/N] "):
            os.write(terminal, b"y\n")
        return part

    pty.spawn(["chatctl", *shlex.split(line)], read)
    return seen.decode().replace("\r\n", "\n")


def draw(name: str, lines: list[str]) -> None:
    """Run commands, and draw them with their output as one picture."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: PTH123, SIM115
    undo = ""
    for line in lines:
        command = line.replace("ID", undo)
        shown = typed(command).replace(f"@{os.uname().nodename}", "@office")  # Hide the name of this machine.
        undo = next(iter(re.findall(r"audit undo ([0-9a-f]{24})", shown)), undo)
        console.print(Text.assemble(("$ ", "dim"), (f"chatctl {command}", "bold")))
        console.print(Text.from_ansi(shown))
    console.save_svg(str(FOLDER / f"{name}.svg"), title="chatctl", code_format=FORMAT, unique_id=f"chatctl-{name}")


def main() -> None:
    """Fill an embedded database with the users of the documentation, and draw the pictures."""
    sys.path += [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "docs")]
    import office

    from database import connection

    with tempfile.TemporaryDirectory() as home:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        os.environ.clear()
        os.environ |= {"HOME": home, "PATH": path, "CHATCTL_LOCAL": "1", "CHATCTL_LOCAL_DIR": f"{home}/local"}
        os.environ |= {
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
            "LANG": "C.UTF-8",
            "LOGNAME": "grace",
            "PAGER": "cat",
        }
        os.chdir(home)
        connection.choose(local=True)
        database = connection.database()
        office.settle(lambda *line: subprocess.run(["chatctl", *line], check=True), database)  # noqa: S603, S607
        typed("db indexes --apply")
        for name, lines in PICTURES.items():
            if name == "check":
                for collection, (which, change) in DAMAGE.items():
                    database[collection].update_one(which, change)
            draw(name, lines)
        connection.close()
        typed("db stop")


if __name__ == "__main__":
    main()
