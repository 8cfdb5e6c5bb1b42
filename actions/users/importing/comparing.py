"""People of an import held against the users there are: who is new, who is there, what is in the way."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.users.documents import PROFILE
from actions.users.importing.difference import difference
from actions.users.importing.known import Roles
from actions.users.importing.person import Person, Policy
from actions.users.importing.spool import Decision, Flaw, Spool
from models import connection
from models.changes import Document
from models.names import LONGEST, did_you_mean, shown
from models.showable import readable_text
from models.user import UserStatus

NAMES: Final = ("email", "username")
READ: Final = (*NAMES, "name", "status", "emailVerified", "hashedPassword", "rolesIds", "profileId", "updatedAt")
NEEDS_A_TIME: Final = f"{UserStatus.EMAIL_VERIFIED.value} needs the time in emailVerified"


def compare(spool: Spool, policy: Policy, hear: Callable[[int, int], None]) -> None:
    """Decide what becomes of each person of an import, and note what is in the way; nothing is written.

    `hear` is told how many people are looked at, of how many.
    """
    for field in NAMES:
        spool.note_doubles(field)
    comparison = _Comparison(spool, policy)
    done, total = 0, len(spool)
    for people in spool.people():
        comparison.take(people)
        hear(done := done + len(people), total)


class _Comparison:
    def __init__(self, spool: Spool, policy: Policy) -> None:
        self._spool = spool
        self._policy = policy
        self._fields = READ if policy is Policy.UPDATE else NAMES
        self._roles = Roles.read()
        self._unknown_roles: dict[str, str] = {}
        self._nobody = connection.database()["User"].find_one({}, ["_id"]) is None
        self._oddly_written: dict[str, list[Document]] = {}
        for document in finding.not_in_lower_case(self._fields):
            if spool.has("email", email := document["email"].lower()):
                self._oddly_written.setdefault(email, []).append(document)

    def take(self, people: list[Person]) -> None:
        """Compare some people, who are read from the database in few queries."""
        owners: dict[tuple[str, str], list[Document]] = {}
        for field in () if self._nobody else NAMES:
            values = (value for person in people if (value := getattr(person, field)) is not None)
            for document in finding.having("User", field, values, self._fields):
                owners.setdefault((field, document[field]), []).append(document)
        flaws: list[Flaw] = []
        known: list[tuple[Person, Document]] = []
        decisions: list[Decision] = []
        for person in people:
            mine = [*owners.get(("email", person.email), ()), *self._oddly_written.get(person.email, ())]
            theirs = [d for d in owners.get(("username", person.username), []) if not _is_among(d, mine)]
            flaws += self._flaws(person, mine, theirs)
            if self._policy is Policy.SKIP and (mine or theirs):
                decisions.append(_passed_over(person, mine, theirs))
            elif self._policy is Policy.UPDATE and mine:
                known.append((person, mine[0]))
        self._spool.note(flaws)
        self._spool.decide([*decisions, *self._updates(known)])

    def _flaws(self, person: Person, mine: Sequence[Document], theirs: Sequence[Document]) -> Iterator[Flaw]:
        yield from self._role_flaws(person)
        verified = person.emailVerified or (self._policy is Policy.UPDATE and any(d.get("emailVerified") for d in mine))
        if person.status == UserStatus.EMAIL_VERIFIED and not verified and not (mine and self._policy is Policy.SKIP):
            yield Flaw(person.row, "status", NEEDS_A_TIME)
        if mine and self._policy is Policy.FAIL:
            yield Flaw(person.row, "email", f"a user has {shown(person.email)} already", conflict=True)
        if theirs and self._policy is not Policy.SKIP:
            yield Flaw(person.row, "username", _belongs(person, theirs), conflict=True)
        if self._policy is Policy.UPDATE and len(mine) > 1:
            yield Flaw(person.row, "email", f"several users have {shown(person.email)}, in any case", conflict=True)
        if self._policy is Policy.UPDATE and any(not isinstance(d["_id"], ObjectId) for d in mine):
            yield Flaw(person.row, "email", f"the id of {shown(person.email)} is no ObjectId", conflict=True)

    def _role_flaws(self, person: Person) -> Iterator[Flaw]:
        for name in person.roles or ():
            count = len(self._roles.ids(name))
            if count > 1:
                yield Flaw(person.row, "roles", f"several roles have the name {shown(name)}", conflict=True)
            elif not count:
                yield Flaw(person.row, "roles", self._unknown(name))

    def _unknown(self, name: str) -> str:
        """Say that there is no such role; the nearest name is looked for once."""
        if name not in self._unknown_roles:
            near = did_you_mean(name, self._roles.names()) if len(name) <= LONGEST else None
            self._unknown_roles[name] = f"there is no role {shown(name)}" + (f"; {near}" if near else "")
        return self._unknown_roles[name]

    def _updates(self, known: Sequence[tuple[Person, Document]]) -> Iterator[Decision]:
        """Decide about those who are there: `found` is what the change of one starts from."""
        profiles = _profiles([document for _, document in known])
        for person, user in known:
            profile = profiles.get(user["_id"])
            changes = difference(person, user, profile, self._roles)
            found = {"user": user, "profile": profile}
            outcome = "updated" if changes else "unchanged"
            yield Decision(person.row, user["_id"], outcome, found=found if changes else None)


def _passed_over(person: Person, mine: Sequence[Document], theirs: Sequence[Document]) -> Decision:
    if mine:
        return Decision(person.row, mine[0]["_id"], "unchanged")
    return Decision(person.row, theirs[0]["_id"], "unchanged", f"not imported: {_belongs(person, theirs)}")


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
