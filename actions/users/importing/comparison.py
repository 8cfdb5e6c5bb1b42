"""Compare the people of an import with the existing users. Find new people, existing users and conflicts."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bson import ObjectId

from actions import queries
from actions.users.access import AllRoles
from actions.users.importing.person import ExistingUser, Person, Policy, difference
from actions.users.importing.staging import Decision, RowFault, StagingDatabase
from actions.users.importing.usernames import Usernames
from actions.users.listing import ACCOUNT, PROFILE
from changes import Document
from changes.visible_values import readable_text
from database import connection, references
from database.wording import did_you_mean, shown
from models.links import ACCOUNT_USER
from models.names import LONGEST, USER_TEXTS, user_flaw
from models.values import UserStatus

NAME_FIELDS: Final = ("email", "username")
USER_FIELDS: Final = (
    *NAME_FIELDS,
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
"""The largest number of unknown roles whose names are reported."""
NEEDS_A_TIME: Final = f"{UserStatus.EMAIL_VERIFIED.value} requires a time in emailVerified"
ACCOUNT_FIELDS: Final = (ACCOUNT_USER.field, *ACCOUNT)
OWNER_KEY: Final = "owner"
"""The key for the e-mail of the owner, in each linked sign-in that was read.

If the owner does not exist, the value is None.
"""

SignIn = tuple[str, str]


def compare(
    staging: StagingDatabase,
    policy: Policy,
    progress: Callable[[int, int], None],
    *,
    username_from: str | None = None,
) -> None:
    """Decide what happens to each person of an import, and record faults and conflicts. This writes nothing to MongoDB.

    `username_from` says how to make a username for a new person who has none. It is one of `usernames.SOURCES`, or
    None. `progress` is called with the number of compared people and the number of all people.
    """
    for field in NAME_FIELDS:
        staging.flag_duplicates(field)
    staging.flag_duplicate_accounts()
    comparison = _Comparison(staging, policy, username_from)
    done, total = 0, len(staging)
    for people in staging.people():
        comparison.add(people)
        progress(done := done + len(people), total)


class _Comparison:
    def __init__(self, staging: StagingDatabase, policy: Policy, username_from: str | None) -> None:
        self._staging = staging
        self._policy = policy
        self._fields = USER_FIELDS if policy is Policy.UPDATE else NAME_FIELDS
        self._usernames = Usernames(staging, username_from) if username_from else None
        self._roles = AllRoles.read()
        self._unknown_roles: dict[str, str] = {}
        self._nobody = connection.database()["User"].find_one({}, ["_id"]) is None
        self._mixed_case: dict[str, list[Document]] = {}
        for document in queries.find_mixed_case_emails(self._fields):
            if staging.has("email", email := document["email"].lower()):
                self._mixed_case.setdefault(email, []).append(document)

    def add(self, people: list[Person]) -> None:
        """Compare a group of people with the existing users.

        The number of queries does not depend on the number of people.
        """
        owners = self._owners("email", people)
        if self._usernames:
            new = [one for one in people if not one.username and one.email and not self._mine(one, owners)]
            names = self._usernames.give(new)
            people = [one._replace(username=names.get(one.row, one.username)) for one in people]
        owners |= self._owners("username", people)
        on_disk = existing_accounts(people)
        faults: list[RowFault] = []
        existing: list[tuple[Person, ExistingUser]] = []
        decisions: list[Decision] = []
        for person in people:
            mine = self._mine(person, owners)
            theirs = [d for d in owners.get(("username", person.username), []) if not _is_among(d, mine)]
            accounts = [on_disk[pair] for pair in person.sign_ins if pair in on_disk]
            taken = [account for account in accounts if not any(belongs_to(account, user) for user in mine)]
            matches = Matches(mine, theirs, taken)
            faults += self._faults(person, matches)
            if self._policy is Policy.SKIP and any(matches):
                decisions.append(_skipped(person, matches))
            elif self._policy is Policy.UPDATE and mine:
                existing.append((person, ExistingUser(mine[0], accounts=[one for one in accounts if one not in taken])))
        self._staging.add_faults(faults)
        self._staging.set_decisions([*decisions, *self._updates(existing)])

    def _owners(self, field: str, people: list[Person]) -> dict[tuple[str, str], list[Document]]:
        """Find the users whose e-mail address or username is also in the import: (field, value) → users."""
        owners: dict[tuple[str, str], list[Document]] = {}
        values = () if self._nobody else (value for one in people if (value := getattr(one, field)) is not None)
        for document in queries.find_by_values("User", field, values, self._fields):
            # In broken data, the field may be a list with the value. The query also finds such a document.
            if not isinstance(document[field], list):
                owners.setdefault((field, document[field]), []).append(document)
        return owners

    def _mine(self, person: Person, owners: Mapping[tuple[str, str], list[Document]]) -> list[Document]:
        return [*owners.get(("email", person.email), ()), *self._mixed_case.get(person.email, ())]

    def _faults(self, person: Person, matches: "Matches") -> Iterator[RowFault]:
        mine = matches.mine
        if self._policy is Policy.SKIP and any(matches):  # rows with an existing user are not written
            yield from self._role_faults(person)
            return
        if self._policy is Policy.FAIL and mine:
            yield from self._role_faults(person)
            yield RowFault(person.row, "email", f"a user already has the e-mail {shown(person.email)}", conflict=True)
        else:
            yield from self._text_faults(person, mine)
            yield from self._role_faults(person)
            yield from self._status_faults(person, mine)
        if matches.theirs:
            yield RowFault(person.row, "username", _username_owner(person, matches.theirs), conflict=True)
        for account in matches.taken:
            yield RowFault(person.row, "accounts", account_owner(account), conflict=True)
        if self._policy is Policy.UPDATE and len(mine) > 1:
            yield RowFault(
                person.row,
                "email",
                f"several users have the e-mail {shown(person.email)} (only upper and lower case differ)",
                conflict=True,
            )
        if self._policy is Policy.UPDATE and any(not isinstance(d["_id"], ObjectId) for d in mine):
            yield RowFault(
                person.row, "email", f"the id of the user {shown(person.email)} is not an ObjectId", conflict=True
            )

    def _text_faults(self, person: Person, mine: Sequence[Document]) -> Iterator[RowFault]:
        """Yield a fault for each text that is not valid for a new user. An existing user may keep an invalid text."""
        for field in USER_TEXTS:
            text = getattr(person, field)
            if text is None or not (problem := user_flaw(field, text)):
                continue
            on_disk = mine and ({**mine[0], "email": person.email} | _profiles(mine[:1]).get(mine[0]["_id"], {}))
            if not on_disk or on_disk.get(field) != text:
                yield RowFault(person.row, field, problem)

    def _status_faults(self, person: Person, mine: Sequence[Document]) -> Iterator[RowFault]:
        if person.status != UserStatus.EMAIL_VERIFIED or person.emailVerified:
            return
        since = mine[0].get("emailVerified") if mine else None
        as_it_is = mine and mine[0].get("status") == person.status  # the row has the same status as the user
        if (since and person.emailVerified is False) or not (since or as_it_is):
            yield RowFault(person.row, "status", NEEDS_A_TIME)

    def _role_faults(self, person: Person) -> Iterator[RowFault]:
        for name in person.roles or ():
            count = len(self._roles.ids_named(name))
            if count > 1:
                yield RowFault(person.row, "roles", f"several roles have the name {shown(name)}", conflict=True)
            elif not count:
                yield RowFault(person.row, "roles", self._unknown(name))

    def _unknown(self, name: str) -> str:
        """Return the message for an unknown role. After `FEW_ROLES` different names, it does not contain the name.

        With so many unknown names, the column may contain other data than roles. Such data should not be printed.
        """
        if name not in self._unknown_roles and len(self._unknown_roles) == FEW_ROLES:
            return "unknown role"
        if name not in self._unknown_roles:
            hint = did_you_mean(name, self._roles.names()) if len(name) <= LONGEST else None
            if re.search("[,|]", name):
                hint = "separate role names with ;"
            self._unknown_roles[name] = f"unknown role {shown(name)}" + (f"; {hint}" if hint else "")
        return self._unknown_roles[name]

    def _updates(self, existing: Sequence[tuple[Person, ExistingUser]]) -> Iterator[Decision]:
        """Decide what happens to existing users. `found` in a decision has the stored documents of the user."""
        profiles = _profiles([one.user for _, one in existing])
        for person, one in existing:
            there = one._replace(profile=profiles.get(one.user["_id"]))
            changes = difference(person, there, self._roles)
            outcome = "updated" if changes else "unchanged"
            yield Decision(person.row, one.user["_id"], outcome, found=there._asdict() if changes else None)


class Matches(NamedTuple):
    """The stored documents that match a person of an import.

    `mine` are users with the same e-mail. `theirs` are other users with the same username. `taken` are linked sign-ins
    of the row that belong to other users.
    """

    mine: list[Document]
    theirs: list[Document]
    taken: list[Document]


def _skipped(person: Person, matches: Matches) -> Decision:
    if matches.mine:
        return Decision(person.row, matches.mine[0]["_id"], "unchanged")
    if matches.theirs:
        message = f"not imported: {_username_owner(person, matches.theirs)}"
        return Decision(person.row, matches.theirs[0]["_id"], "unchanged", message)
    taken = matches.taken[0]
    return Decision(person.row, taken[ACCOUNT_USER.field], "unchanged", f"not imported: {account_owner(taken)}")


def _username_owner(person: Person, theirs: Sequence[Document]) -> str:
    return f"the username {shown(person.username)} belongs to {shown(readable_text(theirs[0].get('email')))}"


def _is_among(document: Document, documents: Iterable[Document]) -> bool:
    return any(document["_id"] == other["_id"] for other in documents)


def _profiles(users: Sequence[Document]) -> dict[Any, Document]:
    """Return id of a user → profile.

    If a user has several profiles, return the profile whose id is the user's `profileId`.
    """
    preferred = {user["_id"]: user.get("profileId") for user in users}
    profiles: dict[Any, Document] = {}
    for profile in queries.find_by_values("Profile", "userId", preferred, ("userId", *PROFILE)):
        if profile["userId"] not in profiles or profile["_id"] == preferred[profile["userId"]]:
            profiles[profile["userId"]] = profile
    return profiles


def existing_accounts(people: Iterable[Person]) -> dict[SignIn, Document]:
    """Return the linked sign-ins of the given people that already exist, for any user: key → stored document.

    The key is the provider and the id at the provider: the application finds a sign-in by these two fields. If the
    people have no sign-ins, nothing is read.
    """
    wanted: dict[str, list[str]] = {}
    for person in people:
        for provider, identifier in person.sign_ins:
            wanted.setdefault(provider, []).append(identifier)
    found = {
        (provider, account["providerAccountId"]): account
        for provider, identifiers in wanted.items()
        for account in _accounts_at(provider, identifiers)
    }
    owners = [account.get(ACCOUNT_USER.field) for account in found.values()]
    emails = {
        str(references.referred(user["_id"])): readable_text(user.get("email"))
        for user in queries.find_by_ids("User", owners, ["email"])
    }
    return {pair: account | {OWNER_KEY: emails.get(_owner(account))} for pair, account in found.items()}


def belongs_to(account: Document, user: Document) -> bool:
    """Tell whether a linked sign-in belongs to a user. The id of the user in the sign-in may have any form."""
    return _owner(account) == str(references.referred(user["_id"]))


def account_owner(account: Document) -> str:
    """Return a text that says which user has a linked sign-in."""
    owner = f"belongs to {account[OWNER_KEY]}" if account[OWNER_KEY] else "is linked to a user that does not exist"
    return f"the account {account['provider']}:{account['providerAccountId']} {owner}"


def _owner(account: Document) -> str:
    return str(references.referred(account.get(ACCOUNT_USER.field)))


def _accounts_at(provider: str, identifiers: Iterable[str]) -> Iterable[Document]:
    there = connection.database()[ACCOUNT_USER.collection]
    for part in queries.chunks(identifiers):
        for account in there.find({"provider": provider, "providerAccountId": {"$in": part}}, ACCOUNT_FIELDS):
            if (
                account["provider"] == provider and account["providerAccountId"] in part
            ):  # In broken data, the field may be a list with the value. The query also finds such a document.
                yield account
