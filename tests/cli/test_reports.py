"""In the reports for CI (Markdown, JUnit, annotations of GitHub), no text of a user acts as a command."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from people import BEGAN, Documents, conversation, person
from planting import settle

from cli.output import markdown, reports
from cli.output.text import safe
from database import connection
from seeds.reading import Assertion
from tests.conftest import Chatctl

READER = MarkdownIt("gfm-like")


@pytest.fixture(autouse=True)
def shop(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose a database, because some tests make a report without a command."""
    monkeypatch.setenv("MONGODB_DATABASE_URL", "mongodb://localhost/shop")
    connection.choose()


HOSTILE = (
    "@everyone #1 GH-1 owner/repo#2 deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "[a](javascript:alert(1)) ![a](http://x) <script>alert(1)</script> &lt; www.x.org a@b.org",
    "a|b|c\\|d\\\\|e `|` |",
    "```\n+ swallowed\n````",
    "`a` ``b`` ` `",
    "| a |\n|---|",
    "</details> <!-- x -->",
    "\x1b[31m\u202e\0\ufffe\ud800 \t",
    "::error::x",
)
hostile = st.one_of(st.text(min_size=1), st.text("\\`|*_[]()<>#@&+-~! \nwa1", min_size=1), st.sampled_from(HOSTILE))
SEED = """\
version: 1
seed: team
permissions: [report.read, report.write]
roles:
  - name: reporter
    permissions: [report.read]
tests:
  - role: reporter
    can: [report.read, report.write]
    cannot: [report.write]
"""
FAIL = '"reporter" cannot report.write; expected: can'


@pytest.fixture
def seed(workspace: Path) -> Path:
    path = workspace / "team.yaml"
    path.write_text(SEED)
    return path


@pytest.fixture
def on_github(monkeypatch: pytest.MonkeyPatch, workspace: Path) -> Path:
    """Set the environment of a step in GitHub Actions. Return the file of the step summary."""
    summary = workspace / "summary.md"
    for name, value in {"ACTIONS": "true", "STEP_SUMMARY": summary, "WORKSPACE": workspace}.items():
        monkeypatch.setenv(f"GITHUB_{name}", str(value))
    return summary


def failed(role: str, permission: str, place: str = "seeds/a.yaml:3:7") -> Assertion:
    return Assertion(role, "can", permission, passed=False, place=place, message=f"{role} cannot {permission}")


def finding(value: str) -> dict[str, Any]:
    example = {"collection": "User", "id": value, "field": "status", "value": value, "fix": f"chatctl users {value}"}
    return {"rule": "unknown-status", "severity": "E", "count": 1, "examples": [example], "effect": "fails"}


def texts(source: str) -> list[str]:
    """Return the text of each code span and code block of a report. Links, images and HTML are errors."""
    found = []
    for block in READER.parse(source):
        for token in block.children or [block]:
            kind = token.type.removesuffix("_open").removesuffix("_close")
            ours = {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item"}
            assert kind in ours | {"text", "code_inline", "softbreak", "hardbreak", "fence", "inline"}, (kind, source)
            if kind in {"code_inline", "fence"}:
                found.append(token.content)
    return found


@given(hostile)
def test_any_text_in_a_table_or_a_list_is_shown_as_code(value: str) -> None:
    shown = safe(value)
    cells = texts(markdown.table(("a", "b"), [[markdown.code(shown), "x"]]))
    assert "|".join(cells).replace(" ", "") == "|".join(part for part in shown.split("|") if part).replace(" ", "")
    texts(f"- {markdown.code(shown)}\n")


@given(hostile, hostile)
def test_no_text_of_a_seed_or_database_is_read_as_markdown_in_a_comment(first: str, second: str) -> None:
    assert texts(reports.of_tests([failed(first, second)]).markdown)
    assert texts(reports.of_check([finding(first)], ["unknown-status"]).markdown)


@given(st.lists(hostile, max_size=4))
def test_no_name_can_end_the_code_block_of_a_plan(names: list[str]) -> None:
    class Plan:
        def lines(self) -> Iterator[str]:
            yield from (f"+ role {name}" for name in names)
            yield "Plan: create roles."

    [*blocks] = texts(reports.of_plan(Plan()).markdown)  # type: ignore[arg-type]
    assert blocks == ["shop", *["".join(f"+ role {safe(name)}\n" for name in names)] * bool(names)]


def test_each_line_of_a_plan_begins_with_its_sign() -> None:
    lines = ["~ role a", "    was b", "    + x - y", "    - z", "    2 users lose z"]
    assert markdown.diff(lines) == "```diff\n! role a\n    was b\n+     x - y\n-     z\n    2 users lose z\n```\n"


def test_a_long_report_fits_a_comment_and_says_how_much_is_missing() -> None:
    many = [failed("reporter", f"permission.{number}") for number in range(5_000)]
    for report in (
        reports.of_tests(many).markdown,
        reports.of_check([{**finding("x"), "examples": finding("x")["examples"] * 5_000}], []).markdown,
        markdown.diff([f"+ permission {number}" for number in range(50_000)]),
    ):
        assert 40_000 < len(report) < 65_536
        assert re.search(r"… [\d,]+ more lines", report)


@given(st.lists(st.tuples(hostile, hostile), max_size=3))
def test_any_name_makes_valid_xml(names: list[tuple[str, str]]) -> None:
    written = reports._junit(reports.of_tests([failed(*name) for name in names]))
    root = ET.fromstring(written)  # noqa: S314
    assert root.get("failures") == root.get("tests") == str(len(names))
    read = [case.get("classname") for case in root.iter("testcase")]
    assert read == [reports._xml(role) for role, _ in names]


def test_the_junit_report_has_a_test_for_each_test_of_a_seed(chatctl: Chatctl, seed: Path) -> None:
    done = chatctl("seeds", "test", "team.yaml", "-o", "junit", code=1)
    root = ET.fromstring(done.stdout)  # noqa: S314
    assert [(root.tag, root.get("tests"), root.get("failures"))] == [("testsuites", "3", "1")]
    cases = [(one.get("classname"), one.get("name"), one.get("file"), one.get("line")) for one in root.iter("testcase")]
    assert cases == [
        ("reporter", "can report.read", "team.yaml", "9"),
        ("reporter", "can report.write", "team.yaml", "9"),
        ("reporter", "cannot report.write", "team.yaml", "10"),
    ]
    assert [one.get("message") for one in root.iter("failure")] == [f"team.yaml:9:24: {FAIL}"]
    assert done.stderr == "2 passed, 1 failed\n"


def test_a_failed_test_says_where_it_is(chatctl: Chatctl, seed: Path) -> None:
    assert chatctl("seeds", "test", "team.yaml", code=1).stdout.splitlines() == [
        "PASS  reporter can report.read",
        f"FAIL  team.yaml:9:24: {FAIL}",
        "PASS  reporter cannot report.write",
    ]
    assert chatctl("seeds", "test", "team.yaml", "-o", "markdown", code=1).stdout == (
        f"### chatctl seeds test\n\n2 passed, 1 failed\n\n| FAIL | why |\n|---|---|\n| `team.yaml:9:24` | `{FAIL}` |\n"
    )


def test_a_plan_is_printed_as_a_markdown_comment(chatctl: Chatctl, seed: Path, name: str) -> None:
    planned = chatctl("seeds", "plan", "team.yaml", "-o", "markdown").stdout
    assert planned == (
        f"### chatctl seeds plan: `{name}`\n\n```diff\n+ role reporter\n+     report.read\n"
        "+ permission report.read\n+ permission report.write\n```\n\nPlan: create 2 permissions, 1 role.\n"
    )
    chatctl("seeds", "apply", "team.yaml")
    planned = chatctl("seeds", "plan", "team.yaml", "-o", "markdown", "--exit-code").stdout
    assert planned == f"### chatctl seeds plan: `{name}`\n\nNo changes.\n"


def test_a_check_is_printed_as_a_markdown_comment_and_as_junit(
    chatctl: Chatctl, database: Documents, name: str
) -> None:
    ada = settle(database)["ada"]
    line = ("db", "check", "--rule", "unknown-status", "--rule", "foreign-seen")
    assert chatctl(*line, "-o", "markdown").stdout == f"### chatctl db check: `{name}`\n\nNo fault was found.\n"
    database["User"].update_one({"_id": ada}, {"$set": {"status": "@all"}})
    written = chatctl(*line, "-o", "markdown", code=1).stdout
    assert (
        "| E | `unknown-status` | 1 | The application cannot load this user, or any list that contains this user."
        in written
    )
    assert f"- `unknown-status`: `User {ada} status: @all`\\\n  to do: `chatctl users reinstate id:{ada}" in written
    root = ET.fromstring(chatctl(*line, "-o", "junit", code=1).stdout)  # noqa: S314
    assert [(one.get("name"), len(one)) for one in root.iter("testcase")] == [
        ("unknown-status", 1),
        ("foreign-seen", 0),
    ]


def test_a_fault_that_is_only_information_is_a_passed_test(chatctl: Chatctl, database: Documents) -> None:
    ids = settle(database)
    database["Message"].update_one({"_id": ids["one"]}, {"$push": {"seenIds": ids["alan"]}})
    database["User"].update_one({"_id": ids["alan"]}, {"$push": {"seenMessageIds": ids["one"]}})
    root = ET.fromstring(chatctl("db", "check", "-o", "junit").stdout)  # noqa: S314
    assert root.get("failures") == "0"
    assert [case.get("name") for case in root.iter("testcase") if case.find("system-out") is not None] == [
        "foreign-seen"
    ]


@pytest.mark.parametrize("line", [("seeds", "validate"), ("seeds", "plan"), ("seeds", "test")])
def test_faults_of_a_file_are_annotations_on_github(
    chatctl: Chatctl, seed: Path, on_github: Path, line: tuple[str, ...]
) -> None:
    wrong = seed.rename(seed.with_name("50%,a:b.yaml"))
    wrong.write_text(SEED.replace("name: reporter", "name: 'reporter\\n::warning::x'").replace("tests:", "test:"))
    done = chatctl(*line, wrong.name, code=5)
    told = [one for one in done.stderr.splitlines() if "::" in one.partition("yaml")[0]]
    assert all(one.startswith("::error file=50%25%2Ca%3Ab.yaml,line=") for one in told)
    assert len(told) == sum(one.startswith(f"{wrong.name}:") for one in done.stderr.splitlines()) > 0
    assert done.stdout == ""
    assert "::error" not in chatctl(*line, wrong.name, "-o", "json", code=5).stderr
    assert "::error" not in chatctl(*line, wrong.name, code=5, env={"GITHUB_ACTIONS": "false"}).stderr


def test_a_failed_test_is_an_annotation_on_github_named_from_the_checkout(
    chatctl: Chatctl, seed: Path, on_github: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = seed.parent / "below"
    folder.mkdir()
    monkeypatch.chdir(folder)
    done = chatctl("seeds", "test", "../team.yaml", code=1)
    assert done.stderr.splitlines()[-1] == f"::error file=team.yaml,line=9,col=24::{FAIL}"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    done = chatctl("seeds", "test", "../team.yaml", code=1)
    assert done.stderr.splitlines()[-1] == f"::error file=../team.yaml,line=9,col=24::{FAIL}"


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_plan_test_and_check_add_to_the_summary_on_github(
    chatctl: Chatctl, seed: Path, on_github: Path, form: str
) -> None:
    on_github.write_text("before")  # the text has no line end
    for line in (("seeds", "plan", seed), ("seeds", "test", seed), ("db", "check", "--rule", "unknown-status")):
        chatctl(*line, "-o", form, code=None)
    headings = [line for line in on_github.read_text().splitlines() if line.startswith(("before", "###"))]
    assert [line.partition(":")[0] for line in headings] == [
        "before",
        "### chatctl seeds plan",
        "### chatctl seeds test",
        "### chatctl db check",
    ]


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (("roles", "show", "nobody"), 3, 'no role "nobody"'),
        (("roles", "list", "--expect", "other"), 7, "the target database is "),
        (("roles", "list", "--sort", "x"), 2, 'cannot sort by "x"'),
    ],
)
@pytest.mark.usefixtures("on_github")
def test_an_error_without_a_file_is_an_annotation_too(
    chatctl: Chatctl, line: tuple[str, ...], code: int, message: str
) -> None:
    said = chatctl(*line, code=code).stderr.splitlines()
    assert [one for one in said if one.startswith(f"::error::{message}")]
    assert not [one for one in chatctl(*line, "-o", "json", code=code).stderr.splitlines() if one.startswith("::")]


REGISTERED = ("error", "add-mask")
"""Two of the commands that the runner of GitHub Actions obeys."""


def obeyed(said: str) -> list[str]:
    """Return the lines that the runner obeys: `::NAME …::` at the beginning, or the first `##[NAME …]` anywhere."""
    names = "|".join(REGISTERED)
    found = re.compile(rf"\s*::({names})( [^:]*)?::|((?!##\[).)*##\[({names})( [^\]]*)?\]")
    return [line for line in said.splitlines() if found.match(line)]


@pytest.mark.usefixtures("on_github")
@pytest.mark.parametrize(
    "command", ["::error::pwned", "a ##[error]pwned", "  ::add-mask::a", "##[add-mask]a\n::error::b"]
)
def test_names_of_users_are_never_read_as_commands_of_github_actions(
    chatctl: Chatctl, database: Documents, command: str
) -> None:
    ada, bob = (person(database, other, name=command) for other in (command, "bob"))
    place = conversation(database, ada, bob, name=command)
    database["Message"].insert_one(
        {"conversationId": place, "senderId": ada, "createAt": BEGAN, "body": f"x\n{command}"}
    )
    [message] = database["Message"].distinct("_id")
    database["Role"].insert_one({"name": command, "userIds": [ada], "permissionsIds": []})
    for line in (
        *(("users", "list", *form) for form in ((), ("--columns", "name"), ("-o", "json"), ("-o", "ndjson"))),
        ("users", "show", ada, "-o", "yaml"),
        ("users", "suspend", ada),
        ("users", "suspend", ada, "-n"),
        ("users", "suspend", ada, "--yes", "--reason", command),
        ("users", "suspend", ada),
        ("users", "show", command.strip()),
        ("roles", "matrix"),
        ("roles", "show", command, "-o", "json"),
        ("audit", "list"),
        ("audit", "list", "-o", "yaml"),
        ("conversations", "show", place),
        *(("conversations", "transcript", place, "-o", form) for form in ("text", "markdown", "html", "json")),
        ("messages", "show", message),
        ("messages", "search", command.rsplit(maxsplit=1)[-1]),
        ("db", "check"),
        ("db", "check", "-o", "markdown"),
        ("db", "check", "-o", "junit"),
    ):
        done = chatctl(*line, code=None)
        mine = [] if done.code in {0, 1} else [f"::error::{done.stderr.split('error: ')[1].splitlines()[0]}"]
        assert obeyed(done.stdout + done.stderr) == mine, done
    values = {form: chatctl("users", "list", "-o", form).stdout for form in ("json", "ndjson", "yaml")}
    rows = json.loads(values["json"])
    assert [row["name"] for row in rows] == [command, command]
    assert rows == yaml.safe_load(values["yaml"]) == [json.loads(line) for line in values["ndjson"].splitlines()]


def test_a_plan_has_new_permissions_last(chatctl: Chatctl, workspace: Path) -> None:
    (workspace / "seed.yaml").write_text(
        "version: 1\npermissions: [user.read]\nroles: [{name: boss, permissions: []}]\n"
    )
    lines = chatctl("seeds", "plan", "seed.yaml", "-o", "markdown").stdout.splitlines()
    signed = [line for line in lines if line.startswith("+ ")]
    assert [line.split()[1] for line in signed] == ["role", "permission"]


def test_a_summary_that_cannot_be_written_stops_nothing(
    chatctl: Chatctl, seed: Path, on_github: Path, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    os.mkfifo(workspace / "pipe")
    planned = chatctl("seeds", "plan", seed).stdout
    for path in (workspace, workspace / "none" / "x", workspace / "pipe", "/dev/full"):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
        done = chatctl("seeds", "plan", seed)
        assert (done.stdout, done.stderr) == (
            planned,
            "warning: the summary for GitHub Actions (GITHUB_STEP_SUMMARY) could not be written\n",
        )
        assert chatctl("seeds", "plan", seed, "-o", "json").stderr == ""
    for path in ("", None):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", "") if path == "" else monkeypatch.delenv("GITHUB_STEP_SUMMARY")
        assert chatctl("seeds", "plan", seed).stderr == ""


def test_outside_github_actions_no_summary_is_written(chatctl: Chatctl, seed: Path, on_github: Path) -> None:
    chatctl("seeds", "plan", seed, env={"GITHUB_ACTIONS": ""})
    assert not on_github.exists()
