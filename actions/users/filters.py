"""Which users are meant, where many are."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of users is narrowed by; all that is given has to hold. Times are in UTC."""

    status: str | None = None
    role: str | None = None
    permission: str | None = None
    search: str | None = None
    email_domain: str | None = None
    created_since: datetime | None = None
    created_before: datetime | None = None
    inactive_since: datetime | None = None
    unverified: bool = False
    no_password: bool = False
    provider: str | None = None
    no_roles: bool = False
