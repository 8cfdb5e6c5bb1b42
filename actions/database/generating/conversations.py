"""Plan conversations, and make their messages in bursts. A burst is several messages in a short time."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

from bson import ObjectId

from actions.database.generating.people import DAY, SECOND, Person, SeededYear, Texts, to_time
from changes import Document
from models.values import PAIR

GROUP_SHARE: Final = 0.35
LARGEST_GROUP: Final = 12
"""The largest number of people in a generated group."""
PAIR_TRIES: Final = 20
"""The largest number of random draws to find two people who have no conversation with each other yet.

If no draw finds two people, a group is made instead.
"""
BUSIEST: Final = 30
"""One conversation has at most this many times the messages of another conversation."""
BURST: Final = 24
"""The largest number of messages in one burst."""
MORNING: Final = 7 * 60 * 60 * SECOND
AWAKE: Final = 15 * 60 * 60 * SECOND
PAUSE: Final = 75 * SECOND
"""The longest time between two messages of a burst, in milliseconds."""


class ConversationPlan(NamedTuple):
    """A planned conversation: the numbers of its users, whether it is a group, and how many messages it has."""

    people: Sequence[int]
    group: bool
    messages: int


def plan_conversations(
    random: Random, users: int, conversations: int, messages: int, languages: int
) -> Iterator[ConversationPlan]:
    """Plan the participants and the number of messages of each conversation.

    There must be at least two users. Users are numbered in the order of their sign-ups. Two users have at most one
    one-to-one conversation. For each conversation, a random limit is drawn, and the numbers of its users are below this
    limit. So some conversations have only users who signed up early. Such a conversation can begin early in the year.
    """
    pairs: set[tuple[int, int]] = set()
    shares = _shares(random, conversations, messages)
    for share in shares:
        pair = None if random.random() < GROUP_SHARE and users > PAIR else _pair(random, users, languages, pairs)
        if pair is None:
            size = min(random.randint(PAIR + 1, LARGEST_GROUP), users)
            joined = max(size, int(random.random() * users))
            yield ConversationPlan(random.sample(range(joined), size), group=True, messages=share)
        else:
            pairs.add(pair)
            yield ConversationPlan(pair, group=False, messages=share)


def _shares(random: Random, conversations: int, messages: int) -> Iterator[int]:
    """Divide the messages among the conversations. A few conversations get most of the messages."""
    weights = [min(random.paretovariate(1), BUSIEST) for _ in range(conversations)]
    total, upto, given = sum(weights), 0.0, 0
    for number, weight in enumerate(weights, 1):
        upto += weight
        share = (messages if number == conversations else int(messages * upto / total)) - given
        given += share
        yield share


def _pair(random: Random, users: int, languages: int, taken: set[tuple[int, int]]) -> tuple[int, int] | None:
    """Draw two people who have no conversation with each other. Return None if no draw finds such people.

    Most pairs have the same language.
    """
    if users == PAIR:
        return 0, 1
    for _ in range(PAIR_TRIES):
        joined = random.randint(PAIR, users)
        one, other = random.randrange(joined), random.randrange(joined)
        if random.random() < 0.7:  # noqa: PLR2004 - mostly
            other -= (other - one) % languages
        pair = (min(one, other), max(one, other))
        if one != other and other >= 0 and pair not in taken:
            return pair
    return None


class ConversationMaker:
    """Make one conversation and its messages."""

    def __init__(self, year: SeededYear, plan: ConversationPlan, people: Sequence[Person], texts: Texts) -> None:
        self._year = year
        self._texts = texts
        self._people = [person.id for person in people]
        self._messages = plan.messages
        self._began = year.early(max(person.joined for person in people), year.end - DAY)
        began = to_time(self._began)
        self.document: Document = {
            "_id": year.id(self._began),
            "created_at": began,
            "lastMessageAt": began,
            **({"name": year.random.choice(texts.groups), "isGroup": True} if plan.group else {}),
            "messagesIds": [],
            "userIds": list(self._people),
        }

    def bursts(self) -> Iterator[list[Document]]:
        """Make the messages of the conversation. Yield one list for each burst.

        Most participants have seen only the last message of a burst.
        """
        sizes = list(self._sizes())
        starts = sorted(self._start_time() for _ in sizes)
        for size, start, following in zip(sizes, starts, [*starts, self._year.end][1:], strict=True):
            yield self._burst(size, start, min(PAUSE, (following - start) // size))

    def _sizes(self) -> Iterator[int]:
        left, random = self._messages, self._year.random.random
        while left:
            size = min(left, 1 + int(random() * random() * BURST))
            left -= size
            yield size

    def _start_time(self) -> int:
        """Draw the start of a burst: between 7 and 22 o'clock, on a day after the conversation was created."""
        first = self._began // DAY + 1
        day = self._year.between(first, self._year.end // DAY)
        return day * DAY + MORNING + self._year.between(0, AWAKE)

    def _burst(self, size: int, time: int, pause: int) -> list[Document]:
        random, people = self._year.random.random, self._people
        written: list[Document] = []
        texts, sender = self._texts.openers, people[int(random() * len(people))]
        for _ in range(size):
            written.append(self._message(sender, time, texts[int(random() * len(texts))]))
            following = people[int(random() * len(people))]
            if following is not sender and len(written) < size:
                written[-1]["seenIds"].append(following)
            texts, sender = self._texts.answers, following
            time += int(pause * random())
        last = written[-1]
        last["seenIds"] += [person for person in people if person is not last["senderId"] and random() < 0.6]  # noqa: PLR2004 - most
        return written

    def _message(self, sender: ObjectId, time: int, body: str) -> Document:
        identifier = self._year.id(time)
        random = self._year.random.random
        return {
            "_id": identifier,
            **({"image": f"https://example.com/photos/{identifier}.jpg"} if random() < 0.04 else {"body": body}),  # noqa: PLR2004 - few
            "createAt": to_time(time),
            "seenIds": [sender],
            "conversationId": self.document["_id"],
            "senderId": sender,
        }
