"""The layouts of a transcript for people, a module each, and what they have in common.

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
"""Somebody who goes on after a longer one begins anew."""

EMPTY: Final = "(empty)"

_DATA: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?([^,]*),", re.IGNORECASE | re.ASCII)


class ChatMessage(NamedTuple):
    """A message where it stands: `day` is a heading where one begins, `first` says that a run of one author does."""

    row: Row
    day: str | None
    first: bool


def laid_out(messages: Iterable[Row], *, local: bool = False) -> Iterator[ChatMessage]:
    """Divide messages into days and runs; days are those of UTC, or the `local` ones."""
    before: Row | None = None
    heading = None
    for row in messages:
        own = day(row["createAt"], local=local)
        begins = own if own != heading else None
        yield ChatMessage(row, begins, begins is not None or before is None or not _goes_on(before, row))
        before, heading = row, own


def about(transcript: "Transcript", *, local: bool = False) -> list[str]:
    """Say who is in a conversation, unless that is its title, when it began, and which part of it this is."""
    people = people_label(transcript.place.participants)
    began = [f"began {day(transcript.began, local=local)}"] if isinstance(transcript.began, datetime) else []
    known = [people] if people != transcript.place.title else []
    return [part for part in (*known, *began, transcript.description) if part]


def author(row: Row) -> str:
    """Return what the author is called; there may be none in broken data, or one who is gone."""
    return person_label(row["sender"]).strip() or str(row["sender"]["id"])


def body_text(row: Row) -> str:
    """Return the text of a message, shown as it is where it is none; nothing where there is only an image."""
    body = row["body"]
    text = body if isinstance(body, str) else cell(body)
    return text if text.strip() or row["image"] else EMPTY


def image(row: Row) -> str | None:
    """Return the address of an image; of one that is an image itself its type and size."""
    if not row["image"]:
        return None
    address = row["image"] if isinstance(row["image"], str) else cell(row["image"])
    if found := _DATA.match(address):
        from humanize import naturalsize

        size = len(address) - found.end()
        return f"data:{found[1] or 'text/plain'}, {naturalsize(size * 3 // 4 if 'base64' in found[2] else size)}"
    return address


def message_id(row: Row) -> str:
    """Return the id of a message, or the first digits that are enough to name it."""
    return cell(row.get("shortId") or id_text(row["id"]))


def readers(row: Row) -> list[tuple[str, str]]:
    """Say of a message who has seen it and who has not, each as a phrase and names; the author goes without saying."""
    known = {"seen by": row["seen"], "not seen by": row["unseen"]}
    others = {
        phrase: [person for person in people if person["id"] != row["sender"]["id"]] for phrase, people in known.items()
    }
    return [(phrase, people_label(people)) for phrase, people in others.items() if people]


class LastMessage:
    """Pass messages on, and keep the last: those without a time are behind it, and are it only if there is no other."""

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
