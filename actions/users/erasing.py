"""Erase a person: the right to be forgotten (GDPR, article 17)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from actions import lookup, queries
from actions.errors import UnknownNameError
from actions.messages.redacting import REMOVED
from actions.rules import last_active_member
from actions.rules.checked_changeset import in_batches, replannable
from actions.users import status
from actions.users.audit_traces import IMAGE_FIELDS, LINKS_THAT_STAY, AuditTraces, changes_to
from changes import (
    ABSENT,
    Batch,
    Change,
    Changeset,
    Delete,
    Document,
    Draft,
    Result,
    Set,
    Stream,
    Update,
    are_ids,
)
from changes.change import Overwrite
from changes.changeset import kind
from changes.visible_values import field_name, readable_text
from database import connection
from database.own_collections import AUDIT, IMAGES
from database.references import ids_in, referred
from database.wording import counted
from models.schema import FIELDS
from models.user import UserStatus

KEPT_FIELDS: Final = frozenset(
    {"_id", "email", "username", "status", "rolesIds", "createdAt", "updatedAt", "conversationIds", "seenMessageIds"}
)
"""The fields of a placeholder user; all other fields are removed, also those that are not in the schema."""


@replannable(quick=False)
def erase(ref: str, *, with_messages: bool = False, allow_last_member: bool = False) -> Changeset:
    """Blank a person everywhere, also in the audit trail; the messages and conversations of others stay.

    The user is changed last: until then the same command finds them and finishes an interrupted one. By id, a user who
    exists only in the audit trail can be erased. Raises `LastMemberError` if a protected role would lose its last
    active member, and `StillRunningError` while another command changes the user.
    """
    user = _user(ref)
    lookup.refuse_duplicate_ids("User", [user])
    erasure = _Erasure(user, with_messages=with_messages)
    rules = [] if allow_last_member else last_active_member.member_rules(erasure.placeholder())
    counts: Counter[tuple[str, str]] = Counter()
    image_urls = dict(erasure.traces.image_urls)
    for batch in erasure.batches():
        counts.update(what for what, _ in {(kind(change), one) for change in batch for one in change.ids})
        image_urls |= dict.fromkeys(url for change in batch for url in _image_urls(change))
    done = Result(erasure.id, erasure.label, "erased", elsewhere=list(image_urls))
    return Changeset(
        f"users erase {erasure.id}" + (" --with-messages" if with_messages else ""),
        [done if counts else Result(erasure.id, erasure.label, "unchanged")],
        Stream(erasure.batches, counts),
        asks=True,
        notes=erasure.notes() if counts else [],
        names={erasure.id: erasure.label},
        rules=rules,
        merges_lists=True,
        undoable=False,
    )


class _Erasure:
    """Everything to blank of one person; `label` is the username of the placeholder."""

    def __init__(self, user: Document, *, with_messages: bool) -> None:
        self.id = user["_id"]
        self.label = f"erased-{self.id}"
        self._database = connection.database()
        self._user = user
        self._with_messages = with_messages
        self.traces = AuditTraces(
            self.id, self.label, [user, *chain(*self._owned().values())], with_messages=with_messages
        )

    def batches(self) -> Iterator[Batch]:
        """Make the batches in an order in which each leaves what is needed to find the rest."""
        blanked: set[Any] = set()
        yield from in_batches(chain(self.traces.changes(), self._messages(blanked)))
        yield from in_batches(self._messages(blanked))  # also messages that the user sent in the meantime
        draft = Draft()
        held = self._database["User"].find_one({"_id": self.id}, ["rolesIds"]) or {}
        listing = self._database["Role"].find(queries.refers_to("Role", "userIds", self.id), ["userIds"])
        found = chain(listing, queries.find_by_ids("Role", ids_in(held, "rolesIds"), ["userIds"]))
        roles = {referred(role["_id"]): role for role in found}
        for role in roles.values():
            _treat_as_listed(role, "userIds", referred(self.id))
            _treat_as_listed(held, "rolesIds", referred(role["_id"]))
        draft.take("Role", roles.values(), "userIds", [self.id])
        for collection, documents in self._owned().items():
            for document in documents:
                draft.delete(collection, document)
        if changes := [*draft.changes, *self.placeholder(held)]:
            yield changes

    def placeholder(self, held: Document | None = None) -> list[Change]:
        """Turn the user into a placeholder, whose current roles are `held`; nothing if the user no longer exists."""
        if self._user.keys() == {"_id"}:
            return []
        draft = Draft()
        values: Document = {name: ABSENT for name in self._user if name not in KEPT_FIELDS}
        values |= {"email": f"{self.label}@erased.invalid", "username": self.label}
        values |= {"status": UserStatus.SUSPENDED.value}
        user = dict(self._user)
        if held is not None:
            user = {name: value for name, value in user.items() if name != "rolesIds"} | held
        listed = user.get("rolesIds")
        if isinstance(listed, list) and listed and are_ids(listed):
            # Remove the ids one by one: a role that is granted at this moment stays on both sides, as if granted later.
            draft.take("User", [user], "rolesIds", listed)
        else:
            values["rolesIds"] = []
        # Without a guard: the time of a sign-in at this moment is removed too; no undo would need it.
        login = Overwrite(user.get("lastLogin", ABSENT), ABSENT)
        given = FIELDS["User"] - LINKS_THAT_STAY - {"lastLogin", "rolesIds"}
        if not status.change(draft, user, values, given):
            return draft.changes
        *others, last = draft.changes
        if not isinstance(last, Update):  # the user is written anew
            return draft.changes
        return [*others, replace(last, fields={**last.fields, "lastLogin": login})]

    def notes(self) -> list[str]:
        """Return notes on what is removed and what stays."""
        messages = counted(self._database["Message"].count_documents(self._referring("Message", "senderId")), "message")
        conversations = self._database["Conversation"].count_documents(self._referring("Conversation", "userIds"))
        unknown = sorted(map(field_name, self._user.keys() - FIELDS["User"] - {"_id"}))
        blank = "without text and image" if self._with_messages else "as written; --with-messages blanks them"
        lost = [
            self._database[IMAGES].distinct("event", {"event": {"$in": some}})
            for some in queries.chunks(self.traces.lost)
        ]
        return [
            f"who: {lookup.user_label(self._user)} ({readable_text(self._user.get('email', 'no e-mail'))})",
            f"goes: e-mail, username, name, password, roles, profile, linked accounts; stays: {self.label}, suspended",
            *([f"goes: fields that the schema does not name: {', '.join(unknown)}"] if unknown else []),
            f"stays: {messages}, {blank}",
            f"stays: {counted(conversations, 'conversation')}, whole",
            f"blanked: {counted(len(self.traces.events), 'event')} of the audit trail",
            f"no longer undoable: {counted(len(list(chain(*lost))), 'event')}",
            "this cannot be undone, and does not reach backups",
        ]

    def _owned(self) -> dict[str, list[Document]]:
        return {
            name: list(self._database[name].find(self._referring(name, "userId"))) for name in ("Profile", "Account")
        }

    def _referring(self, collection: str, field: str) -> Document:
        return queries.refers_to(collection, field, self.id)

    def _messages(self, blanked: set[Any]) -> Iterator[Change]:
        """Blank messages that are not in `blanked`, and add them to it; this ends even if the user keeps writing."""
        if self._with_messages:
            found = self._database["Message"].find(self._referring("Message", "senderId"), ["_id"])
            ids = [message["_id"] for message in found if message["_id"] not in blanked]
            blanked.update(ids)
            for message in queries.find_by_values("Message", "_id", ids):
                unknown = message.keys() - FIELDS["Message"] - {"_id"}
                yield from changes_to(
                    "Message", message, {"body": REMOVED, "image": ABSENT, **dict.fromkeys(sorted(unknown), ABSENT)}
                )


def _user(ref: str) -> Document:
    """Find the user, or by id one whom only the audit trail still knows."""
    try:
        return lookup.find_user(ref)
    except UnknownNameError:
        field, value = lookup.parse_user_ref(ref)
        known = {"targets": value, "changes.collection": "User"}
        if field != "_id" or not connection.database()[AUDIT].find_one(known, {"_id": 1}):
            raise
        return {"_id": value}


def _treat_as_listed(document: Document, field: str, identifier: Any) -> None:
    """Treat an id as listed on both sides of a link: the other side may have it by the time of the write.

    If it does not, the write adapts. A list with other values than ids is changed as a whole.
    """
    listed = document.get(field)
    if isinstance(listed, list) and are_ids(listed) and identifier not in listed:
        document[field] = [*listed, identifier]


def _image_urls(change: Change) -> Iterator[str]:
    """Yield the URLs of images that a change removes."""
    for name in IMAGE_FIELDS:
        value = change.document.get(name) if isinstance(change, Delete) else None
        if isinstance(change, Update) and isinstance(field := change.fields.get(name), Set):
            value = field.before
        if isinstance(value, str) and value:
            yield value
