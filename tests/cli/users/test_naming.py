"""A command line can name a user by id, e-mail address or username."""

import pytest
from bson import ObjectId
from people import BEGAN, Documents, links, person

from tests.cli.conftest import Process
from tests.conftest import Chatctl


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("ada", "ada"), ("username:ada", "ada"), ("ada@example.org", "ada"), ("ADA@EXAMPLE.ORG", "ada"),
        ("email:ada@example.org", "ada"), ("username:id:7", "id:7"), ("größe@example.org", "grösse"),
        ("GRÖßE@example.org", "grösse"),
    ],
)  # fmt: skip
def test_the_form_of_a_text_decides_whether_it_is_an_id_an_email_or_a_username(
    either: Chatctl, database: Documents, ref: str, found: str
) -> None:
    person(database, "ada", email="Ada@Example.ORG")
    person(database, "id:7")
    person(database, "grösse", email="Größe@example.org")
    assert either("users", "suspend", ref, "-n", "-o", "json").stdout.count(f'"ref": "{found}"') == 1


def test_a_name_that_looks_like_an_id_is_read_only_as_an_id(either: Chatctl, database: Documents) -> None:
    person(database, "5f" * 12)
    gone = ObjectId()
    assert f'no user "{gone}"' in either("users", "suspend", gone, "--yes", code=3).stderr
    either("users", "suspend", "5f" * 12, "--yes", code=3)
    either("users", "suspend", "username:" + "5f" * 12, "--yes")
    assert "is not a user id" in either("users", "suspend", "id:ada", "--yes", code=2).stderr


def test_two_users_who_differ_only_in_case_are_listed(either: Chatctl, database: Documents) -> None:
    ids = [person(database, "one", email="ada@x.org"), person(database, "two", email="Ada@x.org")]
    refused = either("users", "suspend", "ada@x.org", "--yes", code=4).stderr
    assert refused == (
        'error: several users have the email "ada@x.org"\n'
        f"hint: use one of id:{ids[0]} (one, ada@x.org), id:{ids[1]} (two, Ada@x.org)\n"
    )


def test_many_users_are_found_by_emails_in_any_case(either: Chatctl, database: Documents) -> None:
    for number in range(30):
        person(database, f"u{number}", email=f"{'U' if number % 3 else 'u'}{number}@x.org")
    given = "".join(f"u{number}@X.org\n" for number in range(30))
    done = either("users", "suspend", "-", "--yes", input=given)
    assert done.stdout.count(": suspended\n") == 30


def test_users_from_a_pipe_of_ids_are_changed_in_batches_of_a_thousand(process: Process, database: Documents) -> None:
    database["Role"].insert_one({"_id": ObjectId(), "name": "support", "userIds": [], "permissionsIds": []})
    template = {"status": "ACTIVE", "createdAt": BEGAN, "updatedAt": BEGAN, "rolesIds": []}
    database["User"].insert_many({**template, "email": f"{n}@x.org", "username": f"u{n}"} for n in range(2_500))
    given = "".join(f"{one['_id']}\n" for one in database["User"].find({}, ["_id"])).encode()
    done = process("users", "grant", "-", "--role", "support", "--yes", given=given)
    assert (done.returncode, done.stdout) == (0, b"2,500 granted\n")
    assert len(links(database)["rolesIds"]) == 2_500
