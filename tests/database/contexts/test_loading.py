"""Which contents and which owners of the configuration file are accepted."""

import os
from pathlib import Path

import pytest

from database import contexts
from database.contexts import Context
from database.errors import ChatctlError, NotAllowedError, NotConfiguredError
from tests.database.contexts.conftest import FILE, SECRET, put


def broken(kind: type[ChatctlError] = NotConfiguredError) -> str:
    """Read the configuration file, which must fail. Return the message of the error."""
    with pytest.raises(kind) as caught:
        contexts.load()
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\n[contexts\n", ":2: expected"),
        ('[contexts.a]\nurl = "x"\n[contexts.a]\nurl = "y"\n', ":3: cannot declare"),
        (f'[contexts.a]\nurl = "mongodb://u:{SECRET}@h/x', ":2: "),
        (f"mongodb://u:{SECRET}@h/x", ":1: expected"),
        (f'"mongodb://u:{SECRET}@h/x" = 1', "unknown setting (a URL)"),
        (b'\n\nurl = "\xff"', ":3: this is not UTF-8"),
        ("x = " + "[" * 5000, ":1: this is not TOML"),
        ("curent = 'a'", 'unknown setting "curent"'),
        ("current = 1", '"current" is not a text'),
        ("contexts = 1", '"contexts" is not a table'),
        ("[contexts]\na = 1", "context a is not a table"),
        ("[contexts.a]\nread-only = true", "context a has no url"),
        ("[contexts.a]\nurl = 'x'\nurl-env = 'A'", "context a has url and url-env"),
        ("[contexts.a]\nurl = 1", "url of context a is not a text"),
        ("[contexts.a]\nurl = 'x'\nread-only = 'no'", "read-only of context a must be true or false"),
        ("[contexts.a]\nurl = 'x'\nreadonly = true", 'unknown setting "readonly" in context a'),
        ('[contexts."a b"]\nurl = "x"', 'invalid context name "a b"'),
        ('[contexts."\\u001b[31m"]\nurl = "x"', "invalid context name"),
    ],
)
def test_a_broken_file_is_reported_with_its_line_and_not_changed(file: Path, text: str | bytes, said: str) -> None:
    put(file, text)
    before = file.read_bytes()
    assert said in broken()
    assert broken().startswith(f"{file}:")
    with pytest.raises(NotConfiguredError):
        contexts.add(Context("new", "url-env", "A"))
    assert file.read_bytes() == before


def test_a_folder_a_pipe_or_a_large_file_is_refused_immediately(file: Path) -> None:
    file.mkdir()
    assert broken(NotConfiguredError) == f"{file} is not a regular file"
    file.rmdir()
    os.mkfifo(file, 0o600)
    assert broken() == f"{file} is not a regular file"
    file.unlink()
    put(file, "#" * (contexts.config_file.LARGEST + 1))
    assert broken() == f"{file} is larger than 1,048,576 bytes"


def test_a_symbolic_link_is_neither_read_nor_written(file: Path, workspace: Path) -> None:
    elsewhere = workspace / "elsewhere"
    put(elsewhere, FILE)
    file.symlink_to(elsewhere)
    assert broken(NotAllowedError) == f"{file} cannot be read: it is a symbolic link"
    with pytest.raises(NotAllowedError):
        contexts.add(Context("new", "url-env", "A"))
    assert (file.is_symlink(), elsewhere.read_text()) == (True, FILE)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_can_write_is_refused(file: Path, mode: int) -> None:
    put(file, FILE)
    file.chmod(mode)
    assert broken(NotAllowedError) == f"other users can write to {file}"
    file.chmod(0o600)
    file.parent.chmod(0o700 | (mode & 0o022))
    assert broken(NotAllowedError) == f"other users can write to {file.parent}"
    with pytest.raises(NotAllowedError) as caught:
        contexts.add(Context("new", "url-env", "A"))
    assert caught.value.hint == f"chmod go-w {file.parent}"


def test_a_file_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, FILE)
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert broken(NotAllowedError) == f"{file.parent} belongs to another user"


def test_a_folder_that_cannot_be_written_is_named(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "config").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(workspace / "config"))
    assert contexts.load().by_name == {}
    with pytest.raises(NotAllowedError, match="cannot be written: not a directory"):
        contexts.add(Context("new", "url-env", "A"))


def test_without_a_home_folder_there_are_no_contexts(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert contexts.load().by_name == {}
    with pytest.raises(NotAllowedError, match="your system user has no folder for the configuration"):
        contexts.add(Context("new", "url-env", "A"))
    assert list(workspace.iterdir()) == []
