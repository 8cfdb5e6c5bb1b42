"""Build chatctl, and install it outside the folder of its source."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
UV = os.environ.get("UV") or shutil.which("uv") or "uv"

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both distributions. The wheel is built from the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    uv("build", "--quiet", "--out-dir", folder)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


def uv(*command: object, env: dict[str, object] | None = None) -> None:
    """Run uv in the folder of the source, with the environment that it needs to download packages."""
    variables = os.environ | {name: str(value) for name, value in (env or {}).items()}
    line = [UV, *map(str, command)]
    done = subprocess.run(line, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a program as on a new machine.

    No variables are set, the home folder does not exist, and the working folder cannot be written.
    """
    here = tmp_path / "here"
    here.mkdir(mode=0o555)
    env = {"PATH": os.defpath, "HOME": str(tmp_path / "home"), "CHATCTL_LOCAL_DIR": str(tmp_path / "local")}

    def run(*command: object, code: int = 0) -> Ran:
        done = subprocess.run([*map(str, command)], cwd=here, env=env, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == code, done
        assert list(here.iterdir()) == []
        return done

    return run
