"""chatctl users import and export, as they are typed."""

import csv
import io
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from actions import passwords
from tests.cli.conftest import Process
from tests.conftest import Chatctl, Result

HASH = "$2b$04$" + "abcdefghijklmnopqrstu." + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
PASSWORD = "7 kettles on the quiet pier"
Import = Callable[..., Result]


@pytest.fixture
def load(chatctl: Chatctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Import a text that stands in a file."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)

    def loaded(text: str | bytes, *options: str, name: str = "people.csv", code: int = 0) -> Result:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return chatctl("users", "import", name, *options, code=code)

    return loaded


@pytest.fixture
def user(database: Database[dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    def found(username: str) -> dict[str, Any]:
        return database["User"].find_one({"username": username}) or {}

    return found


def test_a_person_comes_in_as_the_application_would_write_them(
    load: Import, chatctl: Chatctl, database: Database, user: Any
) -> None:
    chatctl("roles", "create", "support")
    header = "email,username,name,status,emailVerified,roles,phoneNumber,address,imageUrl,hashedPassword"
    row = f"Ada@Example.org,ada,Ada L,,2026-03-01T10:00Z,support,'+1 555,1 Main St,https://x.y/a.png,{HASH}"
    done = load(f"{header}\n{row}\n")
    assert done.stdout == "ada@example.org: created\n"
    ada = user("ada")
    profile = database["Profile"].find_one()
    role = database["Role"].find_one()
    assert profile == {
        "_id": ada["profileId"],
        "userId": ada["_id"],
        "phoneNumber": "+1 555",
        "address": "1 Main St",
        "imageUrl": "https://x.y/a.png",
    }
    assert (ada["rolesIds"], role["userIds"]) == ([role["_id"]], [ada["_id"]])
    assert ada.pop("createdAt") == ada.pop("updatedAt")
    assert {name: ada[name] for name in sorted(ada) if name not in {"_id", "profileId", "rolesIds"}} == {
        "conversationIds": [],
        "email": "ada@example.org",
        "emailVerified": datetime(2026, 3, 1, 10, tzinfo=UTC),
        "hashedPassword": HASH,
        "name": "Ada L",
        "seenMessageIds": [],
        "status": "EMAIL_VERIFIED",
        "username": "ada",
    }


def test_all_faults_are_said_with_row_and_column_and_nothing_is_written(load: Import, database: Database) -> None:
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
        "people.csv:2:4: password: a password and a hash stand in one row: leave one of them out",
        'people.csv:3:2: email: "nowhere" is no e-mail address',
        'people.csv:3:3: status: "ACTVE" is none of ACTIVE, SUSPENDED, EMAIL_VERIFIED; did you mean "ACTIVE"?',
        'people.csv:3:7: emailVerified: "soon" is no time such as 2026-03-01T10:00Z, nor true',
        "people.csv:3:4: password: the password has fewer than 15 characters",
        "people.csv:4:5: hashedPassword: the cost of the hash is over 14: every sign-in would take seconds",
        "people.csv:4:1: username: nothing stands here",
        "people.csv:6:5: hashedPassword: no bcrypt hash: it has 60 characters and begins with $2a$, $2b$ or $2y$",
        "people.csv:7: 2 cells, 7 in the header",
        'people.csv:8:6: roles: there is no role "viewr"',
        "people.csv:8:3: status: EMAIL_VERIFIED needs the time in emailVerified",
        "error: the import has 11 faults",
        "hint: nothing was written",
    ]
    assert database["User"].count_documents({}) == 0


def test_faults_are_there_for_programs_too(load: Import) -> None:
    error = json.loads(load("email,username\nx,y\n", "-o", "json", code=5).stderr)["error"]
    assert error["faults"] == [
        {"file": "people.csv", "line": 2, "column": 1, "message": 'email: "x" is no e-mail address'}
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("email,name\nx@y.z,X\n", 'people.csv:1: there is no column "username"'),
        ("email,username,fone\n", 'people.csv:1:3: fone: there is no column "fone"'),
        ("email,username,roels\n", 'people.csv:1:3: roels: there is no column "roels"; did you mean "roles"?'),
        ("email,username,email\n", 'people.csv:1:1: email: the column "email" stands here twice'),
        ("email,username\na@b.c,a\nA@B.C,b\n", "people.csv:3:1: email: row 2 has the same email"),
        ("email,username\na@b.c,a\nb@b.c,a\n", "people.csv:3:2: username: row 2 has the same username"),
        (b"email,username\na@b.c,caf\xe9\n", "people.csv:2:2: username: what stands here is not UTF-8"),
        ("email,username\na@b.c,a\0b\n", "people.csv:2:2: username: a NUL character stands here"),
        ('email,username\na@b.c,"a\n', "people.csv:2: cannot be read as CSV from here on: unexpected end of data"),
        ("", 'people.csv:1: there is no column "email"'),
        ("email,username\na@b.c,a,b\n", 'people.csv:2: 3 cells, 2 in the header: "b" is one too many'),
    ],
)
def test_what_is_no_table_of_people_is_refused(load: Import, text: str | bytes, said: str) -> None:
    assert load(text, code=5).stderr.splitlines()[0] == said


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_comes_in_any_common_form(load: Import, user: Any, delimiter: str, encoding: str) -> None:
    rows = io.StringIO()
    csv.writer(rows, delimiter=delimiter).writerows(
        [["email", "username", "name"], ["a@b.c", "a", f'"Zoë"{delimiter}\r\nthe ☂ first'], ["", "", ""]]
    )
    load(rows.getvalue().encode(encoding))
    assert user("a")["name"] == f'"Zoë"{delimiter}\r\nthe ☂ first'


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
def test_the_format_is_told_by_the_name_or_the_beginning(
    load: Import, chatctl: Chatctl, user: Any, file: str, text: str
) -> None:
    chatctl("roles", "create", "x;y")
    load(text, name=file)
    assert len(user("a")["rolesIds"]) == 1
    assert chatctl("users", "import", "-", "--on-conflict", "skip", input=text).stdout == "a@b.c: unchanged\n"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("p.json", '[{"email": 1, "username": {}}]', "p.json:1: email: a number stands here, where a text belongs"),
        ("p.json", '[{"email": "a@b.c"}, 3]', "p.json:1: username: nothing stands here"),
        ("p.json", '{"email": "a@b.c"}', "p.json:1: cannot be read from here on: not JSON: a list begins with ["),
        ("p.json", '[{"email": "a@b.c"', "p.json:1: cannot be read from here on: not JSON: expecting ',' delimiter"),
        ("p.json", "[" * 100_000, "p.json:1: cannot be read from here on: nested too deep"),
        ("p.ndjson", "nonsense", "p.ndjson:1: not JSON: expecting value"),
        ("p.ndjson", '{"a": 1, "a": 2}', 'p.ndjson:1: the key "a" stands in an object twice'),
        ("p.ndjson", '{"emial": "a@b.c"}', 'p.ndjson:1: emial: there is no column "emial"; did you mean "email"?'),
        (
            "p.ndjson",
            '{"email": "a@b.c", "username": "\\ud800"}',
            "p.ndjson:1: username: what stands here is not UTF-8",
        ),
        (
            "p.ndjson",
            '{"email": "a@b.c", "username": "a", "roles": 1}',
            "p.ndjson:1: roles: a number stands here, where",
        ),
        ("p.yaml", "- username: 012\n  email: a@b.c", "p.yaml:1: username: a number stands here, where a text belongs"),
        ("p.yaml", "email: a@b.c", "p.yaml:1: cannot be read from here on: a list belongs here"),
        ("p.yaml", "- &a {email: x}\n- *a", "p.yaml:1: anchors are not read here"),
        ("p.yaml", "- " + "[" * 100, "p.yaml:1: cannot be read from here on: nested more than 50 levels deep"),
        ("p.yaml", "- email: 'a", "p.yaml:1: cannot be read from here on: not YAML: while scanning a quoted scalar"),
    ],
)
def test_what_is_no_list_of_people_is_refused(load: Import, file: str, text: str, said: str) -> None:
    assert load(text, name=file, code=5).stderr.splitlines()[0].startswith(said)


def test_rows_at_fault_can_be_corrected_and_fed_back(load: Import, chatctl: Chatctl, user: Any, tmp_path: Path) -> None:
    load("email;username;name\na@b.c;a;A\nb at b.c;b;'=1+1\n", "--errors", "faults.csv", code=5)
    faults = tmp_path / "faults.csv"
    assert stat.S_IMODE(faults.stat().st_mode) == 0o600
    assert faults.read_text() == (
        'error,email,username,name\n"email: ""b at b.c"" is no e-mail address",b at b.c,b,\'=1+1\n'
    )
    corrected = faults.read_text().replace(",b at b.c,", ",b@b.c,")
    assert load(corrected).stdout == "b@b.c: created\n"
    assert user("b")["name"] == "=1+1"
    conflict = load("email;username;name\na@b.c;a;A\nb@b.c;b;B\n", "--errors", "again.csv", code=4)
    assert conflict.stderr.splitlines()[0] == 'people.csv:3:1: email: a user has "b@b.c" already'
    assert (tmp_path / "again.csv").read_text().splitlines()[1].endswith(",b@b.c,b,B")


def test_objects_at_fault_are_handed_back_as_lines_of_json(load: Import, tmp_path: Path) -> None:
    text = "- {email: a@b.c, username: 1}\n- {email: b@b.c, username: b}\n- nobody\n"
    load(text, "--errors", "faults.ndjson", name="people.yaml", code=5)
    rows = [json.loads(line) for line in (tmp_path / "faults.ndjson").read_text().splitlines()]
    assert [sorted(row) for row in rows] == [["email", "error", "username"], ["error", "row"]]


def test_passwords_are_hashed_and_never_shown(load: Import, chatctl: Chatctl, user: Any) -> None:
    done = load(f"email,username,password\na@b.c,a,{PASSWORD}\n")
    stored = user("a")["hashedPassword"]
    assert stored.startswith("$2b$04$")
    assert len(stored) == 60
    event = done.stderr.split()[-1]
    shown = chatctl("audit", "show", event, "-o", "json").stdout + chatctl("users", "export", "-o", "json").stdout
    assert PASSWORD not in shown
    assert stored not in shown
    assert stored in chatctl("users", "export", "--with-password-hashes").stdout


def test_a_hash_of_another_name_becomes_one_the_application_reads(load: Import, user: Any) -> None:
    load(f"email,username,hashedPassword\na@b.c,a,{HASH.replace('$2b$', '$2y$')}\n")
    assert user("a")["hashedPassword"] == HASH


def test_who_is_there_is_skipped_or_updated(load: Import, chatctl: Chatctl, database: Database, user: Any) -> None:
    for role in ("support", "viewer"):
        chatctl("roles", "create", role)
    load("email,username,name,roles\na@b.c,a,A,support\nb@b.c,b,B,\n")
    before = user("b")
    text = "email,username,name,roles,address\nA@b.c,a,,viewer,Main St\nb@b.c,b,,,\nc@b.c,c,C,,\n"
    load(text, code=4)
    load(text, "--on-conflict", "update", code=7)
    done = load(text, "--on-conflict", "update", "--yes")
    assert done.stdout == "a@b.c: updated\nb@b.c: unchanged\nc@b.c: created\n"
    roles = {role["name"]: role for role in database["Role"].find()}
    ada = user("a")
    assert (ada["name"], ada["rolesIds"]) == ("A", [roles["viewer"]["_id"]])
    assert (roles["support"]["userIds"], roles["viewer"]["userIds"]) == ([], [ada["_id"]])
    assert database["Profile"].find_one({"_id": ada["profileId"]})["address"] == "Main St"
    assert user("b") == before
    again = load(text, "--on-conflict", "update", "--yes")
    assert again.stderr.endswith("nothing to do\n")
    skipped = load("email,username\na@b.c,other\nd@b.c,c\ne@b.c,e\n", "--on-conflict", "skip")
    assert skipped.stdout.splitlines() == [
        "a@b.c: unchanged",
        'd@b.c: unchanged (not imported: the username "c" belongs to "c@b.c")',
        "e@b.c: created",
    ]


def test_an_update_is_asked_about_and_names_what_it_changes(load: Import, chatctl: Chatctl) -> None:
    load("email,username,name\na@b.c,a,A\n")
    shown = load("email,username,name\na@b.c,a,B\n", "--on-conflict", "update", "-n")
    assert "name A -> B" in shown.stdout
    text = "email,username,name\na@b.c,a,B\n"
    assert chatctl("users", "import", "-", "--on-conflict", "update", input=text, code=7).stdout == ""
    chatctl("users", "import", "-", "--on-conflict", "update", "--yes", input=text)


def test_a_username_of_somebody_else_is_a_conflict(load: Import) -> None:
    load("email,username\na@b.c,a\nb@b.c,b\n")
    failed = load("email,username\na@b.c,b\n", "--on-conflict", "update", "--yes", code=4)
    assert failed.stderr.splitlines()[0] == 'people.csv:2:2: username: the username "b" belongs to "b@b.c"'


def test_an_import_does_not_take_the_last_member(load: Import, chatctl: Chatctl, database: Database) -> None:
    chatctl("roles", "create", "admin")
    role = database["Role"].find_one()["_id"]
    database["chatctl_state"].update_one({"_id": "protected-roles"}, {"$set": {"ids": [role]}}, upsert=True)
    load("email,username,roles\na@b.c,a,admin\n")
    text = "email,username,status\na@b.c,a,suspended\n"
    load(text, "--on-conflict", "update", "--yes", code=7)
    load(text, "--on-conflict", "update", "--yes", "--allow-last-member")


def test_an_import_can_be_undone(load: Import, chatctl: Chatctl, database: Database) -> None:
    chatctl("roles", "create", "support")
    load("email,username,roles,address\na@b.c,a,support,x\n")
    before = [list(database[name].find()) for name in ("User", "Role", "Profile")]
    done = load("email,username,roles,address\na@b.c,a,,y\nb@b.c,b,support,z\n", "--on-conflict", "update", "--yes")
    chatctl("audit", "undo", done.stderr.split()[-1], "--yes")
    assert [list(database[name].find()) for name in ("User", "Role", "Profile")] == before


def test_emails_on_disk_may_be_in_any_case(load: Import, database: Database) -> None:
    old = {"email": "Zoë@Example.ORG", "username": "zoe", "status": "ACTIVE", "_id": ObjectId()}
    database["User"].insert_one(dict(old))
    load("email,username\nzoë@example.org,zoe\n", code=4)
    assert load("email,username\nZOË@example.org,zoe\n", "--on-conflict", "skip").stdout.endswith(": unchanged\n")


def test_many_rows_are_written_in_batches_and_said_in_one_line(load: Import, chatctl: Chatctl) -> None:
    chatctl("roles", "create", "member")
    rows = "".join(f"u{number}@b.c,u{number},member,x\n" for number in range(1200))
    outcome = json.loads(load(f"email,username,roles,address\n{rows}", "-o", "json").stdout)
    assert (outcome["changed"], outcome["unchanged"], len(outcome["results"])) == (1200, 0, 1200)
    assert list(outcome["results"][0]) == ["id", "ref", "outcome"]
    done = load(f"email,username,roles,address\n{rows}", "--on-conflict", "skip")
    assert (done.stdout, done.stderr) == ("1,200 unchanged\n", "nothing to do\n")
    assert "change" not in chatctl("audit", "undo", outcome["event"], "--yes").stdout
    assert chatctl("users", "export").stdout.count("\n") == 1


def test_an_export_follows_filters_and_the_name_of_the_file(load: Import, chatctl: Chatctl, tmp_path: Path) -> None:
    load("email,username,status,address\na@b.c,a,,\nb@b.c,b,suspended,Main St\n")
    chatctl("users", "export", "--status", "suspended", "--to", "out.json")
    (row,) = json.loads((tmp_path / "out.json").read_text())
    assert (row["username"], row["address"], stat.S_IMODE((tmp_path / "out.json").stat().st_mode)) == (
        "b",
        "Main St",
        0o600,
    )
    chatctl("users", "export", "--to", "out.json", code=4)
    chatctl("users", "export", "--to", "out.json", "-o", "csv", "--overwrite")
    assert (tmp_path / "out.json").read_text().startswith("email,username,name,status,emailVerified,roles,phoneNumber,")


def test_wrong_options_are_refused(load: Import, chatctl: Chatctl) -> None:
    load("email,username\n", "--on-conflict", "updat", code=2)
    chatctl("users", "import", "nowhere.csv", code=3)
    chatctl("users", "import", "", code=2)
    chatctl("users", "import", ".", code=5)
    chatctl("users", "export", "-o", "table", code=2)


def test_pipes_end_as_they_should(process: Process, load: Import) -> None:
    load("email,username\n" + "".join(f"u{number}@b.c,u{number}\n" for number in range(3000)))
    ended = process("users", "export", line="| head -1")
    assert (ended.stdout, ended.stderr, ended.returncode) == (
        b"email,username,name,status,emailVerified,roles,phoneNumber,address,imageUrl\r\n",
        b"",
        141,
    )
    assert process("users", "export", line="> /dev/full").returncode == 74
    assert process("users", "export", "--to", "/dev/full").returncode == 74
