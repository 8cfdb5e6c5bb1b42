"""Values of every type, in every field and as ids. Commands can read these values, and plan or refuse writes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import odd
import pymongo
import pytest
from bson import Code, ObjectId, Timestamp
from people import Documents
from planting import HASH

from database.decoding import AS_STORED, is_exact
from database.ids import id_text
from tests.conftest import Chatctl, Result

CODES = {0, 1, 3, 4, 5, 7, 8}
"""The allowed exit codes. 7 means that a rule refuses the command, like a name for a one-to-one conversation."""
ACTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]")
FORMS = ("table", "json", "ndjson", "yaml", "csv", "ids")
FAR = tuple(odd.REWRITTEN.values())
GROUPS = {
    "users": "User",
    "roles": "Role",
    "permissions": "Permission",
    "conversations": "Conversation",
    "messages": "Message",
}
LISTS: tuple[tuple[str, ...], ...] = (
    *((group, "list", "--all") for group in GROUPS),
    ("users", "list", "--sort", "lastLogin", "--columns", "id,profile,accounts,permissions,conversations,messages"),
    ("users", "list", "--search", "a"),
    ("users", "list", "--role", "support"),
    ("users", "list", "--permission", "user.read"),
    ("users", "list", "--provider", "github"),
    ("conversations", "list", "--user", "ada", "--columns", "id,unread,messages"),
    ("conversations", "list", "--empty"),
    ("messages", "list", "--conversation", "engines"),
    ("messages", "list", "--sender", "ada"),
    ("messages", "list", "--unseen-by", "bob"),
    ("messages", "search", "hello"),
)
READS: tuple[tuple[str, ...], ...] = (
    ("roles", "matrix"),
    ("roles", "diff", "support", "viewer"),
    ("users", "show", "ada"),
    ("users", "can", "ada", "user.read"),
    ("users", "export-data", "ada", "--to", "ada.zip", "--overwrite"),
    ("users", "export", "-o", "csv"),
    ("users", "export", "-o", "json"),
    ("conversations", "show", "engines"),
    *(("conversations", "transcript", "engines", "-o", form) for form in ("text", "markdown", "html", "json", "csv")),
    ("seeds", "export"),
    ("seeds", "plan", "seed.yaml"),
    ("seeds", "plan", "seed.yaml", "-o", "json"),
    ("seeds", "apply", "seed.yaml", "--dry-run"),
    ("seeds", "apply", "seed.yaml", "--dry-run", "--prune", "--allow-members"),
    ("seeds", "test", "seed.yaml", "--live"),
    ("whoami",),
    ("db", "status"),
    ("db", "stats"),
    ("db", "stats", "-o", "json"),
    ("db", "check", "-o", "json"),
    ("db", "repair", "--dry-run"),
    ("db", "repair", "--dry-run", "--rule", "missing-parent", "--delete"),
    ("db", "repair", "--dry-run", "--rule", "one-sided-link", "--drop"),
)
SEED = """
version: 1
seed: team
permissions: [user.read, role.read]
roles:
  - {name: support, permissions: ["*"]}
users:
  - {email: ada@example.org, username: ada, roles: [support]}
tests:
  - {role: support, can: [user.read]}
"""
OF_ONE: dict[str, tuple[tuple[str, ...], ...]] = {
    "users": (
        ("can", "user.read"),
        ("export-data", "--to", "one.zip", "--overwrite"),
        ("update", "--name", "Ada", "--dry-run"),
        ("set-password", "--generate-password", "--dry-run"),
        ("unlink", "github", "--dry-run"),
        ("merge", "--into", "ada", "--dry-run"),
    ),
    "roles": (("copy", "another", "--dry-run"), ("grant", "user.read", "--dry-run")),
    "permissions": (("rename", "another", "--dry-run"),),
    "conversations": (("transcript", "-o", "html"), ("add", "cyd", "--dry-run"), ("rename", "another", "--dry-run")),
    "messages": (),
}
OF_MANY: dict[str, tuple[tuple[str, ...], ...]] = {
    "users": (("suspend",), ("reinstate",), ("verify-email",), ("grant", "--role", "support"), ("delete",)),
    "roles": (("delete",),),
    "permissions": (("delete",),),
    "conversations": (("delete",),),
    "messages": (("redact",), ("delete",)),
}


def is_usual(identifier: Any) -> bool:
    return isinstance(identifier, ObjectId)


def is_typable(identifier: Any) -> bool:
    """Tell whether lists print an id completely, so that a user can type it.

    Cut texts, far dates and code with a scope are not printed completely.
    """
    scoped = isinstance(identifier, Code) and identifier.scope is not None
    return id_text(identifier).isprintable() and is_exact(identifier) and not scoped and identifier not in FAR


class Planted(NamedTuple):
    """A database with unexpected values.

    `ids` has the ids of all documents, `throughout` the ids of documents with only unexpected values.

    `odd` has the ids that are not ObjectIds.
    """

    url: str
    documents: Documents
    ids: dict[str, list[Any]]
    throughout: dict[str, list[Any]]
    odd: dict[str, list[Any]]


@pytest.fixture(scope="module")
def planted(server: str, server_client: "pymongo.MongoClient[dict[str, Any]]") -> Iterator[Planted]:
    with odd.proxy(server) as address:
        url = (
            # With another option, the driver would connect to the server directly and not through the proxy.
            f"mongodb://{address}/test_odd_values?directConnection=true"
        )
        server_client.drop_database("test_odd_values")
        ids = odd.plant(server_client["test_odd_values"])
        options = {"document_class": AS_STORED.document_class, "type_registry": AS_STORED.type_registry}
        with pymongo.MongoClient(
            url, tz_aware=True, datetime_conversion="DATETIME_AUTO", unicode_decode_error_handler="replace", **options
        ) as client:
            documents: Documents = client["test_odd_values"]
            other = {"_id": {"$not": {"$type": "objectId"}}}
            yield Planted(
                url,
                documents,
                {name: [one for some in kinds.values() for one in some] for name, kinds in ids.items()},
                {name: [some[-1] for some in kinds.values()] for name, kinds in ids.items()},
                {name: [one["_id"] for one in documents[name].find(other, ["_id"])] for name in ids},
            )
        server_client.drop_database("test_odd_values")


@pytest.fixture
def typed(chatctl: Chatctl, planted: Planted, monkeypatch: pytest.MonkeyPatch) -> Chatctl:
    """Return a function that runs a command line and checks its output."""
    monkeypatch.setenv("MONGODB_DATABASE_URL", planted.url)

    def run(*line: object, code: int | None = None, **given: Any) -> Result:
        said = chatctl(*line, code=code, **given)
        kept = "csv" in line  # cells of a CSV file keep hostile characters
        assert said.code in CODES, (line, said.stderr[-2_000:])
        assert not ACTS.search(said.stderr if kept else said.stdout + said.stderr), line
        assert HASH not in said.stdout + said.stderr, line
        assert "ObjectId('" not in said.stdout + said.stderr, line
        return said

    return run


@pytest.mark.parametrize("line", LISTS, ids=" ".join)
def test_a_list_shows_all_odd_values_in_every_format(typed: Chatctl, planted: Planted, line: tuple[str, ...]) -> None:
    for form in FORMS:
        listed = typed(*line, "-o", form, code=0).stdout
        if form == "ids" and line[1:] == ("list", "--all"):
            there = planted.documents[GROUPS[line[0]]].count_documents({})
            assert len(listed.splitlines()) == there
        if form == "json":
            json.loads(listed)


@pytest.mark.parametrize("line", READS, ids=" ".join)
def test_reading_commands_do_not_stop_at_odd_values(typed: Chatctl, workspace: Path, line: tuple[str, ...]) -> None:
    (workspace / "seed.yaml").write_text(SEED)
    typed("--debug", *line)


@pytest.mark.parametrize("group", GROUPS)
def test_an_id_that_a_list_has_printed_is_found(typed: Chatctl, planted: Planted, group: str) -> None:
    listed = set(typed(group, "list", "--all", "-o", "ids").stdout.splitlines())
    for identifier in planted.odd[GROUPS[group]]:
        printed = id_text(identifier)
        if is_typable(identifier):
            assert printed in listed
            shown = json.loads(typed(group, "show", f"id:{printed}", "-o", "json", code=0).stdout)
            # in JSON, a BSON timestamp is a date
            assert isinstance(identifier, Timestamp) or id_text(shown["id"]) == printed


@pytest.mark.parametrize("group", GROUPS)
def test_all_pages_of_a_list_have_ids_of_all_types(typed: Chatctl, group: str) -> None:
    everything = typed(group, "list", "--all", "--sort", "id", "-o", "ids").stdout.splitlines()
    seen: list[str] = []
    line = (group, "list", "--sort", "id", "--limit", "150", "-o", "ids")
    page = typed(*line).stdout.splitlines()
    while page:
        seen += page
        page = typed(*line, "--after", page[-1]).stdout.splitlines()
    assert seen == everything


@pytest.mark.parametrize("group", GROUPS)
def test_documents_with_only_odd_values_are_shown_and_planned(typed: Chatctl, planted: Planted, group: str) -> None:
    for identifier in planted.throughout[GROUPS[group]]:
        typed(group, "show", f"id:{identifier}", "-o", "yaml", code=0)
        for verb, *options in OF_ONE[group]:
            typed(group, verb, f"id:{identifier}", *options)


@pytest.mark.parametrize(
    ("group", "line"),
    [pytest.param(group, line, id=f"{group} {line[0]}") for group in OF_MANY for line in OF_MANY[group]],
)
def test_writes_to_all_documents_can_be_planned(
    typed: Chatctl, planted: Planted, group: str, line: tuple[str, ...]
) -> None:
    verb, *options = line
    ids = [*filter(is_usual, planted.ids[GROUPS[group]]), *filter(is_typable, planted.odd[GROUPS[group]])]
    names = [f"id:{id_text(one)}" for one in ids]
    typed(group, verb, "-", "--yes", "--dry-run", *options, input="\n".join(names))
