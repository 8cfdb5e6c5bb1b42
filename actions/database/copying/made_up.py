"""Replace texts and other values by made-up ones of the same form, so that nobody can find the original values again.

All of it depends on a secret key, which exists only while a copy is made.
"""

import hashlib
import re
import secrets
import unicodedata
from calendar import isleap
from collections.abc import Callable, Container, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import getitem
from typing import Any, Final, NamedTuple

from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, ObjectId, Regex, Timestamp

from changes import are_ids

ALL_SECONDS: Final = 1 << 32
SHORT: Final = 16
"""The largest number of characters of a text for which another text could by chance become the same."""
ROUNDS: Final = (b"\0", b"\1", b"\2", b"\3")
WINDOW: Final = 256
"""The number of code points that are searched for characters that are like a character."""
MANY_DIGITS: Final = 7
"""The number of digits from which a number, or the name of a field, can be a telephone number or an id of a person."""
MANY_DECIMALS: Final = 3
"""The number of decimals from which a number can be a place: with three, it is known to 100 metres."""
LARGEST: Final = 2**63 - 1
BORN: Final = 10
"""An unknown time that is more years ago can be a date of birth."""
DAY: Final = 24 * 60
SHIFT: Final = (7 * DAY, 28 * DAY)
"""All times of a copy are earlier by a number of minutes in this range."""
DOMAIN_END: Final = ".test"
"""The end of made-up domains. RFC 2606 reserves it: nobody can register such a domain, and no mail can be delivered."""
TRIES: Final = 1_000
FEW_TRIES: Final = 50
MOST_DOMAINS: Final = 200_000
"""The largest number of domains that are remembered."""
MOST_IDS: Final = 50_000
"""The largest number of new ids that are remembered: the ids of users and conversations are in many documents. Ids of
messages are not remembered, because there are too many of them.
"""

REPLACED: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No", "So"})
"""The categories of the characters that are replaced: letters, marks that are vowels, numbers, symbols like emoji."""
STAYING: Final = frozenset({"COMBINING", "VARIATION"})
"""The first words of the names of marks that are not letters of a script."""
LAST: Final = 0x110000
LARGE_RINGS: Final = "\u3400"
"""From this character on there are scripts with so many letters that one byte cannot choose among them."""

_FORM: Final = re.compile(
    r"""
    (?P<id>[0-9a-fA-F]{24})
    | (?P<time>\d{4}-\d\d-\d\d (?:[T\ ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?)
    | (?P<email>[^\s@:/]+@[^\s@:/]{4,})
    | (?P<url>[A-Za-z][A-Za-z0-9+.-]*://\S+)
    """,
    re.VERBOSE,
)
"""The forms of texts that are more than a sequence of characters."""
_INSIDE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)")
"""A URL or an e-mail address inside a text."""
_URL: Final = re.compile(r"([^:]*://)([^/?#]*@)?([^/?#:]*)(.*)", re.DOTALL)
_WORD_KEY: Final = re.compile(r"\$?[A-Za-z_][A-Za-z0-9_]{0,40}")
"""A name of a field in a program. All other names of fields can be values, for example of a user."""
_NUMBER: Final = re.compile(r"(-?\d)([\d.]*)(.*)")

Maker = Callable[[Any], Any]
_number_of: Final = int.from_bytes


class MadeUp:
    """Makes values up. The same value always becomes the same, and different short texts become different ones.

    Upper and lower case of a text have no influence on the characters that replace it: texts that differ only in case
    become texts that differ only in case.

    `people` are names of people, in lower case. They are made up where they are names of fields.
    """

    def __init__(self, people: Container[str] = ()) -> None:
        self._key = secrets.token_bytes(32)
        self._people = people
        self._years: dict[int, list[int]] = {}
        self._born_before = datetime.now(UTC).year - BORN
        low, high = SHIFT
        self.seconds = 60 * (low + secrets.randbelow(high - low))
        self._shift = timedelta(seconds=self.seconds)
        self._id_rounds = [hashlib.blake2s(key=secrets.token_bytes(32), digest_size=4).copy for _ in range(3)]
        self.id: Callable[[ObjectId], ObjectId] = lru_cache(MOST_IDS)(self.new_id)
        self._rings = Rings()
        self._tables = Tables(self._rings)
        self._domains: dict[str, str] = {}
        self._taken: set[str] = set()
        self._makers: dict[type, Maker] = {
            str: self.text,
            ObjectId: self.id,
            datetime: lambda value: self._unlike_birth(self.time(value)),
            DatetimeMS: lambda value: DatetimeMS(max(int(value) - 1000 * self.seconds, ~LARGEST)),
            Timestamp: lambda value: Timestamp(max(value.time - self.seconds, 0), value.inc),
            int: self._number(int),
            Int64: self._number(Int64),
            float: self._number(float),
            Decimal128: self._number(Decimal128),
            bytes: self._bytes,
            Binary: lambda value: Binary(self._bytes(value), value.subtype),
            Code: lambda value: Code(self._words(str(value)), value.scope and self.value(value.scope)),
            Regex: lambda value: Regex(self._words(value.pattern), value.flags),
            DBRef: lambda value: DBRef(value.collection, self.value(value.id)),
            list: lambda value: [self.value(item) for item in value],
            dict: lambda value: {self._inner_key(name): self.value(item) for name, item in value.items()},
        }

    def value(self, value: Any) -> Any:
        """Make a value of any type up. Other values than texts, ids, times, long numbers and bytes stay as they are."""
        make = self._makers.get(type(value))
        return make(value) if make else value

    def new_id(self, value: ObjectId) -> ObjectId:
        """Shift the time of an id, and replace the other 8 bytes. `id` does the same, and remembers the last ids.

        Half of these bytes decides in turn how the other half changes (a Feistel network with a secret key, in three
        rounds). So different ids become different ids, no table of ids is needed, and nobody can calculate the original
        ids, also if some of them are known. Ids of the same second get another order.
        """
        old = value.binary
        second, left, right = old[:4], old[4:8], old[8:]
        for keyed in self._id_rounds:  # a copy of a hash that has read its key is faster than a new hash
            step = keyed()
            step.update(second + right)
            left, right = right, (_number_of(left) ^ _number_of(step.digest())).to_bytes(4)
        return ObjectId(((_number_of(second) - self.seconds) % ALL_SECONDS).to_bytes(4) + left + right)

    def ids(self, value: Any, make_id: Maker) -> Any:
        """Change each id of a list with `make_id`. Every other value is made up."""
        if type(value) is not list:
            return self.value(value)
        return list(map(make_id if are_ids(value) else self.value, value))

    def time(self, value: datetime) -> datetime:
        try:
            return value - self._shift
        except OverflowError:
            return value

    def text(self, value: str) -> str:
        """Make a text up. An id, a time, an e-mail address and a URL become one again."""
        found = _FORM.fullmatch(value)
        if found is None:
            return self._words(value)
        return getattr(self, f"_{found.lastgroup}")(value)  # type: ignore[no-any-return]

    def key(self, name: str) -> str:
        """Make the name of a field up if it cannot be a name in a program, or if it can be an id."""
        can_stay = _WORD_KEY.fullmatch(name) and sum(map(str.isdigit, name)) < MANY_DIGITS
        return name if can_stay else self.text(name)

    def _inner_key(self, name: str) -> str:
        """Make the name of a field inside another one up, also if it is a name of somebody: `{"likes": {"ada": 1}}`."""
        return self.text(name) if name.lower() in self._people else self.key(name)

    def _id(self, value: str) -> str:
        made = str(self.id(ObjectId(value)))
        return made if value == value.lower() else made.upper()

    def _time(self, value: str) -> str:
        for separator in ("T", " "):
            date, found, clock = value.partition(separator)
            if found:
                break
        try:
            moment = self._unlike_birth(datetime.fromisoformat(f"{date}T{clock[:5] or '00:00'}") - self._shift)
        except (ValueError, OverflowError):
            return self._spread(value)
        return f"{moment:%Y-%m-%d}{found}{f'{moment:%H:%M}' if found else ''}{clock[5:]}".rjust(len(value), "0")

    def _unlike_birth(self, moment: datetime) -> datetime:
        """Replace the day of a time that can be a date of birth by another day of its year.

        All times are shifted alike, and who knows one of them knows the shift. Different days become different days.
        """
        if moment.year >= self._born_before:
            return moment
        first = moment.replace(month=1, day=1)
        days = self._years.get(moment.year) or self._new_days(moment.year)
        return first + timedelta(days=days[(moment - first).days])

    def _new_days(self, year: int) -> list[int]:
        days = range(365 + isleap(year))
        self._years[year] = sorted(days, key=lambda day: self._stream(f"{year} {day}"))
        return self._years[year]

    def _words(self, value: str) -> str:
        """Make a text up in which there can be e-mail addresses and URLs. They become what they become elsewhere."""
        if "@" not in value and "://" not in value:
            return self._spread(value)
        parts = _INSIDE.split(value)  # each second part is an address or a URL
        return "".join((self.text if place % 2 else self._spread)(part) for place, part in enumerate(parts))

    def _email(self, value: str) -> str:
        """Make an e-mail address up. Its parts are made up one by one: before and after a `+`, and after the `@`.

        Points do not count, so that addresses that differ only in points remain such addresses.
        """
        local, _, domain = value.partition("@")
        letters = iter("+".join(map(self._spread, local.replace(".", "").split("+"))))
        return "".join("." if old == "." else next(letters) for old in local) + "@" + self._domain(domain)

    def _url(self, value: str) -> str:
        scheme, user, host, rest = _URL.fullmatch(value).groups("")  # type: ignore[union-attr]
        return scheme + self._spread(user) + (self._domain(host) if host else "") + self._words(rest)

    def _domain(self, value: str) -> str:
        """Make a domain up that nobody can register, so that no mail from the copy reaches anybody."""
        lower = value.lower()
        made = self._domains.get(lower) or self._new_domain(lower)
        return "".join(
            new.upper() if old.isupper() else new for old, new in zip(value.rjust(len(made)), made, strict=True)
        )

    def _new_domain(self, lower: str) -> str:
        size = len(lower) - len(DOMAIN_END)
        for count in range(TRIES):
            length = max(size, 1) + count // FEW_TRIES  # of the shortest domains there are only a few
            made = self._spread(f"{lower}{count}")[:length].rstrip(".-").rjust(length, "x") + DOMAIN_END
            if made not in self._taken:
                break
        if len(self._domains) < MOST_DOMAINS:
            self._domains[lower] = made
            self._taken.add(made)
        return made

    def _spread(self, text: str) -> str:
        """Replace each letter, digit and symbol of a text by one like it.

        A long text is replaced by a stream of characters that depends on the whole text. In a short text, each half
        decides in turn how the other half changes (a Feistel network): it becomes another text for each other text.
        """
        if len(text) > SHORT:
            return self._move(text, self._stream(text))
        middle = len(text) // 2
        left, right = text[:middle], text[middle:]
        for number in ROUNDS:
            left, right = right, self._move(left, self._stream(right, number, len(left)))
        return left + right

    def _stream(self, text: str, number: bytes = b"", length: int | None = None) -> bytes:
        """Return pseudo-random bytes: two for each of `length` characters."""
        seed = self._key + number + text.lower().encode(errors="surrogatepass")
        return hashlib.shake_128(seed).digest(2 * (len(text) if length is None else length))

    def _move(self, text: str, stream: bytes) -> str:
        """Move each character on the ring of the characters that are like it."""
        if not text or max(text) < LARGE_RINGS:
            return "".join(map(getitem, map(self._tables.__getitem__, text), stream))
        placed = zip(map(self._rings.__getitem__, text), memoryview(stream).cast("H"), strict=True)
        return "".join([ring[(place + step) % size] for (ring, place, size), step in placed])

    def _number(self, kind: Callable[[Any], Any]) -> Maker:
        """Return a function for numbers of a type. Of long and exact ones, only the first digit and the length stay."""

        def make(value: Any) -> Any:
            found = _NUMBER.fullmatch(str(value))
            if not found:
                return value
            first, digits, exponent = found.groups()
            decimals = digits.partition(".")[2]
            if sum(map(str.isdigit, digits)) + 1 < MANY_DIGITS and len(decimals) < MANY_DECIMALS:
                return value
            made = kind(first + self._spread(digits) + exponent)
            return kind(made // 10) if isinstance(made, int) and abs(made) > LARGEST else made

        return make

    def _bytes(self, value: bytes) -> bytes:
        return hashlib.shake_128(self._key + value).digest(len(value))


class Rings(dict[str, tuple[str, int, int]]):
    """Character → all characters that are like it, its place among them, and their number.

    Such characters have the same script, category, case and number of bytes. Punctuation, spaces and marks stay alone.
    """

    def __missing__(self, character: str) -> tuple[str, int, int]:
        ring = "".join(_ring(character))
        for place, one in enumerate(ring):
            self[one] = (ring, place, len(ring))
        return self[character]


class Tables(dict[str, str]):
    """Character → the character that replaces it, for each value of a byte. This is faster than `Rings`."""

    def __init__(self, rings: Rings) -> None:
        super().__init__()
        self._rings = rings

    def __missing__(self, character: str) -> str:
        ring, place, size = self._rings[character]
        self[character] = "".join(ring[(place + step) % size] for step in range(WINDOW))
        return self[character]


def _ring(character: str) -> Iterator[str]:
    kind = _kind(character)
    if kind is None:
        return iter(character)
    if kind.category == "Lu" and kind.paired:  # like the lower-case letters: a text in upper case changes like them
        return map(str.upper, _ring(character.lower()))
    begin = ord(character) // WINDOW * WINDOW
    end = begin + WINDOW
    while kind.category == "Lo" and begin and _goes_on(begin, kind):
        begin -= WINDOW
    while kind.category == "Lo" and end < LAST and _goes_on(end, kind):
        end += WINDOW
    return (one for one in map(chr, range(begin, end)) if _kind(one) == kind)


def _goes_on(place: int, kind: "Kind") -> bool:
    """Tell whether the characters on both sides of a place are of a kind. So a ring is the same from each of them."""
    return _kind(chr(place - 1)) == kind == _kind(chr(place))


class Kind(NamedTuple):
    """What characters have in common that replace each other. `paired` letters have one letter in the other case."""

    category: str
    script: str
    size: int
    width: str
    paired: bool


def _kind(character: str) -> Kind | None:
    """Return the kind of a character, or None for a character that stays: punctuation, a space, a common mark."""
    category = unicodedata.category(character)
    script = unicodedata.name(character, "").partition(" ")[0]
    if category not in REPLACED or script in STAYING:
        return None
    size, width = len(character.encode()), unicodedata.east_asian_width(character)
    return Kind(category, "" if category == "So" else script, size, width, _is_paired(character))


def _is_paired(letter: str) -> bool:
    other = letter.swapcase()
    return (
        len(other) == 1
        and other != letter
        and other.swapcase() == letter
        and ord(other) // WINDOW == ord(letter) // WINDOW
        and len(other.encode()) == len(letter.encode())
    )
