"""Plan a seed: what would change in the database, and the changeset that changes it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions.rules.checked_changeset import checked_changeset
from changes import ChangedMeanwhileError, Changeset, Document, Rule, ids_in
from changes.visible_values import readable_text
from database import connection
from database.errors import ConflictError, RefusedError, UsageError
from database.references import forms
from database.wording import counted, shown
from models.user import UserStatus
from seeds import state, users
from seeds.comparison import Comparison, Options, compare
from seeds.draft import draft, results
from seeds.planned_changes import Effects, PlannedChange, describe
from seeds.seed import Seed

__all__ = ["Options", "Plan", "plan"]

AS_WRITTEN: Final = Options()
_LOCK: Final = "seeds"


@dataclass
class Plan:
    """The changes that a database requires to match a seed."""

    seed: Seed
    options: Options
    comparison: Comparison
    changes: list[PlannedChange]
    """What `lines` and `document` show. It is made with the plan: the changeset then changes the documents read."""
    members: list[Document]
    """Users with a role that is changed or deleted."""
    documents: dict[Any, Document]
    """The deleted roles and permissions, and `userIds` of the roles that users get."""
    replan: Callable[[], "Plan"]

    @property
    def differs(self) -> bool:
        """Whether there is anything to do: what `plan --exit-code` asks."""
        return self.comparison.differs

    def lines(self) -> Iterator[str]:
        """Yield the plan for people: a line for each change, the affected users below it, then the totals."""
        for change in self.changes:
            yield from change.lines()
        yield _sum(self.changes)

    def document(self) -> dict[str, Any]:
        """Return the plan for programs: `{"changes": [{action, kind, name, before, after, affected}]}`."""
        return {"changes": [change.document() for change in self.changes]}

    @cached_property
    def changeset(self) -> Changeset:
        """Return the changes to apply: one transaction, never at the same time as another seed.

        If something is removed it asks, and the question shows the lines of the plan. Passwords of new users are hashed
        here.
        """
        words = [f"--{name.replace('_', '-')}" for name, given in self.options._asdict().items() if given]
        made = checked_changeset(
            " ".join(["seeds apply", *words]),
            draft(self.comparison, self.documents, self.members),
            results(self.comparison),
            asks=self.comparison.removes_something,
            asks_about_many=False,
            rules=[Rule(_LOCK, self._recheck)],
            notes=list(self.lines()) if self.comparison.removes_something else [],
        )
        return replace(made, replan=self._plan_again)

    def _plan_again(self) -> Changeset:
        """Plan again after a conflict. Refuse a plan that now has to be confirmed if the first one did not."""
        again = self.replan()
        if again.comparison.removes_something and not self.comparison.removes_something:
            raise ConflictError(
                "the database was changed meanwhile, and the seed would now take something away",
                "nothing was written; look at it again: chatctl seeds plan",
            )
        return again.changeset

    def _recheck(self, session: ClientSession | None) -> None:
        """Check in the transaction that no new name was created meanwhile: a unique index may be missing."""
        database = connection.database()
        _refuse_shipped(self.seed, self.comparison.state, session)
        names = self.comparison.names()
        new = {
            ("Permission", "name"): [names[identifier] for identifier in self.comparison.created],
            ("Role", "name"): [r.spec.name for r in self.comparison.roles if r.created or r.renamed],
            ("User", "email"): [user.spec.email for user in self.comparison.users if user.created],
        }
        for (collection, key), values in new.items():
            where = {key: {"$in": values}}
            if values and (found := database[collection].find_one(where, {key: 1}, session=session)):
                raise ChangedMeanwhileError(f"{collection.lower()} {shown(found[key])} was created meanwhile", None)


def plan(seed: Seed, options: Options = AS_WRITTEN) -> Plan:
    """Compare a seed with the database. Nothing is written, and the number of reads does not depend on its size.

    Raises `InvalidInputError` (a variable of the environment), `ConflictError`, `RefusedError`, and `UsageError` for
    the shipped seed on a database that has other roles.
    """
    there = state.read(seed.name)
    _refuse_shipped(seed, there, None)
    comparison = compare(seed, options, there, users.resolve(seed.users))
    _refuse_adoption(comparison, options)
    documents = _read_documents(comparison)
    effects = Effects(comparison)
    _refuse_members(comparison, options, documents, effects)
    changes = list(describe(comparison, effects))
    return Plan(seed, options, comparison, changes, effects.members, documents, lambda: plan(seed, options))


def _read_documents(comparison: Comparison) -> dict[Any, Document]:
    given = list({role for user in comparison.users for role in user.roles} & comparison.state.roles.keys())
    wanted: list[tuple[str, list[Any], list[str] | None]] = [
        ("Role", given, ["userIds"]),
        ("Role", comparison.pruned_roles, None),
        ("Permission", comparison.pruned_permissions, None),
    ]
    found: dict[Any, Document] = {}
    for collection, identifiers, fields in wanted:
        if identifiers:
            found |= state.by_id(state.find(collection, {"_id": {"$in": identifiers}}, fields))
            if len(found.keys() & set(identifiers)) < len(identifiers):
                raise ConflictError("a role or permission was deleted meanwhile", "repeat the command")
    return found


def _refuse_shipped(seed: Seed, there: state.State, session: ClientSession | None) -> None:
    """Refuse the shipped seed in a database that has other roles."""
    if not seed.shipped or there.owned["_id"] in there.recorded or connection.target().local:
        return
    if connection.database()["Role"].find_one({}, {"_id": 1}, session=session):
        raise UsageError(
            "the seed that ships with chatctl is not for a database that has roles of its own",
            "name a seed file or folder, or take --local; chatctl seeds export writes down the roles there are",
        )


def _refuse_adoption(comparison: Comparison, options: Options) -> None:
    protected = set(ids_in(comparison.state.protected, "ids"))
    for role in comparison.roles:
        if role.protect is not None:
            (protected.add if role.protect else protected.discard)(role.document["_id"])
    own = set(ids_in(comparison.state.owned, "users"))
    names = {role.document["_id"]: role.spec.name for role in comparison.roles}
    refused = [
        f"{shown(names[role])} to {shown(user.spec.email)}"
        for user in comparison.users
        if not user.created and user.identifier not in own and not options.adopt
        for role in user.roles
        if role in protected
    ]
    if refused:
        raise RefusedError(
            f"a protected role would go to a user whom this seed did not create: {', '.join(refused)}",
            "if that is meant, say so with --adopt",
        )


def _refuse_members(comparison: Comparison, options: Options, documents: dict[Any, Document], effects: Effects) -> None:
    """Refuse to delete roles with members; a protected role with an active member is never deleted."""
    pruned = set(comparison.pruned_roles)
    members: dict[ObjectId, set[Any]] = {role: set(ids_in(documents[role], "userIds")) for role in pruned}
    for user in effects.members:
        for role in pruned.intersection(ids_in(user, "rolesIds")):
            members[role].add(user["_id"])
    held = {role: users for role, users in members.items() if users}
    if held and not options.allow_members:
        listed = ", ".join(
            f"{shown(readable_text(documents[role].get('name')))} ({len(users):,})" for role, users in held.items()
        )
        raise RefusedError(
            f"roles that the seed no longer names have members: {listed}",
            "if the members are to lose them, say so with --allow-members",
        )
    for role in held.keys() & set(ids_in(comparison.state.protected, "ids")):
        members_of = [form for user in held[role] for form in forms(user)]
        active = {"_id": {"$in": members_of}, "status": {"$ne": UserStatus.SUSPENDED.value}}
        if connection.database()["User"].find_one(active, {"_id": 1}):
            raise RefusedError(
                f"the role {shown(readable_text(documents[role].get('name')))} is protected and has an active member",
                "take it from its members, or name it in the seed",
            )


def _sum(changes: list[PlannedChange]) -> str:
    """Count the changes by what they do."""
    if not changes:
        return "Nothing differs."
    counts = []
    for action in ("create", "change", "delete"):
        kinds = [
            counted(number, kind)
            for kind in ("permission", "role", "user")
            if (number := sum((change.action, change.kind) == (action, kind) for change in changes))
        ]
        if kinds:
            counts.append(f"{action} {', '.join(kinds)}")
    return f"Plan: {'; '.join(counts)}."
