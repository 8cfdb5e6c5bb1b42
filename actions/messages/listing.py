"""List messages, and search their texts."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import prod
from typing import TYPE_CHECKING, Any, Final

from bson import ObjectId
from pymongo.errors import ExecutionTimeout, OperationFailure

from actions import SORTABLE, lookup, queries
from actions.display_names import ConversationTitles, TitledConversation, id_texts
from actions.errors import BadPatternError
from actions.queries import matches_pattern, require_text, time_range
from changes import Document
from changes.visible_values import readable, readable_text
from database import connection
from database.errors import TimedOutError
from database.listing import Listing, Row
from database.references import joined, not_referring_to, referred
from database.wording import shown

if TYPE_CHECKING:
    import regex


NEWEST: Final = "-createAt"
MESSAGE_FIELDS: Final = ("createAt", "body", "image", "seenIds", "conversationId", "senderId")
"""The fields that are read of a message."""

READERS_KEPT: Final = 1_000
"""The largest number of sets of readers to keep in memory.

The users who have seen a message are its readers. Most messages have the same readers as the message before them.
"""

NO_SENDER: Final[Row] = {"id": None, "username": None}

Readers = tuple[list[Row], list[Row]]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of `messages list` and `messages search`. They are combined with AND. Times are in UTC."""

    conversation: str | None = None
    sender: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_image: bool = False
    unseen_by: str | None = None


def find(filters: Filters | None = None) -> Listing:
    """List messages as rows of `MessageRows`, newest first.

    Raises `UnknownNameError` for an unknown conversation or user.
    """
    return Listing("Message", query(filters or Filters()), MessageRows(), SORTABLE["messages"], NEWEST, MESSAGE_FIELDS)


def show(ref: str) -> Row:
    """Describe one message."""
    [found] = lookup.find_messages([ref], MESSAGE_FIELDS)
    return next(MessageRows()([found.document]))


def query(filters: Filters) -> Document:
    """Return the MongoDB filter for the messages that match all of `filters`."""
    reader, sender = (_user_id(ref) for ref in (filters.unseen_by, filters.sender))
    conditions: dict[str, Any] = {
        "createAt": time_range(filters.since, filters.until),
        "image": filters.with_image and {"$nin": [None, ""]},
    }
    return joined(
        {field: condition for field, condition in conditions.items() if condition},
        _in_conversations(filters.conversation, reader),
        {} if sender is None else queries.refers_to("Message", "senderId", sender),
        *(not_referring_to(field, reader) for field in ("senderId", "seenIds") if reader is not None),
    )


def _user_id(ref: str | None) -> Any:
    return None if ref is None else lookup.find_user(ref, ())["_id"]


def _in_conversations(ref: str | None, reader: Any) -> Document:
    """Return the filter for messages of the conversation `ref`, or of all conversations if `ref` is None.

    If `reader` is given, the filter matches only messages of conversations in which this user is a participant.
    """
    chosen = [] if ref is None else [lookup.find_one("Conversation", ref, ())["_id"]]
    if reader is not None:
        among = {"_id": {"$in": chosen}} if chosen else {}
        taking_part = joined(among, queries.refers_to("Conversation", "userIds", reader))
        found = connection.database()["Conversation"].find(taking_part, ["_id"])
        chosen = [conversation["_id"] for conversation in found]
    elif ref is None:
        return {}
    return queries.refers_to("Message", "conversationId", *chosen)


class MessageRows:
    """Make rows of messages. The names of conversations and readers stay in memory for later calls.

    A row is `{id, createAt, sender, conversation, body, image, seen, unseen, conversationId, senderId}`. A person is
    `{id, username}`, and the conversation is `{id, title}`. `unseen` lists the participants who have not seen the
    message.
    """

    def __init__(self, places: ConversationTitles | None = None) -> None:
        self.places = places or ConversationTitles()
        self._readers: dict[Any, Readers] = {}

    def __call__(self, messages: Sequence[Document], _: Collection[str] = ()) -> Iterator[Row]:
        seen = [id_texts(message, "seenIds") for message in messages]
        senders = [_reference_text(message, "senderId") for message in messages]
        conversation_ids = [_reference_text(message, "conversationId") for message in messages]
        self.places.load(conversation_ids, {*senders, *(person for readers in seen for person in readers)})
        if len(self._readers) > READERS_KEPT:
            self._readers.clear()
        places = {conversation_id: self.places.get(conversation_id) for conversation_id in {*conversation_ids}}
        for message, sender, conversation_id, readers in zip(messages, senders, conversation_ids, seen, strict=True):
            place = places[conversation_id]
            has_seen, has_not_seen = self._readers_of(place, readers)
            yield {
                "id": message["_id"],
                "createAt": readable(message.get("createAt")),
                "sender": NO_SENDER if message.get("senderId") is None else self.places.person(sender),
                "conversation": {"id": message.get("conversationId") and place.id, "title": place.title},
                "body": readable(message.get("body")),
                "image": readable(message.get("image")),
                "seen": has_seen,
                "unseen": has_not_seen,
                "conversationId": readable(message.get("conversationId")),
                "senderId": readable(message.get("senderId")),
            }

    def _readers_of(self, place: TitledConversation, readers: list[str]) -> Readers:
        key = place.id, *readers
        if key not in self._readers:
            seen = dict.fromkeys(readers)
            unseen = [person for person in place.participants if person["id"] not in seen]
            self._readers[key] = [self.places.person(person) for person in seen], unseen
        return self._readers[key]


def _reference_text(message: Document, field: str) -> str:
    """Return the id in a reference field as text. In broken data, the id may have any type, or may be missing."""
    value = message.get(field)
    return str(value) if type(value) is ObjectId else readable_text(referred(value))


LONGEST_PATTERN: Final = 200
"""The length limit of a search pattern, in characters."""
SECONDS_ON_SERVER: Final = 10
"""The MongoDB server stops a search query after this number of seconds."""
SECONDS_PER_MESSAGE: Final = 0.1
"""The time limit for Python to find the match in one message, in seconds.

MongoDB finds messages with a match, but does not say where in the message the match is.
"""
CHARACTERS_BEFORE: Final = 20
CHARACTERS_AFTER: Final = 60
"""The number of characters that are shown before a match, and the number that are shown after the match."""
LARGEST_COUNT: Final = 100_000
"""The limit for the product of all counts in a search pattern. In `a{1,300}`, the count is 300.

Nested counts multiply the memory that the compiled pattern needs.
"""
_COUNTS: Final = re.compile(r"\{(\d*),?(\d*)\}")
UNREADABLE_PATTERN: Final = {2, 51091}
"""The error codes of a MongoDB server if a search pattern is not valid."""


def search(text: str, filters: Filters | None = None, *, pattern: bool = False) -> Listing:
    """List the messages that contain a text or match a pattern, in upper or lower case.

    The rows are those of `find`, with a `match`: `{before, found, after}` has the found text, and some characters
    before and after it. Raises `UsageError` for an empty text, and `BadPatternError` for an invalid pattern.
    """
    pattern_text = require_text("the search text", text)
    if pattern and len(pattern_text) > LONGEST_PATTERN:
        raise BadPatternError(f"the pattern has {len(pattern_text):,} characters; the limit is {LONGEST_PATTERN}")
    expression = pattern_text if pattern else re.escape(pattern_text)
    matches = _MatchRows(expression)
    condition = {**query(filters or Filters()), "body": matches_pattern(expression)}
    return _Search(
        "Message", condition, matches, SORTABLE["messages"], NEWEST, MESSAGE_FIELDS, SECONDS_ON_SERVER * 1000
    )


@dataclass(frozen=True)
class _Search(Listing):
    """The messages that match a search.

    If the server refuses the pattern, or stops the search because it takes too long, a clear error is raised.
    """

    def count(self) -> int:
        with _search_errors():
            return super().count()

    def _found(self, *asked: Any) -> Iterator[Mapping[str, Any]]:
        with _search_errors():
            yield from super()._found(*asked)


class _MatchRows:
    """Make rows of messages, each with the match and the text around the match."""

    def __init__(self, expression: str) -> None:
        self._rows = MessageRows()
        self._expression = _compile(expression)

    def __call__(self, messages: Sequence[dict[str, Any]], columns: Collection[str] = ()) -> Iterator[Row]:
        for row in self._rows(messages, columns):
            yield {**row, "match": self._excerpt(row["body"])}

    def _excerpt(self, body: Any) -> Row:
        """Return the match with the text around it.

        If Python does not find the match that MongoDB found, return an empty match.
        """
        text = body if isinstance(body, str) else str(body)
        start, end = self._span(text)
        before = text[max(0, start - CHARACTERS_BEFORE) : start]
        if start > CHARACTERS_BEFORE:  # the first word may be cut, so it is removed
            before = before.partition(" ")[2] or before
        return {"before": before, "found": text[start:end], "after": text[end : end + CHARACTERS_AFTER]}

    def _span(self, text: str) -> tuple[int, int]:
        try:
            found = self._expression and self._expression.search(text, timeout=SECONDS_PER_MESSAGE)
        except TimeoutError:
            self._expression = found = None  # a later message would take as long
        return found.span() if found else (0, 0)


def _compile(expression: str) -> "regex.Pattern[str] | None":
    """Compile a search pattern for Python. Return None if the compiled pattern would need too much memory."""
    import regex

    counts = (max(1, int(least or 1), int(most or 1)) for least, most in _COUNTS.findall(expression))
    if prod(counts) > LARGEST_COUNT:
        return None
    try:
        return regex.compile(expression, regex.IGNORECASE)
    except regex.error as error:
        why = f"{shown(expression)} is not a valid pattern: {error}"
        raise BadPatternError(why, "remove --regex to search for the text as it is written") from None


@contextmanager
def _search_errors() -> Iterator[None]:
    try:
        yield
    except ExecutionTimeout:
        raise TimedOutError(
            f"the search was stopped after {SECONDS_ON_SERVER} seconds",
            "limit the search with --conversation, --sender or --since. Make these fast: chatctl db indexes --apply",
        ) from None
    except OperationFailure as error:
        if error.code not in UNREADABLE_PATTERN:
            raise
        raise BadPatternError("the server does not accept the pattern", "use the syntax of PCRE") from None
