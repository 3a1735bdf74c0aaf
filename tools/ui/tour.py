"""Takes the pictures of docs/tour.md from a running pair, so that they are never older than the code.

    ./run tour [--check]

The texts stand in docs/tour.md and name the pictures; `--check` only walks through, and writes nothing.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from typing import Any, cast

from ferry.cli.blob_checks import create_container
from ferry.cli.management import ManagementClient
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack, StackOptions
from ferry.emulators.relay_faults import RelayFault
from tools.ui.browser import NARROW, Browser, Page, launched, new_context
from tools.ui.install import ROOT

DOCUMENT = ROOT / "docs" / "tour.md"
PICTURES = ROOT / "docs" / "pictures" / "tour"
COLOURS = 96
MAX_BYTES = 120_000
SECONDS = 30.0
SETTLE_MS = 200.0
WIDTH, LIST_HEIGHT = 1000, 560
SOURCE = "weather-2026"
FILES = {f"{station}/{month:02}.csv": bytes(40_000) for station in ("bergen", "oslo") for month in range(1, 13)}
HELD = "oslo"
NO_SUCH_KEY = "no-such-key"


class Tour:
    """The way through the dashboard. `shot` is given a name, and the height that is kept of the page (None: all)."""

    def __init__(self, stack: LocalStack, page: Page, shot: Callable[[str, int | None, Page], None]) -> None:
        self._stack, self._page, self._shot = stack, page, shot
        self._url = f"{stack.consumer.url}/api/dashboard"

    def go(self) -> None:
        """All of it."""
        self._sign_in()
        self._agree()
        self._start()
        self._both_sides()
        self._fail()
        self._list()

    def list_alone(self, page: Page) -> None:
        """The list, in another tab."""
        page.goto(self._url)
        page.get_by_label("Key or token").fill(self._stack.consumer.api_key)
        page.keyboard.press("Enter")
        page.locator("table.transfers").wait_for()

    def _sign_in(self) -> None:
        self._page.goto(self._url)
        self._page.get_by_label("Key or token").wait_for()
        self._shot("sign-in", 470, self._page)
        self._page.get_by_label("Key or token").fill(self._stack.consumer.api_key)
        self._button("Sign in")
        self._heading("Transfers")

    def _agree(self) -> None:
        self._page.get_by_role("link", name="Catalog", exact=True).click()
        self._page.get_by_label("Partner").fill(self._stack.provider.protocol_url)
        self._button("Show catalog")
        self._page.locator(".offers li").first.wait_for()
        self._shot("catalog", 620, self._page)
        self._page.locator(".offers li").filter(has_text=SOURCE).locator("button").click()
        self._badge("FINALIZED")
        self._shot("negotiation", 620, self._page)

    def _start(self) -> None:
        """The storage is too busy for half of the blobs, until the picture is taken."""
        self._stack.admin.plan_relay_faults(
            RelayFault("status", status=503, service="blob", method="PUT", path_contains=HELD)
        )
        self._button("Start transfer")
        self._heading(SOURCE)
        half = len(FILES) // 2
        self._page.get_by_text(f"{half} of {len(FILES)}", exact=True).wait_for()
        self._shot("running", 900, self._page)
        self._stack.admin.plan_relay_faults()
        self._badge("COMPLETED")
        self._shot("completed", 900, self._page)

    def _both_sides(self) -> None:
        self._page.get_by_label("Key or token of the other side").fill(self._stack.provider.api_key)
        self._button("Show the other side")
        self._page.get_by_text("marker written", exact=True).first.wait_for()
        self._shot("both-sides", None, self._page)
        self._page.get_by_role("group", name="Actions").get_by_role("button", name="Deprovision").click()
        self._page.get_by_role("dialog").wait_for()
        self._shot("question", 620, self._page)
        self._page.get_by_role("dialog").get_by_role("button", name="Deprovision").click()
        self._badge("DEPROVISIONED")

    def _fail(self) -> None:
        """One that cannot succeed, after one that can."""
        account, url = self._stack.resources(CONSUMER).data_storage.name, self._stack.provider.protocol_url
        wrong = {"account": account, "keyName": NO_SUCH_KEY}
        with ManagementClient(self._stack.consumer.management_url, self._stack.consumer.api_key) as consumer:
            found = cast("list[dict[str, str]]", consumer.call("POST", "/contractagreements/request", {}))
            agreement_id = found[0]["@id"]
            consumer.start_transfer(url, asset_id=SOURCE, contract_id=agreement_id)
            failed = consumer.start_transfer(url, asset_id=SOURCE, contract_id=agreement_id, destination=wrong)
        self._page.evaluate("path => { location.hash = path }", f"#/transfers/{failed}")
        self._badge("TERMINATED")
        self._shot("failed", 700, self._page)

    def _list(self) -> None:
        self._page.get_by_role("link", name="Transfers", exact=True).click()
        rows = self._page.locator("table.transfers tbody tr")
        _until(lambda: rows.filter(has_text="COMPLETED").count() == 1 and rows.count() == 3)
        self._shot("transfers", LIST_HEIGHT, self._page)

    def _button(self, name: str) -> None:
        self._page.get_by_role("button", name=name, exact=True).click()

    def _heading(self, text: str) -> None:
        self._page.locator("main h1").filter(has_text=text).wait_for()

    def _badge(self, state: str) -> None:
        self._page.locator("section[aria-label='How it stands'] .badge").filter(has_text=state).first.wait_for()


def offer(stack: LocalStack) -> None:
    """What the provider has to offer, under a name that people can read."""
    account = stack.resources(PROVIDER).data_storage.name
    with stack.blobs(PROVIDER) as blobs, ManagementClient(stack.provider.management_url, stack.provider.api_key) as api:
        create_container(blobs, SOURCE, FILES)
        source = {"account": account, "container": SOURCE, "blobPrefix": ""}
        api.create_asset(SOURCE, source, {"name": "Weather of 2026, hourly"})
        api.create_policy("everybody")
        api.create_contract_definition("weather", "everybody", SOURCE)


def pictures(stack: LocalStack) -> dict[str, bytes]:
    """Every picture by its name."""
    taken: dict[str, bytes] = {}

    def shot(name: str, height: int | None, page: Page) -> None:
        page.wait_for_timeout(SETTLE_MS)
        clip = {"x": 0.0, "y": 0.0, "width": float(WIDTH), "height": float(height)} if height else None
        taken[name] = page.screenshot(full_page=clip is None, clip=clip)

    with launched() as browser:
        with _tab(browser, size=(WIDTH, 900)) as page:
            tour = Tour(stack, page, shot)
            tour.go()
        with _tab(browser, scheme="dark", size=(WIDTH, LIST_HEIGHT)) as page:
            tour.list_alone(page)
            shot("transfers-dark", LIST_HEIGHT, page)
        with _tab(browser, size=NARROW) as page:
            tour.list_alone(page)
            taken["transfers-narrow"] = page.screenshot()
    return taken


def small(png: bytes) -> bytes:
    """The same picture with few colours: a tenth of the size, and nobody sees it."""
    image: Any = import_module("PIL.Image")
    opened = image.open(BytesIO(png)).convert("RGB")
    method, dither = image.Quantize.MAXCOVERAGE, image.Dither.NONE  # rare colours are those of states, and stay
    reduced = opened.quantize(colors=COLOURS, method=method, kmeans=4, dither=dither)
    written = BytesIO()
    reduced.save(written, format="PNG", optimize=True)
    return written.getvalue()


def named_in_document() -> set[str]:
    """The pictures that docs/tour.md shows."""
    return set(re.findall(r"\(pictures/tour/([a-z-]+)\.png\)", DOCUMENT.read_text(encoding="utf-8")))


@contextmanager
def _tab(browser: Browser, **options: Any) -> Generator[Page]:  # noqa: ANN401 - those of new_context
    context = new_context(browser, **options)
    try:
        yield context.new_page()
    finally:
        context.close()


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("the dashboard does not show what it should")
        time.sleep(0.1)


def main() -> int:
    """Take them, or only look whether they can be taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="walk through and write nothing")
    is_check = parser.parse_args().check
    with LocalStack.start(StackOptions(relay=True)) as stack:
        offer(stack)
        taken = {name: small(png) for name, png in pictures(stack).items()}
    faults = [f"{name}.png has {len(png)} bytes" for name, png in taken.items() if len(png) > MAX_BYTES]
    if named_in_document() != taken.keys():
        faults.append(f"{DOCUMENT.name} shows {sorted(named_in_document())}, and there are {sorted(taken)}")
    if not is_check:
        PICTURES.mkdir(parents=True, exist_ok=True)
        for name, png in taken.items():
            (PICTURES / f"{name}.png").write_bytes(png)
            print(f"{name}.png {len(png):6} bytes")
    for fault in faults:
        print(f"tour: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
