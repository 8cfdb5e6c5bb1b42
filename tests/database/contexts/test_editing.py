"""If contexts are added, removed or chosen, only a small part of the configuration file changes."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from database import contexts
from database.contexts import Context
from database.errors import ConflictError, InvalidInputError, NotConfiguredError, NotFoundError
from tests.database.contexts.conftest import FILE, SECRET, put


def test_a_new_context_is_added_after_all_others(file: Path) -> None:
    put(file, FILE)
    contexts.add(Context("a.b@c", "url-command", "pass show 'my chat'", read_only=True))
    added = '\n[contexts."a.b@c"]\nurl-command = "pass show \'my chat\'"\nread-only = true\n'
    assert file.read_text() == FILE + added
    assert contexts.load().named("a.b@c") == Context("a.b@c", "url-command", "pass show 'my chat'", read_only=True)


def test_choosing_another_current_context_changes_one_word_of_the_file(file: Path) -> None:
    put(file, FILE)
    assert contexts.use("old")
    assert not contexts.use("old")
    assert file.read_text() == FILE.replace('current = "live"', 'current = "old"')


def test_removing_a_context_keeps_the_comments_of_other_contexts(file: Path) -> None:
    put(file, FILE)
    assert not contexts.remove("old")
    without = '[contexts.old]\n# from before the move\nurl = "mongodb://h/old"\n'
    assert file.read_text() == FILE.replace(without, "")


def test_after_the_current_context_is_removed_no_context_is_current(file: Path) -> None:
    put(file, FILE)
    assert contexts.remove("live")
    assert (contexts.load().current, list(contexts.load().by_name)) == (None, ["old", "last"])
    assert "# the last\n[contexts.last]\n" in file.read_text()


def test_the_first_context_is_written_into_a_private_folder_and_file(workspace: Path) -> None:
    contexts.add(Context("dev", "url", "mongodb://h/dev"))
    contexts.use("dev")
    folder = workspace / ".config" / "chatctl"
    assert [path.name for path in folder.iterdir()] == ["config.toml"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "config.toml").stat().st_mode) == 0o600
    assert (folder / "config.toml").read_text() == 'current = "dev"\n\n[contexts.dev]\nurl = "mongodb://h/dev"\n'
    assert contexts.remove("dev")
    assert (folder / "config.toml").read_text() == ""


def test_a_file_in_another_style_is_changed_correctly_or_not_at_all(file: Path) -> None:
    inline = 'contexts = {a = {url = "mongodb://h/a"}, b = {url-env = "B"}} # short\n'
    put(file, inline)
    with pytest.raises(NotConfiguredError, match="is formatted in a way that chatctl cannot change"):
        contexts.add(Context("c", "url-env", "C"))
    assert file.read_text() == inline
    contexts.remove("a")
    assert file.read_text() == 'contexts = { b = {url-env = "B"}} # short\n'


def test_contexts_added_at_the_same_time_are_all_kept(workspace: Path) -> None:
    program = "import sys; from database import contexts; contexts.add(contexts.Context(sys.argv[1], 'url-env', 'A'))"
    names = [f"c{number}" for number in range(8)]
    running = [subprocess.Popen([sys.executable, "-c", program, name]) for name in names]  # noqa: S603
    assert [process.wait() for process in running] == [0] * 8
    assert sorted(contexts.load().by_name) == names


@pytest.mark.parametrize("name", ["", "-", "-x", "a b", "a\n", "a\x1b[31m", "a/b", "ä", "x" * 65, "$(id)"])
def test_an_ambiguous_name_of_a_context_is_refused(workspace: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match="invalid context name"):
        contexts.add(Context(name, "url-env", "A"))
    assert list(workspace.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("url", ""),
        ("url", f"mongodb://u:{SECRET}@h"),
        ("url", f"http://u:{SECRET}@h/x"),
        ("url-env", ""),
        ("url-env", "A-B"),
        ("url-env", "A\n"),
        ("url-file", ""),
        ("url-command", " "),
        ("url-command", "echo 'x"),
    ],
)
def test_a_context_that_can_never_work_is_not_added(workspace: Path, source: str, value: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        contexts.add(Context("x", source, value))
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"
    assert list(workspace.iterdir()) == []


def test_a_duplicate_name_is_refused_and_for_an_unknown_name_a_similar_name_is_suggested(file: Path) -> None:
    put(file, FILE)
    with pytest.raises(ConflictError, match='context "old" already exists'):
        contexts.add(Context("old", "url-env", "A"))
    for change in (contexts.use, contexts.remove):
        with pytest.raises(NotFoundError) as caught:
            change("lvie")
        assert (caught.value.message, caught.value.hint) == ('no context "lvie"', 'did you mean "live"?')
    assert file.read_text() == FILE
