"""Replace the texts of messages and remove their images; the messages themselves stay."""

from collections.abc import Sequence
from typing import Final

from actions import lookup
from actions.messages.sending import refuse_body
from actions.rules.checked_changeset import FOREVER, checked_changeset, in_batches
from changes import ABSENT, Changeset, Draft, Result
from changes.visible_values import readable_text
from database.wording import in_words

REMOVED: Final = "[removed by an administrator]"


def redact(
    messages: Sequence[str], *, text: str | None = None, forever: bool = False, skip_missing: bool = False
) -> Changeset:
    """Replace the texts of messages, and remove their images. With `forever`, nothing is kept for an undo."""
    text = REMOVED if text is None else text
    refuse_body(text)
    found = lookup.find_messages(messages, ("body", "image"), skip_missing=skip_missing)
    draft, results = Draft(), []
    for ref, message in found:
        has_no_image = message.get("image") is None
        outcome = "unchanged" if has_no_image and message.get("body") == text else "redacted"
        elsewhere = [] if has_no_image else [readable_text(message["image"])]
        results.append(Result(message["_id"], ref, outcome, elsewhere=elsewhere))
        draft.set("Message", message, {"body": text} if has_no_image else {"body": text, "image": ABSENT})
    draft.batches = list(in_batches(draft.changes))
    notes = list(FOREVER) if forever and draft.changes else []
    command = f"messages redact {in_words([one.ref for one in found])}"
    return checked_changeset(command, draft, [*results, *found.missing], asks=True, notes=notes, undoable=not forever)
