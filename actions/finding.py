"""From what a person types to documents: a name or an id, read by its shape alone."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice, product, takewhile
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from actions.errors import AmbiguousNameError, UnknownNameError
from changes import Document, Result
from changes.visible_values import readable
from database import connection, references
from database.errors import UsageError
from database.filters import any_of
from database.ids import OBJECT_ID, by_text, id_text, readings
from database.listing import PRESENT
from database.wording import did_you_mean, one_edit_away, shown
from models.names import LONGEST_EMAIL

PLAIN: Final = re.compile(r"\w[\w.+-]{0,59}")
"""What a shell takes as it is."""
CHOICES: Final = 10_000
"""Names that are read for "did you mean"; with more, the nearest one is no help any more."""
NEIGHBOURS: Final = 500
"""Users before and behind a wrong name, in the order of names, among whom the right one is looked for."""
NOT_LOWER: Final = {"email": {"$regex": r"[^!-@\[-~]"}}
AT_ONCE: Final = 200
"""Values in one filter: some servers compare each document with each of them."""
FEW_EMAILS: Final = 20
"""Up to so many e-mails are looked up one by one; for more it is less work to read all that are not in lower case."""
VARIED: Final = 4
"""Letters at the beginning of an e-mail that are written in every case, so that an index leads to the rest."""


class Found(NamedTuple):
    """What was typed, and the document it means."""

    ref: str
    document: Document


class FoundAll(list[Found]):
    """The documents that were found, and a result for each typed name that was skipped because nothing has it."""

    def __init__(self, found: Iterable[Found], missing: Iterable[str]) -> None:
        super().__init__(found)
        self.missing = [Result(None, ref, "missing") for ref in missing]


_MEANINGS: ContextVar[dict[tuple[str, str], Any] | None] = ContextVar("meanings", default=None)


@contextmanager
def meanings() -> Iterator[dict[tuple[str, str], Any]]:
    """Record which document each looked-up name means: (collection, typed name) → its id."""
    noted: dict[tuple[str, str], Any] = {}
    token = _MEANINGS.set(noted)
    try:
        yield noted
    finally:
        _MEANINGS.reset(token)


def object_id(text: str, what: str) -> ObjectId:
    """Read an id; raises `UsageError` for anything else."""
    if not OBJECT_ID.fullmatch(text):
        raise UsageError(f'"{text}" is not a {what} id', "an id has 24 characters, 0-9 and a-f")
    return ObjectId(text)


def named(
    collection: str, refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False
) -> FoundAll:
    """Find roles, permissions or conversations by name or id, in one read; each once, in the order they were typed.

    Raises `UnknownNameError` with the nearest name, and `AmbiguousNameError` where a name is there twice.
    """
    keys = {ref: key(ref) for ref in refs}
    names = [value for field, value in keys.values() if field == "name"]
    texts = [value for field, value in keys.values() if field == "_id"]
    projection = None if fields is None else ["name", *fields]
    documents = list(with_id(collection, texts, projection))
    if names:
        documents += connection.database()[collection].find({"name": {"$in": names, **PRESENT}}, projection)
    by_id = by_text(documents, texts)
    found: dict[Any, Found] = {}
    missing = []
    for ref, (field, value) in keys.items():
        same_name = [document for document in documents if field == "name" and document.get("name") == value]
        matches = [by_id[value]] if field == "_id" and value in by_id else same_name
        if len(matches) > 1:
            ids = ", ".join(f"id:{id_text(match['_id'])}" for match in matches)
            raise AmbiguousNameError(f'several {collection.lower()}s have the name "{value}"', f"name one of {ids}")
        if not matches and field == "_id":
            object_id(value, collection.lower())
        if not matches and not skip_missing:
            raise UnknownNameError(f'no {collection.lower()} "{value}"', _hint(collection, field, value))
        missing += [] if matches else [ref]
        for match in matches:
            _note(collection, ref, match)
            found.setdefault(match["_id"], Found(_called(match, "name", ref), match))
    return FoundAll(found.values(), missing)


def _note(collection: str, ref: str, document: Document) -> None:
    noted = _MEANINGS.get()
    if noted is not None:
        noted[collection, ref] = document["_id"]


def messages(refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False) -> FoundAll:
    """Find messages by id, each once, in the order they were typed."""
    texts = {ref.removeprefix("id:"): ref for ref in refs}
    known = with_ids("Message", texts, fields)
    missing = [ref for text, ref in texts.items() if text not in known]
    for ref in missing:
        object_id(ref.removeprefix("id:"), "message")
    if missing and not skip_missing:
        raise UnknownNameError(f'no message "{missing[0]}"', "see chatctl messages list")
    found = {id_text(known[text]["_id"]): Found(ref, known[text]) for text, ref in texts.items() if text in known}
    return FoundAll(found.values(), missing)


def users(refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False) -> FoundAll:
    """Find users by id, e-mail (in any case) or username, each once, in the order they were typed.

    Raises `UnknownNameError` with the nearest name, and `AmbiguousNameError` where several users are meant.
    """
    keys = {ref: (by, str(value)) for ref in refs for by, value in [user_key(ref)]}
    projection = None if fields is None else ["username", "email", *fields]
    known: dict[tuple[str, Any], list[Document]] = {}
    texts = [value for by, value in keys.values() if by == "_id"]
    known |= {("_id", text): [document] for text, document in with_ids("User", texts, projection).items()}
    for field in ("username", "email"):
        values = [value for by, value in keys.values() if by == field]
        for document in (
            with_emails(values, projection) if field == "email" else having("User", field, values, projection)
        ):
            value = document[field]
            if isinstance(value, list):  # in broken data one that holds a name matches too
                continue
            known.setdefault((field, value.lower() if field == "email" else value), []).append(document)
    found: dict[Any, Found] = {}
    missing = []
    for ref, (field, value) in keys.items():
        matches = known.get((field, value), [])
        if len(matches) > 1:
            listed = ", ".join(f"id:{id_text(match['_id'])} ({readable(match.get('email'))})" for match in matches)
            raise AmbiguousNameError(f"several users have the {field} {shown(value)}", f"name one of {listed}")
        if not matches and field == "_id":
            object_id(value, "user")
        if not matches and not skip_missing:
            raise UnknownNameError(f"no user {shown(str(value))}", _user_hint(field, value))
        missing += [] if matches else [ref]
        for match in matches:
            _note("User", ref, match)
            found.setdefault(match["_id"], Found(user_label(match), match))
    return FoundAll(found.values(), missing)


def user(ref: str, fields: Sequence[str] | None = None) -> Document:
    """Find one user."""
    return users([ref], fields)[0].document


def user_key(ref: str) -> tuple[str, Any]:
    """Read what a user is meant by, from its shape alone: the field, and the value to look for (e-mails in lower case).

    An id that is not an ObjectId is returned as text.
    """
    kind, colon, rest = ref.partition(":")
    if colon and kind in {"id", "email", "username"}:
        by, value = ("_id" if kind == "id" else kind), rest
    else:
        by, value = ("_id" if OBJECT_ID.fullmatch(ref) else "email" if "@" in ref else "username"), ref
    if by == "_id" and OBJECT_ID.fullmatch(value):
        return by, ObjectId(value)
    return by, value.lower() if by == "email" else value


def key(ref: str) -> tuple[str, str]:
    """Return the field and the text by which to find a role, permission or conversation."""
    kind, colon, rest = ref.partition(":")
    if colon and kind in {"id", "name"}:
        return ("_id" if kind == "id" else kind), rest
    return ("_id" if OBJECT_ID.fullmatch(ref) else "name"), ref


def with_ids(collection: str, texts: Collection[str], fields: Sequence[str] | None = None) -> dict[str, Document]:
    """Read documents by ids of any type, written as lists print them: text → document."""
    return by_text(with_id(collection, texts, fields), texts)


def user_label(document: Document) -> str:
    """Return what a user is called; in broken data there may be no username."""
    return _called(document, "username", document["_id"])


def with_emails(emails: Iterable[str], fields: Sequence[str] | None = None) -> Iterator[Document]:
    """Read the users who have one of some e-mails, which are in lower case; those on disk may be in any."""
    wanted = set(emails)
    found: dict[Any, Document] = {}
    for where, order in _any_of(wanted):
        for document in connection.database()["User"].find(where, fields, sort=[(order, ASCENDING)] if order else None):
            if isinstance(document.get("email"), str) and document["email"].lower() in wanted:
                found[document["_id"]] = document
    yield from found.values()


def having(
    collection: str, field: str, values: Iterable[Any], fields: Sequence[str] | None = None
) -> Iterator[Document]:
    """Read the documents in which a field is one of some values, or a list that holds one; then as often as parts."""
    for part in parts(values):
        yield from connection.database()[collection].find({field: any_of(part)}, fields)


def referring(collection: str, field: str, *identifiers: Any) -> Document:
    """Return the filter for references to one of some documents, in any form; see `referring_to`."""
    return references.referring_to(connection.database(), collection, field, identifiers)


def with_id(collection: str, ids: Iterable[Any], fields: Sequence[str] | None = None) -> Iterator[Document]:
    """Read the documents that ids refer to, also those whose `_id` is text."""
    wanted = list(ids)
    yield from references.documents(connection.database(), collection, wanted, fields)
    if others := [value for one in wanted for value in _others(one)]:
        yield from having(collection, "_id", others, fields)


def _others(identifier: Any) -> list[Any]:
    """Return the values that a text may stand for as an id, except an ObjectId."""
    if not isinstance(identifier, str) or OBJECT_ID.fullmatch(identifier):
        return []
    return [value for value in readings(identifier) if value != identifier]


def refuse_twins(collection: str, documents: Iterable[Document]) -> None:
    """Refuse documents that share their id, in different forms: a reference to it could mean either document.

    Raises `AmbiguousNameError`.
    """
    ids = Counter(
        references.referred(document["_id"])
        for document in with_id(collection, (document["_id"] for document in documents), ["_id"])
    )
    if twins := [identifier for identifier, count in ids.items() if count > 1]:
        raise AmbiguousNameError(
            f"two {collection.lower()}s have the id {twins[0]}, as an ObjectId and as text",
            "nothing was changed; see chatctl db check --rule wrong-type",
        )


def not_in_lower_case(fields: Sequence[str]) -> Iterator[Document]:
    """Read the users whose e-mail is not in lower case."""
    for document in connection.database()["User"].find(NOT_LOWER, fields):
        if isinstance(email := document.get("email"), str) and email != email.lower():
            yield document


def one(collection: str, ref: str, fields: Sequence[str] | None = None) -> Document:
    """Find one role, permission or conversation."""
    return named(collection, [ref], fields)[0].document


def label(document: Document) -> str:
    """Return what a role, permission or group is called; in broken data it may have no name."""
    return _called(document, "name", document["_id"])


def _called(document: Document, field: str, otherwise: object) -> str:
    """Return the name in a field as text; a document or a list is not shown, as it may hold anything."""
    name = document.get(field)
    return id_text(name if name and readable(name) is name else otherwise)


def _any_of(emails: set[str]) -> Iterator[tuple[Document, str | None]]:
    """Give filters, and what to sort by, that together match some e-mails in any case and little else."""
    if len(emails) <= FEW_EMAILS:
        if emails:  # not every server reads the ranges of an index for it unless the result has an order
            yield {"$or": [_in_any_case(email) for email in sorted(emails)]}, "_id"
        return
    # What is in lower case is found by its value. The others are few: they hold a capital letter, or one beyond ASCII.
    for part in parts(sorted(emails)):
        yield {"email": {"$in": part}}, None
    yield NOT_LOWER, None


def _in_any_case(email: str) -> Document:
    """Match an e-mail in any case, between bounds of the index as narrow as its beginning allows."""
    letters = takewhile(lambda letter: letter.isascii() and letter.isprintable(), email)
    cases = [sorted({letter, letter.upper()}) for letter in letters]
    varied = [number for number, case in enumerate(cases) if len(case) > 1]
    if len(varied) > VARIED:
        cases = cases[: varied[VARIED]]
    begins = map("".join, product(*cases))
    ranges = [{"email": {"$gte": begin, "$lt": f"{begin}\U0010ffff"}} for begin in begins]
    if len(email) > LONGEST_EMAIL:  # no server need read a pattern as long, and next to nothing is in such a range
        return {"$or": ranges}
    return {"$and": [{"$or": ranges}, {"email": {"$regex": f"^{re.escape(email)}$", "$options": "i"}}]}


def parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Divide values into lists short enough for one filter."""
    items = iter(values)
    while part := list(islice(items, AT_ONCE)):
        yield part


def _user_hint(field: str, value: Any) -> str:
    if field == "_id":
        return "see chatctl users list"
    part = value.partition("@")[0]
    listing = "see chatctl users list" + (f" --search {part}" if PLAIN.fullmatch(part) and part in shown(part) else "")
    sides = (("$lt", DESCENDING), ("$gte", ASCENDING))
    near = [name for operator, way in sides for name in _names(field, {operator: value}, way)]
    return did_you_mean(value, [*near, *_names(field, {"$in": list(one_edit_away(value))}, ASCENDING)]) or listing


def _names(field: str, where: Document, way: int) -> list[str]:
    found = connection.database()["User"].find({field: where}, [field]).sort(field, way).limit(NEIGHBOURS)
    return [name for document in found if isinstance(name := document.get(field), str)]


def _hint(collection: str, field: str, value: Any) -> str:
    listing = f"see chatctl {collection.lower()}s list"
    if field == "_id":
        return listing
    names = connection.database()[collection].find({"name": PRESENT}, ["name"]).limit(CHOICES)
    return did_you_mean(value, [name for document in names if isinstance(name := document.get("name"), str)]) or listing
