"""What users are, and how they sign in."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from actions.checking.rule import Finding, Rule, documents
from models.changes import Document, Draft
from models.changes.events import now
from models.user import UserStatus

HASH: Final = re.compile(r"\$2[ab]\$\d\d\$[./A-Za-z0-9]{53}")
STATUSES: Final = frozenset(UserStatus)


class _OfUsers(Rule):
    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for document in documents:
            yield from (Finding(collection, document["_id"], *fault) for fault in self.fault(document))

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        raise NotImplementedError(user)


class UnknownStatus(_OfUsers):
    """A status outside the three there are."""

    name = "unknown-status"
    severity = "E"
    effect = "every query of the application that returns the user fails as a whole"
    fix = "decide which it is: chatctl users suspend USER, or users reinstate behind it"
    reads = {"User": ("status",)}

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        if isinstance(status := user.get("status"), str) and status not in STATUSES:
            yield "status", status


class StatusMismatch(_OfUsers):
    """A user counts as verified, and no time of it is known."""

    name = "status-mismatch"
    severity = "W"
    effect = "the application takes the e-mail for verified or not, depending on where it looks"
    reads = {"User": ("status", "emailVerified")}
    mends = True

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        if user.get("status") == UserStatus.EMAIL_VERIFIED and user.get("emailVerified") is None:
            yield "status", UserStatus.EMAIL_VERIFIED.value

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        del decided
        for user in documents(
            "User", {found.id for found in findings}, ("status", "emailVerified", "updatedAt")
        ).values():
            if any(self.fault(user)):
                draft.room(1)
                values = {"status": UserStatus.ACTIVE.value, "updatedAt": now()}
                draft.set("User", user, values, given=("emailVerified",))


class BadPasswordHash(_OfUsers):
    """A password is kept in a form that the application cannot compare with."""

    name = "bad-password-hash"
    severity = "W"
    effect = "the user cannot sign in with a password"
    fix = "chatctl users set-password USER"
    reads = {"User": ("hashedPassword",)}

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        hashed = user.get("hashedPassword")
        if isinstance(hashed, str) and not HASH.fullmatch(hashed):
            yield "hashedPassword", f"{len(hashed)} characters"


class EmailCase(_OfUsers):
    """An e-mail is not in lower case."""

    name = "email-case"
    severity = "W"
    effect = "who signs in with the address in lower case is not found"
    fix = "chatctl users update USER --email ADDRESS in lower case, or delete the user there is beside it"
    reads = {"User": ("email",)}

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        if isinstance(email := user.get("email"), str) and email != email.lower():
            yield "email", email
