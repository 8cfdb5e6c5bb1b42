"""Rules about single users: status, password and e-mail."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from actions import queries
from actions.database.checking.rule import Finding, RepairDraft, Rule
from actions.database.checking.rules.field_types import REINSTATE
from changes import Batch, Document
from changes.events import now
from database.wording import counted
from models.values import UserStatus

HASH: Final = re.compile(r"\$2[ab]\$\d\d\$[./A-Za-z0-9]{53}")
Y_HASH: Final = re.compile(r"\$2y\$\d\d\$[./A-Za-z0-9]{53}")
"""A bcrypt hash with the prefix `$2y$`, which PHP writes."""
STATUSES: Final = frozenset(UserStatus)


class UserRule(Rule):
    """The base class of rules that need to see only one user at a time.

    A subclass defines `fault`. If the rule is `automatic`, the subclass also defines `repaired`.
    """

    one_collection = True
    in_one_document = True

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for document in documents:
            yield from (Finding(collection, document["_id"], *fault) for fault in self.fault(document))

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        """Yield the wrong fields of a user, as (field, the wrong value or a few words about it)."""
        raise NotImplementedError(user)

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        for _, user in draft.each("User", [found.id for found in self.repairable(findings, decisions)]):
            if any(self.repairable(list(self.suspects("User", [user])), decisions)):
                draft.reserve(1)
                draft.set("User", user, {**self.repaired(user), "updatedAt": now()}, self.reads["User"])
                yield from draft.finished_batches()

    def repaired(self, user: Document) -> Document:
        """Return the fields of a user that the repair changes, with their right values."""
        raise NotImplementedError(user)


class UnknownStatus(UserRule):
    """A status is not one of the three valid ones."""

    name = "unknown-status"
    severity = "E"
    effect = "The application cannot load this user, or any list that contains this user."
    fix = REINSTATE
    reads = {"User": ("status",)}

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        if type(status := user.get("status")) is str and status not in STATUSES:
            yield "status", status


class StatusMismatch(UserRule):
    """A user has the status EMAIL_VERIFIED, but not the time of the verification."""

    name = "status-mismatch"
    severity = "W"
    effect = "The e-mail counts as verified or not, depending on where the application looks."
    fix = "chatctl db repair --rule {name} (marks it as not verified), or chatctl users verify-email id:{id}"
    reads = {"User": ("status", "emailVerified")}
    automatic = True

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        if user.get("status") == UserStatus.EMAIL_VERIFIED and user.get("emailVerified") is None:
            yield "status", UserStatus.EMAIL_VERIFIED.value

    def repaired(self, user: Document) -> Document:
        del user
        return {"status": UserStatus.ACTIVE.value}


class BadPasswordHash(UserRule):
    """A stored password hash has a format that the application cannot check."""

    name = "bad-password-hash"
    severity = "W"
    effect = "The user cannot sign in with a password."
    fix = "chatctl users set-password id:{id}"
    fixes = {"$2y$": "chatctl db repair --rule {name}"}
    reads = {"User": ("hashedPassword",)}

    def is_proposable(self, found: Finding) -> bool:
        """Return False, because a proposal cannot contain the repaired hash."""
        del found
        return False

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        hashed = user.get("hashedPassword")
        if type(hashed) is str and not HASH.fullmatch(hashed):
            yield "hashedPassword", "$2y$" if Y_HASH.fullmatch(hashed) else counted(len(hashed), "character")

    def fix_keys(self, found: Finding) -> Sequence[str]:
        return (found.value,)

    def repairable(self, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Finding]:
        """Yield the hashes that are wrong only in their prefix: `$2y$` means the same as `$2b$`."""
        del decisions
        return (found for found in findings if found.value == "$2y$")

    def repaired(self, user: Document) -> Document:
        return {"hashedPassword": user["hashedPassword"].replace("$2y$", "$2b$", 1)}


class EmailCase(UserRule):
    """An e-mail is not in lower case.

    The value of a finding is the e-mail. If another user has the same address, the value also has that user's id.
    """

    name = "email-case"
    severity = "W"
    effect = "Sign-in fails when the address is typed in lower case."
    fixes = {
        "twice": "chatctl users show id:{value[1]} (the other user), then chatctl users merge id:{id}"
        " --into id:{value[1]}, or chatctl users update id:{id} --email ADDRESS"
    }
    reads = {"User": ("email",)}
    group_size = 10_000
    """The number of faults that are confirmed together.

    To confirm a group of faults, all e-mails with capital letters are read again, so large groups are faster.
    """

    def fault(self, user: Document) -> Iterator[tuple[str, Any]]:
        if type(email := user.get("email")) is str and email != email.lower():
            yield "email", email

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Find other users with the same address.

        If there are any, the fault is not repaired, because a person must choose one of the users.
        """
        faults = list(super().confirm(suspects))
        holders: dict[str, list[Any]] = {}
        for user in queries.find_by_emails({found.value.lower() for found in faults}, ["email"]):
            holders.setdefault(user["email"].lower(), []).append(user["_id"])
        for found in faults:
            others = [one for one in holders.get(found.value.lower(), ()) if one != found.id]
            yield found._replace(value=(found.value, others[0])) if others else found

    def fix_keys(self, found: Finding) -> Sequence[str]:
        return ("twice",) if isinstance(found.value, tuple) else ()

    def repairable(self, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Finding]:
        del decisions
        return (found for found in findings if not isinstance(found.value, tuple))

    def repaired(self, user: Document) -> Document:
        return {"email": user["email"].lower()}
