"""The list of transfers: filters of the app, pages, live updates that stop when nobody looks."""

import pytest

from tests.e2e.failure_stage import FailureStage
from tests.e2e.pair import Contract, until

from .dashboard import Dashboard

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PAGE = 25
SENT = "/transferprocesses/request"


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    """What the tests of this file have agreed on already."""
    return {}


@pytest.fixture
def contract(stage: FailureStage, contracts: dict[str, Contract]) -> Contract:
    """An agreement about one small blob, and more completed transfers of it than fit on a page."""
    if "small" not in contracts:
        contracts["small"] = stage.contract({"a.txt": b"a"})
        begun = [stage.transfer(contracts["small"]) for _ in range(PAGE + 3)]
        for transfer_id in begun:
            stage.wait(transfer_id, "COMPLETED", seconds=60)
    return contracts["small"]


def test_pages_lead_on_and_back(dashboard: Dashboard, contract: Contract) -> None:
    dashboard.go(f"transfers?text={contract.asset_id}&in=assetId")
    rows = dashboard.row(contract.asset_id)
    until(rows.count, lambda count: count == PAGE)
    first = set(rows.all_inner_texts())

    dashboard.page.get_by_role("link", name="Older").click()
    until(rows.count, lambda count: count == 3)
    assert first.isdisjoint(rows.all_inner_texts())
    assert dashboard.page.get_by_role("link", name="Older").count() == 0

    dashboard.page.get_by_role("link", name="Newest").click()
    until(rows.count, lambda count: count == PAGE)


def test_filter_is_the_app_s_and_stands_in_the_address(dashboard: Dashboard, contract: Contract) -> None:
    dashboard.list_is_there()
    dashboard.page.get_by_label("State").select_option("TERMINATED")
    dashboard.page.get_by_label("For").fill(contract.asset_id)
    dashboard.button("Filter").click()

    dashboard.page.get_by_text("No transfer is like that").wait_for()
    assert "state=TERMINATED" in dashboard.page.url
    dashboard.page.reload()
    dashboard.page.get_by_text("No transfer is like that").wait_for()
    assert dashboard.page.get_by_label("State").input_value() == "TERMINATED"

    dashboard.page.get_by_label("State").select_option("COMPLETED")
    dashboard.page.get_by_label("For").press("Enter")
    until(dashboard.row(contract.asset_id).count, lambda count: count == PAGE)


def test_text_may_hold_anything(dashboard: Dashboard) -> None:
    dashboard.list_is_there()
    for text in ("100%", "<b>", "a&b=c#d", "'\"", "\\", "é✓"):
        dashboard.page.get_by_label("For").fill(text)
        dashboard.button("Filter").click()
        dashboard.page.locator("#list .empty h2, table.transfers").first.wait_for()
        assert dashboard.page.get_by_label("For").input_value() == text


def test_row_says_how_much_has_arrived(dashboard: Dashboard, contract: Contract) -> None:
    dashboard.go(f"transfers?text={contract.asset_id}&in=assetId")

    text = dashboard.row(contract.asset_id).first.inner_text()
    assert "COMPLETED" in text and "1 B" in text and "1 blob" in text and "from provider" in text


def test_updates_stop_when_hidden_or_paused_and_go_on_at_once(dashboard: Dashboard) -> None:
    dashboard.list_is_there()
    page = dashboard.page

    page.evaluate(
        """Object.defineProperty(document, "hidden", {get: () => window.isHidden, configurable: true});
        window.isHidden = true; document.dispatchEvent(new Event("visibilitychange"))"""
    )
    page.wait_for_timeout(300)
    before = dashboard.asked(SENT)
    page.wait_for_timeout(7000)
    assert dashboard.asked(SENT) == before

    page.evaluate("""window.isHidden = false; document.dispatchEvent(new Event("visibilitychange"))""")
    page.wait_for_timeout(700)
    assert dashboard.asked(SENT) > before

    dashboard.button("Pause updates").click()
    page.wait_for_timeout(300)
    paused = dashboard.asked(SENT)
    page.wait_for_timeout(7000)
    assert dashboard.asked(SENT) == paused
    dashboard.button("Pause updates").click()
    page.wait_for_timeout(700)
    assert dashboard.asked(SENT) > paused


def test_view_that_was_left_asks_no_more(dashboard: Dashboard) -> None:
    dashboard.list_is_there()
    dashboard.go("agreements")
    dashboard.heading("Agreements").wait_for()
    before = dashboard.asked(SENT)

    dashboard.page.wait_for_timeout(6000)
    assert dashboard.asked(SENT) == before
