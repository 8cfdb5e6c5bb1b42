"""Write plans to files, and read plan files.

`--save-plan` and `seeds plan` write files that begin with the same fields. The command `apply` accepts both kinds of
files.
"""

import hashlib
import json
from typing import Any, BinaryIO, Final, NamedTuple, TypeGuard

import bson
from bson import json_util
from bson.codec_options import DatetimeConversion

from actions import proposals
from changes import Changeset, Document, Question, Result, events, plans
from database import connection
from database.decoding import AS_STORED
from database.errors import ConflictError, InvalidInputError
from database.input_files import opened
from database.listing import Row
from database.wording import shown

SEEDS: Final = "seeds plan"
PLAN: Final = "plan"
VERSIONS: Final = {SEEDS: 1, PLAN: 2}
MAX_BYTES: Final = 64 * 1024 * 1024
_JSON: Final = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


class StalePlanError(ConflictError):
    """The database has changed since the plan was saved, or is another database than that of the plan."""

    def __init__(self, what: str, hint: str = "nothing was changed; run the command again to make a new plan") -> None:
        super().__init__(what, hint)


def head(kind: str) -> dict[str, Any]:
    """Return the first fields of a plan file: its kind, its version, and the name of the database.

    A plan file does not contain the address of the server.
    """
    return {"chatctl": kind, "version": VERSIONS[kind], **_identity()}


def check_database(document: dict[str, Any]) -> None:
    """Raise `StalePlanError` if a plan was made for another database."""
    here = _identity()
    if document["database"] != here["database"]:
        raise StalePlanError(
            f"this plan was made for database {shown(document['database'])},"
            f" but the target database is {shown(here['database'])}"
        )
    if document["server"] != here["server"]:
        raise StalePlanError("this plan was made for a database with this name on another server")


def _identity() -> dict[str, str]:
    """Return data that identify the target database without its address.

    The address is not suitable, because an embedded server has a new port at each start.
    """
    target = connection.target()
    where = "local" if target.local else target.host
    return {"database": target.name, "server": hashlib.sha256(where.encode()).hexdigest()[:16]}


class PlanFile(NamedTuple):
    """A plan file: its name, its content, and the SHA-256 digest of the file."""

    name: str
    document: dict[str, Any]
    sha256: str

    @property
    def is_of_seed(self) -> bool:
        return bool(self.document["chatctl"] == SEEDS)


def read(name: str, stdin: BinaryIO) -> PlanFile:
    """Read a plan file once, or standard input if the name is `-`.

    Raises `InvalidInputError` if chatctl has not saved this file.
    """
    try:
        with opened(name, stdin) as file:
            data = file.read(MAX_BYTES + 1)
        document = json.loads(data) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        document = None
    if not _has_head(document):
        raise InvalidInputError(f"{shown(name)} is not a plan saved by chatctl", "make a plan with --save-plan FILE")
    if document["version"] != VERSIONS[document["chatctl"]]:
        raise InvalidInputError(f"{shown(name)} was saved by another version of chatctl", "make a new plan")
    return PlanFile(name, document, hashlib.sha256(data).hexdigest())


def _has_head(document: Any) -> TypeGuard[dict[str, Any]]:
    kinds = {"version": int, "database": str, "server": str}
    return (
        isinstance(document, dict)
        and document.get("chatctl") in VERSIONS
        and all(isinstance(document.get(key), kind) for key, kind in kinds.items())
    )


def dump(changeset: Changeset, reason: str | None = None) -> str:
    """Return a changeset as the text of a plan file. The text contains no secrets.

    Raises the errors of `plans.plan_of`. If the plan has digests instead of some old values, the key of these digests
    is recorded in an event of the audit trail.
    """
    plan = plans.plan_of(changeset)
    if plan.key_entry:
        events.record_reading(f"{plan.command} --save-plan", reason, [plan.id], plan.key_entry)
    document = {
        **head(PLAN),
        **_for_reviewers(plan),
        "plan": json.loads(json_util.dumps(plans.encoded(plan), json_options=_JSON)),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _for_reviewers(plan: plans.Plan) -> dict[str, Any]:
    """Return the fields of a plan file that reviewers read: the command, and the changes as lines of text."""
    names = proposals.names_of(plan.changes)
    lines = Changeset(plan.command, [], plan.batches, names=names, indexes=plan.indexes).lines()
    return {"command": plan.command, "changes": list(lines)}


def load(file: PlanFile) -> Changeset:
    """Make the changeset that carries out a saved plan exactly.

    Raises `StalePlanError` if the plan was made for another database, or if the lines that reviewers read in the file
    do not match the plan. Raises `MovedError` if the data has changed since the plan was saved.
    """
    plan = _plan_in(file)
    made = proposals.carry_out(
        plan,
        f"apply sha256:{file.sha256} ({plan.command})",
        Result(None, plan.command, "applied"),
        noun="plan",
        question=Question(f"Apply the plan {plan.command}"),
    )
    _check_lines(file, plan)
    return made


def show(file: PlanFile) -> Row:
    """Describe the plan in a file: the fields of `proposals.described`, and the `command`."""
    plan = _plan_in(file)
    row = {"command": plan.command, **proposals.described(plan)}
    if not row["moved"]:
        _check_lines(file, plan)
    return row


def _plan_in(file: PlanFile) -> plans.Plan:
    if file.is_of_seed:
        raise InvalidInputError(f"{shown(file.name)} is a plan of a seed", "use seeds apply --plan FILE")
    check_database(file.document)
    return _plan(file.document.get("plan"))


def _check_lines(file: PlanFile, plan: plans.Plan) -> None:
    """Raise `StalePlanError` if the changes that reviewers read in a plan file are not the changes of its plan."""
    if any(file.document.get(name) != value for name, value in _for_reviewers(plan).items()):
        raise StalePlanError(
            f"the changes listed in {shown(file.name)} are not the changes of its plan, "
            "or one of their documents has a new name"
        )


def _plan(document: Any) -> plans.Plan:
    try:
        given: Document = json_util.loads(json.dumps(document), json_options=_JSON)
        stored = bson.decode(bson.encode({"plan": given}, codec_options=AS_STORED), AS_STORED)["plan"]
    except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError, bson.errors.BSONError):
        stored = {}
    return plans.decoded(stored)
