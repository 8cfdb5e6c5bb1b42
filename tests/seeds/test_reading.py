"""What a seed file can contain, and all faults that it can have."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from people import Documents

from database.errors import InvalidInputError, NotFoundError
from seeds.reading import read
from seeds.seed import Seed
from tests.conftest import Chatctl

CONTRACT = """
    version: 1
    seed: default
    permissions:
      - user.read
      - name: user.suspend
        description: Stop a user from signing in.
      - message.read
      - message.delete
      - role.delete
    roles:
      - name: viewer
        permissions: [user.read]
      - name: support
        renamed_from: helpdesk
        extends: [viewer]
        permissions: [user.suspend, "message.*"]
      - name: admin
        protected: true
        permissions: ["*"]
    users:
      - email: ${ADMIN_EMAIL}
        username: admin
        password: {env: ADMIN_PASSWORD}
        roles: [support]
    tests:
      - role: support
        can: [user.suspend]
        cannot: [role.delete]
"""
EVERYTHING = {"user.read", "user.suspend", "message.read", "message.delete", "role.delete"}


def test_a_seed_with_every_feature_is_read_and_resolved(write: Callable[..., Path]) -> None:
    seed = read([write(CONTRACT)])
    assert seed.name == "default"
    assert set(seed.permissions) == EVERYTHING
    viewer, support, admin = seed.roles
    assert viewer.permissions == {"user.read"}
    assert support.permissions == {"user.read", "user.suspend", "message.read", "message.delete"}
    assert support.renamed_from == "helpdesk"
    assert (support.protected, admin.protected) == (None, True)
    assert admin.permissions == EVERYTHING
    assert seed.users[0].roles == ("support",)
    assert ([*seed.tests[0].can], [*seed.tests[0].cannot]) == (["user.suspend"], ["role.delete"])


def test_a_file_with_a_byte_order_mark_is_read(write: Callable[..., Path]) -> None:
    assert read([write(b"\xef\xbb\xbfversion: 1\r\nseed: ours\r\n")]).name == "ours"


def test_a_role_without_the_key_permissions_is_not_managed_and_an_empty_list_means_none(
    seed: Callable[[str], Seed],
) -> None:
    made = seed("permissions: [a]\nroles: [{name: x}, {name: y, permissions: []}, {name: z, extends: [y]}]")
    assert [role.permissions for role in made.roles] == [None, frozenset(), frozenset()]


def test_extends_adds_inherited_permissions_in_any_order_of_roles(seed: Callable[[str], Seed]) -> None:
    made = seed("""
        permissions: [a, b, c]
        roles:
          - {name: top, extends: [middle], permissions: [c]}
          - {name: middle, extends: [bottom, side]}
          - {name: bottom, permissions: [a]}
          - {name: side, permissions: [b]}
    """)
    assert [sorted(role.permissions or ()) for role in made.roles] == [["a", "b", "c"], ["a", "b"], ["a"], ["b"]]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["a*b", "axb", "user.read", "user.write"]),
        ("user.*", ["user.read", "user.write"]),
        ("*.read", ["user.read"]),
        ("*e*r*", ["user.read", "user.write"]),
        ("a*b", ["a*b", "axb"]),
        ("a\\*b", ["a*b"]),
        ("user.read*", ["user.read"]),
        ("**", ["a*b", "axb", "user.read", "user.write"]),
    ],
)
def test_a_star_matches_any_characters_and_a_backslash_makes_it_literal(
    seed: Callable[[str], Seed], pattern: str, expected: list[str]
) -> None:
    made = seed(f"permissions: [user.read, user.write, 'a*b', axb]\nroles: [{{name: r, permissions: ['{pattern}']}}]")
    assert sorted(made.roles[0].permissions or ()) == expected


def test_two_dollars_before_a_brace_mean_a_literal_dollar_everywhere(seed: Callable[[str], Seed]) -> None:
    made = seed("permissions: ['$${HOME}', $x]\nroles: [{name: '$$${a}', permissions: ['$${HOME}']}]")
    assert made.permissions == ("${HOME}", "$x")
    assert made.roles[0].name == "$${a}"
    assert made.roles[0].permissions == {"${HOME}"}


def test_a_folder_is_read_as_all_its_files_merged_in_the_order_of_their_names(write: Callable[..., Path]) -> None:
    write("version: 1\nroles: [{name: r, permissions: ['*']}]", "team/b.yml")
    write("version: 1\nseed: team\npermissions: [second]", "team/c.yaml")
    write("version: 1\npermissions: [first]", "team/a.yaml")
    write("this: is none", "team/notes.txt")
    hidden = write("neither: this", "team/.a.yaml")
    made = read([hidden.parent])
    assert (made.name, made.permissions) == ("team", ("first", "second"))
    assert made.roles[0].permissions == {"first", "second"}


def test_a_file_given_twice_is_read_once(write: Callable[..., Path]) -> None:
    path = write("version: 1\npermissions: [a]", "team/a.yaml")
    assert read([path, path.parent, path]).permissions == ("a",)


def test_a_missing_path_is_reported(tmp_path: Path) -> None:
    for name in ("none.yaml", "x" * 5000, "a\0b"):
        with pytest.raises(NotFoundError):
            read([tmp_path / name])


def test_a_folder_without_seeds_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as raised:
        read([tmp_path])
    (fault,) = raised.value.faults
    assert (fault.file, fault.line) == (str(tmp_path), None)
    assert fault.message == "the folder contains no seed files (*.yaml or *.yml)"


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "cycle.yaml").symlink_to("cycle.yaml")
    (tmp_path / "gone.yml").symlink_to("nowhere")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(InvalidInputError) as raised:
        read([tmp_path])
    assert [(Path(fault.file).name, fault.message) for fault in raised.value.faults] == [
        ("cycle.yaml", "cannot be read: too many levels of symbolic links"),
        ("gone.yml", "cannot be read: no such file or directory"),
    ]


def test_all_faults_are_reported_at_once_with_their_places(
    write: Callable[..., Path], faults: Callable[..., list[str]]
) -> None:
    path = write("""\
        version: 2
        vresion: 1
        permissions:
          - no
          - 12
          - user.read
          - user.read
          - name: user.write
            descripton: x
          - ${X}
          -
        roles:
          - name: a
            extends: [b]
          - name: b
            extends: [c]
            permissions: [user.raed, "zz.*"]
            protected: "true"
          - name: c
            extends: [a, d]
          - name: c
          - " x"
        users:
          - email: ${X
            username: x
            pasword: {env: 1}
          - email: nobody
            username: 1:30
            roles: [zz]
        tests:
          - role: zebra
            can: [user.rea]
    """)
    assert faults(path) == [
        'seed.yaml:1:10 unknown version "2"; use version 1',
        'seed.yaml:2:1 unknown key "vresion" in a seed (did you mean "version"?)',
        "seed.yaml:4:5 expected a name, found true or false (\"no\"): write 'no' in quotes to make it a text",
        "seed.yaml:5:5 expected a name, found a number (\"12\"): write '12' in quotes to make it a text",
        'seed.yaml:7:5 duplicate "user.read" in this list; the first is at seed.yaml:6:5',
        'seed.yaml:9:5 unknown key "descripton" in a permission (did you mean "description"?)',
        (
            'seed.yaml:10:5 "${X}": variables are allowed only in a user\'s email, username and name;'
            " write $${ for a literal ${"
        ),
        "seed.yaml:11:4 the value is missing: expected a name",
        'seed.yaml:14:15 roles extend each other in a circle: "a" → "b" → "c" → "a"',
        'seed.yaml:17:19 permission "user.raed" is not defined in the seed (did you mean "user.read"?)',
        'seed.yaml:17:30 the pattern "zz.*" matches no permission of the seed',
        "seed.yaml:18:16 expected true or false, found a text",
        'seed.yaml:20:18 role "d" is not defined in the seed',
        'seed.yaml:21:11 duplicate role "c"; the first is at seed.yaml:19:5',
        "seed.yaml:22:5 expected a role, found a text",
        'seed.yaml:24:12 "${X": write a variable as ${NAME}, and a literal ${ as $${',
        'seed.yaml:26:5 unknown key "pasword" in a user (did you mean "password"?)',
        'seed.yaml:27:12 "nobody" is not a valid e-mail address',
        "seed.yaml:28:15 expected a text, found a number (\"1:30\"): write '1:30' in quotes to make it a text",
        'seed.yaml:29:13 role "zz" is not defined in the seed',
        'seed.yaml:31:11 role "zebra" is not defined in the seed',
        'seed.yaml:32:11 permission "user.rea" is not defined in the seed (did you mean "user.read"?)',
    ]


def test_duplicate_names_in_merged_files_are_reported_with_both_places(
    write: Callable[..., Path], faults: Callable[..., list[str]]
) -> None:
    write("version: 1\npermissions: [a]\nroles: [{name: r}]\nseed: one", "t/a.yaml")
    second = write("version: 1\npermissions: [{name: a}]\nroles: [{name: r}]\nseed: two", "t/b.yaml")
    assert [fault.replace(f"{second.parent}{os.sep}", "") for fault in faults(second.parent)] == [
        'b.yaml:2:22 duplicate permission "a"; the first is at t/a.yaml:2:15',
        'b.yaml:3:16 duplicate role "r"; the first is at t/a.yaml:3:9',
        'b.yaml:4:7 all files of a seed must have the same `seed` name: here it is "two", at t/a.yaml:4:7 it is "one"',
    ]


def test_faults_of_all_files_are_reported_except_those_that_an_unreadable_file_causes(
    write: Callable[..., Path],
    faults: Callable[..., list[str]],
) -> None:
    first = write("version: 1\npermissions: [a\n", "a.yaml")
    second = write("version: 1\nroles: [{name: r, permissions: [a], x: 1}]", "b.yaml")
    found = faults(first, second)
    assert len(found) == 2
    assert found[0].startswith("a.yaml:3:1 not YAML: ")
    assert found[1] == 'b.yaml:2:37 unknown key "x" in a role'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "1:1 the file is empty; a seed begins with `version: 1`"),
        (b"# only a comment\n", "1:1 the file is empty; a seed begins with `version: 1`"),
        (b"version: 1\nseed: \xff", "2:7 not UTF-8: byte 0xff"),
        ("version: 1".encode("utf-16"), "1:1 not UTF-8: byte 0xff"),
        (b"version: 1\nseed: a\0b", "2:8 control character U+0000 is not allowed"),
        (b"version: 1\nseed: \x1b[31m", "2:7 control character U+001B is not allowed"),
        (b'version: 1\nseed: "\\e[31m"', '2:7 "\x1b[31m" contains an invisible character (U+001B)'),
        ("version: 1\nseed: a\u202eb".encode(), '2:7 "a\u202eb" contains an invisible character (U+202E)'),
        (b"version: 1\nversion: 1", '2:1 duplicate key "version"; the first is in line 1'),
        (b'version: "1"', "1:10 the version must be 1, without quotes"),
        (b"version: 1.0", "1:10 the version must be 1, without quotes"),
        (b"version:", "1:9 the value is missing: expected 1"),
        (b"seed: a", '1:1 a seed requires the key "version"'),
        (b"- version: 1", "1:1 expected a seed, found a list"),
        (b"version: 1\n---\nversion: 1", "2:1 a second YAML document begins here; a file can have only one"),
        (b"version: 1\nseed: &x ours", "2:7 anchors are not supported"),
        (b"version: 1\nseed: *x", "2:7 aliases are not supported: write out the value of *x"),
        (b"version: 1\nseed: !!python/object:os.system x",
         "2:7 tags are not supported: remove the tag, and put a text in quotes"),
        (b"version: 1\n? [a]\n: b", "2:3 a key must be a text"),
        (b"version: 1\nseed: ''", "2:7 a name cannot be empty"),
        (b"version: 1\nseed: ' x'", '2:7 " x" begins or ends with a space'),
        (b"version: 1\nseed: " + b"x" * 201, f'2:7 "{"x" * 59}…" is 201 characters long; a name has at most 200'),
        (b"version: 1\nroles: {}", "2:8 expected a list of roles, found an object (keys with values)"),
        (b"version: 1\nroles: [{name: a, renamed_from: b}, {name: b}]",
         '2:33 role "b" cannot be renamed to "a", because the seed also defines it, at {file}:2:37'),
        (b"version: 1\nroles: [{name: a, renamed_from: x}, {name: b, renamed_from: x}]",
         '2:61 two roles have renamed_from "x"; the first is at {file}:2:33'),
        (b"version: 1\nroles: [{name: a}, {name: b, extends: [a]}]",
         '2:40 role "b" cannot extend "a", which has no `permissions` key; add one ([] for no permissions)'),
        (b"version: 1\nroles: [{name: a, extends: [a]}]", '2:29 roles extend each other in a circle: "a" → "a"'),
        (b"version: 1\nusers: [{email: a@x.org, username: a}, {email: A@X.org, username: b}]",
         '2:48 two users have the email "A@X.org", the first at {file}:2:17'),
        (b"version: 1\nusers: [{email: a@x.org, username: a, password: secret}]",
         "2:49 expected a password from the environment ({env: NAME}), found a text"),
    ],
)  # fmt: skip
def test_a_fault_is_reported_with_its_place(
    write: Callable[..., Path], faults: Callable[..., list[str]], text: bytes, expected: str
) -> None:
    path = write(text)
    assert faults(path) == [f"seed.yaml:{expected}".replace("{file}", "seed.yaml")]


def test_a_chain_of_extends_may_be_long(seed: Callable[[str], Seed]) -> None:
    links = "".join(f"- {{name: r{n}, extends: [r{n + 1}]}}\n" for n in range(5000))
    made = seed(f"permissions: [a]\nroles:\n{links}- {{name: r5000, permissions: [a]}}\n")
    assert made.roles[0].permissions == {"a"}


def test_neither_a_database_nor_its_driver_is_needed(write: Callable[..., Path]) -> None:
    path = write(CONTRACT)
    program = (
        "import sys, pathlib; import seeds; seed = seeds.reading.read([pathlib.Path(sys.argv[1])]);"
        "assert all(a.passed for a in seeds.reading.run(seed));"
        "assert not {'pymongo', 'mongoengine', 'bson'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)  # noqa: S603 - our own program


def test_without_a_path_seeds_in_the_working_folder_are_named(chatctl: Chatctl, workspace: Path) -> None:
    seed, other = "version: 1\npermissions: [report.read]\n", "version: '3'\nservices: {}\n"
    (workspace / "compose.yaml").write_text(other)
    (workspace / "empty.yaml").mkdir()
    for command in ("plan", "validate", "test"):
        assert "PATH" not in chatctl("seeds", command, code=None).stderr
    note = "No PATH: using the seed that ships with chatctl. To use the seeds here: chatctl seeds"
    (workspace / "my roles.yml").write_text(seed)
    assert f"{note} plan './my roles.yml'\n" in chatctl("seeds", "plan").stderr
    (workspace / "seeds").mkdir()
    (workspace / "seeds" / "a.yaml").write_text(seed)
    for command in ("plan", "validate", "test", "apply"):
        assert f"{note} {command} ./seeds\n" in chatctl("seeds", command, code=None).stderr
        assert "PATH" not in chatctl("seeds", command, "./seeds", code=None).stderr
    assert chatctl("seeds", "plan", "-o", "json").stderr == ""


def test_in_ci_apply_requires_a_path_if_the_working_folder_has_seeds(
    chatctl: Chatctl, workspace: Path, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    (workspace / "seeds").mkdir()
    (workspace / "seeds" / "a.yaml").write_text("version: 1\npermissions: [report.read]\n")
    for options in ((), ("-n",), ("--yes",)):
        said = chatctl("seeds", "apply", *options, code=2).stderr
        assert said == (
            "error: PATH is required in CI, because the working folder has seed files\n"
            "hint: chatctl seeds apply ./seeds\n"
        )
    assert database["Role"].find_one() is None
    chatctl("seeds", "apply", "./seeds")
    assert database["Permission"].distinct("name") == ["report.read"]


def test_in_the_folder_of_the_shipped_seed_no_other_seed_is_noted(
    chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert "PATH" not in chatctl("seeds", "validate").stderr
