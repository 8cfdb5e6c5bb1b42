"""Every refusal by its name."""

from database.errors import ConflictError, Fault, InvalidInputError, NotFoundError, RefusedError
from database.wording import counted


class UnknownNameError(NotFoundError):
    """Nothing has the name or id that was given."""


class AmbiguousNameError(ConflictError):
    """Several documents have the name that was given."""


class NameTakenError(ConflictError):
    """A name is to be given a second time."""


class ImportConflictError(ConflictError):
    """People of an import, or their names, are there already; `faults` lists them."""

    def __init__(self, number: int, faults: tuple[Fault, ...]) -> None:
        of_them = "" if number == len(faults) else f" of which these are the first {len(faults):,}"
        super().__init__(
            f"the import has {counted(number, 'conflict')} with what is there{of_them}",
            "nothing was written; --on-conflict skip passes over who is there, update changes them",
        )
        self.faults = faults


class BadNameError(InvalidInputError):
    """A name that nobody could type or read."""


class BadMessageError(InvalidInputError):
    """What nobody could read as a message: nothing, too much, or an image that cannot be loaded."""


class NotParticipantError(RefusedError):
    """Somebody would write into a conversation that they do not take part in."""


class OneToOneError(RefusedError):
    """What only a group can have: a name, or more than two people."""


class LastMemberError(RefusedError):
    """A protected role would be left without an active member."""


class NotUndoableError(RefusedError):
    """What an undo needs was never kept, or is no longer."""


class StillRunningError(RefusedError):
    """Work that goes on cannot be undone yet."""


class LastSignInError(RefusedError):
    """A user would be left without any way to sign in."""


class BadPatternError(InvalidInputError):
    """A pattern that nobody can search by."""
