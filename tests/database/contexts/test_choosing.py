"""A context chooses a database, and a read-only context refuses writes."""

from pathlib import Path
from typing import Any

import pytest
from samples import changeset, role

import changes
from database import connection, contexts
from database.connection import Target
from database.contexts import Context
from database.errors import NotFoundError, ReadOnlyError, RefusedError, UsageError

COMMAND = "sh -c 'echo run >> runs; echo mongodb://h/command'"


@pytest.fixture(autouse=True)
def _some() -> None:
    for name in ("current", "named", "said"):
        contexts.add(Context(name, "url", f"mongodb://h/{name}"))
    contexts.use("current")


def chosen(**options: Any) -> tuple[str, str]:
    connection.choose(**options)
    return connection.target().name, connection.target().source


def refusal(**options: Any) -> tuple[str, str | None]:
    connection.choose(**options)
    with pytest.raises(RefusedError) as caught:
        connection.permit_write()
    return caught.value.message, caught.value.hint


def test_a_named_context_is_used_before_variables_and_the_current_context_last(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen() == ("current", "context current")
    (workspace / ".env").write_text("MONGODB_DATABASE_URL=mongodb://h/file")
    assert chosen() == ("file", ".env")
    monkeypatch.setenv("MONGODB_DATABASE_URL", "mongodb://h/environment")
    assert chosen() == ("environment", "MONGODB_DATABASE_URL")
    monkeypatch.setenv("CHATCTL_CONTEXT", "said")
    assert chosen() == ("said", "context said")
    monkeypatch.setenv("CHATCTL_LOCAL", "1")
    assert chosen() == ("chatctl", "CHATCTL_LOCAL")
    assert chosen(context="named") == ("named", "context named")
    assert chosen(url="mongodb://h/url") == ("url", "--url")


def test_the_target_names_its_context() -> None:
    contexts.add(Context("live", "url", "mongodb://ada:x@h/live", read_only=True))
    connection.choose(context="live")
    assert connection.target() == Target("live", "h", "context live", "ada", context="live", read_only=True)


@pytest.mark.parametrize("options", [{"local": True}, {"url": "mongodb://h/x"}])
def test_a_context_and_another_database_cannot_be_combined(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--(url|local) and --context cannot be combined"):
        connection.choose(context="named", **options)


def test_an_unknown_context_is_reported_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for options, variable in (({"context": "naemd"}, ""), ({}, "naemd")):
        monkeypatch.setenv("CHATCTL_CONTEXT", variable)
        connection.choose(**options)  # type: ignore[arg-type]
        with pytest.raises(NotFoundError) as caught:
            connection.target()
        assert (caught.value.message, caught.value.hint) == ('no context "naemd"', 'did you mean "named"?')


def test_a_url_command_runs_once_and_only_if_the_database_is_needed(workspace: Path) -> None:
    contexts.add(Context("command", "url-command", COMMAND))
    connection.choose(context="command")
    connection.permit_write()
    assert not (workspace / "runs").exists()
    for _ in range(3):
        assert connection.target().name == "command"
        assert connection.database().name == "command"
    assert (workspace / "runs").read_text() == "run\n"


def test_a_read_only_context_refuses_every_write(workspace: Path) -> None:
    contexts.add(Context("live", "url-command", COMMAND, read_only=True))
    connection.choose(context="live")
    draft = changes.Draft()
    draft.insert("Role", role())
    with pytest.raises(ReadOnlyError, match="context live is read-only"):
        changes.apply(changeset(draft))
    assert not (workspace / "runs").exists()


def test_a_write_is_refused_if_the_env_file_and_the_current_context_differ(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / ".env").write_text("MONGODB_DATABASE_URL=mongodb://h/file")
    message = ".env and context current point to different databases. Choose one before writing."
    assert refusal() == (message, "use --env-file .env or --context current")
    assert chosen() == ("file", ".env")
    for options in ({"env_file": Path(".env")}, {"context": "current"}, {"local": True}, {"url": "mongodb://h/x"}):
        connection.choose(**options)  # type: ignore[arg-type]
        connection.permit_write()
    for variable, value in {"CHATCTL_CONTEXT": "current", "MONGODB_DATABASE_URL": "mongodb://h/file"}.items():
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            connection.choose()
            connection.permit_write()
    contexts.remove("current")
    connection.choose()
    connection.permit_write()


def test_the_env_file_and_the_current_context_may_point_to_the_same_database(workspace: Path) -> None:
    (workspace / ".env").write_text("MONGODB_DATABASE_URL=mongodb://ada:x@h/current?w=1")
    connection.choose()
    connection.permit_write()


@pytest.mark.parametrize(
    ("source", "value", "read_only"),
    [("url", "mongodb://h/file", True), ("url-env", "UNSET", False), ("url-command", COMMAND, False)],
)
def test_a_read_only_or_unknown_current_context_differs_from_the_env_file(
    workspace: Path, source: str, value: str, read_only: bool
) -> None:
    (workspace / ".env").write_text("MONGODB_DATABASE_URL=mongodb://h/file")
    contexts.add(Context("other", source, value, read_only))
    contexts.use("other")
    assert "context other point to" in refusal()[0]
    assert not (workspace / "runs").exists()
