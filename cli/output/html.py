"""Make HTML pages without scripts or external files. Texts of users are escaped, so they are never read as HTML."""

import base64
import hashlib
import html
from pathlib import Path
from typing import Any, Final

from cli.output.text import WEB, cell
from cli.output.text import passage as in_lines

LONGEST_ADDRESS: Final = 200
"""The most characters of a URL that a page shows. The URL of an image can have a million characters."""

CLOSING: Final = "</body>\n</html>\n"


def opening(title: str) -> str:
    """Return the beginning of a page, up to its body. Its security policy allows only the style sheet in the page."""
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
    """Return a value as text for an HTML page, with special characters escaped."""
    return html.escape(cell(value))


def isolated(value: Any) -> str:
    """Return a text of a user for an HTML page.

    A right-to-left text does not change the direction of the text around it.
    """
    return f"<bdi>{text(value)}</bdi>"


def passage(written: str) -> str:
    """Return a text of a user for an HTML page, with its line breaks."""
    return f'<bdi class="passage">{html.escape(in_lines(written))}</bdi>'


def address(url: str) -> str:
    """Return a URL for an HTML page: as a link if it begins with http or https, otherwise as text."""
    shown = isolated(url if len(url) <= LONGEST_ADDRESS else f"{url[:LONGEST_ADDRESS]}…")
    if not WEB.fullmatch(url):
        return shown
    return f'<a href="{html.escape(url)}" rel="noreferrer noopener">{shown}</a>'
