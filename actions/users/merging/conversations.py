"""Decide what happens to the conversations of merged users."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from actions import queries
from changes import Document
from database import connection
from database.references import ids_in, references_in, referred
from models.values import PAIR, is_group

FIELDS: Final = ("name", "isGroup", "userIds", "created_at")


@dataclass
class Conversations:
    """The conversations of merged users, grouped by what happens to them.

    Each item of `joined` is a list of conversations that become one: the first conversation gets the messages of the
    others, and the others are deleted. The conversations in `ended` are deleted with their messages. In the
    conversations in `moved`, the user who stays replaces the merged users. The first conversation of a list in `joined`
    is also in `moved` if a merged user takes part in it.
    """

    moved: list[Document] = field(default_factory=list)
    joined: list[list[Document]] = field(default_factory=list)
    ended: list[Document] = field(default_factory=list)

    @property
    def emptied(self) -> list[Any]:
        """Return the ids of the conversations whose messages move to another conversation."""
        return [one["_id"] for places in self.joined for one in places[1:]]

    @property
    def deleted(self) -> list[Any]:
        """Return the ids of all conversations that are deleted."""
        return [*self.emptied, *(one["_id"] for one in self.ended)]


def of_users(users: list[Document], into: Document, *, keep: bool) -> Conversations:
    """Read the conversations of `users`, and the one-to-one conversations of `into`. Decide what happens to each.

    If `keep` is true, the conversations of the merged users with each other are not deleted.
    """
    going, staying = {referred(user["_id"]) for user in users}, referred(into["_id"])
    listed = {one for user in users for one in references_in(user, "conversationIds")}
    found = Conversations()
    pairs: dict[Any, list[Document]] = {}
    for place in _read([*going, staying], listed).values():
        people = set(ids_in(place, "userIds"))
        lists_it = going if referred(place["_id"]) in listed else set()
        merged, others = people & {*going, staying}, people - {*going, staying}
        if is_group(place):
            found.moved += [place] if people & going or lists_it else []
        elif len(others) == 1:
            pairs.setdefault(next(iter(others)), []).append(place)
        elif people & going:
            ends = not others and len(merged) >= PAIR and not keep
            (found.ended if ends else found.moved).append(place)
    for places in pairs.values():
        _pair(found, places, going, staying, listed)
    return found


def _pair(found: Conversations, places: list[Document], going: set[Any], staying: Any, listed: set[Any]) -> None:
    """Join the one-to-one conversations with the same other person into one conversation.

    If the user who stays already has such a conversation, this conversation is kept.
    """
    theirs = [one for one in places if going & {*ids_in(one, "userIds")} or referred(one["_id"]) in listed]
    if not theirs:
        return
    first, *others = sorted(places, key=lambda one: (staying not in ids_in(one, "userIds"), str(referred(one["_id"]))))
    found.moved += [first] if first in theirs else []
    if others:
        found.joined.append([first, *others])


def _read(users: Iterable[Any], listed: Iterable[Any]) -> dict[Any, Document]:
    """Read the conversations that list one of these users, and the conversations that these users list."""
    return {one["_id"]: one for one in chain(_listing(users), queries.find_by_ids("Conversation", listed, FIELDS))}


def _listing(users: Iterable[Any]) -> Iterator[Document]:
    for some in queries.chunks(users):
        yield from connection.database()["Conversation"].find(
            queries.refers_to("Conversation", "userIds", *some), FIELDS
        )
