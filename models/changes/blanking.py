"""The one thing that is ever changed in the audit trail: what it holds of a person who is erased."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from bson import ObjectId

from models.changes.change import Document

ERASED: Final = "(erased)"


def values(part: Document, own: set[Any]) -> Iterator[tuple[str, Any]]:
    """Go through the fields that a part of the trail has of some documents, and what they held."""
    for entry in part["changes"]:
        if not own.isdisjoint(entry["ids"]):
            for row in entry["fields"]:
                yield from ((row["field"], value) for side, value in row.items() if side != "field")


def blanked(part: Document, own: set[Any], label: str) -> Document:
    """Return `changes` and `names` of a part of the trail without what it has of some documents.

    What a document was called becomes `label`, a value a fixed text; ids and the names of fields stay.
    """
    changes = [entry if own.isdisjoint(entry["ids"]) else _entry(entry, label) for entry in part["changes"]]
    names = [{**named, "name": label} if named["id"] in own else named for named in part["names"]]
    return {"changes": changes, "names": names}


def without(text: str, words: Iterable[str], label: str) -> str:
    """Put `label` in the place of words in a text, in any case of letters; a part of another word is none of them.

    So `ada` is found in `(ada)`, `ada's` and `ask ada.`, and not in `ada-2`, `canada` or `ada@example.org`. Where a
    text was cut short, what is left of a word at its end counts.
    """
    listed = sorted(filter(None, words), key=len, reverse=True)
    if not listed:
        return text
    pattern = rf"(?<![\w.@+-])(?:{'|'.join(map(re.escape, listed))})(?![\w@+-]|\.\w)"
    found = re.sub(pattern, lambda _: label, text, flags=re.IGNORECASE)
    if (cut := re.search(r"(\S+)(?=… \([\d,]+ characters\)$)", found)) and any(
        word.lower().startswith(cut[1].lower()) for word in listed
    ):
        return found[: cut.start()] + label + found[cut.end() :]
    return found


def _entry(entry: Document, label: str) -> Document:
    fields = [
        {side: value if side == "field" else _value(value) for side, value in row.items()} for row in entry["fields"]
    ]
    return {**entry, "fields": fields} | ({"name": label} if "name" in entry else {})


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(item) for item in value]
    return value if value is None or isinstance(value, ObjectId) else ERASED
