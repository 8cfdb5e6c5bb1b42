"""Lists of users: their filters, pages and columns."""

import json
from typing import Any

import pytest
from pymongo.database import Database
from staff import IDS, ROLES, person, settle

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

ADA, BOB, CYD, DAN = IDS.values()


SORTABLE = ("id", "email", "username", "name", "status", "createdAt", "updatedAt", "lastLogin", "emailVerified")


LISTED = f"""\
ID                        USERNAME  NAME          EMAIL              STATUS          ROLES            LAST SIGN-IN
{ADA}  ada       Ada Lovelace  ada@example.org    ACTIVE          support, viewer  2026-03-10 10:00Z
{BOB}  bob                     bob@example.org    SUSPENDED       support          2026-03-06 10:00Z
{CYD}  cyd                     Cyd@Other.example  EMAIL_VERIFIED                   never
{DAN}  dan                     dan@example.org    ACTIVE                           never
"""


def usernames(chatctl: Chatctl, *args: object) -> list[str]:
    shown = chatctl("users", "list", "--columns", "username", *args).stdout
    return shown.splitlines()[1:]


def test_a_list_shows_all_users(people: Chatctl) -> None:
    assert people("users", "list") == (LISTED, "", 0)


def test_programs_get_all_values_except_secrets(people: Chatctl) -> None:
    ada, bob, cyd, dan = json.loads(people("users", "list", "-o", "json").stdout)
    assert ada == {
        "id": str(ADA),
        "username": "ada",
        "email": "ada@example.org",
        "status": "ACTIVE",
        "roles": ["support", "viewer"],
        "lastLogin": "2026-03-10T10:00:00.000Z",
        "name": "Ada Lovelace",
        "emailVerified": None,
        "createdAt": "2026-03-01T10:00:00.000Z",
        "updatedAt": "2026-03-01T10:00:00.000Z",
        "rolesIds": [str(ROLES["viewer"]), str(ROLES["support"])],
        "permissions": ["user.read", "user.suspend"],
        "profile": {"phoneNumber": "+49 30 1", "address": "", "imageUrl": None},
        "accounts": [
            {
                "provider": "github",
                "type": "oauth",
                "providerAccountId": "ada-github",
                "expires_at": None,
                "token_type": None,
                "scope": None,
                "hasAccessToken": False,
                "hasRefreshToken": False,
                "hasIdToken": True,
            }
        ],
        "hasPassword": True,
    }
    assert (bob["hasPassword"], cyd["hasPassword"], dan["hasPassword"]) == (True, False, False)
    assert [(one["provider"], one["hasAccessToken"], one["hasRefreshToken"]) for one in cyd["accounts"]] == [
        ("github", True, False),
        ("google", False, False),
    ]
    assert (cyd["rolesIds"], cyd["roles"], cyd["profile"], dan["accounts"]) == ([], [], None, [])
    everything = people("users", "list", "-o", "yaml").stdout + people("users", "show", "cyd", "-o", "json").stdout
    assert "token" not in everything.replace("token_type", "")
    assert "$2b$" not in everything


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--status", "suspended"], "bob"),
        (["--status", "Email_Verified"], "cyd"),
        (["--role", "support"], "ada bob"),
        (["--role", f"id:{ROLES['viewer']}"], "ada"),
        (["--permission", "user.read", "--role", "viewer"], "ada"),
        (["--permission", "user.suspend", "--status", "ACTIVE"], "ada"),
        (["--permission", "message.delete"], ""),
        (["--search", "LOVE"], "ada"),
        (["--search", "@OTHER"], "cyd"),
        (["--search", "a.a"], ""),
        (["--search", "LOVELACE  ada"], "ada"),
        (["--search", "lovelace example.org"], "ada"),
        (["--search", "ada bob"], ""),
        (["--search", "example a", "--role", "support", "--permission", "user.read"], "ada bob"),
        (["--search", "example a", "--status", "none", "--email-domain", "example.org"], ""),
        (["--email-domain", "EXAMPLE.org"], "ada bob dan"),
        (["--email-domain", "@other.EXAMPLE"], "cyd"),
        (["--email-domain", "example"], ""),
        (["--created-since", "2026-03-03"], "cyd dan"),
        (["--created-since", "2026-03-02T10:00Z", "--created-before", "2026-03-03T10:00Z"], "bob"),
        (["--created-before", "2026-03-02"], "ada"),
        (["--inactive-since", "2026-03-06T10:00Z"], "cyd dan"),
        (["--inactive-since", "2026-03-07", "--sort", "-username"], "dan cyd bob"),
        (["--inactive-since", "2099-01-01"], "bob ada cyd dan"),
        (["--unverified"], "ada dan"),
        (["--no-password"], "cyd dan"),
        (["--no-roles"], "cyd dan"),
        (["--provider", "github"], "ada cyd"),
        (["--provider", "github", "--sort", "-id"], "cyd ada"),
        (["--provider", "github", "--sort", "-lastLogin"], "ada cyd"),
        (["--provider", "github", "--no-roles"], "cyd"),
        (["--provider", "GitHub"], ""),
        (["--unverified", "--no-password", "--no-roles", "--search", "dan"], "dan"),
    ],
)
def test_filters_are_combined_with_and(people: Chatctl, filters: list[str], expected: str) -> None:
    assert usernames(people, *filters) == expected.split()
    assert people("users", "list", "--count", *filters).stdout == f"{len(expected.split())}\n"


@pytest.mark.parametrize(
    "filters",
    [[], ["--created-since", "2026-03-01"], ["--inactive-since", "2099-01-01"], ["--provider", "github"]],
    ids=str,
)
def test_all_pages_together_are_the_whole_list_in_every_order(people: Chatctl, filters: list[str]) -> None:
    whole = people("users", "list", "-o", "ids", *filters).stdout.split()
    paged: list[str] = []
    after: list[str] = []
    while page := people("users", "list", "-o", "ids", "--limit", "1", *filters, *after).stdout.split():
        paged += page
        after = ["--after", page[-1]]
    assert paged == whole
    first = people("users", "list", "--limit", "1", *filters).stderr
    onward = " ".join(["chatctl users list --limit 1", *filters, "--after", whole[0]])
    assert first == f"1 of {len(whole)}; next page: {onward}\n"


def test_users_with_a_permission_are_listed_with_the_roles_that_give_it(people: Chatctl) -> None:
    assert people("users", "list", "--permission", "user.read", "--columns", "username,through").stdout == (
        "USERNAME  THROUGH\nada       support, viewer\nbob       support\n"
    )
    header = people("users", "list", "--permission", "user.suspend").stdout.splitlines()[0].split()
    assert header[:3] == ["ID", "USERNAME", "THROUGH"]
    assert "through" in people("users", "list", "--columns", "through", code=2).stderr


def test_conversations_and_messages_are_counted_if_requested(people: Chatctl) -> None:
    counted = people("users", "list", "--columns", "username,conversations,messages").stdout
    assert [line.split() for line in counted.splitlines()[1:]] == [
        ["ada", "1", "2"],
        ["bob", "1", "1"],
        ["cyd", "0", "0"],
        ["dan", "0", "0"],
    ]
    assert "conversations" not in json.loads(people("users", "list", "-o", "json").stdout)[0]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--status", "x"], 2, '"x" is not a valid status. Use ACTIVE, SUSPENDED, EMAIL_VERIFIED or none.'),
        (["--role", "suport"], 3, 'no role "suport"\nhint: did you mean "support"?'),
        (["--permission", "user.red"], 3, 'no permission "user.red"\nhint: did you mean "user.read"?'),
        (["--search", ""], 2, "--search cannot be empty"),
        (["--search", " \t"], 2, "--search cannot be empty"),
        (["--search", "ab " * 70], 2, "--search has 209 characters; the limit is 200"),
        (["--email-domain", "@"], 2, "--email-domain cannot be empty"),
        (["--provider", ""], 2, "--provider cannot be empty"),
        (["--columns", "hashedPassword"], 2, 'unknown column "hashedPassword"\nhint: did you mean "hasPassword"?'),
        (["--sort", "", "--limit", "1"], 2, f'cannot sort by ""\nhint: sort by {", ".join(SORTABLE)}'),
        (["--sort", "-lastlogin"], 2, 'cannot sort by "lastlogin"\nhint: did you mean "lastLogin"?'),
    ],
)
def test_a_wrong_value_gets_the_nearest_valid_value(people: Chatctl, args: list[str], code: int, said: str) -> None:
    assert people("users", "list", *args, code=code) == ("", f"error: {said}\n", code)


def test_a_list_without_users_says_nothing_found(either: Chatctl) -> None:
    assert either("users", "list") == ("", "nothing found\n", 0)
    assert either("users", "list", "-o", "json") == ("[]\n", "", 0)
    assert either("users", "list", "--provider", "github", "--count").stdout == "0\n"
    assert either("users", "show", "ada", code=3).stderr.startswith('error: no user "ada"\n')


def test_a_table_fits_the_terminal(chatctl: Chatctl, database: Database[dict[str, Any]], terminal: Terminal) -> None:
    settle(database)
    for columns, headings, note in (
        (30, "USERNAME EMAIL", "5 columns hidden (id, name, status, roles, lastLogin): -o wide"),
        (60, "USERNAME NAME EMAIL STATUS", "3 columns hidden (id, roles, lastLogin): -o wide"),
        (80, "USERNAME NAME EMAIL STATUS ROLES", "2 columns hidden (id, lastLogin): -o wide"),
        (100, "USERNAME NAME EMAIL STATUS ROLES LAST SIGN-IN", "1 column hidden (id): -o wide"),
        (200, "ID USERNAME NAME EMAIL STATUS ROLES LAST SIGN-IN", ""),
    ):
        lines = terminal("users", "list", columns=columns, env={"NO_COLOR": "1"}).text.splitlines()
        assert " ".join(lines[0].split()) == headings
        assert " ".join(lines[5:]) == note
        assert max(map(len, lines)) <= columns


def test_a_total_that_takes_too_long_to_count_is_shown_as_a_minimum(
    chatctl: Chatctl, database: Database[dict[str, Any]]
) -> None:
    database["User"].insert_many([person(f"user{number}") for number in range(60)])
    assert chatctl("users", "list", "--search", "USER").stderr.startswith("50 of 60; next page: ")
    too_long = {"failCommands": ["aggregate"], "errorCode": 50}
    database.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=too_long)
    assert chatctl("users", "list", "--search", "USER").stderr.startswith("50 of 51+; next page: ")
