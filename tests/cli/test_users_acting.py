"""Creating, changing, stopping and helping users, as a person types it."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId
from passlib.hash import bcrypt
from people import BEGAN, Documents, links, person, stored

from models.schema import FIELDS
from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

GOOD = "7 kettles on the quiet pier"
SAID = "error: nothing was done: this has to be confirmed\nhint: look at it with --dry-run, confirm it with --yes\n"


@pytest.fixture
def roles(either: Chatctl) -> Chatctl:
    either("permissions", "create", "user.read", "user.suspend")
    either("roles", "create", "viewer", "--permission", "user.read")
    either("roles", "create", "support", "--permission", "user.suspend")
    return either


def user(database: Documents, username: str = "ada") -> dict[str, Any]:
    return database["User"].find_one({"username": username}) or {}


def test_a_new_user_looks_as_if_the_application_had_written_it(roles: Chatctl, database: Documents) -> None:
    line = ["users", "create", "--email", "Ada@Example.org", "--username", "ada", "--name", "Ada", "--role", "support"]
    done = roles(*line, "--role", "viewer", "--phone", "+44 1", "--password-stdin", input=f"{GOOD}\n")
    assert done.stdout == "ada: created\n"
    made = user(database)
    assert made.keys() - {"_id"} < FIELDS["User"]
    assert (made["email"], made["name"], made["status"]) == ("ada@example.org", "Ada", "ACTIVE")
    assert made["createdAt"] == made["updatedAt"]
    assert (made["conversationIds"], made["seenMessageIds"], len(made["rolesIds"])) == ([], [], 2)
    assert "emailVerified" not in made
    assert re.fullmatch(r"\$2b\$\d\d\$.{53}", made["hashedPassword"])
    assert bcrypt.verify(GOOD, made["hashedPassword"])
    [profile] = database["Profile"].find()
    assert profile == {"_id": made["profileId"], "userId": made["_id"], "phoneNumber": "+44 1"}
    links(database)
    assert GOOD not in str([list(database[name].find()) for name in database.list_collection_names()])


def test_a_verified_user_without_a_password_has_no_field_for_it(either: Chatctl, database: Documents) -> None:
    either("users", "create", "--email", "a@b.c", "--username", "ada", "--no-password", "--verified")
    made = user(database)
    assert (made["status"], made["emailVerified"] <= datetime.now(UTC)) == ("EMAIL_VERIFIED", True)
    assert not {"hashedPassword", "name", "profileId", "lastLogin"} & made.keys()


def test_a_generated_password_is_printed_alone_and_once(either: Chatctl, database: Documents) -> None:
    done = either("users", "create", "--email", "a@b.c", "--username", "ada", "--generate-password")
    [password] = done.stdout.splitlines()
    assert bcrypt.verify(password, user(database)["hashedPassword"])
    assert "ada: created\n" in done.stderr
    assert password not in done.stderr
    other = json.loads(either("users", "set-password", "ada", "--generate-password", "-o", "json").stdout)
    assert bcrypt.verify(other["results"][0]["password"], user(database)["hashedPassword"])
    tried = either("users", "set-password", "ada", "--generate-password", "-n", "-o", "json")
    assert "password" not in json.loads(tried.stdout)["results"][0]
    said = either("audit", "show", other["event"]).stdout
    assert "hashedPassword (secret) -> (secret)" in said


@pytest.mark.parametrize(
    ("given", "options", "expected"),
    [
        (GOOD, ["--email", "ada"], (5, '"ada" is no e-mail address')),
        (GOOD, ["--email", "a@b@c"], (5, '"a@b@c" is no e-mail address')),
        (GOOD, ["--email", "a\u202e@b.c"], (5, "holds a character that cannot be seen (U+202E)")),
        (GOOD, ["--email", "a\u00a0b@c.d"], (5, "is no e-mail address")),
        (GOOD, ["--email", "GRACE@example.org"], (4, 'a user has the e-mail "grace@example.org" already')),
        (GOOD, ["--username", "grace"], (4, 'the user "grace" exists already')),
        (GOOD, ["--username", ""], (5, "a name cannot be empty")),
        (GOOD, ["--username", "a@b.c"], (5, "it would be read as an e-mail address")),
        (GOOD, ["--username", "5f" * 12], (5, "it would be read as an id")),
        (GOOD, ["--username", "id:ada"], (5, "it would be read as an id")),
        (GOOD, ["--username", "email:ada"], (5, "it would be read as an e-mail address")),
        (GOOD, ["--username", "username:ada"], (5, "it would be read as the name behind the colon")),
        (GOOD, ["--username=-"], (5, "it would be read as names on standard input")),
        (GOOD, ["--role", "suport"], (3, 'no role "suport"')),
        ("\n", [], (5, "standard input holds no password")),
        ("short\n", [], (5, "the password has fewer than 15 characters")),
        (f"{'ä' * 37}\n", [], (5, "the password has more than 72 bytes")),
        ("passwordpassword\n", [], (5, "the password is a common one")),
        ("ada.lovelace@example.org\n", [], (5, "the password is the user's own name or e-mail")),
        (GOOD, ["--no-password"], (2, "contradict each other")),
    ],
)
def test_what_cannot_be_a_user_is_refused_and_nothing_is_written(
    roles: Chatctl, database: Documents, given: str, options: list[str], expected: tuple[int, str]
) -> None:
    person(database, "grace")
    before = stored(database)
    line = ["users", "create", "--email", "ada.lovelace@example.org", "--username", "ada", "--password-stdin"]
    code, message = expected
    refused = roles(*line, *options, input=given, code=code)
    assert message in refused.stderr
    assert refused.stdout == ""
    assert stored(database) == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            ["set-password", "ada", GOOD],
            "got an argument too many\nhint: no argument is a password; see chatctl users set-password --help",
        ),
        (
            ["create", "--email", "a@b.c", "--username", "ada", "--password-stdin", GOOD],
            "got an argument too many\nhint: no argument is a password; see chatctl users create --help",
        ),
        (
            ["set-password", "ada", "--password", GOOD],
            "no such option: --password\nhint: other users of this machine could see it: take --password-stdin",
        ),
    ],
)
def test_a_password_as_an_argument_is_not_taken_and_not_repeated(either: Chatctl, line: list[str], said: str) -> None:
    assert either("users", *line, code=2) == ("", f"error: {said}\n", 2)
    assert GOOD not in either("users", *line, "--debug", "-o", "json", code=2).stderr


def test_where_nobody_can_be_asked_for_a_password_the_options_are_named(either: Chatctl) -> None:
    refused = either("users", "create", "--email", "a@b.c", "--username", "ada", code=2)
    assert "give one of --password-stdin, --generate-password and --no-password" in refused.stderr


def test_on_a_terminal_the_password_is_asked_for_twice_and_unseen(terminal: Terminal, database: Documents) -> None:
    line = ("users", "create", "--email", "a@b.c", "--username", "ada")
    screen = terminal(*line, answers={"Password: ": f"{GOOD}\n", "Again: ": f"{GOOD}\n"})
    assert screen.code == 0
    assert GOOD not in screen.text
    assert bcrypt.verify(GOOD, user(database)["hashedPassword"])
    screen = terminal("users", "set-password", "ada", answers={"Password: ": f"{GOOD}\n", "Again: ": "another\n"})
    assert (screen.code, "the two passwords are not the same" in screen.text) == (5, True)
    screen = terminal("users", "set-password", "ada", answers={"Password: ": "short\n"})
    assert (screen.code, "fewer than 15 characters" in screen.text, "Again" in screen.text) == (5, True, False)
    screen = terminal("users", "set-password", "ada", answers={"Password: ": "\x03"})
    assert (screen.code, screen.text.splitlines()[-1]) == (130, "error: interrupted")
    screen = terminal("users", "set-password", "adaa")
    assert (screen.code, "Password" in screen.text) == (3, False)
    screen = terminal("users", "set-password", "ada", answers={"Password: ": "\x04"})
    assert (screen.code, "error: no password was typed\n" in screen.text) == (5, True)
    assert bcrypt.verify(GOOD, user(database)["hashedPassword"])


def test_what_is_given_is_changed_and_an_empty_text_takes_away(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada", name="Ada", status="EMAIL_VERIFIED", emailVerified=BEGAN)
    done = either("users", "update", "ada", "--email", "Countess@x.org", "--username", "countess", "--name", "")
    assert done.stdout == "countess: updated\n"
    made = user(database, "countess")
    assert (made["email"], made["status"]) == ("countess@x.org", "ACTIVE")
    assert not {"name", "emailVerified"} & made.keys()
    assert made["updatedAt"] > BEGAN
    either("users", "update", ada, "--phone", "1", "--address", "Pier 7")
    made = user(database, "countess")
    assert database["Profile"].find_one() == {
        "_id": made["profileId"], "userId": ada, "phoneNumber": "1", "address": "Pier 7",
    }  # fmt: skip
    either("users", "update", ada, "--phone", "", "--image-url", "https://x.org/a.png")
    assert database["Profile"].find_one().keys() == {"_id", "userId", "address", "imageUrl"}  # type: ignore[union-attr]
    assert either("users", "update", ada, "--address", "Pier 7").stdout == "countess: unchanged\n"
    assert either("users", "update", ada, "--email", "COUNTESS@x.org").stdout == "countess: unchanged\n"


def test_names_of_another_type_are_no_names(either: Chatctl, database: Documents) -> None:
    person(database, "ada", name=7)
    person(database, "grace")
    database["User"].update_one({"username": "grace"}, {"$set": {"username": ["grace", "alan"]}})
    either("users", "set-password", "ada", "--generate-password")
    assert either("users", "suspend", "grace", "--yes", code=3).stderr.startswith('error: no user "grace"')


def test_a_claim_that_is_no_text_is_kept_as_far_as_it_is(either: Chatctl, database: Documents) -> None:
    person(database, "ada")
    either("users", "verify-email", "ada", env={"CHATCTL_ACTOR": "ad\udcffa"})
    [event] = database["chatctl_audit"].find({"kind": "event"})
    assert event["actor"]["claimed"] == "ad?a"


def test_a_new_email_can_be_known_to_be_theirs(either: Chatctl, database: Documents) -> None:
    person(database, "ada", emailVerified=BEGAN, status="EMAIL_VERIFIED")
    person(database, "alan", status="SUSPENDED")
    either("users", "update", "ada", "--email", "a@b.c", "--verified")
    either("users", "update", "alan", "--email", "b@b.c", "--verified")
    assert (user(database)["status"], user(database)["emailVerified"] > BEGAN) == ("EMAIL_VERIFIED", True)
    assert (user(database, "alan")["status"], "emailVerified" in user(database, "alan")) == ("SUSPENDED", True)
    assert "chatctl users verify-email" in either("users", "update", "ada", "--verified", code=2).stderr
    said = "error: nothing is given to change\nhint: see chatctl users update --help\n"
    assert either("users", "update", "ada", "--reason", "a test", code=2) == ("", said, 2)
    assert "already" in either("users", "update", "ada", "--email", "B@B.C", code=4).stderr
    assert "already" in either("users", "update", "ada", "--username", "alan", code=4).stderr


def test_an_email_in_another_case_is_taken_where_somebody_else_has_it(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada", email="Ada@x.org")
    assert either("users", "update", ada, "--email", "ADA@x.org").stdout == "ada: updated\n"
    database["User"].update_one({"_id": ada}, {"$set": {"email": "Ada@x.org"}})
    other = person(database, "grace", email="ada@x.org")
    assert either("users", "update", ada, "--email", "ada@X.org", code=4).stderr == (
        f'error: a user has the e-mail "ada@x.org" already\nhint: see chatctl users show id:{other}\n'
    )
    assert either("users", "update", other, "--email", "ada@x.org").stdout == "grace: unchanged\n"


def test_what_changes_only_what_a_user_owns_is_found_under_the_user(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada", hashedPassword="$2b$12$" + "x" * 53, profileId=ObjectId("5f" * 12))
    database["Profile"].insert_one({"_id": ObjectId("5f" * 12), "userId": ada, "phoneNumber": "1"})
    database["Account"].insert_one({"userId": ada, "type": "oauth", "provider": "google", "providerAccountId": "1"})
    before = stored(database)
    done = [either("users", "update", "ada", "--phone", "2"), either("users", "unlink", "ada", "google", "--yes")]
    events = [one.stderr.split()[-1] for one in done]
    assert either("audit", "list", "--target", "ada", "-o", "ids").stdout.split() == events
    shown = json.loads(either("users", "show", "ada", "-o", "json").stdout)["events"]
    assert [event["id"] for event in shown] == events[::-1]
    for event in reversed(events):
        either("audit", "undo", event, "--yes")
    assert stored(database) == before
    assert user(database)["updatedAt"] == BEGAN


def test_users_are_stopped_and_let_in_again(either: Chatctl, database: Documents) -> None:
    person(database, "ada", emailVerified=BEGAN, status="EMAIL_VERIFIED")
    person(database, "grace")
    done = either("users", "suspend", "ada", "GRACE@example.org", "--yes", "--reason", "stolen laptop")
    assert done.stdout == "ada: suspended\ngrace: suspended\n"
    assert {found["status"] for found in database["User"].find()} == {"SUSPENDED"}
    assert either("users", "suspend", "ada", "--yes").stdout == "ada: unchanged\n"
    either("users", "reinstate", "ada", "grace")
    assert (user(database)["status"], user(database, "grace")["status"]) == ("EMAIL_VERIFIED", "ACTIVE")
    assert either("users", "reinstate", "ada").stdout == "ada: unchanged\n"
    [event] = json.loads(either("audit", "list", "--command", "users suspend", "-o", "json").stdout)
    assert (event["command"], event["reason"]) == ("users suspend ada grace", "stolen laptop")


def test_an_email_is_verified_once_and_a_suspended_user_stays_so(either: Chatctl, database: Documents) -> None:
    person(database, "ada")
    person(database, "grace", status="SUSPENDED")
    assert either("users", "verify-email", "ada", "grace").stdout == "ada: verified\ngrace: verified\n"
    assert (user(database)["status"], user(database, "grace")["status"]) == ("EMAIL_VERIFIED", "SUSPENDED")
    assert user(database, "grace")["emailVerified"] <= datetime.now(UTC)
    assert either("users", "verify-email", "ada", "grace").stdout == "ada: unchanged\ngrace: unchanged\n"


@pytest.mark.parametrize("command", ["suspend", "revoke", "delete"])
def test_what_takes_something_away_asks(roles: Chatctl, database: Documents, command: str) -> None:
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
def test_a_question_says_in_which_database_who_is_meant(
    terminal: Terminal, database: Documents, name: str, form: str
) -> None:
    ada = person(database, "ada")
    person(database, "grace")
    screen = terminal("users", "suspend", ada, "GRACE@example.org", "-o", form, typed="n\n", columns=200)
    question = "  users suspend ada grace\n  change 2 users\nGo on? [y/N] n\n"
    assert re.match(rf"changing {name} on \S+ \(MONGODB_DATABASE_URL\)\n{re.escape(question)}", screen.text)
    many = [person(database, f"someone-{number}") for number in range(30)]
    screen = terminal("users", "suspend", *many, typed="n\n", columns=300)
    [command] = (line for line in screen.text.splitlines() if line.startswith("  users suspend someone-0 someone-1 "))
    assert command.endswith(" someone-9 and 20 more")
    assert "  change 30 users\n" in screen.text


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
    assert roles("users", "grant", "ada", "--role", "viewer").stdout == "ada: unchanged\n"
    roles("users", "revoke", "ada", "grace", "--role", "viewer", "--yes")
    assert len(links(database)["rolesIds"]) == 2
    assert roles("users", "revoke", "ada", "--role", "viewer", "--yes").stdout == "ada: unchanged\n"


def test_a_role_that_nobody_named_or_that_is_not_there_is_an_error(roles: Chatctl, database: Documents) -> None:
    person(database, "ada")
    assert "--role" in roles("users", "grant", "ada", code=2).stderr
    assert 'did you mean "support"?' in roles("users", "grant", "ada", "--role", "suport", code=3).stderr
    assert 'did you mean "ada"?' in roles("users", "grant", "adaa", "--role", "support", code=3).stderr
    assert roles("users", "grant", "adaa", "ada", "--role", "support", "--skip-missing").stdout == "ada: granted\n"


def test_half_a_link_is_completed_by_a_grant_and_ended_by_a_revoke(roles: Chatctl, database: Documents) -> None:
    ada = person(database, "ada")
    database["Role"].update_one({"name": "viewer"}, {"$push": {"userIds": ada}})
    assert roles("users", "grant", "ada", "--role", "viewer").stdout == "ada: granted\n"
    links(database)
    database["User"].update_one({}, {"$set": {"rolesIds": []}})
    assert roles("users", "revoke", "ada", "--role", "viewer", "--yes").stdout == "ada: revoked\n"
    assert links(database)["rolesIds"] == set()


def test_the_last_way_to_sign_in_stays(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada", hashedPassword="$2b$12$" + "x" * 53)
    account = {"userId": ada, "type": "oauth", "access_token": "geheim"}
    database["Account"].insert_one({**account, "provider": "google", "providerAccountId": "1"})
    database["Account"].insert_one({**account, "provider": "github", "providerAccountId": "2"})
    assert either("users", "unlink", "ada", "google", "--yes").stdout == "ada: unlinked from google\n"
    either("users", "set-password", "ada", "--no-password", "--yes")
    assert "hashedPassword" not in user(database)
    refused = either("users", "unlink", "ada", "github", "--yes", code=7)
    assert refused.stderr.startswith("error: ada would have no way to sign in any more\nhint: ")
    assert database["Account"].count_documents({}) == 1
    wrong = either("users", "unlink", "ada", "gihub", "--yes", code=3).stderr
    assert wrong == 'error: ada has no sign-in at "gihub"\nhint: did you mean "github"?\n'
    done = either("users", "unlink", "ada", "github", "--yes", "--allow-lockout")
    assert database["Account"].count_documents({}) == 0
    assert "geheim" not in either("audit", "show", done.stderr.split()[-1], "-o", "json").stdout
    either("audit", "undo", done.stderr.split()[-1], "--yes")
    assert (database["Account"].find_one() or {})["access_token"] == "geheim"


def test_a_password_is_not_taken_from_who_has_no_other_sign_in(either: Chatctl, database: Documents) -> None:
    person(database, "ada", hashedPassword="$2b$12$" + "x" * 53)
    either("users", "set-password", "ada", "--no-password", "--yes", code=7)
    either("users", "set-password", "ada", "--no-password", "--yes", "--allow-lockout")
    assert either("users", "set-password", "ada", "--no-password", "--yes").stdout == "ada: unchanged\n"


def test_an_undo_leaves_a_way_to_sign_in_too(either: Chatctl, database: Documents) -> None:
    account = {"userId": person(database, "ada"), "type": "oauth", "provider": "github", "providerAccountId": "2"}
    database["Account"].insert_one(account)
    event = either("users", "set-password", "ada", "--password-stdin", input=GOOD).stderr.split()[-1]
    either("users", "unlink", "ada", "github", "--yes")
    refused = either("audit", "undo", event, "--yes", code=7)
    assert "ada would have no way to sign in any more" in refused.stderr
    assert "hashedPassword" in user(database)
    either("audit", "undo", event, "--yes", "--allow-lockout")
    assert "hashedPassword" not in user(database)


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("ada", "ada"), ("username:ada", "ada"), ("ada@example.org", "ada"), ("ADA@EXAMPLE.ORG", "ada"),
        ("email:ada@example.org", "ada"), ("username:id:7", "id:7"), ("größe@example.org", "grösse"),
        ("GRÖßE@example.org", "grösse"),
    ],
)  # fmt: skip
def test_a_user_is_read_by_the_shape_of_what_is_typed(
    either: Chatctl, database: Documents, ref: str, found: str
) -> None:
    person(database, "ada", email="Ada@Example.ORG")
    person(database, "id:7")
    person(database, "grösse", email="Größe@example.org")
    assert either("users", "suspend", ref, "-n", "-o", "json").stdout.count(f'"ref": "{found}"') == 1


def test_an_id_is_read_as_one_and_nothing_falls_through(either: Chatctl, database: Documents) -> None:
    person(database, "5f" * 12)
    gone = ObjectId()
    assert f'no user "{gone}"' in either("users", "suspend", gone, "--yes", code=3).stderr
    either("users", "suspend", "5f" * 12, "--yes", code=3)
    either("users", "suspend", "username:" + "5f" * 12, "--yes")
    assert "is no user id" in either("users", "suspend", "id:ada", "--yes", code=2).stderr


def test_two_who_differ_in_case_alone_are_named(either: Chatctl, database: Documents) -> None:
    ids = [person(database, "one", email="ada@x.org"), person(database, "two", email="Ada@x.org")]
    refused = either("users", "suspend", "ada@x.org", "--yes", code=4).stderr
    assert refused == (
        'error: several users have the email "ada@x.org"\n'
        f"hint: name one of id:{ids[0]} (ada@x.org), id:{ids[1]} (Ada@x.org)\n"
    )


def test_many_are_found_by_their_emails_in_any_case(either: Chatctl, database: Documents) -> None:
    for number in range(30):
        person(database, f"u{number}", email=f"{'U' if number % 3 else 'u'}{number}@x.org")
    given = "".join(f"u{number}@X.org\n" for number in range(30))
    done = either("users", "suspend", "-", "--yes", input=given)
    assert done.stdout.count(": suspended\n") == 30


def test_a_pipe_of_ids_takes_as_many_writes_as_there_are_thousands(process: Process, database: Documents) -> None:
    database["Role"].insert_one({"_id": ObjectId(), "name": "support", "userIds": [], "permissionsIds": []})
    template = {"status": "ACTIVE", "createdAt": BEGAN, "updatedAt": BEGAN, "rolesIds": []}
    database["User"].insert_many({**template, "email": f"{n}@x.org", "username": f"u{n}"} for n in range(2_500))
    given = "".join(f"{one['_id']}\n" for one in database["User"].find({}, ["_id"])).encode()
    done = process("users", "grant", "-", "--role", "support", "--yes", given=given)
    assert (done.returncode, done.stdout) == (0, b"2,500 granted\n")
    assert len(links(database)["rolesIds"]) == 2_500
