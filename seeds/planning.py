"""A seed and the database → what would change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions.rules.changesets import changeset
from changes import ChangedMeanwhileError, Changeset, Document, Rule, ids_in
from changes.visible_values import readable_text
from database import connection
from database.errors import ConflictError, RefusedError, UsageError
from database.references import forms
from database.wording import counted, shown
from models.user import UserStatus
from seeds import people, state
from seeds.comparing import Comparison, Options, compare
from seeds.drafting import Drafting
from seeds.effects import Effects
from seeds.explaining import Explained, explain
from seeds.seed import Seed

__all__ = ["Options", "Plan", "plan"]

AS_WRITTEN: Final = Options()
_LOCK: Final = "seeds"


@dataclass
class Plan:
    """What apply would do, and the changeset that does it."""

    seed: Seed
    options: Options
    comparison: Comparison
    effects: Effects
    whole: dict[Any, Document]
    """Roles and permissions that are deleted, as read; of roles that users are given `userIds`."""
    replan: Callable[[], "Plan"]

    @property
    def differs(self) -> bool:
        """Whether there is anything to do: what `plan --exit-code` asks."""
        return self.comparison.differs

    @cached_property
    def changes(self) -> list[Explained]:
        return list(explain(self.comparison, self.effects))

    def lines(self) -> Iterator[str]:
        """Show the plan to a person: `+`, `~`, `-` lines, below each whom it touches, a sum at the end."""
        for change in self.changes:
            yield from change.lines()
        yield _sum(self.changes)

    def document(self) -> dict[str, Any]:
        """Return the plan for a program: `{"changes": [{action, kind, name, before, after, affected}]}`."""
        return {"changes": [change.document() for change in self.changes]}

    @cached_property
    def changeset(self) -> Changeset:
        """The changes as they are carried out: one transaction, in turn with other seeds, none where nothing differs.

        It asks where something is taken away. Passwords of users who are created are hashed here.
        """
        drafting = Drafting(self.comparison, self.whole, self.effects.members)
        words = [f"--{name.replace('_', '-')}" for name, given in self.options._asdict().items() if given]
        made = changeset(
            " ".join(["seeds apply", *words]),
            drafting.draft,
            drafting.results(),
            asks=self.comparison.takes_away,
            asks_about_many=False,
            rules=[Rule(_LOCK, self._look_again)],
            notes=self._losses() if self.comparison.takes_away else [],
        )
        return replace(made, replan=self._plan_anew)

    def _losses(self) -> list[str]:
        return [line for change in self.changes if change.takes_away for line in change.lines()]

    def _plan_anew(self) -> Changeset:
        """Plan again after a conflict; what would now have to be asked about is not done instead of what was not."""
        again = self.replan()
        if again.comparison.takes_away and not self.comparison.takes_away:
            raise ConflictError(
                "the database was changed meanwhile, and the seed would now take something away",
                "nothing was written; look at it again: chatctl seeds plan",
            )
        return again.changeset

    def _look_again(self, session: ClientSession | None) -> None:
        """Refuse in the transaction what another seed has created since: a unique index may be missing."""
        database = connection.database()
        _refuse_shipped(self.seed, self.comparison.state, session)
        names = self.comparison.names()
        new = {
            ("Permission", "name"): [names[identifier] for identifier in self.comparison.created],
            ("Role", "name"): [r.spec.name for r in self.comparison.roles if r.created or r.renamed],
            ("User", "email"): [user.person.email for user in self.comparison.users if user.created],
        }
        for (collection, field), values in new.items():
            where = {field: {"$in": values}}
            if values and (found := database[collection].find_one(where, {field: 1}, session=session)):
                raise ChangedMeanwhileError(f"{collection.lower()} {shown(found[field])} was created meanwhile", None)


def plan(seed: Seed, options: Options = AS_WRITTEN) -> Plan:
    """Compare a seed with the database, in a number of reads that does not grow with it, and write nothing.

    Raises `InvalidInputError` (a variable of the environment), `ConflictError`, `RefusedError`, and `UsageError` for
    the shipped seed on a database that has other roles.
    """
    there = state.read(seed.name)
    _refuse_shipped(seed, there, None)
    comparison = compare(seed, options, there, people.find(seed.users))
    _refuse_adoption(comparison, options)
    whole = _whole(comparison)
    effects = Effects(comparison)
    _refuse_members(comparison, options, whole, effects)
    return Plan(seed, options, comparison, effects, whole, lambda: plan(seed, options))


def _whole(comparison: Comparison) -> dict[Any, Document]:
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
    """Keep the shipped seed from databases whose roles are somebody's work already."""
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
        f"{shown(names[role])} to {shown(user.person.email)}"
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


def _refuse_members(comparison: Comparison, options: Options, whole: dict[Any, Document], effects: Effects) -> None:
    """Refuse to delete roles that somebody has, protected ones as long as an active member has them in any case."""
    pruned = set(comparison.pruned_roles)
    members: dict[ObjectId, set[Any]] = {role: set(ids_in(whole[role], "userIds")) for role in pruned}
    for user in effects.members:
        for role in pruned.intersection(ids_in(user, "rolesIds")):
            members[role].add(user["_id"])
    held = {role: users for role, users in members.items() if users}
    if held and not options.allow_members:
        listed = ", ".join(
            f"{shown(readable_text(whole[role].get('name')))} ({len(users):,})" for role, users in held.items()
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
                f"the role {shown(readable_text(whole[role].get('name')))} is protected and has an active member",
                "take it from its members, or name it in the seed",
            )


def _sum(changes: list[Explained]) -> str:
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
