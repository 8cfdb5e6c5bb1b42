"""Progress bars on a terminal."""

import pytest

from cli.output import progress
from cli.output.progress import Bar


def test_a_progress_bar_names_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", -1)
    monkeypatch.setattr(progress.streams, "is_terminal", lambda _: True)
    shown = []
    with Bar("reading") as bar:
        bar.wrote(1, 10)
        assert bar._bar
        shown.append((bar._bar.tasks[0].description, bar._bar.tasks[0].completed, bar._bar.tasks[0].total))
        bar.name = "comparing"
        bar.wrote(7, 8)
        shown.append((bar._bar.tasks[0].description, bar._bar.tasks[0].completed, bar._bar.tasks[0].total))
    assert shown == [("reading", 1, 10), ("comparing", 7, 8)]


def test_without_a_terminal_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", -1)
    monkeypatch.setattr(progress.streams, "is_terminal", lambda _: False)
    with Bar("reading") as bar:
        bar.wrote(1, 10)
        assert bar._bar is None
