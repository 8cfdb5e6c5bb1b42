"""Pages of HTML that stand alone: no script, nothing loaded, and what people wrote stays text whatever it says."""

import base64
import hashlib
import html
from pathlib import Path
from typing import Any, Final

from cli.output.text import WEB, cell
from cli.output.text import passage as in_lines

LONGEST_ADDRESS: Final = 200
"""Characters of an address that are shown; an image can be one of a million."""

CLOSING: Final = "</body>\n</html>\n"


def opening(title: str) -> str:
    """Return a page up to its body; its style is allowed by what it is, and nothing else is allowed."""
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
    """Write a value as text of the page."""
    return html.escape(cell(value))


def isolated(value: Any) -> str:
    """Write what a person wrote: in a direction of its own, so that it leaves what stands around it in place."""
    return f"<bdi>{text(value)}</bdi>"


def passage(written: str) -> str:
    """Write what a person wrote in lines."""
    return f'<bdi class="passage">{html.escape(in_lines(written))}</bdi>'


def address(url: str) -> str:
    """Write an address, as a link where it leads to the web and nowhere else."""
    shown = isolated(url if len(url) <= LONGEST_ADDRESS else f"{url[:LONGEST_ADDRESS]}…")
    if not WEB.fullmatch(url):
        return shown
    return f'<a href="{html.escape(url)}" rel="noreferrer noopener">{shown}</a>'
