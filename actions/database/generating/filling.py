"""Batches as they fill up: each whole, both sides of every link in it."""

from datetime import datetime

from bson import ObjectId

from changes import Add, Batch, Document, Insert, Update
from changes.change import FieldChange, Raise


class Filling:
    """What is gathered for one batch: new documents, and what those of earlier batches gain."""

    def __init__(self) -> None:
        self._inserts: Batch = []
        self._fresh: dict[ObjectId, Document] = {}
        self._gained: dict[tuple[str, ObjectId], dict[str, list[ObjectId]]] = {}
        self._times: dict[ObjectId, tuple[datetime, datetime]] = {}

    def __len__(self) -> int:
        return len(self._inserts) + len(self._gained)

    def insert(self, collection: str, document: Document, *, grows: bool = False) -> None:
        """Add a new document; one that `grows` is linked with others that come later.

        What is inserted is a copy: the document goes on being changed while the batch is written.
        """
        inserted = dict(document)
        self._inserts.append(Insert(collection, inserted))
        if grows:
            self._fresh[document["_id"]] = inserted

    def gain(self, collection: str, identifier: ObjectId, field: str, new: list[ObjectId]) -> None:
        """Let a list gain ids of documents that are new, so that it cannot have them."""
        document = self._fresh.get(identifier)
        if document is None:
            self._gained.setdefault((collection, identifier), {}).setdefault(field, []).extend(new)
        else:
            document[field].extend(new)

    def write(self, conversation: Document, messages: list[Document]) -> None:
        """Add messages to a conversation, the last of them written last, with all that follows from them."""
        for message in messages:
            self._inserts.append(Insert("Message", message))
            for person in message["seenIds"]:
                self.gain("User", person, "seenMessageIds", [message["_id"]])
        identifier, last = conversation["_id"], messages[-1]["createAt"]
        if "messagesIds" in conversation:
            self.gain("Conversation", identifier, "messagesIds", [message["_id"] for message in messages])
        if identifier in self._fresh:
            self._fresh[identifier]["lastMessageAt"] = last
        else:
            self._gained.setdefault(("Conversation", identifier), {})
            before, _ = self._times.get(identifier, (conversation["lastMessageAt"], last))
            self._times[identifier] = before, last
        conversation["lastMessageAt"] = last

    def batch(self) -> Batch:
        """Return what has been gathered; nothing may be added then."""
        return [*self._inserts, *(self._update(*of, fields) for of, fields in self._gained.items())]

    def _update(self, collection: str, identifier: ObjectId, gained: dict[str, list[ObjectId]]) -> Update:
        fields: dict[str, FieldChange] = {name: Add(tuple(ids), new=True) for name, ids in gained.items()}
        if identifier in self._times:
            fields["lastMessageAt"] = Raise(*self._times[identifier])
        return Update(collection, (identifier,), fields)
