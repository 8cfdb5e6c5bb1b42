"""The layouts of a transcript: one module for each layout (terminal, Markdown, HTML), and their shared functions.

Start reading at `laid_out`.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from actions.display_names import people_label, person_label
from cli.output.text import cell, day, id_text

if TYPE_CHECKING:
    from actions.conversations import Transcript

Row = dict[str, Any]

PAUSE: Final = timedelta(minutes=5)
"""If more time has passed since the last message of the same author, the name of the author is shown again."""

EMPTY: Final = "(empty)"

_DATA: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?([^,]*),", re.IGNORECASE | re.ASCII)


class ChatMessage(NamedTuple):
    """A message with its place in the layout.

    `day` is the heading of a new day. It is None if the message before is from the same day. `first` is True if the
    name of the author must be shown: on a new day, for another author, or after a pause.
    """

    row: Row
    day: str | None
    first: bool


def laid_out(messages: Iterable[Row], *, local: bool = False) -> Iterator[ChatMessage]:
    """Yield each message with its place in the layout: whether it begins a new day or a new series of one author."""
    before: Row | None = None
    heading = None
    for row in messages:
        own = day(row["createAt"], local=local)
        begins = own if own != heading else None
        yield ChatMessage(row, begins, begins is not None or before is None or not _goes_on(before, row))
        before, heading = row, own


def about(transcript: "Transcript", zone: str | None = None) -> list[str]:
    """Return short texts that describe a transcript, for the lines below its title.

    They name the participants (if the title does not name them), the day of the first message, which part of the
    messages is shown, and the time zone of the times. `zone` is this time zone. None means UTC.
    """
    people = people_label(transcript.place.participants)
    began = [f"began {day(transcript.began, local=zone is not None)}"] if isinstance(transcript.began, datetime) else []
    known = [people] if people != transcript.place.title else []
    return [part for part in (*known, *began, transcript.description, f"times in {zone or 'UTC'}") if part]


def author(row: Row) -> str:
    """Return the name of the author. In broken data, a message may have no author, or its author may be deleted."""
    return person_label(row["sender"]).strip() or str(row["sender"]["id"])


def body_text(row: Row) -> str:
    """Return the text of a message. If the message has neither text nor image, return the notice `EMPTY`."""
    body = row["body"]
    text = body if isinstance(body, str) else cell(body)
    return text if text.strip() or row["image"] else EMPTY


def image(row: Row) -> str | None:
    """Return the URL of an image.

    A `data:` URL contains the whole image, so return the image's type and size instead.
    """
    if not row["image"]:
        return None
    address = row["image"] if isinstance(row["image"], str) else cell(row["image"])
    if found := _DATA.match(address):
        from humanize import naturalsize

        size = len(address) - found.end()
        return f"data:{found[1] or 'text/plain'}, {naturalsize(size * 3 // 4 if 'base64' in found[2] else size)}"
    return address


def message_id(row: Row) -> str:
    """Return the short id of a message (its first digits) if the row has one, or else the whole id."""
    return cell(row.get("shortId") or id_text(row["id"]))


def readers(row: Row) -> list[tuple[str, str]]:
    """Return pairs like `("seen by", "ada, grace")`: who has seen a message and who has not.

    The author of the message is left out.
    """
    known = {"seen by": row["seen"], "not seen by": row["unseen"]}
    others = {
        phrase: [person for person in people if person["id"] != row["sender"]["id"]] for phrase, people in known.items()
    }
    return [(phrase, people_label(people)) for phrase, people in others.items() if people]


class LastMessage:
    """Yields all messages, and keeps the last message with a time in `row`.

    If no message has a time, `row` is the first message. If there are no messages, it is None.
    """

    def __init__(self, messages: Iterable[Row]) -> None:
        self._messages = messages
        self.row: Row | None = None

    def __iter__(self) -> Iterator[Row]:
        for row in self._messages:
            if self.row is None or isinstance(row["createAt"], datetime):
                self.row = row
            yield row


def _goes_on(before: Row, row: Row) -> bool:
    if before["senderId"] != row["senderId"]:
        return False
    then, now = before["createAt"], row["createAt"]
    both = isinstance(then, datetime) and isinstance(now, datetime)
    return not both or now - then <= PAUSE
