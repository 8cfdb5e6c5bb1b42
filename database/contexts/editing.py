"""Add and remove contexts, and choose the current context. Comments and the order of the settings stay the same."""

from collections.abc import Callable
from typing import Any, Final

from database.contexts import config_file
from database.contexts.config_file import READ_ONLY, Context, Contexts, parse
from database.contexts.urls import check
from database.errors import ConflictError, NotConfiguredError
from database.wording import shown

Change = Callable[[str, Contexts], tuple[str, Contexts]]
"""A function: (text of the configuration file, its contexts) → (new text, the contexts that the new text must have)."""

_MARK: Final = "chatctl removes this line"


def add(context: Context) -> None:
    """Add a context.

    Raises `ConflictError` if the name already exists, and `InvalidInputError` if the name or the setting is not valid.
    """
    check(context)

    def change(text: str, found: Contexts) -> tuple[str, Contexts]:
        import tomlkit

        if context.name in found.by_name:
            hint = f"choose another name, or remove it: chatctl context remove {context.name}"
            raise ConflictError(f"context {shown(context.name)} already exists", hint)
        said = {context.source: context.value} | ({READ_ONLY: True} if context.read_only else {})
        written = tomlkit.dumps({"contexts": {context.name: said}})
        before = f"{_ended(text)}\n" if text else ""
        return before + written, Contexts({**found.by_name, context.name: context}, found.current)

    _change(change)


def use(name: str) -> bool:
    """Make a context the current context. Returns False if it already was the current context."""

    def change(text: str, found: Contexts) -> tuple[str, Contexts]:
        import tomlkit

        wanted = Contexts(found.by_name, found.named(name).name)
        if found.current is None:  # after a table, the key would be part of the table
            return tomlkit.dumps({"current": name}) + (f"\n{text}" if text else ""), wanted
        document = tomlkit.parse(text)
        document["current"] = name
        return tomlkit.dumps(document), wanted

    return _change(change)


def remove(name: str) -> bool:
    """Remove a context. Returns True if it was the current context. Then no context is current any more."""
    was_current = False

    def change(text: str, found: Contexts) -> tuple[str, Contexts]:
        import tomlkit

        nonlocal was_current
        left = {one: context for one, context in found.by_name.items() if one != found.named(name).name}
        was_current = found.current == name
        document = tomlkit.parse(text)
        if was_current:
            del document["current"]
        return _without(document, name), Contexts(left, None if was_current else found.current)

    _change(change)
    return was_current


def _change(change: Change) -> bool:
    """Change the configuration file, and tell whether its text changed.

    The new text is parsed before it is written. If the parsed contexts are not the expected contexts, the file is not
    changed.
    """
    with config_file.locked():
        text = config_file.read()
        changed = _changed(change, text, parse(text))
        if changed != text:
            config_file.write(changed)
        return changed != text


def _changed(change: Change, text: str, found: Contexts) -> str:
    from tomlkit.exceptions import TOMLKitError

    try:
        changed, wanted = change(text, found)
        if parse(changed) == wanted:
            return changed
    except (TOMLKitError, NotConfiguredError, ValueError, RecursionError):  # tomlkit cannot parse every valid TOML file
        pass
    raise NotConfiguredError(
        f"{config_file.path()} is formatted in a way that chatctl cannot change", "edit it by hand"
    )


def _without(document: Any, name: str) -> str:
    """Return the text of the configuration file without one context.

    Comments after the last setting of the removed context are kept, because they describe the next table.
    """
    from tomlkit import dumps
    from tomlkit.items import Table

    contexts = document["contexts"]
    if not isinstance(contexts[name], Table):
        del contexts[name]
        return dumps(document)
    body = contexts[name].value.body
    settings = [place for place, (key, _) in enumerate(body) if key is not None]
    below = body[settings[-1] + 1 :]
    body[:] = below if any(item.as_string().strip() for _, item in below) else []
    contexts[name].comment(_MARK)
    lines = _ended(dumps(document)).splitlines(keepends=True)
    return _ended("".join(line for line in lines if not line.rstrip().endswith(f"# {_MARK}")).strip("\r\n"))


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"
