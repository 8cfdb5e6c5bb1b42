"""Reports for CI: Markdown for a comment, JUnit XML for a list of tests, and what GitHub Actions shows by itself.

Start reading at `publish`.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cli.output import markdown, say, streams, text
from database.errors import Fault

if TYPE_CHECKING:
    from seeds.planning import Plan
    from seeds.reading import Assertion

MARKDOWN: Final = "markdown"
JUNIT: Final = "junit"
INFORMATION: Final = "I"
"""The severity of what is worth knowing and no failure."""

# XML has no way to write these, not even as references.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Case(NamedTuple):
    """One test of a report. `failure` says why it failed, `note` what is worth knowing of one that passed."""

    group: str
    name: str
    failure: str | None = None
    note: str | None = None
    file: str | None = None
    line: str | None = None


class Report(NamedTuple):
    """What a command found, as Markdown and as a list of tests."""

    title: str
    markdown: str
    cases: Sequence[Case] = ()


def publish(form: str, make: Callable[[], Report]) -> bool:
    """Print a report if the format is one, and add it to the step summary of GitHub; return whether it was printed."""
    printed = form in {MARKDOWN, JUNIT}
    if printed or streams.on_github():
        report = make()
        if streams.on_github():
            _add_to_summary(report.markdown, quiet=form == "json")
        if printed:
            streams.write(report.markdown if form == MARKDOWN else _junit(report))
    return printed


def of_plan(plan: "Plan") -> Report:
    """Report what a seed would change in the database."""
    *lines, total = map(text.safe, plan.lines())
    changes: list[list[str]] = []
    for line in lines:
        if line[:1].isspace() and changes:
            changes[-1].append(line)
        else:
            changes.append([line])
    changes.sort(key=lambda change: change[0].startswith("+ permission "))  # a long report is cut at its end
    block = f"{markdown.diff([*chain.from_iterable(changes)])}\n" if lines else ""
    return Report("seeds plan", f"### chatctl seeds plan: {_database()}\n\n{block}{markdown.text(total)}\n")


def of_tests(assertions: Sequence["Assertion"]) -> Report:
    """Report the tests of a seed: those that failed, and how many passed."""
    failed = [one for one in assertions if not one.passed]
    rows = [[markdown.code(text.safe(cell)) for cell in (one.place, str(one.message))] for one in failed]
    body = f"{len(assertions) - len(failed):,} passed, {len(failed):,} failed\n"
    if failed:
        body += "\n" + markdown.table(("FAIL", "why"), rows)
    return Report("seeds test", f"### chatctl seeds test\n\n{body}", [*map(_case, assertions)])


def of_check(rows: Sequence[Mapping[str, Any]], rules: Iterable[str]) -> Report:
    """Report the faults of the database: each rule that was checked is a test."""
    found = {row["rule"]: row for row in rows}
    cases = [_checked(rule, found.get(rule)) for rule in rules]
    cells = (
        (row["severity"], markdown.code(row["rule"]), f"{row['count']:,}", markdown.text(row["effect"])) for row in rows
    )
    items, more = markdown.fitting([_item(row["rule"], example) for row in rows for example in row["examples"]])
    listed = "".join(f"{line}\n" for line in [*items, *([f"- {more}"] if more else [])])
    table = markdown.table(("severity", "rule", "count", "effect"), cells)
    body = f"{table}\n{listed}" if rows else "No fault was found.\n"
    return Report("db check", f"### chatctl db check: {_database()}\n\n{body}", cases)


def annotate(faults: Sequence[Fault], message: str = "") -> None:
    """Let GitHub show faults in the files of a change, or else a message: it reads these lines from a step's output."""
    if streams.on_github():
        if message and not faults:
            _annotate("::error", message)
        for fault in faults:
            place = zip(("file", "line", "col"), (_in_checkout(fault.file), *fault[1:3]), strict=True)
            words = [f"{name}={text.safe(_property(str(value)))}" for name, value in place if value is not None]
            _annotate(f"::error {','.join(words)}", fault.message)


def _annotate(command: str, message: str) -> None:
    """Print a line that GitHub obeys. `say` would escape it."""
    streams.say(streams.encodable(f"{command}::{_data(text.safe(message))}", sys.stderr))


def faults_of(assertions: Iterable["Assertion"]) -> Iterator[Fault]:
    """Yield the tests of a seed that failed as faults of its files."""
    for one in assertions:
        if not one.passed:
            file, line, column = one.place.rsplit(":", 2)
            yield Fault(file, int(line), int(column), str(one.message))


def _case(one: "Assertion") -> Case:
    file, line, _ = one.place.rsplit(":", 2)
    failure = None if one.passed else f"{one.place}: {one.message}"
    return Case(one.role, f"{one.expected} {one.permission}", failure, file=file, line=line)


def _checked(rule: str, row: Mapping[str, Any] | None) -> Case:
    if row is None:
        return Case("db check", rule)
    lines = [f"{row['count']:,}: {row['effect']}"]
    lines += [f"{text.fault_text(example)}\n  to do: {example['fix']}" for example in row["examples"]]
    said = "\n".join(lines)
    return Case("db check", rule, note=said) if row["severity"] == INFORMATION else Case("db check", rule, said)


def _item(rule: str, example: dict[str, Any]) -> str:
    shown, fix = (markdown.code(text.safe(one)) for one in (text.fault_text(example), example["fix"]))
    return f"- {markdown.code(rule)}: {shown}\\\n  to do: {fix}"


def _database() -> str:
    from database import connection

    return markdown.code(text.safe(connection.target().name))


def _add_to_summary(report: str, *, quiet: bool) -> None:
    """Append to the file that GitHub shows on the page of the run. A file that cannot be written stops nothing."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    try:
        if path:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"\n{report}\n")  # other text may end without a newline
    except (OSError, ValueError):
        if not quiet:
            say("warning: the step summary could not be written")


def _in_checkout(file: str) -> str:
    """Name a file as GitHub does: from the folder of the checkout, wherever the step runs."""
    folder = os.environ.get("GITHUB_WORKSPACE")
    path = os.path.relpath(file, folder) if folder else file
    return file if path.startswith(os.pardir) else path


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def _junit(report: Report) -> str:
    """Write the tests as JUnit XML, which CI systems read. Without times: those of single tests are not known."""
    from xml.etree import ElementTree as ET

    failed = sum(case.failure is not None for case in report.cases)
    counts = {"tests": str(len(report.cases)), "failures": str(failed), "errors": "0", "skipped": "0", "time": "0"}
    suites = ET.Element("testsuites", {"name": "chatctl", **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": report.title, **counts})
    for case in report.cases:
        about = {"classname": case.group, "name": case.name, "file": case.file, "line": case.line, "time": "0"}
        test = ET.SubElement(suite, "testcase", {name: _xml(value) for name, value in about.items() if value})
        if case.failure is not None:
            message = _xml(case.failure.partition("\n")[0])
            ET.SubElement(test, "failure", {"message": message, "type": "failure"}).text = _xml(case.failure)
        if case.note:
            ET.SubElement(test, "system-out").text = _xml(case.note)
    ET.indent(suites)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, "us-ascii", xml_declaration=False).decode()}\n'
    )


def _xml(value: str) -> str:
    """Show what a text would do on a terminal, and replace the characters that XML cannot have."""
    return _NOT_XML.sub("\ufffd", text.safe(value, lines=True))
