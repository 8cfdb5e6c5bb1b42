"""The URL of a context comes from a variable, a file, a command or the configuration file."""

from pathlib import Path

import pytest

from database import connection, contexts
from database import urls as database_urls
from database.contexts import Context, urls
from database.errors import NotConfiguredError
from tests.database.contexts.conftest import SECRET


def url_of(source: str, value: str) -> str:
    return contexts.url(Context("prod", source, value))


def failed(source: str, value: str) -> str:
    with pytest.raises(NotConfiguredError) as caught:
        url_of(source, value)
    return caught.value.message


def test_a_url_comes_from_a_variable_a_file_or_a_command(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD", " mongodb://h/env ")
    (file.parent / "url.txt").write_text("mongodb://h/file\n")
    assert url_of("url-env", "PROD") == "mongodb://h/env"
    assert url_of("url-file", "url.txt") == url_of("url-file", str(file.parent / "url.txt")) == "mongodb://h/file"
    assert url_of("url-command", "echo ' mongodb://h/command '") == "mongodb://h/command"
    assert url_of("url-command", "printf 'mongodb://h/first\\nmore\\n'") == "mongodb://h/first"
    assert url_of("url-command", "echo $HOME;") == "$HOME;"


def test_a_missing_url_is_reported_without_the_output_of_the_command(workspace: Path) -> None:
    assert failed("url-env", "PROD") == "context prod takes its URL from PROD, which is not set"
    assert failed("url-file", "/nowhere").startswith("the file of context prod (/nowhere) cannot be read: no such file")
    assert failed("url-file", "/dev/zero") == "context prod takes its URL from /dev/zero, which is not a file"
    for command, what in {
        f"sh -c 'echo {SECRET}; exit 3'": "failed with exit code 3",
        "true": "printed nothing",
        "echo": "printed nothing",
        "no-such-program": "cannot be run: no such file or directory",
        "/": "cannot be run: permission denied",
        "echo '": "with an unclosed quote",
    }.items():
        said = failed("url-command", command)
        assert said == f"context prod has a command {what if what[0] == 'w' else f'that {what}'}"


def test_a_command_that_hangs_or_prints_for_ever_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "SECONDS", 0.3)
    for command in ("sleep 20", "sh -c 'sleep 20; true'", "yes", "sh -c 'exec >&-; sleep 20'"):
        assert failed("url-command", command) == "context prod has a command that took more than 0.3 seconds"


def test_a_command_that_prints_binary_data_gives_no_url() -> None:
    connection.choose()
    contexts.add(Context("bin", "url-command", "head -c 300 /dev/urandom"))
    connection.choose(context="bin")
    with pytest.raises(NotConfiguredError, match=r"in context bin (must start with|is empty)|printed nothing"):
        connection.target()


def test_no_object_shows_its_url_when_printed() -> None:
    url = "mongodb://ada:secret@localhost/shop"
    choice = database_urls.Choice(url)
    found = database_urls.find(choice, {})
    assert found.url == url
    assert "secret" not in f"{choice!r} {choice} {found!r} {found}"
