"""Every refusal by its name."""

from models.errors import ConflictError, InvalidInputError, NotFoundError, RefusedError


class UnknownNameError(NotFoundError):
    """Nothing has the name or id that was given."""


class AmbiguousNameError(ConflictError):
    """Several documents have the name that was given."""


class NameTakenError(ConflictError):
    """A name is to be given a second time."""


class BadNameError(InvalidInputError):
    """A name that nobody could type or read."""


class LastMemberError(RefusedError):
    """A protected role would be left without an active member."""


class NotUndoableError(RefusedError):
    """What an undo needs was never kept, or is no longer."""


class StillRunningError(RefusedError):
    """Work that goes on cannot be undone yet."""


class LastSignInError(RefusedError):
    """A user would be left without any way to sign in."""
