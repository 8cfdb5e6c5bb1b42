"""Who talks to whom, and what they write: in bursts, as people do."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

from bson import ObjectId

from actions.database.generating.people import Person
from actions.database.generating.words import Words
from actions.database.generating.world import DAY, SECOND, World, moment
from changes import Document
from models.conversation import PAIR

GROUPS: Final = 0.35
LARGEST: Final = 12
"""People in a group."""
TRIES: Final = 20
"""After so many one-to-one conversations that are there already it becomes a group."""
BUSIEST: Final = 30
"""A conversation has so many times as much going on as the quietest, at most."""
BURST: Final = 24
"""Messages that follow each other closely, at most."""
MORNING: Final = 7 * 60 * 60 * SECOND
AWAKE: Final = 15 * 60 * 60 * SECOND
PAUSE: Final = 75 * SECOND
"""Between two messages of a burst, at most."""


class Place(NamedTuple):
    """A conversation to be: the numbers of its people, whether it is a group, and how many messages it gets."""

    people: Sequence[int]
    group: bool
    messages: int


def places(random: Random, users: int, conversations: int, messages: int, languages: int) -> Iterator[Place]:
    """Decide who talks to whom; there are two users or more, and of two alone one conversation.

    Each is among those who have joined by some day of the year.
    """
    pairs: set[tuple[int, int]] = set()
    shares = _shares(random, conversations, messages)
    for share in shares:
        pair = None if random.random() < GROUPS and users > PAIR else _pair(random, users, languages, pairs)
        if pair is None:
            size = min(random.randint(PAIR + 1, LARGEST), users)
            joined = max(size, int(random.random() * users))
            yield Place(random.sample(range(joined), size), group=True, messages=share)
        else:
            pairs.add(pair)
            yield Place(pair, group=False, messages=share)


def _shares(random: Random, conversations: int, messages: int) -> Iterator[int]:
    """Divide messages among conversations: few have many."""
    weights = [min(random.paretovariate(1), BUSIEST) for _ in range(conversations)]
    total, upto, given = sum(weights), 0.0, 0
    for number, weight in enumerate(weights, 1):
        upto += weight
        share = (messages if number == conversations else int(messages * upto / total)) - given
        given += share
        yield share


def _pair(random: Random, users: int, languages: int, taken: set[tuple[int, int]]) -> tuple[int, int] | None:
    """Draw two people who have no conversation yet, mostly of one language; None where there seem to be none left."""
    if users == PAIR:
        return 0, 1
    for _ in range(TRIES):
        joined = random.randint(PAIR, users)
        one, other = random.randrange(joined), random.randrange(joined)
        if random.random() < 0.7:  # noqa: PLR2004 - mostly
            other -= (other - one) % languages
        pair = (min(one, other), max(one, other))
        if one != other and other >= 0 and pair not in taken:
            return pair
    return None


class Chat:
    """A conversation as it goes on."""

    def __init__(self, world: World, place: Place, people: Sequence[Person], words: Words) -> None:
        self._world = world
        self._words = words
        self._people = [person.id for person in people]
        self._messages = place.messages
        self._began = world.early(max(person.joined for person in people), world.end - DAY)
        began = moment(self._began)
        self.document: Document = {
            "_id": world.id(self._began),
            "created_at": began,
            "lastMessageAt": began,
            **({"name": world.random.choice(words.groups), "isGroup": True} if place.group else {}),
            "messagesIds": [],
            "userIds": list(self._people),
        }

    def bursts(self) -> Iterator[list[Document]]:
        """Make the messages, those together that were written together; who opens a conversation sees the last."""
        sizes = list(self._sizes())
        starts = sorted(self._start() for _ in sizes)
        for size, start, following in zip(sizes, starts, [*starts, self._world.end][1:], strict=True):
            yield self._burst(size, start, min(PAUSE, (following - start) // size))

    def _sizes(self) -> Iterator[int]:
        left, random = self._messages, self._world.random.random
        while left:
            size = min(left, 1 + int(random() * random() * BURST))
            left -= size
            yield size

    def _start(self) -> int:
        """Draw a time at which people are awake, on one of the days that follow."""
        first = self._began // DAY + 1
        day = self._world.between(first, self._world.end // DAY)
        return day * DAY + MORNING + self._world.between(0, AWAKE)

    def _burst(self, size: int, time: int, pause: int) -> list[Document]:
        random, people = self._world.random.random, self._people
        written: list[Document] = []
        texts, sender = self._words.openers, people[int(random() * len(people))]
        for _ in range(size):
            written.append(self._message(sender, time, texts[int(random() * len(texts))]))
            following = people[int(random() * len(people))]
            if following is not sender and len(written) < size:
                written[-1]["seenIds"].append(following)
            texts, sender = self._words.answers, following
            time += int(pause * random())
        last = written[-1]
        last["seenIds"] += [person for person in people if person is not last["senderId"] and random() < 0.6]  # noqa: PLR2004 - most
        return written

    def _message(self, sender: ObjectId, time: int, body: str) -> Document:
        identifier = self._world.id(time)
        random = self._world.random.random
        return {
            "_id": identifier,
            **({"image": f"https://example.com/photos/{identifier}.jpg"} if random() < 0.04 else {"body": body}),  # noqa: PLR2004 - few
            "createAt": moment(time),
            "seenIds": [sender],
            "conversationId": self.document["_id"],
            "senderId": sender,
        }
