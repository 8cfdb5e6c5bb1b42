"""Set the password of a user, and unlink a sign-in."""

from typing import Any

from actions import lookup, queries
from actions.errors import UnknownNameError
from actions.rules import passwords
from actions.rules.checked_changeset import checked_changeset
from actions.users import status
from changes import ABSENT, Changeset, Draft, Result
from changes.events import now
from changes.visible_values import readable_text
from database import connection
from database.wording import did_you_mean, shown


def set_password(ref: str, password: str | None, *, reveal: bool = False, allow_lockout: bool = False) -> Changeset:
    """Set the password of a user, or remove it.

    With `reveal` the result has the password. Raises `BadPasswordError`, and `LastSignInError` if the user would have
    no way to sign in, unless `allow_lockout`.
    """
    user = lookup.find_user(ref, ("name", "hashedPassword", *status.FIELDS))
    label = lookup.user_label(user)
    secret: Any = ABSENT
    if password is not None:
        own = [user.get(field) for field in ("email", "username", "name")]
        passwords.validate(password, [text for text in own if isinstance(text, str)])
        secret = passwords.bcrypt_hash(password)
    draft = Draft()
    changed = status.change(draft, user, {"hashedPassword": secret})
    outcome = "unchanged" if not changed else "password set" if password is not None else "password taken away"
    result = Result(user["_id"], label, outcome, password=password if reveal else None)
    command = f"users set-password {label}"
    return checked_changeset(command, draft, [result], allow_lockout=allow_lockout)


def unlink(ref: str, provider: str, *, allow_lockout: bool = False) -> Changeset:
    """Remove a linked sign-in from a user.

    Raises `UnknownNameError` if the user has none at the provider, and `LastSignInError` if the user would have no way
    to sign in, unless `allow_lockout`.
    """
    user = lookup.find_user(ref, ("updatedAt",))
    label = lookup.user_label(user)
    accounts = list(connection.database()["Account"].find(queries.refers_to("Account", "userId", user["_id"])))
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
    return checked_changeset(f"users unlink {label} {provider}", draft, results, asks=True, allow_lockout=allow_lockout)
