"""Commands that change what users are and may do."""

import actions
from cli.group import part
from cli.params import AllowLastMember, DryRun, Max, Out, Reason, SkipMissing, Users, Yes

app = part()


@app.command(example="chatctl users suspend ada@example.org --reason 'stolen laptop'")
def suspend(
    users: Users,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    allow_last_member: AllowLastMember = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Stop users from signing in. Their messages stay.

    The application looks at the status where somebody signs in; a session that is open already may go on.
    """
    change = actions.users.suspend(users, skip_missing=skip_missing, allow_last_member=allow_last_member)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command()
def reinstate(
    users: Users,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Let suspended users sign in again."""
    change = actions.users.reinstate(users, skip_missing=skip_missing)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command("verify-email")
def verify_email(
    users: Users,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Note that users' e-mail addresses are theirs. Suspended users stay suspended."""
    change = actions.users.verify_email(users, skip_missing=skip_missing)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)
