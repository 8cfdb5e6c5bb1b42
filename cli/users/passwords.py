"""A new password, given in a way that leaves it in no list of processes and in no history of a shell."""

import sys
from typing import Annotated, NamedTuple

import typer

from cli.group import Options
from cli.invocation import Invocation
from cli.output import questions
from database.errors import InvalidInputError, UsageError


class Password(NamedTuple):
    """A new password, none where there shall be none; `reveal` one that was made up."""

    text: str | None
    reveal: bool = False


class PasswordSource(Options):
    """Where a new password comes from."""

    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")] = (
        False
    )
    generate_password: Annotated[
        bool, typer.Option("--generate-password", help="Generate a password, and print it once.")
    ] = False
    no_password: Annotated[bool, typer.Option("--no-password", help="Set no password.")] = False

    def new_password(self, invocation: Invocation) -> Password:
        """Take the password from where the options say; without any of them ask for it twice, unseen."""
        if self.password_stdin + self.generate_password + self.no_password > 1:
            raise UsageError(
                "--password-stdin, --generate-password and --no-password contradict each other", "give one"
            )
        if self.no_password:
            return Password(None)
        if self.generate_password:
            from actions.rules import passwords

            return Password(passwords.generate(), reveal=True)
        if self.password_stdin:
            return Password(_read())
        if not questions.can_ask(invocation):
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

    first = _ask("Password: ")
    passwords.validate(first)  # nobody types for a second time what cannot be taken
    if first != _ask("Again: "):
        raise InvalidInputError("the two passwords are not the same", "type the command again")
    return first


def _ask(prompt: str) -> str:
    typed = questions.ask_hidden(prompt)
    if typed is None:
        raise InvalidInputError("no password was typed", "for a user without one there is --no-password")
    return typed
