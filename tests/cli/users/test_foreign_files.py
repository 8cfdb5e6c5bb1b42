"""Files of spreadsheets and other products: what an import reads, and its messages about what it cannot read."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from people import Documents

from tests.cli.users.conftest import Import
from tests.conftest import Chatctl

COLUMNS = (
    "The columns are email, username, name, password, hashedPassword, status, emailVerified, roles, phoneNumber, "
    "address, imageUrl, createdAt, lastLogin, accounts."
)
CHATTY = ["Alice Example", "alice@example.com", "k2Z0bGx5aGFzaA==", "+15550100", "104399998888"]
SHEET = "First Name [Needed],Last Name [Needed],Email Address [Needed],Org Unit Path [Needed],Home Address\n"


@pytest.mark.parametrize(
    "text",
    [
        "EMAIL,Username,NAME\na@b.c,a,Ann\n",
        " email , username ,\tname\na@b.c,a,Ann\n",
        "email, username, name\na@b.c, a, Ann\n",
        "sep=;\nemail;username;name\na@b.c;a;Ann\n",
        '"sep=|"\r\nemail|username|name\r\na@b.c|a|Ann\r\n',
        "\ufeffEmail;Username;Name\r\na@b.c;a;Ann\r\n",
        "E-mail;Username;Name\na@b.c;a;Ann\n",
        "email,username,name,\na@b.c,a,Ann,\n",
        "email,username,name,error\na@b.c,a,Ann,was bad\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_headers_are_read_in_all_common_spellings_and_encodings(
    load: Import, imported: Any, text: str, encoding: str
) -> None:
    load(text.encode(encoding), *(["--map", "E-mail=email"] if "E-mail" in text else []))
    assert imported("a")["name"] == "Ann"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("p.json", '{"email": "a@b.c", "username": "a", "name": "Ann"}\n{"email": "b@b.c", "username": "b"}\n'),
        ("p.json", '\n\n{"Email": "a@b.c", " USERNAME": "a", "name": "Ann"}'),
        ("p.json", '{\n  "email": "a@b.c",\n  "username": "a",\n  "name": "Ann"\n}\n{"email":"b@b.c","username":"b"}'),
    ],
)
def test_a_json_file_may_have_several_objects_one_after_the_other(
    load: Import, imported: Any, file: str, text: str
) -> None:
    load(text, name=file)
    assert imported("a")["name"] == "Ann"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("p.json", '{"skip": {"a": [1, {"b": []}]}, "data": {"n": 1, "users": [%s]}, "more": 1}'),
        ("p.ndjson", '{"data": {"users": [%s]}}'),
        ("p.yaml", "skip: [1, {a: b}]\ndata:\n  n: 1\n  users: [%s]\nmore: 1\n"),
    ],
)
def test_a_list_under_a_path_of_keys_is_read(load: Import, imported: Any, file: str, text: str) -> None:
    load(
        text % '{"email": "a@b.c", "username": "a"}, {"email": "b@b.c", "username": "b"}',
        "--path",
        "data.users",
        name=file,
    )
    assert imported("b")["email"] == "b@b.c"
    load(text % "", "--path", "data.users", name=file)
    refused = load(text % "", "--path", "data.people", name=file, code=5).stderr
    assert re.search(
        r"cannot be read from here on: (key \"people\" not found|no list found under data.people)", refused
    )


def test_a_list_under_a_key_gets_a_hint(load: Import) -> None:
    person = {"id": 1, "email": "alice@example.com", "username": "a" * 50}
    for count in (2, 30_000):
        refused = load(json.dumps({"users": [person] * count}), name="p.json", code=5).stderr
        assert refused.splitlines()[0] == "p.json:1: the list of users is under a key: add --path users"
    assert load("users:\n- {email: a@b.c}\n", name="p.yaml", code=5).stderr.splitlines()[0] == (
        "p.yaml:1: cannot be read from here on: expected a list; --path KEY reads the list under a key"
    )
    load("email,username\n", "--path", "users", code=2)


def test_the_option_map_assigns_headers_to_columns(load: Import, imported: Any, database: Documents) -> None:
    rows = io.StringIO()
    csv.writer(rows).writerows([["Mail", "a=b", "Fon", "Junk", "x.y"], ["a@b.c", "a", "1", "2", "Ann"]])
    maps = [
        "--map",
        "mail=Email",
        "--map",
        "a=b=username",
        "--map",
        "FON=phoneNumber",
        "--map",
        "Junk=",
        "--map",
        "x.y=name",
    ]
    load(rows.getvalue(), *maps)
    assert (imported("a")["email"], imported("a")["name"]) == ("a@b.c", "Ann")
    assert [profile["phoneNumber"] for profile in database["Profile"].find()] == ["1"]


def test_the_option_map_reads_values_inside_objects_and_lists(load: Import, imported: Any, database: Documents) -> None:
    person = {"emails": [{"address": "a@b.c"}], "user": {"login": "a"}, "profile": {"phone": {"home": "1"}, "fax": "2"}}
    maps = [
        "--map",
        "emails.0.address=email",
        "--map",
        "user.login=username",
        "--map",
        "profile.phone.home=phoneNumber",
    ]
    refused = load(json.dumps([person]), *maps, name="p.json", code=5).stderr
    assert refused.splitlines()[0] == 'p.json:1: unknown key: "profile.fax" (1 row)'
    load(json.dumps([person]), *maps, "--map", "profile.fax=", name="p.json")
    assert imported("a")["email"] == "a@b.c"
    assert [profile["phoneNumber"] for profile in database["Profile"].find()] == ["1"]
    load(json.dumps([person]), *maps, "--ignore-unknown", "--on-conflict", "skip", name="p.json")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--map", "x"], '--map "x" is not HEADER=column'),
        (["--map", "=email"], '--map "=email" is not HEADER=column'),
        (["--map", "x=emial"], '--map: unknown column "emial"\nhint: did you mean "email"?'),
        (["--map", "x=name", "--map", " X=email"], '--map names " X" twice'),
        (["--map", "x=name", "--map", "y=name"], "--map names the column name twice"),
    ],
)
def test_an_invalid_map_option_is_refused(load: Import, options: list[str], said: str) -> None:
    assert said in load("email,username\n", *options, code=2).stderr


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (
            "email,username,y\n",
            ["--map", "x=name"],
            'unknown column: "y"; --map names a column that the file does not have: "x"',
        ),
        ("email,username,mail\n", ["--map", "mail=email"], "several columns are read as email"),
        ("Email,email,username\n", [], "several columns are read as email"),
        ("email,nmae\n", [], 'unknown column: "nmae" (did you mean "name"?); missing column: username'),
        (SHEET, ["--ignore-unknown"], "the first row has no known column: the file must begin with a header"),
        ("x,y\n", [], "the first row has no known column: the file must begin with a header"),
        (
            SHEET,
            [],
            (
                'unknown columns: "First Name [Needed]", "Last Name [Needed]", "Email Address [Needed]"'
                ' (did you mean "email"?), "Org Unit Path [Needed]", "Home Address" (did you mean "address"?);'
                " missing columns: email, username"
            ),
        ),
    ],
)
def test_all_faults_of_a_header_are_one_message(load: Import, text: str, options: list[str], said: str) -> None:
    fault, error, hint = load(text, *options, code=5).stderr.splitlines()
    assert fault.partition(": ")[2] == said
    assert error == "error: the import has a fault"
    assert hint.startswith("hint: nothing was written; ")
    assert hint.endswith(COLUMNS)


def test_the_hint_for_a_header_can_be_pasted(load: Import, imported: Any) -> None:
    rows = "E-Mail Address,user name,Junk\na@b.c,a,x\n"
    hint = load(rows, code=5).stderr.splitlines()[-1]
    assert (
        "--map 'E-Mail Address=email' --map 'user name=username', and ignore the other columns with --ignore-unknown"
        in hint
    )
    load(rows, "--map", "E-Mail Address=email", "--map", "user name=username", "--ignore-unknown")
    assert imported("a")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("p.csv", ",".join(CHATTY) + "\nBob,bob@example.com,x,y,z\n"),
        ("p.csv", f"email,username,{CHATTY[1]},{CHATTY[2]},{CHATTY[4]}\na@b.c,a,x,y,z\n"),
        ("p.ndjson", json.dumps({text: text for text in CHATTY[1:]})),
        (
            "p.json",
            json.dumps([{"email": CHATTY[0], "username": CHATTY[1], "createdAt": CHATTY[3], "status": CHATTY[2]}]),
        ),
        ("p.json", json.dumps([{"email": CHATTY, "username": {"x": CHATTY}, "accounts": [{CHATTY[1]: CHATTY[2]}]}])),
        ("p.yaml", json.dumps([{"emailVerified": CHATTY[1], "hashedPassword": CHATTY[2], "roles": [1, CHATTY[1]]}])),
    ],
)
def test_no_personal_data_is_printed(load: Import, file: str, text: str) -> None:
    refused = load(text, name=file, code=5).stderr
    assert not [value for value in CHATTY[1:] if value in refused], refused
    assert len(refused.splitlines()) <= 12


def test_an_unknown_key_is_reported_once_with_its_number_of_rows(load: Import, tmp_path: Path) -> None:
    rows = [{"email": f"u{n}@b.c", "username": f"u{n}", "user_id": n, "created_at": "2020-01-01"} for n in range(2000)]
    text = "\n".join(json.dumps(row | ({"odd": 1} if n == 7 else {})) for n, row in enumerate(rows))
    refused = load(text, "--errors", "faults.ndjson", name="p.ndjson", code=5).stderr.splitlines()
    assert refused[:2] == [
        (
            'p.ndjson:1: unknown keys: "user_id" (2,000 rows), "created_at" (2,000 rows; did you mean "createdAt"?),'
            ' "odd" (1 row)'
        ),
        "error: the import has a fault",
    ]
    assert "--map created_at=createdAt, and ignore the other keys with --ignore-unknown" in refused[2]
    faults = [json.loads(line) for line in (tmp_path / "faults.ndjson").read_text().splitlines()]
    assert len(faults) == 2000
    assert faults[7] == {
        **rows[7],
        "odd": 1,
        "error": "user_id: unknown key; created_at: unknown key; odd: unknown key",
    }


@pytest.mark.parametrize(
    ("file", "text", "options"),
    [
        ("p.ndjson", "\n".join(json.dumps({"id": f"k{n}", f"k{n}": n}) for n in range(3000)), []),
        ("p.ndjson", "\n".join(json.dumps({"email": f"u{n}@b.c", "name": "x"}) for n in range(3000)), []),
        ("p.ndjson", "garbage\n" * 3000, []),
        ("p.json", "garbage\n" * 3000, []),
        ("p.yaml", "garbage\n" * 3000, []),
        ("p.csv", "garbage\n" * 3000, []),
        ("p", bytes(range(256)) * 100, []),
        (
            "p.csv",
            "email,username,first\n" + "".join(f"u{n}@b.c,u{n},Jane{n}\n" for n in range(3000)),
            ["--map", "first=roles"],
        ),
        ("p.csv", "mail,email\n" + "".join(f"u{n}@b.c,u{n}\n" for n in range(3000)), ["--map", "mail=username"]),
        ("p.csv", "email,username,roles\n" + "caf\xe9,x,\n" * 3000, []),
    ],
)
def test_a_wrong_file_or_map_ends_in_a_few_lines(
    load: Import, database: Documents, file: str, text: str | bytes, options: list[str]
) -> None:
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    refused = load(data, *options, name=file, code=5).stderr.splitlines()
    assert len(refused) <= 14, refused[:20]
    assert database["User"].count_documents({}) == 0


def test_for_another_encoding_the_hint_says_how_to_save_the_file(load: Import) -> None:
    refused = load("email,username,name\na@b.c,a,Zo\xeb\n".encode("cp1252"), code=5).stderr.splitlines()
    assert refused[0] == (
        'people.csv:2:3: name: this is not UTF-8 text; save the file as UTF-8: "CSV UTF-8" in Excel, '
        '"Unicode (UTF-8)" in LibreOffice, or iconv -f WINDOWS-1252 -t UTF-8'
    )
    refused = load("email,username,gr\xf6\xdfe\na@b.c,a,x\n".encode("cp1252"), code=5).stderr.splitlines()
    assert (refused[0], "iconv" in refused[-1]) == ("people.csv:1:3: this is not UTF-8 text", True)


@pytest.mark.parametrize("text", ["support,viewer", "support|viewer", "support, viewer"])
def test_roles_with_a_wrong_separator_get_a_hint(load: Import, chatctl: Chatctl, text: str) -> None:
    for role in ("support", "viewer"):
        chatctl("roles", "create", role)
    refused = load(f'email,username,roles\na@b.c,a,"{text}"\n', code=5).stderr.splitlines()
    assert refused[0] == f'people.csv:2:3: roles: unknown role "{text}"; separate role names with ;'


@pytest.mark.parametrize("header", [SHEET, "email,username,Junk,x\n", "email,email,x,y\n", "email,name,\n"])
def test_every_row_goes_to_the_errors_file_if_the_header_is_wrong(load: Import, tmp_path: Path, header: str) -> None:
    width = header.count(",") + 1
    rows = [[f"cell{n}-{place}" if place else f"u{n}@b.c" for place in range(width)] for n in range(3)]
    text = header + "".join(",".join(row) + "\n" for row in rows)
    load(text, "--errors", "faults.csv", code=5)
    said, *back = csv.reader((tmp_path / "faults.csv").read_text().splitlines())
    assert said[0] == "error"
    assert [row[1:] for row in back] == rows
    assert all("column" in row[0] for row in back)


@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "yaml"])
def test_for_the_output_of_users_list_the_hint_names_users_export(load: Import, chatctl: Chatctl, form: str) -> None:
    load("email,username\na@b.c,a\n")
    listed = chatctl("users", "list", "-o", form).stdout
    hint = load(listed, name=f"list.{form}", code=5).stderr.splitlines()[-1]
    assert hint.endswith(
        "this is the output of chatctl users list; chatctl users export writes a file that can be imported"
    )


def test_the_columns_are_listed_without_a_database(
    chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MONGODB_DATABASE_URL")
    listed = json.loads(chatctl("users", "import", "--columns", "-o", "json").stdout)
    assert f"The columns are {', '.join(row['column'] for row in listed)}." == COLUMNS
    assert chatctl("users", "import", "--columns").stdout.startswith("COLUMN          TAKES\nemail           ")
    assert list(tmp_path.iterdir()) == []
