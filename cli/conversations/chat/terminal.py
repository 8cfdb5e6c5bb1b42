"""The layout of a transcript as plain text. On a terminal, lines are wrapped and coloured; elsewhere they are not."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, repeat
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
from cli.output import streams, styles, table
from cli.output.text import WEB, cell, clock, safe

if TYPE_CHECKING:
    from actions.conversations import Transcript

WIDEST: Final = 80
"""The longest line in terminal cells. Longer lines are hard to read, even on a wide terminal."""
NARROWEST: Final = 20
"""The smallest width of the layout. On a narrower terminal, the terminal itself breaks the lines."""

INDENT: Final = len("00:00  ")
GAP: Final = "  "
SHORT_ID: Final = f"{'0' * 8}{GAP}"
LONG_ID: Final = f"{'0' * 24}{GAP}"
NARROW: Final = 50
"""On a terminal of at most this width in cells, the id of a message has its own line."""
IMAGE: Final = "image: "


def pieces(
    transcript: "Transcript", messages: Iterable[Row], *, for_file: bool, zone: str | None = None, ids: bool = False
) -> Iterator[str]:
    """Yield the parts of a transcript, with times in the time zone `zone` (None: UTC). `ids` adds message ids."""
    return _Chat(transcript.place.participants, for_file=for_file, zone=zone, ids=ids).pieces(transcript, messages)


class _Chat:
    """Lays out a transcript for standard output or for a file. In a file, lines have no colours and are not wrapped."""

    def __init__(self, participants: Sequence[Row], *, for_file: bool, zone: str | None, ids: bool) -> None:
        out = None if for_file else sys.stdout
        available = None if for_file else streams.width()
        self._out = out
        self._zone = zone
        self._local = zone is not None
        self._width = None if available is None else max(min(available, WIDEST), NARROWEST)
        self._ids = ids
        wide = LONG_ID if self._width is None else SHORT_ID
        self._indent = INDENT + (len(wide) if (self._width or WIDEST) > NARROW else len(GAP)) * ids
        self._coloured = not for_file and streams.has_colour(out)
        self._links = self._coloured and streams.is_terminal(out)
        plain = streams.encodable("─·…", out) != "─·…"
        self._rule, self._dot, self._cut = "--…" if plain else "─·…"
        self._colours: dict[str, str] = {}
        for person in participants:
            self._colour(person)

    def pieces(self, transcript: "Transcript", messages: Iterable[Row]) -> Iterator[str]:
        yield self._header(transcript)
        last = LastMessage(messages)
        for one in laid_out(last, local=self._local):
            yield self._message(one, marked=transcript.marked is not None and one.row["id"] == transcript.marked)
        if last.row is None:
            yield "\n(no messages)\n"
        elif transcript.reaches_end and (seen := readers(last.row)):
            line = self._joined(f"{phrase} {names}" for phrase, names in seen)
            yield f"\n{self._styled(self._hanging(line, 0), styles.FAINT)}\n"

    def _header(self, transcript: "Transcript") -> str:
        title = self._styled(self._hanging(transcript.place.title, 0), styles.BOLD)
        below = self._styled(self._hanging(self._joined(about(transcript, self._zone)), 0), styles.FAINT)
        return f"{title}\n{below}\n"

    def _joined(self, parts: Iterable[str]) -> str:
        return f" {self._dot} ".join(parts)

    def _message(self, one: ChatMessage, *, marked: bool) -> str:
        row = one.row
        begins = f"\n{self._day(one.day)}\n" if one.day else ""
        if one.first:
            begins += f"\n{self._author(row)}\n"
        sign = ">" if marked else " " if one.first else self._dot
        heads = chain([f"{sign:>{INDENT - 1}} "], repeat(f"{sign if marked else ' ':>{INDENT - 1}} "))
        text = "\n".join(
            f"{head}{line}".rstrip() for head, line in zip(heads, self._lines(row, marked=marked), strict=False)
        )
        return f"{begins}{self._styled(text, styles.BOLD) if marked else text}\n"

    def _author(self, row: Row) -> str:
        name = self._styled(self._hanging(author(row), INDENT), self._colour(row["sender"]))
        time = clock(row["createAt"], local=self._local)
        if isinstance(row["createAt"], datetime):
            return f"{self._styled(f'{time:<{INDENT}}', styles.FAINT)}{name}"
        return f"{' ' * INDENT}{name} {self._hanging(time, INDENT)}".rstrip()

    def _lines(self, row: Row, *, marked: bool) -> list[str]:
        body = body_text(row)
        lines = self._wrapped(body.rstrip(), self._indent) if body else []
        if address := image(row):
            lines += self._image(address)
        return self._with_id(lines, message_id(row), "" if marked else styles.FAINT) if self._ids else lines

    def _with_id(self, lines: list[str], identifier: str, style: str) -> list[str]:
        """Put an id before the lines of a message. Message texts are indented, so no text can look like an id."""
        room = self._indent - INDENT
        rest = [f"{'':{room}}{line}" for line in lines]
        shown = self._styled(identifier, style)
        if len(identifier) + len(GAP) > room:
            return [shown, *rest]
        return [f"{shown}{'':{room - len(identifier)}}{lines[0]}", *rest[1:]]

    def _image(self, address: str) -> list[str]:
        if not self._links or not WEB.fullmatch(address):
            return self._wrapped(f"{IMAGE}{address}", self._indent)
        width = self._columns_left(self._indent + len(IMAGE))
        shown = address if len(address) <= width else f"{address[: width - 1]}{self._cut}"
        return [f"{IMAGE}\x1b]8;;{address}\x1b\\{shown}\x1b]8;;\x1b\\"]

    def _day(self, heading: str) -> str:
        line = f"{self._rule * 2} {heading} "
        return self._styled(line + self._rule * ((self._width or WIDEST) - table.cell_width(line)), styles.FAINT)

    def _hanging(self, text: str, indent: int) -> str:
        """Wrap a text to the width. Lines after the first are indented by `indent` cells."""
        return f"\n{' ' * indent}".join(self._wrapped(cell(text), indent))

    def _wrapped(self, text: str, indent: int) -> list[str]:
        shown = streams.encodable(safe(text.replace("\r\n", "\n"), lines=True), self._out).expandtabs(4)
        lines = shown.split("\n")
        if self._width is None:
            return lines
        width = self._columns_left(indent)
        return [part.rstrip() for line in lines for part in table.fold(line, width)]

    def _columns_left(self, indent: int) -> int:
        return (self._width or WIDEST) - indent

    def _colour(self, person: Row) -> str:
        number = len(self._colours)
        return self._colours.setdefault(person["id"], styles.NAMES[number % len(styles.NAMES)])

    def _styled(self, text: str, style: str) -> str:
        return styles.styled(text, style) if self._coloured and style else text
