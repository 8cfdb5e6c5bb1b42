"""Find the documents that a user names on the command line: by id, name, e-mail or username."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from actions import queries
from actions.errors import AmbiguousNameError, UnknownNameError
from changes import Document
from changes.visible_values import readable, readable_text
from database import connection, references
from database.errors import UsageError
from database.ids import ID_PREFIX, OBJECT_ID, id_text
from database.listing import PRESENT
from database.own_collections import AUDIT, HOLDS, PROPOSALS
from database.times import minute
from database.wording import NAMED, counted, did_you_mean, one_edit_away, shown

if TYPE_CHECKING:
    from changes import Result

PLAIN: Final = re.compile(r"\w[\w.+-]{0,59}")
"""Matches a text that a shell command can contain without quotation marks."""
NAMED_BY: Final = {
    "User": ("username", "email"),
    "Role": ("name",),
    "Permission": ("name",),
    "Conversation": ("name", "isGroup", "userIds", "lastMessageAt"),
    "Message": ("createAt",),
    AUDIT: ("command",),
    HOLDS: ("name",),
    PROPOSALS: ("command",),
}
"""The fields by which people recognise a document."""
CHOICES: Final = 10_000
"""The largest number of names that are compared with an unknown name for the hint "did you mean".

Among more names, the most similar name is rarely the right one.
"""
NEIGHBOURS: Final = 500
"""For the hint "did you mean", this number of usernames before the unknown name in alphabetical order is read.

The same number of usernames after the unknown name is read too.
"""


Key = tuple[str, str]
"""A field and its value, by which a document is looked up."""


class Found(NamedTuple):
    """A document that was looked up, and the name to show for the document."""

    ref: str
    document: Document


class FoundAll(list[Found]):
    """The documents that were found. `missing` has a result for each name that was not found and is skipped."""

    def __init__(self, found: Iterable[Found], missing: Iterable[str]) -> None:
        super().__init__(found)
        self.missing = [_missing(ref) for ref in missing]


def _missing(ref: str) -> "Result":
    from changes import Result

    return Result(None, ref, "missing")


_MEANINGS: ContextVar[dict[tuple[str, str], Any] | None] = ContextVar("meanings", default=None)


@contextmanager
def record_meanings() -> Iterator[dict[tuple[str, str], Any]]:
    """Record, until the `with` block ends, which document each typed name means: (collection, typed name) → id."""
    noted: dict[tuple[str, str], Any] = {}
    token = _MEANINGS.set(noted)
    try:
        yield noted
    finally:
        _MEANINGS.reset(token)


def find_all(
    collection: str, refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False
) -> FoundAll:
    """Find roles, permissions or conversations by name or id, in the order in which they were typed.

    A document that is named twice is returned once. Raises `UnknownNameError` with the nearest name, and
    `AmbiguousNameError` if a text can mean several documents.
    """
    projection = None if fields is None else ["name", *fields]
    return _find(collection, {ref: parse_ref(ref) for ref in refs}, projection, skip_missing=skip_missing)


def find_messages(refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False) -> FoundAll:
    """Find messages by id, in the order in which the ids were typed. A message that is named twice is returned once."""
    return _find("Message", {ref: ("_id", ref.removeprefix("id:")) for ref in refs}, fields, skip_missing=skip_missing)


def find_event(ref: str) -> Document:
    """Find an event of the audit trail by id."""
    return _find(AUDIT, {ref: ("_id", ref.removeprefix("id:"))}, None)[0].document


def find_proposal(ref: str) -> Document:
    """Find a proposal by id."""
    return _find(PROPOSALS, {ref: ("_id", ref.removeprefix("id:"))}, None)[0].document


def find_users(refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False) -> FoundAll:
    """Find users by id, e-mail (in upper or lower case) or username, in the order in which they were typed.

    A user who is named twice is returned once. Raises `UnknownNameError` with the nearest name, and
    `AmbiguousNameError` if a text can mean several users.
    """
    keys = {ref: (by, str(value)) for ref in refs for by, value in [parse_user_ref(ref)]}
    projection = None if fields is None else ["username", "email", *fields]
    return _find("User", keys, projection, skip_missing=skip_missing)


def complete_id(collection: str, text: str) -> str:
    """Return the whole id that begins with a text. If no id begins with this text, return the text unchanged."""
    [begun] = _begun(collection, {text: ("_id", text)})
    if len(begun) > 1:
        raise _ambiguous(collection, text, [value for _, value in begun])
    return begun[0][1] if begun else text


def _find(
    collection: str, keys: Mapping[str, Key], projection: Sequence[str] | None, *, skip_missing: bool = False
) -> FoundAll:
    """Find the document that each typed text means.

    `keys` maps each typed text to the field and the value by which the document is looked up.
    """
    meanings = {ref: [key, *begun] for (ref, key), begun in zip(keys.items(), _begun(collection, keys), strict=True)}
    known = _by_key(collection, {key for meaning in meanings.values() for key in meaning}, projection)
    found: dict[Any, Found] = {}
    missing = []
    for ref, (field, value) in keys.items():
        matches = {_identity(document): document for key in meanings[ref] for document in known.get(key, ())}
        if len(matches) > 1:
            ids = [id_text(match["_id"]) for match in matches.values()]
            raise _ambiguous(collection, value, ids, field if len(known.get((field, value), ())) > 1 else None)
        for identity, match in matches.items():
            _record_meaning(collection, ref, match)
            found.setdefault(identity, Found(user_label(match) if collection == "User" else label(match), match))
        if not matches and field == "_id":
            _refuse_other_texts(collection, value)
        if not matches and not skip_missing:
            raise UnknownNameError(f"no {_noun(collection)} {shown(value)}", _hint(collection, field, value))
        missing += [] if matches else [ref]
    return FoundAll(found.values(), missing)


def _begun(collection: str, keys: Mapping[str, Key]) -> Iterator[list[Key]]:
    """Yield for each typed text the ids that begin with this text. The text must have 6 to 23 hexadecimal digits.

    The beginning of an id can also be a name (`decade`). If a text is the name of one document and the beginning of
    another id, the command fails. Otherwise, somebody could choose the first digits of another user's id as username,
    and would get the changes that are meant for that other user.
    """
    texts = {ref: value for ref, (field, value) in keys.items() if field == "_id" or ref == value}
    prefixes = {ref: value for ref, value in texts.items() if ID_PREFIX.fullmatch(value)}
    where = queries.named_by_id(collection)
    found = references.ids_beginning_with(connection.database(), collection, prefixes.values(), where)
    yield from ([("_id", text) for text in found.get(prefixes.get(ref, ""), ())] for ref in keys)


def _ambiguous(collection: str, text: str, ids: Sequence[str], field: str | None = None) -> AmbiguousNameError:
    """Make the error for a text that means several documents.

    `field` is the field in which all these documents have the text, or None.
    """
    documents = queries.find_by_id_texts(collection, ids, NAMED_BY[collection])
    # Conversations can have the same name, so the user must type an id. Short ids are easier to type.
    short = queries.short_ids(collection, ids[:NAMED]) if collection == "Conversation" else {}
    listed = [
        f"id:{short.get(one, one)}{_about(collection, documents[one]) if one in documents else ''}"
        for one in ids[:NAMED]
    ]
    more = ["or another"] if len(ids) > NAMED else []
    having = "match" if field is None else f"have the {field}"
    return AmbiguousNameError(
        f"several {_noun(collection)}s {having} {shown(text)}", f"use one of {', '.join([*listed, *more])}"
    )


def _about(collection: str, document: Document) -> str:
    """Return the names of a document in parentheses, to distinguish it from documents with a similar id."""
    if collection == "Conversation":
        return f" ({', '.join(_about_conversation(document))})"
    names = [readable_text(document[field]) for field in NAMED_BY[collection] if document.get(field)]
    return f" ({', '.join(names)})" if names else ""


def _about_conversation(document: Document) -> Iterator[str]:
    """Yield the title of a conversation, and details that distinguish it from conversations with the same title."""
    from actions.display_names import id_texts, titles

    yield titles([document])[document["_id"]]
    if document.get("name"):
        yield counted(len(id_texts(document, "userIds")), "participant")
    if isinstance(last := document.get("lastMessageAt"), datetime):
        yield f"last activity {minute(last)}"


def _identity(document: Document) -> tuple[type, str]:
    """Return a dictionary key for the id of a document. Equal ids of different types get different keys."""
    return type(document["_id"]), id_text(document["_id"])


def _record_meaning(collection: str, ref: str, document: Document) -> None:
    noted = _MEANINGS.get()
    if noted is not None:
        noted[collection, ref] = document["_id"]


def _by_key(collection: str, keys: Collection[Key], projection: Sequence[str] | None) -> dict[Key, list[Document]]:
    """Read documents by the values of a field: key → documents.

    Without the unique indexes, several documents can have the same value.
    """
    texts = {by: [value for field, value in keys if field == by] for by in ("_id", "name", "username", "email")}
    by_id = queries.find_by_id_texts(collection, texts["_id"], projection)
    known = {("_id", text): [document] for text, document in by_id.items()}
    found = {
        "name": queries.find_by_values(collection, "name", texts["name"], projection, PRESENT),
        "username": queries.find_by_values(collection, "username", texts["username"], projection),
        "email": queries.find_by_emails(texts["email"], projection),
    }
    for field, documents in found.items():
        for document in documents:
            value = document[field]
            # In broken data, the field may be a list that contains the name. The query also finds such a document.
            if not isinstance(value, list):
                known.setdefault((field, value.lower() if field == "email" else value), []).append(document)
    return known


def _refuse_other_texts(collection: str, text: str) -> None:
    """Raise `UsageError` for a text that is neither an id nor the first digits of an id."""
    if not OBJECT_ID.fullmatch(text) and not ID_PREFIX.fullmatch(text):
        hint = "an id has 24 characters (0-9 and a-f); the first 6 or more characters are enough"
        article = "an" if collection == AUDIT else "a"
        raise UsageError(f"{shown(text)} is not {article} {_noun(collection)} id", hint)


def _noun(collection: str) -> str:
    return {AUDIT: "event", PROPOSALS: "proposal"}.get(collection, collection.lower())


def find_user(ref: str, fields: Sequence[str] | None = None) -> Document:
    """Find one user by id, e-mail or username."""
    return find_users([ref], fields)[0].document


def parse_user_ref(ref: str) -> tuple[str, Any]:
    """Return the field and the value by which to find a user: id, e-mail (in lower case) or username.

    Only the form of the text decides, and the database is not read. If an id is not an ObjectId, it is returned as
    text.
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
    """Return the field and the text by which to find a role, a permission or a conversation: id or name."""
    kind, colon, rest = ref.partition(":")
    if colon and kind in {"id", "name"}:
        return ("_id" if kind == "id" else kind), rest
    return ("_id" if OBJECT_ID.fullmatch(ref) else "name"), ref


def user_label(document: Document) -> str:
    """Return the username of a user. If a user in broken data has no username, return the id."""
    return _name_in(document, "username", document["_id"])


def refuse_duplicate_ids(collection: str, documents: Iterable[Document]) -> None:
    """Raise `AmbiguousNameError` if two documents have the same id in two forms.

    A reference with this id could mean each of the two documents.
    """
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
    """Return the name of a role, a permission or a group.

    If the document has no name (in broken data), return the id.
    """
    return _name_in(document, "name", document["_id"])


def _name_in(document: Document, field: str, otherwise: object) -> str:
    """Return a name as text. If its field is empty, or is a document or a list, return `otherwise` as text."""
    name = document.get(field)
    return id_text(name if name and readable(name) is name else otherwise)


def _hint(collection: str, field: str, value: str) -> str:
    """Return a hint for an unknown name: the most similar name that exists, or a command that lists the names."""
    listing = f"see chatctl {'audit' if collection == AUDIT else f'{_noun(collection)}s'} list"
    if field == "_id":
        return listing
    if collection == "User":
        return _user_hint(field, value, listing)
    names = connection.database()[collection].find({"name": PRESENT}, ["name"]).limit(CHOICES)
    return did_you_mean(value, [name for document in names if isinstance(name := document.get("name"), str)]) or listing


def _user_hint(field: str, value: str, listing: str) -> str:
    part = value.partition("@")[0]
    listing += f" --search {part}" if PLAIN.fullmatch(part) and part in shown(part) else ""
    sides = (("$lt", DESCENDING), ("$gte", ASCENDING))
    near = [name for operator, direction in sides for name in _near_values(field, {operator: value}, direction)]
    return did_you_mean(value, [*near, *_near_values(field, {"$in": list(one_edit_away(value))}, ASCENDING)]) or listing


def _near_values(field: str, where: Document, direction: int) -> list[str]:
    found = connection.database()["User"].find({field: where}, [field]).sort(field, direction).limit(NEIGHBOURS)
    return [name for document in found if isinstance(name := document.get(field), str)]
