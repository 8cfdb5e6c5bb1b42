"""The rule about texts that are not valid UTF-8, for example a name that was cut inside a character."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import bson
from bson import CodecOptions
from bson.codec_options import DatetimeConversion
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

from actions import queries
from actions.database.checking.rule import Finding, Rule, by_field
from changes import Document
from database import connection
from database.decoding import AS_STORED
from database.filters import any_of
from models.schema import SCHEMA

STRICT: Final[CodecOptions[dict[str, Any]]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
TEXTS: Final = {
    collection: texts
    for collection, fields in SCHEMA.items()
    if (texts := tuple(field for field, (kind, _) in fields.items() if kind is str))
}
RENAME: Final = "chatctl {collection}s rename id:{{id}} NAME"


class InvalidText(Rule):
    """A text is not valid UTF-8: it may have been cut inside a character."""

    name = "invalid-text"
    severity = "E"
    effect = "the application cannot load the document, or any list that contains it"
    fix = 'write it again, in mongosh: db.{collection}.updateOne({{_id: ObjectId("{id}")}}, {{$set: {{{field}: …}}}})'
    fixes = {
        "User.name": "chatctl users update id:{id} --name NAME",
        "User.username": "chatctl users update id:{id} --username NAME",
        "User.email": "chatctl users update id:{id} --email ADDRESS",
        **{f"{name}.name": RENAME.format(collection=name.lower()) for name in ("Role", "Permission", "Conversation")},
        "Message.body": "chatctl messages redact {id}",
    }
    reads = TEXTS
    one_collection = True

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for field in self.reads[collection]:
            for document in documents:
                if type(text := document.get(field)) is str and "\ufffd" in text:
                    yield Finding(collection, document["_id"], field, "not valid UTF-8")

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Check the stored bytes, because U+FFFD may also be a valid part of the text."""
        for (collection, field), faults in by_field(super().confirm(suspects)).items():
            invalid = set(_with_invalid(collection, field, [found.id for found in faults]))
            yield from (found for found in faults if found.id in invalid)


def _with_invalid(collection: str, field: str, ids: Iterable[Any]) -> Iterator[Any]:
    """Yield those of some ids whose document has a field that is not valid UTF-8."""
    as_bytes = CodecOptions(document_class=RawBSONDocument)
    raw: Any = connection.database().get_collection(collection, as_bytes)
    for part in queries.chunks(ids):
        for document in raw.find({"_id": any_of(part)}, [field]):
            try:
                bson.decode(document.raw, STRICT)
            except InvalidBSON:
                yield bson.decode(document.raw, AS_STORED)["_id"]
