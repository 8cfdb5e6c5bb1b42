"""Which conversations are meant, where many are."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of conversations is narrowed by; all that is given has to hold. Times are in UTC."""

    user: str | None = None
    between: tuple[str, str] | None = None
    group: bool = False
    direct: bool = False
    active_since: datetime | None = None
    idle_since: datetime | None = None
    search: str | None = None
    empty: bool = False
