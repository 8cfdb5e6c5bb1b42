"""Questions to the person at the terminal."""

import getpass
import sys

from cli.output import for_people, say, streams


def can_ask(*, items_from_stdin: bool = False) -> bool:
    """Tell whether somebody sits there: a question has to be seen and answered."""
    return streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr) and not items_from_stdin


def ask(question: str) -> str:
    """Ask a question on the terminal, and return the answer without the blanks around it."""
    line = ""
    try:
        sys.stderr.write(for_people(question))
        sys.stderr.flush()
        line = sys.stdin.readline()
    finally:
        if not line.endswith("\n"):
            streams.say("")
    return line.strip()


def ask_hidden(prompt: str) -> str | None:
    """Ask for a secret on the terminal, unseen; None where nothing more can be typed."""
    typed = None
    try:
        typed = getpass.getpass(prompt, sys.stderr)
    except EOFError:
        return None
    finally:
        if typed is None:
            say("")
    return typed
