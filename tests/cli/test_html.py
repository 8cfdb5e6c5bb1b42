"""The functions that make the parts of an HTML page."""

import base64
import hashlib
import re

import pytest

from cli.output import html


def test_a_page_allows_its_own_style_sheet_and_nothing_else() -> None:
    source = html.opening("a & b")
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', source)
    style = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert policy is not None
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1] == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "<title>a &amp; b</title>" in source
    assert not re.search(r"url\(|@import|http:|https:", source)


@pytest.mark.parametrize("url", ["http://x", "https://x/a?b=c&d='e'", 'HTTPS://x/"><b>'])
def test_an_http_or_https_url_is_a_link(url: str) -> None:
    assert html.address(url).startswith('<a href="')
    assert html.address(url).count(">") == 4


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//x",
        "x",
        "",
        "http://a b",
        "http://x\n",
        "http://\u202ex",
        "ftp://x",
    ],
)
def test_other_urls_are_shown_as_text(url: str) -> None:
    assert html.address(url).startswith("<bdi>")


def test_a_text_keeps_its_lines_and_is_never_read_as_html() -> None:
    assert html.passage("a\r\nb\t\rc\x1b<") == '<bdi class="passage">a\nb\t\\rc\\x1b&lt;</bdi>'
    assert html.isolated("a\nb") == r"<bdi>a\nb</bdi>"
