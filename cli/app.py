"""The root command, and the start and end of every run. A command is imported only if it is used."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.main import get_command

from cli import signals
from cli.commands import COMMANDS, GROUPS, MODULES, SHORT_NAMES
from cli.group import OUTPUT, TYPER_SETTINGS, Group, command_in, group
from cli.invocation import Invocation, is_not_utf8
from database.errors import OutputError, UsageError

EXAMPLES: Final = """\
chatctl --local seeds apply        create a first database, with nothing to install
chatctl roles list -o json         print JSON for programs
chatctl roles delete intern -n     preview a change\
"""


class Root(Group):
    """The root command, with the groups and commands of `cli.commands`."""

    def list_commands(self, _: Any) -> list[str]:
        return [*GROUPS, *COMMANDS]

    def get_command(self, _: Any, cmd_name: str) -> Any:
        if cmd_name in GROUPS:
            return group(cmd_name, GROUPS[cmd_name], MODULES[cmd_name])
        return command_in(f"cli.{cmd_name}", cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        return super().resolve_command(ctx, [SHORT_NAMES.get(args[0], args[0]), *args[1:]])

    def format_commands(self, _: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*GROUPS.items(), *COMMANDS.items()])
        short = ", ".join(f"{short} for {name}" for short, name in SHORT_NAMES.items())
        formatter.write_paragraph()
        formatter.write_text(f"Short names: {short}.")

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **__: Any) -> NoReturn:
        """Run the program: parse, work, flush the output, and exit with the right code."""
        arguments = list(sys.argv[1:] if args is None else args)
        with _closing():  # The connection is closed last, because the message of an error may need it.
            try:
                with signals.ending():
                    code = self.run(arguments, prog_name or "chatctl")
            except BaseException as error:  # noqa: BLE001 - every failure is reported here
                code = _fail(error, arguments)
        sys.exit(code)

    def run(self, arguments: list[str], name: str = "chatctl") -> int:
        """Run one command line and return its exit code. Errors are not caught here."""
        from cli.output import streams

        streams.prepare()
        if any(map(is_not_utf8, arguments)):
            raise UsageError("an argument is not UTF-8")
        try:
            with self.make_context(name, list(arguments)) as context:
                Invocation.of(context.meta).arguments = arguments
                self.invoke(context)
        except typer.Exit as end:
            streams.flush()
            return end.exit_code
        streams.flush()
        return 0


app = typer.Typer(cls=Root, epilog=EXAMPLES, **TYPER_SETTINGS)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from cli.output import streams

        streams.write(f"chatctl {version('chatctl')}\n")
        raise typer.Exit


@app.callback()
def chatctl(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - Typer calls the callback; the value is not needed here
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show the version and exit.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """Administer the MongoDB database of a messaging application.

    All commands accept the options under Safety and Connection, anywhere on the line.
    """
    if context.invoked_subcommand is None:
        from cli.output import streams

        streams.write(f"{context.get_help()}\n")


def main() -> NoReturn:
    """Run chatctl with the arguments of the command line."""
    get_command(app).main()
    raise AssertionError


def _fail(error: BaseException, arguments: list[str]) -> int:
    from cli import errors
    from cli.output import streams

    code = errors.report(
        error, arguments, as_json=_asks_for_json(arguments), debug="--debug" in _before_dashes(arguments)
    )
    try:
        streams.flush()
    except OutputError:  # The first error is reported already, so this second error is not.
        streams.abandon()
    return code


def _asks_for_json(arguments: list[str]) -> bool:
    """Tell whether a command line asks for JSON (`-o json`). The command line may be invalid."""
    words = _before_dashes(arguments)
    return bool(
        set(pairwise(words)) & {("-o", "json"), ("--output", "json")} or {"-ojson", "--output=json"} & set(words)
    )


def _before_dashes(arguments: list[str]) -> list[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


@contextmanager
def _closing() -> Iterator[None]:
    """Close the database connection after the `with` block.

    If the module `database.connection` is not loaded, no connection is open.
    """
    try:
        yield
    finally:
        if connection := sys.modules.get("database.connection"):
            connection.close()
