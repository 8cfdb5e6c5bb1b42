"""List and show contexts. Passwords are hidden, and the commands that print a URL (`url-command`) are not run."""

import re
from typing import Any

from database import connection, contexts
from database.contexts import Context
from database.errors import NotConfiguredError, NotFoundError, ReadOnlyError, RefusedError
from database.urls import LOCAL_NAME

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


def check_deletion(name: str) -> None:
    """Raise an error if the database of a context must not be deleted with the context.

    chatctl deletes only databases that `db copy --local-as` can make, and none that is protected or has a legal hold.
    """
    known = contexts.load()
    context = known.named(name)
    if not context.local or context.value == LOCAL_NAME:
        why = "is the database of --local" if context.local else "is not on the embedded server"
        raise RefusedError(
            f"the database of context {name} {why}", "to remove only the context, leave out --with-database"
        )
    same = [other for other in known.by_name.values() if other.local and _is_same(other.value, context.value)]
    if others := [other.name for other in same if other != context]:
        raise RefusedError(
            f"context {others[0]} uses the same database", f"remove it first: chatctl context remove {others[0]}"
        )
    if context.read_only:
        raise ReadOnlyError(f"context {name} is read-only", "remove the line read-only from the configuration file")
    _check_content(context)


def remove_with_database(name: str) -> bool:
    """Delete the database of a context with all its files, then remove the context.

    Return True if it was the current context. If the command is killed, it can be run again.
    """
    from database import local

    local.delete_files(contexts.load().named(name).value)
    return contexts.remove(name)


def _is_same(one: str, other: str) -> bool:
    """Tell whether two databases can have the same folder. Some file systems ignore upper and lower case."""
    return one.casefold() == other.casefold()


def _check_content(context: Context) -> None:
    from changes import holds
    from database import local

    if not local.exists(context.value):
        return
    connection.choose_context(context)
    marker = connection.marker()
    if marker:
        raise RefusedError(
            f'{context.value} is protected as "{marker.name}"',
            f"remove the protection first: chatctl --context {context.name} db unprotect",
        )
    if holds.read(connection.database()):
        raise RefusedError(f"{context.value} has a legal hold", f"see chatctl --context {context.name} holds list")
    connection.close()  # otherwise this command would use the server that it stops


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
