"""Imported users keep the verification of their e-mail, their times and their linked sign-ins."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Int64, ObjectId
from people import BEGAN, PASSWORD, Documents, person, stored

from tests.cli.users.conftest import Import
from tests.conftest import Chatctl

NOBODY = "1 of 1 new user has no password and no linked sign-in, and cannot sign in"
NO = ["false", "FALSE", "False", "0", "no", "NO"]
YES = ["true", "TRUE", "1", "yes", "Yes", "2026-01-01", "2026-01-01T10:00Z"]
GOOGLE = {"provider": "google", "providerAccountId": "104399998888"}
RICH = {**GOOGLE, "type": "oidc", "expires_at": 1_700_000_000, "token_type": "bearer", "scope": "openid email"}


def file(form: str, value: Any) -> tuple[str, str]:
    """Write a file with one user and a value of emailVerified."""
    row = {"email": "a@b.c", "username": "a", "emailVerified": value}
    if form == "csv":
        return "p.csv", f"email,username,emailVerified\na@b.c,a,{value}\n"
    return f"p.{form}", json.dumps([row] if form == "yaml" else row)


@pytest.mark.parametrize(
    ("form", "value"),
    [*(("csv", v) for v in [*NO, ""]), *((f, v) for f in ("ndjson", "yaml") for v in [*NO, False, 0, None, ""])],
)
def test_an_email_that_is_not_verified_is_not_a_fault(
    load: Import, chatctl: Chatctl, imported: Any, form: str, value: Any
) -> None:
    name, text = file(form, value)
    load(text, name=name)
    assert ("emailVerified" in imported("a"), imported("a")["status"]) == (False, "ACTIVE")
    assert chatctl("users", "list", "--unverified", "--columns", "username", "-o", "csv").stdout.split() == [
        "username",
        "a",
    ]


@pytest.mark.parametrize(
    ("form", "value"), [*(("csv", v) for v in YES), *((f, v) for f in ("ndjson", "yaml") for v in [*YES, True, 1])]
)
def test_every_spelling_of_a_verified_email_is_read(
    load: Import, chatctl: Chatctl, imported: Any, form: str, value: Any
) -> None:
    name, text = file(form, value)
    load(text, name=name)
    assert (isinstance(imported("a")["emailVerified"], datetime), imported("a")["status"]) == (True, "EMAIL_VERIFIED")
    assert "nothing found" in chatctl("users", "list", "--unverified").stderr


@pytest.mark.parametrize("value", ["maybe", "2", "-1", "12.5"])
def test_any_other_value_for_a_verified_email_is_a_fault(load: Import, value: str) -> None:
    refused = load(file("csv", value)[1], code=5).stderr
    assert refused.startswith("people.csv:2:3: emailVerified: use true, false or a time like 2026-03-01T10:00Z\n")


def test_an_update_removes_a_verification_only_if_the_row_says_so(
    load: Import, database: Documents, imported: Any
) -> None:
    person(database, "a", email="a@b.c", emailVerified=BEGAN, status="EMAIL_VERIFIED")
    assert load(file("csv", "")[1], "--on-conflict", "update", "--yes").stdout == "a@b.c: unchanged\n"
    assert load(file("csv", "true")[1], "--on-conflict", "update", "--yes").stdout == "a@b.c: unchanged\n"
    assert load(file("csv", "false")[1], "--on-conflict", "update", "--yes").stdout == "a@b.c: updated\n"
    assert ("emailVerified" in imported("a"), imported("a")["status"]) == (False, "ACTIVE")


def test_a_user_whose_stored_verification_is_false_is_unverified_and_can_be_imported(
    chatctl: Chatctl, database: Documents
) -> None:
    person(database, "a", emailVerified=False)
    person(database, "b", status="EMAIL_VERIFIED")
    person(database, "c", emailVerified=BEGAN, status="EMAIL_VERIFIED")
    before = stored(database)
    for form in ("csv", "json", "ndjson", "yaml"):
        chatctl("users", "export", "--to", f"own.{form}")
        done = chatctl("users", "import", f"own.{form}", "--on-conflict", "update", "--yes")
        assert done.stderr.endswith("nothing to do\n")
    assert stored(database) == before
    assert chatctl("users", "list", "--unverified", "--count").stdout == "2\n"


def test_times_of_users_are_imported(load: Import, chatctl: Chatctl, imported: Any) -> None:
    row = "email,username,createdAt,lastLogin\na@b.c,a,2019-03-01T10:00:00.123Z,2020-01-01\n"
    load(row)
    assert imported("a")["createdAt"] == datetime(2019, 3, 1, 10, 0, 0, 123000, tzinfo=UTC)
    assert imported("a")["lastLogin"] == datetime(2020, 1, 1, tzinfo=UTC)
    assert imported("a")["updatedAt"].year >= 2026
    assert load(row, "--on-conflict", "update", "--yes").stdout == "a@b.c: unchanged\n"
    later = row.replace("2019", "2018")
    assert load(later, "--on-conflict", "update", "--yes").stdout == "a@b.c: updated\n"
    assert chatctl("users", "list", "--created-before", "2018-12-31", "--count").stdout == "1\n"
    refused = load("email,username,createdAt\na@b.c,a,yesterday\n", code=5).stderr
    assert refused.startswith("people.csv:2:3: createdAt: this is not a valid time.")


@pytest.mark.parametrize(
    ("name_of", "text"),
    [
        ("p.csv", "email,username,accounts\na@b.c,a,google:104399998888;git\\;hub:a:b\\\\c\n"),
        (
            "p.json",
            json.dumps([{"email": "a@b.c", "username": "a", "accounts": "google:104399998888;git\\;hub:a:b\\\\c"}]),
        ),
        (
            "p.yaml",
            json.dumps(
                [
                    {
                        "email": "a@b.c",
                        "username": "a",
                        "accounts": [
                            {"provider": "google", "providerAccountId": 104399998888},
                            {"type": "oauth", "provider": "git;hub", "providerAccountId": "a:b\\c", "scope": None},
                        ],
                    }
                ]
            ),
        ),
    ],
)
def test_linked_sign_ins_are_imported(
    load: Import, database: Documents, imported: Any, name_of: str, text: str
) -> None:
    done = load(text, name=name_of)
    assert "no password and no linked" not in done.stderr
    common = {"type": "oauth", "userId": imported("a")["_id"]}
    assert [account | {"_id": 0} for account in database["Account"].find()] == [
        {"_id": 0, **common, "provider": "google", "providerAccountId": "104399998888"},
        {"_id": 0, **common, "provider": "git;hub", "providerAccountId": "a:b\\c"},
    ]
    assert load(text, "--on-conflict", "update", "--yes", name=name_of).stdout == "a@b.c: unchanged\n"


def test_all_fields_of_a_linked_sign_in_except_secrets_are_imported(
    load: Import, chatctl: Chatctl, database: Documents
) -> None:
    text = json.dumps({"email": "a@b.c", "username": "a", "accounts": [RICH]})
    load(text, name="p.ndjson")
    [account] = database["Account"].find()
    assert {key: value for key, value in account.items() if key not in {"_id", "userId"}} == RICH
    assert isinstance(account["expires_at"], Int64)
    database["Account"].update_one({}, {"$set": {"access_token": "secret", "scope": "openid"}})
    assert load(text, "--on-conflict", "update", "--yes", name="p.ndjson").stdout == "a@b.c: updated\n"
    [account] = database["Account"].find()
    assert (account["access_token"], account["scope"]) == ("secret", "openid email")
    for form in ("csv", "json", "ndjson", "yaml"):
        assert "secret" not in chatctl("users", "export", "-o", form).stdout


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ([{**GOOGLE, "access_token": "x"}], "tokens are never imported: remove access_token"),
        (
            [{**GOOGLE, "colour": "x"}],
            "unknown keys in an account: colour. Use only provider, type, providerAccountId, expires_at",
        ),
        ([{"provider": "google"}], "an account requires providerAccountId; in CSV write provider:providerAccountId"),
        (["google:1"], "expected an account, found a text"),
        ("google", "an account requires providerAccountId"),
        ("[1", "this is not a JSON list of accounts"),
        ([{**GOOGLE, "expires_at": "soon"}], "expires_at must be a whole number of seconds since 1970"),
        ([{**GOOGLE, "expires_at": 2**64}], "expires_at must be a whole number of seconds since 1970"),
        ([GOOGLE, {**GOOGLE, "type": "oidc"}], "the same account is listed twice"),
        ({"google": "1"}, "expected a list of accounts, found an object"),
    ],
)
def test_an_invalid_account_is_a_fault(load: Import, accounts: Any, said: str) -> None:
    text = json.dumps({"email": "a@b.c", "username": "a", "accounts": accounts})
    refused = load(text, name="p.ndjson", code=5).stderr
    assert refused.startswith(f"p.ndjson:1: accounts: {said}")


def test_an_account_of_somebody_else_is_a_conflict(load: Import, database: Documents, imported: Any) -> None:
    bob = person(database, "bob")
    database["Account"].insert_one({"userId": bob, "type": "oauth", **GOOGLE})
    database["Account"].insert_one(
        {"userId": ObjectId(), "type": "oauth", "provider": "gone", "providerAccountId": "1"}
    )
    text = "email,username,accounts\na@b.c,a,google:104399998888\nc@b.c,c,gone:1\nd@b.c,d,google:1\n"
    before = stored(database)
    refused = load(text, code=4).stderr.splitlines()
    assert refused[:2] == [
        "people.csv:2:3: accounts: the account google:104399998888 belongs to bob@example.org",
        "people.csv:3:3: accounts: the account gone:1 is linked to a user that does not exist",
    ]
    load(text, "--on-conflict", "update", "--yes", code=4)
    assert stored(database) == before
    skipped = load(text, "--on-conflict", "skip").stdout.splitlines()
    assert skipped == [
        "a@b.c: unchanged (not imported: the account google:104399998888 belongs to bob@example.org)",
        "c@b.c: unchanged (not imported: the account gone:1 is linked to a user that does not exist)",
        "d@b.c: created",
    ]
    load(
        "email,username,accounts\nbob@example.org,bob,google:104399998888;github:1\n",
        "--on-conflict",
        "update",
        "--yes",
    )
    assert {account["provider"] for account in database["Account"].find({"userId": bob})} == {"google", "github"}


def test_two_rows_with_one_account_are_a_fault(load: Import) -> None:
    text = "email,username,accounts\na@b.c,a,google:1\nb@b.c,b,github:1;google:1\nc@b.c,c,google:2\n"
    assert load(text, code=5).stderr.splitlines()[0] == "people.csv:3:3: accounts: row 2 has the same account"


def test_an_import_of_linked_sign_ins_can_be_undone(load: Import, chatctl: Chatctl, database: Documents) -> None:
    load("email,username,accounts\na@b.c,a,google:1\n")
    before = stored(database)
    text = "email,username,createdAt,accounts\na@b.c,a,2019-01-01,google:1;github:1\nb@b.c,b,2019-01-01,google:2\n"
    done = load(text, "--on-conflict", "update", "--yes")
    assert database["Account"].count_documents({}) == 3
    chatctl("audit", "undo", done.stderr.split()[-1], "--yes")
    assert stored(database) == before


def test_users_who_cannot_sign_in_are_counted(load: Import) -> None:
    assert NOBODY in load("email,username\na@b.c,a\n", "-n").stderr.splitlines()
    assert NOBODY in load("email,username\na@b.c,a\n").stderr.splitlines()
    rows = ["email,username,password,accounts", f"b@b.c,b,{PASSWORD},", "c@b.c,c,,google:1", "d@b.c,d,,", "e@b.c,e,,"]
    done = load("\n".join(rows), "-n", "-o", "json")
    warnings = [one.get("warning") for one in json.loads(done.stdout)["results"]]
    assert warnings == [None, None, *["no password and no linked sign-in"] * 2]
    done = load("\n".join(rows))
    assert "2 of 4 new users have no password and no linked sign-in, and cannot sign in" in done.stderr


def test_an_export_with_a_filter_has_accounts_too(load: Import, chatctl: Chatctl, tmp_path: Path) -> None:
    load("email,username,status,accounts\na@b.c,a,SUSPENDED,google:1;github:2\nb@b.c,b,,google:2\n")
    (tmp_path / "out.json").unlink(missing_ok=True)
    [row] = json.loads(chatctl("users", "export", "--status", "suspended", "-o", "json").stdout)
    assert row["accounts"] == [
        {"type": "oauth", "provider": "google", "providerAccountId": "1"},
        {"type": "oauth", "provider": "github", "providerAccountId": "2"},
    ]
    assert ",google:1;github:2" in chatctl("users", "export", "--provider", "github").stdout
