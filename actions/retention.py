"""Retention rules: delete old messages, and suspend or erase inactive users.

A document is due if a rule says that it must be deleted, suspended or erased now. `plan` counts the due documents of
each rule. `changesets` plans the changes. Both read the database with the same classes, `_OldMessages` and
`_InactiveUsers`.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

from actions import lookup, queries
from actions.errors import AmbiguousNameError
from actions.messages.deleting import HELD_MESSAGES, VALID_DATE, OldMessages, since_1970
from actions.rules import lockout
from actions.rules.checked_changeset import checked_changeset, replannable
from actions.users import status
from actions.users.erasing import Erasure, placeholder_email, placeholder_name, removed_image_urls, role_names
from changes import Batch, Changeset, Document, Draft, Question, Result, Set, Stream, Update, holds, losses
from changes.events import now as current_time
from database import connection
from database.errors import ConflictError, InvalidInputError, NotFoundError, RefusedError
from database.ids import any_of, equal
from database.listing import NO_LIST, Row
from database.references import forms, ids_in, joined, referred
from database.times import ago, rfc3339
from database.wording import counted
from models.values import UserStatus

LARGE: Final = 10
"""A rule that changes more than this percentage of a collection requires an additional confirmation."""

FEW: Final = 10
"""For more users than this number, all recent messages are read, not only the messages of these users."""

FIELDS: Final = ("email", "username", "name", "createdAt", "lastLogin", "rolesIds", *status.FIELDS)
NEVER: Final[Document] = {"lastLogin": {"$eq": None, **NO_LIST}}
"""The filter for users who never signed in. They are inactive since they were created."""
UNDATED: Final[Document] = {"$nor": [{"lastLogin": VALID_DATE}, {**NEVER, "createdAt": VALID_DATE}]}
"""The filter for users without a valid date of the last sign-in (or of the creation, if they never signed in)."""
ERASED: Final = (
    "Removed: e-mail, username, name, password, roles, profile, linked accounts. Kept: placeholder users, suspended.",
    "Kept: all messages and conversations, unchanged.",
    "This cannot be undone. Backups are not changed.",
)
NOT_ERASED: Final = "users who were not erased"


@dataclass(frozen=True, slots=True)
class Rule:
    """A retention rule. `do` is `delete` for messages, `suspend` or `erase` for users.

    `age` is for messages the time since they were sent, and for users the time since the last sign-in. `role` is the
    role of the senders or users. `conversation` and `keep_last` are only for messages.
    """

    name: str
    do: str
    age: str
    role: str | None = None
    conversation: str | None = None
    keep_last: int | None = None

    def before(self, now: datetime) -> datetime:
        """Return the time before which a message or a sign-in is old enough for this rule."""
        if (time := ago(self.age, now)) is None:
            raise InvalidInputError(f'"{self.age}" is not a valid age')
        return time


def plan(rules: Iterable[Rule]) -> list[Row]:
    """Return a row for each rule: how many documents are due, and how many are kept for which reason."""
    now = current_time()
    return [_row(rule, _due(rule, rule.before(now))) for rule in rules]


def changesets(rules: Iterable[Rule]) -> list[Changeset]:
    """Plan the changes of each rule. If nothing is due by a rule, its changeset changes nothing.

    Each changeset is planned as if there were no other rule. After one changeset was written, plan the later ones
    again. Raises `LastMemberError` if a protected role would lose its last active member.
    """
    now = current_time()
    return [_carry_out(rule, rule.before(now), set(), {}) for rule in rules]


@replannable(quick=False)
def _carry_out(rule: Rule, before: datetime, chosen: set[Any], image_urls: dict[str, None]) -> Changeset:
    """Plan a rule. The first plan adds the users to the empty `chosen`; a later plan is limited to them.

    The erasures of all plans add the URLs of the images that they remove to `image_urls`.
    """
    due = _due(rule, before)
    if isinstance(due, _OldMessages):
        return due.changeset()
    due.limit_to(chosen)
    return due.erasure(image_urls) if rule.do == "erase" else due.suspension()


def _due(rule: Rule, before: datetime) -> "_OldMessages | _InactiveUsers":
    try:
        return (_OldMessages if rule.do == "delete" else _InactiveUsers)(rule, before)
    except (NotFoundError, ConflictError) as error:
        error.add_note(f"in the retention rule {rule.name}")
        raise


def _row(rule: Rule, due: "_OldMessages | _InactiveUsers") -> Row:
    return {
        "name": rule.name,
        "action": f"{rule.do} {due.noun}s",
        "before": due.before,
        "due": due.number,
        "of": due.total,
        "oldest": due.oldest,
        **{why: due.kept.get(why) for why in ("held", "undated", "last", "protected", "active")},
    }


class _Due:
    """The documents that a rule must delete, suspend or erase now.

    `kept` counts the documents that the rule keeps, by the reason.
    """

    noun: str
    collection: str

    def __init__(self, rule: Rule, before: datetime) -> None:
        self.rule = rule
        self.before = before
        self.number = 0
        self.oldest: Any = None
        self.kept: dict[str, int] = {}

    @property
    def total(self) -> int:
        """Return the number of documents in the collection."""
        return connection.database()[self.collection].estimated_document_count()

    @property
    def command(self) -> str:
        return f"retention apply --rule {self.rule.name} (before {rfc3339(self.before)})"

    @property
    def question(self) -> Question:
        """Return the question to ask before the change.

        If the rule changes a large share of the collection, the user must type the name of the rule.
        """
        what, total = counted(self.number, self.noun), self.total
        large = self.number * 100 > total * LARGE
        share = f" ({min(self.number * 100 // max(total, 1), 100)} % of all)" if large else ""
        verb = f"{self.rule.do.capitalize()} {what}{share} by the rule {self.rule.name}"
        return Question(verb, typed=self.rule.name if large else "")

    def result(self, outcome: str, number: int, more: str = "") -> Result:
        """Return the result of the rule: the outcome, and the number of documents."""
        if not number:
            return Result(None, self.rule.name, "unchanged", if_unchanged="nothing is due")
        return Result(None, self.rule.name, outcome, counted(number, self.noun) + more, documents=number)

    def after_write(
        self, planned: Collection[Result], written: Mapping[tuple[str, str], int], *what: tuple[str, str]
    ) -> list[Result]:
        """Return the results of the rule, with the number of `what` that was really written."""
        first, *others = planned
        number = sum(written.get(one, 0) for one in what)
        return [first if number == first.documents else self.result(first.outcome, number), *others]


class _OldMessages(_Due):
    noun = "message"
    collection = "Message"

    def __init__(self, rule: Rule, before: datetime) -> None:
        super().__init__(rule, before)
        self._old = old = OldMessages(before, conversation=rule.conversation, role=rule.role, keep_last=rule.keep_last)
        self.number = old.number
        self.oldest = old.oldest
        self.kept = {"held": old.kept.number, "undated": old.undated, "last": old.spared}

    def changeset(self) -> Changeset:
        old = self._old
        places = f" in {counted(len(old.parts), 'conversation')}"
        held = [str(result.message) for result in old.kept.results()]
        return Changeset(
            self.command,
            [self.result("deleted", self.number, places), *old.passed_over()],
            old.deletion(),
            asks=True,
            notes=[*old.notes(), *held] if self.number else [],
            names=old.names,
            items=self.number,
            question=self.question,
            passing_over=self._with_new_holds,
            counting=lambda planned, written: self.after_write(planned, written, ("delete", self.collection)),
        )

    def _with_new_holds(self, agreed: Collection[Result]) -> list[Result]:
        """Return the results of a confirmed deletion, with the number of messages that legal holds keep now."""
        return [*(one for one in agreed if one.ref != HELD_MESSAGES), *self._old.kept.results()]


class _InactiveUsers(_Due):
    """The users whom a rule must suspend or erase, because they have not signed in for a time.

    Some users are kept: members of protected roles, users under a legal hold, and users who have sent a message in this
    time, because a session can last for years. Users who are already erased are left out. If the rule suspends, users
    who are already suspended are left out too.
    """

    noun = "user"
    collection = "User"

    def __init__(self, rule: Rule, before: datetime) -> None:
        super().__init__(rule, before)
        users = connection.database()["User"]
        scope: Document = {} if rule.do == "erase" else {"status": {"$ne": UserStatus.SUSPENDED.value}}
        if rule.role is not None:
            scope["rolesIds"] = any_of(forms(lookup.find_one("Role", rule.role, ())["_id"]))
        old = {"$lt": before, **VALID_DATE}
        self._where = joined({"$or": [{"lastLogin": old}, {**NEVER, "createdAt": old}]}, scope)
        found = [user for user in users.find(self._where, FIELDS) if not _is_erased(user)]
        reasons = list(self.reasons(found))
        self._users = [user for user, why in reasons if not why]
        counts = Counter(why for _, why in reasons)
        self.kept |= {why: counts[why] for why in ("held", "protected", "active")}
        self.number = len(self._users)
        self.oldest = min(map(_last_active, self._users), key=since_1970, default=None)
        self.kept["undated"] = users.count_documents(joined(UNDATED, scope))

    def reasons(self, users: Sequence[Document]) -> Iterator[tuple[Document, str]]:
        """Yield each user with the reason why the user is kept, or an empty text."""
        roles = lockout.protected_roles()
        listed = {one for role in queries.find_by_ids("Role", roles, ["userIds"]) for one in ids_in(role, "userIds")}
        self.held = holds.read(connection.database())
        active = _senders([user["_id"] for user in users], self.before)
        for user in users:
            identifier = referred(user["_id"])
            if identifier in listed or roles.intersection(ids_in(user, "rolesIds")):
                yield user, "protected"
            elif self.held.named("User", identifier):
                yield user, "held"
            else:
                yield user, "active" if identifier in active else ""

    def limit_to(self, chosen: set[Any]) -> None:
        """Keep all users but those in `chosen`. If it is empty, this is the first plan, and the users are added to it.

        Without this, an earlier rule could delete the messages for which the first plan has kept other users.
        """
        if not chosen:
            chosen.update(user["_id"] for user in self._users)
        self._users = [user for user in self._users if user["_id"] in chosen]
        self.number = len(self._users)

    def _notes(self, *effects: str) -> list[str]:
        return [*effects, *self._kept_notes()] if self.number else []

    def _kept_notes(self) -> list[str]:
        """Return notes that say how many users are kept, and why."""
        why = {
            "undated": "without a valid date of the last sign-in",
            "protected": "in protected roles",
            "active": "who sent a message since",
        }
        passed = [f"{counted(number, 'user')} {why[key]}" for key in why if (number := self.kept[key])]
        held = [self.held.note(self.kept["held"], "user")] if self.kept["held"] else []
        return [*held, *([f"Passed over: {', '.join(passed)}"] if passed else [])]

    def passed_over(self) -> list[Result]:
        """Report the users who are kept."""
        return [Result(None, "users who are kept", "passed-over", note) for note in self._kept_notes()]

    def suspension(self) -> Changeset:
        draft = Draft()
        for user in self._users:
            draft.reserve(1)
            status.change(draft, user, {"status": UserStatus.SUSPENDED.value}, ("lastLogin", "rolesIds"))
        return checked_changeset(
            self.command,
            draft,
            [self.result("suspended", self.number), *self.passed_over()],
            asks=True,
            notes=self._notes(status.STOPPED),
            items=self.number,
            question=self.question,
            counting=lambda planned, written: self.after_write(planned, written, ("update", self.collection)),
        )

    def erasure(self, image_urls: dict[str, None]) -> Changeset:
        work = _Erasures(self, self._users, self._where, image_urls)
        suspended = Set("", UserStatus.SUSPENDED.value)
        leaving = [Update("User", (user["_id"],), {"status": suspended}) for user in self._users]
        return Changeset(
            self.command,
            [self.result("erased", self.number), *self.passed_over()],
            Stream(
                work.batches,
                {("update", "User"): self.number},
                shown=work.placeholders,
                image_urls=image_urls.keys(),
            ),
            asks=True,
            notes=self._notes(*ERASED),
            names={**role_names(self._users), **{user["_id"]: placeholder_name(user["_id"]) for user in self._users}},
            rules=lockout.member_rules(leaving),
            merges_lists=True,
            undoable=False,
            items=self.number,
            question=self.question,
            passing_over=lambda agreed: agreed,
            counting=work.results,
            unproposable=("a proposal would keep the data that it erases", None),
        )


class _Erasures:
    """The erasures of users, one after the other.

    A user is kept after a new sign-in, if another command is changing the user, or if audit events about the user are
    also about data under a legal hold. After an interruption, the same rule finds the users who are not erased yet.
    """

    def __init__(
        self, due: _InactiveUsers, users: Sequence[Document], where: Document, image_urls: dict[str, None]
    ) -> None:
        self._due = due
        self._ids = [user["_id"] for user in users]
        self._where = where
        self._image_urls = image_urls

    def batches(self) -> Iterator[Batch]:
        for identifier in self._ids:
            user = connection.database()["User"].find_one(joined({"_id": equal(identifier)}, self._where))
            if user is None or next(self._due.reasons([user]))[1] or not (erasure := self._possible(user)):
                continue
            self._image_urls |= erasure.traces.image_urls
            for batch in erasure.batches():
                self._image_urls |= dict.fromkeys(url for change in batch for url in removed_image_urls(change))
                yield batch

    def _possible(self, user: Document) -> Erasure | None:
        """Return the erasure of a user, or None if the user must be kept."""
        erasure = Erasure(user, unless_signed_in=True)
        try:
            lookup.refuse_duplicate_ids("User", [user])
            if erasure.traces and self._due.held:  # to read the traces raises an error if another command is running
                losses.refuse(Changeset(self._due.command, [], [list(erasure.losing())], undoable=False))
        except (RefusedError, AmbiguousNameError):
            return None
        return erasure

    def placeholders(self) -> Iterator[Batch]:
        """Yield what the preview shows: the changes of the users themselves."""
        for some in queries.chunks(self._ids):
            users = list(queries.find_by_ids("User", some))
            yield list(chain.from_iterable(Erasure(user).placeholder() for user in users))

    def results(self, planned: Collection[Result], written: Mapping[tuple[str, str], int]) -> list[Result]:
        """Return the results after the write: how many users this command has erased, and how many it has not."""
        # A user whose document is broken is deleted and inserted again.
        first, *others = self._due.after_write(planned, written, ("update", "User"), ("insert", "User"))
        found = (user for some in queries.chunks(self._ids) for user in queries.find_by_ids("User", some, ["email"]))
        if left := sum(not _is_erased(user) for user in found):
            why = (
                "they signed in, another command changes them, two users have one id, "
                "or their events are about held data"
            )
            kept = f"{counted(left, 'user')} not erased: {why}"
            others.insert(0, Result(None, NOT_ERASED, "passed-over", kept, documents=left))
            if not first.documents:
                first = first._replace(outcome="erased", message=counted(0, "user"))
        return [first._replace(elsewhere=list(self._image_urls)), *others]


def _is_erased(user: Document) -> bool:
    return bool(user.get("email") == placeholder_email(user["_id"]))


def _last_active(user: Document) -> Any:
    login = user.get("lastLogin")
    return user["createdAt"] if login is None else login


def _senders(users: Sequence[Any], since: datetime) -> set[Any]:
    """Return the ids of users who have sent a message since a time.

    A message without a valid date counts too, because it may have been sent since. For many users, all these messages
    are read once: this is faster than a filter with many ids.
    """
    where: Document = {"$nor": [{"createAt": {"$lt": since, **VALID_DATE}}]}
    if len(users) <= FEW:
        where = joined(where, queries.refers_to("Message", "senderId", *users))
    grouped = [{"$match": where}, {"$group": {"_id": "$senderId"}}]
    found = connection.database()["Message"].aggregate(grouped, allowDiskUse=True) if users else ()
    senders = (referred(one["_id"]) for one in found)
    return {one for one in senders if isinstance(one, Hashable)}
