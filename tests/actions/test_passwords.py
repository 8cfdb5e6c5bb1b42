"""The rules for passwords, and the form in which passwords are stored."""

import subprocess
import sys

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.rules import passwords
from actions.rules.passwords import BadPasswordError

AS_SHIPPED = passwords.ROUNDS
OWN = ["Ada Lovelace", "ada", "ada.lovelace@example.org", None]


@pytest.mark.parametrize(
    "password",
    [
        "tangerine lamp orbit",
        "ünïcode pässwörd",
        "x7#Kq!vR2m@Lp9$",
        "i love ada lovelace's notes",
        "ä" * 5 + "bcdefghijk" * 6,
    ],
)
def test_a_password_that_is_hard_to_guess_is_accepted(password: str) -> None:
    passwords.validate(password, OWN)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "fewer than 15 characters"),
        ("fourteen chars", "fewer than 15 characters"),
        ("ä" * 36 + "b", "more than 72 bytes"),
        ("lamp\0tangerine orbit", "a NUL character"),
        ("\ud800 tangerine lamp orbit", "contains invalid characters"),
        ("Ada.Lovelace@example.ORG", "own name or e-mail"),
        ("ada lovelace ada lovelace", "own name or e-mail"),
        ("gro.elpmaxe@ecalevol.ada", "own name or e-mail"),
        ("aaaaaaaaaaaaaaaa", "too common"),
        ("123456789012345", "too common"),
        ("abcdefghijklmnop", "too common"),
        ("qwertyuiopasdfgh", "too common"),
        ("passwordpassword", "too common"),
        ("P@ssw0rdP@ssw0rd", "too common"),
        ("password1234567890", "too common"),
        ("Administrator!!1", "too common"),
        ("correct horse battery staple", "too common"),
    ],
)
def test_a_password_against_the_rules_is_refused_without_being_quoted(password: str, problem: str) -> None:
    with pytest.raises(BadPasswordError, match=problem) as raised:
        passwords.validate(password, OWN)
    assert not password or password not in f"{raised.value} {raised.value.hint}"


def test_a_password_is_hashed_as_the_application_does() -> None:
    assert AS_SHIPPED == 12
    for password in ("tangerine lamp orbit", "ä" * 36):
        kept = passwords.bcrypt_hash(password)
        assert len(kept) == 60
        assert kept.startswith("$2b$04$")
        assert bcrypt.checkpw(password.encode(), kept.encode())


def test_several_threads_can_hash_the_first_password_of_a_process() -> None:
    script = (
        "import sys; sys.setswitchinterval(1e-6)\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from actions.rules import passwords; passwords.ROUNDS = 4\n"
        "with ThreadPoolExecutor(8) as pool: print(len(list(pool.map(passwords.bcrypt_hash, ['a quiet pier'] * 16))))"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "16\n"  # noqa: S603


@given(st.text(max_size=80))
def test_the_password_rules_accept_or_refuse_any_text_without_failing(password: str) -> None:
    problem = passwords.flaw(password, [password[:20], *OWN])
    assert problem is None or problem.startswith("the password ")


def test_bcrypt_is_imported_only_if_a_password_is_hashed() -> None:
    loaded = "assert not {'bcrypt', 'passlib'} & sys.modules.keys()"
    program = f"import sys, actions.rules.passwords as p; p.flaw('x' * 20); {loaded}"
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603 - the program is a constant
