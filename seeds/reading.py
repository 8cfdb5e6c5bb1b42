"""Read seed files, check them and merge them into one `Seed`, and run the tests of a seed."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from database.errors import NotFoundError
from database.wording import shown
from seeds.schema import check
from seeds.seed import Seed, SeedTest, resolve
from seeds.yaml_tree import MAX_BYTES, Faults, Node, compose

_SHIPPED: Final = Path(__file__).with_name("default.yaml")
_ENDINGS: Final = frozenset({".yaml", ".yml"})
_LOOKS_LIKE_A_SEED: Final = re.compile(
    rb"^version\s*:.*^(permissions|roles|users|retention)\s*:", re.MULTILINE | re.DOTALL
)
_HEAD_BYTES: Final = 64 * 1024
_FOLDER: Final = "seeds"


def read(paths: Sequence[Path] = ()) -> Seed:
    """Read, check and merge seed files and folders. Without paths, read the seed that ships with chatctl.

    Raises `InvalidInputError` with every fault of every file, and `NotFoundError` for a path that does not exist. This
    requires no database and no environment variables.
    """
    for path in paths:
        if not os.path.exists(path):  # noqa: PTH110 - `Path.exists` raises for a NUL or a name that is too long
            raise NotFoundError(f"file or folder {shown(str(path))} not found")
    faults = Faults()
    trees = [tree for file in _files(paths or [_SHIPPED], faults) if (tree := _tree(file, faults))]
    seed = resolve(trees, faults, shipped=not paths)
    faults.raise_if_any()
    return seed


def here() -> list[str]:
    """Return the paths of the seed in the working folder: `./seeds`, or else the YAML files that look like seeds."""
    if any(map(_looks_like_a_seed, _yaml_files(Path(_FOLDER)))):
        return [f"./{_FOLDER}"]
    return [f"./{file}" for file in _yaml_files(Path()) if _looks_like_a_seed(file)]


def _yaml_files(folder: Path) -> list[Path]:
    """List the YAML files of a folder by name, without hidden files. If the folder cannot be read, return no files."""
    try:
        files = sorted(folder.iterdir(), key=lambda file: file.name)
    except OSError:
        return []
    return [file for file in files if file.suffix in _ENDINGS and not file.name.startswith(".")]


def _looks_like_a_seed(file: Path) -> bool:
    try:
        # A pipe is not read, because the program could wait for ever.
        if not file.is_file() or file.samefile(_SHIPPED):
            return False
        with file.open("rb") as stream:
            return bool(_LOOKS_LIKE_A_SEED.search(stream.read(_HEAD_BYTES)))
    except OSError:
        return False


def parse(data: bytes, name: str) -> Seed:
    """Read a seed from the bytes of one file, and check the seed as `read` does."""
    faults = Faults()
    tree = compose(data, name, faults)
    if tree:
        check(tree, faults)
    seed = resolve([tree] if tree else [], faults)
    faults.raise_if_any()
    return seed


def _files(paths: Sequence[Path], faults: Faults) -> Iterator[Path]:
    """List the seed files of all paths, each only once. The files of a folder are sorted by name."""
    seen = set()
    for path in paths:
        for file in _seed_files(path, faults) if path.is_dir() else [path]:
            real = os.path.realpath(file)  # unlike `Path.resolve`, this raises no error for circular links
            if real not in seen:
                seen.add(real)
                yield file


def _seed_files(folder: Path, faults: Faults) -> list[Path]:
    """Return the seed files of a folder, without hidden files. If there are none, note a fault."""
    try:
        files = sorted(folder.iterdir(), key=lambda file: file.name)
    except OSError as error:
        faults.stop(str(folder), _unreadable(error))
        return []
    seeds = [file for file in files if file.suffix in _ENDINGS and not file.name.startswith(".") and not file.is_dir()]
    if not seeds:
        faults.stop(str(folder), "the folder contains no seed files (*.yaml or *.yml)")
    return seeds


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or 'unknown reason').lower()}"


def _tree(file: Path, faults: Faults) -> Node | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(faults.bytes_left + 1)
    except OSError as error:
        faults.stop(str(file), _unreadable(error))
        return None
    faults.bytes_left -= len(data)
    if faults.bytes_left < 0:
        faults.bytes_left = 0
        faults.stop(str(file), f"a seed has at most {MAX_BYTES // 1024 // 1024} MiB in all its files")
        return None
    tree = compose(data, str(file), faults)
    if tree:
        check(tree, faults)
    return tree


class Assertion(NamedTuple):
    """One check in a test of a seed, with its result. `place` is file:line:column.

    `message` says why the check failed.
    """

    role: str
    expected: str
    """The word in the seed file: `can` or `cannot`."""
    permission: str
    passed: bool
    place: str
    message: str | None = None


def run(seed: Seed, *, live: bool = False) -> list[Assertion]:
    """Run the tests of a seed, and return the results.

    The tests check the roles in the seed. With `live`, they check the roles in the database.
    """
    roles: Mapping[str, frozenset[str] | None]
    if live:
        # The module is imported here, because only `live` requires the database driver.
        from seeds.state import permissions_by_role

        roles = permissions_by_role({test.role for test in seed.tests})
    else:
        roles = {role.name: role.permissions for role in seed.roles}
    return [assertion for test in seed.tests for assertion in _assertions(test, roles)]


def _assertions(test: SeedTest, roles: Mapping[str, frozenset[str] | None]) -> Iterator[Assertion]:
    allowed = roles.get(test.role)
    for expected, names in (("can", test.can), ("cannot", test.cannot)):
        for name, at in names.items():
            if test.role not in roles:
                message: str | None = f"role {shown(test.role)} not found"
            elif allowed is None:
                message = f"the seed does not say what {shown(test.role)} can do"
            elif (name in allowed) == (expected == "can"):
                message = None
            else:
                message = f"{shown(test.role)} {'can' if name in allowed else 'cannot'} {name}; expected: {expected}"
            yield Assertion(test.role, expected, name, message is None, at.place, message)
