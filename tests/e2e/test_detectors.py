"""The three ways to learn that the data is there, each alone; and markers that somebody has forged (step 13)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from ferry.cli.hosts import HostKind
from ferry.cli.management import TransferView
from ferry.cli.stack import CONSUMER, LocalStack, StackOptions

from .failure_relay import PeerRelay
from .failure_stage import FailureStage
from .pair import until

# The first test pays for the stack of the file.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

COMPLETION = "/completion"
MARKER = ".complete"
HELD = "held.txt"
NEVER = {
    "FERRY_FIRST_LOOK_SECONDS": "86400",
    "FERRY_JANITOR_SECONDS": "86400",
    "FERRY_JANITOR_SCHEDULE": "0 0 0 1 1 *",
}
LOOK_SECONDS = 60.0
# Longer than the first look takes to come.
PATIENCE_SECONDS = 4.0


class Detectors:
    """A pair whose consumer can be made deaf: to Event Grid, to the provider's completion, to its own looks."""

    def __init__(self, stage: FailureStage, relay: PeerRelay) -> None:
        self.stage = stage
        self.relay = relay
        self._looks = False

    def listen(self, *, trigger: bool = False, message: bool = False, looks: bool = False) -> None:
        """From now on the consumer learns of completions by these ways alone."""
        admin = self.stage.stack.admin
        for subscription in admin.subscriptions():
            admin.unsubscribe(subscription.id)
        if looks != self._looks:
            self.stage.stack.consumer.restart(environment_of(self.relay, looks=looks))
            self._looks = looks
        self.relay.upstream = self.stage.stack.consumer.url
        self.relay.swallowed = () if message else (COMPLETION,)
        if trigger:
            subscribed = self.stage.stack.subscribe().id
            until(admin.subscriptions, lambda all_of: any(s.id == subscribed and s.state == "Active" for s in all_of))


def environment_of(relay: PeerRelay, *, looks: bool) -> dict[str, str]:
    return {"FERRY_PUBLIC_URL": relay.url, **({} if looks else NEVER)}


@pytest.fixture(scope="module")
def detectors(host_kind: HostKind) -> Iterator[Detectors]:
    """One stack for this file."""
    with PeerRelay() as relay:
        environment = {CONSUMER: environment_of(relay, looks=False)}
        options = StackOptions(relay=True, subscribe=False, environment=environment, host=host_kind, ready_seconds=120)
        with LocalStack.start(options) as stack, FailureStage(stack) as stage:
            yield Detectors(stage, relay)


def completed(detectors: Detectors, found: str) -> TransferView:
    """A transfer that has completed because of what `found` says, and whose blobs are there."""
    stage = detectors.stage
    view = stage.wait(stage.transfer(stage.contract({"a.txt": b"a", "b.txt": b""})), seconds=LOOK_SECONDS)
    assert view.state == "COMPLETED", view.error
    assert view.verification == "manifest"
    assert [line.what for line in view.history if line.state == "COMPLETING"] == [found]
    delivered = stage.delivered(view.destination["container"])
    assert {name: delivered[name] for name in ("a.txt", "b.txt")} == {"a.txt": b"a", "b.txt": b""}
    return view


def test_blob_trigger_alone_completes(detectors: Detectors) -> None:
    detectors.listen(trigger=True)
    completed(detectors, "found complete by blob trigger")


def test_completion_message_alone_completes(detectors: Detectors) -> None:
    detectors.listen(message=True)
    completed(detectors, "said to be complete by completion message")


def test_scheduled_looks_alone_complete_within_a_minute(detectors: Detectors) -> None:
    detectors.listen(looks=True)
    completed(detectors, "found complete by scheduled look")


@dataclass(frozen=True, slots=True)
class _Forgery:
    """A marker that the provider has not written, when half of the blobs are there.

    `content` is given the transfer that is forged, and another one of the same agreement.
    """

    name: str
    content: Callable[[FailureStage, TransferView, TransferView], bytes]
    says: str


FORGERIES = (
    _Forgery(
        "lists what is not there",
        lambda stage, view, _: stage.manifest(view, {"a.txt": 6, HELD: 7}),
        f"1 of 2 blobs are missing: '{HELD}'",
    ),
    _Forgery(
        "lists what is there with another size",
        lambda stage, view, _: stage.manifest(view, {"a.txt": 5}),
        "'a.txt' has 6 bytes, not 5",
    ),
    _Forgery("is no manifest", lambda _stage, _view, _other: b"done", "the marker is not JSON"),
    _Forgery(
        "is of another transfer",
        lambda stage, _, other: stage.manifest(other, {"a.txt": 6, HELD: 7}),
        "the manifest is of another transfer",
    ),
    _Forgery(
        "names another process of the provider",
        lambda stage, view, _: stage.manifest(view, {"a.txt": 6}, provider_pid="somebody"),
        "names another process of the provider",
    ),
    _Forgery(
        "names another agreement",
        lambda stage, view, _: stage.manifest(view, {"a.txt": 6}, agreement_id="another"),
        "names another contract agreement",
    ),
)
EMPTY = "is empty"
NOT_FORGED = "is not forged"


@pytest.fixture(scope="module")
def forged(detectors: Detectors) -> dict[str, TransferView]:
    """Transfers whose copies are held half-way, by what is wrong with their markers."""
    detectors.listen(trigger=True, message=True, looks=True)
    stage = detectors.stage
    contract = stage.held_contract(HELD)
    names = [forgery.name for forgery in FORGERIES] + [EMPTY, NOT_FORGED]
    started = {name: stage.transfer(contract) for name in names}
    views = {name: stage.half_delivered(transfer_id) for name, transfer_id in started.items()}
    for forgery in FORGERIES:
        view = views[forgery.name]
        stage.write_with_sas(view, MARKER, forgery.content(stage, view, views[NOT_FORGED]))
    stage.write_with_sas(views[EMPTY], MARKER, b"")
    return views


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_marker_that_is_forged_ends_the_transfer(
    detectors: Detectors, forged: dict[str, TransferView], forgery: _Forgery
) -> None:
    view = detectors.stage.wait(forged[forgery.name].id)
    assert view.state == "TERMINATED"
    assert view.error is not None
    assert (view.error.code, view.error.step) == ("VERIFICATION_FAILED", 13)
    assert forgery.says in view.error.message
    assert detectors.stage.wait_provider(view).state == "TERMINATED"


def test_empty_marker_is_no_completion_and_the_others_are_not_disturbed(
    detectors: Detectors, forged: dict[str, TransferView]
) -> None:
    """Another connector's marker is empty: it says nothing that could be checked, so the provider's word is awaited."""
    stage = detectors.stage
    waiting = {name: forged[name].id for name in (EMPTY, NOT_FORGED)}
    time.sleep(PATIENCE_SECONDS)
    assert {stage.consumer.transfer_state(transfer_id) for transfer_id in waiting.values()} == {"STARTED"}
    stage.release(HELD)
    done = {name: stage.wait(transfer_id) for name, transfer_id in waiting.items()}
    assert {view.state for view in done.values()} == {"COMPLETED"}
    assert {name: view.verification for name, view in done.items()} == {EMPTY: "none", NOT_FORGED: "manifest"}
    for view in done.values():
        assert stage.delivered(view.destination["container"])[HELD] == b"second\n"
