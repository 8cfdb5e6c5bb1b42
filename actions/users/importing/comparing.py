"""People of an import held against the users there are: who is new, who is there, what is in the way."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bson import ObjectId

from actions import finding
from actions.users.documents import PROFILE
from actions.users.importing.accounts import is_of, linked, taken_by
from actions.users.importing.difference import Known, difference
from actions.users.importing.known import Roles
from actions.users.importing.person import Person, Policy
from actions.users.importing.spool import Decision, Flaw, Spool
from actions.users.importing.usernames import Usernames
from changes import Document
from changes.showable import readable_text
from database import connection
from database.wording import did_you_mean, shown
from models.links import ACCOUNT_USER
from models.names import LONGEST, USER_TEXTS, user_flaw
from models.user import UserStatus

NAMES: Final = ("email", "username")
READ: Final = (
    *NAMES,
    "name",
    "status",
    "emailVerified",
    "hashedPassword",
    "createdAt",
    "lastLogin",
    "rolesIds",
    "profileId",
    "updatedAt",
)
FEW_ROLES: Final = 10
"""The most unknown role names that are reported by name."""
NEEDS_A_TIME: Final = f"{UserStatus.EMAIL_VERIFIED.value} needs the time in emailVerified"


def compare(
    spool: Spool, policy: Policy, hear: Callable[[int, int], None], *, username_from: str | None = None
) -> None:
    """Decide what becomes of each person of an import, and note what is in the way; nothing is written.

    People without a username get one made of `username_from`, one of `usernames.SOURCES`. `hear` is told how many
    people are looked at, of how many.
    """
    for field in NAMES:
        spool.note_doubles(field)
    spool.note_double_accounts()
    comparison = _Comparison(spool, policy, username_from)
    done, total = 0, len(spool)
    for people in spool.people():
        comparison.take(people)
        hear(done := done + len(people), total)


class _Comparison:
    def __init__(self, spool: Spool, policy: Policy, username_from: str | None) -> None:
        self._spool = spool
        self._policy = policy
        self._fields = READ if policy is Policy.UPDATE else NAMES
        self._usernames = Usernames(spool, username_from) if username_from else None
        self._roles = Roles.read()
        self._unknown_roles: dict[str, str] = {}
        self._nobody = connection.database()["User"].find_one({}, ["_id"]) is None
        self._oddly_written: dict[str, list[Document]] = {}
        for document in finding.not_in_lower_case(self._fields):
            if spool.has("email", email := document["email"].lower()):
                self._oddly_written.setdefault(email, []).append(document)

    def take(self, people: list[Person]) -> None:
        """Compare some people, who are read from the database in few queries."""
        owners = self._owners("email", people)
        if self._usernames:
            new = [one for one in people if not one.username and one.email and not self._mine(one, owners)]
            names = self._usernames.give(new)
            people = [one._replace(username=names.get(one.row, one.username)) for one in people]
        owners |= self._owners("username", people)
        on_disk = linked(people)
        flaws: list[Flaw] = []
        known: list[tuple[Person, Known]] = []
        decisions: list[Decision] = []
        for person in people:
            mine = self._mine(person, owners)
            theirs = [d for d in owners.get(("username", person.username), []) if not _is_among(d, mine)]
            accounts = [on_disk[pair] for pair in person.sign_ins if pair in on_disk]
            taken = [account for account in accounts if not any(is_of(account, user) for user in mine)]
            found = Found(mine, theirs, taken)
            flaws += self._flaws(person, found)
            if self._policy is Policy.SKIP and any(found):
                decisions.append(_passed_over(person, found))
            elif self._policy is Policy.UPDATE and mine:
                known.append((person, Known(mine[0], accounts=[one for one in accounts if one not in taken])))
        self._spool.note(flaws)
        self._spool.decide([*decisions, *self._updates(known)])

    def _owners(self, field: str, people: list[Person]) -> dict[tuple[str, str], list[Document]]:
        """Find the users who have an e-mail address or a username of some people."""
        owners: dict[tuple[str, str], list[Document]] = {}
        values = () if self._nobody else (value for one in people if (value := getattr(one, field)) is not None)
        for document in finding.having("User", field, values, self._fields):
            if not isinstance(document[field], list):  # in broken data a list that holds a name is found too
                owners.setdefault((field, document[field]), []).append(document)
        return owners

    def _mine(self, person: Person, owners: Mapping[tuple[str, str], list[Document]]) -> list[Document]:
        return [*owners.get(("email", person.email), ()), *self._oddly_written.get(person.email, ())]

    def _flaws(self, person: Person, found: "Found") -> Iterator[Flaw]:
        mine = found.mine
        if self._policy is Policy.SKIP and any(found):  # the row is not written
            yield from self._role_flaws(person)
            return
        if self._policy is Policy.FAIL and mine:
            yield from self._role_flaws(person)
            yield Flaw(person.row, "email", f"a user has {shown(person.email)} already", conflict=True)
        else:
            yield from self._text_flaws(person, mine)
            yield from self._role_flaws(person)
            yield from self._status_flaws(person, mine)
        if found.theirs:
            yield Flaw(person.row, "username", _belongs(person, found.theirs), conflict=True)
        for account in found.taken:
            yield Flaw(person.row, "accounts", taken_by(account), conflict=True)
        if self._policy is Policy.UPDATE and len(mine) > 1:
            yield Flaw(person.row, "email", f"several users have {shown(person.email)}, in any case", conflict=True)
        if self._policy is Policy.UPDATE and any(not isinstance(d["_id"], ObjectId) for d in mine):
            yield Flaw(person.row, "email", f"the id of {shown(person.email)} is no ObjectId", conflict=True)

    def _text_flaws(self, person: Person, mine: Sequence[Document]) -> Iterator[Flaw]:
        """Refuse texts that a new user cannot have; an existing user may keep such a text."""
        for field in USER_TEXTS:
            text = getattr(person, field)
            if text is None or not (problem := user_flaw(field, text)):
                continue
            on_disk = mine and ({**mine[0], "email": person.email} | _profiles(mine[:1]).get(mine[0]["_id"], {}))
            if not on_disk or on_disk.get(field) != text:
                yield Flaw(person.row, field, problem)

    def _status_flaws(self, person: Person, mine: Sequence[Document]) -> Iterator[Flaw]:
        if person.status != UserStatus.EMAIL_VERIFIED or person.emailVerified:
            return
        since = mine[0].get("emailVerified") if mine else None
        as_it_is = mine and mine[0].get("status") == person.status  # the row does not change it
        if (since and person.emailVerified is False) or not (since or as_it_is):
            yield Flaw(person.row, "status", NEEDS_A_TIME)

    def _role_flaws(self, person: Person) -> Iterator[Flaw]:
        for name in person.roles or ():
            count = len(self._roles.ids(name))
            if count > 1:
                yield Flaw(person.row, "roles", f"several roles have the name {shown(name)}", conflict=True)
            elif not count:
                yield Flaw(person.row, "roles", self._unknown(name))

    def _unknown(self, name: str) -> str:
        """Say that a role does not exist; do not print many different names: the column may hold other data."""
        if name not in self._unknown_roles and len(self._unknown_roles) == FEW_ROLES:
            return "there is no such role"
        if name not in self._unknown_roles:
            hint = did_you_mean(name, self._roles.names()) if len(name) <= LONGEST else None
            if re.search("[,|]", name):
                hint = "put ; between the names of roles"
            self._unknown_roles[name] = f"there is no role {shown(name)}" + (f"; {hint}" if hint else "")
        return self._unknown_roles[name]

    def _updates(self, known: Sequence[tuple[Person, Known]]) -> Iterator[Decision]:
        """Decide about those who are there: `found` is what the change of one starts from."""
        profiles = _profiles([one.user for _, one in known])
        for person, one in known:
            there = one._replace(profile=profiles.get(one.user["_id"]))
            changes = difference(person, there, self._roles)
            outcome = "updated" if changes else "unchanged"
            yield Decision(person.row, one.user["_id"], outcome, found=there._asdict() if changes else None)


class Found(NamedTuple):
    """The users with the e-mail of a person, others with the username, and linked sign-ins of others."""

    mine: list[Document]
    theirs: list[Document]
    taken: list[Document]


def _passed_over(person: Person, found: Found) -> Decision:
    if found.mine:
        return Decision(person.row, found.mine[0]["_id"], "unchanged")
    if found.theirs:
        message = f"not imported: {_belongs(person, found.theirs)}"
        return Decision(person.row, found.theirs[0]["_id"], "unchanged", message)
    taken = found.taken[0]
    return Decision(person.row, taken[ACCOUNT_USER.field], "unchanged", f"not imported: {taken_by(taken)}")


def _belongs(person: Person, theirs: Sequence[Document]) -> str:
    return f"the username {shown(person.username)} belongs to {shown(readable_text(theirs[0].get('email')))}"


def _is_among(document: Document, documents: Iterable[Document]) -> bool:
    return any(document["_id"] == other["_id"] for other in documents)


def _profiles(users: Sequence[Document]) -> dict[Any, Document]:
    """Read the profiles of users; of several that one has, the one that its `profileId` names."""
    preferred = {user["_id"]: user.get("profileId") for user in users}
    profiles: dict[Any, Document] = {}
    for profile in finding.having("Profile", "userId", preferred, ("userId", *PROFILE)):
        if profile["userId"] not in profiles or profile["_id"] == preferred[profile["userId"]]:
            profiles[profile["userId"]] = profile
    return profiles
