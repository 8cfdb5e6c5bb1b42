"""Look up the documents that a user of chatctl names: by id, name, e-mail or username."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from actions import queries
from actions.errors import AmbiguousNameError, UnknownNameError
from changes import Document, Result
from changes.visible_values import readable
from database import connection, references
from database.errors import UsageError
from database.ids import OBJECT_ID, by_text, id_text
from database.listing import PRESENT
from database.wording import did_you_mean, one_edit_away, shown

PLAIN: Final = re.compile(r"\w[\w.+-]{0,59}")
"""Text that a shell does not have to quote."""
CHOICES: Final = 10_000
"""The most names that are read for "did you mean"; among more, the nearest name is rarely the right one."""
NEIGHBOURS: Final = 500
"""The number of names before and after an unknown name that are read for "did you mean"."""


class Found(NamedTuple):
    """A document that was looked up, and the name to show for it."""

    ref: str
    document: Document


class FoundAll(list[Found]):
    """The documents that were looked up, and a result for each typed name that was skipped because it was not found."""

    def __init__(self, found: Iterable[Found], missing: Iterable[str]) -> None:
        super().__init__(found)
        self.missing = [Result(None, ref, "missing") for ref in missing]


_MEANINGS: ContextVar[dict[tuple[str, str], Any] | None] = ContextVar("meanings", default=None)


@contextmanager
def record_meanings() -> Iterator[dict[tuple[str, str], Any]]:
    """Record which document each looked-up name means: (collection, typed name) → its id."""
    noted: dict[tuple[str, str], Any] = {}
    token = _MEANINGS.set(noted)
    try:
        yield noted
    finally:
        _MEANINGS.reset(token)


def parse_id(text: str, what: str) -> ObjectId:
    """Parse an ObjectId; raise `UsageError` for any other text."""
    if not OBJECT_ID.fullmatch(text):
        raise UsageError(f'"{text}" is not a {what} id', "an id has 24 characters, 0-9 and a-f")
    return ObjectId(text)


def find_all(
    collection: str, refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False
) -> FoundAll:
    """Find roles, permissions or conversations by name or id; each once, in the order they were typed.

    Raises `UnknownNameError` with the nearest name, and `AmbiguousNameError` if several documents have the name.
    """
    keys = {ref: parse_ref(ref) for ref in refs}
    names = [value for field, value in keys.values() if field == "name"]
    texts = [value for field, value in keys.values() if field == "_id"]
    projection = None if fields is None else ["name", *fields]
    documents = list(queries.find_by_ids(collection, texts, projection))
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
            raise AmbiguousNameError(f'several {collection.lower()}s have the name "{value}"', f"use one of {ids}")
        if not matches and field == "_id":
            parse_id(value, collection.lower())
        if not matches and not skip_missing:
            raise UnknownNameError(f'no {collection.lower()} "{value}"', _name_hint(collection, field, value))
        missing += [] if matches else [ref]
        for match in matches:
            _record_meaning(collection, ref, match)
            found.setdefault(match["_id"], Found(_name_in(match, "name", ref), match))
    return FoundAll(found.values(), missing)


def _record_meaning(collection: str, ref: str, document: Document) -> None:
    noted = _MEANINGS.get()
    if noted is not None:
        noted[collection, ref] = document["_id"]


def find_messages(refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False) -> FoundAll:
    """Find messages by id; each once, in the order they were typed."""
    texts = {ref.removeprefix("id:"): ref for ref in refs}
    known = queries.find_by_id_texts("Message", texts, fields)
    missing = [ref for text, ref in texts.items() if text not in known]
    for ref in missing:
        parse_id(ref.removeprefix("id:"), "message")
    if missing and not skip_missing:
        raise UnknownNameError(f'no message "{missing[0]}"', "see chatctl messages list")
    found = {id_text(known[text]["_id"]): Found(ref, known[text]) for text, ref in texts.items() if text in known}
    return FoundAll(found.values(), missing)


def find_users(refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False) -> FoundAll:
    """Find users by id, e-mail (in any case) or username; each once, in the order they were typed.

    Raises `UnknownNameError` with the nearest name, and `AmbiguousNameError` if several users have the e-mail or name.
    """
    keys = {ref: (by, str(value)) for ref in refs for by, value in [parse_user_ref(ref)]}
    projection = None if fields is None else ["username", "email", *fields]
    known = _users_by_key(keys.values(), projection)
    found: dict[Any, Found] = {}
    missing = []
    for ref, (field, value) in keys.items():
        matches = known.get((field, value), [])
        if len(matches) > 1:
            listed = ", ".join(f"id:{id_text(match['_id'])} ({readable(match.get('email'))})" for match in matches)
            raise AmbiguousNameError(f"several users have the {field} {shown(value)}", f"use one of {listed}")
        if not matches and field == "_id":
            parse_id(value, "user")
        if not matches and not skip_missing:
            raise UnknownNameError(f"no user {shown(str(value))}", _user_hint(field, value))
        missing += [] if matches else [ref]
        for match in matches:
            _record_meaning("User", ref, match)
            found.setdefault(match["_id"], Found(user_label(match), match))
    return FoundAll(found.values(), missing)


def _users_by_key(
    keys: Collection[tuple[str, str]], projection: Sequence[str] | None
) -> dict[tuple[str, str], list[Document]]:
    """Read users by (field, value); without the unique indexes, several users can have the same value."""
    texts = {by: [value for field, value in keys if field == by] for by in ("_id", "username", "email")}
    by_id = queries.find_by_id_texts("User", texts["_id"], projection)
    known = {("_id", text): [document] for text, document in by_id.items()}
    for field, documents in (
        ("username", queries.find_by_values("User", "username", texts["username"], projection)),
        ("email", queries.find_by_emails(texts["email"], projection)),
    ):
        for document in documents:
            value = document[field]
            if not isinstance(value, list):  # broken data: a list that contains the name matches, too
                known.setdefault((field, value.lower() if field == "email" else value), []).append(document)
    return known


def find_user(ref: str, fields: Sequence[str] | None = None) -> Document:
    """Find one user by id, e-mail or username."""
    return find_users([ref], fields)[0].document


def parse_user_ref(ref: str) -> tuple[str, Any]:
    """Return the field and the value by which to find a user (e-mails in lower case).

    Only the shape of the text decides. An id that is not an ObjectId is returned as text.
    """
    kind, colon, rest = ref.partition(":")
    if colon and kind in {"id", "email", "username"}:
        by, value = ("_id" if kind == "id" else kind), rest
    else:
        by, value = ("_id" if OBJECT_ID.fullmatch(ref) else "email" if "@" in ref else "username"), ref
    if by == "_id" and OBJECT_ID.fullmatch(value):
        return by, ObjectId(value)
    return by, value.lower() if by == "email" else value


def parse_ref(ref: str) -> tuple[str, str]:
    """Return the field and the text by which to find a role, a permission or a conversation."""
    kind, colon, rest = ref.partition(":")
    if colon and kind in {"id", "name"}:
        return ("_id" if kind == "id" else kind), rest
    return ("_id" if OBJECT_ID.fullmatch(ref) else "name"), ref


def user_label(document: Document) -> str:
    """Return the username of a user, or the id if broken data has no username."""
    return _name_in(document, "username", document["_id"])


def refuse_duplicate_ids(collection: str, documents: Iterable[Document]) -> None:
    """Raise `AmbiguousNameError` if two documents have the same id in different forms: references are ambiguous."""
    ids = Counter(
        references.referred(document["_id"])
        for document in queries.find_by_ids(collection, (document["_id"] for document in documents), ["_id"])
    )
    if twins := [identifier for identifier, count in ids.items() if count > 1]:
        raise AmbiguousNameError(
            f"two {collection.lower()}s have the id {twins[0]}, as an ObjectId and as text",
            "nothing was changed; see chatctl db check --rule wrong-type",
        )


def find_one(collection: str, ref: str, fields: Sequence[str] | None = None) -> Document:
    """Find one role, permission or conversation by name or id."""
    return find_all(collection, [ref], fields)[0].document


def label(document: Document) -> str:
    """Return the name of a role, a permission or a group, or the id if broken data has no name."""
    return _name_in(document, "name", document["_id"])


def _name_in(document: Document, field: str, otherwise: object) -> str:
    """Return the name in a field as text, or `otherwise` for a document or a list, which may contain anything."""
    name = document.get(field)
    return id_text(name if name and readable(name) is name else otherwise)


def _user_hint(field: str, value: Any) -> str:
    if field == "_id":
        return "see chatctl users list"
    part = value.partition("@")[0]
    listing = "see chatctl users list" + (f" --search {part}" if PLAIN.fullmatch(part) and part in shown(part) else "")
    sides = (("$lt", DESCENDING), ("$gte", ASCENDING))
    near = [name for operator, direction in sides for name in _near_values(field, {operator: value}, direction)]
    return did_you_mean(value, [*near, *_near_values(field, {"$in": list(one_edit_away(value))}, ASCENDING)]) or listing


def _near_values(field: str, where: Document, direction: int) -> list[str]:
    found = connection.database()["User"].find({field: where}, [field]).sort(field, direction).limit(NEIGHBOURS)
    return [name for document in found if isinstance(name := document.get(field), str)]


def _name_hint(collection: str, field: str, value: Any) -> str:
    listing = f"see chatctl {collection.lower()}s list"
    if field == "_id":
        return listing
    names = connection.database()[collection].find({"name": PRESENT}, ["name"]).limit(CHOICES)
    return did_you_mean(value, [name for document in names if isinstance(name := document.get("name"), str)]) or listing
