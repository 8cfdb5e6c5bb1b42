"""Usernames that an import makes for users without a username."""

import json

import pytest
from people import Documents

from tests.cli.users.conftest import Import
from tests.conftest import Chatctl


def made(database: Documents) -> dict[str, str]:
    return {user["email"]: user["username"] for user in database["User"].find()}


def test_a_made_username_exists_neither_in_the_file_nor_in_the_database(
    load: Import, chatctl: Chatctl, database: Documents
) -> None:
    chatctl("users", "create", "--email", "old@b.c", "--username", "ada", "--no-password")
    rows = "email,username\nada@b.c,\nada@x.y,\nada@z.z,\nbob@b.c,\nx@b.c,bob\nBOB@x.y,\n"
    load(rows, "--username-from", "email")
    assert made(database) == {
        "old@b.c": "ada",
        "ada@b.c": "ada-2",
        "ada@x.y": "ada-3",
        "ada@z.z": "ada-4",
        "x@b.c": "bob",
        "bob@b.c": "bob-2",
        "bob@x.y": "bob-3",
    }


def test_many_users_with_similar_emails_get_different_usernames(load: Import, database: Documents) -> None:
    load("email\n" + "".join(f"info@b{n}.c\n" for n in range(1500)), "--username-from", "email")
    load("email\n" + "".join(f"info@c{n}.c\n" for n in range(250)), "--username-from", "email")
    assert sorted(made(database).values()) == sorted(["info", *(f"info-{n}" for n in range(2, 1751))])


@pytest.mark.parametrize(
    ("email", "username"),
    [
        ("zoe+news@b.c", "zoe+news"),
        ("a" * 24 + "@b.c", "user-" + "a" * 24),
        ("-@b.c", "user"),
        ("id:x@b.c", "id.x"),
        ("zoë@b.c", "zoë"),
    ],
)
def test_a_made_username_follows_the_rules(load: Import, database: Documents, email: str, username: str) -> None:
    load(json.dumps([{"email": email}]), "--username-from", "email", name="p.json", code=5 if email[:3] == "id:" else 0)
    assert email[:3] == "id:" or made(database) == {email: username}


@pytest.mark.parametrize(
    ("called", "username"),
    [
        ("Zoë  Ångström", "zoë.ångström"),
        ("林美", "林美"),
        ("email:Ann", "email.ann"),
        ("@", "first"),
        ("", "first"),
        ("d" * 200, "d" * 192),
    ],
)
def test_a_username_can_be_made_from_the_name(load: Import, database: Documents, called: str, username: str) -> None:
    load(json.dumps([{"email": "first@b.c", "name": called}]), "--username-from", "name", name="p.json")
    assert made(database) == {"first@b.c": username}


def test_the_preview_says_the_rule_and_users_who_exist_keep_their_username(
    load: Import, chatctl: Chatctl, database: Documents
) -> None:
    chatctl("users", "create", "--email", "ada@b.c", "--username", "lovelace", "--no-password")
    rows = "email,name\nada@b.c,Ada\nlovelace@b.c,\n"
    preview = load(rows, "--username-from", "email", "--on-conflict", "update", "--dry-run")
    assert "usernames are made from the part of the e-mail before the @, with -2, -3, … if the username exists" in (
        preview.stderr + preview.stdout
    )
    for policy in ("update", "skip"):
        load(rows, "--username-from", "email", "--on-conflict", policy, "--yes")
        assert made(database) == {"ada@b.c": "lovelace", "lovelace@b.c": "lovelace-2"}


def test_faults_of_a_row_without_a_username_are_still_found(load: Import, database: Documents) -> None:
    refused = load("email,username\nnowhere,\n,\na@b.c,\n,bob\n", "--username-from", "email", code=5).stderr
    assert refused.splitlines()[:2] == [
        "people.csv:2:1: email: is not a valid e-mail address",
        "people.csv:5:1: email: a value is required",
    ]
    assert database["User"].count_documents({}) == 0


def test_for_a_file_without_usernames_the_hint_names_the_option(load: Import) -> None:
    hint = load("email,name\na@b.c,Ann\n", code=5).stderr.splitlines()[-1]
    assert hint.startswith("hint: nothing was written; add --username-from email to make usernames, or map the columns")
