"""What was said in a conversation, oldest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from pymongo.errors import OperationFailure

from actions import finding
from actions.conversation_titles import FIELDS, Place, Places
from actions.filter_conditions import between
from actions.messages import rows
from changes import Document
from database import connection
from database.errors import NotFoundError, UsageError
from database.failures import is_refusal
from database.ids import id_text
from database.listing import PRESENT, Listing, Row
from database.prefetch import prefetched
from database.references import referred

INDEX: Final = "chatctl_conversation"
MANY: Final = 10_000
"""Messages of a database from which one notices that there is no index."""
FIRST: Final = 200
"""Messages that are seen at once; as many as are written together."""
NEAR: Final = 10
"""Messages before and behind one that is looked for."""


@dataclass(frozen=True)
class Transcript:
    """The messages of a conversation that are wanted; those without a time come last.

    `part` says in words which they are, where they are not all; `whole` tells whether they reach to the end of the
    conversation; `marked` is the id of the message they are around.
    """

    place: Place
    began: Any
    listing: Listing
    after: Any = None
    limit: int | None = None
    marked: Any = None
    whole: bool = True
    part: str = ""

    def rows(self) -> Iterator[Row]:
        """Read the messages, as `actions.messages.rows` has them.

        The first few are read apart: some servers find all before they give any, unless they know how few are wanted.
        """
        wanted = FIRST if self.limit is None else min(FIRST, self.limit)
        first = list(self.listing.rows(after=self.after, limit=wanted))
        yield from first
        if len(first) == FIRST != self.limit:
            rest = None if self.limit is None else self.limit - FIRST
            yield from prefetched(self.listing.rows(after=first[-1]["id"], limit=rest))

    def count(self) -> int:
        """Count how many `rows` reads at most."""
        found = self.listing.count()
        return found if self.limit is None else min(found, self.limit)


def transcript(
    ref: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    last: int | None = None,
    around: str | None = None,
) -> Transcript:
    """Find the messages of a conversation from a time on and before another, the last of them, or those around one.

    Raises `NotFoundError` for a message of another conversation.
    """
    if around is not None and (since, until, last) != (None, None, None):
        raise UsageError("--around contradicts --last, --since and --until", "give it alone, or without it the others")
    conversation = finding.one("Conversation", ref, (*FIELDS, "created_at"))
    places = Places()
    places.learn([conversation])
    where = finding.referring("Message", "conversationId", conversation["_id"])
    if said := between(since, until):
        where["createAt"] = said
    listing = Listing("Message", where, rows.Rows(places), order="createAt", fields=rows.FIELDS)
    place, began = places.of(conversation["_id"]), conversation.get("created_at")
    found = Transcript(place, began, listing, whole=until is None, part=_part(since, until, last))
    if around is not None:
        return _around(found, around)
    return found if last is None else _last(found, last)


def _part(since: datetime | None, until: datetime | None, last: int | None) -> str:
    times = [f"{word} {time:%Y-%m-%d %H:%M}Z" for word, time in (("since", since), ("before", until)) if time]
    words = [*times, *([f"the last {last:,}"] if last else [])]
    return f"only {', '.join(words)}" if words else ""


def lacks_index() -> bool:
    """Tell whether all messages are gone through for those of a conversation, and are many; no if that is not told."""
    messages = connection.database()["Message"]
    try:
        return INDEX not in messages.index_information() and messages.estimated_document_count() > MANY
    except OperationFailure as error:
        if not is_refusal(error.code, error):
            raise
        return False


def _last(found: Transcript, number: int) -> Transcript:
    """Begin behind the message before the last ones; if there is none, those without a time are among them."""
    before = next(islice(_dated(found.listing).ids("-createAt", limit=number + 1), number, None), None)
    return replace(found, after=before and before["id"], limit=number)


def _around(found: Transcript, ref: str) -> Transcript:
    [(_, message)] = finding.messages([ref], ("conversationId", "createAt"))
    if id_text(referred(message.get("conversationId"))) != found.place.id:
        raise NotFoundError(
            f"the message {ref} is not in this conversation", f"see where it is: chatctl messages show {ref}"
        )
    before = list(islice(_before(found.listing, message), NEAR + 1))
    after = before[NEAR]["id"] if len(before) > NEAR else None
    limit = min(len(before), NEAR) + 1 + NEAR
    return replace(found, after=after, limit=limit, marked=message["_id"], whole=False, part="only around one message")


def _before(listing: Listing, message: Document) -> Iterable[Row]:
    """Read the ids of what comes before a message, the nearest first."""
    if message.get("createAt") is not None:
        return _dated(listing).ids("-createAt", message["_id"], NEAR + 1)
    undated = replace(listing, where=listing.where | {"createAt": None})
    return chain(
        undated.ids("-id", message["_id"], NEAR + 1),
        _dated(listing).ids("-createAt", limit=NEAR + 1),
    )


def _dated(listing: Listing) -> Listing:
    return listing if "createAt" in listing.where else replace(listing, where=listing.where | {"createAt": PRESENT})
