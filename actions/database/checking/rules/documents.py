"""Rules about whole documents: their size, texts that are not valid UTF-8, and secrets in the audit trail."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import bson
from bson import CodecOptions
from bson.codec_options import DatetimeConversion
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument

from actions import queries
from actions.database.checking.rule import Finding, RepairDraft, Rule, by_field
from actions.database.checking.rules.field_types import ALL_FIELDS
from actions.rules.checked_changeset import in_batches
from changes import Batch, Change, Document, Draft
from changes.trail_entries import fields_with_secrets, without_secrets
from changes.visible_values import field_name
from database import connection
from database.decoding import AS_STORED
from database.ids import any_of
from database.own_collections import AUDIT
from models.schema import SCHEMA

BYTES: Final = 8 * 1024 * 1024
IDS: Final = 250_000
OF_AN_ID: Final = 19
"""The bytes that one id needs in a long list. BSON also stores the position of the id."""
OF_A_CHARACTER: Final = 4
"""The largest number of bytes that one character needs in UTF-8."""


class Oversized(Rule):
    """A document has more than 8 MiB, or a list more than 250,000 ids."""

    name = "oversized"
    severity = "W"
    effect = "At 16 MiB, the server refuses every change that makes the document larger."
    fix = (
        "purge old messages (chatctl messages purge --before TIME), or use several roles or conversations with fewer "
        "members each"
    )
    fixes = {"Message.None": "chatctl messages redact {id}, or chatctl messages delete {id}"}
    reads = ALL_FIELDS
    one_collection = True

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        lists = [field for field, (kind, _) in SCHEMA[collection].items() if kind is list]
        texts = [field for field, (kind, _) in SCHEMA[collection].items() if kind is str]
        for document in documents:
            size = 0
            for field in texts:
                if type(text := document.get(field)) is str:
                    size += _bytes(text)
            for field in lists:
                if type(items := document.get(field)) is list:
                    size += len(items) * OF_AN_ID
                    if len(items) > IDS:
                        yield Finding(collection, document["_id"], field, f"{len(items):,} ids")
            if size > BYTES:
                yield Finding(collection, document["_id"], None, f"{size / 1024 / 1024:.1f} MiB")


def _bytes(text: str) -> int:
    """Return about how many bytes a text needs in UTF-8.

    For a long text, the number is exact. For a shorter text, it is the number of characters.
    """
    return len(text) if len(text) < BYTES // OF_A_CHARACTER else len(text.encode("utf-8", "surrogatepass"))


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
    effect = "The application cannot load this document, or any list that contains it."
    fix = (
        'set the text again in mongosh: db.{collection}.updateOne({{_id: ObjectId("{id}")}}, {{$set: {{{field}: …}}}})'
    )
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
        """Check the stored bytes of each suspected text.

        The driver replaces invalid bytes by U+FFFD, which is also a valid character.
        """
        for (collection, field), faults in by_field(super().confirm(suspects)).items():
            invalid = set(_with_invalid(collection, field, [found.id for found in faults]))
            yield from (found for found in faults if found.id in invalid)


def _with_invalid(collection: str, field: str, ids: Iterable[Any]) -> Iterator[Any]:
    """Yield the ids of those documents whose `field` is not valid UTF-8."""
    as_bytes = CodecOptions(document_class=RawBSONDocument)
    raw: Any = connection.database().get_collection(collection, as_bytes)
    for part in queries.chunks(ids):
        for document in raw.find({"_id": any_of(part)}, [field]):
            try:
                bson.decode(document.raw, STRICT)
            except InvalidBSON:
                yield bson.decode(document.raw, AS_STORED)["_id"]


PART: Final = {"kind": "part"}


class SecretInTrail(Rule):
    """An event from an older version of chatctl has a secret, or the value of a field that is not in the schema."""

    name = "secret-in-trail"
    severity = "W"
    effect = "Everybody who can read the audit trail can read the value, which may be a password or a token."
    fix = "chatctl db repair --rule {name} (removes the values from the trail; this cannot be undone)"
    reads = {AUDIT: ("event", "changes", "names")}
    automatic = True
    undoable = False  # To undo the repair, a copy of the secrets would be stored for thirty days.

    def is_proposable(self, found: Finding) -> bool:
        """Return False, because a proposal cannot change the audit trail."""
        del found
        return False

    def late_suspects(self) -> Iterator[Finding]:
        """Find secrets in the audit trail.

        One part is read at a time, because the trail may be larger than the memory.
        """
        steps: list[Document] = [{"$match": PART}, {"$project": dict.fromkeys(self.reads[AUDIT], 1)}]
        if self.scan.sample is not None:
            steps.insert(1, {"$sample": {"size": self.scan.sample}})
        return self._look(connection.database()[AUDIT].aggregate(steps))

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        return self._look(self._parts(suspects))

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del draft, decisions
        return in_batches(self._changes(findings))

    def _changes(self, findings: Sequence[Finding]) -> Iterator[Change]:
        for part in self._parts(findings):
            draft = Draft()
            draft.set(AUDIT, part, without_secrets(part))
            yield from draft.changes

    def _parts(self, findings: Sequence[Finding]) -> Iterator[Document]:
        return queries.find_by_values(AUDIT, "_id", [found.id for found in findings], self.reads[AUDIT])

    @staticmethod
    def _look(parts: Iterable[Document]) -> Iterator[Finding]:
        for part in parts:
            if fields := fields_with_secrets(part):
                yield Finding(AUDIT, part["_id"], field_name(fields[0]), f"in event {part['event']}")
