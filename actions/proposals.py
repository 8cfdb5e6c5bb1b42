"""Proposals: changes that one person proposes and another person approves, exactly as proposed or not at all.

A proposal is stored in `chatctl_proposals`: a document with the plan, further documents for the parts of a long plan,
and a document with the decision. chatctl only inserts these documents and never updates them, so the approved plan is
always the reviewed plan. There can be only one decision, because its `_id` contains the id of the proposal.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import bson
from bson import Binary, ObjectId

from actions import SORTABLE, audit, conversations, holds, lookup, queries
from actions.display_names import FIELDS as TITLE_FIELDS
from actions.display_names import titles
from actions.errors import UnknownNameError
from actions.rules import lockout, valid_plans
from actions.rules.checked_changeset import FOREVER, checked_changeset
from changes import (
    Change,
    Changeset,
    Document,
    Draft,
    Insert,
    Question,
    Result,
    Set,
    Update,
    events,
    fitted_plans,
    plans,
)
from changes.changeset import count_lines
from changes.plans import Plan
from changes.trail_entries import OUR_RECORDS, cut, describe
from changes.visible_values import readable, readable_text
from database import connection
from database.decoding import AS_STORED
from database.errors import ConflictError, InvalidInputError, RefusedError, UsageError
from database.listing import Listing, Row
from database.own_collections import PROPOSALS
from database.references import referred
from database.wording import NAMED
from models.links import OTHER_SIDES, OWNED
from models.schema import FIELDS

KEPT: Final = timedelta(days=14)
"""A proposal can be approved during this time."""
CLOCKS_DIFFER: Final = timedelta(days=1)
"""The clock of a proposer may be ahead by at most this time. If it is ahead by more, the proposal counts as expired."""
DECISIONS: Final = ("approved", "rejected", "withdrawn")
STATES: Final = ("open", *DECISIONS, "expired")
_DECISION: Final = "decision:"
"""The `_id` of a decision is this text, followed by the id of the proposal."""
_LIFTED: Final = {
    lockout.LAST_MEMBER: "a protected role may lose its last active member",
    lockout.LOCKOUT: "a user may lose their last way to sign in",
}
MOST_NAMES: Final = 1_000
"""The largest number of documents of each collection whose names are read to describe a plan."""


class SamePersonError(RefusedError):
    """The error if a person tries to approve their own proposal."""


class NotOpenError(ConflictError):
    """The error if a proposal is already decided or has expired."""


class MovedError(ConflictError):
    """The error if documents of a plan were changed after the plan was made."""

    def __init__(self, noun: str, moved: Sequence[str], hint: str) -> None:
        more = [f"and {len(moved) - NAMED:,} more"] if len(moved) > NAMED else []
        super().__init__(f"the data changed after this {noun} was made: {'; '.join([*moved[:NAMED], *more])}", hint)


def propose(changeset: Changeset, reason: str | None) -> Changeset:
    """Plan to store a changeset as a proposal.

    Raises `UsageError` if no reason is given, and the errors of `plan_of`.
    """
    if not (reason or "").strip():
        raise UsageError("--propose requires --reason", "add --reason TEXT, which the other person will read")
    if not changeset.changes_something:
        return changeset
    plan = plans.plan_of(changeset)
    draft = Draft()
    first, *parts = _documents(plan, reason)
    for document in (first, *parts):
        draft.insert(PROPOSALS, document)
    return Changeset(
        f"{changeset.command} --propose",
        [Result(first["_id"], changeset.command, "proposed", str(first["_id"]))],
        draft.batches,
        notes=[*changeset.notes, f"this would {', '.join(changeset.summary())}"],
        targets=[plan.id, *first["targets"][:MOST_NAMES]],
        plan_key=plan.key_entry,
        undoable=False,
        divided=False,
    )


def _documents(plan: Plan, reason: str | None) -> Iterator[Document]:
    """Yield the document of a new proposal. If the plan is long, then yield the documents with its parts."""
    identifier, at = plan.id, events.now()
    data = bson.encode({"plan": plans.encoded(plan)}, codec_options=AS_STORED)
    first, *rest = (data[start : start + events.PART_BYTES] for start in range(0, len(data), events.PART_BYTES))
    targets = list(dict.fromkeys(one for change in plan.changes for one in change.ids))
    yield {
        "_id": identifier,
        "kind": "proposal",
        "expires": at + KEPT,
        **_person_at(at),
        "command": cut(plan.command),
        "reason": reason,
        "targets": targets,
        "parts": 1 + len(rest),
        "data": Binary(first),
    }
    for number, part in enumerate(rest, start=1):
        place = {"_id": f"part:{identifier}:{number}", "kind": "part", "proposal": identifier, "at": at}
        yield {**place, "data": Binary(part)}


def find(state: str | None = "open") -> Listing:
    """List proposals, newest first: `{id, at, by, command, reason, state, documents, …}`.

    If `state` is None, list all.
    """
    documents = connection.database()[PROPOSALS]
    where: Document = {"kind": "proposal"}
    decided: Document = {"_id": {"$regex": f"^{_DECISION}"}, **({"state": state} if state in DECISIONS else {})}
    texts = [one["_id"].removeprefix(_DECISION) for one in documents.find(decided, {"_id": 1})] if state else []
    ids = [ObjectId(text) for text in texts if ObjectId.is_valid(text)]
    if state in {"open", "expired"}:
        in_time = _in_time(connection.clock())
        where |= {"_id": {"$nin": ids}, **(in_time if state == "open" else {"$nor": [in_time]})}
    elif state:
        where["_id"] = {"$in": ids}
    fields = ("at", "expires", "actor", "by", "command", "reason", "parts", "data")
    return Listing(PROPOSALS, where, _rows, sortable=SORTABLE["proposals"], order="-at", fields=fields)


def _in_time(now: datetime) -> Document:
    """Return the filter for proposals that have not expired.

    The filter also checks when the proposal was made, because somebody may have stored a later time of expiry than is
    allowed.
    """
    return {"expires": {"$gt": now}, "at": {"$gt": now - KEPT, "$lte": now + CLOCKS_DIFFER}}


def show(ref: str) -> Row:
    """Return a proposal as a row of `find`, with its `changes`, `summary`, `notes` and `moved`.

    The changes look like those of an audit event. They are read from the plan, because descriptions by the proposer are
    not trusted. `summary` counts the documents. If the proposal is open, `moved` says which data has changed since the
    plan was made.
    """
    proposal = lookup.find_proposal(ref)
    [row] = _rows([proposal])
    plan = _plan(proposal)
    return {**row, **described(plan, fit=row["state"] == "open")}


def described(plan: Plan, *, fit: bool = True) -> Row:
    """Describe a plan: `{changeset, changes, summary, notes, moved}`.

    Use the `changeset` only to show the plan, and do not apply it.
    """
    fitted = fitted_plans.fit(connection.database(), plan) if fit else fitted_plans.Fitted(plan.batches, [])
    moved = _moved(plan, fitted) if fit else []
    if not moved:
        valid_plans.refuse_invalid("proposal", fitted, is_undo=plan.undoes is not None)
    batches = plan.batches if moved else fitted.batches
    names = names_of([change for batch in batches for change in batch])
    shown = Changeset(plan.command, [], batches, names=names, indexes=plan.indexes)
    entries = [entry for change in shown.changes for entry in describe(change)]
    about = {"summary": shown.summary(), "notes": [*_warnings(plan)], "moved": moved}
    return {"changeset": shown, "changes": entries, **about}


def _warnings(plan: Plan) -> Iterator[str]:
    """Yield warnings about effects of a plan that a reviewer cannot see in its changes."""
    yield from (_LIFTED[name] for name in sorted(plan.lifted & _LIFTED.keys()))
    yield from () if plan.undoable else FOREVER
    if plan.undoes:
        yield f"undo of event {plan.undoes}"
    documents = Changeset(plan.command, [], plan.batches).documents
    ours = {what: number for what, number in documents.items() if what[1] not in FIELDS}
    if len(ours) < len(documents):  # if all documents of the plan are chatctl's, the summary counts them already
        yield from (f"this would also {line}" for line in count_lines(ours))


def approve(ref: str, reason: str | None = None) -> Changeset:
    """Carry out a proposal of another person, exactly as proposed. The audit event has the reasons of both people.

    Raises `SamePersonError`, `NotOpenError`, `MovedError`, and the errors of the rules.
    """
    proposal = lookup.find_proposal(ref)
    me = events.identity()
    if _is_same_person(_by(proposal), me):
        raise SamePersonError(
            f"{_person(me)} has proposed this, so another person must approve it",
            f"ask a colleague to run chatctl proposals approve {proposal['_id']}",
        )
    _require_open(proposal)
    command = _command(proposal)
    given = readable_text(proposal.get("reason"))
    made = carry_out(
        _plan(proposal),
        f"proposals approve {proposal['_id']} ({command})",
        Result(proposal["_id"], command, "approved"),
        noun="proposal",
        question=Question(f"Approve {command}, proposed by {audit.actor_text(proposal)}"),
        decision=_decision(proposal, "approved", reason),
        approves={"proposal": proposal["_id"], "at": proposal.get("at"), "actor": proposal.get("actor")},
    )
    made.reason = f"{given} (approved: {reason})" if reason else given
    made.notes[:0] = [f"reason: {given}", f"see every change with chatctl proposals show {proposal['_id']}"]
    return made


def carry_out(
    plan: Plan,
    command: str,
    result: Result,
    *,
    noun: str,
    question: Question,
    decision: Insert | None = None,
    approves: Document | None = None,
) -> Changeset:
    """Make the changeset that carries out a plan exactly. The rules of the planned command are checked again.

    Raises `MovedError` if data that the plan expects has changed.
    """
    fitted = fitted_plans.fit(connection.database(), plan, events.now())
    if moved := _moved(plan, fitted):
        raise MovedError(noun, moved, f"nothing was changed; run the command again to make a new {noun}")
    valid_plans.refuse_invalid(noun, fitted, is_undo=plan.undoes is not None)
    batches = [*filter(None, fitted.batches)] or [[]]
    changes = [change for batch in batches for change in batch]
    draft = Draft()
    draft.batches = [[*([decision] if decision else []), *batches[0]], *batches[1:]]
    draft.names = names_of(changes)
    draft.unchanged_lists = plan.relies_on
    return checked_changeset(
        command,
        draft,
        [result],
        allow_last_member=lockout.LAST_MEMBER in plan.lifted,
        allow_lockout=lockout.LOCKOUT in plan.lifted,
        rules=[] if plan.undoes else [*conversations.rules_of(changes), *holds.rules_of(changes)],
        asks=True,
        notes=[*_warnings(plan)],
        indexes=plan.indexes,
        undoes=plan.undoes,
        undoable=plan.undoable,
        question=question,
        approves=approves,
        divided=False,
    )


def reject(ref: str, reason: str | None = None) -> Changeset:
    """Reject a proposal. After that, nobody can approve the proposal."""
    proposal = lookup.find_proposal(ref)
    _require_open(proposal)
    return _decide(proposal, "reject", "rejected", reason)


def withdraw(ref: str, reason: str | None = None) -> Changeset:
    """Withdraw a proposal. Raises `RefusedError` if the proposal is by another person."""
    proposal = lookup.find_proposal(ref)
    if not _is_same_person(_by(proposal), events.identity()):
        raise RefusedError(
            f"only {_person(_by(proposal))} can withdraw this proposal",
            f"to refuse the proposal, run chatctl proposals reject {proposal['_id']}",
        )
    _require_open(proposal)
    return _decide(proposal, "withdraw", "withdrawn", reason)


def _decide(proposal: Document, verb: str, state: str, reason: str | None) -> Changeset:
    draft = Draft()
    decision = _decision(proposal, state, reason)
    draft.insert(PROPOSALS, decision.document)
    command = _command(proposal)
    return Changeset(
        f"proposals {verb} {proposal['_id']} ({command})",
        [Result(proposal["_id"], command, state)],
        draft.batches,
        targets=[proposal["_id"]],
        question=Question(f"{verb.capitalize()} the proposal {command}"),
        undoable=False,
    )


def _decision(proposal: Document, state: str, reason: str | None) -> Insert:
    place = {"_id": f"{_DECISION}{proposal['_id']}", "kind": "decision", "proposal": proposal["_id"]}
    who = _person_at(events.now())
    return Insert(PROPOSALS, {**place, **who, "state": state, **({"reason": reason} if reason else {})})


def _person_at(at: datetime) -> Document:
    """Return the fields `at`, `actor` and `by` of a document: the time, and the person who runs the command.

    `by` is used to find out whether two people are the same. `os` in `by` is the system user, and does not come from an
    environment variable.
    """
    by = events.identity()
    return {"at": at, "actor": {**events.actor(), "os": by["system"]}, "by": by}


def _require_open(proposal: Document) -> None:
    [row] = _rows([proposal], ["state"])
    if row["state"] != "open":
        decided = f"was {row['state']} by {row['decidedBy']}" if row["state"] in DECISIONS else "has expired"
        raise NotOpenError(f"this proposal {decided}", f"see chatctl proposals show {proposal['_id']}")


def _plan(proposal: Document) -> Plan:
    return plans.decoded(_stored(proposal))


def _stored(proposal: Document) -> Document:
    """Read the plan of a proposal. Raises `InvalidInputError` if parts of the plan are missing.

    Invariant: the approved plan is the plan that was reviewed. Somebody may insert more documents later. But each part
    can have only one `_id`, so documents with other ids are ignored.
    """
    head = f"part:{proposal['_id']}:"
    stored = connection.database()[PROPOSALS].find({"_id": {"$regex": f"^{re.escape(head)}"}}, {"data": 1})
    parts = {part["_id"]: part.get("data") for part in stored}
    try:
        data = [proposal["data"], *(parts[f"{head}{number}"] for number in range(1, proposal["parts"]))]
        found: Document = bson.decode(b"".join(data), AS_STORED)["plan"]
    except (bson.errors.BSONError, KeyError, TypeError):
        raise InvalidInputError("this proposal cannot be read") from None
    return found


def _rows(proposals: Sequence[Document], columns: Collection[str] = ()) -> list[Row]:
    """Make the rows of proposals.

    The number of documents is counted in the plan, which takes time. If `columns` is given and does not contain this
    number, the number is None.
    """
    where = {"_id": {"$in": [f"{_DECISION}{one['_id']}" for one in proposals]}}
    decisions = {one["_id"]: one for one in connection.database()[PROPOSALS].find(where)}
    now = connection.clock()
    rows = [_row(proposal, decisions.get(f"{_DECISION}{proposal['_id']}"), now) for proposal in proposals]
    counted = not columns or "documents" in columns
    numbers = [_number(proposal) if counted else None for proposal in proposals]
    return [row | {"documents": number} for row, number in zip(rows, numbers, strict=True)]


def _number(proposal: Document) -> int | None:
    """Return the number of documents in the plan of a proposal, or None if the plan cannot be read."""
    try:
        return plans.count_documents(_stored(proposal))
    except InvalidInputError:
        return None


def _row(proposal: Document, decision: Document | None, now: datetime) -> Row:
    at, expires = readable(proposal.get("at")), readable(proposal.get("expires"))
    are_times = isinstance(at, datetime) and isinstance(expires, datetime)
    is_open = are_times and now - KEPT < at <= now + CLOCKS_DIFFER and expires > now
    state = readable_text(decision.get("state")) if decision else "open" if is_open else "expired"
    return {
        "id": proposal["_id"],
        "at": at,
        "by": audit.actor_text(proposal),
        "command": _command(proposal),
        "reason": readable(proposal.get("reason")),
        "documents": None,
        "state": state,
        "expires": min(expires, at + KEPT) if is_open else expires,
        "decidedBy": audit.actor_text(decision) if decision else None,
        "decidedAt": readable(decision.get("at")) if decision else None,
        "answer": readable(decision.get("reason")) if decision else None,
    }


def _command(proposal: Document) -> str:
    return readable_text(proposal.get("command"))


def _by(proposal: Document) -> dict[str, str]:
    by = proposal.get("by")
    return {name: readable_text(value) for name, value in by.items()} if isinstance(by, dict) else {}


def _person(by: dict[str, str]) -> str:
    return by.get("database") or by.get("system") or "the proposer"


def _is_same_person(one: dict[str, str], other: dict[str, str]) -> bool:
    """Tell whether two people are the same.

    If both people are database users, compare the database users. Otherwise, compare the system users.
    """
    name = "database" if "database" in one and "database" in other else "system"
    return one.get(name) == other.get(name)


def _moved(plan: Plan, fitted: fitted_plans.Fitted) -> list[str]:
    """Return lines that say which data has changed since a plan was made."""
    if plan.undoes and audit.is_undone(plan.undoes):
        return [*fitted.moved, f"event {plan.undoes} was undone"]
    if plan.undoes and not fitted.moved and not _is_undo(plan, plan.undoes):
        return [f"the undo of event {plan.undoes} would make other changes now"]
    return fitted.moved


def _is_undo(plan: Plan, event: ObjectId) -> bool:
    """Tell whether a plan makes exactly the changes that undo an event.

    For an undo, the rules of other commands are not checked.
    """
    for force in (False, True):
        with suppress(ConflictError, RefusedError, UnknownNameError):
            undo = audit.undo(str(event), force=force, allow_last_member=True, allow_lockout=True)
            if plans.writes(plans.plan_of(undo)) == plans.writes(plan):
                return True
    return False


def names_of(changes: Iterable[Change]) -> dict[Any, str]:
    """Read the names of the documents that the changes mention. The names in a proposal are not trusted."""
    wanted: dict[str, dict[Any, None]] = {}
    parents = {(owned.collection, owned.field): owned.parent for owned in OWNED}
    for change in changes:
        if change.collection not in OUR_RECORDS:
            wanted.setdefault(change.collection, {}).update(dict.fromkeys(change.ids))
        for name, ids in _mentioned(change):
            other, _ = OTHER_SIDES.get((change.collection, name), (parents.get((change.collection, name)), ""))
            if other:
                wanted.setdefault(other, {}).update(dict.fromkeys(ids))
    names: dict[Any, str] = {}
    for collection in ("User", "Role", "Permission"):
        some = list(wanted.get(collection, ()))[:MOST_NAMES]
        label = lookup.user_label if collection == "User" else lookup.label
        found = queries.find_by_ids(collection, some, ["username", "email", "name"])
        names |= {referred(one["_id"]): label(one) for one in found}
    found = queries.find_by_ids("Conversation", list(wanted.get("Conversation", ()))[:MOST_NAMES], TITLE_FIELDS)
    return names | titles(list(found))


def _mentioned(change: Change) -> Iterator[tuple[str, list[Any]]]:
    """Yield each field of a change, together with the ids that this field mentions."""
    fields = change.fields if isinstance(change, Update) else change.document
    for name, value in fields.items():
        values = [value.before, value.after] if isinstance(value, Set) else [getattr(value, "ids", value)]
        flat = [item for one in values for item in (one if isinstance(one, list | tuple) else [one])]
        yield name, [item for item in map(referred, flat) if isinstance(item, ObjectId)]
