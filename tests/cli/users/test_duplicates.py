"""`users duplicates` lists users who are probably the same person."""

import json
from typing import Any

import pytest
from bson import ObjectId
from people import Documents, person

from actions.users.merging import duplicates
from tests.conftest import Chatctl

ADA = ObjectId("650000000000000000000001")


def profile(database: Documents, owner: Any, phone: Any) -> None:
    database["Profile"].insert_one({"userId": owner, "phoneNumber": phone})


@pytest.fixture
def people(either: Chatctl, database: Documents) -> Chatctl:
    """Insert users who are duplicates for each reason, and users who look similar but are not duplicates."""
    ada = person(database, "ada", _id=ADA, email="Ada.Lovelace@example.org", name="Ada Lovelace")
    lower = person(database, "ada2", email="adalovelace+chat@EXAMPLE.org", name="ada  LOVELACE")
    for owner, phone in ((ada, "+44 20 7946 0000"), (lower, "0044 (20) 79460000")):
        profile(database, owner, phone)
    for name in ("kay", "kay2"):
        profile(database, person(database, name, name="Kay"), "555 0100")
    # these users have the same telephone number, but different names, so they are not duplicates
    for name, full in (("alan", "Alan Turing"), ("dan", None), ("bob", "")):
        profile(database, person(database, name, **({} if full is None else {"name": full})), "555 0100")
    for provider, owner in (("Google", person(database, "cyd")), ("google", str(person(database, "cyd2")))):
        database["Account"].insert_one({"provider": provider, "providerAccountId": "1", "userId": owner})
    database["Account"].insert_one({"provider": "github", "providerAccountId": "1", "userId": ObjectId()})
    for name in ("guest", "guest2"):
        profile(database, person(database, name, name="Guest"), "00000")
    person(database, "other", email="ada.lovelace@example.com", name="Ada Lovelace")
    database["User"].insert_one({"username": "odd", "email": 7, "name": ["Kay"]})
    return either


def test_each_later_user_is_listed_with_the_first_one_and_the_reasons(people: Chatctl) -> None:
    found = json.loads(people("users", "duplicates", "-o", "json").stdout)
    assert [(row["username"], [one["username"] for one in row["sameAs"]], row["why"]) for row in found] == [
        ("ada2", ["ada"], ["e-mail", "name and telephone"]),
        ("kay2", ["kay"], ["name and telephone"]),
        ("cyd2", ["cyd"], ["provider account"]),
    ]
    assert found[0]["sameAs"] == [{"id": str(ADA), "username": "ada"}]
    assert people("users", "duplicates", "--columns", "username,sameAs,why").stdout == (
        "USERNAME  SAME AS  WHY\n"
        "ada2      ada      e-mail, name and telephone\n"
        "kay2      kay      name and telephone\n"
        "cyd2      cyd      provider account\n"
    )


def test_the_list_is_sorted_limited_and_counted_like_others(people: Chatctl) -> None:
    def names(*options: str) -> list[str]:
        return people("users", "duplicates", "--columns", "username", "-o", "csv", *options).stdout.split()[1:]

    assert people("users", "duplicates", "--count").stdout == "3\n"
    assert names("--sort", "username") == ["ada2", "cyd2", "kay2"]
    assert names("--sort", "-username", "--limit", "2") == ["kay2", "cyd2"]
    ids = people("users", "duplicates", "-o", "ids").stdout.split()
    assert names("--after", ids[0]) == ["kay2", "cyd2"]
    [note] = people("users", "duplicates", "--limit", "1").stderr.splitlines()
    assert note == f"1 of 3; next page: chatctl users duplicates --limit 1 --after {ids[0]}"


def test_a_user_without_duplicates_is_not_listed(either: Chatctl, database: Documents) -> None:
    assert either("users", "duplicates") == ("", "nothing found\n", 0)
    person(database, "ada", email="+ada@example.org")
    person(database, "bob", email="+bob@example.org")
    person(database, "eve", email="eve")
    assert either("users", "duplicates", "-o", "json").stdout == "[]\n"


def test_all_listed_duplicates_can_be_merged_by_a_script(people: Chatctl, database: Documents) -> None:
    for row in json.loads(people("users", "duplicates", "-o", "json").stdout):
        people("users", "merge", f"id:{row['id']}", "--into", f"id:{row['sameAs'][0]['id']}", "--yes")
    assert people("users", "duplicates", "--count").stdout == "0\n"
    assert not database["User"].find_one({"username": {"$in": ["ada2", "kay2", "cyd2"]}})


def test_if_there_are_very_many_duplicates_only_some_are_listed(
    people: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        person(database, f"kay{number + 3}", email=f"ada.lovelace+{number}@example.org")
    monkeypatch.setattr(duplicates, "MOST", 2)
    done = people("users", "duplicates", "--count")
    assert done.stdout == "2\n"
    assert done.stderr == "only 2 duplicates are listed; merge some of them first\n"


def test_the_older_user_can_have_any_id(either: Chatctl, database: Documents) -> None:
    for identifier in (0, "text", ObjectId()):
        database["User"].insert_one({"_id": identifier, "username": f"ada{identifier}", "email": "ada@example.org"})
    rows = json.loads(either("users", "duplicates", "-o", "json").stdout)
    assert {row["sameAs"][0]["username"] for row in rows} == {"ada0"}


def test_different_keys_counted_together_are_not_duplicates(people: Chatctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "SLOTS", 1)
    assert people("users", "duplicates", "--count").stdout == "3\n"
