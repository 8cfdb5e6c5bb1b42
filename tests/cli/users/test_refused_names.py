"""Every command that creates or changes users refuses the same invalid texts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from people import Documents, person, stored

from tests.conftest import Chatctl, Result

Way = Callable[[Chatctl, dict[str, str]], Result]

BAD_ANYWHERE = ["jane ", " jane", "   ", "ja\u200bne", "ja\u202ene", "ja\nne", "jane\n", "ja\x1bne", "x" * 300]
BAD_USERNAMES = [*BAD_ANYWHERE, "", "65" * 12, "x@y.example", "id:x", "email:x", "username:x", "name:x", "-"]
BAD_EMAILS = [
    "",
    "jane",
    "@y.z",
    "x@",
    "a@b@c",
    "x @y.z",
    " x@y.z",
    "x@y.z\n",
    "x@y\u200b.z",
    "id:x@y.z",
    "email:x@y.z",
]
GOOD = {
    "username": ["jane", "abc123", "jané", "o'neil", "jane.doe-2", "花子", "a b"],
    "email": ["jane@y.example", "Jané+x@y.example", "j-d@y.example"],
    "name": ["Jane Doe", "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "👩\u200d🚀 Zoë", "65" * 12, "-"],
    "phoneNumber": ["+44 1 555", "ext. 5"],
}
OPTIONS = {"email": "--email", "username": "--username", "name": "--name", "phoneNumber": "--phone"}


def options(texts: dict[str, str]) -> list[str]:
    return [f"{OPTIONS[field]}={text}" for field, text in texts.items()]


def create(chatctl: Chatctl, texts: dict[str, str]) -> Result:
    return chatctl("users", "create", *options(texts), "--no-password", "-n", code=None)


def update(chatctl: Chatctl, texts: dict[str, str]) -> Result:
    return chatctl("users", "update", "there", *options(texts), "-n", code=None)


def csv(chatctl: Chatctl, texts: dict[str, str]) -> Result:
    cells = (f'"{text}"' for text in texts.values())
    return chatctl("users", "import", "-", "-n", input=f"{','.join(texts)}\n{','.join(cells)}\n", code=None)


def ndjson(chatctl: Chatctl, texts: dict[str, str]) -> Result:
    return chatctl("users", "import", "-", "-n", input=json.dumps(texts), code=None)


def seed(texts: dict[str, str]) -> None:
    user = ", ".join(f"{field}: {json.dumps(text, ensure_ascii=False)}" for field, text in texts.items())
    Path("seed.yaml").write_text(f"version: 1\nusers:\n- {{{user}}}\n")


def validated(chatctl: Chatctl, texts: dict[str, str]) -> Result:
    seed(texts)
    return chatctl("seeds", "validate", "seed.yaml", code=None)


def planned(chatctl: Chatctl, texts: dict[str, str]) -> Result:
    seed({field: f"${{THE_{field.upper()}}}" for field in texts})
    given = {f"THE_{field.upper()}": text for field, text in texts.items()}
    return chatctl("seeds", "plan", "seed.yaml", code=None, env=given)


WAYS: dict[Way, set[str]] = {
    create: {"email", "username", "name", "phoneNumber"},
    update: {"email", "username", "name", "phoneNumber"},
    csv: {"email", "username", "name", "phoneNumber"},
    ndjson: {"email", "username", "name", "phoneNumber"},
    validated: {"email", "username", "name"},
    planned: {"email", "username", "name"},
}
BAD = {"email": BAD_EMAILS, "username": BAD_USERNAMES, "name": BAD_ANYWHERE, "phoneNumber": BAD_ANYWHERE}
CASES = [
    pytest.param(way, field, id=f"{way.__name__} {field}") for way, fields in WAYS.items() for field in sorted(fields)
]


def texts_with(field: str, text: str) -> dict[str, str]:
    return {"email": "new@y.example", "username": "new", field: text}


@pytest.fixture
def here(chatctl: Chatctl, database: Documents) -> Chatctl:
    person(database, "there")
    return chatctl


@pytest.mark.parametrize(("way", "field"), CASES)
def test_every_command_refuses_an_invalid_text(here: Chatctl, database: Documents, way: Way, field: str) -> None:
    before = stored(database)
    for text in BAD[field]:
        assert way(here, texts_with(field, text)).code == 5, (field, text)
    assert stored(database) == before


@pytest.mark.parametrize(("way", "field"), CASES)
def test_every_command_accepts_a_valid_text(here: Chatctl, way: Way, field: str) -> None:
    for text in GOOD[field]:
        assert way(here, texts_with(field, text)).code == 0, (field, text)


def test_a_user_who_already_has_an_invalid_name_keeps_it(here: Chatctl, database: Documents) -> None:
    names = [name for name in BAD_USERNAMES if name]
    for number, name in enumerate(names):
        person(database, name, email=f"u{number}@example.org", name=BAD_ANYWHERE[number % len(BAD_ANYWHERE)])
    here("users", "export", "--to", "own.csv")
    assert here("users", "import", "own.csv", "--on-conflict", "update", "--yes").stderr.endswith("nothing to do\n")
    own = Path("own.csv").read_text()
    Path("own.csv").write_text(own.replace("ACTIVE", "SUSPENDED"))
    here("users", "import", "own.csv", "--on-conflict", "update", "--yes")
    assert database["User"].count_documents({"status": "SUSPENDED"}) == len(names) + 1
    Path("own.csv").write_text(own.replace("u9@example.org", "new@example.org"))
    refused = here("users", "import", "own.csv", "--on-conflict", "update", "--yes", code=5)
    assert "username" in refused.stderr
