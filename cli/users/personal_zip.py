"""The zip file of `export-data`: the stored data of a person as JSON files and as an HTML page."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from itertools import groupby
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from changes.events import now
from cli.output import html
from cli.output.archive import Archive, MessageFile
from cli.output.formats import as_json
from cli.output.progress import with_progress
from cli.output.text import cell, clock, day
from database import connection
from database.wording import counted

if TYPE_CHECKING:
    from actions.users import PersonalData


Row = dict[str, Any]

SCHEMA_VERSION: Final = 1
"""The version of the file formats in the zip. It increases if programs that read the old formats would fail."""

HUGE: Final = 2**28
"""A limit in bytes. If all messages together have more, a file in the zip may need the Zip64 format."""


def write(data: "PersonalData", file: BinaryIO, show: Callable[[Row], Row]) -> Row:
    """Write the zip. Return a dict: name of a part of the data, like `messages` → number of its items.

    `show` gets a message and returns it, masked if required. The used memory does not grow with the number of messages.
    """
    about = _about(data)
    with MessageFile() as messages, Archive(file, about["exportedAt"]) as archive:
        for message in with_progress(map(show, data.messages()), data.count_messages):
            messages.add(message["conversationId"], f"{as_json(message)}\n")
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
            for piece in page_pieces(data.label, about, parts, messages.in_conversation):
                write_part(piece)
        _add(archive, "manifest", {**about, "files": archive.written})
    return counts


def summary(label: str, counts: Row) -> str:
    """Return a line with the person and the numbers of written conversations, messages and linked sign-ins."""
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


Messages = Callable[[str | None], Iterable[Row]]

NAMED_AT_MOST: Final = 3
"""The most readers of a message that the page names. If there are more, the page gives their number."""

NOTHING: Final = '<p class="quiet">Nothing.</p>\n'
OWN: Final = '<p class="quiet">Only messages of this person are included, not those of others. Times are in UTC.</p>\n'

LONG: Final = 5_000
"""The most messages in a page that a browser draws as a whole.

In a longer page, the browser draws only the visible part. Links into such a page are less exact.
"""

SECTIONS: Final = {
    "account": "Account",
    "profile": "Profile",
    "accounts": "Linked sign-ins",
    "roles": "Roles",
    "conversations": "Conversations",
    "events": "What administrators did",
    "leftOut": "What is left out",
}

USER: Final = {
    "email": "E-mail",
    "username": "Username",
    "name": "Name",
    "status": "Status",
    "createdAt": "Created",
    "updatedAt": "Changed",
    "lastLogin": "Last sign-in",
    "emailVerified": "E-mail verified",
    "hasPassword": "Has a password",
    "id": "Id",
}
PROFILE: Final = {"phoneNumber": "Phone", "address": "Address", "imageUrl": "Image"}
ACCOUNT: Final = {"provider": "Provider", "providerAccountId": "Account", "type": "Type", "scope": "Scope"}


def page_pieces(label: str, about: Row, parts: Row, own: Messages) -> Iterator[str]:
    """Yield the parts of the HTML page. `own` returns the person's messages in a conversation (see `MessageFile`)."""
    yield html.opening(f"Personal data of {label}")
    yield (
        f"<header><h1>Personal data of {html.isolated(label)}</h1>\n"
        f"<p>All data about this person in the database {html.isolated(about['database'])} at "
        f"{_time(about['exportedAt'])}. The other files of this archive contain the same data for programs. What is "
        "left out, and why, is at the end.</p></header>\n"
    )
    yield from _contents(parts["conversations"])
    long = sum(one["ownMessages"] for one in parts["conversations"]) > LONG
    yield '<main class="long">\n' if long else "<main>\n"
    yield _section("account", _list(USER, parts["user"]))
    yield _section("profile", *(_list(PROFILE, profile) for profile in parts["profile"]))
    yield _section("accounts", *(_list(ACCOUNT, account) for account in parts["accounts"]))
    yield _section("roles", *map(_role, parts["roles"]["roles"]))
    yield _section("conversations", *([OWN] if parts["conversations"] else []))
    for number, conversation in enumerate(parts["conversations"]):
        yield from _conversation(number, conversation, own(conversation["id"]))
    yield _section("events", *map(_event, parts["events"]))
    yield _section("leftOut", *(_entry(html.text(left["what"]), html.text(left["why"])) for left in about["leftOut"]))
    yield f"</main>\n{html.CLOSING}"


def _contents(conversations: list[Row]) -> Iterator[str]:
    yield '<nav aria-label="Contents">\n<ul>\n'
    for key, title in SECTIONS.items():
        yield f'<li><a href="#{key}">{title}</a>'
        if key == "conversations" and conversations:
            yield "\n<ul>\n"
            for number, one in enumerate(conversations):
                yield f'<li><a href="#c{number}">{_title(one)}</a> <small>{one["ownMessages"]:,}</small></li>\n'
            yield "</ul>\n"
        yield "</li>\n"
    yield "</ul>\n</nav>\n"


def _section(key: str, *contents: str) -> str:
    return f'<section id="{key}">\n<h2>{SECTIONS[key]}</h2>\n{"".join(contents) or NOTHING}</section>\n'


def _list(titles: dict[str, str], row: Row) -> str:
    """Return an HTML list of those fields that have a value. `titles` has field → title."""
    known = [(title, row[key]) for key, title in titles.items() if row.get(key) is not None]
    lines = [f"<dt>{title}</dt><dd>{_value(value)}</dd>\n" for title, value in known]
    return f"<dl>\n{''.join(lines)}</dl>\n"


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return _time(value)
    return html.address(value) if isinstance(value, str) else html.isolated(value)


def _time(moment: datetime) -> str:
    return f"<time>{html.text(moment)}</time>"


def _entry(title: str, *more: str) -> str:
    below = "".join(f'<br>\n<span class="quiet">{line}</span>' for line in more if line)
    return f"<p>{title}{below}</p>\n"


def _role(role: Row) -> str:
    return _entry(html.isolated(role["name"] or role["id"]), html.isolated(role["permissions"] or "no permissions"))


def _event(event: Row) -> str:
    undone = " (undone)" if event["state"] == "undone" else ""
    return _entry(f"{html.text(event['command'])}{undone}", _time(event["at"]), *_reason(event))


def _reason(event: Row) -> list[str]:
    return [html.isolated(event["reason"])] if event.get("reason") else []


def _conversation(number: int, conversation: Row, messages: Iterable[Row]) -> Iterator[str]:
    yield f'<section id="c{number}" class="conversation">\n<h3>{_title(conversation)}</h3>\n'
    yield f'<p class="quiet">{_circumstances(conversation)}</p>\n'
    for heading, found in groupby(messages, lambda message: _moment(message)[0]):
        yield f'<section class="day">\n<h4>{heading}</h4>\n'
        yield from map(_message, found)
        yield "</section>\n"
    yield "</section>\n"


def _title(conversation: Row) -> str:
    if conversation["gone"]:
        return "A deleted conversation"
    if _is_group(conversation):
        return html.isolated(conversation["name"] or "A group without a name")
    return f"With {html.isolated(conversation['participants'] or 'no other user')}"


def _is_group(conversation: Row) -> bool:
    return bool(conversation["isGroup"] or conversation["name"])


def _circumstances(conversation: Row) -> str:
    facts = [counted(conversation["ownMessages"], "own message")]
    if conversation["created_at"] is not None:
        facts.append(f"begun {html.text(conversation['created_at'])}")
    if conversation["participants"] and _is_group(conversation):
        facts.append(f"with {html.isolated(conversation['participants'])}")
    if not conversation["member"]:
        facts.append("not a member")
    return " · ".join([*facts, f"<code>{html.text(conversation['id'])}</code>"])


def _message(message: Row) -> str:
    """Return the HTML of a message. In broken data, a text or time of another type is shown unchanged."""
    body, image, seen = message["body"], message["image"], message["seen"]
    below = [f"image: {html.address(cell(image))}"] if image is not None else []
    if seen:
        below.append(f"seen by {html.isolated(seen) if len(seen) <= NAMED_AT_MOST else len(seen)}")
    written = html.passage(body if isinstance(body, str) else cell(body)) if body is not None else ""
    quiet = f'<p class="quiet">{" · ".join(below)}</p>' if below else ""
    return f"<article><time>{_moment(message)[1]}</time><div>{written}{quiet}</div></article>\n"


def _moment(message: Row) -> tuple[str, str]:
    """Return the day and the time of a message, as texts."""
    try:
        moment = datetime.fromisoformat(message["createAt"])
    except (TypeError, ValueError):
        return day(None), html.text(message["createAt"])
    return day(moment), clock(moment)
