"""Options for a new password. No option takes the password itself: process lists and shell history would show it."""

import sys
from typing import Annotated, NamedTuple

import typer

from cli.group import Options
from cli.invocation import Invocation
from cli.output import questions, say
from database.errors import InvalidInputError, UsageError


class Password(NamedTuple):
    """A new password, or None for a user without a password. If `reveal` is True, the password must be printed once."""

    text: str | None
    reveal: bool = False


class PasswordSource(Options):
    """Options that choose the source of a new password."""

    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")] = (
        False
    )
    generate_password: Annotated[
        bool, typer.Option("--generate-password", help="Generate a password, and print it once.")
    ] = False
    no_password: Annotated[bool, typer.Option("--no-password", help="Set no password.")] = False

    def new_password(self, invocation: Invocation) -> Password:
        """Return the password from the chosen source. Without an option, ask for the password twice, hidden."""
        if self.password_stdin + self.generate_password + self.no_password > 1:
            raise UsageError(
                "--password-stdin, --generate-password and --no-password cannot be combined", "use one of them"
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
                "a password is required, but it cannot be asked for without a terminal",
                "use --password-stdin, --generate-password or --no-password",
            )
        return Password(_asked())


def _read() -> str:
    try:
        text = sys.stdin.read() if sys.stdin else ""
    except UnicodeDecodeError:
        raise InvalidInputError("standard input is not UTF-8") from None
    password = text.removesuffix("\n").removesuffix("\r")
    if not password:
        raise InvalidInputError(
            "standard input contains no password", "for a user without a password, use --no-password"
        )
    return password


def _asked() -> str:
    from actions.rules import passwords

    say(passwords.RULE)
    first = _ask("Password: ")
    passwords.validate(first)  # An invalid password is refused before the user types it a second time.
    if first != _ask("Again: "):
        raise InvalidInputError("the two passwords are not the same", "run the command again")
    return first


def _ask(prompt: str) -> str:
    typed = questions.ask_hidden(prompt)
    if typed is None:
        raise InvalidInputError("no password was typed", "for a user without a password, use --no-password")
    return typed
