"""The commands of `chatctl seeds`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import actions
import seeds
from cli import output, views
from cli.group import Options, part
from cli.output import reports, text
from cli.params import Confirm, LinesOut, Out, Overwrite, PlanOut, TestsOut, To
from database.errors import UsageError
from database.wording import counted

if TYPE_CHECKING:
    from seeds.seed import Seed

app = part()


def read_path(text: str) -> Path:
    """Parse a path. Refuse an empty path, which often comes from an unset shell variable."""
    if not text:
        raise typer.BadParameter("a path cannot be empty")
    return Path(text)


Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH...",
        parser=read_path,
        help="Seed files or folders.  [default: the built-in seed]",
        show_default=False,
    ),
]


class PlanOptions(Options):
    """Options that allow a plan to delete roles and permissions, or to give protected roles to more users."""

    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what this seed created earlier and no longer contains.")
    ] = False
    allow_members: Annotated[
        bool, typer.Option("--allow-members", help="With --prune, also delete roles that have members.")
    ] = False
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Also give protected roles to users that this seed did not create.")
    ] = False


@app.command(example="chatctl seeds validate seeds/")
def validate(out: LinesOut, paths: Paths = None) -> None:
    """Check seed files and show all their faults. This needs no database."""
    seed = _read(out, "validate", paths)
    counts = {"permission": len(seed.permissions), "role": len(seed.roles), "user": len(seed.users)}
    document = {"seed": seed.name, **{f"{noun}s": number for noun, number in counts.items()}}
    if seed.retention:
        counts["retention rule"] = document["retentionRules"] = len(seed.retention)
    summary = ", ".join(counted(number, noun) for noun, number in counts.items())
    out.document(document, [f"valid: {summary}"])


@app.command(example="chatctl seeds plan seeds/ --exit-code")
def plan(
    out: PlanOut,
    paths: Paths = None,
    *,
    options: PlanOptions,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with code 1 if something would change.")] = False,
    to: To = None,
    overwrite: Overwrite = False,
) -> None:
    """Show what seeds apply would change. Nothing is written."""
    planned = _planned(out, "plan", paths, options)
    if to is not None:
        output.write_file(seeds.saved_plans.dump(planned), to, overwrite=overwrite)
    if to != "-" and not reports.publish(out.form, lambda: reports.of_plan(planned)):
        with out.paged():
            out.document(planned.document(), planned.lines())
    if exit_code and planned.differs:
        raise typer.Exit(1)


@app.command(example="chatctl seeds apply seeds/ --reason 'roles of the spring release'")
def apply(
    out: Out,
    paths: Paths = None,
    *,
    saved: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", parser=read_path, help="Apply exactly this saved plan.")
    ] = None,
    options: PlanOptions,
    confirm: Confirm,
) -> None:
    """Change the database to match the seed, completely or not at all."""
    if saved and (paths or any(vars(options).values())):
        raise UsageError(
            "a saved plan already contains its seed and its options",
            "use --plan only, or make a new plan",
        )
    if saved:
        planned = seeds.saved_plans.load(actions.plan_files.read(str(saved), sys.stdin.buffer))
    else:
        planned = _planned(out, "apply", paths, options)
    out.apply(planned.changeset, confirm)


def _planned(out: output.Output, command: str, paths: list[Path] | None, options: PlanOptions) -> "seeds.planning.Plan":
    return seeds.planning.plan(_read(out, command, paths), seeds.planning.Options(**vars(options)))


def _read(out: output.Output, command: str, paths: list[Path] | None) -> "Seed":
    """Read the seed file. Without a path, read the built-in seed, and print a note if the working folder has seeds too.

    In CI, where nobody reads the note, `apply` is refused instead, except on the embedded database.
    """
    if not paths and (here := seeds.reading.here()):
        from database import connection

        own = text.quoted(["chatctl", "seeds", command, *here])
        if command == "apply" and os.environ.get("CI") and not connection.target().local:
            raise UsageError("PATH is required in CI, because the working folder has seed files", own)
        out.note(f"No PATH: using the seed that ships with chatctl. To use the seeds here: {own}")
    return seeds.reading.read(paths or [])


@app.command(example="chatctl seeds export --to roles.yaml")
def export(*, to: To = None, overwrite: Overwrite = False) -> None:
    """Write the roles and permissions of the database as a seed."""
    exported = seeds.exporting.export()
    output.write_file(exported.text, "-" if to is None else to, overwrite=overwrite)
    for note in exported.notes:
        output.say(note)


@app.command("test", example="chatctl seeds test seeds/ --live")
def run_tests(
    out: TestsOut,
    paths: Paths = None,
    *,
    live: Annotated[bool, typer.Option("--live", help="Test the database instead of the seed files.")] = False,
) -> None:
    """Run the tests of a seed. If one fails, the exit code is 1."""
    assertions = seeds.reading.run(_read(out, "test", paths), live=live)
    if not reports.publish(out.form, lambda: reports.of_tests(assertions)):
        _print(out, assertions)
    failed = sum(not assertion.passed for assertion in assertions)
    out.note(f"{len(assertions) - failed:,} passed, {failed:,} failed")
    if failed:
        if out.form != "json":
            reports.annotate([*reports.faults_of(assertions)])
        raise typer.Exit(1)


def _print(out: output.Output, assertions: Sequence["seeds.reading.Assertion"]) -> None:
    """Print the test results. For people, each test is a line. A failed test has its place in the file."""
    if not out.for_people:
        out.items([one._asdict() for one in assertions], views.ASSERTIONS)
        return
    out.lines(
        f"PASS  {one.role} {one.expected} {one.permission}" if one.passed else f"FAIL  {one.place}: {one.message}"
        for one in assertions
    )


@app.command(example="chatctl seeds schema > seed.schema.json")
def schema() -> None:
    """Print the JSON Schema of seed files, for editors."""
    output.show_json(seeds.schema.SCHEMA)
