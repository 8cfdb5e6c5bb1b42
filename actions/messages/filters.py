"""Which messages are meant, where many are."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of messages, or a search, is narrowed by; all that is given has to hold. Times are in UTC."""

    conversation: str | None = None
    sender: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_image: bool = False
    unseen_by: str | None = None
