"""chatctl as it is built and installed, far from its source."""

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
    """Build both distributions, the wheel from what is in the other."""
    folder = tmp_path_factory.mktemp("built")
    uv("build", "--quiet", "--out-dir", folder)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


def uv(*command: object, env: dict[str, object] | None = None) -> None:
    """Have uv do something in the source's folder, with all that this machine needs to reach its packages."""
    variables = os.environ | {name: str(value) for name, value in (env or {}).items()}
    line = [UV, *map(str, command)]
    done = subprocess.run(line, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program as a new user would: with nothing set, at home nowhere, where nothing can be written."""
    here = tmp_path / "here"
    here.mkdir(mode=0o555)
    env = {"PATH": os.defpath, "HOME": str(tmp_path / "home"), "CHATCTL_LOCAL_DIR": str(tmp_path / "local")}

    def run(*command: object, code: int = 0) -> Ran:
        done = subprocess.run([*map(str, command)], cwd=here, env=env, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == code, done
        assert list(here.iterdir()) == []
        return done

    return run
