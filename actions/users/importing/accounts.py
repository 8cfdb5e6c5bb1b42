"""The linked accounts that people of an import bring with them, and who has them already."""

from collections.abc import Iterable
from typing import Final

from actions import finding
from actions.users.documents import ACCOUNT
from actions.users.importing.person import Person
from models import connection
from models.changes import Document
from models.links import ACCOUNT_USER

FIELDS: Final = (ACCOUNT_USER.field, *ACCOUNT)
OWNER: Final = "owner"
"""Stands beside an account's own fields: the e-mail of the user who has it, if there is one."""

SignIn = tuple[str, str]


class Accounts:
    """The linked accounts on disk, looked up by what the application finds them by."""

    def __init__(self, *, none: bool) -> None:
        self._none = none

    @classmethod
    def read(cls) -> "Accounts":
        return cls(none=connection.database()[ACCOUNT_USER.collection].find_one({}, ["_id"]) is None)

    def of(self, people: Iterable[Person]) -> dict[SignIn, Document]:
        """Return those accounts of some people that are on disk, whoever has them."""
        wanted: dict[str, list[str]] = {}
        for person in () if self._none else people:
            for provider, identifier in person.sign_ins:
                wanted.setdefault(provider, []).append(identifier)
        found = {
            (provider, account["providerAccountId"]): account
            for provider, identifiers in wanted.items()
            for account in _at(provider, identifiers)
        }
        owners = _emails(account.get(ACCOUNT_USER.field) for account in found.values())
        return {
            pair: account | {OWNER: owners.get(str(account.get(ACCOUNT_USER.field)))} for pair, account in found.items()
        }


def is_of(account: Document, user: Document) -> bool:
    """Tell whether a linked account is a user's; broken data refer to users by their id as text."""
    return str(account.get(ACCOUNT_USER.field)) == str(user["_id"])


def taken_by(account: Document) -> str:
    owner = f"belongs to {account[OWNER]}" if account[OWNER] else "is linked, with no user that exists"
    return f"the account {account['provider']}:{account['providerAccountId']} {owner}"


def _at(provider: str, identifiers: Iterable[str]) -> Iterable[Document]:
    there = connection.database()[ACCOUNT_USER.collection]
    for part in finding.parts(identifiers):
        for account in there.find({"provider": provider, "providerAccountId": {"$in": part}}, FIELDS):
            if account["provider"] == provider and account["providerAccountId"] in part:  # neither is a list of them
                yield account


def _emails(ids: Iterable[object]) -> dict[str, str]:
    wanted = [form for identifier in {str(identifier) for identifier in ids} for form in finding.forms(identifier)]
    return {str(user["_id"]): str(user.get("email")) for user in finding.having("User", "_id", wanted, ["email"])}
