"""The command `chatctl users import`: it creates and updates users from a file."""

import io
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

import actions
from cli import output
from cli.group import OUTPUT, Options, part
from cli.params import AllowLastMember, Confirm, Out, Overwrite, choice, input_file
from cli.views import IMPORTED
from database.errors import UsageError

app = part()

POLICIES: Final = ("fail", "skip", "update")
USERNAME_SOURCES: Final = ("email", "name")


def _columns(ctx: typer.Context, wanted: bool) -> None:
    """Print the columns that can be imported, and exit. This needs no file and no database."""
    if wanted and not ctx.resilient_parsing:
        import imports

        rows = [{"column": name, "takes": text} for name, text in imports.COLUMNS.items()]
        ctx.params["out"].items(rows, IMPORTED)
        raise typer.Exit


def _product(text: str) -> str:
    import imports

    return choice(imports.products.names())(text)


File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        callback=input_file,
        help="CSV, JSON, NDJSON or YAML file (- is standard input). Its name or content tells the format.",
        show_default=False,
    ),
]
OnConflict = Annotated[
    str,
    typer.Option(
        "--on-conflict",
        metavar="|".join(POLICIES),
        parser=choice(POLICIES),
        help="Action if the e-mail already exists: fail, skip the row, or update the user.",
    ),
]
Errors = Annotated[
    str | None,
    typer.Option(
        "--errors",
        metavar="FILE",
        help="Write rows with faults to this file, to correct them and import it.",
        rich_help_panel=OUTPUT,
    ),
]
Maps = Annotated[
    list[str],
    typer.Option(
        "--map",
        metavar="HEADER=COLUMN",
        help="Import HEADER (a CSV header, a key, or a path like profile.phone) as COLUMN. Without COLUMN, ignore "
        "HEADER (repeatable).",
        show_default=False,
    ),
]
IgnoreUnknown = Annotated[
    bool, typer.Option("--ignore-unknown", help="Ignore headers and keys that are not columns of an import.")
]
Columns = Annotated[
    bool, typer.Option("--columns", callback=_columns, help="List the columns that can be imported, and exit.")
]
ListPath = Annotated[
    str | None, typer.Option("--path", metavar="KEY", help="Read the list under this key of a JSON or YAML object.")
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="PRODUCT",
        parser=_product,
        help="Read an export of this product, for example clerk (see docs/moving-in.md).",
    ),
]
MapFile = Annotated[
    str | None,
    typer.Option(
        "--map-file",
        metavar="FILE",
        help="Read the file as this YAML file describes (see docs/moving-in.md).",
    ),
]
UsernameFrom = Annotated[
    str | None,
    typer.Option(
        "--username-from",
        metavar="|".join(USERNAME_SOURCES),
        parser=choice(USERNAME_SOURCES),
        help="Generate missing usernames from the e-mail (the part before the @) or from the name.",
    ),
]
RequirePasswords = Annotated[
    bool,
    typer.Option(
        "--require-passwords", help="With --from, refuse users who could not sign in here with their current password."
    ),
]


class LayoutOptions(Options):
    """Options that say how to read the file.

    They name the product that exported the file, the column for each header, the list in a JSON or YAML file that has
    the users, and how to fill missing usernames.
    """

    product: From = None
    map_file: MapFile = None
    maps: Maps = []  # noqa: RUF012 - the list is only read
    ignore_unknown: IgnoreUnknown = False
    path: ListPath = None
    username_from: UsernameFrom = None
    require_passwords: RequirePasswords = False


@app.command("import", example="chatctl users import people.csv --on-conflict skip --errors faults.csv")
def import_(
    file: File,
    out: Out,
    *,
    on_conflict: OnConflict = "fail",
    layout: LayoutOptions,
    columns: Columns = False,
    errors: Errors = None,
    overwrite: Overwrite = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Create users from a file. All rows are checked before the first one is written.

    --from reads the unchanged export of another product. --columns lists the columns that can be imported. Headers may
    be in upper or lower case. An empty cell changes nothing. Linked sign-ins are only added, never removed. To finish
    an interrupted import, add --on-conflict skip.
    """
    import imports
    from cli.output.progress import Bar

    del columns  # If --columns is given, the callback of this option has already ended the command.
    columns_of_file = imports.layout(**vars(layout))
    if errors is not None and Path(errors).resolve() == Path(file).resolve():
        raise UsageError(
            "--errors and FILE are the same file",
            "use another file for --errors: this one also has the rows without faults",
        )
    policy = actions.users.importing.Policy(on_conflict)
    with Bar("reading") as bar:
        stdin = sys.stdin.buffer if sys.stdin else io.BytesIO()
        people = imports.read(file, stdin, columns_of_file, keep=errors is not None, progress=bar.wrote)
        bar.name = "comparing"
        people.compare(policy)
    if errors is not None and people.faulty:
        names, rows = people.rejected()
        output.write_rows(rows, names, people.rejects_as, errors, overwrite=overwrite)
    change = people.changeset(policy, allow_last_member=allow_last_member)
    out.apply(change, confirm)
