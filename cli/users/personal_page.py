"""What is stored of a person, as a page to read."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from cli.output import page
from cli.output.text import cell, clock, day
from database.wording import counted

Row = dict[str, Any]
Messages = Callable[[str | None], Iterable[Row]]

NAMED_AT_MOST: Final = 3
"""Readers of a message; of more it is said how many."""

NOTHING: Final = '<p class="quiet">Nothing.</p>\n'
OWN: Final = '<p class="quiet">With the messages of this person, times in UTC; what others wrote is theirs.</p>\n'

LONG: Final = 5_000
"""Messages from which a browser should draw only what is seen; links into such a page lead only near to their aim."""

SECTIONS: Final = {
    "account": "Account",
    "profile": "Profile",
    "accounts": "Linked sign-ins",
    "roles": "Roles",
    "conversations": "Conversations",
    "events": "What administrators did",
    "leftOut": "What is not here",
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
ACCOUNT: Final = {"provider": "Provider", "providerAccountId": "Known there as", "type": "Type", "scope": "Scope"}


def pieces(label: str, about: Row, parts: Row, own: Messages) -> Iterator[str]:
    """Write the page; `own` reads the person's messages in a conversation, as they are in the file of messages."""
    yield page.opening(f"Personal data of {label}")
    yield (
        f"<header><h1>Personal data of {page.said(label)}</h1>\n"
        f"<p>What the database {page.said(about['database'])} held of this person at {_time(about['exportedAt'])}. "
        "The files beside this page say it to programs. What is not here, and why, is at the end.</p></header>\n"
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
    yield _section("leftOut", *(_entry(page.text(left["what"]), page.text(left["why"])) for left in about["leftOut"]))
    yield f"</main>\n{page.CLOSING}"


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
    """Write the fields of a row that have a value."""
    known = [(title, row[key]) for key, title in titles.items() if row.get(key) is not None]
    lines = [f"<dt>{title}</dt><dd>{_value(value)}</dd>\n" for title, value in known]
    return f"<dl>\n{''.join(lines)}</dl>\n"


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return _time(value)
    return page.address(value) if isinstance(value, str) else page.said(value)


def _time(moment: datetime) -> str:
    return f"<time>{page.text(moment)}</time>"


def _entry(title: str, *more: str) -> str:
    below = "".join(f'<br>\n<span class="quiet">{line}</span>' for line in more if line)
    return f"<p>{title}{below}</p>\n"


def _role(role: Row) -> str:
    return _entry(page.said(role["name"] or role["id"]), page.said(role["permissions"] or "no permissions"))


def _event(event: Row) -> str:
    undone = " (undone)" if event["state"] == "undone" else ""
    return _entry(f"{page.text(event['command'])}{undone}", _time(event["at"]), *_reason(event))


def _reason(event: Row) -> list[str]:
    return [page.said(event["reason"])] if event.get("reason") else []


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
        return "A conversation that is gone"
    if _is_group(conversation):
        return page.said(conversation["name"] or "A group without a name")
    return f"With {page.said(conversation['participants'] or 'nobody')}"


def _is_group(conversation: Row) -> bool:
    return bool(conversation["isGroup"] or conversation["name"])


def _circumstances(conversation: Row) -> str:
    said = [counted(conversation["ownMessages"], "own message")]
    if conversation["created_at"] is not None:
        said.append(f"begun {page.text(conversation['created_at'])}")
    if conversation["participants"] and _is_group(conversation):
        said.append(f"with {page.said(conversation['participants'])}")
    if not conversation["member"]:
        said.append("not a member")
    return " · ".join([*said, f"<code>{page.text(conversation['id'])}</code>"])


def _message(message: Row) -> str:
    """Write a message; what is no text or no time in broken data is shown as it is."""
    body, image, seen = message["body"], message["image"], message["seen"]
    below = [f"image: {page.address(cell(image))}"] if image is not None else []
    if seen:
        below.append(f"seen by {page.said(seen) if len(seen) <= NAMED_AT_MOST else len(seen)}")
    written = page.passage(body if isinstance(body, str) else cell(body)) if body is not None else ""
    quiet = f'<p class="quiet">{" · ".join(below)}</p>' if below else ""
    return f"<article><time>{_moment(message)[1]}</time><div>{written}{quiet}</div></article>\n"


def _moment(message: Row) -> tuple[str, str]:
    """Return the day and the time of a message."""
    try:
        moment = datetime.fromisoformat(message["createAt"])
    except (TypeError, ValueError):
        return day(None), page.text(message["createAt"])
    return day(moment), clock(moment)
