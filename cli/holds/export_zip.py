"""The zip file of `holds export`: everything that a hold keeps, as JSON for programs and as pages for people."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from cli.conversations.chat import html as chat
from cli.output import html, masking
from cli.output.archive import Archive, MessageFile
from cli.output.formats import as_json
from cli.output.progress import with_progress
from cli.output.text import cell
from database import connection
from database.wording import counted

if TYPE_CHECKING:
    from actions.conversations import Transcript
    from actions.holds import Contents

Row = dict[str, Any]

SCHEMA_VERSION: Final = 1
"""The version of the file formats in the zip. It increases if programs that read the old formats would fail."""

HUGE: Final = 2**28
"""A limit in bytes. If all messages together have more, a file in the zip may need the Zip64 format."""

EASY: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
"""Matches an id that can be the name of a file."""

NOUNS: Final = {"users": "user", "conversations": "conversation", "messages": "message", "events": "event"}

FACTS: Final = {
    "state": "State",
    "placed": "Placed",
    "actor": "Placed by",
    "reason": "Reason",
    "released": "Released",
    "id": "Id",
}
USER: Final = {
    "email": "E-mail",
    "name": "Name",
    "status": "Status",
    "roles": "Roles",
    "createdAt": "Created",
    "lastLogin": "Last sign-in",
    "profile": "Profile",
    "accounts": "Linked sign-ins",
    "id": "Id",
}


EVENT: Final = ("command", "at", "actor", "reason", "state")


class _Page(NamedTuple):
    """The HTML page of a conversation, and the number of its messages."""

    file: str
    transcript: "Transcript"
    messages: int


def write(contents: "Contents", file: BinaryIO, at: datetime, *, masked: bool) -> Row:
    """Write the zip. Return the number of its users, conversations, messages and events, as a dict with these keys.

    The used memory does not grow with the number of messages.
    """
    with MessageFile() as messages, Archive(file, at) as archive:
        pages = list(_collect(contents, messages, masking.masked_message if masked else lambda row: row))
        events = contents.events()
        users, conversations = list(contents.users()), list(contents.conversations())
        counts = {"users": len(users), "conversations": len(conversations), "events": len(events)}
        counts["messages"] = sum(page.messages for page in pages)
        hold, missing = contents.hold(), contents.missing()
        _add(archive, "hold", hold)
        _add(archive, "users", users, records=len(users))
        _add(archive, "conversations", conversations, records=len(conversations))
        _add(archive, "missing", missing, records=sum(map(len, missing.values())))
        huge = messages.size > HUGE
        with archive.entry("messages.ndjson", huge=huge, records=counts["messages"]) as write_part:
            for line in messages.lines():
                write_part(line)
        heads = []
        with archive.entry("events.ndjson", huge=True, records=len(events)) as write_part:
            for row in map(contents.event, events):
                heads.append({key: row[key] for key in EVENT})
                changes = list(map(masking.masked_entry, row["changes"])) if masked else row["changes"]
                write_part(f"{as_json({**row, 'changes': changes})}\n")
        _write_pages(archive, pages, messages, _index(hold, users, pages, missing, heads))
        about = {"schemaVersion": SCHEMA_VERSION, "chatctl": version("chatctl"), "exportedAt": at}
        about |= {"database": connection.target().name, "hold": contents.name, "masked": masked}
        _add(archive, "manifest", {**about, "files": archive.written})
    return counts


def summary(name: str, counts: Row) -> str:
    """Return a line with the hold and the numbers of written users, conversations, messages and events."""
    return f"{name}: {', '.join(counted(counts[key], noun) for key, noun in NOUNS.items())}"


def _collect(contents: "Contents", messages: MessageFile, show: Callable[[Row], Row]) -> Iterator[_Page]:
    """Write the messages of each conversation to a temporary file, and yield a description of its page."""
    for number, transcript in enumerate(contents.transcripts()):
        count = 0
        for row in with_progress(map(show, transcript.rows()), transcript.count):
            messages.add(str(number), f"{as_json(row)}\n")
            count += 1
        yield _Page(f"conversations/{_file_name(transcript.place.id, number)}.html", transcript, count)


def _write_pages(archive: Archive, pages: list[_Page], messages: MessageFile, index: Iterator[str]) -> None:
    for number, page in enumerate(pages):
        rows = _with_times(messages.in_conversation(str(number)))
        with archive.entry(page.file, huge=messages.size > HUGE, records=page.messages) as write_part:
            for piece in chat.pieces(page.transcript, rows, ids=True):
                write_part(piece)
    with archive.entry("index.html") as write_part:
        for piece in index:
            write_part(piece)


def _file_name(identifier: str, number: int) -> str:
    return identifier if EASY.fullmatch(identifier) else f"other-{number}"


def _add(archive: Archive, name: str, part: Any, **details: Any) -> None:
    with archive.entry(f"{name}.json", **details) as write_part:
        write_part(f"{as_json(part, indent=2)}\n")


def _with_times(rows: Iterable[Row]) -> Iterator[Row]:
    """Convert times, which JSON stores as texts, to times again."""
    for row in rows:
        try:
            yield {**row, "createAt": datetime.fromisoformat(row["createAt"])}
        except (TypeError, ValueError):
            yield row


def _index(hold: Row, users: list[Row], pages: list[_Page], missing: Row, events: list[Row]) -> Iterator[str]:
    """Yield the parts of the first page: the hold, its users, links to its conversations, and its events."""
    yield html.opening(f"Hold {hold['name']}")
    yield f"<header><h1>Hold {html.isolated(hold['name'])}</h1>\n<p>Times are in UTC.</p></header>\n<main>\n"
    yield _list(FACTS, hold)
    yield "<h2>Users</h2>\n"
    for user in users:
        yield f"<h3>{html.isolated(user['username'])}</h3>\n{_list(USER, user)}"
    yield "<h2>Conversations</h2>\n"
    for page in pages:
        more = f" ({html.text(page.transcript.description)})" if page.transcript.description else ""
        yield (
            f'<p><a href="{html.text(page.file)}">{html.isolated(page.transcript.place.title)}</a>{more} '
            f"<small>{counted(page.messages, 'message')}</small></p>\n"
        )
    yield "<h2>Missing</h2>\n"
    gone = {name: ids for name, ids in missing.items() if ids}
    yield (
        "".join(f"<p>{name}: {len(ids):,}. The ids are in missing.json.</p>\n" for name, ids in gone.items())
        or '<p class="quiet">Nothing that was recorded is missing.</p>\n'
    )
    yield "<h2>What administrators did</h2>\n"
    for event in events:
        below = " · ".join(html.isolated(event[key]) for key in EVENT[1:] if event[key])
        yield f'<p>{html.text(event["command"])}<br>\n<span class="quiet">{below}</span></p>\n'
    yield f"</main>\n{html.CLOSING}"


def _list(titles: dict[str, str], row: Row) -> str:
    """Return an HTML list of those fields that have a value. `titles` has field → title."""
    known = [(title, row[key]) for key, title in titles.items() if row.get(key)]
    lines = [f"<dt>{title}</dt><dd>{html.isolated(cell(value))}</dd>\n" for title, value in known]
    return f"<dl>\n{''.join(lines)}</dl>\n"
