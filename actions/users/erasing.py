"""A person's right to be forgotten."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from actions import finding
from actions.errors import UnknownNameError
from actions.messages.redacting import REMOVED
from actions.rules import last_active_member
from actions.rules.changesets import batched, replannable
from actions.users import status
from actions.users.traces import LINKS_THAT_STAY, PICTURES, Traces, setting
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

STAYS: Final = frozenset(
    {"_id", "email", "username", "status", "rolesIds", "createdAt", "updatedAt", "conversationIds", "seenMessageIds"}
)
"""What a tombstone has; every other field of the user goes, those that the schema does not name too."""


@replannable(quick=False)
def erase(ref: str, *, with_messages: bool = False, allow_last_member: bool = False) -> Changeset:
    """Blank a person everywhere, the audit trail included; what others wrote and share with them stays whole.

    The user goes last: until then the same command finds them and finishes what an interrupted one has begun. By id
    also one whom only the trail still knows is erased. Raises `LastMemberError` where a protected role would lose its
    last active member, and `StillRunningError` while somebody writes to the user.
    """
    user = _user(ref)
    finding.refuse_twins("User", [user])
    erasure = _Erasure(user, with_messages=with_messages)
    rules = [] if allow_last_member else last_active_member.rules(erasure.tombstone())
    counts: Counter[tuple[str, str]] = Counter()
    pictures = dict(erasure.traces.pictures)
    for batch in erasure.batches():
        counts.update(what for what, _ in {(kind(change), one) for change in batch for one in change.ids})
        pictures |= dict.fromkeys(picture for change in batch for picture in _pictures(change))
    done = Result(erasure.id, erasure.label, "erased", elsewhere=list(pictures))
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
    """All that is to be blanked of one person; `label` is the name of the tombstone."""

    def __init__(self, user: Document, *, with_messages: bool) -> None:
        self.id = user["_id"]
        self.label = f"erased-{self.id}"
        self._database = connection.database()
        self._user = user
        self._with_messages = with_messages
        self.traces = Traces(self.id, self.label, [user, *chain(*self._owned().values())], with_messages=with_messages)

    def batches(self) -> Iterator[Batch]:
        """Make the batches in an order in which each leaves what is needed to find the rest."""
        known: set[Any] = set()
        yield from batched(chain(self.traces.changes(), self._messages(known)))
        yield from batched(self._messages(known))  # also messages that the user sent in the meantime
        draft = Draft()
        held = self._database["User"].find_one({"_id": self.id}, ["rolesIds"]) or {}
        listing = self._database["Role"].find(finding.referring("Role", "userIds", self.id), ["userIds"])
        found = chain(listing, finding.with_id("Role", ids_in(held, "rolesIds"), ["userIds"]))
        roles = {referred(role["_id"]): role for role in found}
        for role in roles.values():
            _expect(role, "userIds", referred(self.id))
            _expect(held, "rolesIds", referred(role["_id"]))
        draft.take("Role", roles.values(), "userIds", [self.id])
        for collection, documents in self._owned().items():
            for document in documents:
                draft.delete(collection, document)
        if changes := [*draft.changes, *self.tombstone(held)]:
            yield changes

    def tombstone(self, held: Document | None = None) -> list[Change]:
        """Turn the user into a placeholder, whose current roles are `held`; nothing if the user no longer exists."""
        if self._user.keys() == {"_id"}:
            return []
        draft = Draft()
        values: Document = {name: ABSENT for name in self._user if name not in STAYS}
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
        """Say what happens and what stays, for the one who decides."""
        messages = counted(self._database["Message"].count_documents(self._mine("Message", "senderId")), "message")
        conversations = self._database["Conversation"].count_documents(self._mine("Conversation", "userIds"))
        unknown = sorted(map(field_name, self._user.keys() - FIELDS["User"] - {"_id"}))
        blank = "without text and image" if self._with_messages else "as written; --with-messages blanks them"
        lost = [
            self._database[IMAGES].distinct("event", {"event": {"$in": some}})
            for some in finding.parts(self.traces.lost)
        ]
        return [
            f"who: {finding.user_label(self._user)} ({readable_text(self._user.get('email', 'no e-mail'))})",
            f"goes: e-mail, username, name, password, roles, profile, linked accounts; stays: {self.label}, suspended",
            *([f"goes: fields that the schema does not name: {', '.join(unknown)}"] if unknown else []),
            f"stays: {messages}, {blank}",
            f"stays: {counted(conversations, 'conversation')}, whole",
            f"blanked: {counted(len(self.traces.events), 'event')} of the audit trail",
            f"no longer undoable: {counted(len(list(chain(*lost))), 'event')}",
            "this cannot be undone, and does not reach backups",
        ]

    def _owned(self) -> dict[str, list[Document]]:
        return {name: list(self._database[name].find(self._mine(name, "userId"))) for name in ("Profile", "Account")}

    def _mine(self, collection: str, field: str) -> Document:
        return finding.referring(collection, field, self.id)

    def _messages(self, known: set[Any]) -> Iterator[Change]:
        """Blank all messages except the `known` ones, and add them to these. It ends even if the user keeps writing."""
        if self._with_messages:
            found = self._database["Message"].find(self._mine("Message", "senderId"), ["_id"])
            ids = [message["_id"] for message in found if message["_id"] not in known]
            known.update(ids)
            for message in finding.having("Message", "_id", ids):
                unknown = message.keys() - FIELDS["Message"] - {"_id"}
                yield from setting(
                    "Message", message, {"body": REMOVED, "image": ABSENT, **dict.fromkeys(sorted(unknown), ABSENT)}
                )


def _user(ref: str) -> Document:
    """Find the user, or by id one whom only the audit trail still knows."""
    try:
        return finding.user(ref)
    except UnknownNameError:
        field, value = finding.user_key(ref)
        known = {"targets": value, "changes.collection": "User"}
        if field != "_id" or not connection.database()[AUDIT].find_one(known, {"_id": 1}):
            raise
        return {"_id": value}


def _expect(document: Document, field: str, identifier: Any) -> None:
    """Take an id for listed that one side of a link has: the other may have it by the time it is written.

    Where it has not, the write is fitted to that. A list that holds anything but ids is changed as a whole, as it is.
    """
    listed = document.get(field)
    if isinstance(listed, list) and are_ids(listed) and identifier not in listed:
        document[field] = [*listed, identifier]


def _pictures(change: Change) -> Iterator[str]:
    """Go through the addresses of images that a change takes away."""
    for name in PICTURES:
        value = change.document.get(name) if isinstance(change, Delete) else None
        if isinstance(change, Update) and isinstance(field := change.fields.get(name), Set):
            value = field.before
        if isinstance(value, str) and value:
            yield value
