"""List and show contexts. Passwords are hidden, and the commands that print a URL (`url-command`) are not run."""

import re
from typing import Any

from database import contexts
from database.contexts import Context
from database.errors import NotConfiguredError, NotFoundError

Row = dict[str, Any]


def rows() -> list[Row]:
    """Return a row for each context: `{name, current, readOnly, database, server, source, from, problem}`."""
    known = contexts.load()
    return [_row(context, known.current) for context in known.by_name.values()]


def show(name: str | None) -> Row:
    """Return the row of the named context, or of the current context if `name` is None."""
    known = contexts.load()
    context = known.current_context() if name is None else known.named(name)
    if context is None:
        raise NotFoundError("no context is selected", "choose one: chatctl context use NAME")
    return _row(context, known.current)


def _row(context: Context, current: str | None) -> Row:
    address, problem = None, None
    try:
        address = contexts.address(context)
    except NotConfiguredError as error:
        problem = error.message
    return {
        "name": context.name,
        "current": context.name == current,
        "readOnly": context.read_only,
        "database": address and address.name,
        "server": address and address.hosts,
        "source": context.source,
        "from": None if context.source == "url" else _without_passwords(context.value),
        "problem": problem,
    }


def _without_passwords(value: str) -> str:
    """Hide the user and the password of each URL in the arguments of a command."""
    return re.sub(r"(?<=://)\S*@", "***@", value)
