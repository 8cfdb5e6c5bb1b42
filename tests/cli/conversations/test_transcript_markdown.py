"""A transcript as Markdown. A Markdown parser finds in it exactly the texts that users wrote."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from people import Documents, conversation, messages, person

from actions.display_names import TitledConversation
from cli.conversations.chat import markdown
from cli.output.text import safe
from database.listing import Row
from tests.conftest import Chatctl

READERS = [
    MarkdownIt("gfm-like"),
    MarkdownIt("gfm-like", {"typographer": False}).enable(["linkify", "table", "strikethrough"]),
    MarkdownIt("commonmark"),
]
OURS = {"heading", "paragraph", "blockquote", "inline", "strong", "text", "code_inline", "hardbreak", "softbreak"}

HOSTILE = (
    "[a](javascript:alert(1))",
    "![a](http://x)",
    "<script>alert(1)</script>",
    "<http://x>",
    "&lt;b&gt; &#60; &nbsp;",
    "# heading",
    "a\n===",
    "a\n---",
    "***",
    "- a\n+ b\n* c\n1. d\n1) e\n- [ ] f",
    "| a | b |\n|---|---|\n| c | d |",
    "a\n:-:",
    "a | b\n- | -",
    "```\nswallowed",
    "~~~\nswallowed",
    "    code",
    "\tcode",
    "> quoted",
    "a  \nb\\\nc",
    "\n\na\n\n\nb",
    "www.example.com https://x.org x@y.org example.com //localhost mailto:a@b.c ftp://x WWW.x.org",
    "`a` ``b`` `https://x`` `@`",
    "*a* _b_ __c__ ~~d~~ a_b_c $x$ ^y^",
    "[a]: http://x\n\n[a]",
    "[^1]: note",
    "\\[a\\](b) \\",
    "\u3000wide\u00a0 ",
    "\x1b[31m\u202e\0\r",
    "2026. was",
    "=",
    "@",
    "**",
    "head\n:-:\ncell",
    "a@`b",
    "`@",
    "<!-- swallowed",
)
text = st.one_of(st.text(), st.text("\\`*_{}[]()<>#+-.!|~&$^:=@/ \t\nwa1;\"'"), st.sampled_from(HOSTILE))


def transcript(title: str) -> Any:
    class Transcript:
        place = TitledConversation("1", title, [{"id": "1", "username": title}, {"id": "2", "username": "bob"}])
        began = marked = None
        reaches_end, description = True, ""

    return Transcript


def row(name: str, body: str | None, image: str | None = None) -> Row:
    people = [{"id": "1", "username": name}, {"id": "2", "username": name}]
    common = {"id": 1, "createAt": None, "senderId": "1", "sender": people[0], "seen": people, "unseen": people}
    return common | {"body": body, "image": image}


def flat(tokens: list[Any]) -> Iterator[Any]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def paragraphs(reader: MarkdownIt, source: str) -> list[str]:
    """Return the text of each paragraph and heading. Any Markdown that chatctl does not write itself is an error."""
    found = []
    for token in flat(reader.parse(source)):
        assert token.type.removesuffix("_open").removesuffix("_close") in OURS, (token.type, source)
        if token.type == "inline":
            found.append("")
        elif token.type in {"text", "code_inline"}:
            found[-1] += token.content
        elif token.type in {"hardbreak", "softbreak"}:
            found[-1] += "\n"
    return found


def shown(body: str) -> str:
    """Return a text of a user as the parser should find it: safe to print, with the spaces at the start of lines."""
    lines = safe(body.replace("\r\n", "\n"), lines=True).rstrip().split("\n")
    return "\n".join(re.sub("^[ \t]+", lambda blanks: "\u00a0" * len(blanks[0]), line) for line in lines)


def assert_is_text(name: str, body: str, title: str) -> None:
    rows = [row(name, body), row(name, "next"), row(name, None, f"x{body}")]
    source = "".join(markdown.pieces(transcript(title), iter(rows)))
    for reader in READERS:
        read = paragraphs(reader, source)
        assert "next" in read
        assert (shown(body) if body.strip() else "(empty)") in read


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_messages_and_names_are_not_read_as_markdown(hostile: str) -> None:
    assert_is_text(hostile, hostile, hostile)


@given(text, text, text)
def test_any_text_of_users_is_not_read_as_markdown(name: str, body: str, title: str) -> None:
    assert_is_text(name, body, title)


def test_the_markdown_source_of_a_transcript_is_easy_to_read(either: Chatctl, database: Documents) -> None:
    ada, bob = (person(database, name) for name in ("ada", "b_b"))
    place = conversation(database, ada, bob, name="Lobby")
    first, second, *_ = messages(database, place, ada, "hello", "1. one\n\n  - two", "mail x@y.org now", "more")
    database["Message"].update_one({"_id": second}, {"$set": {"image": "https://x.org/<1>.png"}})
    database["Message"].update_one({"_id": first}, {"$set": {"senderId": bob}})
    assert (
        either("conversations", "transcript", "Lobby", "-o", "markdown").stdout
        == """\
# Lobby

ada, b\\_b · began Thursday, 1 January 2026 · times in UTC

## Thursday, 1 January 2026

**b\\_b** 00:01

> hello

**ada** 00:02

> 1\\. one\\
> \\
> &nbsp;&nbsp;\\- two\\
> image: <https://x.org/%3C1%3E.png>

> mail `x@y.org` now

> more

not seen by b\\_b
"""
    )
    around = either("conversations", "transcript", "Lobby", "-o", "markdown", "--around", first).stdout
    assert "\n> **→** hello\n" in around


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://a b", "http://x\n", "//x.org", "[a](http://x)"])
def test_only_http_and_https_urls_are_links(address: str) -> None:
    source = "".join(markdown.pieces(transcript("x"), iter([row("a", None, address)])))
    for reader in READERS:
        assert paragraphs(reader, source)


def test_a_link_leads_to_the_url_that_it_shows() -> None:
    source = "".join(markdown.pieces(transcript("x"), iter([row("a", None, 'https://x/"<b>\\`)*')])))
    links = [token.attrs["href"] for token in flat(READERS[2].parse(source)) if token.type == "link_open"]
    assert links == ["https://x/%22%3Cb%3E%5C%60)*"]
