"""Add and remove contexts, and choose the current one. The comments and the order in the file do not change."""

from collections.abc import Callable
from typing import Any, Final

from database.contexts import config_file
from database.contexts.config_file import READ_ONLY, Context, Contexts, parse
from database.contexts.urls import check
from database.errors import ConflictError, NotConfiguredError
from database.wording import shown

Change = Callable[[str, Contexts], tuple[str, Contexts]]
"""A function: (text of the file, its contexts) → (new text, the contexts that the new text should have)."""

_MARK: Final = "chatctl removes this line"


def add(context: Context) -> None:
    """Add a context. Raises `ConflictError` if the name already exists, and `InvalidInputError` if it is not valid."""
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
    """Make a context the current one. Returns False if it was the current context already."""

    def change(text: str, found: Contexts) -> tuple[str, Contexts]:
        import tomlkit

        wanted = Contexts(found.by_name, found.named(name).name)
        if found.current is None:  # The key is put at the top, because after a table it would be part of that table.
            return tomlkit.dumps({"current": name}) + (f"\n{text}" if text else ""), wanted
        document = tomlkit.parse(text)
        document["current"] = name
        return tomlkit.dumps(document), wanted

    return _change(change)


def remove(name: str) -> bool:
    """Remove a context. Returns True if this was the current context. Then there is no current context any more."""
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

    The new text is parsed before it is written. If it does not have the expected contexts, the file is not changed.
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
    """Return the text of a TOML document without one context.

    Comments after the last setting of this context are kept, because they are about the next table.
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
