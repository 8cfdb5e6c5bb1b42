"""How a seed writes names: `*` in patterns, `${VARIABLES}`, and the escapes of both."""

import re
from typing import Final, NamedTuple

_PARTS: Final = re.compile(r"\\(.)|(\*)|(.)", re.DOTALL)


class Pattern(NamedTuple):
    r"""A name in which `*` matches any characters, and `\` makes the next character literal."""

    parts: tuple[str, ...]
    """The texts between the stars; a single part is a plain name."""

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        parts = [""]
        if "*" not in text and "\\" not in text:
            return cls((text,))
        for escaped, star, plain in _PARTS.findall(text):
            if star:
                parts.append("")
            else:
                parts[-1] += escaped or plain
        return cls(tuple(parts))

    @property
    def name(self) -> str | None:
        """The name, if there is no star."""
        return self.parts[0] if len(self.parts) == 1 else None

    def matches(self, name: str) -> bool:
        """Match in linear time: the leftmost place for each part is as good as any other."""
        first, *middle, last = self.parts
        if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
            return False
        at, end = len(first), len(name) - len(last)
        for part in middle:
            at = name.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


def escape_pattern(name: str) -> str:
    """Write a name so that `Pattern.parse` reads exactly this name."""
    return name.replace("\\", "\\\\").replace("*", "\\*")


_VARIABLE: Final = re.compile(r"\$(?P<escaped>\$)?\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})?")


def variables(text: str) -> list[str | None]:
    """Return the variables in a text, with `None` for each `${` that is not a valid `${NAME}`."""
    return [found["name"] for found in _VARIABLE.finditer(text) if not found["escaped"]]


def expand(text: str, values: dict[str, str]) -> str:
    """Replace variables by their values, and `$${` by `${`."""

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return found[0][1:]
        return values[found["name"]]

    return _VARIABLE.sub(value, text)


def escape_variables(text: str) -> str:
    """Write a text so that `expand` returns it."""
    return text.replace("${", "$${")
