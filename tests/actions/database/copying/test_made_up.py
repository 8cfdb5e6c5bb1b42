"""The values that replace personal data in a copy."""

import re
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import DatetimeMS, ObjectId
from hypothesis import given, settings, strategies

from actions.database.copying.made_up import MadeUp


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Kyrielle Jacquemin", r"[A-Z][a-z]{7} [A-Z][a-z]{8}"),
        ("ada.l+news@example.com", r"[a-z]{3}\.[a-z]\+[a-z]{4}@[a-z]{6}\.test"),
        ("ADA@web.de", r"[A-Z]{3}@[a-z]\.test"),
        ("ada@t.CO", r"[a-z]{3}@[a-z]\.teST"),
        (
            "To ada@web.de (see https://t.co/a).",
            r"[A-Z][a-z] [a-z]{3}@[a-z]\.test \([a-z]{3} https://[a-z]\.test/[a-z]\)\.",
        ),
        ("https://a.io/?mail=ada@web.de", r"https://[a-z]\.test/\?[a-z]{4}=[a-z]{3}@[a-z]\.test"),
        ("mailto:ada@web.de", r"[a-z]{6}:[a-z]{3}@[a-z]\.test"),
        ("+49 (151) 2345-6789", r"\+\d\d \(\d{3}\) \d{4}-\d{4}"),
        ("https://example.org/a/b.jpg?x=1", r"https://[a-z]{6}\.test/[a-z]/[a-z]\.[a-z]{3}\?[a-z]=\d"),
        ("שלום", "[א-ת\u05ef-\u05f2]{4}"),
        ("ひらがな", "[ぁ-ゖゟ]{4}"),
        ("漢字", "[\u3400-\u9fff]{2}"),
        ("Привет", "[\u0400-\u04ff]{6}"),
        ("2026-03-01T10:00:07.123Z", r"2026-0[12]-\d\dT\d\d:\d\d:07\.123Z"),
        ("650000000000000000000001", "6[0-9a-f]{23}"),
        (31415926535, r"3\d{10}"),
        (48.13715432, r"4\d\.\d{1,8}"),
        (48.13, "48.13"),
        (DatetimeMS(-(2**63)), r"DatetimeMS\(-9223372036854775808\)"),
        ("ᵏʸʳⁱᵉˡˡᵉ", "[\u02b0-\u02ff\u1d00-\u1dbf\u2071\u207f]{8}"),
        ("①⑤①", "[①-⓿]{3}"),
        (4711, "4711"),
        (True, "True"),
    ],
)
def test_a_made_up_value_has_the_form_of_the_original_value(value: Any, shape: str) -> None:
    made_up = MadeUp()
    assert re.fullmatch(shape, str(made_up.value(value))), made_up.value(value)
    assert made_up.value(value) == made_up.value(value)


@settings(deadline=None, max_examples=25)
@given(strategies.lists(strategies.text(strategies.characters(exclude_characters="@:"), max_size=30), max_size=8))
def test_made_up_texts_are_equal_only_if_the_original_texts_are_equal(found: list[str]) -> None:
    made_up = MadeUp()
    made = list(map(made_up.text, found))
    assert list(map(len, made)) == list(map(len, found))
    assert len(set(made)) == len(set(found))


def test_texts_that_differ_in_case_become_texts_that_differ_in_case() -> None:
    made_up = MadeUp()
    for one, other in (("Ada@Example.org", "ada@example.ORG"), ("Ärger", "ÄRGER"), ("A" * 30, "a" * 30)):
        assert made_up.text(one) != made_up.text(other)
        assert made_up.text(one).lower() == made_up.text(other).lower()


@given(strategies.sets(strategies.binary(min_size=8, max_size=8), max_size=50), strategies.integers(0, 2**32 - 1))
def test_different_ids_of_a_second_become_different_ids_of_a_second(ends: set[bytes], second: int) -> None:
    made_up = MadeUp()
    old = [ObjectId(second.to_bytes(4) + end) for end in sorted(ends)]
    new = made_up.ids(old, made_up.new_id)
    assert len(set(new)) == len(old)
    assert {int.from_bytes(one.binary[:4]) for one in new} <= {(second - made_up.seconds) % 2**32}
    assert [made_up.id(one) for one in old] == new
    assert [made_up.value(str(one)) for one in old] == [str(one) for one in new]


def test_made_up_domains_are_different_and_no_mail_can_be_delivered_to_them() -> None:
    made_up = MadeUp()
    domains = [f"{one}{other}.{end}" for one in string.ascii_lowercase for other in "abc" for end in ("de", "com")]
    made = [made_up.text(f"ada@{domain}").partition("@")[2] for domain in domains]
    assert len(set(made)) == len(domains)
    assert {domain[-5:] for domain in made} == {".test"}


def test_a_known_id_does_not_tell_other_ids() -> None:
    """No part of an id changes by the same amount as in other ids, except the time."""
    made_up = MadeUp()
    old = [int.from_bytes(f"{number:08x}".encode()) for number in range(500)]
    new = [int.from_bytes(made_up.id(ObjectId(b"time" + one.to_bytes(8))).binary[4:]) for one in old]
    for bits in (0xFF << place for place in range(0, 64, 8)):
        assert len({(one ^ other) & bits for one, other in zip(old, new, strict=True)}) > 100
        assert len({(one - other) & bits for one, other in zip(old, new, strict=True)}) > 100


def test_coordinates_and_names_in_unusual_letters_are_replaced() -> None:
    made_up = MadeUp()
    for value in (48.1371, 11.576, "ᵏʸʳⁱᵉˡˡᵉ", "①⑤①②③④⑤⑥⑦⑧"):
        assert made_up.value(value) != value


def test_dates_of_birth_are_not_shifted_like_other_times() -> None:
    made_up = MadeUp()
    days = [datetime(1984, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    made = [made_up.value(day + timedelta(days=40)) for day in days[:320]]
    assert {one.year for one in made} == {1984}
    assert len(set(made)) == 320
    assert len({one - day for one, day in zip(made, days, strict=False)}) > 100
    assert made_up.value("1984-03-01") == f"{made_up.value(datetime(1984, 3, 1, tzinfo=UTC)):%Y-%m-%d}"
    assert made_up.time(days[0]) == days[0] - timedelta(seconds=made_up.seconds)


def test_different_short_texts_get_different_replacements() -> None:
    made_up = MadeUp()
    letters = string.ascii_lowercase
    pairs = [one + other for one in letters for other in letters]
    assert {made_up.text(pair) for pair in pairs} == set(pairs)
    addresses = {made_up.text(f"{pair}@{domain}") for pair in pairs for domain in ("web.de", "gmx.de", "t.co", "u.co")}
    assert len(addresses) == 4 * len(pairs)


def test_a_text_gets_the_same_replacement_before_and_after_other_texts() -> None:
    made_up = MadeUp()
    found = ["000𪤄𩾭", "漢字", "㐀", "𠀀", "한글", "ꀀ"]
    assert list(map(made_up.text, found)) == list(map(made_up.text, found))
