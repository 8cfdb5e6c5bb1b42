"""The files that an import can read, and the errors for files that it cannot read."""

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from imports.columns import SAVE_AS_UTF8
from tests.cli.users.conftest import Import
from tests.conftest import Chatctl

HASH = "$2b$04$" + "abcdefghijklmnopqrstu." + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"


PASSWORD = "7 kettles on the quiet pier"


def test_all_faults_are_reported_with_row_and_column_and_nothing_is_written(load: Import, database: Database) -> None:
    text = f"""username,email,status,password,hashedPassword,roles,emailVerified
ada,ada@example.org,,{PASSWORD},{HASH},,
bob,nowhere,ACTVE,short,,viewr,soon
,carol@example.org,,,$2b$15${"a" * 53},,

ada,ADA@example.org,EMAIL_VERIFIED,,$2x$,,
dan,dan@example.org
eve,eve@example.org,EMAIL_VERIFIED,,,viewr,
"""
    failed = load(text, code=5)
    assert failed.stdout == ""
    assert failed.stderr.splitlines() == [
        "people.csv:2:4: password: a row cannot have both a password and a hash. Remove one of them",
        'people.csv:3:3: status: use ACTIVE, SUSPENDED or EMAIL_VERIFIED; did you mean "ACTIVE"?',
        "people.csv:3:7: emailVerified: use true, false or a time like 2026-03-01T10:00Z",
        "people.csv:3:4: password: the password has fewer than 15 characters",
        "people.csv:3:2: email: is not a valid e-mail address",
        'people.csv:3:6: roles: unknown role "viewr"',
        "people.csv:4:5: hashedPassword: the cost of the hash is over 14: every sign-in would take seconds",
        "people.csv:4:1: username: a value is required",
        "people.csv:6:5: hashedPassword: this is not a bcrypt hash (60 characters that begin with $2a$, $2b$ or $2y$)",
        "people.csv:6:2: email: row 2 has the same email",
        "people.csv:6:1: username: row 2 has the same username",
        "people.csv:6:3: status: EMAIL_VERIFIED requires a time in emailVerified",
        "people.csv:7: the row has 2 cells, the header has 7",
        'people.csv:8:6: roles: unknown role "viewr"',
        "people.csv:8:3: status: EMAIL_VERIFIED requires a time in emailVerified",
        "error: the import has 15 faults",
        "hint: nothing was written",
    ]
    assert database["User"].count_documents({}) == 0


def test_a_faulty_row_is_compared_with_the_database_too(load: Import, database: Database) -> None:
    database["User"].insert_one({"email": "there@b.c", "username": "there", "status": "ACTIVE"})
    rows = "email,username,roles,status,emailVerified\nno,a,nosuch,,\nthere@b.c,,,,\nx@b.c,a,,EMAIL_VERIFIED,soon\n"
    said = load(rows, code=5).stderr.splitlines()
    assert [line.partition(": ")[2] for line in said if line.startswith("people.csv:")] == [
        "email: is not a valid e-mail address",
        'roles: unknown role "nosuch"',
        "username: a value is required",
        'email: a user already has the e-mail "there@b.c"',
        "emailVerified: use true, false or a time like 2026-03-01T10:00Z",
        "username: row 2 has the same username",
    ]


def test_json_output_lists_the_faults_too(load: Import) -> None:
    error = json.loads(load("email,username\nx,y\n", "-o", "json", code=5).stderr)["error"]
    assert error["faults"] == [
        {"file": "people.csv", "line": 2, "column": 1, "message": "email: is not a valid e-mail address"}
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("email,name\nx@y.z,X\n", "people.csv:1: missing column: username"),
        ("email,username,fone\n", 'people.csv:1:3: unknown column: "fone"'),
        ("email,username,roels\n", 'people.csv:1:3: unknown column: "roels" (did you mean "roles"?)'),
        ("email,username,email\n", "people.csv:1: several columns are read as email"),
        ("email,username\na@b.c,a\nA@B.C,b\n", "people.csv:3:1: email: row 2 has the same email"),
        ("email,username\na@b.c,a\nb@b.c,a\n", "people.csv:3:2: username: row 2 has the same username"),
        (b"email,username\na@b.c,caf\xe9\n", f"people.csv:2:2: username: this is not UTF-8 text; {SAVE_AS_UTF8}"),
        ("email,username\na@b.c,a\0b\n", "people.csv:2:2: username: this contains a NUL character"),
        ('email,username\na@b.c,"a\n', "people.csv:2: cannot be read as CSV from here on: unexpected end of data"),
        ("", "people.csv:1: missing columns: email, username"),
        ("email,username\na@b.c,a,b\n", "people.csv:2: the row has 3 cells, the header has 2"),
    ],
)
def test_an_invalid_table_is_refused(load: Import, text: str | bytes, said: str) -> None:
    assert load(text, code=5).stderr.splitlines()[0] == said


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_in_any_common_form_is_read(
    load: Import, imported: Any, database: Database, delimiter: str, encoding: str
) -> None:
    rows = io.StringIO()
    csv.writer(rows, delimiter=delimiter).writerows(
        [["email", "username", "address"], ["a@b.c", "a", f'"Zoë"{delimiter}\r\nthe ☂ first'], ["", "", ""]]
    )
    load(rows.getvalue().encode(encoding))
    assert (
        database["Profile"].find_one({"userId": imported("a")["_id"]})["address"] == f'"Zoë"{delimiter}\r\nthe ☂ first'
    )


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("people.json", '[{"email": "a@b.c", "username": "a", "roles": ["x;y"], "name": null}]'),
        ("people.ndjson", '\n{"email": "a@b.c", "username": "a", "roles": ["x;y"]}\n'),
        ("people.yaml", "- email: a@b.c\n  username: a\n  roles: [x;y]\n"),
        ("people", '[\n\n{"email": "a@b.c", "username": "a", "roles": ["x;y"]} ]\n'),
        ("people", '{"email": "a@b.c", "username": "a", "roles": ["x;y"]}'),
        ("people", "- {email: a@b.c, username: a, roles: ['x;y']}"),
        ("people", "email\tusername\troles\na@b.c\ta\tx\\;y\n"),
    ],
)
def test_the_format_is_detected_from_the_name_or_the_beginning_of_a_file(
    load: Import, chatctl: Chatctl, imported: Any, file: str, text: str
) -> None:
    chatctl("roles", "create", "x;y")
    load(text, name=file)
    assert len(imported("a")["rolesIds"]) == 1
    assert chatctl("users", "import", "-", "--on-conflict", "skip", input=text).stdout == "a@b.c: unchanged\n"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("p.json", '[{"email": 1, "username": {}}]', "p.json:1: email: expected a text, found a number"),
        ("p.json", '[{"email": "a@b.c"}, 3]', "p.json:1: missing key: username"),
        ("p.json", '[{"email": "a@b.c"}, {"username": "b"}]', "p.json:1: username: a value is required"),
        ("p.json", '"a@b.c"', "p.json:1: cannot be read from here on: not JSON: expected [ at the beginning of a list"),
        ("p.json", '[{"email": "a@b.c"', "p.json:1: cannot be read from here on: not JSON: expecting ',' delimiter"),
        ("p.json", "[" * 100_000, "p.json:1: cannot be read from here on: nested too deeply"),
        ("p.ndjson", "nonsense", "p.ndjson:1: not JSON: expecting value"),
        ("p.ndjson", '{"a": 1, "a": 2}', 'p.ndjson:1: an object has the key "a" twice'),
        (
            "p.ndjson",
            '{"emial": "a@b.c"}',
            'p.ndjson:1: unknown key: "emial" (1 row; did you mean "email"?); missing keys: ',
        ),
        (
            "p.ndjson",
            '{"email": "a@b.c", "username": "\\ud800"}',
            "p.ndjson:1: username: this contains invalid characters (not UTF-8)",
        ),
        (
            "p.ndjson",
            '{"email": "a@b.c", "username": "a", "roles": 1}',
            "p.ndjson:1: roles: expected a list of names",
        ),
        ("p.yaml", "- username: 012\n  email: a@b.c", "p.yaml:1: username: expected a text, found a number"),
        ("p.yaml", "email: a@b.c", "p.yaml:1: cannot be read from here on: expected a list"),
        ("p.yaml", "- &a {email: x, username: x}\n- *a", "p.yaml:1: anchors are not supported"),
        ("p.yaml", "- " + "[" * 100, "p.yaml:1: cannot be read from here on: nested more than 50 levels deep"),
        ("p.yaml", "- email: 'a", "p.yaml:1: cannot be read from here on: not YAML: while scanning a quoted scalar"),
    ],
)
def test_an_invalid_list_is_refused(load: Import, file: str, text: str, said: str) -> None:
    assert load(text, name=file, code=5).stderr.splitlines()[0].startswith(said)


def test_rejected_rows_can_be_corrected_and_imported(
    load: Import, chatctl: Chatctl, imported: Any, tmp_path: Path
) -> None:
    load("email;username;name\na@b.c;a;A\nb at b.c;b;'=1+1\n", "--errors", "faults.csv", code=5)
    faults = tmp_path / "faults.csv"
    assert stat.S_IMODE(faults.stat().st_mode) == 0o600
    assert faults.read_text() == ("error,email,username,name\nemail: is not a valid e-mail address,b at b.c,b,'=1+1\n")
    corrected = faults.read_text().replace(",b at b.c,", ",b@b.c,")
    assert load(corrected).stdout == "b@b.c: created\n"
    assert imported("b")["name"] == "=1+1"
    conflict = load("email;username;name\na@b.c;a;A\nb@b.c;b;B\n", "--errors", "again.csv", code=4)
    assert conflict.stderr.splitlines()[0] == 'people.csv:3:1: email: a user already has the e-mail "b@b.c"'
    assert (tmp_path / "again.csv").read_text().splitlines()[1].endswith(",b@b.c,b,B")


def test_rejected_objects_are_written_as_lines_of_json(load: Import, tmp_path: Path) -> None:
    text = "- {email: a@b.c, username: 1}\n- {email: b@b.c, username: b}\n- nobody\n"
    load(text, "--errors", "faults.ndjson", name="people.yaml", code=5)
    rows = [json.loads(line) for line in (tmp_path / "faults.ndjson").read_text().splitlines()]
    assert [sorted(row) for row in rows] == [["email", "error", "username"], ["error", "row"]]
