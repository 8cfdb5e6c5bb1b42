"""Write reports for CI: Markdown for comments, JUnit XML for test results, and output for GitHub Actions.

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
"""The severity of a fault that is only information. Such a fault does not make a check fail."""

# Matches the characters that XML does not allow, not even as character references.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Case(NamedTuple):
    """One test of a report. `failure` is the reason if the test failed. `note` is information about a passed test."""

    group: str
    name: str
    failure: str | None = None
    note: str | None = None
    file: str | None = None
    line: str | None = None


class Report(NamedTuple):
    """The result of a command, as Markdown and as a list of tests."""

    title: str
    markdown: str
    cases: Sequence[Case] = ()


def publish(form: str, make: Callable[[], Report]) -> bool:
    """Print a report if the output format is Markdown or JUnit. Return whether a report was printed.

    In a job of GitHub Actions, the report is also added to the step summary. `make` is called only if the report is
    needed.
    """
    printed = form in {MARKDOWN, JUNIT}
    if printed or streams.on_github():
        report = make()
        if streams.on_github():
            _add_to_summary(report.markdown, quiet=form == "json")
        if printed:
            streams.write(report.markdown if form == MARKDOWN else _junit(report))
    return printed


def of_plan(plan: "Plan") -> Report:
    """Make the report of `seeds plan`: the changes that a seed would make in the database."""
    *lines, total = map(text.safe, plan.lines())
    changes: list[list[str]] = []
    for line in lines:
        if line[:1].isspace() and changes:
            changes[-1].append(line)
        else:
            changes.append([line])
    # A long report is cut at its end, so the new permissions, which matter least, come last.
    changes.sort(key=lambda change: change[0].startswith("+ permission "))
    block = f"{markdown.diff([*chain.from_iterable(changes)])}\n" if lines else ""
    return Report("seeds plan", f"### chatctl seeds plan: {_database()}\n\n{block}{markdown.text(total)}\n")


def of_proposal(row: Mapping[str, Any], lines: Iterable[str]) -> Report:
    """Make the report of a proposal for its reviewer.

    It says who proposes which changes and why, and which data has changed since the proposal was made.
    """
    return of_changes(f"proposals show {row['id']}", row, lines, ("by", "at", "reason", "state"))


def of_changes(title: str, row: Mapping[str, Any], lines: Iterable[str], facts: Sequence[str] = ()) -> Report:
    """Make the report of a plan for its reviewer: what it would change, and what has changed since it was made."""
    what = markdown.code(text.safe(row["command"]))
    more = [*((name, text.cell(row[name])) for name in facts), *(("note", one) for one in row["notes"])]
    more += [("moved since", one) for one in row["moved"]]
    listed = "".join(f"- {name}: {markdown.code(text.safe(value))}\n" for name, value in more)
    block = markdown.diff(map(text.safe, lines))
    head = f"### chatctl {title}: {_database()}"
    return Report(title, f"{head}\n\n{what}\n\n{listed}\n{block}\n{markdown.text(', '.join(row['summary']))}\n")


def of_retention(rows: Sequence[Mapping[str, Any]]) -> Report:
    """Make the report of `retention plan`: what is due by each rule."""
    keys = ("name", "action", "due", "of", "before", "oldest", "held")
    cells = [[markdown.code(text.safe(text.cell(row[key]))) for key in keys] for row in rows]
    table = markdown.table(("rule", *keys[1:]), cells)
    return Report("retention plan", f"### chatctl retention plan: {_database()}\n\n{table}")


def of_tests(assertions: Sequence["Assertion"]) -> Report:
    """Make the report of `seeds test`: the failed tests of a seed, and the numbers of passed and failed tests."""
    failed = [one for one in assertions if not one.passed]
    rows = [[markdown.code(text.safe(cell)) for cell in (one.place, str(one.message))] for one in failed]
    body = f"{len(assertions) - len(failed):,} passed, {len(failed):,} failed\n"
    if failed:
        body += "\n" + markdown.table(("FAIL", "why"), rows)
    return Report("seeds test", f"### chatctl seeds test\n\n{body}", [*map(_case, assertions)])


def of_check(rows: Sequence[Mapping[str, Any]], rules: Iterable[str]) -> Report:
    """Make the report of `db check`: the faults in the database. Each checked rule is one test."""
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
    """In a job of GitHub Actions, print a line for each fault of a file. GitHub calls such a line an annotation.

    GitHub reads these lines from the output of the job, and shows each fault at its place in the changed file. If there
    are no faults but a `message`, print one line with the message.
    """
    if streams.on_github():
        if message and not faults:
            _annotate("::error", message)
        for fault in faults:
            place = zip(("file", "line", "col"), (_in_checkout(fault.file), *fault[1:3]), strict=True)
            words = [f"{name}={text.safe(_property(str(value)))}" for name, value in place if value is not None]
            _annotate(f"::error {','.join(words)}", fault.message)


def _annotate(command: str, message: str) -> None:
    """Print a line that is a command for GitHub Actions. The function `say` would escape this command."""
    streams.say(streams.encodable(f"{command}::{_data(text.safe(message))}", sys.stderr))


def faults_of(assertions: Iterable["Assertion"]) -> Iterator[Fault]:
    """Yield a fault for each failed test of a seed, with the place of the test in the seed file."""
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
    """Append a report to the step summary of GitHub Actions. If this fails, print a warning, unless `quiet` is true."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    try:
        if path:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"\n{report}\n")  # the text of an earlier step may end without a line end
    except (OSError, ValueError):
        if not quiet:
            say("warning: the summary for GitHub Actions (GITHUB_STEP_SUMMARY) could not be written")


def _in_checkout(file: str) -> str:
    """Return the path of a file relative to the folder of the checkout, as GitHub expects it in annotations."""
    folder = os.environ.get("GITHUB_WORKSPACE")
    path = os.path.relpath(file, folder) if folder else file
    return file if path.startswith(os.pardir) else path


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def _junit(report: Report) -> str:
    """Return the tests of a report as JUnit XML. All times are 0, because the time of a single test is not measured."""
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
    """Escape the control characters of a text. Replace the characters that XML does not allow."""
    return _NOT_XML.sub("\ufffd", text.safe(value, lines=True))
