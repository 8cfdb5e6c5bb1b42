"""The command `chatctl users export-data`: it writes all stored data of a person to a zip file."""

from typing import Annotated

import typer

import actions
from cli import output
from cli.group import Revealing, part
from cli.output import masking
from cli.params import LinesOut, Overwrite, ToZip, User
from database.errors import UsageError

app = part()


@app.command("export-data", example="chatctl users export-data ada --to ada.zip", cls=Revealing)
def export_data(
    user: User,
    out: LinesOut,
    *,
    to: ToZip,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Include the names of other people; otherwise they are numbered.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write all stored data of a person to a zip file.

    The file is for that person. It has their own data and messages as JSON and as an HTML page. It has no password
    hashes, no tokens, and nothing that other people wrote.
    """
    from cli.users import personal_zip

    data = actions.users.export_data(user, with_names=with_names)
    show = (lambda row: row) if out.may_show_bodies(data.id) else masking.masked_message
    with output.opened(to, overwrite=overwrite) as file:
        if file.isatty():
            raise UsageError("cannot write a zip to the terminal", "add --to FILE")
        counts = personal_zip.write(data, file, show)
    summary = personal_zip.summary(data.label, counts)
    if to in output.STANDARD_OUTPUT:
        out.note(summary)
    else:
        out.document({"id": data.id, "to": to, **counts}, [f"{summary}, written to {to}"])
