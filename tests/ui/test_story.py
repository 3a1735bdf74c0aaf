"""The whole story by clicks: catalog, negotiation, transfer, both sides, suspension, termination, deprovisioning."""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import pytest

from tests.e2e.failure_cases import CLOSED_PORT_URL
from tests.e2e.failure_stage import FailureStage
from tests.e2e.pair import until

from .dashboard import Dashboard

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def shown_id(dashboard: Dashboard) -> str:
    """The id of the process in the address."""
    return unquote(dashboard.page.url.rpartition("/")[2])


def confirm(dashboard: Dashboard, action: str, reason: str = "") -> None:
    """Press the button of an action, and the one that confirms it."""
    dashboard.page.get_by_role("group", name="Actions").get_by_role("button", name=action, exact=True).click()
    dialog = dashboard.page.get_by_role("dialog")
    if reason:
        dialog.locator("input").fill(reason)
    dialog.get_by_role("button", name=action, exact=True).click()
    dialog.wait_for(state="hidden")


def test_offer_is_negotiated_transferred_and_deprovisioned_by_clicks(dashboard: Dashboard, stage: FailureStage) -> None:
    asset_id = stage.offer(stage.put({f"{n}.bin": bytes(1000) for n in range(7)}))
    page = dashboard.page

    page.get_by_role("link", name="Catalog", exact=True).click()
    page.get_by_label("Partner").fill(stage.provider_url)
    dashboard.button("Show catalog").click()
    page.locator(".offers li").filter(has_text=asset_id).locator("button").click()

    dashboard.heading("Negotiation").wait_for()
    dashboard.wait_for_state("FINALIZED")
    dashboard.button("Start transfer").click()

    dashboard.heading(asset_id).wait_for()
    dashboard.wait_for_state("COMPLETED")
    page.get_by_text("7.0 kB", exact=True).wait_for()
    assert "7 blobs" in page.locator(".standing").inner_text()
    assert page.locator("table.steps tbody tr").count() == 18
    assert page.locator("table.steps tr.done").count() >= 8
    transfer_id = shown_id(dashboard)
    container = str(stage.consumer.transfer(transfer_id).destination["container"])

    confirm(dashboard, "Deprovision")
    dashboard.wait_for_state("DEPROVISIONED")
    assert not stage.container_exists(container)
    assert page.get_by_text("Nothing can be done with it any more").count() == 1


def test_nothing_is_done_before_it_is_confirmed(dashboard: Dashboard, stage: FailureStage) -> None:
    transfer_id = stage.transfer(stage.contract({"a.txt": b"a"}))
    stage.wait(transfer_id, "COMPLETED")
    dashboard.go(f"transfers/{transfer_id}")

    dashboard.button("Deprovision").click()
    dashboard.page.get_by_role("dialog").wait_for()
    dashboard.page.keyboard.press("Escape")
    dashboard.page.get_by_role("dialog").wait_for(state="hidden")

    assert dashboard.watched.to("/deprovision") == []
    assert dashboard.page.evaluate("document.activeElement.textContent") == "Deprovision"
    assert stage.consumer.transfer(transfer_id).state == "COMPLETED"


def test_running_transfer_is_suspended_resumed_and_terminated(dashboard: Dashboard, stage: FailureStage) -> None:
    contract = stage.held_contract("held-story.txt")
    dashboard.go(f"agreements/{contract.agreement_id}")
    dashboard.button("Start transfer").click()
    dashboard.heading(contract.asset_id).wait_for()
    transfer_id = shown_id(dashboard)
    dashboard.wait_for_state("STARTED")

    confirm(dashboard, "Suspend", "for a test")
    dashboard.wait_for_state("SUSPENDED")
    confirm(dashboard, "Resume")
    dashboard.wait_for_state("STARTED")
    confirm(dashboard, "Terminate", "enough of <b>it</b>")
    dashboard.wait_for_state("TERMINATED")
    stage.release("held-story.txt")

    text = dashboard.page.locator(".standing").inner_text()
    assert "TERMINATED_BY_CLIENT" in text and "enough of <b>it</b>" in text and "Trying again" in text
    view = stage.wait(transfer_id, "TERMINATED")
    theirs = stage.wait_provider(view, "TERMINATED")
    assert theirs.error is not None and "enough of" in theirs.error.message


def test_progress_of_a_running_transfer_is_shown(dashboard: Dashboard, stage: FailureStage) -> None:
    transfer_id = stage.transfer(stage.held_contract("held-progress.txt"))
    stage.half_delivered(transfer_id)

    dashboard.go(f"transfers/{transfer_id}")
    told = until(lambda: dashboard.page.locator(".standing").inner_text(), lambda text: "6 B of 13 B" in text)
    assert "1 of 2" in told and "Time left" in told
    assert dashboard.page.locator(".standing progress").get_attribute("value") == "46"
    dashboard.go("transfers")
    until(lambda: dashboard.row(transfer_id).inner_text(), lambda text: "6 B of 13 B" in text)

    stage.release("held-progress.txt")
    until(lambda: dashboard.row(transfer_id).inner_text(), lambda text: "COMPLETED" in text and "13 B" in text)


def test_refused_order_says_why_and_stays_open(dashboard: Dashboard, stage: FailureStage) -> None:
    contract = stage.held_contract("held-refused.txt")
    transfer_id = stage.transfer(contract)
    stage.half_delivered(transfer_id)
    dashboard.go(f"transfers/{transfer_id}")
    dashboard.wait_for_state("STARTED")
    dashboard.button("Pause updates").click()
    dashboard.button("Suspend").click()
    stage.consumer.terminate_transfer(transfer_id, "first")
    stage.wait(transfer_id, "TERMINATED")
    stage.release("held-refused.txt")

    dialog = dashboard.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Suspend", exact=True).click()
    dialog.get_by_text("TERMINATED").wait_for()
    assert dashboard.watched.errors.pop().count("409") == 1


def test_both_sides_stand_next_to_each_other_with_a_key_for_the_other(
    dashboard: Dashboard, stage: FailureStage
) -> None:
    transfer_id = stage.transfer(stage.contract({"a.txt": b"a"}))
    view = stage.wait(transfer_id, "COMPLETED")
    stage.wait_provider(view, "COMPLETED")
    provider = stage.stack.provider
    dashboard.go(f"transfers/{transfer_id}")
    dashboard.wait_for_state("COMPLETED")
    assert dashboard.page.get_by_label("Address").input_value() == provider.url

    dashboard.page.get_by_label("Key or token of the other side").fill(provider.api_key)
    dashboard.button("Show the other side").click()
    there = dashboard.page.locator("section").filter(has_text="Time line there (provider)").first
    there.get_by_text("marker written", exact=True).wait_for()

    steps = dashboard.page.locator("table.steps tbody tr").all_inner_texts()
    assert all("done" in steps[number - 1] for number in range(1, 14)), steps
    own = urlsplit(dashboard.url).netloc
    for request in dashboard.watched.requests:
        key = request.headers.get("x-api-key")
        is_own = urlsplit(request.url).netloc == own
        assert key in (None, dashboard.participant.api_key if is_own else provider.api_key), request.url
    assert all(it.method in ("GET", "OPTIONS") for it in dashboard.watched.requests if urlsplit(it.url).netloc != own)

    dashboard.button("Forget the other side's key").click()
    dashboard.button("Show the other side").first.wait_for()
    assert "ferry.other-side" not in dashboard.storage()


def test_wrong_key_for_the_other_side_leaves_ours_as_it_is(dashboard: Dashboard, stage: FailureStage) -> None:
    transfer_id = stage.transfer(stage.contract({"a.txt": b"a"}))
    stage.wait(transfer_id, "COMPLETED")
    dashboard.go(f"transfers/{transfer_id}")
    dashboard.page.get_by_label("Key or token of the other side").fill("wrong")
    dashboard.button("Show the other side").click()

    dashboard.page.get_by_text("Request could not be authenticated").wait_for()
    assert dashboard.badge("COMPLETED").count() == 1
    dashboard.watched.errors[:] = [it for it in dashboard.watched.errors if "401" not in it]


def test_page_can_ask_no_app_that_the_settings_do_not_name(dashboard: Dashboard) -> None:
    told = dashboard.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'asked', (error) => error.name)")

    assert told == "TypeError"
    assert dashboard.violations() == ["connect-src http://127.0.0.1:9/"]
    dashboard.page.evaluate("violations.length = 0")
    dashboard.watched.errors.clear()


def test_provider_sees_its_side_and_starts_nothing(
    open_dashboard: Callable[..., Dashboard], stage: FailureStage
) -> None:
    contract = stage.contract({"a.txt": b"a"})
    view = stage.wait(stage.transfer(contract), "COMPLETED")
    stage.wait_provider(view, "COMPLETED")
    dashboard = open_dashboard("provider")
    dashboard.sign_in()

    dashboard.row(contract.asset_id).locator("a").click()
    dashboard.page.get_by_text("As provider, to consumer").wait_for()
    assert dashboard.button("Deprovision").count() == 0
    dashboard.go(f"agreements/{contract.agreement_id}")
    dashboard.page.get_by_text("As provider you start nothing here").wait_for()
    until(lambda: dashboard.button("Start transfer").count(), lambda count: count == 0)


def test_what_is_tried_again_is_told_while_it_waits(dashboard: Dashboard, stage: FailureStage) -> None:
    contract = stage.plain_contract
    transfer_id = stage.consumer.start_transfer(
        f"{CLOSED_PORT_URL}/api/dsp/2025-1", asset_id=contract.asset_id, contract_id=contract.agreement_id
    )
    dashboard.go(f"transfers/{transfer_id}")

    told = until(
        lambda: dashboard.page.locator(".standing").inner_text(), lambda text: "Telling the other side: tried" in text
    )
    assert "PEER_UNREACHABLE" in told and "again at" in told
    confirm(dashboard, "Deprovision")
    dashboard.wait_for_state("DEPROVISIONED")
