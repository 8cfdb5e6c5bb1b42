"""The tour of `chatctl demo`: on an empty database, a second time, with other data, and interrupted."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import kill
from pymongo.database import Database

from tests.cli.conftest import PROGRAM, Process, Screen, Terminal
from tests.conftest import Chatctl

Started = Callable[[], "subprocess.Popen[str]"]

TOPIC = "[all]: "
NEXT = "[Enter: next step, q: end] "
PREPARED = "$ chatctl --local db generate --users"


@pytest.fixture
def folder(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Use a new folder for the embedded database.

    The environment names another database, which the tour must not use.
    """
    folder = workspace / "embedded"
    monkeypatch.setenv("CHATCTL_LOCAL_DIR", str(folder))
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)
    yield folder
    if folder.is_dir():
        kill(folder)


@pytest.fixture
def start(folder: Path, environment: dict[str, str]) -> Started:
    def start() -> "subprocess.Popen[str]":
        env = environment | {"CHATCTL_LOCAL_DIR": str(folder)}
        return subprocess.Popen([PROGRAM, "demo"], stdout=-1, stderr=-1, text=True, env=env)  # noqa: S603

    return start


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an embedded database on which one tour has run. Tests copy this folder."""
    folder = tmp_path_factory.mktemp("demo") / "embedded"
    env = os.environ | {"CHATCTL_LOCAL_DIR": str(folder)}
    subprocess.run([PROGRAM, "demo"], env=env, capture_output=True, check=True)  # noqa: S603
    kill(folder)
    return folder


@pytest.fixture
def again(folder: Path, toured: Path) -> Path:
    return shutil.copytree(toured, folder)


@pytest.fixture
def demo(chatctl: Chatctl, again: Path) -> Chatctl:
    """Return `chatctl` with an embedded database on which one tour has run."""
    return chatctl


def steps(tour: str) -> dict[str, str]:
    """Divide the output of a tour into its commands, each with its output."""
    _, *parts = re.split(r"\n.+\n\$ chatctl (.+)\n", tour.partition("\nNow try it yourself")[0])
    return dict(zip(parts[::2], parts[1::2], strict=True))


def suggested(tour: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in tour.splitlines() if line.startswith("  chatctl")]


def made(chatctl: Chatctl) -> list[int]:
    """Return the numbers of users, of conversations, and of events of `db generate`."""
    counted = (("users", "list"), ("conversations", "list"), ("audit", "list", "--command", "db generate"))
    return [int(chatctl("--local", *line, "--count").stdout) for line in counted]


def test_one_command_gives_a_tour(chatctl: Chatctl, folder: Path, database: Database[Any]) -> None:
    done = chatctl("demo")
    assert [line.split()[1:3] for line in steps(done.stdout)] == [
        ["users", "list"],
        ["users", "show"],
        ["roles", "matrix"],
        ["conversations", "transcript"],
        ["users", "suspend"],
        ["audit", "list"],
        ["audit", "undo"],
        ["db", "check"],
    ]
    assert [line for line in done.stderr.splitlines() if line.startswith("$")] == [
        "$ chatctl --local seeds apply",
        "$ chatctl --local db generate --users 50 --conversations 30 --messages 360 --seed 1 --broken 1 --yes",
    ]
    trail = json.loads(chatctl("--local", "audit", "list", "-o", "json").stdout)
    assert [(" ".join(event["command"].split()[:2]), event["state"]) for event in reversed(trail)] == [
        ("seeds apply", "done"),
        ("db generate", "done"),
        ("users suspend", "undone"),
        ("audit undo", "done"),
    ]
    assert database.list_collection_names() == []


def test_the_tour_shows_what_its_commands_print(demo: Chatctl) -> None:
    first = steps(demo("demo").stdout)
    reads = [line for line in first if not {"suspend", "undo", "--target"} & set(line.split())]
    typed = {line: demo(*shlex.split(line), code=int("check" in line)).stdout for line in reads}
    second = steps(demo("demo").stdout)
    assert len(first) == len(second) == 8
    assert typed == {line: second[line] for line in reads}


def test_the_commands_that_the_tour_suggests_work(demo: Chatctl) -> None:
    suspend, *others = suggested(demo("demo").stdout)
    assert demo(*suspend, "--yes").stdout.endswith(": suspended\n")
    for line in others:
        assert demo(*line).stdout


def test_a_second_tour_generates_nothing_and_uses_the_data_as_it_is_now(demo: Chatctl) -> None:
    before = made(demo)
    first = demo("demo")
    assert "db generate" not in first.stderr
    suspend = suggested(first.stdout)[0]
    demo(*suspend, "--yes")
    demo("--local", "roles", "revoke", "moderator", "message.delete", "--yes")
    second = demo("demo")
    assert suggested(second.stdout)[0][:-1] == suspend[:-1] != suggested(second.stdout)[0]
    assert made(demo) == before
    assert "message.delete       x\n" in second.stdout


def test_without_a_suitable_user_the_other_steps_are_shown(demo: Chatctl) -> None:
    users = demo("--local", "users", "list", "-o", "ids").stdout
    demo("--local", "users", "suspend", "-", "--yes", "--allow-last-member", input=users)
    tour = demo("demo").stdout
    assert [line.split()[1:3] for line in steps(tour)] == [["users", "list"], ["roles", "matrix"], ["db", "check"]]
    assert [line[1] for line in suggested(tour)] == ["audit", "messages", "db"]


def test_the_tour_refuses_a_database_with_other_data(chatctl: Chatctl, folder: Path) -> None:
    refused = [
        "error: the embedded database has data that the tour did not create",
        'hint: use another folder: export CHATCTL_LOCAL_DIR="$HOME/chatctl-demo", then run chatctl demo',
    ]
    chatctl("--local", "roles", "create", "intern")
    assert chatctl("demo", code=7).stderr.splitlines() == refused
    chatctl("--local", "roles", "delete", "intern", "--yes")
    chatctl("--local", "users", "create", "--email", "ada@example.org", "--username", "ada", "--no-password")
    assert chatctl("demo", code=7).stderr.splitlines() == refused
    assert made(chatctl) == [1, 0, 0]
    chatctl("--local", "users", "delete", "ada", "--yes")
    chatctl("--local", "seeds", "apply")  # the roles that ship with chatctl do not count as other data
    chatctl("demo")
    assert made(chatctl) == [80, 39, 1]


def test_the_tour_refuses_a_protected_database(demo: Chatctl) -> None:
    demo("--local", "db", "protect", "mine", "--yes")
    for line in (["demo"], ["demo", "--expect", "mine"]):
        said = demo(*line, code=7)
        assert said.stdout == ""
        assert said.stderr.startswith(
            'error: the embedded database is protected as "mine", and the tour changes it\nhint: '
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_tour_can_be_repeated(
    chatctl: Chatctl, folder: Path, start: Started, number: signal.Signals
) -> None:
    with start() as tour:
        assert tour.stderr
        while not next(tour.stderr).startswith(PREPARED):
            pass
        tour.send_signal(number)
    assert tour.returncode == (130 if number == signal.SIGINT else -number)
    assert made(chatctl) in ([0, 0, 0], [80, 39, 1])
    chatctl("demo")
    assert made(chatctl) == [80, 39, 1]


def test_two_tours_at_once_run_one_after_the_other_and_generate_data_once(
    chatctl: Chatctl, folder: Path, start: Started
) -> None:
    tours = [start(), start()]
    said = [tour.communicate(timeout=60)[1] for tour in tours]
    assert [tour.returncode for tour in tours] == [0, 0]
    assert sorted("another tour is running: waiting until it ends" in words for words in said) == [False, True]
    assert made(chatctl) == [80, 39, 1]


@pytest.mark.parametrize(("line", "code"), [("| head -3", 141), (">/dev/full", 74)])
def test_output_that_cannot_be_written_ends_the_tour(again: Path, process: Process, line: str, code: int) -> None:
    done = process("demo", line=line, env={"CHATCTL_LOCAL_DIR": str(again)})
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_the_tour_refuses_options_that_name_another_database(chatctl: Chatctl, folder: Path) -> None:
    for line in (("--url", "mongodb://localhost/shop"), ("--url", "nonsense")):
        assert chatctl("demo", *line, code=2).stderr.splitlines() == [
            "error: the tour works only on the embedded database",
            "hint: remove --url and --context",
        ]
    assert not folder.exists()
    chatctl("demo", "--expect", "shop", code=7)
    assert chatctl("--local", "roles", "list", "--count").stdout == "0\n"


def test_without_the_embedded_server_the_error_says_what_to_install(
    chatctl: Chatctl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    assert chatctl("demo", code=6).stderr.splitlines() == [
        "error: the embedded database is not installed",
        "hint: run in the folder of chatctl's source: uv tool install '.[local]', or pipx install --force '.[local]'",
    ]


def test_printed_commands_can_be_typed_in_the_same_installation(demo: Chatctl) -> None:
    tour = demo("demo", env={"UV_RUN_RECURSION_DEPTH": "1"}).stdout
    assert "$ uv run chatctl --local roles matrix\n" in tour
    assert "\n  uv run chatctl --local users suspend " in tour


@pytest.mark.parametrize(
    ("topic", "commands"),
    [
        ("users", [["users", "list"], ["users", "show"]]),
        ("roles", [["roles", "matrix"]]),
        ("conversations", [["conversations", "transcript"]]),
        ("undo", [["users", "suspend"], ["audit", "list"], ["audit", "undo"]]),
        ("check", [["db", "check"]]),
    ],
)
def test_a_topic_is_a_part_of_the_tour(demo: Chatctl, topic: str, commands: list[list[str]]) -> None:
    tour = demo("demo", topic).stdout
    assert [line.split()[1:3] for line in steps(tour)] == commands
    assert suggested(tour)


def test_an_unknown_topic_is_refused(chatctl: Chatctl, folder: Path) -> None:
    assert "usres" in chatctl("demo", "usres", code=2).stderr
    assert not folder.exists()


def on_terminal(
    terminal: Terminal, folder: Path, *args: str, topic: str = "", enter: str = "", **options: Any
) -> Screen:
    answers = {TOPIC: f"{topic}\n", NEXT: f"{enter}\n"}
    env = {"CHATCTL_LOCAL_DIR": str(folder)} | options.pop("env", {})
    return terminal("demo", *args, answers=answers, env=env, **options)


def test_on_a_terminal_the_tour_asks_for_a_topic_and_waits_between_steps(again: Path, terminal: Terminal) -> None:
    screen = on_terminal(terminal, again, topic="undo", columns=60)
    assert screen.code == 0
    assert (screen.text.count(TOPIC), screen.text.count(NEXT)) == (1, 2)
    assert re.findall(r"\$ chatctl --local (\w+ \w+)", screen.text) == ["users suspend", "audit list", "audit undo"]
    assert "\nNow try it yourself: all this data is generated" in screen.text


def test_pressing_enter_starts_the_whole_tour_and_a_given_topic_asks_no_question(
    again: Path, terminal: Terminal
) -> None:
    screen = on_terminal(terminal, again)
    assert (screen.text.count(TOPIC), screen.text.count(NEXT)) == (1, 7)
    screen = on_terminal(terminal, again, "users")
    assert (screen.text.count(TOPIC), screen.text.count(NEXT)) == (0, 1)


@pytest.mark.parametrize("answer", ["q", "Q", "quit"])
def test_q_ends_the_tour(again: Path, terminal: Terminal, answer: str) -> None:
    screen = on_terminal(terminal, again, topic="undo", enter=answer)
    assert screen.code == 0
    assert re.findall(r"\$ chatctl --local (\w+ \w+)", screen.text) == ["users suspend"]
    assert "\nNow try it yourself" in screen.text


def test_q_instead_of_a_topic_ends_the_tour_at_once(again: Path, terminal: Terminal) -> None:
    screen = on_terminal(terminal, again, topic="q")
    assert (screen.code, "$ chatctl" in screen.text) == (0, False)


@pytest.mark.parametrize("question", ["TOPIC", "NEXT"])
def test_an_interrupt_ends_the_tour(again: Path, terminal: Terminal, question: str) -> None:
    answers = {TOPIC: "\n", NEXT: "\n"} | {globals()[question]: "\x03"}
    screen = terminal("demo", answers=answers, env={"CHATCTL_LOCAL_DIR": str(again)})
    assert screen.code == 130
    assert "Traceback" not in screen.text


def test_a_topic_that_does_not_exist_is_asked_again(again: Path, terminal: Terminal) -> None:
    screen = on_terminal(terminal, again, topic="rols\nroles")
    assert "rols is not a topic.\n" in screen.text
    assert re.findall(r"\$ chatctl --local (\w+ \w+)", screen.text) == ["roles matrix"]


def test_in_ci_the_tour_does_not_wait(again: Path, terminal: Terminal) -> None:
    screen = on_terminal(terminal, again, env={"CI": "true"})
    assert (screen.code, TOPIC in screen.text, NEXT in screen.text) == (0, False, False)


def test_the_tour_fits_a_narrow_terminal(again: Path, terminal: Terminal) -> None:
    screen = on_terminal(terminal, again, topic="roles", columns=60)
    assert screen.code == 0
    assert "\x1b[1m$ chatctl --local roles matrix\x1b[0m\n" in screen.text
    assert "\nNow try it yourself: all this data is generated, so you\ncannot damage anything.\n" in screen.text
