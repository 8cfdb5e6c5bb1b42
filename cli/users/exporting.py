"""The command `chatctl users export`: it writes users to a file."""

from typing import Annotated, Final

import typer

import actions
from cli import output
from cli.group import part
from cli.params import Overwrite, To, file_format, format_of
from cli.users.reading import Filters
from database.prefetch import prefetched

app = part()

FORMATS: Final = ("csv", "json", "ndjson", "yaml")


@app.command(example="chatctl users export --role support --to support.csv")
def export(
    *,
    filters: Filters,
    with_password_hashes: Annotated[
        bool, typer.Option("--with-password-hashes", help="Include password hashes. Keep the file secret.")
    ] = False,
    form: Annotated[str | None, file_format(FORMATS)] = None,
    to: To = None,
    overwrite: Overwrite = False,
) -> None:
    """Write users to a file for chatctl users import. Filters are combined with AND."""
    from cli.output.progress import with_progress

    written = format_of(form, to, FORMATS)
    found, columns = actions.users.export(
        actions.users.Filters(**vars(filters)), with_password_hashes=with_password_hashes, in_cells=written == "csv"
    )
    rows = prefetched(found.rows())
    if to not in {None, *output.STANDARD_OUTPUT}:
        rows = with_progress(rows, found.count)
    output.write_rows(rows, columns, written, to or "-", overwrite=overwrite)
