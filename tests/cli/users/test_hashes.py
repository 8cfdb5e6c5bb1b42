"""A password hash is refused as a password, and the application can check only bcrypt hashes."""

from typing import Any

import pytest
from people import Documents, person

from tests.cli.conftest import Terminal
from tests.cli.users.conftest import Import
from tests.conftest import Chatctl

BCRYPT = "$2b$10$n.0U5304bSUN1LZssotKlOAUWyalZWptlL6lapTwImH19oaJDv8Ba"
HASHES = {
    BCRYPT: "bcrypt",
    BCRYPT.replace("$2b$", "$2y$"): "bcrypt",
    BCRYPT.replace("$2b$", "$2a$"): "bcrypt",
    "{bcrypt}" + BCRYPT: "bcrypt",
    "bcrypt_sha256$$2b$12$" + BCRYPT[7:]: "bcrypt",
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27Vw": "argon2",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$RdescudvJCsgt3ub": "argon2",
    "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4Cb": "scrypt",
    "scrypt:32768:8:1$salt$0011223344556677889900": "scrypt",
    "pbkdf2_sha256$260000$abc$0123456789012345678901234567890123456789abc=": "PBKDF2",
    "pbkdf2:sha256:600000$salt$0123456789abcdef0123": "PBKDF2",
    "$pbkdf2-sha512$25000$abcdefghijklmnopqrstuv$abcdefghijklmnop": "PBKDF2",
    "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=": "LDAP",
    "{SSHA512}W6ph5Mm5Pz8GgiULbPgzG37mj9g=W6ph5Mm5Pz8GgiULbPgzG37mj9g=": "LDAP",
    "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2": "crypt",
    "$1$abc$BXBqpb9BZcZhXLgbee.0s/": "crypt",
    "$P$B55D6LjfHDkINU5wF.v2BuuzO0/XPk/": "phpass",
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC": "yescrypt",
    "sha1$abc$b9b1f1b5e3a4b9b1f1b5e3a4b9b1f1b5e3a4b9b1": "Django",
}
PASSWORDS = [
    "$2b$ is where my kettle sings",
    "{SSHA} is the best there is",
    "my $6$ per hour is enough",
]


@pytest.mark.parametrize("text", HASHES)
def test_a_hash_is_refused_as_a_password_everywhere(
    load: Import, chatctl: Chatctl, database: Documents, text: str
) -> None:
    person(database, "ada")
    said = [
        chatctl("users", "set-password", "ada", "--password-stdin", input=text, code=5).stderr,
        chatctl(
            "users", "create", "--email", "e@b.c", "--username", "e", "--password-stdin", input=text, code=5
        ).stderr,
        load(f'email,username,password\na@b.c,a,"{text}"\n', code=5).stderr,
    ]
    assert all(HASHES[text] in message and text not in message for message in said), said
    assert "hashedPassword" in said[0]
    assert ("hashedPassword" in said[2]) == (HASHES[text] == "bcrypt")
    assert database["User"].count_documents({}) == 1


@pytest.mark.parametrize("text", PASSWORDS)
def test_a_password_that_only_resembles_a_hash_is_accepted(chatctl: Chatctl, text: str) -> None:
    chatctl("users", "create", "--email", "e@b.c", "--username", "e", "--password-stdin", input=text)


def test_a_hash_in_a_seed_is_refused_too(chatctl: Chatctl, workspace: Any) -> None:
    (workspace / "s.yaml").write_text("version: 1\nusers:\n- {email: a@b.c, username: a, password: {env: SECRET}}\n")
    refused = chatctl("seeds", "plan", "s.yaml", code=5, env={"SECRET": BCRYPT})
    assert "a hash (bcrypt)" in refused.stderr
    assert BCRYPT not in refused.stderr


def test_a_hash_that_is_typed_is_not_asked_for_again(terminal: Terminal) -> None:
    line = ("users", "create", "--email", "a@b.c", "--username", "ada")
    screen = terminal(*line, answers={"Password: ": f"{BCRYPT}\n"})
    assert (screen.code, "a hash (bcrypt)" in screen.text, "Again" in screen.text) == (5, True, False)


@pytest.mark.parametrize("text", [text for text, scheme in HASHES.items() if scheme != "bcrypt"])
def test_a_hash_that_the_application_cannot_check_is_a_fault(load: Import, text: str) -> None:
    refused = load(f'email,username,hashedPassword\na@b.c,a,"{text}"\n', code=5).stderr
    assert f"hashedPassword: this is a hash ({HASHES[text]}) that the application cannot check" in refused
    assert text not in refused


@pytest.mark.parametrize("spelling", ["$2a$", "$2b$", "$2y$"])
def test_bcrypt_hashes_can_be_mapped_from_all_common_headers(load: Import, imported: Any, spelling: str) -> None:
    names = ("password_digest", "password_hash", "passwordHash", "hashed_password", "encrypted_password", "pw_hash")
    for name in (*names, "PasswordDigest", "hashedpassword", "HASHED PASSWORD"):
        rows = f"email,username,{name}\na@b.c,a,{BCRYPT.replace('$2b$', spelling)}\n"
        if name.lower() != "hashedpassword":
            refused = load(rows, code=5).stderr
            assert f'"{name}" (did you mean "hashedPassword"?)' in refused
            assert f"{name}=hashedPassword" in refused
        load(rows, "--map", f"{name}=hashedPassword", "--on-conflict", "update", "--yes")
        assert imported("a")["hashedPassword"][4:] == BCRYPT[4:]
        assert imported("a")["hashedPassword"].startswith("$2a$" if spelling == "$2a$" else "$2b$")
