"""Add and remove contexts, and choose the current one. The comments and the order of the file stay."""

from collections.abc import Callable
from typing import Any, Final

from database.contexts import config_file
from database.contexts.config_file import READ_ONLY, Context, Contexts, parse
from database.contexts.urls import check
from database.errors import ConflictError, InvalidInputError, NotConfiguredError
from database.wording import shown
from models.names import EASY, HOW_EASY

Change = Callable[[str, Contexts], tuple[str, Contexts]]
"""(the text of the file, its contexts) → (the new text, the contexts that it should have)."""

_MARK: Final = "chatctl removes this line"


def add(context: Context) -> None:
    """Add a context. Raises `ConflictError` if the name exists, `InvalidInputError` if the context is not valid."""
    if not EASY.fullmatch(context.name):
        raise InvalidInputError(f"invalid context name {shown(context.name)}", HOW_EASY)
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
    """Make a context the current one. Returns False if it already is."""

    def change(text: str, found: Contexts) -> tuple[str, Contexts]:
        import tomlkit

        wanted = Contexts(found.by_name, found.named(name).name)
        if found.current is None:  # at the top: after a table, it would belong to the table
            return tomlkit.dumps({"current": name}) + (f"\n{text}" if text else ""), wanted
        document = tomlkit.parse(text)
        document["current"] = name
        return tomlkit.dumps(document), wanted

    return _change(change)


def remove(name: str) -> bool:
    """Remove a context. Returns True if it was the current one; then there is no current context."""
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
    """Change the file, if the result has the contexts that it should have. Returns whether the text changed."""
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
    except (TOMLKitError, NotConfiguredError, ValueError, RecursionError):  # tomlkit cannot read all that tomllib can
        pass
    raise NotConfiguredError(
        f"{config_file.path()} is formatted in a way that chatctl cannot change", "edit it by hand"
    )


def _without(document: Any, name: str) -> str:
    """Remove a context. Comments after its last setting belong to the next table, and stay."""
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
