"""Which files are written from the code, and what has to stand in each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tools.reference.api_page import api_page
from tools.reference.dashboard_causes import dashboard_causes
from tools.reference.errors_page import errors_page
from tools.reference.settings_page import settings_page
from tools.reference.states_page import states_page
from tools.reference.steps_page import steps_page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"

PAGES: Mapping[Path, Callable[[], str]] = {
    FOLDER / "settings.md": settings_page,
    FOLDER / "errors.md": errors_page,
    FOLDER / "api.md": api_page,
    FOLDER / "states.md": states_page,
    FOLDER / "steps.md": steps_page,
    ROOT / "web" / "dashboard" / "causes.js": dashboard_causes,
}


def stale() -> dict[Path, str]:
    """The files that differ from what they should be, with that."""
    wanted = {path: make() for path, make in PAGES.items()}
    return {path: text for path, text in wanted.items() if _read(path) != text}


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
