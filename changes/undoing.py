"""The inverse of an event, fitted to how the documents are now."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import product
from typing import Any, Final

from bson import ObjectId
from pymongo import DESCENDING
from pymongo.database import Database

from changes.change import (
    ABSENT,
    UNGUARDED,
    Add,
    Change,
    Delete,
    Document,
    FieldChange,
    Insert,
    Set,
    Take,
    Update,
    are_ids,
    same,
)
from changes.draft import adding, put, taking
from changes.events import now
from changes.last_messages import AT_ONCE, raised
from changes.orphans import present
from changes.record import is_lease
from changes.showable import field_name, name_of
from database.errors import ConflictError
from database.references import forms, ids_in, joined, reference, referred, to
from models.links import OTHER_SIDES, OWNED

UPDATED: Final = "updatedAt"


class ChangedSinceError(ConflictError):
    """What an undo would put back is no longer as the event left it."""

    def __init__(self, collection: str, who: object, what: str) -> None:
        hint = "undo what came later first, or put back what the event changed all the same with --force"
        super().__init__(f"{collection.lower()} {who} {what} since", hint)


class StillNeededError(ConflictError):
    """What an undo would delete has something by now that cannot be without it."""

    def __init__(self, collection: str, who: object, identifier: object, child: str) -> None:
        hint = f"chatctl {collection.lower()}s delete {identifier} takes all of it along"
        super().__init__(f"{collection.lower()} {who} has got a {child.lower()} since", hint)


def inverse(
    database: Database[dict[str, Any]],
    batches: list[list[Change]],
    *,
    force: bool = False,
    orphans: Collection[tuple[str, Any, str]] = (),
) -> list[list[Change]]:
    """Return what puts back what batches changed, from the last to the first.

    What is already as it was (an interrupted write without transactions leaves that) is passed over. What somebody
    has changed since raises `ChangedSinceError`, or is overwritten where `force` says so; then no link is made to a
    document that is gone. `orphans` come back without their parent, as they had none before.
    """
    inverted = [[change.inverse() for change in reversed(batch) if not is_lease(change)] for batch in reversed(batches)]
    fitting = _Fitting(database, inverted, force=force, orphans=orphans)
    fitted = [[change for planned in batch for change in fitting.fit(planned)] for batch in inverted]
    return [[*batch, *more] for batch, more in zip(fitted, raised(database, fitted), strict=True)]


class _Fitting:
    """Changes fitted, one after the other, to the documents they are about, which are kept in step with them."""

    def __init__(
        self,
        database: Database[dict[str, Any]],
        batches: list[list[Change]],
        *,
        force: bool,
        orphans: Collection[tuple[str, Any, str]],
    ) -> None:
        self._database = database
        self._force = force
        self._now = now()
        self._changes = [change for batch in batches for change in batch]
        self._inserted = {(change.collection, change.ids[0]) for change in self._changes if isinstance(change, Insert)}
        self._documents: dict[tuple[str, Any], Document] = {}
        self._elsewhere: dict[tuple[str, Any], bool] = {}
        updates = [change for change in self._changes if isinstance(change, Update)]
        for collection in {update.collection for update in updates}:
            mine = [update for update in updates if update.collection == collection]
            ids = [identifier for update in mine for identifier in update.ids]
            self._read(collection, ids, {name for update in mine for name in update.fields})
        for collection in {change.collection for change in self._changes if not isinstance(change, Update)}:
            whole = [c.ids[0] for c in self._changes if c.collection == collection and not isinstance(c, Update)]
            for identifier in whole:
                self._documents.pop((collection, identifier), None)
            self._read(collection, whole)
        self._without_parent = dict(self._orphans(orphans))
        self._inserted -= self._without_parent.keys()
        self._children = self._by_parent()
        self._refuse_to_orphan()

    def fit(self, change: Change) -> Iterator[Change]:
        if isinstance(change, Insert):
            return self._insert(change)
        return self._delete(change) if isinstance(change, Delete) else self._update(change)

    def _insert(self, change: Insert) -> Iterator[Change]:
        key = (change.collection, change.document["_id"])
        there = self._documents.get(key)
        if there is not None:
            if not self._force and _differences(there, change.document):
                raise ChangedSinceError(
                    change.collection, _name(change.collection, change.document), "was created again"
                )
            return
        if parent := self._without_parent.get(key):
            if not self._force:
                raise ChangedSinceError(*parent, "was deleted")
            return
        document = dict(change.document)
        for name, value in document.items():
            if self._force and isinstance(value, list):
                document[name] = self._existing(change.collection, name, value)
        self._documents[key] = dict(document)
        yield Insert(change.collection, document)

    def _orphans(self, known: Collection[tuple[str, Any, str]]) -> Iterator[tuple[tuple[str, Any], tuple[str, Any]]]:
        """Find what would come back without a document it needs, and had it before: the application fails on it."""
        for owned in OWNED:
            inserts = [c for c in self._changes if isinstance(c, Insert) and c.collection == owned.collection]
            parents = {c.ids[0]: parent for c in inserts if (parent := reference(c.document, owned.field))}
            present = set(self._present(owned.parent, list(parents.values())))
            for child, parent in parents.items():
                if parent not in present and (owned.collection, child, owned.field) not in known:
                    yield (owned.collection, child), (owned.parent, parent)

    def _refuse_to_orphan(self) -> None:
        """Raise `StillNeededError` if a document stays whose parent would be deleted and not inserted again."""
        gone = {(change.collection, change.ids[0]) for change in self._changes if isinstance(change, Delete)}
        come = {(collection, referred(identifier)) for collection, identifier in self._inserted}
        for owned in OWNED:
            going = [key[1] for key in gone if key[0] == owned.parent and key in self._documents]
            parents = {referred(one): one for one in going if (owned.parent, referred(one)) not in come}
            for start in range(0, len(parents), AT_ONCE):
                some = list(parents)[start : start + AT_ONCE]
                where = to(self._database, owned.collection, owned.field, some)
                for child in self._database[owned.collection].find(where, {owned.field: 1}):
                    needed = referred(child[owned.field])
                    if needed in parents and (owned.collection, child["_id"]) not in gone:
                        parent = self._documents[owned.parent, parents[needed]]
                        raise StillNeededError(
                            owned.parent, _name(owned.parent, parent), parent["_id"], owned.collection
                        )

    def _by_parent(self) -> dict[tuple[str, Any], list[Insert | Delete]]:
        """Return what comes and goes, and has a parent, by its collection and parent."""
        children: dict[tuple[str, Any], list[Insert | Delete]] = {}
        for change, owned in product(self._changes, OWNED):
            if not isinstance(change, Update) and change.collection == owned.collection:
                parent = reference(change.document, owned.field)
                if parent:
                    children.setdefault((owned.collection, parent), []).append(change)
        return children

    def _delete(self, change: Delete) -> Iterator[Change]:
        there = self._documents.pop((change.collection, change.document["_id"]), None)
        if there is None:
            return
        if not self._force and (fields := _differences(there, change.document)):
            raise ChangedSinceError(
                change.collection, _name(change.collection, change.document), f"was changed ({', '.join(fields)})"
            )
        yield from self._unlink(change, there)
        yield Delete(change.collection, there)

    def _unlink(self, change: Delete, there: Document) -> Iterator[Change]:
        """Take a document that has gained links since out of the other sides."""
        for name, value in there.items():
            if (change.collection, name) in OTHER_SIDES and isinstance(value, list):
                other, field = OTHER_SIDES[change.collection, name]
                held = set(ids_in(change.document, name))
                gained = [item for item in ids_in(there, name) if item not in held]
                self._read(other, [item for item in gained if (other, item) not in self._documents], {field})
                yield from self._update(Update(other, tuple(gained), {field: Take((change.document["_id"],))}))

    def _update(self, change: Update) -> Iterator[Change]:
        alike: list[tuple[dict[str, FieldChange], list[Any]]] = []
        for identifier in change.ids:
            there = self._documents.get((change.collection, identifier))
            if there is None:
                if not self._force and any(not isinstance(field, Take) for field in change.fields.values()):
                    raise ChangedSinceError(change.collection, identifier, "was deleted")
                continue
            fields = dict(self._fields(change, there))
            if alike and alike[-1][0] == fields:
                alike[-1][1].append(identifier)
            elif fields:
                alike.append((fields, [identifier]))
        for fields, ids in alike:
            yield Update(change.collection, tuple(ids), fields)

    def _fields(self, change: Update, there: Document) -> Iterator[tuple[str, FieldChange]]:
        """Adapt the changes of a document; `updatedAt` changes only if another field does."""
        others = [name for name in change.fields if name != UPDATED]
        fitted = [(name, self._field(change.collection, there, name, change.fields[name])) for name in others]
        changed = [(name, field) for name, field in fitted if field]
        yield from changed
        moves = any(isinstance(field, Set) for _, field in changed)
        if UPDATED in change.fields and (moves or not others):
            updated = self._field(change.collection, there, UPDATED, change.fields[UPDATED], moves=moves)
            yield from [(UPDATED, updated)] if updated else ()

    def _field(
        self, collection: str, there: Document, name: str, field: FieldChange, *, moves: bool = False
    ) -> FieldChange | None:
        """Adapt the change of one field; a date that `moves` never goes back, so that others notice the undo."""
        if isinstance(field, Set) and field.before is ABSENT and isinstance(field.after, list) and are_ids(field.after):
            field = Add(tuple(field.after), bare=True)  # the list may have other items now
        if isinstance(field, Add):
            ids = self._existing(collection, name, list(field.ids)) if self._force else field.ids
            return adding(collection, there, name, ids)
        if isinstance(field, Take):
            before = there.get(name, ABSENT)
            fitted = taking(there, name, field.ids)
            if fitted and field.bare and not there[name]:
                del there[name]
                return Set(before, ABSENT)
            return fitted
        present = there.get(name, ABSENT)
        if same(present, field.after):
            return None
        after = field.after
        moved = (moves and isinstance(after, datetime)) or not _alike(present, field.before)
        if name in UNGUARDED and (moved or (name == "lastMessageAt" and self._is_lost(there, field))):
            after = self._computed(there, name, present)
        elif moved and not self._force:
            raise ChangedSinceError(collection, there["_id"], f"was changed ({field_name(name)})")
        if same(present, after):
            return None
        put(there, name, after)
        return Set(present, after)

    def _is_lost(self, there: Document, field: Set) -> bool:
        """Tell whether the message is gone, or does not come back, whose time a conversation would have again."""
        own = self._children.get(("Message", referred(there["_id"])), [])
        if any((change.collection, change.document["_id"]) in self._without_parent for change in own):
            return True
        if (
            not isinstance(field.after, datetime)
            or not isinstance(field.before, datetime)
            or field.after > field.before
        ):
            return False
        last = self._computed(there, "lastMessageAt", field.after)
        return isinstance(last, datetime) and last < field.after

    def _computed(self, there: Document, name: str, present: object) -> object:
        """Compute a field anew that the application, or a later change, has moved since."""
        if name == UPDATED:
            return self._now
        if name == "profileId":
            profile = self._last("Profile", "userId", there["_id"], "_id", ObjectId)
            return profile["_id"] if profile else ABSENT
        if name == "lastMessageAt":
            message = self._last("Message", "conversationId", there["_id"], "createAt", datetime)
            conversation = self._database["Conversation"].find_one({"_id": there["_id"]}, {"created_at": 1}) or {}
            return message["createAt"] if message else conversation.get("created_at", present)
        return present

    def _last(self, collection: str, field: str, parent: Any, by: str, kind: type) -> Document | None:
        """Find the last document of a parent as it will be: what this undo inserts counts, what it deletes does not.

        In broken data some have nothing to be the last `by`, or what is of another kind.
        """
        own = self._children.get((collection, referred(parent)), [])
        gone = [change.document["_id"] for change in own if isinstance(change, Delete)]
        where = joined({"_id": {"$nin": gone}}, to(self._database, collection, field, [parent]))
        stored = self._database[collection].find(where).sort(by, DESCENDING).limit(1)
        coming = [change.document for change in own if (collection, change.document["_id"]) in self._inserted]
        found = [document for document in (*stored, *coming) if isinstance(document.get(by), kind)]
        return max(found, key=lambda document: document[by], default=None)

    def _existing(self, collection: str, name: str, ids: list[Any]) -> list[Any]:
        """Remove ids of deleted documents from the ids of a list of links."""
        if (collection, name) not in OTHER_SIDES:
            return ids
        other, _ = OTHER_SIDES[collection, name]
        return self._present(other, ids)

    def _present(self, collection: str, ids: list[Any]) -> list[Any]:
        """Return those of the ids, in any form, whose document exists or comes back."""
        wanted = [found for item in ids if isinstance(found := referred(item), ObjectId)]
        unknown = [one for one in dict.fromkeys(wanted) if (collection, one) not in self._elsewhere]
        there = present(self._database, collection, unknown)
        self._elsewhere |= {(collection, one): one in there for one in unknown}

        def is_there(one: Any) -> bool:
            held = any(
                (collection, form) in known for known in (self._documents, self._inserted) for form in forms(one)
            )
            return held or self._elsewhere.get((collection, one), False)

        return [item for item in ids if is_there(referred(item))]

    def _read(self, collection: str, ids: list[Any], fields: set[str] | None = None) -> None:
        projection = {"_id": 1, **dict.fromkeys(fields, 1)} if fields is not None else None
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            for document in self._database[collection].find({"_id": {"$in": some}}, projection):
                self._documents[collection, document["_id"]] = document


def _differences(there: Document, document: Document) -> list[str]:
    fields = (there.keys() | document.keys()) - UNGUARDED
    return sorted(
        field_name(name) for name in fields if not _alike(there.get(name, ABSENT), document.get(name, ABSENT))
    )


def _alike(one: object, other: object) -> bool:
    """Compare two values; in lists of ids the order says nothing."""
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(item, ObjectId) for item in [*one, *other]):
        return sorted(one) == sorted(other)
    return same(one, other)


def _name(collection: str, document: Document) -> object:
    return name_of(collection, document) or document["_id"]
