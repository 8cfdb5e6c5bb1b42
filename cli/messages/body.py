"""The text of a message, from where it is given."""

import sys

from cli.output import say, streams
from database.errors import InvalidInputError


def typed() -> str:
    """Read a message from standard input, never much more of it than a message may be long."""
    from actions.messages.sending import LARGEST_BODY, refuse_size

    if streams.is_terminal(sys.stdin):
        say("type the message; Ctrl-D on a line of its own ends it, Ctrl-C sends nothing")
    given = sys.stdin.buffer.read(LARGEST_BODY + len(b"\r\n") + 1) if sys.stdin else b""
    line = given.removesuffix(b"\n").removesuffix(b"\r") if given.endswith(b"\n") else given
    refuse_size(len(line))
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise InvalidInputError("standard input is not UTF-8") from None
