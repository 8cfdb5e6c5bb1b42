"""Find out which rights the database user lacks.

The error of the server does not name them, so they are derived from the refused command.
"""

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from database.failures import is_refusal
from database.privileges import Privilege, needed


class MissingPrivileges(CommandListener):
    """A listener that the driver calls for each command. `missing` has the rights for the last refused command."""

    def __init__(self) -> None:
        self.missing: set[Privilege] = set()
        self._sent: dict[int, CommandStartedEvent] = {}

    def started(self, event: CommandStartedEvent) -> None:
        self._sent[event.request_id] = event

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._sent.pop(event.request_id, None)

    def failed(self, event: CommandFailedEvent) -> None:
        sent = self._sent.pop(event.request_id, None)
        if sent and is_refusal(event.failure.get("code"), event.failure.get("errmsg")):
            self.missing = needed(sent.command)
