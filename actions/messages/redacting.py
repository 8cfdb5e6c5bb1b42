"""Taking away what a message says; that there was one stays."""

from collections.abc import Sequence
from typing import Final

from actions import finding
from actions.messages.writing import refuse_body
from actions.rules.changesets import FOREVER, batched, changeset
from changes import ABSENT, Changeset, Draft, Result
from changes.visible_values import readable_text
from database.wording import in_words

REMOVED: Final = "[removed by an administrator]"


def redact(
    refs: Sequence[str], *, text: str | None = None, forever: bool = False, skip_missing: bool = False
) -> Changeset:
    """Put a text in the place of messages' own, and take their images away.

    With `forever` nothing is kept to undo it with.
    """
    text = REMOVED if text is None else text
    refuse_body(text)
    found = finding.messages(refs, ("body", "image"), skip_missing=skip_missing)
    draft, results = Draft(), []
    for ref, message in found:
        bare = message.get("image") is None
        outcome = "unchanged" if bare and message.get("body") == text else "redacted"
        elsewhere = [] if bare else [readable_text(message["image"])]
        results.append(Result(message["_id"], ref, outcome, elsewhere=elsewhere))
        draft.set("Message", message, {"body": text} if bare else {"body": text, "image": ABSENT})
    draft.batches = list(batched(draft.changes))
    notes = list(FOREVER) if forever and draft.changes else []
    command = f"messages redact {in_words([one.ref for one in found])}"
    return changeset(command, draft, [*results, *found.missing], asks=True, notes=notes, undoable=not forever)
