"""Decide which values a user has after a merge, and say for each field which value wins."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import gt, lt
from typing import Final

from actions.lookup import Found
from actions.users.listing import PROFILE
from changes import Document
from changes.change import same
from changes.visible_values import field_name, readable_text
from database.wording import enumerated
from models.schema import FIELDS

KEPT: Final = ("username", "email", "status")
"""The fields of the user who stays that a merge never changes."""

FILLED: Final = ("name", "hashedPassword")
"""If these fields are missing in the user who stays, their values are taken from merged users."""

COMPARED: Final = {"createdAt": lt, "lastLogin": gt}
"""Field with a time → a function that compares the time of a merged user with the time of the user who stays.

If the function returns true, the time of the merged user wins.
"""

LONGEST: Final = 100
"""The length limit of a value in a preview, in characters. The URL of an image can have many thousands."""


def user_values(into: Document, others: Sequence[Document]) -> Document:
    """Return the fields of a user that change in a merge with `others`, except links."""
    values: Document = {}
    for other in others:
        have = into | values
        values |= missing_values(have, other, FILLED)
        for name, wins in COMPARED.items():
            mine, theirs = have.get(name), other.get(name)
            if isinstance(theirs, datetime) and (mine is None or (isinstance(mine, datetime) and wins(theirs, mine))):
                values[name] = theirs
    return values


def missing_values(document: Document, other: Document, names: Sequence[str]) -> Document:
    """Return those of the named fields that have a text in `other`, but no text in `document`."""
    given = {name: other[name] for name in names if isinstance(other.get(name), str) and other[name]}
    return {name: text for name, text in given.items() if document.get(name) in (None, "")}


def describe_user(into: Found, others: Sequence[Found]) -> Iterator[str]:
    """Yield a line for each field in which merged users differ: the value that wins, and the users who had it."""
    after = into.document | user_values(into.document, [other.document for other in others])
    documents = [(other.ref, other.document) for other in others]
    for name in (*KEPT, "name", *COMPARED):
        yield from _line(name, into.document, after, documents, lost=name not in COMPARED)
    if having := [ref for ref, document in documents if missing_values({}, document, ["hashedPassword"])]:
        own = into.document.get("hashedPassword")
        yield (
            f"password: unchanged (removed: the passwords of {enumerated(having)})"
            if own
            else f"password: from {having[0]}"
        )
    yield from _unknown("User", documents)


def describe_profile(before: Document, after: Document, others: Sequence[tuple[str, Document]]) -> Iterator[str]:
    """Yield a line for each field in which profiles differ. `others` are pairs of a username and a profile."""
    for name in PROFILE:
        yield from _line(name, before, after, others)
    yield from _unknown("Profile", [(ref, one) for ref, one in others if one["_id"] != after.get("_id")])


def _line(
    name: str, before: Document, after: Document, others: Sequence[tuple[str, Document]], *, lost: bool = True
) -> Iterator[str]:
    """Yield a line like `name: Ada Lovelace (from ada2)` or `email: ada@example.org (removed: ada2@example.org)`."""
    value = after.get(name)
    given = [(ref, document[name]) for ref, document in others if document.get(name) not in (None, "")]
    gone = dict.fromkeys(_short(other) for _, other in given if not same(other, value)) if lost else {}
    sources = [ref for ref, other in given if same(other, value)] if not same(before.get(name), value) else []
    notes = [f"from {sources[0]}"] if sources else []
    notes += [f"removed: {', '.join(gone)}"] if gone else []
    if notes:
        yield f"{name}: {_short(value)} ({'; '.join(notes)})"


def _unknown(collection: str, removed: Sequence[tuple[str, Document]]) -> Iterator[str]:
    """Yield a line that lists the removed fields that are not in the schema."""
    names = sorted({name for _, document in removed for name in document.keys() - FIELDS[collection] - {"_id"}})
    if names:
        yield f"Removed fields that are not in the schema: {enumerated(list(map(field_name, names)))}"


def _short(value: object) -> str:
    text = readable_text(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
