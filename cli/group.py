"""The base classes of all groups and commands: options accepted anywhere on the line, hints, and plain-text help."""

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command, get_command_from_info, get_command_name

from cli.invocation import Invocation
from database.errors import NotFoundError, UsageError
from database.wording import shown

if TYPE_CHECKING:
    from cli.views import View

F = TypeVar("F", bound=Callable[..., Any])

TYPER_SETTINGS: Final[dict[str, Any]] = {
    "context_settings": {"help_option_names": ["-h", "--help"]},
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "invoke_without_command": True,
}
"""The settings of every Typer object: help is plain text, and `cli.errors` reports errors."""

EXPECT: Final = "CHATCTL_EXPECT"
REASON: Final = "CHATCTL_REASON"
"""The environment variables that replace the options `--expect` and `--reason`.

An empty CHATCTL_REASON is ignored. With an empty CHATCTL_EXPECT, every command is refused, because no database has an
empty name.
"""

FILTERS: Final = "Filters"
OUTPUT: Final = "Output"
PAGING: Final = "Paging"
SAFETY: Final = "Safety"
CONNECTION: Final = "Connection"
NO_BREAK_HYPHEN: Final = "\u2011"
HEADINGS: Final = ("Arguments", "Options", FILTERS, OUTPUT, PAGING, SAFETY, CONNECTION)
"""The headings of the sections of a help text, in order. An option without `rich_help_panel` is under "Options"."""


def _remember(context: typer.Context, option: Any, value: Any) -> None:
    if value is not None and value is not False:
        setattr(Invocation.of(context.meta), option.name, value)


def _option(
    heading: str, name: str, text: str, *, metavar: str | None = None, envvar: str | None = None
) -> TyperOption:
    return TyperOption(
        param_decls=[name],
        envvar=envvar,
        help=text,
        rich_help_panel=heading,
        metavar=metavar,
        is_flag=metavar is None,
        callback=_remember,
        expose_value=False,
    )


GLOBAL_OPTIONS: Final = (
    _option(OUTPUT, "--debug", "Show where in the code an error was raised."),
    _option(
        SAFETY, "--expect", "Refuse to run on a database with another name (or set CHATCTL_EXPECT).", metavar="NAME"
    ),
    _option(SAFETY, "--no-input", "Never ask. Commands that need a confirmation are refused."),
    _option(CONNECTION, "--local", "Use the embedded database. It needs no MongoDB server."),
    _option(CONNECTION, "--context", "Use the database of this context.", metavar="NAME"),
    _option(CONNECTION, "--url", "Use this database: mongodb://user:password@host/name.", metavar="URL"),
    _option(CONNECTION, "--env-file", "Read MONGODB_DATABASE_URL from this file instead of .env.", metavar="FILE"),
)


REVEAL_OPTIONS: Final = (
    _option(OUTPUT, "--reveal", "Show masked messages and images. Requires --reason."),
    _option(
        SAFETY, "--reason", "Reason, kept in the audit trail (or set CHATCTL_REASON).", metavar="TEXT", envvar=REASON
    ),
)
"""The options of commands that can show messages and images."""

UTC_OPTION: Final = _option(OUTPUT, "--utc", "Show times in UTC.  [default: local times on a terminal, otherwise UTC]")
"""The option of commands that show times."""

RECORDED_PARAMETERS: Final = frozenset(
    {"around", "conversation", "event", "last", "message", "sender", "since", "until", "user"}
)
"""If the audit trail records that a command has read messages, it records the values of these parameters."""


IF_GIVEN: Final = frozenset({"create", "sheet"})
"""Parameters that make their command write, like FILE of `access review`. Without them, the command only reads."""


ELSEWHERE: Final = "local_as"
"""The parameter of `db copy`, which only reads the chosen database, and writes to another one."""


class HelpFormatter(typer.Context.formatter_class):  # type: ignore[misc, valid-type]
    """Formats help, and never breaks a line at a hyphen, so that an option like `--skip-missing` stays whole."""

    def write_dl(self, rows: Sequence[tuple[str, str]], *args: Any, **settings: Any) -> None:
        super().write_dl([(name, text.replace("-", NO_BREAK_HYPHEN)) for name, text in rows], *args, **settings)

    def write_text(self, text: str) -> None:
        super().write_text(text.replace("-", NO_BREAK_HYPHEN))

    def getvalue(self) -> str:
        return str(super().getvalue()).replace(NO_BREAK_HYPHEN, "-")


class HelpContext(typer.Context):
    """A Click context whose help is formatted by `HelpFormatter`."""

    formatter_class = HelpFormatter


class Shared:
    """A command or group that accepts the `shared` options anywhere on the line, and has plain-text help."""

    context_class: Any = HelpContext
    shared: tuple[TyperOption, ...] = GLOBAL_OPTIONS

    def get_params(self, ctx: Any) -> list[Any]:
        """Add the shared options before `--help`.

        An option that the command itself defines replaces the shared option of the same name.
        """
        *own, help_option = super().get_params(ctx)  # type: ignore[misc]
        taken = {name for param in own for name in param.opts}
        return [*own, *(option for option in self.shared if taken.isdisjoint(option.opts)), help_option]

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.callback = _show_help
            option.rich_help_panel = OUTPUT
        return option

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List the arguments and options under their headings. Arguments with the same help text are listed once."""
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
        for param in self.get_params(ctx):
            if (row := param.get_help_record(ctx)) is not None:
                is_argument = param.param_type_name == "argument"
                rows = sections["Arguments" if is_argument else param.rich_help_panel or "Options"]
                rows += [row] if row not in rows else []
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)
                    if heading == OUTPUT:
                        self.format_columns(formatter)

    def format_columns(self, formatter: Any) -> None:
        """List the columns and sort fields, if the command prints a list."""

    def format_epilog(self, _: Any, formatter: Any) -> None:
        """Show the examples with their line breaks."""
        if examples := getattr(self, "epilog", None):
            with formatter.section("Examples"):
                for line in examples.splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Command(Shared, TyperCommand):
    """A command. Before it runs, the database is chosen, and a forbidden write is refused.

    A command that prints a list has a `view`, with the columns of the list, and can sort by the fields in `sortable`.
    The help of the command shows the columns and these fields.
    """

    def __init__(self, *args: Any, view: "View" = (), sortable: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.columns = [column.key for column in view]
        self.sort_fields = ["id", *sortable] if view else []

    def format_columns(self, formatter: Any) -> None:
        if self.columns:
            formatter.write_paragraph()
            names = {"Columns:": self.columns, "Sort fields:": self.sort_fields}
            formatter.write_dl([(title, ", ".join(fields)) for title, fields in names.items()])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse a command line. On a terminal, the user can choose missing names from a menu."""
        try:
            return super().parse_args(ctx, [*args])
        except typer.BadParameter as error:
            if not (picked := self._picked(ctx, args, error)):
                raise
        invocation = Invocation.of(ctx.meta)
        invocation.arguments = _completed(invocation.arguments, picked)
        return super().parse_args(ctx, _completed(args, picked))

    def _picked(self, ctx: Any, args: list[str], error: typer.BadParameter) -> dict[Any, str]:
        """Let the user choose the missing values from a menu. Return parameter → chosen value.

        The result is empty if there is no terminal, if there is no menu for a missing value, or if a choice failed.
        """
        from cli.output import questions

        invocation = Invocation.of(ctx.meta)
        if not questions.can_pick(invocation):
            return {}
        from cli.output import picker, zone_of

        given, _, _ = self.make_parser(ctx).parse_args([*args])
        values = {param: given.get(param.name) for param in self.get_params(ctx)}
        kinds = {param: _kind(param) for param in values if param.required and param.value_is_missing(values[param])}
        if error.param not in kinds or not picker.KINDS.keys() >= set(kinds.values()):
            return {}
        _choose_database(invocation, {param.name: value for param, value in values.items()})
        picked = {param: picker.pick(kind, zone_of(invocation)) for param, kind in kinds.items()}
        return {param: word for param, word in picked.items() if word} if all(picked.values()) else {}

    def invoke(self, ctx: Any) -> Any:
        from database import connection

        invocation = Invocation.of(ctx.meta)
        invocation.command = _audit_command(ctx)
        invocation.reason = ctx.params.get("reason", invocation.reason)
        if invocation.reveal and not (invocation.reason or "").strip():
            raise UsageError("--reveal requires --reason", "add --reason TEXT, which is kept in the audit trail")
        _choose_database(invocation, ctx.params)
        if invocation.url is not None and connection.target().password_on_command_line:
            warn_of_password(ctx.params.get("out"))
        try:
            return super().invoke(ctx)
        except (NotFoundError, UsageError) as error:
            from cli import suggestions

            error.hint = suggestions.of_list(ctx, error.message) or error.hint
            raise


class Revealing(Command):
    """A command that can show messages and images."""

    shared: tuple[TyperOption, ...] = (*REVEAL_OPTIONS, *GLOBAL_OPTIONS)


class Timed(Command):
    """A command that shows times."""

    shared = (UTC_OPTION, *GLOBAL_OPTIONS)


class TimedRevealing(Revealing):
    """A command that can show messages and images, and shows times."""

    shared = (UTC_OPTION, *Revealing.shared)


class Group(Shared, TyperGroup):
    """A group of commands. Without a command, it prints its help. For an unknown command, it suggests a similar one.

    `modules` are the modules of the commands, as in `cli.commands`. The module of a command is imported only when the
    command is used, or when its own help is printed.
    """

    modules: Mapping[str, Mapping[str, str]] = {}

    def list_commands(self, _: Any) -> list[str]:
        return [name for lines in self.modules.values() for name in lines]

    def get_command(self, _: Any, cmd_name: str) -> Any:
        module = next((module for module, lines in self.modules.items() if cmd_name in lines), None)
        return module and command_in(module, cmd_name)

    def format_commands(self, _: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([row for lines in self.modules.values() for row in lines.items()])

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List the commands before the options, because most readers of this help search for a command."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names:
            from cli import suggestions

            raise UsageError(
                f"no command {shown(args[0])} in {ctx.command_path}", suggestions.of_command(ctx, args, names)
            )
        return super().resolve_command(ctx, args)


def _choose_database(invocation: Invocation, params: Mapping[str, Any]) -> None:
    """Choose the database on the first call of a run. Refuse a write if the database does not permit writes."""
    from database import connection

    if not invocation.database_is_chosen:
        if invocation.expect is None:
            # The variable is read late, because --expect may be anywhere on the command line.
            invocation.expect = os.environ.get(EXPECT)
        env_file = None if invocation.env_file is None else Path(invocation.env_file)
        connection.choose(invocation.url, invocation.local, env_file, invocation.expect, invocation.context)
        invocation.database_is_chosen = True
    if _writes(params):
        connection.permit_write()


def _kind(param: Any) -> str:
    """Return the name of a parameter's value in the help, without dots: `USER` for `USER` and for `USER...`."""
    return (param.metavar or "").removesuffix("...")


def _completed(line: Sequence[str], picked: Mapping[Any, str]) -> list[str]:
    """Add the values that the user has chosen to a command line: options before `--`, arguments at the end."""
    place = line.index("--") if "--" in line else len(line)
    options = [
        word for param, name in picked.items() if param.param_type_name == "option" for word in (param.opts[0], name)
    ]
    arguments = [name for param, name in picked.items() if param.param_type_name == "argument"]
    return [*line[:place], *options, *line[place:], *arguments]


def _audit_command(ctx: Any) -> str:
    """Return the text of a command for the audit trail: its words, and the values of `RECORDED_PARAMETERS`."""
    words = ctx.command_path.split()[1:]
    for parameter in ctx.command.params:
        value = ctx.params.get(parameter.name) if parameter.name in RECORDED_PARAMETERS else None
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            value_text = item.isoformat() if isinstance(item, datetime) else str(item)
            words += [value_text] if parameter.param_type_name == "argument" else [parameter.opts[0], value_text]
    return " ".join(words)


def _writes(params: Mapping[str, Any]) -> bool:
    """Tell whether a command will write.

    Only commands with the option `--dry-run` can write. A command does not write if `--dry-run` or `--save-plan` is
    given, or if it has a parameter of `IF_GIVEN` that is not given. A command with the parameter `ELSEWHERE` does not
    write to the chosen database.
    """
    if ELSEWHERE in params:
        return False
    only_shows = params.get("dry_run", True) or params.get("save_plan") is not None
    return not only_shows and all(params[name] for name in IF_GIVEN & params.keys())


def warn_of_password(out: Any, instead: str = "set MONGODB_DATABASE_URL instead") -> None:
    """Warn that other users can see a password on the command line."""
    from cli.output import say

    (out.note if out else say)(f"warning: other users of this machine can see a password in --url; {instead}")


def _show_help(ctx: Any, _: Any, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from cli.output import streams

        streams.write(f"{ctx.get_help()}\n")
        raise typer.Exit


class Options:
    """Options that several commands share. Each annotated attribute of a subclass is an option.

    If a parameter of a command has such a type, the command has these options, and gets their values as one object. The
    help lists the options under `heading`, unless an option names another heading.
    """

    def __init_subclass__(cls, *, heading: str | None = None) -> None:
        for annotation in cls.__annotations__.values():
            option = annotation.__metadata__[0]
            option.rich_help_panel = option.rich_help_panel or heading
        cls.__annotations__ = {**getattr(cls.__base__, "__annotations__", {}), **cls.__annotations__}

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


def _with_single_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Replace each `Options` parameter of a command by one parameter for each of its options.

    Typer reads the options from the signature, and passes all values by name.
    """
    parameters = inspect.signature(function).parameters.values()
    groups = {param.name: param.annotation for param in parameters if _is_options(param)}
    if not groups:
        return function

    @wraps(function)
    def command(**values: Any) -> None:
        for name, options in groups.items():
            values[name] = options(**{option: values.pop(option) for option in options.__annotations__})
        function(**values)

    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [single for param in parameters for single in (_single_options(param) if _is_options(param) else [param])]
    )
    return command


def _is_options(param: inspect.Parameter) -> bool:
    return isinstance(param.annotation, type) and issubclass(param.annotation, Options)


def _single_options(param: inspect.Parameter) -> list[inspect.Parameter]:
    options = param.annotation
    return [
        inspect.Parameter(name, param.kind, annotation=annotation, default=getattr(options, name, param.empty))
        for name, annotation in options.__annotations__.items()
    ]


class _App(typer.Typer):
    """A Typer object whose commands have the class `Command`."""

    def command(
        self,
        name: str | None = None,
        *,
        example: str | None = None,
        cls: type[TyperCommand] | None = None,
        columns: "View" = (),
        sortable: Sequence[str] = (),
        **settings: Any,
    ) -> Callable[[F], F]:
        """Add a function as a command.

        The help shows the lines of `example`. `cls` is the class of the command, like `Revealing` if it can show
        messages. The parameters of the function are the options of the command; a parameter of a subclass of `Options`
        is several options. The command of a list also has `columns`, and the fields that it can sort by (`sortable`).
        """
        made_by: Any = cls or Command
        with_columns: Any = partial(made_by, view=columns, sortable=sortable)
        add = super().command(name, cls=with_columns, epilog=example, **settings)

        def register(function: F) -> F:
            add(_with_single_options(function))
            return function

        return register


def _help_of_group(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        _show_help(ctx, None, value=True)


def group(name: str, text: str, modules: Mapping[str, Mapping[str, str]]) -> Group:
    """Make a group of commands. `text` is its help, and `modules` are as in `cli.commands`."""
    made: Any = get_command(typer.Typer(name=name, cls=Group, callback=_help_of_group, help=text, **TYPER_SETTINGS))
    made.modules = modules
    return cast("Group", made)


def part() -> _App:
    """Make the object to which a module adds its commands."""
    return _App(**TYPER_SETTINGS)


def command_in(module: str, name: str) -> Any:
    """Import a module, and return the Click command `name` that the module defines.

    Raises `LookupError` if the module does not define this command.
    """
    for info in import_module(module).app.registered_commands:
        if name == (info.name or get_command_name(info.callback.__name__)):
            return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)
    raise LookupError(f"the module {module} has no command {name}")
