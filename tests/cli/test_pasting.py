"""Commands that chatctl prints repeat the option that chose the database, so that a user can paste the commands."""

import json
import shlex
from pathlib import Path

import pytest

from cli.invocation import on_same_database
from tests.conftest import Chatctl


@pytest.mark.parametrize(
    "given",
    [(), ("--context", "here"), ("--context=here",), ("--env-file", "my file"), ("--url", "URL")],
    ids=" ".join,
)
def test_a_printed_command_works_when_it_is_pasted(
    chatctl: Chatctl, url: str, workspace: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...]
) -> None:
    if given:
        monkeypatch.delenv("MONGODB_DATABASE_URL")
    (workspace / "my file").write_text(f"MONGODB_DATABASE_URL={url}")
    chatctl("context", "add", "here", "--url", url)
    options = [url if word == "URL" else word for word in given]
    repeated = "".join(f"{shlex.quote(part)} " for word in options for part in word.split("="))

    undo = chatctl(*options, "roles", "create", "intern").stderr.splitlines()[-1]
    hint = chatctl("roles", "create", *options, "intern", code=4).stderr.splitlines()[-1]
    said = json.loads(chatctl("roles", *options, "create", "intern", "-o", "json", code=4).stderr)
    assert undo.startswith(f"undo: chatctl {repeated}audit undo ")
    assert hint == f"hint: see chatctl {repeated}roles list"
    assert said["error"]["hint"] == hint.removeprefix("hint: ")
    pasted = hint.partition("chatctl ")[2], undo.partition("chatctl ")[2] + " --yes"
    outcome = [chatctl(*shlex.split(line)).stdout for line in pasted]
    assert "intern" in outcome[0]
    assert "undone" in outcome[1]


def test_the_command_printed_after_a_page_prints_the_next_page(
    chatctl: Chatctl, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chatctl("permissions", "create", "a.read", "b.read", "c.read")
    monkeypatch.delenv("MONGODB_DATABASE_URL")
    line = f"--url {url} permissions list --limit 1 --sort name"
    seen = []
    while line:
        page = chatctl(*shlex.split(line))
        seen.append(page.stdout.splitlines()[1].split()[1])
        line = page.stderr.partition("next page: chatctl ")[2]
    assert seen == ["a.read", "b.read", "c.read"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--url", "mongodb://ada:secret@h/d", "users", "show", "x"], "see chatctl --url URL users list"),
        (
            ["--url", "mongodb://h/d?tlsCertificateKeyFilePassword=x", "users", "show", "x"],
            "see chatctl --url URL users list",
        ),
        (["roles", "show", "context", "--local"], "see chatctl --local users list"),
        (["users", "show", "--local", "x"], "see chatctl --local users list"),
        (["users", "show", "--", "--local"], "see chatctl users list"),
        (["context", "add", "live", "--url", "mongodb://h/d"], "see chatctl users list"),
        ([], "see chatctl users list"),
    ],
)
def test_only_options_that_name_the_database_are_repeated_and_no_password(given: list[str], said: str) -> None:
    assert on_same_database("see chatctl users list", given) == said
    assert on_same_database("of chatctl itself, see chatctl --help", given) == "of chatctl itself, see chatctl --help"
