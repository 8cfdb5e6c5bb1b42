"""Contexts, and the commands that a read-only context refuses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typed
from pymongo.database import Database

from database.own_collections import Marker, marker_document
from tests.cli.conftest import Process, Terminal
from tests.cli.test_app import HEAVY, run
from tests.conftest import Chatctl

SECRET = "hunter2"
NOWHERE = "mongodb://127.0.0.1:1/nowhere"
"""A URL at which no server listens. A command that reads from this database fails with exit code 6."""


@pytest.fixture
def bare(chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch) -> Chatctl:
    """Return `chatctl` without environment variables that name a database, and with a short time limit for servers."""
    monkeypatch.delenv("MONGODB_DATABASE_URL")
    monkeypatch.setattr("database.connection.MILLISECONDS_TO_FIND_A_SERVER", 50)
    return chatctl


def test_contexts_are_added_listed_used_shown_and_removed(bare: Chatctl) -> None:
    added = bare("context", "add", "live", "--url", f"mongodb://ada:{SECRET}@h:1/shop", "--read-only")
    assert added.stdout == "live: added\n"
    assert added.stderr == (
        "warning: other users of this machine can see a password in --url; remove --url to be asked for the URL\n"
        "to use it: add --context live to a command, or run chatctl context use live\n"
    )
    bare("context", "add", "dev", "--url-command", f"echo mongodb://u:{SECRET}@h/dev")
    assert bare("context", "use", "live").stdout == "live: current\n"
    assert bare("context", "use", "live").stdout == "live: unchanged\n"
    assert bare("context", "list").stdout.splitlines() == [
        "NAME  CURRENT  READ ONLY  DATABASE  SERVER  SOURCE       FROM",
        "live  yes      yes        shop      h:1     url",
        "dev   no       no                           url-command  echo mongodb://***@h/dev",
    ]
    row = {"name": "live", "current": True, "readOnly": True, "database": "shop", "server": "h:1", "source": "url"}
    assert json.loads(bare("context", "list", "-o", "json").stdout)[0] == row | {"from": None}
    assert json.loads(bare("context", "show", "-o", "json").stdout) == row | {"from": None, "problem": None}
    assert json.loads(bare("context", "show", "live", "-o", "json").stdout)["name"] == "live"
    removed = bare("context", "remove", "live")
    assert (removed.stdout, removed.stderr) == (
        "live: removed\n",
        "it was the current context; now no context is current\n",
    )
    assert bare("context", "show", code=3).stderr.startswith("error: no context is selected\n")


def test_programs_get_the_outcome_of_each_context_command(bare: Chatctl) -> None:
    def outcome(*args: str) -> Any:
        said = bare("context", *args, "-o", "json")
        assert said.stderr == ""
        return json.loads(said.stdout)

    for args, word in (
        (("add", "a", "--url-env", "A"), "added"),
        (("use", "a"), "current"),
        (("remove", "a"), "removed"),
    ):
        result = {"id": None, "ref": "a", "outcome": word}
        assert outcome(*args) == {"event": None, "changed": 1, "unchanged": 0, "results": [result]}
    bare("context", "add", "a", "--url-env", "A")
    bare("context", "use", "a")
    assert outcome("use", "a")["unchanged"] == 1


def test_a_context_without_its_source_gets_a_warning_and_wrong_input_is_refused(bare: Chatctl, workspace: Path) -> None:
    said = bare("context", "add", "env", "--url-env", "PROD").stderr
    assert said.startswith("warning: context env takes its URL from PROD, which is not set\n")
    said = bare("context", "add", "file", "--url-file", "url").stderr
    assert said.startswith(f"warning: the file of context file ({workspace / 'url'}) cannot be read: no such file")
    shown = bare("context", "show", "env").stdout.splitlines()
    assert shown[-1] == "PROBLEM    context env takes its URL from PROD, which is not set"
    bare("context", "add", "env", "--url-env", "PROD", code=4)
    bare("context", "add", "a b", "--url-env", "PROD", code=5)
    bare("context", "add", "--url-env", "PROD", "--", "-x", code=5)
    assert SECRET not in bare("context", "add", "x", "--url", f"mongodb://u:{SECRET}@h", code=5).stderr
    assert bare("context", "add", "x", "--url-env", "A", "--url-file", "b", code=2).stderr.startswith(
        "error: --url-env and --url-file cannot be combined\n"
    )
    assert bare("context", "add", "x", code=2).stderr == (
        "error: a URL is required\nhint: use one of --url, --url-env, --url-file, --url-command\n"
    )
    assert bare("context", "show", "evn", code=3).stderr.endswith('hint: did you mean "env"?\n')
    assert bare("context", "use", "\x1b[31m", code=3).stderr.startswith('error: no context "\\x1b[31m"\n')
    assert bare("roles", "list", code=6).stderr == (
        "error: no database is configured\n"
        "hint: use --context NAME, or choose a current context: chatctl context use NAME\n"
    )


def test_the_option_url_of_context_add_may_come_before_the_group(bare: Chatctl) -> None:
    said = bare("--url", f"mongodb://ada:{SECRET}@h/shop", "context", "add", "live")
    assert said.stderr.count("warning: ") == 1
    assert json.loads(bare("context", "show", "live", "-o", "json").stdout)["database"] == "shop"


def test_on_a_terminal_the_url_is_asked_for_and_hidden(terminal: Terminal) -> None:
    screen = terminal("context", "add", "live", answers={"URL: ": f" mongodb://ada:{SECRET}@h/shop\n"})
    assert (screen.code, SECRET in screen.text) == (0, False)
    assert "live: added\n" in screen.text
    assert "shop\n" in terminal("context", "show", "live").text
    assert terminal("context", "add", "none", answers={"URL: ": "\x04"}).code == 2
    assert terminal("context", "add", "none", answers={"URL: ": "\x03"}).code == 130


def test_the_option_context_is_accepted_anywhere_and_named_in_the_first_note(
    bare: Chatctl, url: str, name: str
) -> None:
    bare("context", "add", "test", "--url-command", f"sh -c 'echo {url}; echo told >&2'")
    for line in (["--context", "test", "roles", "create", "a"], ["roles", "create", "b", "--context=test"]):
        address = url.split("/")[2]
        assert bare(*line).stderr.startswith(f"changing {name} on {address} (context test)\n")
    assert bare("roles", "list", "--count", env={"CHATCTL_CONTEXT": "test"}).stdout == "2\n"
    status = json.loads(bare("db", "status", "--context", "test", "-o", "json").stdout)
    assert (status["source"], status["readOnly"]) == ("context test", False)


def test_the_standard_error_of_a_url_command_is_shown(process: Process) -> None:
    command = f"sh -c 'echo {NOWHERE}; echo told >&2; exit 1'"
    assert process("context", "add", "told", "--url-command", command).returncode == 0
    done = process("roles", "list", "--context", "told")
    assert done.returncode == 6
    assert done.stderr.decode().startswith("told\nerror: context told has a command that failed with exit code 1\n")


def test_a_broken_configuration_fails_only_commands_that_need_it(chatctl: Chatctl, workspace: Path) -> None:
    folder = workspace / ".config" / "chatctl"
    folder.mkdir(0o700, parents=True)
    (folder / "config.toml").write_text("[contexts")
    (folder / "config.toml").chmod(0o600)
    chatctl("roles", "create", "support")
    error = json.loads(chatctl("context", "list", "-o", "json", code=6).stderr)["error"]
    assert error["code"] == "not-configured"
    assert error["message"].startswith(f"{folder / 'config.toml'}:1: ")
    (folder / "config.toml").chmod(0o666)
    assert chatctl("context", "list", code=6).stderr.endswith(f"hint: chmod go-w {folder / 'config.toml'}\n")


def test_contexts_load_no_driver_and_are_not_read_if_a_variable_names_the_database(bare: Chatctl, url: str) -> None:
    assert run(["context", "list"], HEAVY)[1] == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONGODB_DATABASE_URL", url)
        assert run(["roles", "list"], ["database.contexts", "pymongo", "tomllib"])[1] == ["pymongo"]


# What a read-only context refuses


def test_every_command_that_writes_is_in_the_table_of_writes() -> None:
    assert {words for words, command in typed.commands() if typed.is_write(command)} == set(typed.WRITES)


@pytest.mark.parametrize("words", typed.WRITES)
def test_every_write_is_refused_in_a_read_only_context_before_anything_is_looked_up(
    bare: Chatctl, workspace: Path, words: str
) -> None:
    typed.lay_out(workspace)
    line = [*words.split(), *typed.WRITES[words]]
    bare("context", "add", "live", "--url", NOWHERE, "--read-only")
    for more in (["--yes"], ["--yes", "-o", "json"], []):
        said = bare(*line, *more, "--context", "live", code=7)
        assert said.stdout == ""
        assert "context live is read-only" in said.stderr


def test_dry_runs_work_in_a_read_only_context(bare: Chatctl) -> None:
    bare("context", "add", "live", "--url", NOWHERE, "--read-only")
    for line in (["users", "suspend", "ada", "--dry-run"], ["db", "indexes"]):
        assert bare(*line, "--context", "live", code=6).stderr.startswith("error: no server answers at 127.0.0.1:1\n")


@pytest.mark.parametrize("words", [words for words in typed.WRITES if words != "db unprotect"])
def test_every_write_in_the_table_would_change_something(
    chatctl: Chatctl, database: Database[dict[str, Any]], url: str, workspace: Path, words: str
) -> None:
    typed.lay_out(workspace)
    if words != "db generate":
        typed.settle(database)
    expected = "prod" if words == "db unprotect" else database.name
    if words == "db unprotect":
        database["chatctl_state"].insert_one(marker_document(Marker("prod", mask_bodies=False, audit_reads=False)))
    line = [*words.split(), *typed.WRITES[words], "-o", "json"]
    chatctl("context", "add", "live", "--url", url, "--read-only")
    assert json.loads(chatctl(*line, "--dry-run", "--context", "live").stdout)["changed"]
    chatctl(*line, "--yes", "--context", "live", code=7)
    assert not database["chatctl_audit"].count_documents({"command": {"$not": {"$regex": "^roles create temp"}}})
    assert json.loads(chatctl(*line, "--yes", "--expect", expected).stdout)["event"]


def test_reads_work_in_a_read_only_context(chatctl: Chatctl, database: Database[dict[str, Any]], url: str) -> None:
    typed.settle(database)
    chatctl("context", "add", "live", "--url", url, "--read-only")
    chatctl("context", "use", "live")
    for line in ("users list", "users show ada", "db indexes", "audit list", "roles matrix", "seeds validate"):
        chatctl(*line.split(), "--context", "live")
    assert re.search("^READ ONLY +yes$", chatctl("db", "status", "--context", "live").stdout, re.MULTILINE)


def test_a_write_is_refused_while_a_file_and_the_current_context_differ(
    bare: Chatctl, workspace: Path, url: str, name: str
) -> None:
    (workspace / ".env").write_text(f"MONGODB_DATABASE_URL={url}")
    bare("context", "add", "live", "--url", NOWHERE)
    bare("context", "use", "live")
    assert bare("roles", "create", "a", code=7).stderr == (
        "error: .env and context live point to different databases. Choose one before writing.\n"
        "hint: use --env-file .env or --context live\n"
    )
    assert bare("roles", "list", "--count").stdout == "0\n"
    bare("roles", "create", "a", "--dry-run")
    assert f"changing {name} on" in bare("roles", "create", "a", "--env-file", ".env").stderr
    bare("roles", "create", "b", "--context", "live", code=6)
