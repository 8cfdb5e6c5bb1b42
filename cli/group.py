"""The shape that all groups and commands share: options that stand anywhere, hints, plain help."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from cli.invocation import Invocation
from models.errors import UsageError
from models.names import shown

F = TypeVar("F", bound=Callable[..., Any])

PLAIN: Final[dict[str, Any]] = {
    "context_settings": {"help_option_names": ["-h", "--help"]},
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "invoke_without_command": True,
}
"""How every Typer here is made: help as plain text, errors left to `cli.errors`."""

ELSEWHERE: Final = "--url, --local, --env-file, --expect and --debug may stand anywhere: see chatctl --help."


def _remember(context: typer.Context, option: Any, value: Any) -> None:
    if value is not None and value is not False:
        setattr(Invocation.of(context.meta), option.name, value)


def _option(name: str, text: str, *, metavar: str | None = None) -> TyperOption:
    return TyperOption(
        param_decls=[name],
        help=text,
        metavar=metavar,
        is_flag=metavar is None,
        callback=_remember,
        expose_value=False,
    )


EVERYWHERE: Final = (
    _option("--url", "The database, mongodb://user:password@host:27017/name.", metavar="URL"),
    _option("--local", "The embedded database of this user: nothing to install."),
    _option("--env-file", "Read MONGODB_DATABASE_URL from this file instead of .env.", metavar="FILE"),
    _option("--expect", "Refuse to work on a database of another name.", metavar="NAME"),
    _option("--debug", "Show where an error comes from."),
)


class Shared:
    """Parse the options that may stand anywhere wherever they stand, and print help like all other output."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [*super().get_params(ctx), *EVERYWHERE]  # type: ignore[misc]

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.callback = _show_help
        return option

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List the command's own options; those that stand anywhere are listed once, at the root."""
        hidden = [] if ctx.parent is None else EVERYWHERE
        for option in EVERYWHERE:
            option.hidden = option in hidden
        super().format_options(ctx, formatter)  # type: ignore[misc]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Show the examples as they are typed."""
        if examples := getattr(self, "epilog", None):
            with formatter.section("Examples"):
                for line in examples.splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        if ctx.parent is not None:
            formatter.write_paragraph()
            formatter.write_text(ELSEWHERE)


class Command(Shared, TyperCommand):
    """A command; the database is chosen before it runs."""

    def invoke(self, ctx: Any) -> Any:
        from models import connection

        said = Invocation.of(ctx.meta)
        env_file = None if said.env_file is None else Path(said.env_file)
        connection.choose(said.url, said.local, env_file, said.expect)
        if said.url is not None and connection.target().password_on_command_line:
            _warn(ctx.params.get("out"))
        return super().invoke(ctx)


class Group(Shared, TyperGroup):
    """A group; alone it shows its help, a wrong command gets the nearest right one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names:
            from cli import hints

            raise UsageError(f"no command {shown(args[0])} in {ctx.command_path}", hints.of_command(ctx, args, names))
        return super().resolve_command(ctx, args)


def _warn(out: Any) -> None:
    from cli.output import say

    warning = "warning: other users of this machine can see a password in --url; put it into MONGODB_DATABASE_URL"
    (out.note if out else say)(warning)


def _show_help(ctx: Any, _: Any, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from cli.output import streams

        streams.write(f"{ctx.get_help()}\n")
        raise typer.Exit


class _App(typer.Typer):
    """A Typer whose commands are ours."""

    def command(self, name: str | None = None, *, example: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Add a command; `example` is a line to type, or several."""
        return super().command(name, cls=Command, epilog=example, **settings)


def _help_of_group(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        _show_help(ctx, None, value=True)


def group(*parts: _App) -> _App:
    """Begin a group of commands; `parts` hold those of a large one, in their order."""
    app = _App(cls=Group, callback=_help_of_group, **PLAIN)
    for part in parts:
        app.add_typer(part)
    return app


def part() -> _App:
    """Begin a part of a group."""
    return _App(**PLAIN)
