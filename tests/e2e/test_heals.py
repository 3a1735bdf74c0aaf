"""Three troubles that pass: the transfer waits, goes on by itself and completes, verified."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ferry.cli.hosts import HostKind
from ferry.cli.management import TransferView
from ferry.cli.stack import CONSUMER, LocalStack, StackOptions
from ferry.emulators.relay_faults import RelayFault

from .failure_stage import BUSY, FailureStage
from .pair import Pair

# The first test pays for the stack of the file.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PROVIDER_AWAY_SECONDS = 20.0
VAULT_AWAY_SECONDS = 30.0
HEALING_SECONDS = 55.0
BLOBS = {f"{number:02}.txt": b"x" * number for number in range(30)}


@dataclass(frozen=True, slots=True)
class Outages:
    """Two transfers that were begun in two stacks at the same time, at `began_at`, while something was away."""

    without_provider: str
    without_vault: str
    began_at: float

    def wait_until(self, seconds: float) -> None:
        """Sleep until so long after the beginning."""
        time.sleep(max(0.0, self.began_at + seconds - time.monotonic()))


@pytest.fixture(scope="module")
def stage(host_kind: HostKind) -> Iterator[FailureStage]:
    """A stack with a relay before its storage, whose provider may be killed."""
    with (
        LocalStack.start(StackOptions(relay=True, host=host_kind, ready_seconds=120)) as running,
        FailureStage(running) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def vault_pair(stack: LocalStack) -> Iterator[Pair]:
    """The shared stack, whose vault may be away for a while."""
    with Pair(stack) as made:
        yield made


@pytest.fixture(scope="module")
def outages(stage: FailureStage, vault_pair: Pair) -> Outages:
    """Both waits at once: what is away in the one stack is not missed in the other."""
    contract, other = stage.contract(BLOBS), vault_pair.contract(BLOBS)
    stage.stack.provider.kill()
    vault_pair.stack.admin.refuse_vault_connections(CONSUMER, VAULT_AWAY_SECONDS)
    began_at = time.monotonic()
    return Outages(stage.transfer(contract), vault_pair.transfer(other), began_at)


def check_healed(pair: Pair, transfer_id: str) -> TransferView:
    """The consumer's view once it has completed; every blob is there, and the provider knows."""
    view = pair.wait(transfer_id, seconds=HEALING_SECONDS)
    assert view.state == "COMPLETED", view.error
    assert view.verification == "manifest"
    assert view.error is None
    delivered = pair.delivered(view.destination["container"])
    assert {name: delivered[name] for name in BLOBS} == BLOBS
    assert pair.wait_provider(view).state == "COMPLETED"
    return view


def test_provider_that_is_down_at_dispatch_and_comes_back_gets_the_request(
    stage: FailureStage, outages: Outages
) -> None:
    outages.wait_until(PROVIDER_AWAY_SECONDS)
    assert stage.consumer.transfer_state(outages.without_provider) == "REQUESTING"
    stage.stack.provider.restart()
    check_healed(stage, outages.without_provider)


def test_vault_that_is_away_for_half_a_minute_is_waited_for(vault_pair: Pair, outages: Outages) -> None:
    view = check_healed(vault_pair, outages.without_vault)
    prepared = next(line for line in view.history if line.step == 4)
    assert (prepared.at - view.history[0].at).total_seconds() > VAULT_AWAY_SECONDS - 5


def test_storage_that_refuses_every_fifth_call_is_asked_again(stage: FailureStage) -> None:
    contract = stage.contract(BLOBS)
    admin = stage.stack.admin
    admin.plan_relay_faults(RelayFault("status", every=5, status=BUSY))
    try:
        view = stage.wait(stage.transfer(contract), seconds=HEALING_SECONDS)
    finally:
        # Our own client of the storage waits long before it asks again.
        admin.clear_relay_faults()
    check_healed(stage, view.id)
