"""chatctl reads times, ids and numbers on the command line, and several commands share the same options."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import typed
import typer
from typer.main import get_command

from cli.group import Options, part
from cli.params import Confirm, Page, moment, number
from tests.conftest import Chatctl


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T10:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01 10:00:30", datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)),
        ("2026-03-01T10:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00.123456Z", datetime(2026, 3, 1, 10, 0, 0, 123000, tzinfo=UTC)),
        ("2026-03-01T10:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01T10:00:00-0530", datetime(2026, 3, 1, 15, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc_in_milliseconds(text: str, time: datetime) -> None:
    assert moment(text) == time


@pytest.mark.parametrize(
    ("text", "age"),
    [("90m", timedelta(minutes=90)), ("12h", timedelta(hours=12)), ("7d", timedelta(7)), ("4w", timedelta(28))],
)
def test_an_age_is_counted_back_from_now(text: str, age: timedelta) -> None:
    assert abs(datetime.now(UTC) - age - moment(text)) < timedelta(seconds=10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "7y",
        "-7d",
        "7 d",
        "\u0667d",
        "20260301",
        "2026-13-01",
        "2026-02-30",
        "2026-03-01T25:00",
        "2026-W10-1",
        "2026-03-01T10",
        "1767225600",
        "99999999999w",
        "0001-01-01T00:00+05:00",
        "yesterday",
    ],
)
def test_other_texts_are_refused_as_a_time(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a valid time"):
        moment(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "must be 1 or more"),
        ("-3", "must be 1 or more"),
        ("9223372036854775808", "must be 9,223,372,036,854,775,807 or less"),
        ("x", '"x" is not a whole number'),
        ("9" * 5_000, "is not a whole number"),
    ],
)
def test_an_invalid_number_gets_a_message_with_the_valid_range(text: str, said: str) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        number(1)(text)
    assert [number(1)("1"), number(1)("9223372036854775807"), number(0)("+0")] == [1, 2**63 - 1, 0]


@pytest.mark.parametrize("options", [Confirm, Page])
def test_a_command_has_all_options_of_a_group_or_none(options: type[Options]) -> None:
    names = list(options.__annotations__)
    for words, command in typed.commands():
        own = [param.name for param in command.params]
        if names[-1] in own:
            start = own.index(names[0])
            assert own[start : start + len(names)] == names, words


def test_a_command_gets_a_group_of_options_as_one_object() -> None:
    app = part()
    seen: list[object] = []

    @app.command()
    def purge(name: str, page: Page, confirm: Confirm) -> None:
        seen.extend([name, page.all, page.sort, confirm.dry_run, confirm.max, confirm.reason])

    line = ["ada", "--all", "--max", "3", "-n"]
    get_command(app).main(line, standalone_mode=False)
    assert seen == ["ada", True, None, True, 3, None]


def values() -> Iterator[tuple[str, str, str, str]]:
    """Yield (words of a command, option, invalid value, error) for every option with a fixed list of valid values."""
    for words, command in typed.commands():
        for param in command.params:
            if param.param_type_name == "option" and not param.hidden:
                name, takes = max(param.opts, key=len), param.metavar or ""
                if takes == "TIME":
                    use = "2026-03-01, 2026-03-01T10:00Z or an age like 7d"
                    yield words, name, "monday", f'{name}: "monday" is not a valid time. Use {use}.'
                elif takes == "N":
                    yield words, name, "-1", f"{name} must be "
                    yield words, name, "x", f'{name}: "x" is not a whole number'
                elif "|" in takes and takes.islower():
                    *most, last = takes.split("|")
                    allowed = f"{', '.join(most)} or {last}"
                    yield words, name, "nonsense", f'{name}: "nonsense" is not valid here. Choose {allowed}.'


@pytest.mark.parametrize(("words", "name", "given", "said"), [*values()])
def test_the_error_for_an_invalid_value_names_valid_values(
    chatctl: Chatctl, words: str, name: str, given: str, said: str
) -> None:
    assert chatctl(*words.split(), name, given, code=2).stderr.startswith(f"error: {said}")
