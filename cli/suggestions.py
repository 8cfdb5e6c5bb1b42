"""Hints after a wrong command line: the command, option or list of names that the user probably meant."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

from database.wording import did_you_mean, nearest, shown

OTHER_NAMES: Final = {
    "activate": ("reinstate",),
    "add": ("create", "grant"),
    "ban": ("suspend",),
    "block": ("suspend",),
    "deactivate": ("suspend",),
    "disable": ("suspend",),
    "edit": ("update", "rename"),
    "enable": ("reinstate",),
    "find": ("search", "list --search", "list"),
    "get": ("show",),
    "lock": ("suspend",),
    "ls": ("list",),
    "new": ("create",),
    "open": ("transcript", "show"),
    "reactivate": ("reinstate",),
    "read": ("transcript", "show"),
    "remove": ("delete",),
    "rm": ("delete",),
    "search": ("search", "list --search"),
    "unban": ("reinstate",),
    "unblock": ("reinstate",),
    "unlock": ("reinstate",),
    "unsuspend": ("reinstate",),
    "view": ("show",),
}
"""Names of commands in other programs → names in chatctl. The hint is the first name that exists in the group."""

OTHER_OPTIONS: Final = {
    "--confirm": "--yes",
    "--force": "--yes",
    "--format": "--output",
    "--no-confirm": "--yes",
    "--offset": "--after",
    "--page": "--after",
    "--skip": "--after",
    "--verbose": "--debug",
    "-f": "--yes",
}
"""Options of other programs → options of chatctl.

Without this table, the hint would be the most similar option. For `--force` this is `--forever`, which is wrong.
"""
QUIET: Final = frozenset({"--quiet", "--silent", "-q", "-s"})

_VERSION: Final = "see chatctl --version"
_COLOURED: Final = "put FORCE_COLOR=1 before chatctl"
_COLOURLESS: Final = "put NO_COLOR=1 before chatctl"

OPTION_HINTS: Final = {
    "-v": _VERSION,
    "--version": _VERSION,
    "--color": _COLOURED,
    "--colour": _COLOURED,
    "--no-color": _COLOURLESS,
    "--no-colour": _COLOURLESS,
    "--no-pager": "put CHATCTL_PAGER=cat before chatctl",
}
"""Option of another program → hint, for options that chatctl replaces by something else, like a command."""


def of_command(context: Any, args: Sequence[str], names: Sequence[str]) -> str:
    """Return a hint for an unknown command. `args` is the unknown command, and the words after it."""
    word, *others = args
    path = context.command_path
    if word == "version":
        return _VERSION
    if word == "help":
        return f"see {' '.join([path, *(other for other in others[:2] if other.isalpha())])} --help"
    if context.parent is None and others and others[0] in names:
        return f'did you mean "{path} {others[0]} {word}"?'
    known = next((name for name in OTHER_NAMES.get(word.lower(), ()) if _exists(context, name)), None)
    if known and " " in known:
        return f'did you mean "{shlex.join([*path.split(), *known.split(), *others])}"?'
    return f'did you mean "{known}"?' if known else did_you_mean(word, names) or f"see {path} --help"


def _exists(group: Any, name: str) -> bool:
    """Tell whether a group has a command. If the name includes an option (`list --search`), that must exist too."""
    word, _, option = name.partition(" ")
    command = group.command.get_command(group, word)
    return command is not None and (not option or any(option in param.opts for param in command.params))


def of_option(context: Any, name: str, near: Sequence[str]) -> str | None:
    """Return a hint for an unknown option of a command or group."""
    if context is None:
        return None
    if hint := OPTION_HINTS.get(name.lower()):
        return hint
    is_group = hasattr(context.command, "list_commands")
    options = {option: param for param in context.command.get_params(context) for option in param.opts}
    formats = options["--output"].metavar.split("|") if "--output" in options else ["json", "ids"] * is_group
    if name in QUIET:
        form = {"ids": "-o ids prints only ids; ", "json": "-o json prints no notes; "}
        return f"{next((form[one] for one in form if one in formats), '')}2>/dev/null hides the notes"
    meant = f"-o {name.lstrip('-')}" if name.lstrip("-") in formats else OTHER_OPTIONS.get(name)
    known = {option.lstrip("-"): option for option in near}  # dashes would make all names similar
    if meant is None and (closest := nearest(name.lstrip("-"), known)):
        meant = known[closest]
    if meant and meant.replace("-o ", "--output ").partition(" ")[0] in options:
        return f"did you mean {meant}?"
    if is_group:
        words = "COMMAND" if context.parent else "GROUP COMMAND"
        return f"write the options after the command: {context.command_path} {words} {meant or name}"
    others = list(_with_option(context.parent, name))
    return f"{name} is an option of {' and '.join(others[:2])}; see {context.command_path} --help" if others else None


def _with_option(group: Any, name: str) -> Iterator[str]:
    """Yield the commands of a group that have the option `name`."""
    for command in group.command.list_commands(group):
        if any(name in param.opts for param in group.command.get_command(group, command).params):
            yield f"{group.command_path} {command}"


def of_list(context: Any, message: str) -> str | None:
    """Return a hint on how to give several names, if an error message is about a value like `ada,grace`."""
    for param in context.command.params:
        given = context.params.get(param.name)
        several = isinstance(given, (list, tuple))
        for value in given if several else [given]:
            names = [name for part in value.split(",") if (name := part.strip())] if isinstance(value, str) else []
            if len(names) < 2 or shown(value) not in message:  # noqa: PLR2004 - a comma divides two names
                continue
            words = list(map(shlex.quote, names))
            if param.param_type_name == "argument":
                return f"separate names with spaces: {' '.join(words)}" if several else None
            option = param.opts[0]
            return f"repeat the option: {option} {f' {option} '.join(words)}" if several else f"{option} takes one name"
    return None
