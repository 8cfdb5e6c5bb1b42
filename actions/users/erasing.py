"""Erase a person (GDPR, article 17), even from the audit trail and from the data that are stored for undos."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any, Final

from actions import lookup, queries
from actions.errors import UnknownNameError
from actions.messages.changing import REMOVED
from actions.rules import lockout
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
from changes.changeset import count_lines, kind
from changes.visible_values import field_name, readable_text
from database import connection
from database.own_collections import AUDIT, IMAGES
from database.references import ids_in, referred
from database.wording import counted
from models.schema import FIELDS
from models.values import UserStatus

KEPT_FIELDS: Final = frozenset(
    {"_id", "email", "username", "status", "rolesIds", "createdAt", "updatedAt", "conversationIds", "seenMessageIds"}
)
"""The fields that an erased user keeps. All other fields are removed, including fields that are not in the schema."""


def placeholder_name(user: Any) -> str:
    """Return the username of the placeholder that replaces an erased user. It contains the id of the user."""
    return f"erased-{user}"


def placeholder_email(user: Any) -> str:
    """Return the e-mail address of the placeholder that replaces an erased user. An erased user is recognised by it."""
    return f"{placeholder_name(user)}@erased.invalid"


@replannable(quick=False)
def erase(ref: str, *, with_messages: bool = False, allow_last_member: bool = False) -> Changeset:
    """Remove the data of a person everywhere, even in the audit trail.

    Messages and conversations are kept for the other participants. The user is changed last, so that the same command
    can continue after an interruption. A user who exists only in the audit trail can be erased by id. Raises
    `LastMemberError` if a protected role would lose its last active member. Raises `StillRunningError` while another
    command changes the user.
    """
    user = _user(ref)
    lookup.refuse_duplicate_ids("User", [user])
    erasure = Erasure(user, with_messages=with_messages)
    rules = [] if allow_last_member else lockout.member_rules(erasure.placeholder())
    counts: Counter[tuple[str, str]] = Counter()
    image_urls = dict(erasure.traces.image_urls)
    for batch in erasure.batches():
        counts.update(what for what, _ in {(kind(change), one) for change in batch for one in change.ids})
        image_urls |= dict.fromkeys(url for change in batch for url in removed_image_urls(change))
    done = Result(erasure.id, erasure.label, "erased", elsewhere=list(image_urls))
    return Changeset(
        f"users erase {erasure.id}" + (" --with-messages" if with_messages else ""),
        [done if counts else Result(erasure.id, erasure.label, "unchanged", if_unchanged="already erased")],
        Stream(erasure.batches, counts, losing=erasure.losing),
        asks=True,
        notes=erasure.notes() if counts else [],
        names={**role_names([user]), erasure.id: erasure.label},
        rules=rules,
        merges_lists=True,
        undoable=False,
        unproposable=("a proposal would keep the data that it erases", None),
        # Roles are not counted here, because only their links to this user are removed. The notes name the roles.
        preview=count_lines({what: number for what, number in counts.items() if what != ("update", "Role")}),
    )


class Erasure:
    """The erasure of one person.

    `label` is the new username of the erased user. If the user signs in during the erasure, this sign-in is erased too.
    If `unless_signed_in` is true, such a sign-in makes the last batch fail, and the user is kept. In this case, only
    the names of the user in the audit trail are removed.
    """

    def __init__(self, user: Document, *, with_messages: bool = False, unless_signed_in: bool = False) -> None:
        self.id = user["_id"]
        self.label = placeholder_name(self.id)
        self._database = connection.database()
        self._user = user
        self._with_messages = with_messages
        self._unless_signed_in = unless_signed_in

    @cached_property
    def traces(self) -> AuditTraces:
        """The traces of the person in the audit trail. They are read when they are used for the first time."""
        owned = chain(*self._owned().values())
        return AuditTraces(self.id, self.label, [self._user, *owned], with_messages=self._with_messages)

    def batches(self) -> Iterator[Batch]:
        """Yield the batches of changes. No batch removes data that a later batch needs."""
        blanked: set[Any] = set()
        yield from in_batches(chain(self.traces.changes(), self._messages(blanked)))
        yield from in_batches(self._messages(blanked))  # The user may have sent more messages since the first step.
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

    def losing(self) -> Iterator[Change]:
        """Yield all changes. The user comes first, because an error about a legal hold names the first document."""
        return chain(self.placeholder(), (change for batch in self.batches() for change in batch))

    def placeholder(self, held: Document | None = None) -> list[Change]:
        """Return the changes that turn the user into a placeholder. If the user no longer exists, return an empty list.

        `held` has the roles that the user has at this moment.
        """
        if self._user.keys() == {"_id"}:
            return []
        draft = Draft()
        values: Document = {name: ABSENT for name in self._user if name not in KEPT_FIELDS}
        values |= {"email": placeholder_email(self.id), "username": self.label}
        values |= {"status": UserStatus.SUSPENDED.value}
        user = dict(self._user)
        if held is not None:
            user = {name: value for name, value in user.items() if name != "rolesIds"} | held
        listed = user.get("rolesIds")
        if isinstance(listed, list) and listed and are_ids(listed):
            # Remove only the role ids that were read. So a role that is granted at the same time is kept.
            draft.take("User", [user], "rolesIds", listed)
        else:
            values["rolesIds"] = []
        # The write does not compare the old value. So if the user signs in at this moment, the new time is removed too.
        login = Overwrite(user.get("lastLogin", ABSENT), ABSENT)
        moving = {"rolesIds"} if self._unless_signed_in else {"lastLogin", "rolesIds"}
        given = FIELDS["User"] - LINKS_THAT_STAY - moving
        if not status.change(draft, user, values, given) or self._unless_signed_in:
            return draft.changes
        *others, last = draft.changes
        if not isinstance(last, Update):  # if the document is broken, the draft deletes and inserts the user
            return draft.changes
        return [*others, replace(last, fields={**last.fields, "lastLogin": login})]

    def notes(self) -> list[str]:
        """Return the notes above the question. They say which data are removed, and which data are kept."""
        messages = counted(self._database["Message"].count_documents(self._referring("Message", "senderId")), "message")
        conversations = self._database["Conversation"].count_documents(self._referring("Conversation", "userIds"))
        unknown = sorted(map(field_name, self._user.keys() - FIELDS["User"] - {"_id"}))
        blank = (
            "without text and image"
            if self._with_messages
            else "unchanged. --with-messages removes their text and images."
        )
        lost = [
            self._database[IMAGES].distinct("event", {"event": {"$in": some}})
            for some in queries.chunks(self.traces.lost)
        ]
        return [
            f"User: {lookup.user_label(self._user)} ({readable_text(self._user.get('email', 'no e-mail'))})",
            (
                "Removed: e-mail, username, name, password, roles, profile, linked accounts. "
                f"Kept: the placeholder user {self.label}, suspended."
            ),
            *([f"Removed: fields that are not in the schema: {', '.join(unknown)}"] if unknown else []),
            f"Kept: {messages}, {blank}",
            f"Kept: {counted(conversations, 'conversation')}, unchanged",
            f"Personal data removed from {counted(len(self.traces.events), 'event')} of the audit trail",
            f"No longer undoable: {counted(len(list(chain(*lost))), 'event')}",
            "This cannot be undone. Backups are not changed.",
        ]

    def _owned(self) -> dict[str, list[Document]]:
        return {
            name: list(self._database[name].find(self._referring(name, "userId"))) for name in ("Profile", "Account")
        }

    def _referring(self, collection: str, field: str) -> Document:
        return queries.refers_to(collection, field, self.id)

    def _messages(self, blanked: set[Any]) -> Iterator[Change]:
        """Remove the texts and images of the user's messages, except the messages in `blanked`.

        The new ids are added to `blanked`. They are read first, so this function ends even if the user continues to
        write messages.
        """
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
    """Find the user to erase. With an id, a user can be found who exists only in the audit trail."""
    try:
        return lookup.find_user(ref)
    except UnknownNameError:
        field, value = lookup.parse_user_ref(ref)
        known = {"targets": value, "changes.collection": "User"}
        if field != "_id" or not connection.database()[AUDIT].find_one(known, {"_id": 1}):
            raise
        return {"_id": value}


def _treat_as_listed(document: Document, field: str, identifier: Any) -> None:
    """Add an id to a list in memory, because another program may add the id to the stored list before the write.

    If no program adds the id, the write still works. A list that also has values other than ids is left unchanged,
    because such a list is replaced as a whole.
    """
    listed = document.get(field)
    if isinstance(listed, list) and are_ids(listed) and identifier not in listed:
        document[field] = [*listed, identifier]


def role_names(users: Iterable[Document]) -> dict[Any, str]:
    """Return the names of the roles that users have: id → name. A preview shows these names instead of the ids."""
    ids = {identifier for user in users for identifier in ids_in(user, "rolesIds")}
    return {referred(role["_id"]): lookup.label(role) for role in queries.find_by_ids("Role", ids, ["name"])}


def removed_image_urls(change: Change) -> Iterator[str]:
    """Yield the URLs of the images that a change removes."""
    for name in IMAGE_FIELDS:
        value = change.document.get(name) if isinstance(change, Delete) else None
        if isinstance(change, Update) and isinstance(field := change.fields.get(name), Set):
            value = field.before
        if isinstance(value, str) and value:
            yield value
