"""A browser for tests and for the tour: Chromium, steered by Playwright from the folder that tools.ui.install has made.

Playwright is not among the project's packages, so what is used of it is described here.
"""

import importlib
import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from tools.ui.install import AXE, PACKAGES, found_browser

FOLDER_VARIABLE = "FERRY_UI_FOLDER"
WIDE, NARROW = (1200, 900), (360, 740)

type Scheme = Literal["light", "dark"]


class Locator(Protocol):
    """Elements of a page; waits until they are there, and asks again until they are as expected."""

    @property
    def first(self) -> "Locator": ...
    def click(self, *, timeout: float = ...) -> None: ...
    def fill(self, value: str) -> None: ...
    def press(self, key: str) -> None: ...
    def count(self) -> int: ...
    def check(self) -> None: ...
    def uncheck(self) -> None: ...
    def inner_text(self, *, timeout: float = ...) -> str: ...
    def input_value(self) -> str: ...
    def get_attribute(self, name: str) -> str | None: ...
    def select_option(self, value: str) -> object: ...
    def wait_for(self, *, state: str = ..., timeout: float = ...) -> None: ...
    def locator(self, selector: str) -> "Locator": ...
    def filter(self, *, has_text: str) -> "Locator": ...
    def get_by_role(self, role: str, *, name: str = ..., exact: bool = ...) -> "Locator": ...
    def get_by_text(self, text: str, *, exact: bool = ...) -> "Locator": ...
    def all(self) -> Sequence["Locator"]: ...
    def all_inner_texts(self) -> list[str]: ...
    def evaluate(self, script: str) -> object: ...


class Keyboard(Protocol):
    """The keys."""

    def press(self, key: str) -> None: ...
    def type(self, text: str) -> None: ...


class Request(Protocol):
    """What the page asks for."""

    method: str
    url: str
    headers: Mapping[str, str]


class Page(Locator, Protocol):
    """A tab."""

    url: str
    keyboard: Keyboard

    def goto(self, url: str) -> object: ...
    def reload(self) -> object: ...
    def go_back(self) -> object: ...
    def title(self) -> str: ...
    def on(self, event: str, handler: Callable[[Any], None]) -> None: ...
    def get_by_label(self, text: str, *, exact: bool = ...) -> Locator: ...
    def wait_for_selector(self, selector: str, *, timeout: float = ...) -> object: ...
    def wait_for_function(self, script: str, *, arg: object = ..., timeout: float = ...) -> object: ...
    def wait_for_timeout(self, timeout: float) -> None: ...
    def add_init_script(self, script: str) -> None: ...
    def set_viewport_size(self, viewport_size: Mapping[str, int]) -> None: ...
    def emulate_media(self, *, color_scheme: str = ...) -> None: ...
    def screenshot(self, *, full_page: bool = ..., clip: Mapping[str, float] | None = ...) -> bytes: ...
    def evaluate(self, script: str, arg: object = ...) -> object: ...
    def route(self, url: str, handler: Callable[[Any], None]) -> None: ...
    def unroute(self, url: str) -> None: ...
    def close(self) -> None: ...


class Context(Protocol):
    """A session of its own: nothing in it is known to another one."""

    def new_page(self) -> Page: ...
    def close(self) -> None: ...
    def add_init_script(self, script: str) -> None: ...


class Browser(Protocol):
    """The browser."""

    def new_context(self, **options: object) -> Context: ...
    def close(self) -> None: ...


def folder() -> Path | None:
    """The folder of tools.ui.install, where this process was told of one."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def axe_source() -> str:
    """The script of axe-core."""
    return (_needed_folder() / AXE).read_text(encoding="utf-8")


@contextmanager
def launched() -> Generator[Browser]:
    """Chromium, for as long as the block lasts."""
    place = _needed_folder()
    packages = str(place / PACKAGES)
    if packages not in sys.path:
        sys.path.append(packages)
    os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(place))
    playwright: Any = importlib.import_module("playwright.sync_api")
    # A sandbox cannot be made by root, and /dev/shm is small in containers.
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with playwright.sync_playwright() as running:
        browser: Browser = running.chromium.launch(executable_path=found_browser(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def new_context(browser: Browser, *, scheme: Scheme = "light", size: tuple[int, int] = WIDE) -> Context:
    """A session with this colour scheme and size, without animations."""
    viewport = {"width": size[0], "height": size[1]}
    return browser.new_context(
        viewport=viewport, color_scheme=scheme, reduced_motion="reduce", locale="en-GB", timezone_id="UTC"
    )


def _needed_folder() -> Path:
    place = folder()
    if place is None:
        raise RuntimeError(f"{FOLDER_VARIABLE} is not set: start this with ./run ui-test or ./run tour")
    return place
