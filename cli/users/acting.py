"""Commands that change what users are and may do."""

from typing import Annotated

import typer

import actions
from cli.group import part
from cli.params import AllowLastMember, AllowLockout, DryRun, Max, Out, Reason, SkipMissing, User, Users, Yes
from cli.users.passwords import GeneratePassword, NoPassword, PasswordStdin, new_password

app = part()

Name = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="The name that others see.")]
Phone = Annotated[str | None, typer.Option("--phone", metavar="TEXT", help="A telephone number.")]
Address = Annotated[str | None, typer.Option("--address", metavar="TEXT", help="A postal address.")]
ImageUrl = Annotated[str | None, typer.Option("--image-url", metavar="URL", help="A picture.")]
Roles = Annotated[
    list[str],
    typer.Option("--role", metavar="ROLE", help="A role, by name or id; may be repeated.", show_default=False),
]


@app.command(example="chatctl users create --email eve@example.org --username eve --role support --generate-password")
def create(
    out: Out,
    *,
    email: Annotated[str, typer.Option("--email", metavar="E-MAIL", help="Kept in lower case.", show_default=False)],
    username: Annotated[str, typer.Option("--username", metavar="NAME", help="Unique.", show_default=False)],
    name: Name = None,
    role: Roles = [],  # noqa: B006 - typer reads it, nobody changes it
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    no_password: NoPassword = False,
    verified: Annotated[bool, typer.Option("--verified", help="The e-mail is known to be theirs.")] = False,
    phone: Phone = None,
    address: Address = None,
    image_url: ImageUrl = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Create a user. Without an option about the password it is asked for, twice and unseen."""
    password = new_password(from_stdin=password_stdin, generated=generate_password, none=no_password)
    change = actions.users.create(
        email,
        username,
        name=name,
        roles=role,
        password=password.text,
        reveal=password.reveal,
        verified=verified,
        profile={"phoneNumber": phone, "address": address, "imageUrl": image_url},
    )
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl users update ada --email ada@example.com --phone ''")
def update(
    user: User,
    out: Out,
    *,
    email: Annotated[
        str | None, typer.Option("--email", metavar="E-MAIL", help="Unverified, unless --verified.")
    ] = None,
    username: Annotated[str | None, typer.Option("--username", metavar="NAME", help="Unique.")] = None,
    name: Name = None,
    verified: Annotated[bool, typer.Option("--verified", help="The new e-mail is known to be theirs.")] = False,
    phone: Phone = None,
    address: Address = None,
    image_url: ImageUrl = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Change what a user is called and how they can be reached. An empty text takes an optional one away."""
    change = actions.users.update(
        user,
        email=email,
        username=username,
        name=name,
        verified=verified,
        profile={"phoneNumber": phone, "address": address, "imageUrl": image_url},
    )
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


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

    The application checks the status where it looks: a session that is open may go on.
    """
    change = actions.users.suspend(users, skip_missing=skip_missing, allow_last_member=allow_last_member)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl users reinstate ada --reason 'the laptop is found'")
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
    """Let suspended users sign in again.

    Users with a missing or invalid status get one too: EMAIL_VERIFIED if their e-mail is verified, otherwise ACTIVE.
    """
    change = actions.users.reinstate(users, skip_missing=skip_missing)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command("verify-email", example="chatctl users verify-email ada@example.org")
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


@app.command("set-password", example="pass show chat/ada | chatctl users set-password ada --password-stdin")
def set_password(
    user: User,
    out: Out,
    *,
    password_stdin: PasswordStdin = False,
    generate_password: GeneratePassword = False,
    no_password: NoPassword = False,
    allow_lockout: AllowLockout = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Give a user another password. Without an option it is asked for, twice and unseen."""
    actions.lookup.find_user(user, ())  # nobody is asked for the password of a user who is not there
    password = new_password(from_stdin=password_stdin, generated=generate_password, none=no_password)
    change = actions.users.set_password(user, password.text, reveal=password.reveal, allow_lockout=allow_lockout)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(
    example="chatctl users list --email-domain example.org -o ids | chatctl users grant - --role support --yes"
)
def grant(
    users: Users,
    out: Out,
    *,
    role: Roles,
    skip_missing: SkipMissing = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Give users roles."""
    change = actions.users.grant(users, role, skip_missing=skip_missing)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl users revoke ada --role support")
def revoke(
    users: Users,
    out: Out,
    *,
    role: Roles,
    skip_missing: SkipMissing = False,
    allow_last_member: AllowLastMember = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Take roles from users."""
    change = actions.users.revoke(users, role, skip_missing=skip_missing, allow_last_member=allow_last_member)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl users unlink ada google")
def unlink(
    user: User,
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Such as google.", show_default=False)],
    out: Out,
    *,
    allow_lockout: AllowLockout = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Take a linked sign-in from a user. The account at the provider is not touched."""
    change = actions.users.unlink(user, provider, allow_lockout=allow_lockout)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)
