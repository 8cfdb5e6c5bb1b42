"""Write the help texts, the commands and the rules into the pages of docs/: `uv run python docs/generate.py`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from typer.main import get_command

from actions.database.checking.rule import Rule
from actions.database.checking.rules import all_rules
from cli.app import app
from cli.commands import COMMANDS, GROUPS

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
NAMES: Final = [str(path.relative_to(ROOT)) for path in PAGES]
PART: Final = re.compile(r"(<!-- (\w+)(?:: ([\w-]+))? -->\n).*?(<!-- end -->)", re.DOTALL)
PICTURE: Final = re.compile(r'(<img src="([\w/.-]+\.svg)" alt="[^"]+") width="\d+" height="\d+"')
WIDTH: Final = 800
"""The width of a picture in pixels. A README page has room for this width."""
COLUMNS: Final = 78
"""The width of help texts, as on a terminal with 80 columns."""
CASES: Final = {
    "Message.None": "a `Message` of more than 8 MiB",
    "$2y$": "a hash that starts with `$2y$`",
    "twice": "two users with the same address",
}
"""A key of `Rule.fixes` → the words for this case in docs/rules.md.

Most keys of `Rule.fixes` are names of fields like `User.email`. The page prints them without other words.
"""


def generated(page: str) -> str:
    """Return a page in which all generated parts, and the sizes of the pictures, are written again."""
    page = PART.sub(lambda part: f"{part[1]}{PARTS[part[2]](part[3])}{part[4]}", page)
    return PICTURE.sub(lambda found: f"{found[1]} {_size(ROOT / found[2])}", page)


def _size(picture: Path) -> str:
    """Return the HTML attributes for the size of a picture. Without them, the text moves while the page loads."""
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture.read_text("utf-8"))[0]
    return f'width="{WIDTH}" height="{round(float(height) / float(width) * WIDTH)}"'


def contexts(name: str) -> Iterator[Any]:
    """Yield the Click contexts that print help: of the program, of a single command, or of a group and its commands."""
    size = {"terminal_width": COLUMNS, "max_content_width": COLUMNS}
    root: Any = get_command(app)
    with root.make_context("chatctl", [], resilient_parsing=True, **size) as above:
        if name == "chatctl":
            yield above
            return
        command = root.get_command(above, name)
        with command.make_context(name, [], parent=above, resilient_parsing=True) as context:
            yield context
            for below in command.list_commands(context) if name in GROUPS else ():
                one = command.get_command(context, below)
                with one.make_context(below, [], parent=context, resilient_parsing=True) as of_command:
                    yield of_command


def _help(name: str) -> str:
    first, *others = contexts(name)
    shown = [_block(first)]
    shown += [f"### {one.command_path.removeprefix('chatctl ')}\n\n{_block(one)}" for one in others]
    return "\n".join(shown)


def _block(context: Any) -> str:
    return f"```text\n{context.get_help()}\n```\n"


def _commands(_: str) -> str:
    rows = ["| group | for | commands |", "|---|---|---|"]
    for name, text in GROUPS.items():
        group: Any = get_command(app).get_command(None, name)  # type: ignore[attr-defined]
        names = " ".join(f"`{one}`" for one in group.list_commands(None))
        rows.append(
            f"| [`{name}`](docs/{name}.md) | {_in_a_row(text.removeprefix(f'{name.capitalize()}: '))} | {names} |"
        )
    rows += [f"| [`{name}`](docs/README.md#{name}) | {_in_a_row(text)} | |" for name, text in COMMANDS.items()]
    return "\n".join(rows) + "\n"


def _in_a_row(text: str) -> str:
    return text[0].lower() + text[1:].removesuffix(".")


def _rules(_: str) -> str:
    parts = []
    for rule in all_rules():
        about = str(rule.__doc__).partition("\n")[0]
        fixes = [f"- **To fix it:** {_fix(rule, rule.fix)}"]
        fixes += [f"  - {CASES.get(case, f'`{case}`')}: {_fix(rule, fix)}" for case, fix in rule.fixes.items()]
        parts.append(
            "\n".join(
                [f"### {rule.name} ({rule.severity})\n", f"{about}\n", f"- **Effect:** {rule.effect}", *fixes, ""]
            )
        )
    return "\n".join(parts)


def _fix(rule: type[Rule], fix: str) -> str:
    return fix.format(name=rule.name, id="ID", collection="COLLECTION", field="FIELD", value=["VALUE", "ID"])


PARTS: Final[dict[str, Callable[[str], str]]] = {"help": _help, "commands": _commands, "rules": _rules}

if __name__ == "__main__":
    for path in PAGES:
        path.write_text(generated(path.read_text("utf-8")), "utf-8")
