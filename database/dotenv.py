"""Read a `.env` file as Prisma does: the `dotenv` package of Node, then `${VAR}` in braces only.

python-dotenv reads some files differently. It does not end a value at a `#` after a letter, knows no backticks and no
`KEY: value`, replaces more escapes, and expands only variables that are defined above. A URL that is read differently
can be another database than the application's, therefore the rules are here.
"""

import re
from collections.abc import Mapping

_ASSIGNMENT = re.compile(
    r"""
    ^\s* (?:export\s+)? (?P<key>[A-Za-z0-9_.-]+) (?: \s*=\s*? | :\s+? )
    (?P<value> \s*(?P<quote>['"`]) (?: \\(?P=quote) | (?!(?P=quote))[\s\S] )* (?P=quote) | [^\#\r\n]+ )?
    \s* (?:\#.*)? $
    """,
    re.VERBOSE | re.MULTILINE,
)
_QUOTED = re.compile(r"""(['"`])([\s\S]*)\1""")
_VARIABLE = re.compile(r"(\\?)\$\{(\w*)\}", re.ASCII)


def read_dotenv(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Give what a file says, expanded; a variable of the environment wins over the file's own."""
    said = {match["key"]: _unquoted(match["value"] or "") for match in _ASSIGNMENT.finditer(_lines(text))}
    known = {**said, **environment}
    return {name: _expanded(known[name], known, (name,)) for name in said}


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unquoted(value: str) -> str:
    value = value.strip()
    quoted = _QUOTED.fullmatch(value)
    inside = quoted[2] if quoted else value
    return inside.replace("\\n", "\n").replace("\\r", "\r") if value.startswith('"') else inside


def _expanded(value: str, known: Mapping[str, str], within: tuple[str, ...]) -> str:
    """Put values in place of `${NAME}`, nothing for a name that is unknown or already being expanded."""

    def one(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return match[0][1:]
        return "" if name in within else _expanded(known.get(name, ""), known, (*within, name))

    return _VARIABLE.sub(one, value)
