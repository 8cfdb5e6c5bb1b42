"""What was probably meant by a command line that cannot be read."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from database.wording import did_you_mean, nearest

OTHER_NAMES: Final = {
    "add": ("create", "grant"),
    "ban": ("suspend",),
    "block": ("suspend",),
    "disable": ("suspend",),
    "edit": ("update", "rename"),
    "enable": ("reinstate",),
    "find": ("search", "list"),
    "get": ("show",),
    "ls": ("list",),
    "new": ("create",),
    "remove": ("delete",),
    "rm": ("delete",),
    "view": ("show",),
}
"""What commands of other programs are called here."""


def of_command(context: Any, args: Sequence[str], names: Sequence[str]) -> str:
    """Say what may have been meant by the first of some words, which is no command."""
    word, *others = args
    path = context.command_path
    if word == "version":
        return _VERSION
    if word == "help":
        return f"see {' '.join([path, *(other for other in others[:2] if other.isalpha())])} --help"
    if context.parent is None and others and others[0] in names:
        return f'did you mean "{path} {others[0]} {word}"?'
    known = next((name for name in OTHER_NAMES.get(word, ()) if name in names), None)
    return f'did you mean "{known}"?' if known else did_you_mean(word, names) or f"see {path} --help"


def of_option(context: Any, name: str, near: Sequence[str]) -> str | None:
    """Say what may have been meant by an option that a command or a group does not have."""
    if context is None:
        return None
    if name.lower() in {"-v", "--version"}:
        return _VERSION
    known = {option.lstrip("-"): option for option in near}
    if closest := nearest(name.lstrip("-"), known):  # dashes make no two words alike
        return f"did you mean {known[closest]}?"
    path = context.command_path
    if hasattr(context.command, "list_commands"):
        words = "COMMAND" if context.parent else "GROUP COMMAND"
        return f"the options of a command stand behind it, as in {path} {words} {name}"
    others = list(_with_option(context.parent, name))
    return f"{name} is an option of {' and '.join(others[:2])}; see {path} --help" if others else None


def _with_option(group: Any, name: str) -> Iterator[str]:
    """Give the commands beside one that have an option."""
    for command in group.command.list_commands(group):
        if any(name in param.opts for param in group.command.get_command(group, command).params):
            yield f"{group.command_path} {command}"


_VERSION: Final = "see chatctl --version"
