"""Remove data of erased users, and secrets, from the audit trail; otherwise its events never change.

Secrets are values in events of older versions that this version does not keep (see `changes.showable`).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from bson import ObjectId

from changes.change import Document
from changes.showable import NAMED, showable

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


def discreet(part: Document) -> Document:
    """Return `changes` and `names` of a part of the trail without values that must not be kept."""
    return {"changes": [discreet_entry(entry) for entry in part["changes"]], "names": discreet_names(part)}


def discreet_names(part: Document) -> list[Document]:
    """Return the names of a part of the trail that may be kept: only documents of `NAMED` collections have names."""
    nameless = {one for entry in part["changes"] if entry["collection"] not in NAMED for one in entry["ids"]}
    return [named for named in part["names"] if named["id"] not in nameless or named["name"] == str(named["id"])]


def discreet_entry(entry: Document) -> Document:
    """Return an entry of the trail; values that must not be kept are replaced by their type."""
    collection = entry["collection"]
    fields = [
        {side: value if side == "field" else showable(collection, row["field"], value) for side, value in row.items()}
        for row in entry["fields"]
    ]
    kept = {**entry, "fields": fields}
    if collection not in NAMED:
        kept.pop("name", None)
    return kept


def secrets(part: Document) -> list[str]:
    """Return the fields for which a part of the trail holds a value that must not be kept."""
    found = discreet(part)
    rows, kept = ([row for entry in held["changes"] for row in entry["fields"]] for held in (part, found))
    fields = [row["field"] for row, shown in zip(rows, kept, strict=True) if row != shown]
    return fields or (["name"] if any(part[key] != value for key, value in found.items()) else [])


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
