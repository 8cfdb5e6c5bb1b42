"""The layout of a transcript as Markdown. Texts of users are escaped, so that they are never read as Markdown."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

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
from cli.output.markdown import text
from cli.output.text import WEB, cell, clock, safe

if TYPE_CHECKING:
    from actions.conversations import Transcript


def pieces(transcript: "Transcript", messages: Iterable[Row], *, ids: bool = False) -> Iterator[str]:
    """Yield the parts of a transcript. Each message is a quotation.

    If several messages in a row have the same author, the name of the author is written once, before the first of them.
    """
    yield f"# {text(cell(transcript.place.title))}\n"
    yield f"\n{' · '.join(text(cell(part)) for part in about(transcript))}\n"
    last = LastMessage(messages)
    for one in laid_out(last):
        yield _message(one, marked=transcript.marked is not None and one.row["id"] == transcript.marked, ids=ids)
    if last.row is None:
        yield "\nNo messages.\n"
    elif transcript.reaches_end and (seen := readers(last.row)):
        yield f"\n{' · '.join(f'{phrase} {text(cell(names))}' for phrase, names in seen)}\n"


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
