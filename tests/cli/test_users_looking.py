"""users list, show and can, as they are typed."""

import json
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database
from staff import IDS, ROLES, person, settle

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

ADA, BOB, CYD, DAN = IDS.values()

SORTABLE = ("id", "email", "username", "name", "status", "createdAt", "updatedAt", "lastLogin", "emailVerified")

LISTED = f"""\
ID                        USERNAME  EMAIL              STATUS          ROLES            LAST SIGN-IN       NAME
{ADA}  ada       ada@example.org    ACTIVE          support, viewer  2026-03-10 10:00Z  Ada Lovelace
{BOB}  bob       bob@example.org    SUSPENDED       support          2026-03-06 10:00Z
{CYD}  cyd       Cyd@Other.example  EMAIL_VERIFIED                   never
{DAN}  dan       dan@example.org    ACTIVE                           never
"""

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


@pytest.fixture
def people(either: Chatctl, database: Database[dict[str, Any]]) -> Chatctl:
    settle(database)
    return either


def usernames(chatctl: Chatctl, *args: object) -> list[str]:
    shown = chatctl("users", "list", "--columns", "username", *args).stdout
    return shown.splitlines()[1:]


def test_a_list_shows_who_there_is(people: Chatctl) -> None:
    assert people("users", "list") == (LISTED, "", 0)


def test_programs_get_all_that_is_known_and_no_secret(people: Chatctl) -> None:
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
    assert (cyd["rolesIds"], cyd["roles"], cyd["profile"], dan["accounts"]) == (None, [], None, [])
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
def test_of_several_filters_all_have_to_hold(people: Chatctl, filters: list[str], expected: str) -> None:
    assert usernames(people, *filters) == expected.split()
    assert people("users", "list", "--count", *filters).stdout == f"{len(expected.split())}\n"


@pytest.mark.parametrize(
    "filters",
    [[], ["--created-since", "2026-03-01"], ["--inactive-since", "2099-01-01"], ["--provider", "github"]],
    ids=str,
)
def test_pages_put_together_are_the_whole_whatever_filter_orders_them(people: Chatctl, filters: list[str]) -> None:
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


def test_who_has_a_permission_is_listed_with_the_roles_that_give_it(people: Chatctl) -> None:
    assert people("users", "list", "--permission", "user.read", "--columns", "username,through").stdout == (
        "USERNAME  THROUGH\nada       support, viewer\nbob       support\n"
    )
    header = people("users", "list", "--permission", "user.suspend").stdout.splitlines()[0].split()
    assert header[:3] == ["ID", "USERNAME", "THROUGH"]
    assert "through" in people("users", "list", "--columns", "through", code=2).stderr


def test_conversations_and_messages_are_counted_where_that_is_asked(people: Chatctl) -> None:
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
        (["--status", "x"], 2, '"x" is none of ACTIVE, SUSPENDED, EMAIL_VERIFIED'),
        (["--role", "suport"], 3, 'no role "suport"\nhint: did you mean "support"?'),
        (["--permission", "user.red"], 3, 'no permission "user.red"\nhint: did you mean "user.read"?'),
        (["--search", ""], 2, "--search cannot be empty"),
        (["--email-domain", "@"], 2, "--email-domain cannot be empty"),
        (["--provider", ""], 2, "--provider cannot be empty"),
        (["--columns", "hashedPassword"], 2, 'no column "hashedPassword"\nhint: did you mean "hasPassword"?'),
        (["--sort", "", "--limit", "1"], 2, f'cannot sort by ""\nhint: it can be sorted by {", ".join(SORTABLE)}'),
        (["--sort", "-lastlogin"], 2, 'cannot sort by "lastlogin"\nhint: did you mean "lastLogin"?'),
    ],
)
def test_what_is_wrong_gets_the_nearest_right_one(people: Chatctl, args: list[str], code: int, said: str) -> None:
    assert people("users", "list", *args, code=code) == ("", f"error: {said}\n", code)


def test_nobody_is_nothing_found(either: Chatctl) -> None:
    assert either("users", "list") == ("", "nothing found\n", 0)
    assert either("users", "list", "-o", "json") == ("[]\n", "", 0)
    assert either("users", "list", "--provider", "github", "--count").stdout == "0\n"
    assert either("users", "show", "ada", code=3).stderr.startswith('error: no user "ada"\n')


def test_show_tells_all_on_one_screen(people: Chatctl) -> None:
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


def test_a_profile_is_broken_between_its_fields(
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


def test_show_has_values_for_programs_and_what_was_done_last(people: Chatctl) -> None:
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
def test_where_nobody_is_near_the_hint_is_a_command_to_type(people: Chatctl, ref: str, hint: str) -> None:
    said = people("users", "show", "--", ref, code=3).stderr
    assert said == f'error: no user "{ref}"\nhint: {hint}\n'


def test_a_wrong_name_gets_the_nearest_and_several_are_listed(
    people: Chatctl, database: Database[dict[str, Any]]
) -> None:
    said = 'error: no user "adaa"\nhint: did you mean "ada"?\n'
    assert people("users", "show", "adaa", code=3).stderr == said
    assert people("users", "can", "adaa", "user.read", code=3).stderr == said
    other = ObjectId()
    database["User"].insert_one(person("eve", _id=other, email="ADA@example.org"))
    listed = f"id:{ADA} (ada@example.org), id:{other} (ADA@example.org)"
    assert people("users", "show", "ada@example.org", code=4).stderr == (
        f'error: several users have the email "ada@example.org"\nhint: name one of {listed}\n'
    )


def test_can_says_yes_or_no_and_why(people: Chatctl) -> None:
    assert (
        people("users", "can", "ada", "user.suspend").stdout
        == """\
USER           ada
PERMISSION     user.suspend
ALLOWED        yes
WHY            ada has support
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
WHY            dan has no role that gives it
THROUGH        -
WOULD GIVE IT  support, viewer
"""
    )
    assert "WHY            no role gives it\n" in people("users", "can", "ada", "message.delete", code=1).stdout


def test_a_suspended_user_can_nothing_unless_the_status_is_ignored(people: Chatctl) -> None:
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
    assert json.loads(ignored.stdout) == answer | {"allowed": True, "why": "bob has support"}
    said = 'error: no permission "user.rea"\nhint: did you mean "user.read"?\n'
    assert people("users", "can", "bob", "user.rea", code=3).stderr == said


def test_names_that_would_act_are_shown_harmlessly(either: Chatctl, database: Database[dict[str, Any]]) -> None:
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


def test_a_table_fits_the_terminal(chatctl: Chatctl, database: Database[dict[str, Any]], terminal: Terminal) -> None:
    settle(database)
    for columns, headings in ((60, 3), (80, 4), (100, 5), (140, 7)):
        lines = terminal("users", "list", columns=columns, env={"NO_COLOR": "1"}).text.splitlines()
        assert len(lines) == 5
        assert max(map(len, lines)) <= columns
        assert len(lines[0].replace("LAST SIGN-IN", "LAST").split()) == headings, columns
        assert all(line.startswith(str(id_)) for line, id_ in zip(lines[1:], IDS.values(), strict=True))


def test_a_total_that_takes_long_to_count_is_as_much_as_is_known(
    chatctl: Chatctl, database: Database[dict[str, Any]]
) -> None:
    database["User"].insert_many([person(f"user{number}") for number in range(60)])
    assert chatctl("users", "list", "--search", "USER").stderr.startswith("50 of 60; next page: ")
    too_long = {"failCommands": ["aggregate"], "errorCode": 50}
    database.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=too_long)
    assert chatctl("users", "list", "--search", "USER").stderr.startswith("50 of 51+; next page: ")
