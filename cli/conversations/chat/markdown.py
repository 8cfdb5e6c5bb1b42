"""A chat as Markdown, in which nothing that people wrote is more than text."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from cli.conversations.chat import (
    ChatMessage,
    LastMessage,
    Row,
    about,
    author,
    body_text,
    image,
    laid_out,
    message_id,
    readers,
)
from cli.output.text import WEB, cell, clock, safe

if TYPE_CHECKING:
    from actions.conversations import Transcript

# What many readers turn into a link by itself, whatever is escaped in it: e-mail addresses and those of the web.
_LINKED: Final = re.compile(r"@|//|www\.", re.IGNORECASE)
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>#|~&$^]|\.(?=\S)")
_BEGINS: Final = re.compile(r"^(?:\d+(?=[.)])|(?=[-+=:]))")
"""What would make a line an item of a list, a heading's underline, or part of a table."""
_BLANKS: Final = re.compile(r"(\s+)")


def pieces(transcript: "Transcript", messages: Iterable[Row], *, ids: bool = False) -> Iterator[str]:
    """Write a chat, piece by piece: who said something stands above it, each message is a quotation."""
    yield f"# {text(cell(transcript.place.title))}\n"
    if parts := about(transcript):
        yield f"\n{' · '.join(text(cell(part)) for part in parts)}\n"
    last = LastMessage(messages)
    for one in laid_out(last):
        yield _message(one, marked=transcript.marked is not None and one.row["id"] == transcript.marked, ids=ids)
    if last.row is None:
        yield "\nNo messages.\n"
    elif transcript.reaches_end and (seen := readers(last.row)):
        yield f"\n{' · '.join(f'{phrase} {text(cell(names))}' for phrase, names in seen)}\n"


def text(shown: str) -> str:
    """Write a text that is safe to show as a paragraph that says just this."""
    return "\\\n".join(map(_line, shown.rstrip().split("\n")))


def _message(one: ChatMessage, *, marked: bool, ids: bool) -> str:
    row = one.row
    begins = f"\n## {one.day}\n" if one.day else ""
    if one.first:
        begins += f"\n**{text(cell(author(row)))}** {text(clock(row['createAt']))}".rstrip() + "\n"
    parts = [text(safe(body.replace("\r\n", "\n"), lines=True))] if (body := body_text(row)).strip() else []
    if address := image(row):
        parts.append(f"image: {_address(address)}")
    quoted = "\\\n".join(parts).replace("\n", "\n> ")
    known = f"`{message_id(row)}` " if ids else ""
    return f"{begins}\n> {'**→** ' if marked else ''}{known}{quoted}\n"


def _address(address: str) -> str:
    if not WEB.fullmatch(address):
        return text(cell(address))
    return f"<{address.replace('<', '%3C').replace('>', '%3E')}>"


def _line(line: str) -> str:
    rest = line.lstrip()
    indent = ("&nbsp;" if blank in " \t" else f"&#{ord(blank)};" for blank in line[: len(line) - len(rest)])
    written = "".join(map(_word, _BLANKS.split(rest)))
    return "".join(indent) + _BEGINS.sub(r"\g<0>\\", written)


def _word(word: str) -> str:
    if not _LINKED.search(word):
        return _SPECIAL.sub(r"\\\g<0>", word)
    fence = "`" * (1 + max(map(len, re.findall("`*", word))))
    space = " " if "`" in {word[0], word[-1]} else ""
    return f"{fence}{space}{word}{space}{fence}"
