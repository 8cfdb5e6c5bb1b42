"""Send a message in the name of a user, and redact messages."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from bson import ObjectId

from actions import lookup
from actions.cascading_deletion import MOST_COPIED_IDS
from actions.display_names import titles
from actions.errors import BadMessageError, NotParticipantError
from actions.rules.checked_changeset import FOREVER, checked_changeset, in_batches
from changes import ABSENT, Changeset, Document, Draft, ListContaining, Question, Result
from changes.events import now
from changes.visible_values import readable_text
from database.references import ids_in, referred
from database.wording import in_words, shown
from models.values import UserStatus

REMOVED: Final = "[removed by an administrator]"


def redact(
    messages: Sequence[str], *, text: str | None = None, forever: bool = False, skip_missing: bool = False
) -> Changeset:
    """Replace the texts of messages, and remove their images.

    If `forever` is true, the old texts and images are not kept for an undo.
    """
    text = REMOVED if text is None else text
    refuse_body(text)
    found = lookup.find_messages(messages, ("body", "image"), skip_missing=skip_missing)
    draft, results = Draft(), []
    for ref, message in found:
        has_no_image = message.get("image") is None
        outcome = "unchanged" if has_no_image and message.get("body") == text else "redacted"
        elsewhere = [] if has_no_image else [readable_text(message["image"])]
        results.append(Result(message["_id"], ref, outcome, elsewhere=elsewhere, if_unchanged="already redacted"))
        draft.set("Message", message, {"body": text} if has_no_image else {"body": text, "image": ABSENT})
    draft.batches = list(in_batches(draft.changes))
    notes = list(FOREVER) if forever and draft.changes else []
    command = f"messages redact {in_words([one.ref for one in found])}"
    return checked_changeset(command, draft, [*results, *found.missing], asks=True, notes=notes, undoable=not forever)


LARGEST_BODY: Final = 1024 * 1024
"""The size limit of a message text, in bytes. With this limit, a page of many messages can still be shown."""


class Destination(NamedTuple):
    """A conversation with its title, and the participant who sends the message."""

    conversation: Document
    title: str
    sender: Document


def destination(conversation: str, sender: str) -> Destination:
    """Find a conversation and a sender. Raises `NotParticipantError` if the sender is not a participant."""
    there = lookup.find_one("Conversation", conversation, ("userIds", "lastMessageAt", "messagesIds"))
    user = lookup.find_user(sender, ("status", "conversationIds", "seenMessageIds"))
    title = titles([there])[there["_id"]]
    if referred(user["_id"]) not in ids_in(there, "userIds"):
        add = f"chatctl conversations add {there['_id']} {user['_id']}"
        raise NotParticipantError(
            f"{lookup.user_label(user)} is not a participant of {title}", f"add the sender first: {add}"
        )
    return Destination(there, title, user)


def send(conversation: str, sender: str, *, body: str | None = None, image: str | None = None) -> Changeset:
    """Send a text, an image or both. The sender is recorded as having seen the message.

    Raises `BadMessageError`, and `NotParticipantError` if the sender is not a participant.
    """
    if body is None and image is None:
        raise BadMessageError("the message is empty", "add a text or --image URL")
    if body is not None:
        refuse_body(body)
    if image is not None:
        refuse_image(image)
    there, title, user = destination(conversation, sender)
    draft = Draft()
    draft.names[there["_id"]] = title
    message = _message(there, user, body, image)
    # Another command may delete the conversation, or remove the sender from it, at the same time. Both commands write
    # the documents of the sender and of the conversation, so the second command waits and then sees the change of the
    # first. This command always writes the sender, because it may not need to write the conversation: the time of the
    # conversation only moves forward.
    draft.add("User", [user], "seenMessageIds", [message["_id"]])
    taking_part = {
        "userIds": ListContaining(tuple(item for item in there["userIds"] if referred(item) == referred(user["_id"])))
    }
    draft.move_time_forward("Conversation", there, "lastMessageAt", message["createAt"], expected=taking_part)
    if isinstance(copies := there.get("messagesIds"), list) and len(copies) < MOST_COPIED_IDS:
        draft.add("Conversation", [there], "messagesIds", [message["_id"]])
    draft.insert("Message", message)
    return checked_changeset(
        f"messages send --conversation {title} --from {lookup.user_label(user)}",
        draft,
        [Result(message["_id"], str(message["_id"]), "sent")],
        notes=list(_notes(there, title, user)),
        question=Question(f"Send a message from {lookup.user_label(user)} to {title}"),
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
    called = lookup.user_label(sender)
    if sender.get("status") == UserStatus.SUSPENDED:
        yield f"Warning: {called} is suspended. The message will still be sent."
    if referred(conversation["_id"]) not in ids_in(sender, "conversationIds"):
        repair = f"chatctl conversations add {conversation['_id']} {sender['_id']}"
        yield (
            f"Warning: {called} may not see the message: this user's list of conversations does not have {title}. "
            f"Repair it: {repair}"
        )


def refuse_body(body: str) -> None:
    """Raise `BadMessageError` for a body that is empty, too long or not text."""
    if not body.strip():
        raise BadMessageError("the message is empty", "add a text")
    if "\0" in body:
        raise BadMessageError("the message contains a NUL character", "remove this character")
    refuse_size(len(body.encode(errors="replace")))


def refuse_size(size: int) -> None:
    """Raise `BadMessageError` for a body of too many bytes."""
    if size > LARGEST_BODY:
        raise BadMessageError(f"the message is longer than {LARGEST_BODY:,} bytes", "send the message in parts")


def refuse_image(image: str) -> None:
    """Raise `BadMessageError` if the address of an image is not a web address (http or https)."""
    try:
        address = urlsplit(image)
        loads = address.scheme in {"http", "https"} and bool(address.hostname)
    except ValueError:
        loads = False
    if not loads or " " in image or not image.isprintable() or len(image) > LARGEST_BODY:
        raise BadMessageError(
            f"{shown(image)} is not a valid image URL", "use a URL that begins with https:// or http://"
        )
