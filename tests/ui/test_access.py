"""Who cannot see, or has no mouse, or a small screen: axe-core, keyboard, 360 pixels, nothing that jumps."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from tests.e2e.failure_stage import FailureStage
from tests.e2e.pair import until
from tools.ui.browser import NARROW, WIDE, Scheme, axe_source

from .dashboard import Dashboard
from .views import VIEWS, Examples, View

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PICTURES_VARIABLE = "FERRY_UI_PICTURES"
RULES = """async () => (await axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations.map((it) => ({id: it.id, impact: it.impact, where: it.nodes.map((node) => node.html).join(" | ")}))"""
# Texts that are squeezed into a column so narrow that their words are cut into pieces.
CRUSHED = """(() => {
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode, range = document.createRange();
    const words = node.data.trim().split(/[^\\p{L}\\p{N}]+/u);
    range.selectNodeContents(node);
    const lines = range.getClientRects().length;
    const holder = node.parentElement, hidden = ".unseen, .mono, dialog, .stacked thead";
    const isSeen = holder.checkVisibility() && !holder.closest(hidden);
    if (isSeen && lines > words.length && Math.max(...words.map((it) => it.length)) <= 14) found.push(node.data);
  }
  return found;
})()"""
MAX_SHIFT = 0.02


@pytest.fixture(scope="module")
def kept() -> list[Examples]:
    """The examples of this file, made once."""
    return []


@pytest.fixture
def examples(stage: FailureStage, kept: list[Examples]) -> Examples:
    """Processes to look at."""
    if not kept:
        kept.append(Examples.made(stage))
    return kept[0]


def picture(dashboard: Dashboard, name: str) -> None:
    """Keep what is seen, where somebody wants to see it."""
    folder = os.environ.get(PICTURES_VARIABLE)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.png").write_bytes(dashboard.page.screenshot(full_page=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_view_has_no_fault_that_axe_knows_and_fits(
    view: View,
    size: tuple[int, int],
    scheme: Scheme,
    examples: Examples,
    open_dashboard: Callable[..., Dashboard],
) -> None:
    dashboard = open_dashboard(scheme=scheme, size=size)
    view(dashboard, examples)
    picture(dashboard, f"{view.__name__}-{scheme}-{size[0]}")

    dashboard.page.evaluate(axe_source())
    found = cast("Sequence[Mapping[str, str]]", dashboard.page.evaluate(RULES))
    assert [dict(it) for it in found] == []
    assert dashboard.number("document.documentElement.scrollWidth") <= size[0]
    assert dashboard.texts(CRUSHED) == []
    assert dashboard.page.evaluate("document.documentElement.dataset.theme") == scheme


def test_colours_follow_the_machine_until_somebody_chooses(dashboard: Dashboard) -> None:
    page = dashboard.page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = until(lambda: page.evaluate(ground), lambda colour: colour != light)

    dashboard.button("Theme: system").click()
    assert page.evaluate(ground) == light
    dashboard.button("Theme: light").click()
    assert page.evaluate(ground) == dark
    page.emulate_media(color_scheme="light")
    page.reload()
    dashboard.button("Theme: dark").wait_for()
    assert page.evaluate(ground) == dark


def test_everything_is_done_with_the_keyboard(open_dashboard: Callable[..., Dashboard], stage: FailureStage) -> None:
    contract = stage.contract({"a.txt": b"a"})
    dashboard = open_dashboard()
    dashboard.open()
    page, keys = dashboard.page, dashboard.page.keyboard
    dashboard.heading("Sign in").wait_for()
    tab_to(dashboard, "Key or token")
    keys.type(dashboard.participant.api_key)
    keys.press("Enter")
    dashboard.heading("Transfers").wait_for()

    tab_to(dashboard, "Agreements", backwards=True)
    keys.press("Enter")
    dashboard.heading("Agreements").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1"
    tab_to(dashboard, f"Start a transfer {contract.asset_id}")
    keys.press("Enter")
    dashboard.heading("Agreement").wait_for()
    dashboard.button("Start transfer").first.wait_for()
    tab_to(dashboard, "Start transfer")
    keys.press("Enter")
    dashboard.heading(contract.asset_id).wait_for()
    dashboard.wait_for_state("COMPLETED")

    tab_to(dashboard, "Deprovision")
    keys.press("Enter")
    page.get_by_role("dialog").wait_for()
    tab_to(dashboard, "Deprovision")
    keys.press("Enter")
    dashboard.wait_for_state("DEPROVISIONED")


def tab_to(dashboard: Dashboard, name: str, *, backwards: bool = False) -> None:
    """Press Tab until what has the focus is called so; it must be seen to have it."""
    script = """() => {
      const it = document.activeElement;
      const text = it.labels?.length ? it.labels[0].textContent : it.textContent;
      return [text.trim().replace(/\\s+/g, " "), getComputedStyle(it).outlineStyle];
    }"""
    for _ in range(60):
        dashboard.page.keyboard.press("Shift+Tab" if backwards else "Tab")
        text, outline = dashboard.texts(f"({script})()")
        if text == name:
            assert outline != "none", name
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_focus_and_what_was_typed_stay_while_the_page_updates(dashboard: Dashboard, stage: FailureStage) -> None:
    transfer_id = stage.transfer(stage.held_contract("held-focus.txt"))
    stage.half_delivered(transfer_id)
    dashboard.go(f"transfers/{transfer_id}")
    dashboard.wait_for_state("STARTED")
    secret = dashboard.page.get_by_label("Key or token of the other side")
    secret.fill("half of a k")
    before = dashboard.asked(transfer_id)

    until(lambda: dashboard.asked(transfer_id), lambda count: count > before + 4)
    dashboard.page.wait_for_timeout(200)
    assert secret.input_value() == "half of a k"
    assert dashboard.page.evaluate("document.activeElement.id") == "other-secret"
    stage.release("held-focus.txt")
    dashboard.wait_for_state("COMPLETED", 40)
    assert secret.input_value() == "half of a k"


def test_nothing_jumps_while_a_transfer_runs(dashboard: Dashboard, stage: FailureStage) -> None:
    transfer_id = stage.transfer(stage.held_contract("held-still.txt"))
    stage.half_delivered(transfer_id)
    dashboard.go(f"transfers/{transfer_id}")
    dashboard.wait_for_state("STARTED")
    dashboard.page.wait_for_timeout(500)
    dashboard.page.evaluate("shifts.length = 0")

    stage.release("held-still.txt")
    dashboard.wait_for_state("COMPLETED", 40)
    dashboard.page.wait_for_timeout(1500)
    assert dashboard.number("shifts.reduce((sum, it) => sum + it, 0)") <= MAX_SHIFT

    dashboard.go("transfers")
    dashboard.row(transfer_id).wait_for()
    dashboard.page.wait_for_timeout(300)
    dashboard.page.evaluate("shifts.length = 0")
    dashboard.page.wait_for_timeout(6000)
    assert dashboard.number("shifts.reduce((sum, it) => sum + it, 0)") <= MAX_SHIFT


def test_changes_of_state_are_told_to_who_listens(dashboard: Dashboard, stage: FailureStage) -> None:
    transfer_id = stage.transfer(stage.held_contract("held-told.txt"))
    stage.half_delivered(transfer_id)
    dashboard.go(f"transfers/{transfer_id}")
    dashboard.wait_for_state("STARTED")
    stage.release("held-told.txt")
    dashboard.wait_for_state("COMPLETED", 40)

    told = dashboard.page.locator("[role=status]")
    until(told.inner_text, lambda text: text.startswith("The transfer is now COMPLETED."))
