"""Each sample of another product is imported by the command in `docs/moving-in.md`."""

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from people import Documents

from database.times import rfc3339
from imports import importing, products
from imports.formats import format_of
from imports.layout import Layout
from imports.products import values
from tests.conftest import Chatctl

HERE: Final = Path(__file__).parent
PAGE: Final = (HERE.parents[2] / "docs/moving-in.md").read_text("utf-8")
COMMANDS: Final = dict(re.findall(r"^\$ chatctl (users import (\S+) --from \S+.*) --dry-run$", PAGE, re.MULTILINE))
OPTIONS: Final = {file: shlex.split(command) for command, file in COMMANDS.items()}
SAMPLES: Final = sorted(path.name for path in (HERE / "samples").iterdir())
EXPECTED: Final = yaml.safe_load((HERE / "expected.yaml").read_text("utf-8"))


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(HERE / "samples")
    return tmp_path


def users(database: Documents) -> list[dict[str, Any]]:
    """Return all users in a form that is easy to read. The time of the import is shown as `now`."""
    recent = datetime.now(UTC) - timedelta(minutes=5)

    def moment(value: datetime | None) -> str | None:
        return value and ("now" if value.replace(tzinfo=UTC) > recent else rfc3339(value))

    found = []
    for user in database["User"].find().sort("email"):
        profile = database["Profile"].find_one({"userId": user["_id"]}) or {}
        accounts = database["Account"].find({"userId": user["_id"]})
        values = {
            **{field: user.get(field) for field in ("email", "username", "name", "status")},
            "password": user.get("hashedPassword", "")[:7],
            **{field: moment(user.get(field)) for field in ("emailVerified", "createdAt", "lastLogin")},
            **{field: profile.get(field) for field in ("phoneNumber", "address", "imageUrl")},
            "accounts": [f"{account['provider']}:{account['providerAccountId']}" for account in accounts],
        }
        found.append({field: value for field, value in values.items() if value})
    return found


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_imported_by_the_command_of_the_page(
    chatctl: Chatctl, database: Documents, samples: Path, sample: str
) -> None:
    preview = chatctl(*OPTIONS[sample], "--dry-run", code=0, together=True).stdout.splitlines()
    notes = [line for line in preview if not line.startswith(("+ ", "would change ", "nothing was written"))]
    assert database["User"].count_documents({}) == 0
    chatctl(*OPTIONS[sample], code=0)
    assert {"notes": notes, "users": users(database)} == EXPECTED[sample]


@pytest.mark.parametrize("name", products.names())
def test_every_description_is_valid_and_has_a_sample_and_a_section(name: str) -> None:
    product = products.load(name)
    assert product.recognized
    assert f"\n### {product.name}\n" in PAGE or name == "mongoexport"
    assert [options for options in OPTIONS.values() if options[options.index("--from") + 1] == name]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_without_from_is_refused_with_the_option_that_it_needs(
    chatctl: Chatctl, database: Documents, samples: Path, sample: str
) -> None:
    name = OPTIONS[sample][OPTIONS[sample].index("--from") + 1]
    refused = chatctl("users", "import", sample, code=5).stderr.splitlines()
    assert refused[0].startswith(f"{sample}:1: this looks like a")
    assert refused[1:] == ["error: the import has a fault", f"hint: nothing was written; add --from {name}"]
    chatctl("users", "import", "-", code=5, input=(Path(sample)).read_text("utf-8"))


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_refused_by_every_other_product(sample: str) -> None:
    text = (HERE / "samples" / sample).read_text("utf-8-sig")
    own = OPTIONS[sample][OPTIONS[sample].index("--from") + 1]
    form = format_of(sample, text.encode())
    for name in products.names():
        problem = importing.wrong_product(text, form, Layout(product=products.load(name)))
        if name == own:
            assert problem is None
        elif name != "mongoexport":  # this type can read every document that MongoDB has written
            assert problem is not None, name
            assert problem.hint.endswith(f"use --from {own}")


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_wrong_product_gets_a_short_error_without_personal_data(
    chatctl: Chatctl, database: Documents, samples: Path, sample: str
) -> None:
    wrong = "fusionauth" if "fusionauth" not in OPTIONS[sample] else "clerk"
    refused = chatctl("users", "import", sample, "--from", wrong, code=5).stderr
    assert len(refused.splitlines()) == 3
    assert not re.search("zoe|ngstr|tomas|example.org|2b", refused)
    assert database["User"].count_documents({}) == 0


GARBAGE: Final = {
    "g.csv": b"garbage,secret@example.org\n" * 3000,
    "g.ndjson": b"garbage secret@example.org\n" * 3000,
    "g.json": b'{"a": ' * 3000,
    "h.json": b'{"things": [{"secret@example.org": 1}, {"name": "x"}]}',
    "i.json": b"[" + b'{"name": "secret@example.org"},' * 300 + b"{}]",
    "g": bytes(range(256)) * 100,
    "empty.json": b'{"users": []}',
}


@pytest.mark.parametrize("name", products.names())
def test_a_file_with_garbage_gets_a_short_error_for_every_product(
    chatctl: Chatctl, database: Documents, tmp_path: Path, name: str
) -> None:
    for file, data in GARBAGE.items():
        (tmp_path / file).write_bytes(data)
        done = chatctl("users", "import", file, "--from", name, "--errors", f"{file}.faults", code=None)
        assert done.code == 5 or file == "empty.json", (file, done)
        assert len(done.stderr.splitlines()) <= 12, (file, done)
        assert "secret" not in done.stderr, (file, done)
    assert database["User"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: the file is empty: it must have the keys name and columns"),
        ("name: X\nrecognized: []\ncolumns: {email: E, nmae: N}\n", '3:21: unknown key "nmae" in columns'),
        ("columns: {email: E}\n", '1:1: a description of a product requires the key "name"'),
        ("name: X\nrecognized: []\ncolumns: {username: E}\n", '3:10: columns requires the key "email"'),
        ("name: X\nrecognized: []\ncolumns: {email: {}}\n", "3:18: a source requires key or join, not both"),
        ("name: X\nrecognized: []\ncolumns: {email: {key: a}}\n", "3:18: a source with key requires match, is or has"),
        (
            "name: X\nrecognized: []\ncolumns: {email: {key: a, match: '('}}\n",
            "3:34: this is not a valid pattern: missing ), unterminated subpattern at position 0",
        ),
        (
            "name: X\nrecognized: []\ncolumns: {email: {key: a, match: a}}\n",
            "3:34: a pattern requires exactly one group in parentheses, for the value",
        ),
        (
            "name: X\nrecognized: []\ncolumns: {email: E}\nsuspended: [{key: a, is: futrue}]\n",
            '4:26: use true, false, future, filled, empty or a list of words (did you mean "future"?)',
        ),
        (
            "name: X\nrecognized: []\ncolumns: {email: E}\nsuspended: [{key: a}]\n",
            "4:13: a test requires is or has, not both",
        ),
        (
            "name: X\nrecognized: []\ncolumns: {email: E}\naccounts: [{list: a}]\n",
            "4:12: linked sign-ins require id or pair, not both",
        ),
        ("name: [\n", "2:1: not YAML: "),
    ],
)
def test_a_faulty_map_file_is_refused_with_line_and_column(
    chatctl: Chatctl, database: Documents, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "p.csv").write_text("E\na@b.c\n")
    (tmp_path / "map.yaml").write_text(text)
    refused = chatctl("users", "import", "p.csv", "--map-file", "map.yaml", code=5).stderr.splitlines()
    assert refused[0].startswith(f"map.yaml:{said}")
    assert len(refused) <= 12


def test_a_map_file_needs_only_a_name_and_columns(chatctl: Chatctl, samples: Path) -> None:
    own = samples / "own.yaml"
    own.write_text("name: Ours\ncolumns: {email: primary_email_address, username: username, name: last_name}\n")
    said = chatctl("users", "import", "clerk.csv", "--map-file", own, "--username-from", "email")
    assert "created" in said.stdout


def test_a_map_file_with_many_faults_gets_a_short_error(chatctl: Chatctl, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("E\na@b.c\n")
    for text in ("".join(f"k{n}: 1\n" for n in range(3000)), "\0" * 3000, "- x\n" * 3000):
        (tmp_path / "map.yaml").write_text(text)
        refused = chatctl("users", "import", "p.csv", "--map-file", "map.yaml", code=5).stderr.splitlines()
        assert len(refused) <= 12


def test_options_that_cannot_be_combined_are_refused(chatctl: Chatctl, samples: Path) -> None:
    chatctl("users", "import", "clerk.csv", "--from", "clerk", "--map-file", "x", code=2)
    chatctl("users", "import", "clerk.csv", "--require-passwords", code=2)
    chatctl("users", "import", "clerk.csv", "--map-file", "nowhere.yaml", code=3)
    said = chatctl("users", "import", "clerk.csv", "--from", "clark", code=2).stderr
    assert 'did you mean "clerk"?' in said


def test_a_map_option_overrides_the_product(chatctl: Chatctl, database: Documents, samples: Path) -> None:
    chatctl("roles", "create", "support")
    maps = ["--map", "app_metadata.roles=roles", "--map", "nickname=username", "--map", "picture="]
    chatctl("users", "import", "auth0.ndjson", "--from", "auth0", *maps)
    found = {user["username"]: user for user in database["User"].find()}
    assert sorted(found) == ["meilin", "quiet", "tomas.ibarra", "zoe"]
    assert len(found["zoe"]["rolesIds"]) == 1
    assert not list(database["Profile"].find({"imageUrl": {"$ne": None}}))
    refused = chatctl("users", "import", "auth0.ndjson", "--from", "auth0", "--map", "nick=name", code=5).stderr
    assert '--map names a column or key that the file does not have: "nick"' in refused


def test_required_passwords_refuse_users_who_cannot_sign_in(
    chatctl: Chatctl, database: Documents, samples: Path
) -> None:
    refused = chatctl(*OPTIONS["clerk.csv"], "--require-passwords", code=5).stderr.splitlines()
    assert refused == [
        "clerk.csv:4: no password and no linked sign-in",
        "clerk.csv:5: the application cannot check this password hash",
        "error: the import has 2 faults",
        "hint: nothing was written",
    ]
    assert database["User"].count_documents({}) == 0


def test_large_files_of_one_line_and_of_many_lines_are_read(
    chatctl: Chatctl, database: Documents, tmp_path: Path
) -> None:
    padding = {"clients": [{"name": "x" * 1000, "enabled": True}] * 200}
    people = [
        {"username": f"u{n}", "email": f"u{n}@b.c", "enabled": n % 2 == 0, "createdTimestamp": 1614845730124}
        for n in range(10)
    ]
    for indent in (None, 1):
        (tmp_path / "realm.json").write_text(json.dumps({"realm": "x", **padding, "users": people}, indent=indent))
        chatctl("users", "import", "realm.json", "--from", "keycloak", "--on-conflict", "update", "--yes")
    assert database["User"].count_documents({"status": "SUSPENDED"}) == 5


def test_a_row_may_lack_the_empty_cells_at_its_end(chatctl: Chatctl, database: Documents, samples: Path) -> None:
    header, first, *_ = Path("discourse.csv").read_text("utf-8").splitlines()
    short = first.rpartition(",")[0]
    chatctl("users", "import", "-", "--from", "discourse", input=f"{header}\n{short}\n")
    assert database["User"].count_documents({}) == 1
    assert "cells" in chatctl("users", "import", "-", "--from", "discourse", input=f"{header}\n1,2\n", code=5).stderr


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2021-03-04T08:15:30.123Z", "2021-03-04T08:15:30.123Z"),
        ("2021-03-04 08:15:30.123456+00", "2021-03-04T08:15:30.123Z"),
        ("2021-03-04 08:15:30 UTC", "2021-03-04T08:15:30.000Z"),
        ("2023-11-20 19:30:00.5 +0100 CET", "2023-11-20T18:30:00.500Z"),
        ("2024/05/06 07:08:09", "2024-05-06T07:08:09.000Z"),
        ("3/4/2021 8:15:30 PM", "2021-03-04T20:15:30.000Z"),
        (1614845730, "2021-03-04T08:15:30.000Z"),
        (1614845730.5, "2021-03-04T08:15:30.500Z"),
        ("1614845730123", "2021-03-04T08:15:30.123Z"),
        ({"$date": {"$numberLong": "1614845730123"}}, "2021-03-04T08:15:30.123Z"),
        ({"$date": "2021-03-04T08:15:30Z"}, "2021-03-04T08:15:30.000Z"),
        (0, None),
        ("0", None),
    ],
)
def test_times_are_read_as_products_write_them(value: Any, read: str | None) -> None:
    assert rfc3339(values.time(value)) == read


@pytest.mark.parametrize(
    "value", ["yesterday", "13/13/2021 8:15:30 PM", "2021-13-04", "9" * 30, "2023-11-20 19:30:00 CET"]
)
def test_a_value_that_is_not_a_time_is_unchanged(value: str) -> None:
    assert values.time(value) == value


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", 1),
        ("b.c", 2),
        ("d[1].e", 4),
        ("d[e=3].f", 5),
        ("d[e=@wanted].f", 5),
        ("d[e=9].f", None),
        ("json.x[0]", 6),
        ("x.y", 7),
        ("First [Required]", 8),
        ("a.b.c", None),
        ("d[7]", None),
    ],
)
def test_paths_find_values_in_objects_lists_and_cells_with_json(path: str, found: Any) -> None:
    record = {
        "a": 1,
        "b": {"c": 2},
        "d": [{"e": "3", "f": 5}, {"e": 4}],
        "wanted": "3",
        "json": '{"x": [6]}',
        "x.y": 7,
        "First [Required]": 8,
    }
    assert values.getter(path)(record) == found
