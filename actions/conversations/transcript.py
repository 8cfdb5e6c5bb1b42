"""Read the messages of a conversation, oldest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from pymongo.errors import OperationFailure

from actions import lookup, queries
from actions.display_names import FIELDS, ConversationTitles, TitledConversation
from actions.messages.listing import MESSAGE_FIELDS, MessageRows
from actions.queries import time_range
from changes import Document
from database import connection
from database.errors import NotFoundError, UsageError, is_refusal
from database.ids import id_text
from database.listing import PRESENT, Listing, Row
from database.prefetch import prefetched
from database.references import referred
from database.times import minute

INDEX: Final = "chatctl_conversation"
MANY_MESSAGES: Final = 10_000
"""If the database has more messages than this number, a transcript without an index is noticeably slow."""
FIRST_PAGE: Final = 200
"""The number of messages in the first page. Short ids are also made for this number of messages at a time."""
NEAR: Final = 10
"""The number of messages that `--around` shows before and after the given message."""


@dataclass(frozen=True)
class Transcript:
    """The selected messages of a conversation, sorted by time. Messages without a time come last.

    If not all messages are selected, `description` says which messages are. `reaches_end` tells whether the last
    selected message is the last message of the conversation. With `--around`, `marked` is the id of the message in the
    middle.
    """

    place: TitledConversation
    began: Any
    listing: Listing
    after: Any = None
    limit: int | None = None
    marked: Any = None
    reaches_end: bool = True
    description: str = ""

    def rows(self) -> Iterator[Row]:
        """Read the selected messages, as rows of `MessageRows`.

        The query for the first page has a limit. Without the limit, some servers find all messages before they return
        the first one.
        """
        length = FIRST_PAGE if self.limit is None else min(FIRST_PAGE, self.limit)
        first = list(self.listing.rows(after=self.after, limit=length))
        yield from first
        if len(first) == FIRST_PAGE != self.limit:
            rest = None if self.limit is None else self.limit - FIRST_PAGE
            yield from prefetched(self.listing.rows(after=first[-1]["id"], limit=rest))

    def count(self) -> int:
        """Return the number of selected messages. It may be higher than the number of rows that `rows` yields."""
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
    """Select messages of a conversation: all, those of a period, the last ones, or those around one message.

    Raises `NotFoundError` if the message of `around` is in another conversation.
    """
    if around is not None and (since, until, last) != (None, None, None):
        raise UsageError(
            "--around cannot be combined with --last, --since or --until", "use --around, or only the other options"
        )
    conversation = lookup.find_one("Conversation", ref, (*FIELDS, "created_at"))
    places = ConversationTitles()
    places.add([conversation])
    where = queries.refers_to("Message", "conversationId", conversation["_id"])
    if times := time_range(since, until):
        where["createAt"] = times
    listing = Listing("Message", where, MessageRows(places), order="createAt", fields=MESSAGE_FIELDS)
    place, began = places.get(conversation["_id"]), conversation.get("created_at")
    selected = Transcript(place, began, listing, reaches_end=until is None, description=_describe(since, until, last))
    if around is not None:
        return _around(selected, around)
    return selected if last is None else _last(selected, last)


def with_short_ids(messages: Iterable[Row]) -> Iterator[Row]:
    """Add `shortId` to each message: the first digits of its id that no other message has. See `queries.short_ids`.

    If an id cannot be shortened, `shortId` is the whole id. If the server takes too long to answer once, all later
    messages get whole ids.
    """
    left, patient = iter(messages), True
    while batch := list(islice(left, FIRST_PAGE)):
        whole = [id_text(row["id"]) for row in batch]
        short = queries.short_ids("Message", whole) if patient else {}
        patient = bool(short)
        yield from ({**row, "shortId": short.get(text, text)} for row, text in zip(batch, whole, strict=True))


def _describe(since: datetime | None, until: datetime | None, last: int | None) -> str:
    times = [f"{word} {minute(time)}" for word, time in (("since", since), ("before", until)) if time]
    words = [*times, *([f"the last {last:,}"] if last else [])]
    return f"only {', '.join(words)}" if words else ""


def lacks_index() -> bool:
    """Tell whether transcripts are slow because the database does not have the index for them.

    Return False if the database user has no right to list indexes.
    """
    messages = connection.database()["Message"]
    try:
        return INDEX not in messages.index_information() and messages.estimated_document_count() > MANY_MESSAGES
    except OperationFailure as error:
        if not is_refusal(error.code, error):
            raise
        return False


def _last(selected: Transcript, number: int) -> Transcript:
    """Select the last `number` messages of a transcript.

    A message without a time is selected only if there are not enough messages with a time.
    """
    before = next(islice(_dated(selected.listing).ids("-createAt", limit=number + 1), number, None), None)
    return replace(selected, after=before and before["id"], limit=number)


def _around(selected: Transcript, ref: str) -> Transcript:
    [(_, message)] = lookup.find_messages([ref], ("conversationId", "createAt"))
    if id_text(referred(message.get("conversationId"))) != selected.place.id:
        raise NotFoundError(
            f"the message {ref} is not in this conversation", f"see its conversation: chatctl messages show {ref}"
        )
    before = list(islice(_before(selected.listing, message), NEAR + 1))
    after = before[NEAR]["id"] if len(before) > NEAR else None
    limit = min(len(before), NEAR) + 1 + NEAR
    return replace(
        selected,
        after=after,
        limit=limit,
        marked=message["_id"],
        reaches_end=False,
        description="only around one message",
    )


def _before(listing: Listing, message: Document) -> Iterable[Row]:
    """Read the ids of the messages before a given message. The nearest message comes first."""
    if message.get("createAt") is not None:
        return _dated(listing).ids("-createAt", message["_id"], NEAR + 1)
    undated = replace(listing, where=listing.where | {"createAt": None})
    return chain(
        undated.ids("-id", message["_id"], NEAR + 1),
        _dated(listing).ids("-createAt", limit=NEAR + 1),
    )


def _dated(listing: Listing) -> Listing:
    return listing if "createAt" in listing.where else replace(listing, where=listing.where | {"createAt": PRESENT})
