"""Make filters, and read documents by ids, values, references or e-mails.

A long list of ids or values is divided into several queries, because servers limit the length of a query.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice, pairwise, product, takewhile
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING
from pymongo.errors import ExecutionTimeout

from changes import Document
from database import connection, references
from database.errors import UsageError
from database.ids import OBJECT_ID, any_of, by_text, readings
from database.listing import PATIENCE, PRESENT
from database.own_collections import AUDIT, HOLDS, PROPOSALS
from models.names import LONGEST_EMAIL

LONGEST: Final = 200
"""The length limit of a search text, in characters. Some servers refuse longer patterns."""


def time_range(since: datetime | None, before: datetime | None) -> Document:
    """Return the filter for times from `since` (included) to `before` (excluded).

    If both are None, the filter is empty.
    """
    bounds = {"$gte": since, "$lt": before}
    given = {operator: time for operator, time in bounds.items() if time is not None}
    return given and {**given, **PRESENT}


def contains_text(option: str, text: str) -> Document:
    """Return the filter for texts that contain `text`, in capital or small letters.

    Raise `UsageError` if `text` is empty or too long.
    """
    return matches_pattern(literal_pattern(option, text))


def literal_pattern(option: str, text: str) -> str:
    """Return the regular expression that matches exactly this text.

    Raise `UsageError` if the text is empty or too long.
    """
    if len(text) > LONGEST:
        raise UsageError(f"{option} has {len(text):,} characters; the limit is {LONGEST}")
    return re.escape(require_text(option, text))


def matches_pattern(pattern: str) -> Document:
    """Return the filter for texts that match a regular expression, in upper or lower case."""
    return {"$regex": pattern, "$options": "i"}


def require_text(option: str, value: str) -> str:
    """Return the text unchanged. Raise `UsageError` if it is empty.

    An unset shell variable is an empty text, which would match everything.
    """
    if not value:
        raise UsageError(f"{option} cannot be empty")
    return value


MIXED_CASE: Final = {"email": {"$regex": r"[^!-@\[-~]"}}
CHUNK_SIZE: Final = 200
"""The largest number of values in one filter. Some servers compare each document with every value."""
FEW_EMAILS: Final = 20
"""For up to this number of e-mails, the filter matches them in upper and lower case.

For more e-mails, it is faster to read all users whose stored e-mail is not in lower case.
"""
SHORTEST_ID: Final = 8
"""A shortened id has at least this number of digits. The first 8 digits of an ObjectId are its time of creation."""
MOST_ALIKE: Final = 5_000
"""The largest number of ids that are read to shorten ids.

To shorten an id, chatctl reads the other ids of the collection that begin with the same digits.
"""
LETTERS_IN_BOTH_CASES: Final = 4
"""The number of first letters of an e-mail that are tried in upper and lower case (A and a).

So the server can use an index to find the e-mail.
"""


def find_by_id_texts(
    collection: str, texts: Collection[str], fields: Sequence[str] | None = None
) -> dict[str, Document]:
    """Find documents by ids that are given as text: id as text → document. The stored ids may have any type."""
    return by_text(find_by_ids(collection, texts, fields), texts)


def short_ids(collection: str, texts: Iterable[str]) -> dict[str, str]:
    """Shorten ids to the first digits that no other id of the collection has: whole id → first digits.

    Return an empty dictionary if very many ids begin with the same digits, or if the server takes too long to answer.
    """
    wanted = {text for text in texts if OBJECT_ID.fullmatch(text)}
    alike = _ids_like(collection, wanted) if wanted else None
    if alike is None:
        return {}
    ordered = sorted(alike)
    # The ids are sorted. An id has the most digits in common with the id before it or after it.
    common = [_common_length(*pair) for pair in pairwise(ordered)]
    lengths = [max(SHORTEST_ID, before + 1, after + 1) for before, after in pairwise([0, *common, 0])]
    return {text: text[:length] for text, length in zip(ordered, lengths, strict=True) if text in wanted}


def _ids_like(collection: str, texts: Iterable[str]) -> list[str] | None:
    """Return the ids of a collection that begin with the same digits as the given ids.

    The result may also contain other ids. Return None if there are too many ids, or if the server takes too long to
    answer.
    """
    begins = sorted({text[:SHORTEST_ID].lower() for text in texts})
    ranges = [{"$gte": ObjectId(f"{begin:0<24}"), "$lte": ObjectId(f"{begin:f<24}")} for begin in begins]
    found = _read_ids(collection, [{"$gte": ranges[0]["$gte"], "$lte": ranges[-1]["$lte"]}])
    return _read_ids(collection, ranges) if found is None else found


def _read_ids(collection: str, ranges: Iterable[Document]) -> list[str] | None:
    where = {"$or": [{"_id": one} for one in ranges], **named_by_id(collection)}
    try:
        documents = connection.database()[collection].find(where, ["_id"], limit=MOST_ALIKE, max_time_ms=PATIENCE)
        found = [str(document["_id"]) for document in documents]
    except ExecutionTimeout:
        return None
    return found if len(found) < MOST_ALIKE else None


def named_by_id(collection: str) -> Document:
    """Return the filter for the documents of a collection that a typed id can mean.

    In the collections of chatctl, a typed id only means documents of one kind. For example, an id in the audit trail
    means an event and never a part of an event.
    """
    kinds = {AUDIT: "event", PROPOSALS: "proposal", HOLDS: "hold"}
    return {"kind": kinds[collection]} if collection in kinds else {}


def _common_length(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda digits: digits[0] == digits[1], zip(one, other, strict=True)))


def find_by_emails(emails: Iterable[str], fields: Sequence[str] | None = None) -> Iterator[Document]:
    """Read the users who have one of these lower-case e-mails. The stored e-mails may be in upper or lower case."""
    wanted = set(emails)
    found: dict[Any, Document] = {}
    for where, order in _email_filters(wanted):
        for document in connection.database()["User"].find(where, fields, sort=[(order, ASCENDING)] if order else None):
            if isinstance(document.get("email"), str) and document["email"].lower() in wanted:
                found[document["_id"]] = document
    yield from found.values()


def find_by_values(
    collection: str,
    field: str,
    values: Iterable[Any],
    fields: Sequence[str] | None = None,
    also: Mapping[str, Any] | None = None,
) -> Iterator[Document]:
    """Read the documents in which a field has one of these values, and which also match the filter `also`.

    The field may be a list with several of the values. Such a document may be returned several times.
    """
    for part in chunks(values):
        yield from connection.database()[collection].find({field: {**any_of(part), **(also or {})}}, fields)


def refers_to(collection: str, field: str, *identifiers: Any) -> Document:
    """Return the filter for documents whose field refers to one of these ids.

    The ids in the field may have any form, and the field may be a list.
    """
    return references.referring_to(connection.database(), collection, field, identifiers)


def reference_counter(collection: str, field: str) -> Callable[[Sequence[Any]], dict[Any, int]]:
    """Return a function that counts, for each given id, the documents whose field refers to this id.

    The function takes ids and returns id → count. An id in another form, for example text, becomes an ObjectId. The
    server counts the documents.
    """

    def count(ids: Sequence[Any]) -> dict[Any, int]:
        among = {"$match": refers_to(collection, field, *ids)}
        pipeline: list[dict[str, Any]] = [
            among,
            {"$project": {field: 1}},
            {"$unwind": f"${field}"},
            among,
            {"$group": {"_id": f"${field}", "n": {"$sum": 1}}},
        ]
        counts: Counter[Any] = Counter()
        for found in connection.database()[collection].aggregate(pipeline):
            counts[references.referred(found["_id"])] += found["n"]
        return {references.referred(identifier): counts[references.referred(identifier)] for identifier in ids}

    return count


def find_by_ids(collection: str, ids: Iterable[Any], fields: Sequence[str] | None = None) -> Iterator[Document]:
    """Read the documents that have these ids. The stored ids may be ObjectIds or text."""
    wanted = list(ids)
    yield from references.documents(connection.database(), collection, wanted, fields)
    if others := [value for one in wanted for value in _other_values(one)]:
        yield from find_by_values(collection, "_id", others, fields)


def _other_values(identifier: Any) -> list[Any]:
    """Return the other values that a typed id can mean, for example a number.

    For the digits of an ObjectId, return an empty list.
    """
    if not isinstance(identifier, str) or OBJECT_ID.fullmatch(identifier):
        return []
    return [value for value in readings(identifier) if value != identifier]


def find_mixed_case_emails(fields: Sequence[str]) -> Iterator[Document]:
    """Read the users whose e-mail is not in lower case."""
    for document in connection.database()["User"].find(MIXED_CASE, fields):
        if isinstance(email := document.get("email"), str) and email != email.lower():
            yield document


def _email_filters(emails: set[str]) -> Iterator[tuple[Document, str | None]]:
    """Yield filters that find e-mails in upper or lower case, as pairs (filter, field to sort by).

    The field is None if the order does not matter. The filters also match other e-mails, so the caller must check each
    found e-mail.
    """
    if len(emails) <= FEW_EMAILS:
        if emails:  # some servers use the index for `$or` only with a sort
            yield {"$or": [_in_any_case(email) for email in sorted(emails)]}, "_id"
        return
    # Most stored e-mails are in lower case and are found by value. The last filter finds e-mails with a capital letter
    # or a non-ASCII letter.
    for part in chunks(sorted(emails)):
        yield {"email": {"$in": part}}, None
    yield MIXED_CASE, None


def _in_any_case(email: str) -> Document:
    """Return the filter for an e-mail in upper or lower case. The server finds its first letters in an index."""
    letters = takewhile(lambda letter: letter.isascii() and letter.isprintable(), email)
    cases = [sorted({letter, letter.upper()}) for letter in letters]
    varied = [number for number, case in enumerate(cases) if len(case) > 1]
    if len(varied) > LETTERS_IN_BOTH_CASES:
        cases = cases[: varied[LETTERS_IN_BOTH_CASES]]
    begins = map("".join, product(*cases))
    ranges = [{"email": {"$gte": begin, "$lt": f"{begin}\U0010ffff"}} for begin in begins]
    # Servers limit the length of patterns. So a very long e-mail is found only by its first letters.
    if len(email) > LONGEST_EMAIL:
        return {"$or": ranges}
    return {"$and": [{"$or": ranges}, {"email": {"$regex": f"^{re.escape(email)}$", "$options": "i"}}]}


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Divide values into lists of at most `CHUNK_SIZE` values, which are short enough for one filter."""
    items = iter(values)
    while part := list(islice(items, CHUNK_SIZE)):
        yield part
