"""Creating and changing users."""

import json
import re
from datetime import UTC, datetime

import pytest
from bson import ObjectId
from passlib.hash import bcrypt
from people import BEGAN, PASSWORD, Documents, links, person, stored, user

from actions.rules.passwords import RULE
from models.schema import FIELDS
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl


def test_a_new_user_looks_as_if_the_application_had_written_it(roles: Chatctl, database: Documents) -> None:
    line = ["users", "create", "--email", "Ada@Example.org", "--username", "ada", "--name", "Ada", "--role", "support"]
    done = roles(*line, "--role", "viewer", "--phone", "+44 1", "--password-stdin", input=f"{PASSWORD}\n")
    assert done.stdout == "ada: created\n"
    made = user(database)
    assert made.keys() - {"_id"} < FIELDS["User"]
    assert (made["email"], made["name"], made["status"]) == ("ada@example.org", "Ada", "ACTIVE")
    assert made["createdAt"] == made["updatedAt"]
    assert (made["conversationIds"], made["seenMessageIds"], len(made["rolesIds"])) == ([], [], 2)
    assert "emailVerified" not in made
    assert re.fullmatch(r"\$2b\$\d\d\$.{53}", made["hashedPassword"])
    assert bcrypt.verify(PASSWORD, made["hashedPassword"])
    [profile] = database["Profile"].find()
    assert profile == {"_id": made["profileId"], "userId": made["_id"], "phoneNumber": "+44 1"}
    links(database)
    assert PASSWORD not in str([list(database[name].find()) for name in database.list_collection_names()])


def test_a_new_user_without_a_password_has_no_password_field(either: Chatctl, database: Documents) -> None:
    either("users", "create", "--email", "a@b.c", "--username", "ada", "--no-password", "--verified")
    made = user(database)
    assert (made["status"], made["emailVerified"] <= datetime.now(UTC)) == ("EMAIL_VERIFIED", True)
    assert not {"hashedPassword", "name", "profileId", "lastLogin"} & made.keys()


def test_a_generated_password_is_the_only_output_and_printed_once(either: Chatctl, database: Documents) -> None:
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
        (PASSWORD, ["--email", "ada"], (5, '"ada" is not a valid e-mail address')),
        (PASSWORD, ["--email", "a@b@c"], (5, '"a@b@c" is not a valid e-mail address')),
        (PASSWORD, ["--email", "a\u202e@b.c"], (5, "contains an invisible character (U+202E)")),
        (PASSWORD, ["--email", "a\u00a0b@c.d"], (5, "is not a valid e-mail address")),
        (PASSWORD, ["--email", "GRACE@example.org"], (4, 'a user already has the e-mail "grace@example.org"')),
        (PASSWORD, ["--username", "grace"], (4, 'the user "grace" already exists')),
        (PASSWORD, ["--username", ""], (5, 'the username "" cannot be empty')),
        (PASSWORD, ["--username", "a@b.c"], (5, "would be read as an e-mail address")),
        (PASSWORD, ["--username", "5f" * 12], (5, "would be read as an id")),
        (PASSWORD, ["--username", "id:ada"], (5, "would be read as an id")),
        (PASSWORD, ["--username", "email:ada"], (5, "would be read as an e-mail address")),
        (PASSWORD, ["--username", "username:ada"], (5, "cannot begin with name: or username:")),
        (PASSWORD, ["--username=-"], (5, "means standard input in a command")),
        (PASSWORD, ["--role", "suport"], (3, 'no role "suport"')),
        ("\n", [], (5, "standard input contains no password")),
        ("short\n", [], (5, "the password has fewer than 15 characters")),
        (f"{'ä' * 37}\n", [], (5, "the password has more than 72 bytes")),
        ("passwordpassword\n", [], (5, "the password is too common")),
        ("ada.lovelace@example.org\n", [], (5, "the password is the user's own name or e-mail")),
        (PASSWORD, ["--no-password"], (2, "cannot be combined")),
    ],
)
def test_an_invalid_user_is_refused_and_nothing_is_written(
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
            ["set-password", "ada", PASSWORD],
            "unexpected extra argument\nhint: a password cannot be an argument; see chatctl users set-password --help",
        ),
        (
            ["create", "--email", "a@b.c", "--username", "ada", "--password-stdin", PASSWORD],
            "unexpected extra argument\nhint: a password cannot be an argument; see chatctl users create --help",
        ),
        (
            ["set-password", "ada", "--password", PASSWORD],
            (
                "no such option: --password\n"
                "hint: other users of this machine could see the password: use --password-stdin"
            ),
        ),
    ],
)
def test_a_password_as_an_argument_is_refused_and_never_printed(either: Chatctl, line: list[str], said: str) -> None:
    assert either("users", *line, code=2) == ("", f"error: {said}\n", 2)
    assert PASSWORD not in either("users", *line, "--debug", "-o", "json", code=2).stderr


def test_without_a_terminal_the_error_names_the_password_options(either: Chatctl) -> None:
    refused = either("users", "create", "--email", "a@b.c", "--username", "ada", code=2)
    assert "use --password-stdin, --generate-password or --no-password" in refused.stderr


def test_on_a_terminal_the_password_is_asked_for_twice_and_hidden(terminal: Terminal, database: Documents) -> None:
    line = ("users", "create", "--email", "a@b.c", "--username", "ada")
    screen = terminal(*line, answers={"Password: ": f"{PASSWORD}\n", "Again: ": f"{PASSWORD}\n"}, columns=200)
    assert screen.code == 0
    assert screen.text.startswith(f"{RULE}\nPassword: \nAgain: \n")
    assert PASSWORD not in screen.text
    assert bcrypt.verify(PASSWORD, user(database)["hashedPassword"])
    screen = terminal("users", "set-password", "ada", answers={"Password: ": f"{PASSWORD}\n", "Again: ": "another\n"})
    assert (screen.code, "the two passwords are not the same" in screen.text) == (5, True)
    screen = terminal("users", "set-password", "ada", answers={"Password: ": "short\n"})
    assert (screen.code, "fewer than 15 characters" in screen.text, "Again" in screen.text) == (5, True, False)
    screen = terminal("users", "set-password", "ada", answers={"Password: ": "\x03"}, env={"NO_COLOR": "1"})
    assert (screen.code, screen.text.splitlines()[-1]) == (130, "Interrupted. Nothing was changed.")
    screen = terminal("users", "set-password", "adaa")
    assert (screen.code, "Password" in screen.text) == (3, False)
    screen = terminal("users", "set-password", "ada", answers={"Password: ": "\x04"}, env={"NO_COLOR": "1"})
    assert (screen.code, "error: no password was typed\n" in screen.text) == (5, True)
    assert bcrypt.verify(PASSWORD, user(database)["hashedPassword"])


def test_given_fields_are_changed_and_an_empty_text_removes_a_value(either: Chatctl, database: Documents) -> None:
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
    assert (
        either("users", "update", ada, "--address", "Pier 7").stdout
        == "countess: unchanged (already has these values)\n"
    )
    assert (
        either("users", "update", ada, "--email", "COUNTESS@x.org").stdout
        == "countess: unchanged (already has these values)\n"
    )


def test_a_stored_name_that_is_not_text_is_ignored(either: Chatctl, database: Documents) -> None:
    person(database, "ada", name=7)
    person(database, "grace")
    database["User"].update_one({"username": "grace"}, {"$set": {"username": ["grace", "alan"]}})
    either("users", "set-password", "ada", "--generate-password")
    assert either("users", "suspend", "grace", "--yes", code=3).stderr.startswith('error: no user "grace"')


def test_invalid_bytes_in_chatctl_actor_are_replaced_in_the_event(either: Chatctl, database: Documents) -> None:
    person(database, "ada")
    either("users", "verify-email", "ada", env={"CHATCTL_ACTOR": "ad\udcffa"})
    [event] = database["chatctl_audit"].find({"kind": "event"})
    assert event["actor"]["claimed"] == "ad?a"


def test_a_new_email_can_be_verified_at_once(either: Chatctl, database: Documents) -> None:
    person(database, "ada", emailVerified=BEGAN, status="EMAIL_VERIFIED")
    person(database, "alan", status="SUSPENDED")
    either("users", "update", "ada", "--email", "a@b.c", "--verified")
    either("users", "update", "alan", "--email", "b@b.c", "--verified")
    assert (user(database)["status"], user(database)["emailVerified"] > BEGAN) == ("EMAIL_VERIFIED", True)
    assert (user(database, "alan")["status"], "emailVerified" in user(database, "alan")) == ("SUSPENDED", True)
    assert "chatctl users verify-email" in either("users", "update", "ada", "--verified", code=2).stderr
    said = "error: no option says what to change\nhint: see chatctl users update --help\n"
    assert either("users", "update", "ada", "--reason", "a test", code=2) == ("", said, 2)
    assert "already" in either("users", "update", "ada", "--email", "B@B.C", code=4).stderr
    assert "already" in either("users", "update", "ada", "--username", "alan", code=4).stderr


def test_an_email_of_another_user_is_refused_in_any_case(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada", email="Ada@x.org")
    assert either("users", "update", ada, "--email", "ADA@x.org").stdout == "ada: updated\n"
    database["User"].update_one({"_id": ada}, {"$set": {"email": "Ada@x.org"}})
    other = person(database, "grace", email="ada@x.org")
    assert either("users", "update", ada, "--email", "ada@X.org", code=4).stderr == (
        f'error: a user already has the e-mail "ada@x.org"\nhint: see chatctl users show id:{other}\n'
    )
    assert (
        either("users", "update", other, "--email", "ada@x.org").stdout
        == "grace: unchanged (already has these values)\n"
    )


def test_the_event_of_a_profile_change_is_listed_under_the_user(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada", hashedPassword="$2b$12$" + "x" * 53, profileId=ObjectId("5f" * 12))
    database["Profile"].insert_one({"_id": ObjectId("5f" * 12), "userId": ada, "phoneNumber": "1"})
    database["Account"].insert_one({"userId": ada, "type": "oauth", "provider": "google", "providerAccountId": "1"})
    before = stored(database)
    done = [either("users", "update", "ada", "--phone", "2"), either("users", "unlink", "ada", "google", "--yes")]
    events = [one.stderr.split()[-1] for one in done]
    assert either("audit", "list", "--target", "ada", "-o", "ids").stdout.split() == events[::-1]
    shown = json.loads(either("users", "show", "ada", "-o", "json").stdout)["events"]
    assert [event["id"] for event in shown] == events[::-1]
    for event in reversed(events):
        either("audit", "undo", event, "--yes")
    assert stored(database) == before
    assert user(database)["updatedAt"] == BEGAN
