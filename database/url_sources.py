"""Choose the URL of the database: from options, the environment, a file or `.env`, in that order.

python-dotenv reads some files differently. It does not end a value at a `#` after a letter, knows no backticks and no
`KEY: value`, replaces more escapes, and expands only variables that are defined above. A URL that is read differently
can be another database than the application's, so the rules are implemented here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from database import urls
from database.errors import NotConfiguredError, UsageError
from database.wording import shown

if TYPE_CHECKING:
    from database.contexts import Context


_ASSIGNMENT = re.compile(
    r"""
    ^\s* (?:export\s+)? (?P<key>[A-Za-z0-9_.-]+) (?: \s*=\s*? | :\s+? )
    (?P<value> \s*(?P<quote>['"`]) (?: \\(?P=quote) | (?!(?P=quote))[\s\S] )* (?P=quote) | [^\#\r\n]+ )?
    \s* (?:\#.*)? $
    """,
    re.VERBOSE | re.MULTILINE,
)
_QUOTED = re.compile(r"""(['"`])([\s\S]*)\1""")
_VARIABLE = re.compile(r"(\\?)\$\{(\w*)\}", re.ASCII)


def read_dotenv(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a file, expanded. A variable of the environment wins over the file's own."""
    said = {match["key"]: _unquoted(match["value"] or "") for match in _ASSIGNMENT.finditer(_lines(text))}
    known = {**said, **environment}
    return {name: _expanded(known[name], known, (name,)) for name in said}


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unquoted(value: str) -> str:
    value = value.strip()
    quoted = _QUOTED.fullmatch(value)
    inside = quoted[2] if quoted else value
    return inside.replace("\\n", "\n").replace("\\r", "\r") if value.startswith('"') else inside


def _expanded(value: str, known: Mapping[str, str], within: tuple[str, ...]) -> str:
    """Replace `${NAME}` by its value; by nothing if the name is unknown, or is already being expanded."""

    def one(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return match[0][1:]
        return "" if name in within else _expanded(known.get(name, ""), known, (*within, name))

    return _VARIABLE.sub(one, value)


VARIABLE = "MONGODB_DATABASE_URL"
CONTEXT = "CHATCTL_CONTEXT"
LOCAL_NAME = "chatctl"
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})
_HOW = f"set {VARIABLE} to {urls.EXAMPLE}, or use the embedded database with --local"


@dataclass(frozen=True)
class Choice:
    """The root options of a run; nothing is read until the database is needed."""

    url: str | None = field(default=None, repr=False)
    local: bool = False
    env_file: Path | None = None
    expect: str | None = None
    context: str | None = None

    def __post_init__(self) -> None:
        given = {"--url": self.url is not None, "--local": self.local, "--context": self.context is not None}
        named = [option for option, is_given in given.items() if is_given]
        if len(named) > 1:
            raise UsageError(f"{' and '.join(named[:2])} cannot be combined", "use only one of them")


@dataclass(frozen=True)
class Source:
    """Where the database was chosen.

    `url` is None for the embedded database, and for a `context` until the database is needed. `found` is true for a
    `.env` in the working directory, which the user did not name.
    """

    label: str
    url: str | None = field(default=None, repr=False)
    context: "Context | None" = None
    found: bool = False

    @property
    def address(self) -> urls.Address:
        """The address in its URL; raises `NotConfiguredError`."""
        return urls.parse(self.url or "", self.label)


def find(choice: Choice, environment: Mapping[str, str]) -> Source:
    """Return the first source that chooses a database."""
    return (
        _from_options(choice)
        or _from_environment(environment)
        or _from_env_files(choice.env_file, environment)
        or _of_context()
    )


def without_files(choice: Choice, environment: Mapping[str, str]) -> Source | None:
    """Find the source like `find`, but read no `.env`: None if there is one, because it could choose the database."""
    if source := _from_options(choice) or _from_environment(environment):
        return source
    return None if choice.env_file or any(_env_files_here()) else _of_context()


def _from_options(choice: Choice) -> Source | None:
    if choice.local:
        return Source("--local")
    if choice.url is not None:
        return Source("--url", choice.url.strip())
    return None if choice.context is None else _of_context(choice.context)


def _from_environment(environment: Mapping[str, str]) -> Source | None:
    if _local_by_environment(environment):
        return Source("CHATCTL_LOCAL")
    if name := environment.get(CONTEXT):
        return _of_context(name)
    if VARIABLE in environment:
        return Source(VARIABLE, environment[VARIABLE].strip())
    if file := environment.get(f"{VARIABLE}_FILE"):
        return Source(f"{VARIABLE}_FILE", urls.read(Path(file), f"{VARIABLE}_FILE").strip())
    return None


def _local_by_environment(environment: Mapping[str, str]) -> bool:
    """Read CHATCTL_LOCAL; a word that is ignored would be a command on the wrong database."""
    said = environment.get("CHATCTL_LOCAL", "").strip()
    if said.lower() not in _YES | _NO:
        raise UsageError(f"CHATCTL_LOCAL: {shown(said)} is not valid here. Choose true or false.")
    return said.lower() in _YES


def _of_context(name: str | None = None) -> Source:
    """Return a context by its name, otherwise the current one. Its URL is read when the database is needed."""
    from database import contexts  # imported here because most runs do not need it

    known = contexts.load()
    context = known.current_context() if name is None else known.named(name)
    if context is None:
        how = "use --context NAME, or choose a current context: chatctl context use NAME" if known.by_name else _HOW
        raise NotConfiguredError("no database is configured", how)
    return Source(context.label, context=context)


def _from_env_files(named: Path | None, environment: Mapping[str, str]) -> Source | None:
    """Read only `--env-file`, otherwise `.env` and `prisma/.env`; each can use variables of the files before it."""
    known = dict(environment)
    for file in [named] if named else _env_files_here():
        known = {**read_dotenv(urls.read(file, "the .env file"), known), **known}
        if VARIABLE in known:
            return Source(str(file), known[VARIABLE].strip(), found=named is None)
    if named:
        raise NotConfiguredError(f"{named} does not set {VARIABLE}", _HOW)
    return None


def _env_files_here() -> Iterator[Path]:
    return (path for path in (Path(".env"), Path("prisma", ".env")) if path.is_file())
