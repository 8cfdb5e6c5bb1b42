"""HTML pages without scripts or external files. What people wrote is always shown as text."""

import base64
import hashlib
import html
from pathlib import Path
from typing import Any, Final

from cli.output.text import WEB, cell
from cli.output.text import passage as in_lines

LONGEST_ADDRESS: Final = 200
"""Characters of an address that are shown; the address of an image can have a million."""

CLOSING: Final = "</body>\n</html>\n"


def opening(title: str) -> str:
    """Return the beginning of a page, up to its body. The policy allows the style by its hash, and nothing else."""
    style = Path(__file__).with_name("page.css").read_text("utf-8")
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{text(title)}</title>
<style>{style}</style>
</head>
<body>
"""


def text(value: Any) -> str:
    """Return a value as text of the page."""
    return html.escape(cell(value))


def isolated(value: Any) -> str:
    """Return what a person wrote, isolated: its writing direction does not change the text around it."""
    return f"<bdi>{text(value)}</bdi>"


def passage(written: str) -> str:
    """Return what a person wrote, with its line breaks."""
    return f'<bdi class="passage">{html.escape(in_lines(written))}</bdi>'


def address(url: str) -> str:
    """Return an address, as a link if it is a web address."""
    shown = isolated(url if len(url) <= LONGEST_ADDRESS else f"{url[:LONGEST_ADDRESS]}…")
    if not WEB.fullmatch(url):
        return shown
    return f'<a href="{html.escape(url)}" rel="noreferrer noopener">{shown}</a>'
