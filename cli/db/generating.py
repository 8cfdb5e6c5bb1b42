"""The command that makes up people and what they write."""

from typing import Annotated, Final

import typer

import actions
from cli.group import part
from cli.params import LARGEST, Confirm, Out, number

app = part()


MOST_USERS: Final = 10_000_000
"""The ids of all users are in memory before the first user is written."""


def _number(name: str, text: str, most: int = LARGEST) -> object:
    return typer.Option(name, metavar="N", parser=number(0, most), help=text)


@app.command(example="chatctl --local db generate --users 200 --conversations 60 --messages 2000")
def generate(
    out: Out,
    *,
    users: Annotated[int, _number("--users", "Number of users.", MOST_USERS)] = 100,
    conversations: Annotated[int, _number("--conversations", "One-to-one and groups.")] = 40,
    messages: Annotated[int, _number("--messages", "In all of them together.")] = 2_000,
    seed: Annotated[int, _number("--seed", "Another makes others; the same makes the same again.")] = 1,
    broken: Annotated[int, _number("--broken", "Also so many faults of each rule of chatctl db check.")] = 0,
    confirm: Confirm,
) -> None:
    """Fill an empty or the embedded database with made-up people.

    They have names, roles there are, conversations with each other, and faults to find if --broken says so.
    It happens in the year before the last midnight, UTC: the same seed makes the same data, ids and times included, all
    day. Everybody's password is "made up to try things out", so nobody else may reach such a database. It cannot be
    undone. If it is interrupted, run the same command again to finish it.
    """
    amounts = actions.database.generating.Amounts(users, conversations, messages, seed, broken)
    change = actions.database.generating.generate(amounts)
    out.apply(change, confirm)
