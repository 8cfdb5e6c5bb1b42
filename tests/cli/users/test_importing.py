"""Importing and exporting users."""

import json
import os
import resource
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from actions.rules import passwords
from tests.cli.conftest import Process
from tests.cli.users.conftest import Import
from tests.conftest import Chatctl

HASH = "$2b$04$" + "abcdefghijklmnopqrstu." + "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"


PASSWORD = "7 kettles on the quiet pier"


def test_an_imported_user_looks_as_if_the_application_wrote_it(
    load: Import, chatctl: Chatctl, database: Database, imported: Any
) -> None:
    chatctl("roles", "create", "support")
    header = "email,username,name,status,emailVerified,roles,phoneNumber,address,imageUrl,hashedPassword"
    row = f"Ada@Example.org,ada,Ada L,,2026-03-01T10:00Z,support,'+1 555,1 Main St,https://x.y/a.png,{HASH}"
    done = load(f"{header}\n{row}\n")
    assert done.stdout == "ada@example.org: created\n"
    ada = imported("ada")
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


def test_passwords_are_hashed_and_never_shown(load: Import, chatctl: Chatctl, imported: Any) -> None:
    done = load(f"email,username,password\na@b.c,a,{PASSWORD}\n")
    stored = imported("a")["hashedPassword"]
    assert stored.startswith("$2b$04$")
    assert len(stored) == 60
    event = done.stderr.split()[-1]
    shown = chatctl("audit", "show", event, "-o", "json").stdout + chatctl("users", "export", "-o", "json").stdout
    assert PASSWORD not in shown
    assert stored not in shown
    assert stored in chatctl("users", "export", "--with-password-hashes").stdout


def test_a_hash_with_the_prefix_of_php_becomes_one_the_application_can_check(load: Import, imported: Any) -> None:
    load(f"email,username,hashedPassword\na@b.c,a,{HASH.replace('$2b$', '$2y$')}\n")
    assert imported("a")["hashedPassword"] == HASH


def test_existing_users_are_skipped_or_updated(
    load: Import, chatctl: Chatctl, database: Database, imported: Any
) -> None:
    for role in ("support", "viewer"):
        chatctl("roles", "create", role)
    load("email,username,name,roles\na@b.c,a,A,support\nb@b.c,b,B,\n")
    before = imported("b")
    text = "email,username,name,roles,address\nA@b.c,a,,viewer,Main St\nb@b.c,b,,,\nc@b.c,c,C,,\n"
    load(text, code=4)
    load(text, "--on-conflict", "update", code=7)
    done = load(text, "--on-conflict", "update", "--yes")
    assert done.stdout == "a@b.c: updated\nb@b.c: unchanged\nc@b.c: created\n"
    roles = {role["name"]: role for role in database["Role"].find()}
    ada = imported("a")
    assert (ada["name"], ada["rolesIds"]) == ("A", [roles["viewer"]["_id"]])
    assert (roles["support"]["userIds"], roles["viewer"]["userIds"]) == ([], [ada["_id"]])
    assert database["Profile"].find_one({"_id": ada["profileId"]})["address"] == "Main St"
    assert imported("b") == before
    again = load(text, "--on-conflict", "update", "--yes")
    assert again.stderr.endswith("nothing to do\n")
    skipped = load("email,username\na@b.c,other\nd@b.c,c\ne@b.c,e\n", "--on-conflict", "skip")
    assert skipped.stdout.splitlines() == [
        "a@b.c: unchanged",
        'd@b.c: unchanged (not imported: the username "c" belongs to "c@b.c")',
        "e@b.c: created",
    ]


def test_an_update_asks_and_names_the_changes(load: Import, chatctl: Chatctl) -> None:
    load("email,username,name\na@b.c,a,A\n")
    shown = load("email,username,name\na@b.c,a,B\n", "--on-conflict", "update", "-n")
    assert shown.stdout.startswith("~ User a: name A -> B, updatedAt ")
    text = "email,username,name\na@b.c,a,B\n"
    assert chatctl("users", "import", "-", "--on-conflict", "update", input=text, code=7).stdout == ""
    done = chatctl("users", "import", "-", "--on-conflict", "update", "--yes", input=text)
    assert "~ User a: name A -> B, updatedAt " in chatctl("audit", "show", done.stderr.split()[-1]).stdout


def test_a_preview_hashes_no_password(load: Import, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    load("email,username,name\na@b.c,a,A\n")
    database["User"].update_one({}, {"$set": {"name": "A\ufffd"}})
    monkeypatch.setattr(passwords, "bcrypt_hash", lambda _: pytest.fail("hashed"))
    text = f"email,username,name,password\na@b.c,a,B,{PASSWORD}\nb@b.c,b,B,{PASSWORD}\n"
    shown = load(text, "--on-conflict", "update", "--dry-run")
    user = database["User"].find_one()["_id"]
    assert f"An undo cannot restore the exact bytes of: User {user} name\n" in shown.stderr


def test_a_username_of_somebody_else_is_a_conflict(load: Import) -> None:
    load("email,username\na@b.c,a\nb@b.c,b\n")
    failed = load("email,username\na@b.c,b\n", "--on-conflict", "update", "--yes", code=4)
    assert failed.stderr.splitlines()[0] == 'people.csv:2:2: username: the username "b" belongs to "b@b.c"'


def test_an_import_does_not_remove_the_last_member_of_a_protected_role(
    load: Import, chatctl: Chatctl, database: Database
) -> None:
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


def test_stored_emails_may_be_in_upper_or_lower_case(load: Import, database: Database) -> None:
    old = {"email": "Zoë@Example.ORG", "username": "zoe", "status": "ACTIVE", "_id": ObjectId()}
    database["User"].insert_one(dict(old))
    load("email,username\nzoë@example.org,zoe\n", code=4)
    assert load("email,username\nZOË@example.org,zoe\n", "--on-conflict", "skip").stdout.endswith(": unchanged\n")


def test_many_rows_are_written_in_batches_and_reported_in_one_line(load: Import, chatctl: Chatctl) -> None:
    chatctl("roles", "create", "member")
    rows = "".join(f"u{number}@b.c,u{number},member,x\n" for number in range(1200))
    outcome = json.loads(load(f"email,username,roles,address\n{rows}", "-o", "json").stdout)
    assert (outcome["changed"], outcome["unchanged"], len(outcome["results"])) == (1200, 0, 1200)
    assert list(outcome["results"][0]) == ["id", "ref", "outcome", "warning"]
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


def test_invalid_options_and_files_are_refused(load: Import, chatctl: Chatctl) -> None:
    load("email,username\n", "--on-conflict", "updat", code=2)
    chatctl("users", "import", "nowhere.csv", code=3)
    chatctl("users", "import", "", code=2)
    chatctl("users", "import", ".", code=5)
    chatctl("users", "export", "-o", "table", code=2)


def test_a_row_with_too_many_cells_is_written_to_the_errors_file_and_not_printed(load: Import, tmp_path: Path) -> None:
    load(f"email,username,name,password\na@b.c,a,Smith, J,{PASSWORD}\n", "--errors", "e.csv", code=5)
    again = (tmp_path / "e.csv").read_text()
    failed = load(again, code=5)
    assert failed.stderr.splitlines()[:2] == [
        'people.csv:1:6: unknown column: "too many"',
        "people.csv:2:5: password: the password has fewer than 15 characters",
    ]
    assert again.splitlines() == [
        "error,email,username,name,password,too many",
        f'"the row has 5 cells, the header has 4",a@b.c,a,Smith, J,{PASSWORD}',
    ]


def test_the_errors_file_cannot_replace_the_imported_file(load: Import, tmp_path: Path) -> None:
    text = "email,username\nbad,a\nb@b.c,b\n"
    failed = load(text, "--errors", f"{tmp_path}/people.csv", "--overwrite", code=2)
    assert failed.stderr.splitlines()[0] == "error: --errors and FILE are the same file"
    assert (tmp_path / "people.csv").read_text() == text


def test_a_cell_may_be_as_long_as_a_line(load: Import, chatctl: Chatctl) -> None:
    picture = f"data:image/png;base64,{'A' * 200_000}"
    load(f'email,username,imageUrl\na@b.c,a,"{picture}"\n')
    assert picture in chatctl("users", "export").stdout
    failed = load(f'email,username,imageUrl\na@b.c,a,"{"A" * 700_000}\n{"A" * 700_000}"\n', code=5)
    assert failed.stderr.startswith("people.csv:2: cannot be read as CSV from here on: field larger than field limit")


def test_a_full_disk_is_an_error_not_a_bug(chatctl: Chatctl, tmp_path: Path) -> None:
    rows = "".join(f"u{number}@b.c,u{number},{'x' * 1000}\n" for number in range(8000))
    (tmp_path / "people.csv").write_text(f"email,username,name\n{rows}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        failed = chatctl("users", "import", "people.csv", code=74)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failed.stderr.splitlines() == [
        "error: temporary files could not be written: disk I/O error",
        "hint: nothing was changed; set TMPDIR to a folder with more space",
    ]


def test_passwords_are_hashed_on_every_system(load: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    load(f"email,username,password\na@b.c,a,{PASSWORD}\n")


def test_a_file_name_that_is_not_utf8_is_a_fault(load: Import) -> None:
    failed = load(b"email,username,nom\xe9\na@b.c,a,x\n", code=5)
    assert failed.stderr.splitlines()[0] == "people.csv:1:3: this is not UTF-8 text"
    twice = load(rb'{"\udce9": 1, "\udce9": 2}', name="people.ndjson", code=5)
    assert twice.stderr.splitlines()[0] == r'people.ndjson:1: an object has the key "\udce9" twice'


def test_a_closed_standard_input_is_an_empty_file(process: Process) -> None:
    ended = process("users", "import", "-", line="<&-")
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (5, b"-:1: missing columns: email, username")


def test_a_closed_pipe_or_a_full_disk_ends_an_export_with_its_exit_code(process: Process, database: Database) -> None:
    now = datetime.now(UTC)
    template = {"status": "ACTIVE", "createdAt": now, "updatedAt": now, "rolesIds": []}
    database["User"].insert_many({**template, "email": f"u{n}@b.c", "username": f"u{n}"} for n in range(3_000))
    ended = process("users", "export", line="| head -1")
    assert (ended.stdout, ended.stderr, ended.returncode) == (
        b"email,username,name,status,emailVerified,roles,phoneNumber,address,imageUrl,createdAt,lastLogin,accounts\n",
        b"",
        141,
    )
    assert process("users", "export", line="> /dev/full").returncode == 74
    assert process("users", "export", "--to", "/dev/full").returncode == 74
