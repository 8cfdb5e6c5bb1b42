"""Describe what a changeset does, for the question before a write: `delete 1 role`, `role support loses ada`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from changes.change import Add, Change, FieldChange, Set, Update
from changes.changeset import Changeset, Stream, count_lines, kind
from changes.trail_entries import is_lease
from database.ids import id_text
from database.references import ids_in, referred
from database.wording import enumerated
from models.links import LINKS, ROLE_PERMISSIONS, USER_SEEN_MESSAGES, Link
from models.schema import FIELDS

LinkChange: TypeAlias = tuple[Link, Any, bool]
"""A kind of link, the id of a document (like a role), and whether this document gains or loses linked documents."""

_SIDES: Final = {
    **{(link.collection, link.field): link for link in LINKS},
    **{(link.other, link.other_field): link for link in LINKS},
}


def effects(changeset: Changeset) -> list[str]:
    """Return lines that say what a changeset does, like `delete 1 role` and `role support loses ada, grace`.

    If the changeset has a `preview`, return the lines of the preview. If its batches are a `Stream`, the lines only
    count documents. Who has seen a deleted message is left out.
    """
    if changeset.preview:
        return list(changeset.preview)
    if isinstance(changeset.batches, Stream):
        return changeset.summary()
    links: dict[LinkChange, dict[Any, None]] = {}
    touched: dict[tuple[str, str], set[Any]] = {}
    for change in changeset.changes:
        moved = list(_link_changes(change))
        for link, member in moved:
            links.setdefault(link, {})[member] = None
        if not is_lease(change) and not (moved and _changes_only_links(change)):
            touched.setdefault(kind(change), set()).update(change.ids)
    deleted = set(map(referred, touched.get(("delete", "Message"), ())))
    if links:  # chatctl's own documents are counted only if no links change
        touched = {key: ids for key, ids in touched.items() if key[1] in FIELDS}
    lines = [
        _line(change, list(members), changeset.names)
        for change, members in links.items()
        if change[0] != USER_SEEN_MESSAGES or change[1] not in deleted
    ]
    return [*count_lines({key: len(ids) for key, ids in touched.items()}), *lines, *changeset.index_lines()]


def _changes_only_links(change: Change) -> bool:
    return isinstance(change, Update) and all(
        name == "updatedAt" or (change.collection, name) in _SIDES for name in change.fields
    )


def _link_changes(change: Change) -> Iterator[tuple[LinkChange, Any]]:
    """Yield each link that an update adds or removes, with the id of the gained or lost document."""
    for name, field in change.fields.items() if isinstance(change, Update) else ():
        link = _SIDES.get((change.collection, name))
        if link is not None:
            for gains, ids in _moved(field):
                for one, other in ((referred(one), referred(other)) for one in change.ids for other in ids):
                    holder, member = (one, other) if change.collection == _holder(link) else (other, one)
                    yield (link, holder, gains), member


def _moved(field: FieldChange) -> Iterator[tuple[bool, list[Any]]]:
    """Yield (True, ids that a change adds to a list) and (False, ids that the change removes from the list)."""
    if not isinstance(field, Set):
        yield isinstance(field, Add), list(field.ids)
        return
    before, after = (dict.fromkeys(ids_in({"": value}, "")) for value in (field.before, field.after))
    yield True, [one for one in after if one not in before]
    yield False, [one for one in before if one not in after]


def _holder(link: Link) -> str:
    """Return the collection of the document that a line names first: for `role support loses ada`, this is `Role`."""
    return link.collection if link == ROLE_PERMISSIONS else link.other


def _line(change: LinkChange, members: list[Any], names: Mapping[Any, str]) -> str:
    link, holder, gains = change
    verbs = (
        ("is no longer marked as seen by", "is marked as seen by") if link == USER_SEEN_MESSAGES else ("loses", "gains")
    )
    title, *others = (str(names.get(one) or id_text(one)) for one in (holder, *members))
    return f"{_holder(link).lower()} {title} {verbs[gains]} {enumerated(others)}"
