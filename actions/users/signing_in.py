"""How users sign in: with a password, or through accounts that are linked with them."""

from typing import Any

from actions import finding
from actions.errors import UnknownNameError
from actions.rules import passwords
from actions.rules.changesets import changeset
from actions.users import status
from changes import ABSENT, Changeset, Draft, Result
from changes.events import now
from changes.visible_values import readable_text
from database import connection
from database.wording import did_you_mean, shown


def set_password(ref: str, password: str | None, *, reveal: bool = False, allow_lockout: bool = False) -> Changeset:
    """Give a user another password, or take it away.

    With `reveal` the result has the password, which was made up. Raises `BadPasswordError`, and `LastSignInError` where
    no other way to sign in is left, unless `allow_lockout`.
    """
    user = finding.user(ref, ("name", "hashedPassword", *status.FIELDS))
    label = finding.user_label(user)
    secret: Any = ABSENT
    if password is not None:
        own = [user.get(field) for field in ("email", "username", "name")]
        passwords.check(password, [text for text in own if isinstance(text, str)])
        secret = passwords.hashed(password)
    draft = Draft()
    changed = status.change(draft, user, {"hashedPassword": secret})
    outcome = "unchanged" if not changed else "password set" if password is not None else "password taken away"
    result = Result(user["_id"], label, outcome, password=password if reveal else None)
    command = f"users set-password {label}"
    return changeset(command, draft, [result], allow_lockout=allow_lockout)


def unlink(ref: str, provider: str, *, allow_lockout: bool = False) -> Changeset:
    """Take a linked sign-in from a user.

    Raises `UnknownNameError` where none is linked, and `LastSignInError` where no other way to sign in is left, unless
    `allow_lockout`.
    """
    user = finding.user(ref, ("updatedAt",))
    label = finding.user_label(user)
    accounts = list(connection.database()["Account"].find(finding.referring("Account", "userId", user["_id"])))
    unlinked = [account for account in accounts if account.get("provider") == provider]
    if not unlinked:
        linked = sorted({readable_text(account.get("provider")) for account in accounts})
        known = f"linked are: {', '.join(linked)}" if linked else "no sign-in is linked with this user"
        raise UnknownNameError(f"{label} has no sign-in at {shown(provider)}", did_you_mean(provider, linked) or known)
    draft = Draft()
    for account in unlinked:
        draft.delete("Account", account)
    status.change(draft, user, {"updatedAt": now()})  # so that the event is found under the user
    results = [Result(user["_id"], label, f"unlinked from {provider}")]
    return changeset(f"users unlink {label} {provider}", draft, results, asks=True, allow_lockout=allow_lockout)
