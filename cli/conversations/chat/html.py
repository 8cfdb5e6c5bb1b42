"""The layout of a transcript as one HTML page that needs no other file."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

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
from cli.output import html, streams
from cli.output.text import clock, plain

if TYPE_CHECKING:
    from actions.conversations import Transcript

COLOURS: Final = 8
"""The number of CSS classes for the colours of authors. With more authors, several have the same colour."""


def pieces(transcript: "Transcript", messages: Iterable[Row], *, ids: bool = False) -> Iterator[str]:
    """Yield the parts of the page. If standard output is not UTF-8, all characters outside ASCII are escaped."""
    unescaped = streams.has_all_characters()
    for piece in _pieces(transcript, messages, ids=ids):
        yield piece if unescaped else piece.encode("ascii", "xmlcharrefreplace").decode()


def _pieces(transcript: "Transcript", messages: Iterable[Row], *, ids: bool = False) -> Iterator[str]:
    numbers = {person["id"]: number for number, person in enumerate(transcript.place.participants)}
    yield html.opening(transcript.place.title)
    yield _header(transcript)
    # The browser must draw the whole page. If it drew only the visible part, the link to the marked message would be
    # inexact.
    yield f'<main class="chat{" long" if transcript.marked is None else ""}">\n'
    last = LastMessage(messages)
    open_ = ""
    for one in laid_out(last):
        if one.day:
            yield f'{open_}<section class="day">\n<h2>{one.day}</h2>\n'
            open_ = "</div>\n</section>\n"
        if one.first:
            yield _author(one, numbers, closing="" if one.day else "</div>\n")
        yield _message(one.row, marked=transcript.marked is not None and one.row["id"] == transcript.marked, ids=ids)
    yield open_
    if last.row is None:
        yield '<p class="quiet">No messages.</p>\n'
    yield "</main>\n"
    if transcript.reaches_end and last.row is not None and (seen := readers(last.row)):
        yield f"<footer>{' · '.join(f'{phrase} {html.isolated(names)}' for phrase, names in seen)}</footer>\n"
    yield html.CLOSING


def _header(transcript: "Transcript") -> str:
    parts = " · ".join(map(html.isolated, about(transcript)))
    return f"<header><h1>{html.isolated(transcript.place.title)}</h1>\n<p>{parts}</p></header>\n"


def _author(one: ChatMessage, numbers: dict[Any, int], *, closing: str) -> str:
    number = numbers.setdefault(one.row["sender"]["id"], len(numbers)) % COLOURS
    return f'{closing}<div class="run who{number}">\n<p class="author">{html.isolated(author(one.row))}</p>\n'


def _message(row: Row, *, marked: bool, ids: bool) -> str:
    body = body_text(row)
    text = html.passage(body) if body.strip() else ""
    picture = f'<p class="quiet">image: {html.address(address)}</p>' if (address := image(row)) else ""
    mark = ' class="marked" aria-current="true"' if marked else ""
    known = f'<p class="quiet">{html.text(message_id(row))}</p>' if ids else ""
    return f"<article{mark}>{_time(row['createAt'])}<div>{known}{text}{picture}</div></article>\n"


def _time(moment: Any) -> str:
    if not isinstance(moment, datetime):
        return f"<time>{html.text(moment)}</time>"
    return f'<time datetime="{plain(moment)}">{clock(moment)}</time>'
