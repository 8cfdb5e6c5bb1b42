"""Make the cells of an import from the records of another product's file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from database.wording import NAMED, counted, shown
from imports.columns import REQUIRED, is_bcrypt, is_data
from imports.formats import Problem, Row
from imports.products.description import Product, Source
from imports.products.values import Getter, Record, filled, getter, text, time, truth
from models.values import UserStatus

NOT_AN_OBJECT: Final = "expected an object with the columns as keys"
NOT_CHECKED: Final = "the application cannot check this password hash"
MAX_NAMES: Final = 1000
"""The most headers or keys of a file that are remembered."""
AROUND_PROVIDERS: Final = ("oauth_", ".com", "-oauth2")
"""Texts that products add to the name of a provider: oauth_google, google.com and google-oauth2 mean google."""
USERNAMES: Final = "add --username-from email to make usernames from the part before the @"


def an_export(product: Product) -> str:
    return f"{'an' if product.name[:1].upper() in 'AEIOU' else 'a'} {product.name} export"


def of_another(product: Product) -> Problem:
    """Return the problem of a file that the expected product did not export. The hint lists the names in its files."""
    expected = " or ".join(", ".join(group) for group in product.recognized[:2])
    hint = f"a file of {product.name} has {expected}" if expected else "name the columns with --map HEADER=column"
    return Problem(1, None, f"this is not {an_export(product)}", hint)


class Translation:
    """Makes rows from the records of one file of another product.

    This class also counts the users and the password hashes that are not imported.
    """

    def __init__(
        self,
        product: Product,
        maps: Mapping[str, str],
        *,
        required: Sequence[str] = REQUIRED,
        require_passwords: bool = False,
    ) -> None:
        """Make a translation.

        `maps` (name in the file → column) replaces the product's own sources of these columns.
        """
        self.product = _with_maps(product, maps)
        self.has_email = False
        self._has_records = False
        self._required = required
        self._require_passwords = require_passwords
        self._left_out: Counter[str] = Counter()
        self._lost_hashes = 0
        self._nameless = 0
        self._maps = maps
        self._names: dict[str, bool] = {}
        self._settled: set[str] = set()
        self._spelling = {name.casefold(): name for name in self.product.used}
        readers = dict.fromkeys(("createdAt", "lastLogin"), time) | {
            "emailVerified": _verified,
            "hashedPassword": _hash,
            "roles": lambda value: value,
            "accounts": lambda value: value,
        }
        sources = self.product.columns.items()
        self._columns = [(column, source.get, readers.get(column, text)) for column, source in sources]

    def meaning(self, name: str) -> str | None:
        """Return a header or key in the spelling of the product's description.

        Return None if the description does not name it.
        """
        return self._spelling.get(name.strip().casefold())

    def row(self, number: int, record: Any, given: Any) -> Row | None:
        """Return the row to import for a record of the file, or None if the record is left out of the import."""
        if not isinstance(record, dict):
            return Row(number, None, given, [NOT_AN_OBJECT])
        product = self.product
        self._has_records = True
        if product.only and not any(test(record) for test in product.only):
            return None
        self._meet(record)
        cells = self._cells(record)
        self.has_email = self.has_email or "email" in cells
        for name, test in product.left_out:
            if test(record):
                self._left_out[name] += 1
                return None
        self._nameless += "username" in self._required and "username" not in cells
        return Row(number, cells, given, self._faults(record, cells))

    def _meet(self, record: Record) -> None:
        """Remember the names in a record.

        For names that are not imported, also remember whether any record has a value.
        """
        for name in record:
            if name in self._settled or (name not in self._names and len(self._names) == MAX_NAMES):
                continue
            self._names.setdefault(name, False)
            if self.meaning(name) or is_data(name):
                self._settled.add(name)
            elif filled(record[name]):
                self._settled.add(name)
                self._names[name] = True

    def _cells(self, record: Record) -> dict[str, Any]:
        nothing = self.product.nothing
        cells: dict[str, Any] = {}
        for column, get, read in self._columns:
            value = get(record)
            if value is None or value == "":
                continue
            value = read(value)
            if value is not None and not (isinstance(value, str) and value in nothing):
                cells[column] = value
        if "@" in str(cells.get("username", "")):  # Some products export the e-mail address as the username.
            del cells["username"]
        # If a name is missing, some products export the e-mail address as the name.
        if cells.get("name") == cells.get("email"):
            cells.pop("name", None)
        if any(test(record) for test in self.product.suspended):
            cells["status"] = UserStatus.SUSPENDED.value
        if accounts := self._accounts(record):
            cells["accounts"] = accounts
        return cells

    def _accounts(self, record: Record) -> list[dict[str, Any]]:
        own = self.product.own_providers
        found = (account for accounts in self.product.accounts for account in accounts(record))
        return [
            {**account, "provider": _provider(account["provider"])}
            for account in found
            if account["provider"] and account["providerAccountId"] and account["provider"] not in own
        ]

    def _faults(self, record: Record, cells: dict[str, Any]) -> list[str]:
        """Return the faults of the password of a user. Remove a hash that the application cannot check from `cells`.

        A hash that cannot be checked, or a missing password, is a fault only if passwords are required.
        """
        hashed = cells.get("hashedPassword")
        lost = hashed is not None and not is_bcrypt(hashed)
        if lost:
            del cells["hashedPassword"]
        if lost or ("hashedPassword" not in cells and any(get(record) for get in self.product.unusable)):
            self._lost_hashes += 1
            return [NOT_CHECKED] if self._require_passwords else []
        if self._require_passwords and not cells.keys() & {"password", "hashedPassword", "accounts"}:
            return ["no password and no linked sign-in"]
        return []

    @property
    def missing(self) -> list[str]:
        """Return the required columns that are missing.

        These are `email` if the file has no e-mails, and `username` if at least one user has no username.
        """
        return ["email"] * (not self.has_email) + ["username"] * bool(self._nameless)

    def problem(self) -> Problem | None:
        """Return the problem of the file, or None.

        The problem quotes no personal data. Call this after all records were read.
        """
        if not self._has_records:
            return None
        lost = [name for name in self._maps if not {name, name.partition(".")[0]} & self._names.keys()]
        if lost:
            said = f"--map names a column or key that the file does not have: {', '.join(map(shown, lost))}"
            return Problem(1, None, said, "correct the --map option")
        if not self.has_email:
            return of_another(self.product)
        if self._nameless:
            verb = "has" if self._nameless == 1 else "have"
            return Problem(1, None, f"{counted(self._nameless, 'user')} {verb} no username", USERNAMES)
        return None

    def notes(self) -> list[str]:
        """Return sentences about the users, passwords and columns that are not imported."""
        others = [name for name, has_values in self._names.items() if has_values and name]
        more = [f"and {len(others) - NAMED:,} more"] if len(others) > NAMED else []
        notes = [f"left out: {', '.join(f'{name} ({n:,})' for name, n in self._left_out.items())}"] * bool(
            self._left_out
        )
        if self._lost_hashes:
            verb = "has" if self._lost_hashes == 1 else "have"
            users = f"{counted(self._lost_hashes, 'user')} {verb} a password that the application cannot check"
            notes.append(f"{users}: it is not imported and must be reset by e-mail")
        return notes + [f"not imported: {', '.join([*others[:NAMED], *more])}"] * bool(others)


def _with_maps(product: Product, maps: Mapping[str, str]) -> Product:
    columns = dict(product.columns)
    given = {column: name for name, column in maps.items() if column}
    for ignored in (name for name, column in maps.items() if not column):
        columns = {column: _without(source, ignored) for column, source in columns.items()}
    columns |= {column: Source(getter(name), (name,)) for column, name in given.items()}
    return replace(
        product,
        columns=columns,
        suspended=() if "status" in given else product.suspended,
        accounts=() if "accounts" in given else product.accounts,
        used=product.used | {one for name in maps for one in (name, name.partition(".")[0])},
    )


def _without(source: Source, name: str) -> Source:
    if name not in source.paths:
        return source
    get: Getter = source.get
    return source._replace(get=lambda record: get({key: value for key, value in record.items() if key != name}))


def _provider(name: Any) -> str:
    """Return the name of a provider as the application writes it."""
    short = str(name).casefold()
    for part in AROUND_PROVIDERS:
        short = short.removeprefix(part).removesuffix(part)
    return short


def _verified(value: Any) -> Any:
    known = truth(value)
    return time(value) if known is None else known


def _hash(value: Any) -> Any:
    """Read a hash. Django writes `bcrypt$` before a bcrypt hash. A text with `!` means that a user has no password."""
    found = text(value)
    if not isinstance(found, str):
        return found
    return None if found.startswith("!") else found.removeprefix("bcrypt$")
