"""People who do not exist: what they are called, where they live, how they sign in."""

import unicodedata
from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from bson import Int64, ObjectId

from actions.database.generating.words import PHRASES, Words, words
from actions.database.generating.world import DAY, EPOCH, MILLISECOND, SECOND, World, moment
from actions.users.creating import new_user
from changes import Document
from database.errors import WITH_LOCAL, InvalidInputError
from models.user import UserStatus

if TYPE_CHECKING:
    import mimesis

VERIFIED: Final = 0.6
SIGNED_IN: Final = 0.9
SUSPENDED: Final = 0.04
PROVIDERS: Final = ("google", "github")
DRAWN: Final = 60
"""Names of each kind and language that are drawn once: the library takes long for each."""
PAIRED: Final = 500
"""Names that are put together of those."""
FAMILY_FIRST: Final = frozenset({"ja", "zh", "ko"})
DOMAINS: Final = ("example.org", "example.com", "example.net")
"""Those that nobody can have (RFC 2606)."""


class Country(NamedTuple):
    """What people of one language are made of: full names, with what their usernames begin with, and addresses."""

    names: Sequence[tuple[str, str]]
    addresses: Sequence[str]
    words: Words


def countries(random: Random) -> list[Country]:
    """Draw names, addresses and texts; raises `InvalidInputError` where the library that has them is missing."""
    try:
        import mimesis
    except ImportError:
        why = "people are made up by the library mimesis, which is not installed"
        raise InvalidInputError(why, WITH_LOCAL) from None
    seed = random.getrandbits(32)
    return [
        _country(
            language,
            mimesis.Person(mimesis.Locale(language), seed=seed),
            mimesis.Address(mimesis.Locale(language), seed=seed),
            random,
        )
        for language in PHRASES
    ]


def _country(language: str, person: "mimesis.Person", address: "mimesis.Address", random: Random) -> Country:
    import mimesis
    from mimesis.enums import Gender

    english = mimesis.Person(mimesis.Locale.EN, seed=random.getrandbits(32))
    names: list[tuple[str, str]] = []
    for gender in (Gender.FEMALE, Gender.MALE):
        given = [person.first_name(gender=gender) for _ in range(DRAWN)]
        family = [person.last_name(gender=gender) for _ in range(DRAWN)]
        names += [(random.choice(given), random.choice(family)) for _ in range(PAIRED)]
    nicknames = [_plain(given) or _plain(english.first_name()) for given, _ in names]
    order = "{1}{0}" if language in FAMILY_FIRST else "{0} {1}"
    cities = [address.city() for _ in range(DRAWN)]
    return Country(
        list(zip((order.format(*name) for name in names), nicknames, strict=True)),
        [f"{address.address().strip()}, {city}" for city in cities],
        words(language, cities, random),
    )


def _plain(name: str) -> str:
    """Write a name in the letters of ASCII; empty where it is in another script."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    letters = "".join(letter for letter in plain if letter.isalpha())
    return letters if len(letters) > len(name) // 2 else ""


class Person(NamedTuple):
    """Somebody who was made, as far as conversations need them; `joined` is in milliseconds."""

    id: ObjectId
    joined: int


class People:
    """Makes users with their profiles and accounts, as if the application had seen them sign up one after the other."""

    def __init__(self, world: World, users: int, seed: int, countries: Sequence[Country], secret: str) -> None:
        self._world = world
        self._users = users
        self._countries = countries
        self._secret = secret
        self._tail = "" if seed == 1 else f".{seed}"

    def make(self, number: int) -> tuple[Person, list[tuple[str, Document]]]:
        """Make one person: the user, then what belongs to it, each with its collection."""
        world, random = self._world, self._world.random
        name, username = self.called(number)
        year = world.end - world.begin - 3 * DAY
        joined = world.begin + int((number + random.random()) / self._users * year)
        verified = world.between(joined, joined + 2 * DAY) if random.random() < VERIFIED else None
        seen = world.between(verified or joined, world.end) if random.random() < SIGNED_IN else None
        user = new_user(
            f"{username}@{random.choice(DOMAINS)}",
            username,
            _id=world.id(joined),
            name=name,
            status=self._status(verified),
            createdAt=moment(joined),
            updatedAt=moment(seen or verified or joined),
            lastLogin=seen and moment(seen),
            emailVerified=verified and moment(verified),
            hashedPassword=None if has_only_account(number) else self._secret,
            profileId=world.id(joined + SECOND) if has_profile(number) else None,
        )
        return Person(user["_id"], joined), list(self._documents(number, user))

    def called(self, number: int) -> tuple[str, str]:
        """Return the name and the username of somebody; of another seed nobody has the same."""
        turn, country = divmod(number, len(self._countries))
        names = self._countries[country].names
        name, nickname = names[turn % len(names)]
        return name, f"{nickname}{number + 1}{self._tail}"

    def _status(self, verified: int | None) -> str:
        if self._world.random.random() < SUSPENDED:
            return UserStatus.SUSPENDED.value
        return (UserStatus.ACTIVE if verified is None else UserStatus.EMAIL_VERIFIED).value

    def _documents(self, number: int, user: Document) -> Iterator[tuple[str, Document]]:
        yield "User", user
        if has_profile(number):
            yield "Profile", self._profile(number, user)
        if has_account(number):
            yield "Account", self._account(user)

    def _profile(self, number: int, user: Document) -> Document:
        random = self._world.random
        return {
            "_id": user["profileId"],
            "userId": user["_id"],
            "phoneNumber": f"+1 202 555 01{random.randrange(100):02}",  # kept free for fiction
            "address": random.choice(self._countries[number % len(self._countries)].addresses),
            "imageUrl": f"https://example.org/people/{user['username']}.jpg",
        }

    def _account(self, user: Document) -> Document:
        world, random = self._world, self._world.random
        joined = (user["createdAt"] - EPOCH) // MILLISECOND
        return {
            "_id": world.id(joined + SECOND),
            "userId": user["_id"],
            "type": "oauth",
            "provider": random.choice(PROVIDERS),
            "providerAccountId": str(random.getrandbits(62)),
            "access_token": f"made-up-{random.getrandbits(128):032x}",
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
