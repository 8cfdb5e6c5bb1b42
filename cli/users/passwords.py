"""A new password, given in a way that leaves it in no list of processes and in no history of a shell."""

import sys
from typing import Annotated, NamedTuple

import typer

from cli.output.writes import can_ask, hidden
from database.errors import InvalidInputError, UsageError

PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
GeneratePassword = Annotated[bool, typer.Option("--generate-password", help="Make one up, and print it this once.")]
NoPassword = Annotated[bool, typer.Option("--no-password", help="None: nobody can sign in with one.")]


class Password(NamedTuple):
    """A new password, none where there shall be none; `reveal` one that was made up."""

    text: str | None
    reveal: bool = False


def new_password(*, from_stdin: bool, generated: bool, none: bool) -> Password:
    """Take the password from where the options say; without any of them ask for it twice, unseen."""
    if from_stdin + generated + none > 1:
        raise UsageError("--password-stdin, --generate-password and --no-password contradict each other", "give one")
    if none:
        return Password(None)
    if generated:
        from actions.rules import passwords

        return Password(passwords.generate(), reveal=True)
    if from_stdin:
        return Password(_read())
    if not can_ask():
        raise UsageError(
            "there is no terminal to ask for a password on",
            "give one of --password-stdin, --generate-password and --no-password",
        )
    return Password(_asked())


def _read() -> str:
    try:
        text = sys.stdin.read() if sys.stdin else ""
    except UnicodeDecodeError:
        raise InvalidInputError("standard input is not UTF-8") from None
    password = text.removesuffix("\n").removesuffix("\r")
    if not password:
        raise InvalidInputError("standard input holds no password", "for a user without one there is --no-password")
    return password


def _asked() -> str:
    from actions.rules import passwords

    first = _hidden("Password: ")
    passwords.validate(first)  # nobody types for a second time what cannot be taken
    if first != _hidden("Again: "):
        raise InvalidInputError("the two passwords are not the same", "type the command again")
    return first


def _hidden(prompt: str) -> str:
    typed = hidden(prompt)
    if typed is None:
        raise InvalidInputError("no password was typed", "for a user without one there is --no-password")
    return typed
