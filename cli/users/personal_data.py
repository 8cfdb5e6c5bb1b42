"""What is stored of a person, as a zip: files for programs, and a page to read."""

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from changes.events import now
from cli.output.archive import Archive
from cli.output.formats import as_json
from cli.output.progress import watched
from cli.users import personal_page
from cli.users.spool import Spool
from database import connection
from database.wording import counted

if TYPE_CHECKING:
    from actions.users import PersonalData

Row = dict[str, Any]

SCHEMA_VERSION: Final = 1
"""Of the files in the zip, together; another one where a program that reads them would stumble."""

HUGE: Final = 2**28
"""Bytes of messages from which a file could become one that only a large zip holds."""


def write(data: "PersonalData", file: BinaryIO, show: Callable[[Row], Row]) -> Row:
    """Write the zip, with messages as `show` has them, in memory that does not grow with them; return what is in it."""
    about = _about(data)
    with Spool() as messages, Archive(file, about["exportedAt"]) as archive:
        for message in watched(map(show, data.messages()), data.count_messages):
            messages.keep(message["conversationId"], f"{as_json(message)}\n")
        parts = _parts(data, messages.counts())
        counts = {name: _records(part) for name, part in parts.items()} | {"messages": sum(messages.counts().values())}
        about |= {"leftOut": list(data.omitted())}
        for name, part in parts.items():
            _add(archive, name, part, records=counts[name])
        huge = messages.size > HUGE
        with archive.entry("messages.ndjson", huge=huge, records=counts["messages"]) as write_part:
            for line in messages.lines():
                write_part(line)
        with archive.entry("index.html", huge=huge) as write_part:
            for piece in personal_page.pieces(data.label, about, parts, messages.of):
                write_part(piece)
        _add(archive, "manifest", {**about, "files": archive.written})
    return counts


def summary(label: str, counts: Row) -> str:
    """Say what was written, in a line."""
    nouns = {"conversations": "conversation", "messages": "message", "accounts": "linked sign-in"}
    return f"{label}: {', '.join(counted(counts[key], noun) for key, noun in nouns.items())}"


def _about(data: "PersonalData") -> Row:
    return {
        "schemaVersion": SCHEMA_VERSION,
        "chatctl": version("chatctl"),
        "exportedAt": now(),
        "database": connection.target().name,
        "id": data.id,
        "withNames": data.named,
    }


def _parts(data: "PersonalData", own: dict[str | None, int]) -> Row:
    return {
        "user": data.user(),
        "profile": data.profiles(),
        "accounts": data.accounts(),
        "roles": data.roles(),
        "conversations": data.conversations(own),
        "events": data.events(),
    }


def _add(archive: Archive, name: str, part: Any, **details: Any) -> None:
    with archive.entry(f"{name}.json", **details) as write_part:
        write_part(f"{as_json(part, indent=2)}\n")


def _records(part: Any) -> int:
    return len(part) if isinstance(part, list) else len(part.get("roles", [part]))
