"""Sending a message in somebody's name."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from bson import ObjectId

from actions import finding
from actions.conversation_titles import titles
from actions.errors import BadMessageError, NotParticipantError
from actions.message_removal import COPIED
from actions.messages.writing import refuse_body, refuse_image
from actions.rules.changesets import changeset
from changes import Changeset, Document, Draft, ListWith, Result, ids_in
from changes.events import now
from database.references import referred
from models.user import UserStatus


class Place(NamedTuple):
    """A conversation, what it is called, and a participant who may write into it."""

    conversation: Document
    title: str
    sender: Document


def place(conversation: str, sender: str) -> Place:
    """Find where somebody wants to write; raises `NotParticipantError` where they do not take part."""
    there = finding.one("Conversation", conversation, ("userIds", "lastMessageAt", "messagesIds"))
    user = finding.user(sender, ("status", "conversationIds", "seenMessageIds"))
    title = titles([there])[there["_id"]]
    if referred(user["_id"]) not in ids_in(there, "userIds"):
        add = f"chatctl conversations add {there['_id']} {user['_id']}"
        raise NotParticipantError(f"{finding.user_label(user)} does not take part in {title}", f"add them first: {add}")
    return Place(there, title, user)


def send(conversation: str, sender: str, *, body: str | None = None, image: str | None = None) -> Changeset:
    """Send a text, an image or both; the sender has seen it.

    Raises `BadMessageError`, and `NotParticipantError` for who does not take part.
    """
    if body is None and image is None:
        raise BadMessageError("the message is empty", "it needs a text or an --image")
    if body is not None:
        refuse_body(body)
    if image is not None:
        refuse_image(image)
    there, title, user = place(conversation, sender)
    draft = Draft()
    draft.names[there["_id"]] = title
    message = _message(there, user, body, image)
    # Whoever deletes the conversation, or takes the sender out of it, writes to these two documents as well: of two at
    # once one waits, and finds that it is too late. The sender comes first, as the time of the other may stay as it is.
    draft.add("User", [user], "seenMessageIds", [message["_id"]])
    taking_part = {
        "userIds": ListWith(tuple(item for item in there["userIds"] if referred(item) == referred(user["_id"])))
    }
    draft.advance("Conversation", there, "lastMessageAt", message["createAt"], expected=taking_part)
    if isinstance(copies := there.get("messagesIds"), list) and len(copies) < COPIED:
        draft.add("Conversation", [there], "messagesIds", [message["_id"]])
    draft.insert("Message", message)
    return changeset(
        f"messages send --conversation {title} --from {finding.user_label(user)}",
        draft,
        [Result(message["_id"], str(message["_id"]), "sent")],
        notes=list(_notes(there, title, user)),
        replan=partial(send, conversation, sender, body=body, image=image),
    )


def _message(conversation: Document, sender: Document, body: str | None, image: str | None) -> Document:
    return {
        "_id": ObjectId(),
        **({} if body is None else {"body": body}),
        **({} if image is None else {"image": image}),
        "createAt": now(),
        "seenIds": [referred(sender["_id"])],
        "conversationId": referred(conversation["_id"]),
        "senderId": referred(sender["_id"]),
    }


def _notes(conversation: Document, title: str, sender: Document) -> Iterator[str]:
    called = finding.user_label(sender)
    if sender.get("status") == UserStatus.SUSPENDED:
        yield f"{called} is suspended, and sends all the same"
    if referred(conversation["_id"]) not in ids_in(sender, "conversationIds"):
        mend = f"chatctl conversations add {conversation['_id']} {sender['_id']}"
        yield f"{called} may not see it: their own list lacks {title} ({mend} mends that)"
