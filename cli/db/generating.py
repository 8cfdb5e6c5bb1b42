"""The command `chatctl db generate`: it generates users, conversations and messages."""

from typing import Annotated, Final

import typer

import actions
from cli.group import part
from cli.params import LARGEST, Confirm, Out, number

app = part()


MOST_USERS: Final = 10_000_000
"""The most users to generate. The limit is needed because the ids of all users are kept in memory."""


def _number(name: str, text: str, most: int = LARGEST) -> object:
    return typer.Option(name, metavar="N", parser=number(0, most), help=text)


@app.command(example="chatctl --local db generate --users 200 --conversations 60 --messages 2000")
def generate(
    out: Out,
    *,
    users: Annotated[int, _number("--users", "Number of users.", MOST_USERS)] = 100,
    conversations: Annotated[int, _number("--conversations", "Number of one-to-one conversations and groups.")] = 40,
    messages: Annotated[int, _number("--messages", "Number of messages in all conversations.")] = 2_000,
    seed: Annotated[int, _number("--seed", "Start of the random numbers: the same seed gives the same data.")] = 1,
    broken: Annotated[int, _number("--broken", "Number of faults for each rule of chatctl db check.")] = 0,
    confirm: Confirm,
) -> None:
    """Fill an empty or the embedded database with generated data.

    The users have names, existing roles and conversations with each other. --broken adds faults. All times are in the
    year before the last midnight in UTC: on the same day, the same --seed gives the same data, with ids and times.
    All generated users have the password "made up to try things out". Keep this database private. This cannot be
    undone. If the command is interrupted, run it again to finish the work.
    """
    amounts = actions.database.generating.Amounts(users, conversations, messages, seed, broken)
    change = actions.database.generating.generate(amounts)
    out.apply(change, confirm)
