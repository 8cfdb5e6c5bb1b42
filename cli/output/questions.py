"""Questions to the person at the terminal."""

import getpass
import os
import sys

from cli.invocation import Invocation
from cli.output import for_people, say, streams


def can_ask(invocation: Invocation) -> bool:
    """Tell whether a question can be seen and answered, and is allowed."""
    if invocation.no_input or invocation.items_from_stdin:
        return False
    return streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr)


def can_pick(invocation: Invocation) -> bool:
    """Tell whether a person can choose from a menu: on a whole terminal, and never in a CI job."""
    on_screen = streams.is_terminal(sys.stdout) and os.environ.get("TERM", "dumb") != "dumb"
    return on_screen and can_ask(invocation) and not os.environ.get("CI")


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
