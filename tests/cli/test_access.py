"""`chatctl access`: the report of possible problems, and the review with a sheet."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents, person
from samples import permission, role

from actions.rules.lockout import PROTECTED
from cli.output import markdown
from tests.conftest import Chatctl

NOW = datetime.now(UTC)


@pytest.fixture
def staff(database: Documents) -> dict[str, ObjectId]:
    """Insert roles that cause every finding of the report, and users with two roles, one role and no role."""
    names = {name: permission(name) for name in ("user.read", "user.suspend", "message.delete", "unused")}
    read, suspend, delete = (names[name]["_id"] for name in ("user.read", "user.suspend", "message.delete"))
    roles = [
        role("admin", permissionsIds=[read, suspend, delete]),
        role("empty"),
        role("helpdesk", permissionsIds=[read, suspend]),
        role("moderator", permissionsIds=[read, delete]),
        role("support", permissionsIds=[read, suspend]),
        role("viewer", permissionsIds=[read]),
    ]
    for one in roles:
        for granted in names.values():
            if granted["_id"] in one["permissionsIds"]:
                granted["rolesIds"].append(one["_id"])
    database["Permission"].insert_many(names.values())
    database["Role"].insert_many(roles)
    admin = next(one["_id"] for one in roles if one["name"] == "admin")
    database["chatctl_state"].insert_one({"_id": PROTECTED, "ids": [admin]})
    return {
        "ada": person(database, "ada", roles=("admin", "viewer"), lastLogin=NOW),
        "bob": person(database, "bob", roles=("admin",), lastLogin=BEGAN),
        "cyd": person(database, "cyd", roles=("support", "moderator"), name="Cyd Ω"),
        "dot": person(database, "dot", roles=("support", "helpdesk")),
        "eve": person(database, "eve", roles=("admin",), status="SUSPENDED"),
        "fay": person(database, "fay"),
    }


def report(chatctl: Chatctl, *options: str) -> list[tuple[str, str, str]]:
    rows = json.loads(chatctl("access", "report", "-o", "json", *options).stdout)
    return [(row["finding"], row["name"], row["detail"]) for row in rows]


@pytest.mark.usefixtures("staff")
def test_the_report_lists_each_kind_of_finding(either: Chatctl) -> None:
    assert report(either) == [
        ("unused-permission", "unused", "no role has this permission"),
        ("role-without-permissions", "empty", "this role has no permissions"),
        ("equal-roles", "helpdesk, support", "these roles have the same 2 permissions"),
        ("contained-role", "helpdesk", "admin has all permissions of this role"),
        ("contained-role", "moderator", "admin has all permissions of this role"),
        ("contained-role", "support", "admin has all permissions of this role"),
        ("contained-role", "viewer", "admin, helpdesk, moderator, support have all permissions of this role"),
        ("empty-role", "empty", "no user has this role"),
        ("overlapping-roles", "admin, viewer", "1 user; viewer grants nothing that the other roles do not grant"),
        ("overlapping-roles", "moderator, support", "1 user; 1 permission granted by more than one of these roles"),
        (
            "overlapping-roles",
            "helpdesk, support",
            "1 user; each of helpdesk, support grants nothing that the other roles do not grant",
        ),
        ("idle-privileged", "bob", "has admin, last signed in on 2026-01-01"),
    ]
    assert either("access", "report").stderr == ""


@pytest.mark.usefixtures("staff")
def test_other_roles_can_count_as_privileged(chatctl: Chatctl, database: Documents) -> None:
    idle = [row for row in report(chatctl, "--privileged", "support") if row[0] == "idle-privileged"]
    assert idle == [
        ("idle-privileged", "cyd", "has support, never signed in"),
        ("idle-privileged", "dot", "has support, never signed in"),
    ]
    assert 'no role "suport"' in chatctl("access", "report", "--privileged", "suport", code=3).stderr
    database["chatctl_state"].delete_many({})
    assert "choose roles with --privileged ROLE" in chatctl("access", "report").stderr


@pytest.mark.parametrize(("idle", "found"), [("90d", ["bob"]), ("2020-01-01", []), ("12h", ["bob"])])
@pytest.mark.usefixtures("staff")
def test_an_option_sets_the_time_after_which_users_are_idle(chatctl: Chatctl, idle: str, found: list[str]) -> None:
    assert [name for kind, name, _ in report(chatctl, "--idle", idle) if kind == "idle-privileged"] == found


@pytest.mark.usefixtures("staff")
def test_recent_grants_are_reported_while_the_user_has_the_role(either: Chatctl) -> None:
    def granted(*options: str) -> list[tuple[str, list[str], str]]:
        rows = json.loads(either("access", "report", "-o", "json", *options).stdout)
        return [(r["name"], r["roles"], r["actor"]) for r in rows if r["finding"] == "recent-grant"]

    either("users", "grant", "fay", "dot", "--role", "viewer", env={"CHATCTL_ACTOR": "the boss"})
    found = granted()
    assert [(name, roles) for name, roles, _ in found] == [("dot", ["viewer"]), ("fay", ["viewer"])]
    assert all(actor.endswith("(the boss)") for _, _, actor in found)
    either("users", "revoke", "fay", "--role", "viewer", "--yes")
    assert [name for name, *_ in granted()] == ["dot"]
    either("users", "create", "--email", "gus@example.org", "--username", "gus", "--no-password", "--role", "viewer")
    assert {name for name, *_ in granted()} == {"dot", "gus"}
    assert granted("--granted", "2999-01-01") == []


@pytest.mark.parametrize(
    "changes",
    [
        "text",
        [7, None],
        [{"collection": "User", "ids": 7, "fields": [{"field": "rolesIds", "added": "x"}]}],
        [{"collection": "User", "ids": [ObjectId()], "fields": [{"field": "rolesIds", "to": [{"a": 1}, ObjectId()]}]}],
        [{"collection": "User", "fields": "rolesIds"}],
    ],
)
@pytest.mark.usefixtures("staff")
def test_an_audit_trail_with_values_of_any_type_is_read(chatctl: Chatctl, database: Documents, changes: Any) -> None:
    database["chatctl_audit"].insert_one({"kind": "part", "event": 5, "changes": changes})
    assert [row[0] for row in report(chatctl) if row[0] == "recent-grant"] == []
    chatctl("access", "review")


@pytest.mark.usefixtures("staff")
def test_two_users_are_compared_by_their_permissions(either: Chatctl) -> None:
    assert either("access", "diff", "cyd", "dot").stdout.splitlines() == [
        "PERMISSION      ONLY  THROUGH",
        "message.delete  cyd   moderator",
    ]
    assert either("access", "diff", "ada", "bob").stderr == "nothing found\n"
    either("access", "diff", "ada", "nobody", code=3)


@pytest.mark.usefixtures("staff")
def test_access_who_lists_the_same_users_as_users_list(chatctl: Chatctl) -> None:
    listed = chatctl("users", "list", "--permission", "message.delete", "-o", "json").stdout
    assert chatctl("access", "who", "message.delete", "-o", "json").stdout == listed
    assert [row["username"] for row in json.loads(listed)] == ["ada", "bob", "cyd", "eve"]


def sheet(chatctl: Chatctl, *options: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(chatctl("access", "review", *options).stdout)))


def answered(rows: list[dict[str, str]], answers: dict[tuple[str, str], str]) -> list[dict[str, str]]:
    return [{**row, "keep": answers.get((row["username"], row["role"]), "")} for row in rows]


def save(path: Path, rows: list[dict[str, str]], *, encoding: str = "utf-8", delimiter: str = ",") -> str:
    """Save a sheet in the same form as a spreadsheet program. Return the digest of the file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def held(database: Documents, user: str) -> set[str]:
    """Return the roles of a user. Check that both sides of the links are the same."""
    document = database["User"].find_one({"username": user}) or {}
    roles = {one["_id"]: one["name"] for one in database["Role"].find()}
    other = {one["name"] for one in database["Role"].find({"userIds": document["_id"]})}
    assert {roles[one] for one in document["rolesIds"]} == other
    return other


def test_a_sheet_has_a_row_for_each_role_of_each_user(either: Chatctl, staff: dict[str, ObjectId]) -> None:
    either("users", "grant", "fay", "--role", "viewer")
    rows = sheet(either)
    assert [(row["username"], row["role"]) for row in rows] == [
        *(("ada", "admin"), ("ada", "viewer"), ("bob", "admin"), ("cyd", "moderator"), ("cyd", "support")),
        *(("dot", "helpdesk"), ("dot", "support"), ("eve", "admin"), ("fay", "viewer")),
    ]
    assert rows[3] == {
        "id": str(staff["cyd"]),
        "username": "cyd",
        "name": "Cyd Ω",
        "email": "cyd@example.org",
        "role": "moderator",
        "since": "",
        "by": "",
        "lastSignIn": "",
        "keep": "",
    }
    assert rows[2]["lastSignIn"] == "2026-01-01T00:00:00.000Z"
    assert rows[-1]["since"][:4].isdigit()
    assert "@" in rows[-1]["by"]
    assert [row["username"] for row in sheet(either, "--role", "viewer", "--role", "helpdesk")] == ["ada", "dot", "fay"]
    either("access", "review", "--role", "nothing", code=3)


ANSWERS = {
    ("cyd", "support"): "no",
    ("ada", "viewer"): " NO ",
    ("dot", "helpdesk"): "False",
    ("eve", "admin"): "0",
    ("dot", "support"): "Yes",
    ("bob", "admin"): "y",
}


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("utf-8", "|")]
)
@pytest.mark.usefixtures("staff")
def test_a_sheet_revokes_the_roles_with_the_answer_no(
    either: Chatctl, database: Documents, workspace: Path, encoding: str, delimiter: str
) -> None:
    path = workspace / "review.csv"
    rows = answered(sheet(either), ANSWERS)
    digest = save(path, rows, encoding=encoding, delimiter=delimiter)
    said = either("access", "review", path, "--dry-run")
    assert "2 rows kept\n" in said.stderr
    assert "2 rows without an answer, also kept\n" in said.stderr
    assert held(database, "cyd") == {"moderator", "support"}
    outcome = json.loads(either("access", "review", path, "--yes", "--reason", "Q4", "-o", "json").stdout)
    assert (outcome["changed"], outcome["unchanged"]) == (4, 0)
    assert {user: held(database, user) for user in ("ada", "bob", "cyd", "dot", "eve")} == {
        "ada": {"admin"},
        "bob": {"admin"},
        "cyd": {"moderator"},
        "dot": {"support"},
        "eve": set(),
    }
    [event] = json.loads(either("audit", "list", "-o", "json").stdout)
    assert (event["command"], event["reason"]) == (f"access review sha256:{digest}", "Q4")
    again = json.loads(either("access", "review", path, "--yes", "-o", "json").stdout)
    assert (again["event"], again["changed"], again["unchanged"]) == (None, 0, 4)
    either("audit", "undo", event["id"], "--yes")
    assert held(database, "cyd") == {"moderator", "support"}


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (("users", "revoke", "cyd", "--role", "support", "--yes"), "row 6: cyd does not have role support any more"),
        (("roles", "delete", "support", "--yes"), "row 6: cyd does not have role support any more"),
        (("roles", "rename", "support", "desk"), "row 6: cyd does not have role support any more"),
        (("users", "delete", "cyd", "--yes"), "does not exist any more"),
    ],
    ids=["revoked", "role deleted", "role renamed", "user deleted"],
)
@pytest.mark.usefixtures("staff")
def test_a_sheet_that_is_out_of_date_changes_nothing(
    chatctl: Chatctl, database: Documents, workspace: Path, before: tuple[str, ...], told: str
) -> None:
    save(workspace / "review.csv", answered(sheet(chatctl), ANSWERS))
    chatctl(*before)
    said = chatctl("access", "review", "review.csv", "--yes", code=4).stderr
    assert told in said
    assert "hint: write a new sheet with chatctl access review --to FILE" in said
    assert held(database, "eve") == {"admin"}


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", 5, "no column id, role, keep"),
        (b"a;b\n1;2\n", 5, "no column id, role, keep"),
        (
            b"id,role,keep\n1,support,maybe\n,support,no\n",
            5,
            'review.csv:2:3: "maybe" is not an answer. Use yes or no.',
        ),
        (b"id,role,keep\n,support,no\n", 5, "review.csv:2: the row has no id or no role"),
        (b"id,role,keep\n\xff\xfe\xfa,support,no\n", 5, "is not UTF-8 text"),
        (b'id,role,keep\n"1,support,no\n', 5, "is not valid CSV"),
        (b"id,role,keep\nnot-an-id,support,no\n", 4, "row 2: user not-an-id does not exist any more"),
        (b"id,role,keep\n\n1,support,\n2,support,yes\n", 0, "nothing to do"),
        (None, 3, 'the file "review.csv" does not exist'),
    ],
)
@pytest.mark.usefixtures("staff")
def test_a_file_that_is_not_a_sheet_is_refused(
    chatctl: Chatctl, workspace: Path, content: bytes | None, code: int, told: str
) -> None:
    if content is not None:
        (workspace / "review.csv").write_bytes(content)
    assert told in chatctl("access", "review", "review.csv", "--yes", code=code).stderr
    assert chatctl("audit", "list", "--count").stdout == "0\n"


@pytest.mark.usefixtures("staff")
def test_names_that_a_spreadsheet_would_run_are_escaped_and_read_back(
    chatctl: Chatctl, database: Documents, workspace: Path
) -> None:
    database["Role"].update_one({"name": "viewer"}, {"$set": {"name": "=cmd|'/c calc'!A1"}})
    rows = sheet(chatctl, "--role", "=cmd|'/c calc'!A1")
    assert rows[0]["role"].startswith("'=")
    save(workspace / "review.csv", [{**rows[0], "keep": "no"}])
    chatctl("access", "review", "review.csv", "--yes")
    assert held(database, "ada") == {"admin"}


@pytest.mark.usefixtures("staff")
def test_a_review_keeps_the_last_member_of_a_protected_role(
    chatctl: Chatctl, database: Documents, workspace: Path
) -> None:
    everybody = {(user, "admin"): "no" for user in ("ada", "bob", "eve")}
    save(workspace / "review.csv", answered(sheet(chatctl), everybody))
    assert "admin" in chatctl("access", "review", "review.csv", "--yes", code=7).stderr
    assert held(database, "ada") == {"admin", "viewer"}
    chatctl("access", "review", "review.csv", "--yes", "--allow-last-member")
    assert held(database, "bob") == set()


def test_a_review_also_revokes_a_one_sided_link(
    chatctl: Chatctl, database: Documents, workspace: Path, staff: dict[str, ObjectId]
) -> None:
    save(workspace / "review.csv", answered(sheet(chatctl), {("cyd", "support"): "no"}))
    database["Role"].update_one({"name": "support"}, {"$pull": {"userIds": staff["cyd"]}})
    chatctl("access", "review", "review.csv", "--yes")
    assert held(database, "cyd") == {"moderator"}


@pytest.mark.usefixtures("staff")
def test_a_sheet_is_a_private_file_and_can_be_written_from_a_protected_database(
    chatctl: Chatctl, database: Documents, workspace: Path
) -> None:
    chatctl("access", "review", "--to", "review.csv")
    assert (workspace / "review.csv").stat().st_mode & 0o777 == 0o600
    chatctl("access", "review", "--to", "review.csv", code=4)
    chatctl("access", "review", "--to", "review.csv", "--overwrite")
    chatctl("access", "review", "review.csv", "--to", "other.csv", code=2)
    chatctl("access", "review", "review.csv", "--role", "admin", code=2)
    chatctl("db", "protect", "prod", "--yes")
    chatctl("access", "review")
    assert database["chatctl_audit"].count_documents({"command": {"$regex": "^access"}}) == 0


@pytest.mark.usefixtures("database")
def test_an_empty_database_has_nothing_to_report(either: Chatctl) -> None:
    assert either("access", "report").stdout == ""
    assert len(either("access", "review").stdout.splitlines()) == 1


def test_many_rows_of_one_role_are_revoked_in_batches(chatctl: Chatctl, database: Documents, workspace: Path) -> None:
    chatctl("roles", "create", "support")
    role_id = database["Role"].distinct("_id")[0]
    users = [
        {"_id": ObjectId(), "username": f"u{n}", "email": f"u{n}@e.org", "rolesIds": [role_id], "createdAt": BEGAN}
        for n in range(1_500)
    ]
    database["User"].insert_many(users)
    database["Role"].update_one({"_id": role_id}, {"$set": {"userIds": [user["_id"] for user in users]}})
    rows = [{**row, "keep": "no"} for row in sheet(chatctl)]
    save(workspace / "review.csv", rows)
    said = chatctl("access", "review", "review.csv", "--yes", "-o", "json")
    assert json.loads(said.stdout)["changed"] == 1_500
    assert database["User"].count_documents({"rolesIds": role_id}) == 0
    assert (database["Role"].find_one({"_id": role_id}) or {})["userIds"] == []


def test_the_reported_grant_of_a_role_is_the_last_one(
    chatctl: Chatctl, database: Documents, staff: dict[str, ObjectId]
) -> None:
    for verb in ("grant", "revoke", "grant"):
        chatctl("users", verb, "fay", "--role", "viewer", "--yes")
    events = list(database["chatctl_audit"].find({"kind": "event"}).sort("_id", 1))
    moved = NOW - timedelta(days=3)
    database["chatctl_audit"].update_one({"_id": events[-1]["_id"]}, {"$set": {"at": moved}})
    [row] = [row for row in sheet(chatctl) if row["id"] == str(staff["fay"])]
    assert row["since"][:16] == moved.isoformat()[:16]


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize("line", ["report", "who user.read", "diff ada dot"])
def test_a_report_for_auditors_is_a_markdown_table_of_any_length(
    either: Chatctl, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(markdown, "LONGEST", 10)
    heading, rule, *rows = either("access", *line.split(), "-o", "markdown").stdout.splitlines()
    columns = heading.count("|")
    assert set(rule) == {"|", "-"}
    assert len(rows) == len(json.loads(either("access", *line.split(), "-o", "json").stdout)) > 0
    assert {row.count("|") for row in rows} == {columns}


def test_names_of_users_are_not_read_as_markdown(chatctl: Chatctl, database: Documents) -> None:
    reader = database["Permission"].insert_one({"name": "read", "rolesIds": []}).inserted_id
    held = database["Role"].insert_one({"name": "a|b", "userIds": [], "permissionsIds": [reader]}).inserted_id
    database["Permission"].update_one({}, {"$set": {"rolesIds": [held]}})
    grace = person(database, "grace", name="[x](https://example.org) @org `", rolesIds=[held])
    database["Role"].update_one({}, {"$set": {"userIds": [grace]}})
    shown = chatctl("access", "who", "read", "-o", "markdown").stdout
    assert r"`` [x](https://example.org) @org ` ``" in shown
    assert r"`a`\|`b`" in shown
