"""How a seed writes names: `*` in patterns, `${VARIABLES}`, and the escapes of both."""

import re
from typing import Final, NamedTuple

_PARTS: Final = re.compile(r"\\(.)|(\*)|(.)", re.DOTALL)


class Pattern(NamedTuple):
    r"""A name where `*` stands for any characters and `\` takes the meaning from what follows it."""

    parts: tuple[str, ...]
    """What stands between the stars: a single part is a plain name."""

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
        """The one name this is, if it is no pattern at all."""
        return self.parts[0] if len(self.parts) == 1 else None

    def matches(self, name: str) -> bool:
        """Match in linear time: the leftmost place for each part is as good as any, and no pattern can make it slow."""
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


def literal(name: str) -> str:
    """Write a name so that `Pattern.parse` takes it for nothing but itself."""
    return name.replace("\\", "\\\\").replace("*", "\\*")


_VARIABLE: Final = re.compile(r"\$(?P<escaped>\$)?\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})?")


def variables(text: str) -> list[str | None]:
    """List the variables in a text, `None` for one that is not written as `${NAME}`."""
    return [found["name"] for found in _VARIABLE.finditer(text) if not found["escaped"]]


def expand(text: str, values: dict[str, str]) -> str:
    """Put values in the place of variables, and `${` in the place of `$${`."""

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return found[0][1:]
        return values[found["name"]]

    return _VARIABLE.sub(value, text)


def escape(text: str) -> str:
    """Write a text so that `expand` gives it back."""
    return text.replace("${", "$${")
