"""The commands of `chatctl context`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import actions
from cli import views
from cli.group import part, warn_of_password
from cli.invocation import Invocation
from cli.output import Output
from cli.params import LinesOut, Out
from database.errors import UsageError

app = part()

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a context.", show_default=False)]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="URL of the context, stored in the configuration file.")
]
UrlEnv = Annotated[
    str | None, typer.Option("--url-env", metavar="VAR", help="Environment variable that contains the URL.")
]
UrlFile = Annotated[str | None, typer.Option("--url-file", metavar="FILE", help="File that contains the URL.")]
UrlCommand = Annotated[
    str | None,
    typer.Option("--url-command", metavar="'CMD ARGS'", help="Command that prints the URL, run without a shell."),
]


@app.command(example="chatctl context add prod --url-command 'pass show chat/prod' --read-only")
def add(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name (at most 64 of a-z, A-Z, 0-9, _ . @ + -).", show_default=False),
    ],
    out: Out,
    *,
    url_env: UrlEnv = None,
    url_file: UrlFile = None,
    url_command: UrlCommand = None,
    url: Url = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse all writes to this database.")] = False,
) -> None:
    """Save a name for a database. Without a URL option, the URL is asked for (hidden).

    With this command, --url is the URL to save; the command does not connect to it. The command of --url-command runs
    each time when the database is needed, and its output is not stored.
    """
    from database import contexts

    file = url_file and str(Path(url_file).absolute())
    invocation = Invocation.of(ctx.meta)
    elsewhere = invocation.url if url is None else url
    given = {"url": elsewhere, "url-env": url_env, "url-file": file, "url-command": url_command}
    source, value = _source(given, invocation)
    context = contexts.Context(name, source, value, read_only)
    contexts.add(context)
    if url is not None and (address := contexts.address(context)) and address.has_password:
        warn_of_password(out, "remove --url to be asked for the URL")
    _report(out, name, "added")
    if problem := actions.contexts.show(name)["problem"]:
        out.note(f"warning: {problem}")
    out.note(f"to use it: add --context {name} to a command, or run chatctl context use {name}")


@app.command("list", example="chatctl context list -o json")
def list_(out: LinesOut) -> None:
    """List the contexts and their databases. This runs no --url-command."""
    out.items(actions.contexts.rows(), views.CONTEXTS)


@app.command(example="chatctl context show prod")
def show(
    out: LinesOut,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Name of a context.  [default: the current one]", show_default=False),
    ] = None,
) -> None:
    """Show a context, without its password."""
    out.record(actions.contexts.show(name), views.CONTEXT)


@app.command(example="chatctl context use staging")
def use(name: Name, out: Out) -> None:
    """Make a context the current one.

    Commands use it if no option, environment variable or .env file names a database.
    """
    from database import contexts

    _report(out, name, "current" if contexts.use(name) else "unchanged")


@app.command(example="chatctl context remove staging")
def remove(name: Name, out: Out) -> None:
    """Remove a context. Its database is not changed."""
    from database import contexts

    was_current = contexts.remove(name)
    _report(out, name, "removed")
    if was_current:
        out.note("it was the current context; now no context is current")


def _source(given: Mapping[str, str | None], invocation: Invocation) -> tuple[str, str]:
    """Return the kind of the source of the URL (`url`, `url-env`, `url-file` or `url-command`), and its value.

    Without an option, ask for the URL.
    """
    from cli.output import questions

    named = [(source, value) for source, value in given.items() if value is not None]
    options = [f"--{source}" for source in given]
    if len(named) > 1:
        both = " and ".join(f"--{source}" for source, _ in named)
        raise UsageError(f"{both} cannot be combined", f"use one of {', '.join(options)}")
    if named:
        return named[0]
    typed = questions.ask_hidden("URL: ") if questions.can_ask(invocation) else None
    if typed is None:
        raise UsageError("a URL is required", f"use one of {', '.join(options)}")
    return "url", typed.strip()


def _report(out: Output, name: str, outcome: str) -> None:
    changed = int(outcome != "unchanged")
    result: dict[str, Any] = {"id": None, "ref": name, "outcome": outcome}
    counts = {"event": None, "changed": changed, "unchanged": 1 - changed}
    out.document({**counts, "results": [result]}, [f"{name}: {outcome}"])
