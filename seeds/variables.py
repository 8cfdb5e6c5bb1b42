"""Variables of the environment in the texts of a seed, and how `${` is written that is none."""

import re
from typing import Final

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
