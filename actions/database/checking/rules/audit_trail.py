"""The rule about secrets that older versions wrote into the audit trail."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from actions import queries
from actions.database.checking.rule import Finding, RepairDraft, Rule
from actions.rules.checked_changeset import in_batches
from changes import Batch, Change, Document, Draft
from changes.trail_entries import fields_with_secrets, without_secrets
from changes.visible_values import field_name
from database import connection
from database.own_collections import AUDIT

PART: Final = {"kind": "part"}


class SecretInTrail(Rule):
    """An event of an older version holds the value of a field that the schema does not name, or a secret."""

    name = "secret-in-trail"
    severity = "W"
    effect = "everybody who can read the audit trail can read the value, which may be a password or a token"
    fix = "chatctl db repair --rule {name} (removes the values from the trail; this cannot be undone)"
    reads = {AUDIT: ("event", "changes", "names")}
    automatic = True
    undoable = False  # an undo would keep the values for thirty more days

    def late_suspects(self) -> Iterator[Finding]:
        """Read the trail part by part, because it may be larger than the memory."""
        steps: list[Document] = [{"$match": PART}, {"$project": dict.fromkeys(self.reads[AUDIT], 1)}]
        if self.scan.sample is not None:
            steps.insert(1, {"$sample": {"size": self.scan.sample}})
        return self._look(connection.database()[AUDIT].aggregate(steps))

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        return self._look(self._parts(suspects))

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del draft, decisions
        return in_batches(self._changes(findings))

    def _changes(self, findings: Sequence[Finding]) -> Iterator[Change]:
        for part in self._parts(findings):
            draft = Draft()
            draft.set(AUDIT, part, without_secrets(part))
            yield from draft.changes

    def _parts(self, findings: Sequence[Finding]) -> Iterator[Document]:
        return queries.find_by_values(AUDIT, "_id", [found.id for found in findings], self.reads[AUDIT])

    @staticmethod
    def _look(parts: Iterable[Document]) -> Iterator[Finding]:
        for part in parts:
            if fields := fields_with_secrets(part):
                yield Finding(AUDIT, part["_id"], field_name(fields[0]), f"in event {part['event']}")
