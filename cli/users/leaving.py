"""Commands for who wants their data, or wants to be gone."""

from typing import Annotated

import typer

import actions
from cli import output
from cli.group import part
from cli.params import LinesOut, Overwrite, User
from models.errors import UsageError

app = part()


@app.command("export-data", example="chatctl users export-data ada --to ada.zip")
def export_data(
    user: User,
    out: LinesOut,
    *,
    to: Annotated[
        str,
        typer.Option("--to", metavar="FILE", help="The zip, private to you; - is stdout.", show_default=False),
    ],
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Name other people; else they are numbered.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write all that is stored of a person into a zip, for them to have.

    It holds their own data and messages as JSON and as a page to read: no hash, no token, nothing that others wrote.
    """
    from cli.users import personal_data

    data = actions.users.export_data(user, with_names=with_names)
    with output.opened(to, overwrite=overwrite) as file:
        if file.isatty():
            raise UsageError("a zip is nothing for a terminal", "name a file with --to")
        counts = personal_data.write(data, file)
    said = personal_data.summary(data.label, counts)
    if to in output.STANDARD_OUTPUT:
        out.note(said)
    else:
        out.document({"id": data.id, "to": to, **counts}, [f"{said}, written to {to}"])
