"""Place legal holds, and release them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions import lookup, queries
from actions.display_names import FIELDS, titles
from actions.errors import BadNameError, UnknownNameError
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import Change, ChangedMeanwhileError, Changeset, Document, Draft, Insert, Question, Result, Rule
from changes.events import now
from changes.holds import Held, Holds
from changes.losses import LOCK, NameOfHoldTakenError
from database import connection
from database.errors import InvalidInputError, UsageError
from database.ids import any_of
from database.own_collections import HOLDS
from database.references import referred
from database.wording import counted, did_you_mean, enumerated, shown
from models.names import EASY, HOW_EASY

IDS_IN_PART: Final = 50_000
"""The largest number of ids in one document. This number of ids needs about a megabyte."""

NOUNS: Final = {
    "User": "user",
    "Account": "linked sign-in",
    "Profile": "profile",
    "Conversation": "conversation",
    "Message": "message",
}
"""The collections of held documents, in the order in which their ids are recorded."""


@replannable()
def add(name: str, *, users: Sequence[str] = (), conversations: Sequence[str] = ()) -> Changeset:
    """Place a hold on users and conversations. Record the ids of all documents that the hold keeps now.

    Raises `NameOfHoldTakenError` if a hold already has this name, even a hold that was released.
    """
    if not EASY.fullmatch(name):
        raise BadNameError(f"{shown(name)} is not a valid name of a hold", HOW_EASY)
    if not users and not conversations:
        raise UsageError("a hold requires a user or a conversation", "add --user USER or --conversation CONVERSATION")
    if connection.database()[HOLDS].find_one({"kind": "hold", "name": name}, ["_id"]):
        raise NameOfHoldTakenError(name)
    people = lookup.find_users(users)
    places = lookup.find_all("Conversation", conversations, FIELDS)
    hold: Document = {
        "_id": ObjectId(),
        "kind": "hold",
        "name": name,
        "placed": now(),
        "users": [referred(one.document["_id"]) for one in people],
        "conversations": [referred(one.document["_id"]) for one in places],
    }
    draft = Draft()
    parts = list(_parts(hold["_id"], Holds().kept_by(connection.database(), [hold])))
    draft.reserve(len(parts) + 1)
    draft.insert(HOLDS, hold)
    for part in parts:
        draft.insert(HOLDS, part)
    named = titles([one.document for one in places])
    draft.names |= named | {one.document["_id"]: one.ref for one in people}
    command = [
        f"holds add {name}",
        *(f"--user {one.ref}" for one in people),
        *(f"--conversation {title}" for title in named.values()),
    ]
    counts = {of: sum(len(part["ids"]) for part in parts if part["collection"] == of) for of in NOUNS}
    told = enumerated([counted(number, NOUNS[of]) for of, number in counts.items() if number])
    return checked_changeset(
        " ".join(command),
        draft,
        [Result(hold["_id"], name, "held", told)],
        rules=[_unchanged(parts)],
        question=Question(f"Hold {name}"),
    )


def rules_of(changes: Iterable[Change]) -> Iterator[Rule]:
    """For a proposal that places a hold, yield the same rule as in `add`: recorded documents must still exist.

    Raises `InvalidInputError` if this version of chatctl cannot have made the hold.
    """
    inserted = [change.document for change in changes if isinstance(change, Insert) and change.collection == HOLDS]
    for hold in (one for one in inserted if one.get("kind") != "part"):
        parts = [one for one in inserted if one.get("hold") == hold["_id"]]
        lists = [hold.get("users"), hold.get("conversations"), *(part.get("ids") for part in parts)]
        names = [hold.get("name"), *(part.get("collection") for part in parts)]
        if not all(isinstance(one, str) for one in names) or not all(isinstance(one, list) for one in lists):
            raise InvalidInputError("this is not a hold that this version of chatctl has made")
        yield _unchanged(parts)


def release(name: str) -> Changeset:
    """Release a hold. Its documents can be deleted again, unless another hold keeps them."""
    hold = find_hold(name)
    draft = Draft()
    if hold.get("released") is None:
        draft.set(HOLDS, hold, {"released": now()})
    outcome = "released" if draft.changes else "unchanged"
    return checked_changeset(
        f"holds release {hold['name']}",
        draft,
        [Result(hold["_id"], hold["name"], outcome, if_unchanged="already released")],
        asks=True,
        question=Question(f"Release hold {hold['name']}"),
    )


def find_hold(name: str) -> Document:
    """Find a hold by its name, or by `id:` and its id. Raises `UnknownNameError` if it does not exist."""
    holds = connection.database()[HOLDS]
    identifier = referred(name.removeprefix("id:")) if name.startswith("id:") else None
    if found := holds.find_one({"kind": "hold", "$or": [{"name": name}, {"_id": identifier}]}):
        return found
    names = [one["name"] for one in holds.find({"kind": "hold"}, ["name"])]
    raise UnknownNameError(f"no hold {shown(name)}", did_you_mean(name, names) or "see chatctl holds list")


def held_ids(held: Held) -> Iterator[tuple[str, Iterator[Any]]]:
    """Yield collection → the ids of the existing documents that a hold keeps."""
    users, places = held.users, held.conversations
    yield "User", (one["_id"] for one in queries.find_by_ids("User", users, ["_id"]))
    for name in ("Account", "Profile"):
        yield name, (one["_id"] for one in _referring(name, "userId", users, ["_id"]))
    yield "Conversation", (one["_id"] for one in queries.find_by_ids("Conversation", places, ["_id"]))
    elsewhere = (
        one
        for one in _referring("Message", "senderId", users, ["conversationId"])
        if held.named("Conversation", one.get("conversationId")) is None
    )
    found = chain(_referring("Message", "conversationId", places, ["_id"]), elsewhere)
    yield "Message", (one["_id"] for one in found)


def _referring(collection: str, field: str, ids: Iterable[Any], fields: Sequence[str]) -> Iterator[Document]:
    for some in queries.chunks(ids):
        yield from connection.database()[collection].find(queries.refers_to(collection, field, *some), fields)


def _parts(hold: ObjectId, held: Held) -> Iterator[Document]:
    for collection, ids in held_ids(held):
        while some := list(islice(ids, IDS_IN_PART)):
            yield {"_id": ObjectId(), "kind": "part", "hold": hold, "collection": collection, "ids": some}


def _unchanged(parts: list[Document]) -> Rule:
    """Return the rule that each document recorded by a hold still exists when the hold is placed.

    Every deletion with chatctl takes the same lock as this rule. So chatctl cannot delete a recorded document after
    this rule is checked and before the hold is placed.
    """

    def check(session: ClientSession | None) -> None:
        for part in parts:
            for some in map(any_of, queries.chunks(part["ids"])):
                there = connection.database()[part["collection"]]
                if there.count_documents({"_id": some}, session=session) != len(some["$in"]):
                    raise ChangedMeanwhileError("held data was deleted while this command ran", None)

    return Rule(LOCK, check)
