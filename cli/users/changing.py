"""The commands that change and delete users."""

from typing import Annotated

import typer

import actions
from cli.group import Options, Revealing, part
from cli.params import AllowLastMember, AllowLockout, Confirm, Forever, Out, SkipMissing, User, Users
from cli.users.passwords import PasswordSource

app = part()

Name = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Name that other users see.")]


Roles = Annotated[
    list[str],
    typer.Option("--role", metavar="ROLE", help="Name or id of a role (repeatable).", show_default=False),
]


class Profile(Options):
    """Options for the fields of a profile."""

    phone: Annotated[str | None, typer.Option("--phone", metavar="TEXT", help="Telephone number.")] = None
    address: Annotated[str | None, typer.Option("--address", metavar="TEXT", help="Postal address.")] = None
    image_url: Annotated[str | None, typer.Option("--image-url", metavar="URL", help="URL of a picture.")] = None

    def fields(self) -> dict[str, str | None]:
        """Return the given values: name of the field in the database → value."""
        return {"phoneNumber": self.phone, "address": self.address, "imageUrl": self.image_url}


@app.command(example="chatctl users create --email eve@example.org --username eve --role support --generate-password")
def create(
    out: Out,
    *,
    email: Annotated[
        str, typer.Option("--email", metavar="E-MAIL", help="E-mail address, stored in lower case.", show_default=False)
    ],
    username: Annotated[str, typer.Option("--username", metavar="NAME", help="Unique username.", show_default=False)],
    name: Name = None,
    role: Roles = [],  # noqa: B006 - the list is only read
    password_source: PasswordSource,
    verified: Annotated[bool, typer.Option("--verified", help="Mark the e-mail as verified.")] = False,
    profile: Profile,
    confirm: Confirm,
) -> None:
    """Create a user. Without a password option, the password is asked for (twice, hidden)."""
    password = password_source.new_password(out.invocation)
    change = actions.users.create(
        email,
        username,
        name=name,
        roles=role,
        password=password.text,
        reveal=password.reveal,
        verified=verified,
        profile=profile.fields(),
    )
    out.apply(change, confirm)


@app.command(example="chatctl users update ada --email ada@example.com --phone ''")
def update(
    user: User,
    out: Out,
    *,
    email: Annotated[
        str | None,
        typer.Option("--email", metavar="E-MAIL", help="New e-mail address, unverified unless --verified is given."),
    ] = None,
    username: Annotated[str | None, typer.Option("--username", metavar="NAME", help="New unique username.")] = None,
    name: Name = None,
    verified: Annotated[bool, typer.Option("--verified", help="Mark the new e-mail as verified.")] = False,
    profile: Profile,
    confirm: Confirm,
) -> None:
    """Change the e-mail, names or profile of a user. An empty text removes an optional value."""
    change = actions.users.update(
        user,
        email=email,
        username=username,
        name=name,
        verified=verified,
        profile=profile.fields(),
    )
    out.apply(change, confirm)


@app.command(example="chatctl users suspend ada@example.org --reason 'stolen laptop'")
def suspend(
    users: Users,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Block new sign-ins of users. Open sessions may continue, and messages are kept."""
    change = actions.users.suspend(users, skip_missing=skip_missing, allow_last_member=allow_last_member)
    out.apply(change, confirm)


@app.command(example="chatctl users reinstate ada --reason 'the laptop is found'")
def reinstate(
    users: Users,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Let suspended users sign in again.

    The status becomes EMAIL_VERIFIED if the e-mail is verified, otherwise ACTIVE. This also replaces a missing or
    invalid status.
    """
    change = actions.users.reinstate(users, skip_missing=skip_missing)
    out.apply(change, confirm)


@app.command("verify-email", example="chatctl users verify-email ada@example.org")
def verify_email(
    users: Users,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Mark users' e-mail addresses as verified. Suspended users stay suspended."""
    change = actions.users.verify_email(users, skip_missing=skip_missing)
    out.apply(change, confirm)


@app.command("set-password", example="pass show chat/ada | chatctl users set-password ada --password-stdin")
def set_password(
    user: User,
    out: Out,
    *,
    password_source: PasswordSource,
    confirm: Confirm,
    allow_lockout: AllowLockout = False,
) -> None:
    """Set the password of a user. Without a password option, it is asked for (twice, hidden)."""
    actions.lookup.find_user(user, ())  # An unknown user is refused before the user types a password.
    password = password_source.new_password(out.invocation)
    change = actions.users.set_password(user, password.text, reveal=password.reveal, allow_lockout=allow_lockout)
    out.apply(change, confirm)


@app.command(
    example="chatctl users list --email-domain example.org -o ids | chatctl users grant - --role support --yes"
)
def grant(
    users: Users,
    out: Out,
    *,
    role: Roles,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Give roles to users."""
    change = actions.users.grant(users, role, skip_missing=skip_missing)
    out.apply(change, confirm)


@app.command(example="chatctl users revoke ada --role support")
def revoke(
    users: Users,
    out: Out,
    *,
    role: Roles,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Remove roles from users."""
    change = actions.users.revoke(users, role, skip_missing=skip_missing, allow_last_member=allow_last_member)
    out.apply(change, confirm)


@app.command(example="chatctl users unlink ada google")
def unlink(
    user: User,
    provider: Annotated[
        str, typer.Argument(metavar="PROVIDER", help="Provider of the sign-in, for example google.", show_default=False)
    ],
    out: Out,
    *,
    confirm: Confirm,
    allow_lockout: AllowLockout = False,
) -> None:
    """Remove a linked sign-in from a user. The account at the provider is not changed."""
    change = actions.users.unlink(user, provider, allow_lockout=allow_lockout)
    out.apply(change, confirm)


KeepConversations = Annotated[
    bool,
    typer.Option(
        "--keep-conversations",
        help="Keep one-to-one conversations. The application cannot show them any more.",
    ),
]


@app.command(example="chatctl users delete ada --dry-run", cls=Revealing)
def delete(
    users: Users,
    out: Out,
    *,
    keep_conversations: KeepConversations = False,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Delete users and everything that depends on them.

    Their messages, one-to-one conversations, profiles and linked sign-ins are deleted too. To keep the conversations of
    other people complete, use erase. To only block sign-ins, use suspend.
    """
    change = actions.users.delete(
        users,
        skip_missing=skip_missing,
        keep_conversations=keep_conversations,
        forever=forever,
        allow_last_member=allow_last_member,
    )
    out.apply(change, confirm)


@app.command(example="chatctl users erase ada@example.org --with-messages --dry-run", cls=Revealing)
def erase(
    user: User,
    out: Out,
    *,
    with_messages: Annotated[
        bool, typer.Option("--with-messages", help="Also remove the text and images of all their messages.")
    ] = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Erase the personal data of a user. This cannot be undone.

    Removed: e-mail, names, password, roles, profile and linked sign-ins, also from the audit trail. Events with this
    data can no longer be undone. Kept: a suspended placeholder user (erased-ID), so that the conversations of other
    people stay complete, and the user's messages unless --with-messages is given. Image files are stored elsewhere:
    their URLs are printed, so that you can delete them there. Backups are not changed, and the text of --reason is
    kept. If the command is interrupted, run it again to finish the work.

    To delete the conversations too, use delete, which can be undone. To only block sign-ins, use suspend.
    """
    change = actions.users.erase(user, with_messages=with_messages, allow_last_member=allow_last_member)
    out.apply(change, confirm)
