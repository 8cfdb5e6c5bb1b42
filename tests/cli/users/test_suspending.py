"""The commands that suspend and reinstate users, and change their roles and sign-ins."""

import json
import re
from datetime import UTC, datetime

import pytest
from people import BEGAN, PASSWORD, Documents, links, person, stored, user

from actions.users.status import STOPPED
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

SAID = "error: Not changed: confirmation is required.\nhint: Preview it with --dry-run, confirm it with --yes.\n"


def test_users_are_suspended_and_reinstated(either: Chatctl, database: Documents) -> None:
    person(database, "ada", emailVerified=BEGAN, status="EMAIL_VERIFIED")
    person(database, "grace")
    done = either("users", "suspend", "ada", "GRACE@example.org", "--yes", "--reason", "stolen laptop")
    assert done.stdout == "ada: suspended\ngrace: suspended\n"
    assert {found["status"] for found in database["User"].find()} == {"SUSPENDED"}
    assert either("users", "suspend", "ada", "--yes").stdout == "ada: unchanged (already suspended)\n"
    either("users", "reinstate", "ada", "grace")
    assert (user(database)["status"], user(database, "grace")["status"]) == ("EMAIL_VERIFIED", "ACTIVE")
    assert either("users", "reinstate", "ada").stdout == "ada: unchanged (not suspended)\n"
    [event] = json.loads(either("audit", "list", "--command", "users suspend", "-o", "json").stdout)
    assert (event["command"], event["reason"]) == ("users suspend ada grace", "stolen laptop")


def test_an_email_is_verified_once_and_a_suspended_user_stays_suspended(either: Chatctl, database: Documents) -> None:
    person(database, "ada")
    person(database, "grace", status="SUSPENDED")
    assert either("users", "verify-email", "ada", "grace").stdout == "ada: verified\ngrace: verified\n"
    assert (user(database)["status"], user(database, "grace")["status"]) == ("EMAIL_VERIFIED", "SUSPENDED")
    assert user(database, "grace")["emailVerified"] <= datetime.now(UTC)
    verified = "ada: unchanged (already verified)\ngrace: unchanged (already verified)\n"
    assert either("users", "verify-email", "ada", "grace").stdout == verified


@pytest.mark.parametrize("command", ["suspend", "revoke", "delete"])
def test_a_change_that_removes_something_requires_confirmation(
    roles: Chatctl, database: Documents, command: str
) -> None:
    person(database, "ada", roles=("support",))
    before = stored(database)
    options = ["--role", "support"] if command == "revoke" else []
    assert roles("users", command, "ada", *options, code=7).stderr == SAID
    assert roles("users", command, "-", *options, input="ada\n", code=7).stderr == SAID
    assert stored(database) == before
    assert roles("users", command, "-", *options, input="").stderr == "nothing to do\n"
    assert roles("users", command, "ada", *options, "--yes", "--max", "0", code=7).stdout == ""
    roles("users", command, "-", *options, "--yes", input="ada\n")


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_question_names_the_database_and_the_user(
    terminal: Terminal, database: Documents, name: str, form: str
) -> None:
    ada = person(database, "ada")
    person(database, "grace")
    screen = terminal("users", "suspend", ada, "GRACE@example.org", "-o", form, typed="n\n", columns=200)
    people = "  ada (ada@example.org)\n  grace (grace@example.org)\n"
    question = f"{people}  change 2 users\n  {STOPPED}\nSuspend 2 users? [y/N] n\n"
    assert re.match(rf"changing {name} on \S+ \(MONGODB_DATABASE_URL\)\n{re.escape(question)}", screen.text)
    many = [person(database, f"someone-{number}") for number in range(30)]
    screen = terminal("users", "suspend", *many, typed="n\n", columns=300)
    listed = [f"  someone-{number} (someone-{number}@example.org)" for number in range(10)]
    assert screen.text.splitlines()[1:13] == [*listed, "  and 20 more", "  change 30 users"]


def test_roles_are_granted_and_revoked_on_both_sides(roles: Chatctl, database: Documents) -> None:
    person(database, "ada", roles=("viewer",))
    person(database, "grace", rolesIds=None)
    before = stored(database)
    line = ("users", "grant", "ada", "grace", "--role", "viewer", "--role", "support")
    done = roles(*line)
    assert done.stdout == "ada: granted\ngrace: granted\n"
    roles("audit", "undo", done.stderr.split()[-1], "--yes")
    assert stored(database) == before
    roles(*line)
    assert len(links(database)["rolesIds"]) == 4
    assert roles("users", "grant", "ada", "--role", "viewer").stdout == "ada: unchanged (already has role viewer)\n"
    roles("users", "revoke", "ada", "grace", "--role", "viewer", "--yes")
    assert len(links(database)["rolesIds"]) == 2
    without = "ada: unchanged (does not have role viewer)\n"
    assert roles("users", "revoke", "ada", "--role", "viewer", "--yes").stdout == without


def test_a_missing_or_unknown_role_is_an_error(roles: Chatctl, database: Documents) -> None:
    person(database, "ada")
    assert "--role" in roles("users", "grant", "ada", code=2).stderr
    assert 'did you mean "support"?' in roles("users", "grant", "ada", "--role", "suport", code=3).stderr
    assert 'did you mean "ada"?' in roles("users", "grant", "adaa", "--role", "support", code=3).stderr
    assert roles("users", "grant", "adaa", "ada", "--role", "support", "--skip-missing").stdout == "ada: granted\n"


def test_a_one_sided_link_is_completed_by_grant_and_removed_by_revoke(roles: Chatctl, database: Documents) -> None:
    ada = person(database, "ada")
    database["Role"].update_one({"name": "viewer"}, {"$push": {"userIds": ada}})
    assert roles("users", "grant", "ada", "--role", "viewer").stdout == "ada: granted\n"
    links(database)
    database["User"].update_one({}, {"$set": {"rolesIds": []}})
    assert roles("users", "revoke", "ada", "--role", "viewer", "--yes").stdout == "ada: revoked\n"
    assert links(database)["rolesIds"] == set()


def test_the_last_way_to_sign_in_cannot_be_removed(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada", hashedPassword="$2b$12$" + "x" * 53)
    account = {"userId": ada, "type": "oauth", "access_token": "geheim"}
    database["Account"].insert_one({**account, "provider": "google", "providerAccountId": "1"})
    database["Account"].insert_one({**account, "provider": "github", "providerAccountId": "2"})
    assert either("users", "unlink", "ada", "google", "--yes").stdout == "ada: unlinked from google\n"
    either("users", "set-password", "ada", "--no-password", "--yes")
    assert "hashedPassword" not in user(database)
    refused = either("users", "unlink", "ada", "github", "--yes", code=7)
    assert refused.stderr.startswith("error: ada would have no way to sign in\nhint: ")
    assert database["Account"].count_documents({}) == 1
    wrong = either("users", "unlink", "ada", "gihub", "--yes", code=3).stderr
    assert wrong == 'error: ada has no sign-in at "gihub"\nhint: did you mean "github"?\n'
    done = either("users", "unlink", "ada", "github", "--yes", "--allow-lockout")
    assert database["Account"].count_documents({}) == 0
    assert "geheim" not in either("audit", "show", done.stderr.split()[-1], "-o", "json").stdout
    either("audit", "undo", done.stderr.split()[-1], "--yes")
    assert (database["Account"].find_one() or {})["access_token"] == "geheim"


def test_the_only_password_cannot_be_removed(either: Chatctl, database: Documents) -> None:
    person(database, "ada", hashedPassword="$2b$12$" + "x" * 53)
    either("users", "set-password", "ada", "--no-password", "--yes", code=7)
    either("users", "set-password", "ada", "--no-password", "--yes", "--allow-lockout")
    without = "ada: unchanged (has no password)\n"
    assert either("users", "set-password", "ada", "--no-password", "--yes").stdout == without


def test_an_undo_keeps_a_way_to_sign_in(either: Chatctl, database: Documents) -> None:
    account = {"userId": person(database, "ada"), "type": "oauth", "provider": "github", "providerAccountId": "2"}
    database["Account"].insert_one(account)
    event = either("users", "set-password", "ada", "--password-stdin", input=PASSWORD).stderr.split()[-1]
    either("users", "unlink", "ada", "github", "--yes")
    refused = either("audit", "undo", event, "--yes", code=7)
    assert "ada would have no way to sign in" in refused.stderr
    assert "hashedPassword" in user(database)
    either("audit", "undo", event, "--yes", "--allow-lockout")
    assert "hashedPassword" not in user(database)
