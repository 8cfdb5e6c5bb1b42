"""What people call their groups and write to each other, in their languages."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

EMOJI: Final = "😀 😂 😅 🙂 😉 😍 🤔 😴 👍 🙏 🎉 ❤️ 🔥 ☕ 🍕 🚲 🌧️ 🌞 🎂 👩‍💻 🏳️‍🌈 👨‍👩‍👧".split()  # noqa: SIM905 - read best as a line
ENDS: Final = ("!", "?", "؟", ";")
DRAWN: Final = 400
"""Texts of each kind that are drawn once, and then chosen from."""

PHRASES: Final[dict[str, dict[str, list[str]]]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
"""Language → `groups`, `openers` and `answers`; `{city}` and `{time}` stand for one."""


class Words(NamedTuple):
    """Texts of a language: what groups are called, what begins and what answers."""

    groups: Sequence[str]
    openers: Sequence[str]
    answers: Sequence[str]


def words(language: str, cities: Sequence[str], random: Random) -> Words:
    """Draw the texts of a language."""
    groups, openers, answers = (PHRASES[language][kind] for kind in Words._fields)

    def drawn(phrases: Sequence[str], *, alone: bool = False) -> str:
        text = random.choice(phrases)
        if not alone and random.random() < 0.25:  # noqa: PLR2004 - a fourth says two things
            text = f"{text}{'' if text.endswith(ENDS) else '.'} {random.choice(answers)}"
        if not alone and random.random() < 0.3:  # noqa: PLR2004 - a third has a picture
            text = f"{text} {random.choice(EMOJI)}"
        time = f"{random.randint(8, 21)}:{random.choice(('00', '15', '30', '45'))}"
        return text.replace("{city}", random.choice(cities)).replace("{time}", time)

    return Words(
        [drawn(groups, alone=True) for _ in range(DRAWN // 4)],
        [drawn(openers) for _ in range(DRAWN)],
        [drawn(answers) for _ in range(DRAWN)],
    )
