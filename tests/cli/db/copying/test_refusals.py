"""What `db copy` refuses, and that it does not change the source."""

import pytest
from copies import COPY, everything
from people import SEVEN, Documents

from tests.conftest import Chatctl, beside, with_options


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("", 2, "error: --to or --local-as is required"),
        ("--to copy --local-as play", 2, "error: --to and --local-as cannot be combined"),
        ("--to copy --users 3 --since 7d", 2, "error: --users and --since cannot be combined"),
        ("--to copy --as-is x --anonymize", 2, "error: --as-is and --anonymize cannot be combined"),
        ("--to copy --as-is x --password y", 2, "error: --as-is and --password cannot be combined"),
        ("--to nowhere", 3, 'error: no context "nowhere"'),
        ("--to copy --conversation nothing", 3, 'error: no conversation "nothing"'),
        ("--to copy --as-is other", 7, 'not "other"'),
        ("--to copy --expect other", 7, 'not "other"'),
        ("--to guarded", 7, "error: context guarded is read-only"),
        ("--to itself", 7, "itself"),
        ("--to spelled", 7, "itself"),
        ("--local-as copy", 4, 'error: context "copy" already exists'),
        ("--local-as a,b --dry-run", 5, 'error: invalid context name "a,b"'),
        ("--local-as a/b", 5, "error: invalid context name"),
        ("--local-as ../x", 5, "error: invalid context name"),
        ("--local-as a.b", 5, "cannot be the name of a database"),
        ("--local-as admin", 5, "cannot be the name of a database"),
        ("--to copy --propose --reason review", 5, "cannot be proposed: the target must be empty"),
        ("--to copy --save-plan plan.json", 5, "cannot be proposed: the target must be empty"),
        ("--to copy --max 3", 7, "--max allows only 3"),
    ],
)
def test_a_wrong_command_line_of_db_copy_is_refused(
    chatctl: Chatctl, world: Documents, target: Documents, url: str, *, line: str, code: int, said: str
) -> None:
    for name, other, more in (
        ("guarded", beside(url), ["--read-only"]),
        ("itself", url, []),
        ("spelled", with_options(url.replace("127.0.0.1", "localhost"), "w=1"), []),
    ):
        chatctl("context", "add", name, "--url", other, *more)
    assert said in chatctl("db", "copy", "--yes", *line.split(), code=code).stderr
    assert not [name for name in SEVEN if target[name].find_one()]
    assert chatctl("context", "list", "-o", "json").stdout.count('"name"') == 4


@pytest.mark.parametrize("kind", [*SEVEN, "Session", "chatctl_holds", "chatctl_proposals", "marker"])
def test_a_target_with_documents_is_refused(chatctl: Chatctl, world: Documents, target: Documents, kind: str) -> None:
    if kind == "marker":
        chatctl("--context", "copy", "db", "protect", "staging", "--yes")
        assert 'is protected as "staging"' in chatctl(*COPY, code=7).stderr
        return
    target[kind].insert_one({"name": "x"})
    for options in ((), ("--replace",), ("--dry-run",)):
        assert f"is not empty: it has {kind}" in chatctl(*COPY, *options, code=4).stderr
    assert [target[name].count_documents({}) for name in target.list_collection_names()] == [1]


def test_a_target_with_indexes_and_no_documents_is_empty(chatctl: Chatctl, world: Documents, target: Documents) -> None:
    chatctl("--context", "copy", "db", "indexes", "--apply")
    chatctl(*COPY)
    assert "is not empty" in chatctl(*COPY, code=4).stderr


def test_a_target_that_does_not_accept_the_documents_is_named(
    chatctl: Chatctl, world: Documents, target: Documents
) -> None:
    target.create_collection("Message", validator={"$jsonSchema": {"required": ["tenant"]}})
    assert "the target has a validation rule for Message" in chatctl(*COPY, code=4).stderr


def test_a_source_is_only_read(chatctl: Chatctl, world: Documents, target: Documents, url: str) -> None:
    chatctl("db", "protect", "prod", "--two-people", "--yes")
    chatctl("context", "add", "prod", "--url", url, "--read-only")
    before = everything(world)
    dry = chatctl("--context", "prod", *COPY, "--dry-run")
    assert "create 7 messages" in dry.stdout
    assert target.list_collection_names() == []
    chatctl("--context", "prod", *COPY, env={"CHATCTL_EXPECT": "prod"})
    assert everything(world) == before
    assert target["User"].count_documents({}) == 3
