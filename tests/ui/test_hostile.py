"""Names, reasons and messages that a peer has chosen stay text, whatever is in them."""

from collections.abc import Callable

import pytest

from tests.e2e.failure_stage import FailureStage
from tests.e2e.pair import Contract, until

from .dashboard import Dashboard

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

HOSTILE = (
    "<img src=x onerror=window.pwned=1>",
    "<script>window.pwned=1</script>",
    "\"'><svg onload=window.pwned=1>",
    "javascript:window.pwned=1",
    "{{constructor.constructor('window.pwned=1')()}}",
    "__proto__",
    "\u202e txt.exe",
    "</title></style><iframe srcdoc='<script>parent.pwned=1</script>'>",
)
MARKUP = "document.querySelectorAll('main img, main script, main iframe, main svg, main style').length"


@pytest.fixture(params=HOSTILE)
def text(request: pytest.FixtureRequest) -> str:
    """One of the texts."""
    return str(request.param)


def check_harmless(dashboard: Dashboard) -> None:
    """Nothing of it has become markup, or run, or asked for anything."""
    assert dashboard.number(MARKUP) == 0
    assert dashboard.page.evaluate("window.pwned === undefined && ({}).pwned === undefined")
    assert dashboard.violations() == []


def offered(stage: FailureStage, text: str) -> str:
    """An asset whose id and name hold the text."""
    asset_id = f"{text} {stage.put({'a.txt': b'a'})}"
    address = {"account": stage.source_account, "container": asset_id.rpartition(" ")[2], "blobPrefix": ""}
    stage.provider.create_asset(asset_id, address, {"name": f"name {text}", text: text})
    stage.provider.create_policy(f"policy {asset_id}")
    stage.provider.create_contract_definition(f"offer {asset_id}", f"policy {asset_id}", asset_id)
    return asset_id


def test_hostile_names_and_reasons_are_shown_as_they_are(
    text: str, dashboard: Dashboard, stage: FailureStage, open_dashboard: Callable[..., Dashboard]
) -> None:
    asset_id = offered(stage, text)
    page = dashboard.page
    dashboard.go("catalog")
    page.get_by_label("Partner").fill(stage.provider_url)
    dashboard.button("Show catalog").click()
    page.locator(".offers li").filter(has_text=asset_id).first.wait_for()
    check_harmless(dashboard)

    contract = Contract(asset_id, stage.agree(asset_id), "")
    dashboard.go("agreements")
    page.locator(".offers li").filter(has_text=asset_id).first.wait_for()
    check_harmless(dashboard)

    transfer_id = held_and_terminated(stage, contract, text)
    dashboard.go("transfers")
    shown = until(dashboard.row(transfer_id).inner_text, lambda seen: "TERMINATED" in seen)
    assert text.split(maxsplit=1)[0] in shown
    check_harmless(dashboard)
    dashboard.row(transfer_id).locator("a").click()
    dashboard.wait_for_state("TERMINATED")
    assert f"because {text}" in str(page.locator(".standing").evaluate("it => it.textContent"))
    check_harmless(dashboard)

    theirs = open_dashboard("provider")
    theirs.sign_in()
    theirs.row(asset_id.rpartition(" ")[2]).first.locator("a").click()
    theirs.wait_for_state("TERMINATED")
    check_harmless(theirs)


def held_and_terminated(stage: FailureStage, contract: Contract, text: str) -> str:
    """A transfer of it that the provider ends with the text as its reason."""
    stage.hold("a.txt")
    transfer_id = stage.transfer(contract)
    view = until(lambda: stage.consumer.transfer(transfer_id), lambda seen: seen.state == "STARTED")
    assert view.correlation_id is not None
    stage.provider.terminate_transfer(view.correlation_id, f"because {text}")
    stage.wait(transfer_id, "TERMINATED")
    stage.release("a.txt")
    return transfer_id


def test_hostile_address_leads_nowhere(dashboard: Dashboard) -> None:
    """What stands in the page's own address is nobody's markup either."""
    for text in HOSTILE:
        for path in (text, f"transfers/{text}", f"transfers?state={text}&text={text}&in={text}", f"agreements/{text}"):
            dashboard.go(path)
            dashboard.page.locator("main h1").first.wait_for()
            dashboard.page.wait_for_timeout(30)
            check_harmless(dashboard)
    # The app refuses what it does not know; that is not the page's fault.
    dashboard.page.wait_for_timeout(500)
    dashboard.watched.errors[:] = [it for it in dashboard.watched.errors if "400 (Bad Request)" not in it]


@pytest.mark.parametrize(
    ("address", "href"),
    [
        ("javascript:alert(1)", "#/"),
        ("JaVaScRiPt:alert(1)", "#/"),
        ("data:text/html,x", "#/"),
        ("//evil.example", "#/"),
        ("/\\evil.example", "#/"),
        ("https://good.example/x", "https://good.example/x"),
        ("#/transfers", "#/transfers"),
    ],
)
def test_links_lead_to_the_web_or_to_pages_of_ours_alone(dashboard: Dashboard, address: str, href: str) -> None:
    script = "async address => (await import('/api/dashboard/dom.js')).safeHref(address)"
    assert dashboard.page.evaluate(script, address) == href
