"""The output of `users show` and `users can`."""

import json
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database
from staff import IDS, person, settle

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

ADA, BOB, CYD, DAN = IDS.values()


SHOWN = f"""\
ID               {BOB}
USERNAME         bob
EMAIL            bob@example.org
STATUS           SUSPENDED
ROLES            support
LAST SIGN-IN     2026-03-06 10:00Z
E-MAIL VERIFIED  2026-03-03 10:00Z
CREATED          2026-03-02 10:00Z
UPDATED          2026-03-02 10:00Z
HAS PASSWORD     yes
CONVERSATIONS    1
MESSAGES         1

PERMISSION    THROUGH
user.read     support
user.suspend  support
"""


def test_users_show_prints_everything_about_a_user(people: Chatctl) -> None:
    assert people("users", "show", "bob") == (SHOWN, "", 0)
    for ref in (BOB, f"id:{BOB}", "BOB@example.org", "username:bob"):
        assert people("users", "show", ref).stdout == SHOWN
    shown = people("users", "show", "cyd").stdout
    assert shown.endswith("""\

PROVIDER  TYPE   ACCOUNT     ACCESS TOKEN  REFRESH TOKEN  ID TOKEN
github    oauth  cyd-github  yes           no             no
google    oauth  cyd-google  no            no             no
""")
    assert "\nPROFILE          phoneNumber +49 30 1\n" in people("users", "show", "ada").stdout


def test_a_long_profile_is_wrapped_between_its_fields(
    terminal: Terminal, database: Database[dict[str, Any]], chatctl: Chatctl
) -> None:
    settle(database)
    profile = {"address": "7 Pier Road, Old Town", "imageUrl": "https://images.example/a"}
    database["Profile"].update_one({}, {"$set": profile})
    shown = """\
PROFILE          phoneNumber +49 30 1,
                 address 7 Pier Road, Old Town,
                 imageUrl https://images.example/a
"""
    assert shown in terminal("users", "show", "ada", columns=60, env={"NO_COLOR": "1"}).text
    database["Profile"].update_one({}, {"$set": {"phoneNumber": "", "address": "", "imageUrl": None}})
    assert "\nPROFILE          -\n" in chatctl("users", "show", "ada").stdout


def test_json_of_users_show_has_all_values_and_the_last_events(people: Chatctl) -> None:
    people("users", "suspend", "dan", "--yes", "--reason", "a test")
    people("users", "reinstate", "dan")
    dan = json.loads(people("users", "show", "dan", "-o", "json").stdout)
    assert [(event["command"], event["reason"]) for event in dan["events"]] == [
        ("users reinstate dan", None),
        ("users suspend dan", "a test"),
    ]
    assert "users suspend dan" in people("users", "show", "dan").stdout
    bob = json.loads(people("users", "show", "bob", "-o", "json").stdout)
    assert (bob["conversations"], bob["messages"], bob["permissions"]) == (1, 1, ["user.read", "user.suspend"])
    assert bob["access"] == [
        {"permission": "user.read", "roles": ["support"]},
        {"permission": "user.suspend", "roles": ["support"]},
    ]
    assert people("users", "show", "bob", "-o", "ids").stdout == f"{BOB}\n"


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("lovelace", "see chatctl users list --search lovelace"),
        ("a.lovelace@elsewhere.example", "see chatctl users list --search a.lovelace"),
        ("somebody else; $(x)", "see chatctl users list"),
        ("-x", "see chatctl users list"),
        ("5f" * 12, "see chatctl users list"),
    ],
)
def test_without_a_similar_name_the_hint_is_a_command(people: Chatctl, ref: str, hint: str) -> None:
    said = people("users", "show", "--", ref, code=3).stderr
    assert said == f'error: no user "{ref}"\nhint: {hint}\n'


def test_a_wrong_name_gets_a_suggestion_and_several_matches_are_listed(
    people: Chatctl, database: Database[dict[str, Any]]
) -> None:
    said = 'error: no user "adaa"\nhint: did you mean "ada"?\n'
    assert people("users", "show", "adaa", code=3).stderr == said
    assert people("users", "can", "adaa", "user.read", code=3).stderr == said
    other = ObjectId()
    database["User"].insert_one(person("eve", _id=other, email="ADA@example.org"))
    listed = f"id:{ADA} (ada, ada@example.org), id:{other} (eve, ADA@example.org)"
    assert people("users", "show", "ada@example.org", code=4).stderr == (
        f'error: several users have the email "ada@example.org"\nhint: use one of {listed}\n'
    )


def test_users_can_answers_yes_or_no_and_says_why(people: Chatctl) -> None:
    assert (
        people("users", "can", "ada", "user.suspend").stdout
        == """\
USER           ada
PERMISSION     user.suspend
ALLOWED        yes
WHY            ada has this permission through support
THROUGH        support
WOULD GIVE IT  support
"""
    )
    assert (
        people("users", "can", "dan", "user.read", code=1).stdout
        == """\
USER           dan
PERMISSION     user.read
ALLOWED        no
WHY            dan has no role that grants this permission
THROUGH        -
WOULD GIVE IT  support, viewer
"""
    )
    nobody = people("users", "can", "ada", "message.delete", code=1)
    assert "WHY            no role grants this permission\n" in nobody.stdout
    assert nobody.stderr == ""


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("bob user.read", ["users reinstate bob"]),
        ("bob user.suspend", ["users reinstate bob"]),
        ("dan user.read", ["users grant dan --role viewer"]),
        ("dan@example.org user.suspend", ["users grant dan@example.org --role support"]),
        ("dan user.suspend --ignore-status", ["users grant dan --role support"]),
    ],
)
def test_the_answer_no_names_commands_that_would_give_the_permission(
    people: Chatctl, line: str, commands: list[str]
) -> None:
    said = people("users", "can", *line.split(), code=1)
    assert said.stderr.splitlines() == [f"to allow it: chatctl {command}" for command in commands]
    for command in commands:
        people(*command.split())
    assert people("users", "can", *line.split()).stderr == ""


def test_a_suspended_user_without_a_role_needs_two_commands(people: Chatctl) -> None:
    people("users", "suspend", "dan", "--yes")
    said = people("users", "can", "dan", "user.read", code=1).stderr.splitlines()
    assert said == [
        "to allow it: chatctl users reinstate dan",
        "to allow it: chatctl users grant dan --role viewer",
    ]
    assert people("users", "can", "dan", "user.read", "-o", "json", code=1).stderr == ""


def test_a_suspended_user_may_do_nothing_unless_the_status_is_ignored(people: Chatctl) -> None:
    answer = {
        "id": str(BOB),
        "user": "bob",
        "permission": "user.read",
        "allowed": False,
        "why": "bob is suspended",
        "through": ["support"],
        "wouldGive": ["support", "viewer"],
    }
    assert json.loads(people("users", "can", "bob", "user.read", "-o", "json", code=1).stdout) == answer
    ignored = people("users", "can", "bob@example.org", "user.read", "--ignore-status", "-o", "json")
    assert json.loads(ignored.stdout) == answer | {"allowed": True, "why": "bob has this permission through support"}
    said = 'error: no permission "user.rea"\nhint: did you mean "user.read"?\n'
    assert people("users", "can", "bob", "user.rea", code=3).stderr == said


def test_control_characters_in_names_are_harmless(either: Chatctl, database: Database[dict[str, Any]]) -> None:
    hostile = "\x1b]0;x\x07[red]a[/red]\u202eb\n:smile: 👩‍🚀"
    shown = r"\x1b]0;x\x07[red]a[/red]\u202eb\n:smile: 👩‍🚀"
    role, id_ = ObjectId(), ObjectId()
    database["Permission"].insert_one({"_id": role, "name": hostile})
    database["Role"].insert_one({"_id": role, "name": hostile, "permissionsIds": [role]})
    database["User"].insert_one(person(hostile, _id=id_, email="eve@example.org", name=hostile, rolesIds=[role]))
    listed = either("users", "list").stdout
    assert listed.count(shown) == 3
    dossier = either("users", "show", id_).stdout
    answer = either("users", "can", id_, f"id:{role}").stdout
    assert (dossier.count(shown), answer.count(shown)) == (5, 6)
    assert "\x1b" not in listed + dossier + answer
    assert either("users", "list", "--search", hostile, "-o", "ids").stdout == f"{id_}\n"
