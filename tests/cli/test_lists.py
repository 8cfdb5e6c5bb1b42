"""Lists in all formats: their columns, their order, their pages and their counts."""

import json
from typing import Any

import pytest
import yaml
from bson import ObjectId
from pymongo.database import Database

from cli.invocation import Invocation, on_same_database
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl


@pytest.fixture
def roles(either: Chatctl, database: Database[dict[str, Any]]) -> list[str]:
    """Insert 60 roles, in the reverse order of their names."""
    del either
    names = [f"role-{number:02}" for number in range(60)]
    documents: list[dict[str, Any]] = [{"name": name, "userIds": [], "permissionsIds": []} for name in reversed(names)]
    database["Role"].insert_many(documents)
    return names


def test_a_table_stops_after_a_page_and_says_how_to_get_the_next(roles: list[str], either: Chatctl) -> None:
    first = either("roles", "list", "--sort", "name", "--columns", "name")
    assert first.stdout.splitlines() == ["NAME", *roles[:50]]
    said, command = first.stderr.rstrip("\n").split("; next page: chatctl ")
    assert said == "50 of 60"
    second = either(*command.split())
    assert (second.stdout.splitlines(), second.stderr) == (["NAME", *roles[50:]], "")


def test_with_the_option_all_a_table_has_all_rows(roles: list[str], either: Chatctl) -> None:
    done = either("roles", "list", "--sort", "-name", "--columns", "name", "--all")
    assert (done.stdout.splitlines(), done.stderr) == (["NAME", *reversed(roles)], "")


def test_the_command_for_the_next_page_keeps_the_limit(roles: list[str], either: Chatctl) -> None:
    done = either("roles", "list", "--limit", "2", "--columns=name")
    assert done.stdout.splitlines() == ["NAME", roles[59], roles[58]]
    assert done.stderr.startswith("2 of 60; next page: chatctl roles list --limit 2 --columns=name --after ")


@pytest.mark.parametrize("form", ["json", "ndjson", "yaml", "csv", "ids"])
def test_other_formats_list_all_unless_there_is_a_limit(roles: list[str], either: Chatctl, form: str) -> None:
    def ids(*args: str) -> list[str]:
        done = either("roles", "list", "-o", form, *args)
        assert done.stderr == ""
        return read_ids(form, done.stdout)

    assert len(ids()) == len(roles)
    assert ids("--limit", "3") == ids()[:3]
    assert ids("--after", ids()[57]) == ids()[58:]
    assert ids("--sort", "name") == ids()[::-1]


def read_ids(form: str, text: str) -> list[str]:
    if form in {"ids", "csv"}:
        return [line.split(",")[0] for line in text.splitlines() if not line.startswith("id,")]
    found = [json.loads(line) for line in text.splitlines()] if form == "ndjson" else yaml.safe_load(text)
    return [row["id"] for row in found]


@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_count_prints_only_the_number(either: Chatctl, form: str) -> None:
    assert either("roles", "list", "--count", "-o", form) == ("60\n", "", 0)


def test_an_empty_list_is_empty_in_every_format(either: Chatctl) -> None:
    assert either("roles", "list") == ("", "nothing found\n", 0)
    assert either("roles", "list", "-o", "json").stdout == "[]\n"
    assert either("roles", "list", "-o", "yaml").stdout == "[]\n"
    assert either("roles", "list", "-o", "ndjson").stdout == either("roles", "list", "-o", "ids").stdout == ""
    assert either("roles", "list", "-o", "csv").stdout == "id,name,members,protected,permissions\n"
    assert either("roles", "list", "--count").stdout == "0\n"


def test_a_single_document_has_the_same_values_in_every_format(either: Chatctl) -> None:
    either("permissions", "create", "user.read", "user.suspend")
    either("roles", "create", "support", "--permission", "user.read", "--permission", "user.suspend")
    shown = {form: either("roles", "show", "support", "-o", form).stdout for form in ("json", "yaml", "ndjson", "csv")}
    row = json.loads(shown["json"])
    assert list(row) == ["id", "name", "members", "protected", "permissions"]
    assert row == yaml.safe_load(shown["yaml"]) == json.loads(shown["ndjson"])
    assert shown["csv"].splitlines()[1] == f"{row['id']},support,0,false,user.read;user.suspend"
    assert either("roles", "show", "support", "-o", "ids").stdout == f"{row['id']}\n"
    assert either("roles", "show", "support").stdout.splitlines() == [
        f"ID           {row['id']}",
        "NAME         support",
        "MEMBERS      0",
        "PROTECTED    no",
        "PERMISSIONS  user.read, user.suspend",
    ]


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["--columns", "id,nam"], 'unknown column "nam"', 'did you mean "name"?'),
        (["--columns", ""], 'unknown column ""', "use id, name, members, protected, permissions"),
        (["--sort", "nane"], 'cannot sort by "nane"', 'did you mean "name"?'),
        (["--sort", "-members"], 'cannot sort by "members"', "sort by id, name"),
        (["-o", "jsonl"], '--output: "jsonl" is not valid here. Choose table, ', 'did you mean "json"?'),
        (["--after", "xyz"], '"xyz" is not an id of this list', "start again without --after"),
    ],
)
def test_a_wrong_column_order_or_format_gets_the_nearest_valid_word(
    chatctl: Chatctl, args: list[str], message: str, hint: str | None
) -> None:
    said = chatctl("roles", "list", *args, code=2).stderr
    assert said.startswith(f"error: {message}")
    assert hint is None or said.endswith(f"\nhint: {hint}\n")


def test_the_command_for_the_next_page_has_no_url_and_is_harmless() -> None:
    def again(*arguments: str) -> str:
        command = " ".join(Invocation(arguments).command_with("--after", "ID"))
        return on_same_database(command, arguments)

    secret = "mongodb://ada:hunter2@host/db"
    assert again("--url", secret, "roles", "list") == "chatctl --url URL roles list --after ID"
    assert again("roles", "list", f"--url={secret}") == "chatctl --url URL roles list --after ID"
    assert again("roles", "list", "--after", "OLD", "--all") == "chatctl roles list --all --after ID"
    assert again("roles", "list", "--after=OLD", "--", "x") == "chatctl roles list --after ID -- x"


def test_a_matrix_too_wide_for_a_terminal_is_divided_into_several_tables(chatctl: Chatctl, terminal: Terminal) -> None:
    chatctl("permissions", "create", "user.read", "user.suspend")
    for name in ("moderator", "support", "administrator"):
        chatctl("roles", "create", name, "--permission", "user.read")
    piped = chatctl("roles", "matrix").stdout
    assert piped.splitlines() == [
        "PERMISSION    administrator  moderator  support",
        "user.read     x              x          x",
        "user.suspend",
    ]
    assert terminal("roles", "matrix", env={"NO_COLOR": "1"}).text == piped
    assert terminal("roles", "matrix", columns=40, env={"NO_COLOR": "1"}).text.splitlines() == [
        "PERMISSION    administrator  moderator",
        "user.read     x              x",
        "user.suspend",
        "",
        "PERMISSION    support",
        "user.read     x",
        "user.suspend",
    ]
    chatctl("permissions", "create", "x" * 100)
    assert terminal("roles", "matrix", env={"NO_COLOR": "1"}).text.splitlines() == [
        "PERMISSION                                     administrator  moderator  support",
        "user.read                                      x              x          x",
        "user.suspend",
        f"{'x' * 44}…",
    ]
    chatctl("permissions", "delete", "x" * 100, "--yes")
    matrix = json.loads(chatctl("roles", "matrix", "-o", "json").stdout)
    assert [(row["permission"], row["roles"]) for row in matrix] == [
        ("user.read", ["administrator", "moderator", "support"]),
        ("user.suspend", []),
    ]


def test_control_characters_in_names_are_harmless_in_tables_errors_and_previews(
    chatctl: Chatctl, database: Database[dict[str, Any]]
) -> None:
    hostile = "\x1b]0;x\x07[red]a[/red]\u202eb\nerror: c :smile:"
    shown = r"\x1b]0;x\x07[red]a[/red]\u202eb\nerror: c :smile:"
    id_ = database["Role"].insert_one({"name": hostile, "userIds": [], "permissionsIds": []}).inserted_id
    assert shown in chatctl("roles", "list").stdout
    assert shown in chatctl("roles", "show", str(id_)).stdout
    assert shown in chatctl("roles", "matrix").stdout
    assert shown in chatctl("roles", "delete", str(id_), "-n").stdout
    assert shown in chatctl("roles", "show", hostile + "?", code=3).stderr
    deleted = chatctl("roles", "delete", str(id_), "--yes")
    assert deleted.stdout == f"{shown}: deleted\n"
    listed = chatctl("audit", "list")
    assert shown in listed.stdout
    assert "\x1b" not in listed.stdout + deleted.stderr


@pytest.mark.usefixtures("database")
def test_a_name_of_ten_thousand_characters_is_not_cut_in_a_pipe(
    chatctl: Chatctl, database: Database[dict[str, Any]]
) -> None:
    database["Role"].insert_one({"_id": ObjectId(), "name": "x" * 10_000, "userIds": [], "permissionsIds": []})
    assert "x" * 10_000 in chatctl("roles", "list").stdout
