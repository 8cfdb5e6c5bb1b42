"""The errors that actions raise. Each reason for an error has its own class."""

from database.errors import ConflictError, Fault, InvalidInputError, NotFoundError, RefusedError
from database.wording import counted


class UnknownNameError(NotFoundError):
    """No document has the given name or id."""


class AmbiguousNameError(ConflictError):
    """Several documents have the given name or id."""


class NameTakenError(ConflictError):
    """The new name already exists."""


class ImportConflictError(ConflictError):
    """Users of an import already exist, or their usernames or sign-ins belong to other users.

    `faults` lists these conflicts.
    """

    def __init__(self, number: int, faults: tuple[Fault, ...]) -> None:
        of_them = "" if number == len(faults) else f"; only the first {len(faults):,} are shown"
        super().__init__(
            f"the import has {counted(number, 'conflict')} with existing users{of_them}",
            "nothing was written; --on-conflict skip keeps existing users unchanged, --on-conflict update changes them",
        )
        self.faults = faults


class BadNameError(InvalidInputError):
    """The new name is not valid."""


class BadMessageError(InvalidInputError):
    """The message is empty, too long, or its image URL is not valid."""


class NotParticipantError(RefusedError):
    """The sender is not a participant of the conversation."""


class OneToOneError(RefusedError):
    """Only a group can have a name or more than two participants."""


class LastMemberError(RefusedError):
    """A protected role would be left without an active member."""


class NotUndoableError(RefusedError):
    """The data for an undo were never stored, or are no longer stored."""


class StillRunningError(RefusedError):
    """A running command cannot be undone yet."""


class LastSignInError(RefusedError):
    """A user would lose the last way to sign in."""


class BadPatternError(InvalidInputError):
    """The search pattern is not valid."""
