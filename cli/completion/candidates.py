"""Find the words that can complete a command line, after the user has pressed Tab."""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import typer

from database import contexts, urls
from database.own_collections import HOLDS, PROPOSALS

FILES: Final = ":files"
"""The result that tells the completion script of the shell to complete file names."""

PLAIN: Final = re.compile(r"[A-Za-z0-9_.@+:,=-]+")
"""Matches a word without characters that are special in a shell. No other word is offered."""

REDIRECTION: Final = re.compile(r"[0-9&]*[<>]+\|?")


NAMES: Final = {
    "USER": "User",
    "USER USER": "User",
    "FROM": "User",
    "USER|ID": "User",
    "ROLE": "Role",
    "PERMISSION": "Permission",
    "CONVERSATION": "Conversation",
    "HOLD": HOLDS,
    "PROPOSAL": PROPOSALS,
}
"""Metavar (the name of a value in the help, like USER) → collection whose names complete the value."""

WORDS: Final = {
    "STATUS": ("ACTIVE", "SUSPENDED", "EMAIL_VERIFIED"),
    "COLLECTION": ("User", "Account", "Profile", "Role", "Permission", "Conversation", "Message"),
    "RULE": (
        "bad-password-hash",
        "dangling-link",
        "duplicate-direct",
        "duplicate-key",
        "duplicate-link",
        "email-case",
        "foreign-seen",
        "foreign-sender",
        "invalid-text",
        "lone-conversation",
        "misnamed-index",
        "missing-field",
        "missing-index",
        "missing-parent",
        "null-list",
        "one-sided-link",
        "other-collection",
        "oversized",
        "second-profile",
        "secret-in-trail",
        "stale-last-message",
        "status-mismatch",
        "string-id",
        "unknown-status",
        "unsynced-copy",
        "wrong-type",
    ),
}
"""Metavar (the name of a value in the help, like STATUS) → the possible words.

The words are repeated here, because the modules that define them load the database driver, which is slow.
"""


def candidates(root: Any, line: TextIO, *, suffix_only: bool) -> list[str]:
    """Return the words that can complete the last word of a line, or `FILES`. After any error, return nothing.

    With `suffix_only`, each result is only the part of the word that is not typed yet.
    """
    try:
        _, *words, prefix = _split(line.read())
        found = list(_found(root, words, prefix))
    except Exception:  # noqa: BLE001 - an error must not disturb a user who is typing
        return []
    fitting = [word for word in found if word.startswith(prefix) and PLAIN.fullmatch(word)]
    return [FILES] if found == [FILES] else [word[len(prefix) if suffix_only else 0 :] for word in fitting]


def _split(line: str) -> list[str]:
    """Split a line into words like a shell. The last word can be empty, or have a quotation mark that is not closed."""
    lexer = shlex.shlex(f"{line}|", posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(iter(lexer.get_token, None))
    except ValueError:
        words.append(lexer.token)
    return [*words[:-1], words[-1].removesuffix("|")]


def _found(root: Any, words: list[str], prefix: str) -> Iterable[str]:
    if words and REDIRECTION.fullmatch(words[-1]):
        return [FILES]
    parsed = ParsedLine(typer.Context(root, info_name="chatctl", **root.context_settings))
    for word in words:
        parsed.add(word)
    return parsed.completions(prefix)


@dataclass
class ParsedLine:
    """The command line before the word to complete, read word by word.

    `context` is the Click context of the group or command that was read last. `arguments` is the number of arguments
    that were read for this command. `waiting` is an option whose values are not complete, and `awaited` is the number
    of its missing values. `only_arguments` is True after `--`. `values` has the name of each option with its value.
    """

    context: typer.Context
    arguments: int = 0
    waiting: Any = None
    awaited: int = 0
    only_arguments: bool = False
    values: dict[str, str] = field(default_factory=dict)

    def add(self, word: str) -> None:
        """Add the next word of the command line to this state."""
        if self.awaited:
            self.awaited -= 1
            self.values[self.waiting.name] = word
        elif word == "--" and not self.only_arguments:
            self.only_arguments = True
        elif word.startswith("-") and word != "-" and not self.only_arguments:
            self._take_option(word)
        elif self._commands():
            self._enter(word)
        else:
            self.arguments += 1

    def completions(self, prefix: str) -> Iterable[str]:
        """Return the words that are possible next. The caller keeps only those that begin with the prefix."""
        if self.awaited:
            return self._values(self.waiting, prefix)
        if prefix.startswith("-") and not self.only_arguments:
            name, equals, value = prefix.partition("=")
            if not equals:
                return [name for name, option in self._options().items() if not option.hidden]
            return self._after(f"{name}=", self._values(self._options()[name], value))
        return self._commands() or self._values(self._argument(), prefix)

    def _take_option(self, word: str) -> None:
        """Read a word with options: `--name`, `--name=value`, `-n`, `-nvalue`, or several flags like `-abc`."""
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        option = self._options().get(name)
        if option is None:
            return
        if option.is_flag:
            self.values[option.name] = "1"
            if equals and not name.startswith("--"):
                self._take_option(f"-{value}")
        elif equals:
            self.values[option.name] = value
        else:
            self.waiting, self.awaited = option, option.nargs

    def _commands(self) -> list[str]:
        group = self.context.command
        return [*group.list_commands(self.context)] if isinstance(group, typer.core.TyperGroup) else []

    def _enter(self, word: str) -> None:
        group: Any = self.context.command
        name, command, _ = group.resolve_command(self.context, [word])
        self.context = typer.Context(command, info_name=name, parent=self.context, **command.context_settings)

    def _parameters(self, kind: str) -> Iterator[Any]:
        return (one for one in self.context.command.get_params(self.context) if one.param_type_name == kind)

    def _options(self) -> dict[str, Any]:
        return {name: option for option in self._parameters("option") for name in option.opts}

    def _argument(self) -> Any:
        """Return the argument that gets the next word, or None. A repeatable argument gets all remaining words."""
        left = self.arguments
        for argument in self._parameters("argument"):
            if argument.nargs < 0 or left < argument.nargs:
                return argument
            left -= argument.nargs
        return None

    def _values(self, parameter: Any, prefix: str) -> Iterable[str]:
        """Return the possible values of a parameter. Its metavar decides which: the name of its value in the help."""
        called = (getattr(parameter, "metavar", None) or "").removesuffix("...").strip("[]")
        command: Any = self.context.command
        if self._is_context(parameter):
            return contexts.load().by_name
        if called in {"FILE", "PATH"}:
            return [FILES]
        if called in NAMES:
            return self._names(NAMES[called], prefix)
        if called == "A,B,C":
            return self._after(prefix[: prefix.rfind(",") + 1], command.columns)
        if called == "FIELD|-FIELD":
            return [f"{sign}{name}" for sign in ("", "-") for name in command.sort_fields]
        return self._words(called)

    @staticmethod
    def _words(called: str) -> Iterable[str]:
        if called == "PRODUCT":
            from imports import products

            return products.names()
        return WORDS.get(called) or (called.split("|") if "|" in called else [])

    def _is_context(self, parameter: Any) -> bool:
        """Tell whether a parameter is the name of an existing context. The argument of `context add` is a new name."""
        if parameter is None or parameter.param_type_name == "option":
            return "--context" in getattr(parameter, "opts", ())
        return self._group() == "context" and self.context.info_name != "add"

    def _group(self) -> str:
        return (self.context.parent and self.context.parent.info_name) or ""

    def _names(self, collection: str, prefix: str) -> Iterable[str]:
        from actions import completion

        values = self.values
        env_file = Path(values["env_file"]) if "env_file" in values else None
        choice = urls.Choice(values.get("url"), "local" in values, env_file, context=values.get("context"))
        return completion.names(collection, prefix, choice)

    @staticmethod
    def _after(typed: str, words: Iterable[str]) -> Iterable[str]:
        return [word if word == FILES else f"{typed}{word}" for word in words]
