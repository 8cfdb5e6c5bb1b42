"""`.env` files are read like Prisma reads them.

Each expected value is the result of the package `dotenv` 16 for Node, and of Prisma's replacement of variables.
"""

import pytest

from database import urls


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=basic", "basic"),
        ("export KEY=exported", "exported"),
        ("  KEY =  spaced  ", "spaced"),
        ("KEY: like yaml", "like yaml"),
        ("KEY=", ""),
        ("KEY=''", ""),
        ("KEY=a b c", "a b c"),
        ("KEY=before#after", "before"),
        ("KEY=before # after", "before"),
        ("KEY='with # inside' # after", "with # inside"),
        ('KEY="with # inside"', "with # inside"),
        ("KEY=`with # 'and' \"both\"`", "with # 'and' \"both\""),
        (r'KEY="two\nlines"', "two\nlines"),
        (r"KEY='two\nlines'", r"two\nlines"),
        (r"KEY=two\nlines", r"two\nlines"),
        ('KEY="two\nlines"', "two\nlines"),
        ("KEY=\"a 'quote' inside\"", "a 'quote' inside"),
        (r'KEY="a\tb\\c"', r"a\tb\\c"),
        ('KEY={"json": "value"}', '{"json": "value"}'),
        ('KEY="unclosed', '"unclosed'),
        ("KEY=a=b==", "a=b=="),
        ("KEY=first\r\nKEY=second\r\n", "second"),
        ("# KEY=commented\nKEY=real", "real"),
        ("not a line\nKEY=real", "real"),
    ],
)
def test_a_line_is_read_like_the_package_dotenv_reads_it(line: str, value: str) -> None:
    assert urls.read_dotenv(line, {})["KEY"] == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=x\nKEY=${A}y", "xy"),
        ("KEY=${A}y\nA=x", "xy"),
        ("A=${B}\nB=deep\nKEY=${A}", "deep"),
        ("KEY=a${MISSING}b", "ab"),
        ("KEY=a${}b", "ab"),
        (r"KEY=\${A}", "${A}"),
        ("A=x\nKEY=$A", "$A"),
        ("A=x\nKEY='${A}'", "x"),
        ("OUTSIDE=file\nKEY=${OUTSIDE}", "environment"),
        ("KEY=${KEY}", ""),
        ("A=${KEY}\nKEY=a${A}b", "ab"),
    ],
)
def test_variables_in_braces_are_expanded(text: str, value: str) -> None:
    assert urls.read_dotenv(text, {"OUTSIDE": "environment"})["KEY"] == value


def test_variables_of_the_environment_replace_those_of_a_dotenv_file() -> None:
    assert urls.read_dotenv("KEY=file", {"KEY": "environment"}) == {"KEY": "environment"}


def test_a_line_of_half_a_million_characters_is_read_fast() -> None:
    assert urls.read_dotenv("KEY='" + "\\'" * 250_000, {})["KEY"]
