"""The changeset of an import. While one batch is written, the next batch is made."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from bson import ObjectId

from actions.rules import lockout, passwords
from actions.users.access import AllRoles
from actions.users.creating import new_user
from actions.users.granting import MemberChanges
from actions.users.importing.person import UNHASHED, ExistingUser, Policy, difference, status_of, stored, verified_at
from actions.users.importing.staging import PendingPerson, StagingDatabase
from changes import Changeset, Document, Draft, Stream
from changes.changeset import Resuming, kind
from changes.draft import BATCH, Batch
from changes.events import now
from database.wording import counted

HASHED_AT_ONCE: Final = 100
"""The largest number of passwords that are hashed for one batch. One processor core needs 25 seconds for them."""

Hash = Callable[[Iterable[str]], Iterator[str]]


def changeset(
    staging: StagingDatabase, policy: Policy, source: str, *, notes: Sequence[str] = (), allow_last_member: bool = False
) -> Changeset:
    """Plan an import. Call `compare` first; it must have found no conflicts. `notes` are more notes for the preview.

    Raises `LastMemberError` if a protected role would be left without an active member, and `TooManyLinksError` if a
    role would have too many users.
    """
    roles = AllRoles.read()

    def without_hashes(outcome: str | None = None) -> Iterator[Batch]:
        return _BatchMaker(roles, _placeholders).batches(staging.pending(outcome))

    sizes: list[int] = []
    updates = policy is Policy.UPDATE
    changes = (change for batch in without_hashes("updated") for change in batch)
    return Changeset(
        f"users import {source} --on-conflict {policy}",
        staging,
        Stream(
            partial(_prepared_ahead, staging, roles, sizes),
            _count_created(staging, roles) + _count_updated(without_hashes("updated")),
            shown=without_hashes,
            losing=lambda: (change for batch in without_hashes("updated") for change in batch),
        ),
        asks=updates,
        asks_about_many=False,
        notes=[*notes, *_notes(staging)],
        names=_Names(staging, roles),
        rules=lockout.member_rules(changes) if updates and not allow_last_member else [],
        lifted=lockout.lifted(allow_last_member=allow_last_member),
        merges_lists=True,
        resuming=Resuming(
            lambda batches: f"{sum(sizes[:batches]):,} of {counted(staging.count_pending(), 'row')} are imported",
            "--on-conflict",
            (Policy.UPDATE if updates else Policy.SKIP).value,
        ),
    )


def _count_created(staging: StagingDatabase, roles: AllRoles) -> Counter[tuple[str, str]]:
    """Count the documents to create. Raise `TooManyLinksError` if a role would have too many members."""
    members = MemberChanges()
    for names, count in staging.role_lists("created"):
        for role in roles.ids_of(names):
            members.reserve(role, count)
    new = staging.counts("created")
    counts = {"User": new.people, "Profile": new.profiles, "Account": new.accounts}
    return Counter({("insert", collection): count for collection, count in counts.items()})


def _notes(staging: StagingDatabase) -> list[str]:
    new = staging.counts("created")
    if not new.locked_out:
        return []
    verb = "has" if new.locked_out == 1 else "have"
    users = counted(new.people, "new user")
    return [f"{new.locked_out:,} of {users} {verb} no password and no linked sign-in, and cannot sign in"]


def _count_updated(batches: Iterable[Batch]) -> Counter[tuple[str, str]]:
    """Count the documents to update. A document with several changes counts once. Roles do not count.

    Nearly every batch changes roles.
    """
    touched = (
        {(kind(change), identifier) for change in batch if change.collection != "Role" for identifier in change.ids}
        for batch in batches
    )
    return Counter(what for batch in touched for what, _ in batch)


def _placeholders(secrets: Iterable[str]) -> Iterator[str]:
    return (UNHASHED for _ in secrets)


def _prepared_ahead(staging: StagingDatabase, roles: AllRoles, sizes: list[int]) -> Iterator[Batch]:
    """Make each batch while the previous batch is written. The passwords of a batch are hashed on all processor cores.

    The number of rows in each batch is added to `sizes`.
    """
    hashing = ThreadPoolExecutor(os.cpu_count())
    making = ThreadPoolExecutor(1)
    batches = _BatchMaker(roles, partial(hashing.map, passwords.bcrypt_hash), sizes).batches(staging.pending())
    try:
        coming = making.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = making.submit(next, batches, None)
            yield batch
    finally:  # after an interrupt, do not hash the remaining passwords
        hashing.shutdown(wait=False, cancel_futures=True)
        making.shutdown(cancel_futures=True)


class _Names(Mapping[Any, str]):
    """The names of roles and changed users: id → name.

    The names of users are read from disk, because the names of all users may not fit into memory.
    """

    def __init__(self, staging: StagingDatabase, roles: AllRoles) -> None:
        self._staging = staging
        self._roles = roles.by_id

    def __getitem__(self, identifier: Any) -> str:
        name = self._roles.get(identifier) or self._staging.username(identifier)
        if name is None:
            raise KeyError(identifier)
        return name

    def __iter__(self) -> Iterator[Any]:
        return iter(self._roles)

    def __len__(self) -> int:
        return len(self._roles)


class _BatchMaker:
    """Make batches of changes. Each batch is complete: users, their profiles, and both sides of the links to roles."""

    def __init__(self, roles: AllRoles, hashes: Hash, sizes: list[int] | None = None) -> None:
        self._roles = roles
        self._hash = hashes
        self._sizes = sizes if sizes is not None else []
        self._members = MemberChanges()
        self._draft = Draft()

    def batches(self, pending: Iterable[PendingPerson]) -> Iterator[Batch]:
        """Divide people into batches. The numbers of changes and of passwords in a batch are limited."""
        part: list[PendingPerson] = []
        room, hashes = BATCH, HASHED_AT_ONCE
        for one in pending:
            part.append(one)
            room -= 1 + bool(one.person.profile) + len(one.person.accounts or ())
            hashes -= bool(one.person.password)
            if room <= self._members.role_count or not hashes:
                yield self._batch(part)
                part, room, hashes = [], BATCH, HASHED_AT_ONCE
        if part:
            yield self._batch(part)

    def _batch(self, part: list[PendingPerson]) -> Batch:
        self._draft = Draft()
        self._draft.reserve(BATCH)
        hashes = self._hash([one.person.password for one in part if one.person.password])
        for one in part:
            secret = next(hashes) if one.person.password else one.person.hashedPassword
            if one.found is None:
                self._create(one, secret)
            else:
                self._update(one, secret)
        self._sizes.append(len(part))
        return [*self._draft.changes, *self._members.changes()]

    def _create(self, one: PendingPerson, secret: str | None) -> None:
        person, roles = one.person, list(self._roles.ids_of(one.person.roles or ()))
        profile = {"_id": ObjectId(), "userId": one.id, **person.profile} if person.profile else None
        user = new_user(
            person.email,
            person.username,
            _id=one.id,
            name=person.name,
            hashedPassword=secret,
            status=status_of(person),
            emailVerified=verified_at(person),
            createdAt=person.createdAt,
            lastLogin=person.lastLogin,
            profileId=profile and profile["_id"],
            rolesIds=roles,
        )
        self._draft.insert("User", user)
        if profile:
            self._draft.insert("Profile", profile)
        for account in person.accounts or ():
            self._link(one.id, account)
        for role in roles:
            self._members.new(role, one.id)

    def _update(self, one: PendingPerson, secret: str | None) -> None:
        existing = ExistingUser(**(one.found or {}))
        user, profile = existing.user, existing.profile
        found = difference(one.person, existing, self._roles)
        if found is None:
            return
        values = found.user | ({"hashedPassword": secret} if "hashedPassword" in found.user else {})
        values |= self._change_profile(one.id, profile, found.profile)
        for account in found.linked:
            self._link(one.id, account)
        for account, changed in found.relinked:
            self._draft.set("Account", account, changed)
        if values:  # `updatedAt` changes only if another field of the user changes. A new link does not count.
            values["updatedAt"] = now()
        if values:
            self._draft.set("User", user, values)
        self._draft.take("User", [user], "rolesIds", found.lost)
        self._draft.add("User", [user], "rolesIds", found.gained)
        for role in found.gained:
            self._members.gain(role, one.id)
        for role in found.lost:
            self._members.lose(role, one.id)

    def _change_profile(self, user: ObjectId, profile: Document | None, values: Document) -> Document:
        """Change or create the profile of a user. Return the fields of the user's document that must change too."""
        if values and profile:
            self._draft.set("Profile", profile, values)
        if not values or profile:
            return {}
        made = {"_id": ObjectId(), "userId": user, **values}
        self._draft.insert("Profile", made)
        return {"profileId": made["_id"]}

    def _link(self, user: ObjectId, account: Mapping[str, Any]) -> None:
        self._draft.insert("Account", {"_id": ObjectId(), "userId": user, **stored(account)})
