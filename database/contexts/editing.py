"""How contexts come, go and become the current one; comments and order of the file stay as they are."""

from collections.abc import Callable
from typing import Any, Final

from database.contexts import config_file
from database.contexts.config_file import READ_ONLY, Context, Contexts, parse
from database.contexts.urls import check
from database.errors import ConflictError, InvalidInputError, NotConfiguredError
from database.wording import shown
from models.names import EASY, HOW_EASY

Change = Callable[[str, Contexts], tuple[str, Contexts]]
"""From the text of the file, and what it says, to another text, and what that should say."""

_MARK: Final = "chatctl takes this line away"


def add(context: Context) -> None:
    """Add a context; raises `ConflictError` for a name that is taken, `InvalidInputError` for what can be none."""
    if not EASY.fullmatch(context.name):
        raise InvalidInputError(f"no context can be called {shown(context.name)}", HOW_EASY)
    check(context)

    def change(text: str, found: Contexts) -> tuple[str, Contexts]:
        import tomlkit

        if context.name in found.by_name:
            hint = f"choose another name, or take it away: chatctl context remove {context.name}"
            raise ConflictError(f"the context {shown(context.name)} exists already", hint)
        said = {context.source: context.value} | ({READ_ONLY: True} if context.read_only else {})
        written = tomlkit.dumps({"contexts": {context.name: said}})
        before = f"{_ended(text)}\n" if text else ""
        return before + written, Contexts({**found.by_name, context.name: context}, found.current)

    _change(change)


def use(name: str) -> bool:
    """Make a context the current one; False where it is already."""

    def change(text: str, found: Contexts) -> tuple[str, Contexts]:
        import tomlkit

        wanted = Contexts(found.by_name, found.named(name).name)
        if found.current is None:  # at the top: a setting behind a table would be one of the table
            return tomlkit.dumps({"current": name}) + (f"\n{text}" if text else ""), wanted
        document = tomlkit.parse(text)
        document["current"] = name
        return tomlkit.dumps(document), wanted

    return _change(change)


def remove(name: str) -> bool:
    """Take a context away; tell whether it was the current one, which there is then none any more."""
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
    """Replace the file by what `change` makes of it, unless that does not say what it should; tell if it differs."""
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
    except (TOMLKitError, NotConfiguredError, ValueError, RecursionError):  # it reads less than what reads the file
        pass
    raise NotConfiguredError(
        f"{config_file.path()} is written in a way that chatctl cannot change", "change it by hand"
    )


def _without(document: Any, name: str) -> str:
    """Take a context out; comments behind its last setting belong to what follows, and stay."""
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
