"""Find which linked sign-ins of an import exist already, and who has them."""

from collections.abc import Iterable
from typing import Final

from actions import finding
from actions.users.documents import ACCOUNT
from actions.users.importing.person import Person
from changes import Document
from changes.visible_values import readable_text
from database import connection, references
from models.links import ACCOUNT_USER

FIELDS: Final = (ACCOUNT_USER.field, *ACCOUNT)
OWNER: Final = "owner"
"""An extra key of an account: the e-mail of the user who has it, if that user exists."""

SignIn = tuple[str, str]


def linked(people: Iterable[Person]) -> dict[SignIn, Document]:
    """Return the linked sign-ins of some people that exist already, whoever has them.

    They are looked up by the same fields as in the application. If nobody has any, nothing is read.
    """
    wanted: dict[str, list[str]] = {}
    for person in people:
        for provider, identifier in person.sign_ins:
            wanted.setdefault(provider, []).append(identifier)
    found = {
        (provider, account["providerAccountId"]): account
        for provider, identifiers in wanted.items()
        for account in _at(provider, identifiers)
    }
    owners = [account.get(ACCOUNT_USER.field) for account in found.values()]
    emails = {
        str(references.referred(user["_id"])): readable_text(user.get("email"))
        for user in finding.with_id("User", owners, ["email"])
    }
    return {pair: account | {OWNER: emails.get(_owner(account))} for pair, account in found.items()}


def is_of(account: Document, user: Document) -> bool:
    """Tell whether a linked sign-in belongs to a user; it may refer to the user in any form."""
    return _owner(account) == str(references.referred(user["_id"]))


def taken_by(account: Document) -> str:
    owner = f"belongs to {account[OWNER]}" if account[OWNER] else "is linked to a user that does not exist"
    return f"the account {account['provider']}:{account['providerAccountId']} {owner}"


def _owner(account: Document) -> str:
    return str(references.referred(account.get(ACCOUNT_USER.field)))


def _at(provider: str, identifiers: Iterable[str]) -> Iterable[Document]:
    there = connection.database()[ACCOUNT_USER.collection]
    for part in finding.parts(identifiers):
        for account in there.find({"provider": provider, "providerAccountId": {"$in": part}}, FIELDS):
            if (
                account["provider"] == provider and account["providerAccountId"] in part
            ):  # a list that holds the value matches too
                yield account
