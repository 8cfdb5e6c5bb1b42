"""From the people of an import to batches of changes, made while they are written."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from bson import ObjectId

from actions.rules import last_active_member, passwords
from actions.users.documents import new_user
from actions.users.importing.difference import UNHASHED, Known, difference, status_of, stored, verified_at
from actions.users.importing.known import Members, Roles
from actions.users.importing.person import Policy
from actions.users.importing.spool import Spool, Waiting
from changes import Changeset, Document, Draft, Stream
from changes.changeset import Resuming, kind
from changes.draft import BATCH, Batch
from changes.events import now
from database.wording import counted

HASHED_AT_ONCE: Final = 100
"""Passwords in one batch: at the application's cost a core takes 25 seconds for so many."""

Hash = Callable[[Iterable[str]], Iterator[str]]


def changeset(
    spool: Spool, policy: Policy, source: str, *, notes: Sequence[str] = (), allow_last_member: bool = False
) -> Changeset:
    """Plan an import of which `compare` has decided everything and found nothing in the way.

    `notes` say more about the import in the preview.

    Raises `LastMemberError` where a protected role would be left without an active member, and `TooManyLinksError`.
    """
    roles = Roles.read()

    def shown(outcome: str | None = None) -> Iterator[Batch]:
        return _Maker(roles, _unhashed).batches(spool.waiting(outcome))

    sizes: list[int] = []
    known = policy is Policy.UPDATE
    changes = (change for batch in shown("updated") for change in batch)
    return Changeset(
        f"users import {source} --on-conflict {policy}",
        spool,
        Stream(
            partial(_written, spool, roles, sizes), _created(spool, roles) + _updated(shown("updated")), shown=shown
        ),
        asks=known,
        asks_about_many=False,
        notes=[*notes, *_notes(spool)],
        names=_Names(spool, roles),
        rules=last_active_member.rules(changes) if known and not allow_last_member else [],
        fits=True,
        resuming=Resuming(
            lambda batches: f"{sum(sizes[:batches]):,} of {counted(spool.left(), 'row')} are imported",
            "--on-conflict",
            (Policy.UPDATE if known else Policy.SKIP).value,
        ),
    )


def _created(spool: Spool, roles: Roles) -> Counter[tuple[str, str]]:
    """Count the documents that are created, after seeing that roles have room for the new members."""
    members = Members()
    for names, count in spool.roles_of("created"):
        for role in roles.of(names):
            members.reserve(role, count)
    new = spool.counts("created")
    counts = {"User": new.people, "Profile": new.profiles, "Account": new.accounts}
    return Counter({("insert", collection): count for collection, count in counts.items()})


def _notes(spool: Spool) -> list[str]:
    new = spool.counts("created")
    if not new.locked_out:
        return []
    verb = "has" if new.locked_out == 1 else "have"
    users = counted(new.people, "new user")
    return [f"{new.locked_out:,} of {users} {verb} neither a password nor a linked sign-in: they cannot sign in"]


def _updated(batches: Iterable[Batch]) -> Counter[tuple[str, str]]:
    """Count the changed documents, each once, without roles, which are in every batch."""
    touched = (
        {(kind(change), identifier) for change in batch if change.collection != "Role" for identifier in change.ids}
        for batch in batches
    )
    return Counter(what for batch in touched for what, _ in batch)


def _unhashed(words: Iterable[str]) -> Iterator[str]:
    return (UNHASHED for _ in words)


def _written(spool: Spool, roles: Roles, sizes: list[int]) -> Iterator[Batch]:
    """Make each batch while the one before it is written, and hash its passwords on all cores.

    `sizes` receives the number of rows in each batch.
    """
    hashing = ThreadPoolExecutor(os.cpu_count())
    making = ThreadPoolExecutor(1)
    batches = _Maker(roles, partial(hashing.map, passwords.hashed), sizes).batches(spool.waiting())
    try:
        coming = making.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = making.submit(next, batches, None)
            yield batch
    finally:  # whoever interrupts an import does not wait for hashes
        hashing.shutdown(wait=False, cancel_futures=True)
        making.shutdown(cancel_futures=True)


class _Names(Mapping[Any, str]):
    """What roles and those who are changed are called; of the latter there may be too many for memory."""

    def __init__(self, spool: Spool, roles: Roles) -> None:
        self._spool = spool
        self._roles = roles.by_id

    def __getitem__(self, identifier: Any) -> str:
        name = self._roles.get(identifier) or self._spool.username(identifier)
        if name is None:
            raise KeyError(identifier)
        return name

    def __iter__(self) -> Iterator[Any]:
        return iter(self._roles)

    def __len__(self) -> int:
        return len(self._roles)


class _Maker:
    """Makes batches, each whole: users, their profiles, and both sides of the links with their roles."""

    def __init__(self, roles: Roles, hashes: Hash, sizes: list[int] | None = None) -> None:
        self._roles = roles
        self._hash = hashes
        self._sizes = sizes if sizes is not None else []
        self._members = Members()
        self._draft = Draft()

    def batches(self, waiting: Iterable[Waiting]) -> Iterator[Batch]:
        part: list[Waiting] = []
        room, hashes = BATCH, HASHED_AT_ONCE
        for one in waiting:
            part.append(one)
            room -= 1 + bool(one.person.profile) + len(one.person.accounts or ())
            hashes -= bool(one.person.password)
            if room <= self._members.known or not hashes:
                yield self._batch(part)
                part, room, hashes = [], BATCH, HASHED_AT_ONCE
        if part:
            yield self._batch(part)

    def _batch(self, part: list[Waiting]) -> Batch:
        self._draft = Draft()
        self._draft.room(BATCH)
        hashes = self._hash([one.person.password for one in part if one.person.password])
        for one in part:
            secret = next(hashes) if one.person.password else one.person.hashedPassword
            if one.found is None:
                self._create(one, secret)
            else:
                self._update(one, secret)
        self._sizes.append(len(part))
        return [*self._draft.changes, *self._members.changes()]

    def _create(self, one: Waiting, secret: str | None) -> None:
        person, roles = one.person, list(self._roles.of(one.person.roles or ()))
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

    def _update(self, one: Waiting, secret: str | None) -> None:
        known = Known(**(one.found or {}))
        user, profile = known.user, known.profile
        found = difference(one.person, known, self._roles)
        if found is None:
            return
        values = found.user | ({"hashedPassword": secret} if "hashedPassword" in found.user else {})
        values |= self._fill(one.id, profile, found.profile)
        for account in found.linked:
            self._link(one.id, account)
        for account, changed in found.relinked:
            self._draft.set("Account", account, changed)
        if values:  # links alone do not move it
            values["updatedAt"] = now()
        if values:
            self._draft.set("User", user, values)
        self._draft.take("User", [user], "rolesIds", found.lost)
        self._draft.add("User", [user], "rolesIds", found.gained)
        for role in found.gained:
            self._members.gain(role, one.id)
        for role in found.lost:
            self._members.lose(role, one.id)

    def _fill(self, user: ObjectId, profile: Document | None, values: Document) -> Document:
        """Change a profile, or create it if there is none; return the fields of the user that this changes."""
        if values and profile:
            self._draft.set("Profile", profile, values)
        if not values or profile:
            return {}
        made = {"_id": ObjectId(), "userId": user, **values}
        self._draft.insert("Profile", made)
        return {"profileId": made["_id"]}

    def _link(self, user: ObjectId, account: Mapping[str, Any]) -> None:
        self._draft.insert("Account", {"_id": ObjectId(), "userId": user, **stored(account)})
