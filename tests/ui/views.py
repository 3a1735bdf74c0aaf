"""Every view of the dashboard in a state that shows much of it, for tests that look at all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from tests.e2e.failure_stage import FailureStage
from tests.e2e.pair import Contract

from .dashboard import Dashboard


@dataclass(frozen=True, slots=True)
class Examples:
    """Processes that the views are about."""

    contract: Contract
    negotiation_id: str
    completed_id: str
    failed_id: str
    provider_url: str

    @classmethod
    def made(cls, stage: FailureStage) -> "Examples":
        """One completed and one failed transfer."""
        contract = stage.contract({"a.txt": b"a" * 5000})
        completed_id = stage.transfer(contract)
        failed_id = stage.transfer(contract, destination={"keyName": "no-such-key"})
        stage.wait_provider(stage.wait(completed_id, "COMPLETED"), "COMPLETED")
        stage.wait(failed_id, "TERMINATED")
        query = {"filterExpression": [{"operandLeft": "assetId", "operator": "=", "operandRight": contract.asset_id}]}
        found = cast("list[dict[str, str]]", stage.consumer.call("POST", "/contractnegotiations/request", query))
        return cls(contract, found[0]["@id"], completed_id, failed_id, stage.provider_url)


def sign_in_form(dashboard: Dashboard, examples: Examples) -> None:
    """Before anybody has signed in."""
    del examples
    dashboard.open()
    dashboard.heading("Sign in").wait_for()


def transfers(dashboard: Dashboard, examples: Examples) -> None:
    """The list."""
    dashboard.sign_in()
    dashboard.row(examples.failed_id).wait_for()


def no_transfers(dashboard: Dashboard, examples: Examples) -> None:
    """A list with nothing in it."""
    del examples
    dashboard.sign_in()
    dashboard.go("transfers?text=no-such-thing&in=assetId")
    dashboard.page.get_by_text("No transfer is like that").wait_for()


def completed(dashboard: Dashboard, examples: Examples) -> None:
    """A transfer that has ended well, with both sides."""
    dashboard.sign_in()
    dashboard.go(f"transfers/{examples.completed_id}")
    dashboard.wait_for_state("COMPLETED")
    provider = dashboard.other_key
    dashboard.page.get_by_label("Key or token of the other side").fill(provider)
    dashboard.button("Show the other side").click()
    dashboard.page.get_by_text("marker written", exact=True).first.wait_for()


def failed(dashboard: Dashboard, examples: Examples) -> None:
    """A transfer that has failed."""
    dashboard.sign_in()
    dashboard.go(f"transfers/{examples.failed_id}")
    dashboard.wait_for_state("TERMINATED")


def question(dashboard: Dashboard, examples: Examples) -> None:
    """The question before an action."""
    failed(dashboard, examples)
    dashboard.button("Deprovision").click()
    dashboard.page.get_by_role("dialog").wait_for()


def catalog(dashboard: Dashboard, examples: Examples) -> None:
    """A partner's catalog."""
    dashboard.sign_in()
    dashboard.go("catalog")
    dashboard.page.get_by_label("Partner").fill(examples.provider_url)
    dashboard.button("Show catalog").click()
    dashboard.page.locator(".offers li").first.wait_for()


def refused(dashboard: Dashboard, examples: Examples) -> None:
    """A request that the app refuses."""
    del examples
    dashboard.sign_in()
    dashboard.go("catalog")
    dashboard.page.get_by_label("Partner").fill("https://not-allowed.example.org/dsp")
    dashboard.button("Show catalog").click()
    dashboard.page.locator(".notice.bad").first.wait_for()
    dashboard.watched.errors.clear()


def negotiation(dashboard: Dashboard, examples: Examples) -> None:
    """A negotiation with the form that starts a transfer."""
    dashboard.sign_in()
    dashboard.go(f"negotiations/{examples.negotiation_id}")
    dashboard.button("Start transfer").first.wait_for()


def agreements(dashboard: Dashboard, examples: Examples) -> None:
    """The agreements."""
    dashboard.sign_in()
    dashboard.go("agreements")
    dashboard.page.locator(".offers li").filter(has_text=examples.contract.asset_id).first.wait_for()


def agreement(dashboard: Dashboard, examples: Examples) -> None:
    """One agreement."""
    dashboard.sign_in()
    dashboard.go(f"agreements/{examples.contract.agreement_id}")
    dashboard.button("Start transfer").first.wait_for()


def unknown(dashboard: Dashboard, examples: Examples) -> None:
    """A page that does not exist."""
    del examples
    dashboard.sign_in()
    dashboard.go("nowhere")
    dashboard.heading("Not found").wait_for()


type View = Callable[[Dashboard, Examples], None]

VIEWS: tuple[View, ...] = (
    sign_in_form,
    transfers,
    no_transfers,
    completed,
    failed,
    question,
    catalog,
    refused,
    negotiation,
    agreements,
    agreement,
    unknown,
)
