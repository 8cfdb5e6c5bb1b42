"""Make users with profiles and accounts, and texts for messages in several languages.

The same random seed always makes the same users and texts.
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from bson import Int64, ObjectId

from actions.users.creating import new_user
from changes import Document
from database.errors import WITH_LOCAL, InvalidInputError
from models.values import UserStatus

if TYPE_CHECKING:
    import mimesis


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
SECOND: Final = 1000
DAY: Final = 24 * 60 * 60 * SECOND
YEAR: Final = 365 * DAY


def to_time(time: int) -> datetime:
    """Convert a number of milliseconds since 1970 to a time."""
    return EPOCH + time * MILLISECOND


class SeededYear:
    """The year that contains all generated times, and a random source with a seed.

    The year ends at the last midnight, so a seed makes the same data all day. Times are in milliseconds since 1970.
    """

    def __init__(self, seed: int, end: datetime | None = None) -> None:
        midnight = (end or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
        self.end = (midnight - EPOCH) // MILLISECOND
        self.begin = self.end - YEAR
        self.random = Random(f"chatctl {seed}")  # noqa: S311 - nothing here is a secret
        self._process = self.random.getrandbits(40) << 24
        self._counter = self.random.getrandbits(24)

    def id(self, time: int) -> ObjectId:
        """Make an ObjectId from a creation time, a counter, and a random number that is the same for all ids."""
        self._counter = (self._counter + 1) & 0xFFFFFF
        return ObjectId((time // SECOND << 64 | self._process | self._counter).to_bytes(12, "big"))

    def between(self, first: int, last: int) -> int:
        """Draw a random time from `first` (included) to `last` (excluded)."""
        return first + int(self.random.random() * (last - first))

    def early(self, first: int, last: int) -> int:
        """Draw a random time like `between`, but earlier times are more likely."""
        return first + int(self.random.random() ** 2 * (last - first))


VERIFIED: Final = 0.6
SIGNED_IN: Final = 0.9
SUSPENDED: Final = 0.04
PROVIDERS: Final = ("google", "github")
NAMES_DRAWN: Final = 60
"""For each language, this number of first names, and of last names, is drawn. A higher number would take too long."""
FULL_NAMES: Final = 500
"""For each language and gender, this number of full names is combined from the drawn names."""
FAMILY_FIRST: Final = frozenset({"ja", "zh", "ko"})
DOMAINS: Final = ("example.org", "example.com", "example.net")
"""Domains that nobody can register (RFC 2606)."""
EMOJI: Final = "😀 😂 😅 🙂 😉 😍 🤔 😴 👍 🙏 🎉 ❤️ 🔥 ☕ 🍕 🚲 🌧️ 🌞 🎂 👩‍💻 🏳️‍🌈 👨‍👩‍👧".split()  # noqa: SIM905 - read best as a line
ENDS: Final = ("!", "?", "؟", ";")
TEXTS_DRAWN: Final = 400
"""The number of texts of each kind that are made in advance. Each message then gets one of these texts."""

PHRASES: Final[dict[str, dict[str, list[str]]]] = json.loads(
    Path(__file__).with_name("phrases.json").read_text("utf-8")
)
"""Language → the phrases for `groups`, `openers` and `answers`. In a phrase, `{city}` and `{time}` are replaced."""


class Texts(NamedTuple):
    """Texts in one language: names of groups, first messages of a burst, and answers."""

    groups: Sequence[str]
    openers: Sequence[str]
    answers: Sequence[str]


def draw_texts(language: str, cities: Sequence[str], random: Random) -> Texts:
    """Make the texts of a language from random phrases."""
    groups, openers, answers = (PHRASES[language][kind] for kind in Texts._fields)

    def drawn(phrases: Sequence[str], *, alone: bool = False) -> str:
        text = random.choice(phrases)
        if not alone and random.random() < 0.25:  # noqa: PLR2004 - one of four has two sentences
            text = f"{text}{'' if text.endswith(ENDS) else '.'} {random.choice(answers)}"
        if not alone and random.random() < 0.3:  # noqa: PLR2004 - nearly one of three has an emoji
            text = f"{text} {random.choice(EMOJI)}"
        time = f"{random.randint(8, 21)}:{random.choice(('00', '15', '30', '45'))}"
        return text.replace("{city}", random.choice(cities)).replace("{time}", time)

    return Texts(
        [drawn(groups, alone=True) for _ in range(TEXTS_DRAWN // 4)],
        [drawn(openers) for _ in range(TEXTS_DRAWN)],
        [drawn(answers) for _ in range(TEXTS_DRAWN)],
    )


class Language(NamedTuple):
    """The data for people who speak one language. `names` has pairs: a full name, and the beginning of a username."""

    names: Sequence[tuple[str, str]]
    addresses: Sequence[str]
    texts: Texts


def draw_languages(random: Random) -> list[Language]:
    """Draw names and addresses, and make texts, for each language.

    Raises `InvalidInputError` if the library for names (mimesis) is not installed.
    """
    try:
        import mimesis
    except ImportError:
        why = "generated people require the Python package mimesis, which is not installed"
        raise InvalidInputError(why, WITH_LOCAL) from None
    seed = random.getrandbits(32)
    return [
        _draw_language(
            language,
            mimesis.Person(mimesis.Locale(language), seed=seed),
            mimesis.Address(mimesis.Locale(language), seed=seed),
            random,
        )
        for language in PHRASES
    ]


def _draw_language(language: str, person: "mimesis.Person", address: "mimesis.Address", random: Random) -> Language:
    import mimesis
    from mimesis.enums import Gender

    english = mimesis.Person(mimesis.Locale.EN, seed=random.getrandbits(32))
    names: list[tuple[str, str]] = []
    for gender in (Gender.FEMALE, Gender.MALE):
        given = [person.first_name(gender=gender) for _ in range(NAMES_DRAWN)]
        family = [person.last_name(gender=gender) for _ in range(NAMES_DRAWN)]
        names += [(random.choice(given), random.choice(family)) for _ in range(FULL_NAMES)]
    nicknames = [_ascii_letters(given) or _ascii_letters(english.first_name()) for given, _ in names]
    order = "{1}{0}" if language in FAMILY_FIRST else "{0} {1}"
    cities = [address.city() for _ in range(NAMES_DRAWN)]
    return Language(
        list(zip((order.format(*name) for name in names), nicknames, strict=True)),
        [f"{address.address().strip()}, {city}" for city in cities],
        draw_texts(language, cities, random),
    )


def _ascii_letters(name: str) -> str:
    """Return a name in lower-case ASCII letters.

    Return an empty text if the name is in another script, like Japanese.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    letters = "".join(letter for letter in plain if letter.isalpha())
    return letters if len(letters) > len(name) // 2 else ""


class Person(NamedTuple):
    """A generated user. `joined` is the time of the sign-up, in milliseconds since 1970."""

    id: ObjectId
    joined: int


class People:
    """Make users with their profiles and accounts. Users are numbered in the order of their sign-ups."""

    def __init__(self, year: SeededYear, users: int, seed: int, languages: Sequence[Language], secret: str) -> None:
        self._year = year
        self._users = users
        self._languages = languages
        self._secret = secret
        self._tail = "" if seed == 1 else f".{seed}"

    def make(self, number: int) -> tuple[Person, list[tuple[str, Document]]]:
        """Make one person.

        Return the person, and the user, profile and account to insert as pairs (collection, document).
        """
        year, random = self._year, self._year.random
        name, username = self.name_of(number)
        span = year.end - year.begin - 3 * DAY
        joined = year.begin + int((number + random.random()) / self._users * span)
        verified = year.between(joined, joined + 2 * DAY) if random.random() < VERIFIED else None
        seen = year.between(verified or joined, year.end) if random.random() < SIGNED_IN else None
        user = new_user(
            f"{username}@{random.choice(DOMAINS)}",
            username,
            _id=year.id(joined),
            name=name,
            status=self._status(verified),
            createdAt=to_time(joined),
            updatedAt=to_time(seen or verified or joined),
            lastLogin=seen and to_time(seen),
            emailVerified=verified and to_time(verified),
            hashedPassword=None if has_only_account(number) else self._secret,
            profileId=year.id(joined + SECOND) if has_profile(number) else None,
        )
        return Person(user["_id"], joined), list(self._documents(number, user))

    def name_of(self, number: int) -> tuple[str, str]:
        """Return the name and the username of a user.

        The username contains the seed, so users from different seeds have different usernames.
        """
        turn, language = divmod(number, len(self._languages))
        names = self._languages[language].names
        name, nickname = names[turn % len(names)]
        return name, f"{nickname}{number + 1}{self._tail}"

    def _status(self, verified: int | None) -> str:
        if self._year.random.random() < SUSPENDED:
            return UserStatus.SUSPENDED.value
        return (UserStatus.ACTIVE if verified is None else UserStatus.EMAIL_VERIFIED).value

    def _documents(self, number: int, user: Document) -> Iterator[tuple[str, Document]]:
        yield "User", user
        if has_profile(number):
            yield "Profile", self._profile(number, user)
        if has_account(number):
            yield "Account", self._account(user)

    def _profile(self, number: int, user: Document) -> Document:
        random = self._year.random
        return {
            "_id": user["profileId"],
            "userId": user["_id"],
            # These telephone numbers are reserved for films and books, so nobody has them.
            "phoneNumber": f"+1 202 555 01{random.randrange(100):02}",
            "address": random.choice(self._languages[number % len(self._languages)].addresses),
            "imageUrl": f"https://example.org/people/{user['username']}.jpg",
        }

    def _account(self, user: Document) -> Document:
        year, random = self._year, self._year.random
        joined = (user["createdAt"] - EPOCH) // MILLISECOND
        return {
            "_id": year.id(joined + SECOND),
            "userId": user["_id"],
            "type": "oauth",
            "provider": random.choice(PROVIDERS),
            "providerAccountId": str(random.getrandbits(62)),
            "access_token": f"generated-{random.getrandbits(128):032x}",
            "expires_at": Int64(joined // SECOND + 3600),
            "token_type": "bearer",
            "scope": "openid email profile",
        }


def has_profile(number: int) -> bool:
    return number % 10 < 7  # noqa: PLR2004 - seven of ten


def has_only_account(number: int) -> bool:
    return number % 5 == 3  # noqa: PLR2004 - one of five


def has_account(number: int) -> bool:
    return has_only_account(number) or number % 10 == 1
