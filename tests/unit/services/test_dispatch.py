"""From queue messages, timers and blobs to the process that they are about."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.adapters.memory_store import MemoryProcessStore
from ferry.control_plane.look_schedule import is_stale
from ferry.data_plane.manifest import Manifest
from ferry.domain.data_address import DestinationAddress
from ferry.domain.decision import Command, CommandKind
from ferry.domain.process import IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.storage import Account
from ferry.ports.work import Lane, LookMessage
from tests.unit.control_plane.agreed import agreed_pair
from tests.world.participants import Pair, Participant

_S = TransferState
ACCOUNT = Account("consumerdata", "https://consumerdata.test")


@pytest.fixture
def pair() -> Pair:
    return agreed_pair()


def started(pair: Pair, **changes: object) -> TransferProcess:
    handled = pair.consumer.core.transfers.initiate(pair.order(**changes), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    return handled.process


def delivered(pair: Pair, **changes: object) -> TransferProcess:
    """The provider has copied everything; the consumer has heard nothing and no look of it is near."""
    process = started(pair, **changes)
    pair.world.network.detach("http://consumer.test")
    while pair.provider.work_once():
        pass
    pair.world.network.attach("http://consumer.test", pair.consumer.serve)
    far = pair.world.clock.now() + timedelta(seconds=600)

    def later(it: TransferProcess) -> TransferProcess:
        assert it.look is not None
        return replace(it, look=replace(it.look, at=far))

    assert pair.consumer.core.transfers.engine.amend(process.id, later)
    return pair.transfer(process.id)


def marker_of(pair: Pair, process: TransferProcess) -> tuple[str, bytes]:
    """Path and content of the marker, as the trigger gets them."""
    assert process.destination is not None
    container = pair.world.cloud.containers()["consumerdata", process.destination.container]
    marker = process.destination.marker
    return f"{process.destination.container}/{marker}", container.blobs[marker].content


# --- looks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", Lane)
def test_look_at_a_process_that_is_gone_is_nothing(pair: Pair, lane: Lane) -> None:
    message = LookMessage(lane, "gone", 3)
    assert pair.consumer.dispatcher.look(message) == ()
    pair.consumer.dispatcher.poisoned(message, "{}")


def test_look_leads_to_the_process_of_its_lane(pair: Pair) -> None:
    process = started(pair)
    provider = pair.provider.dispatcher
    assert provider.look(LookMessage(Lane.NEGOTIATION_PROVIDER, process.provider_pid)) == ()
    assert pair.provider.core.transfers.get(process.provider_pid).state is _S.STARTING
    provider.look(LookMessage(Lane.TRANSFER_PROVIDER, process.provider_pid))
    assert pair.provider.core.transfers.get(process.provider_pid).state is not _S.STARTING


def test_poisoned_message_is_noted_with_the_process_of_its_lane(pair: Pair) -> None:
    process = started(pair)
    dispatcher = pair.consumer.dispatcher
    dispatcher.poisoned(LookMessage(Lane.NEGOTIATION_CONSUMER, process.id), "{}")
    assert pair.transfer(process.id).poisoned == 0
    dispatcher.poisoned(LookMessage(Lane.TRANSFER_CONSUMER, process.id), '{"x": 1}')
    noted = pair.transfer(process.id)
    assert noted.poisoned == 1
    assert '{"x": 1}' in noted.history[-1].what


def test_stale_look_is_nothing(pair: Pair) -> None:
    process = started(pair)
    for _ in range(3):
        pair.world.clock.advance(3)
        pair.drain()
    before = pair.transfer(process.id)
    assert is_stale(before, 1)
    assert pair.consumer.dispatcher.look(LookMessage(Lane.TRANSFER_CONSUMER, process.id, 1)) == ()
    assert pair.transfer(process.id) == before


# --- the blob trigger -------------------------------------------------------------------------------------------


def test_marker_in_a_container_of_ours_completes_its_transfer(pair: Pair) -> None:
    process = delivered(pair)
    path, content = marker_of(pair, process)
    pair.consumer.dispatcher.blob_arrived(path, content)
    assert pair.transfer(process.id).state is _S.COMPLETED


@pytest.mark.parametrize("content", [b"", b"no manifest", b"\xff\x00"])
def test_marker_without_a_manifest_is_known_by_its_container(pair: Pair, content: bytes) -> None:
    process = delivered(pair, process_id="transfer-1")
    pair.consumer.dispatcher.blob_arrived("ferry-transfer-1/.complete", content)
    assert pair.transfer(process.id).state is _S.COMPLETED


def test_marker_in_a_container_of_others_is_known_by_its_name(pair: Pair) -> None:
    pair.world.cloud.add_container(ACCOUNT, "shared")
    wanted = DestinationAddress("consumerdata", container="shared", folder="in/")
    process = delivered(pair, destination=wanted, managed=False, process_id="transfer-1")
    path, _ = marker_of(pair, process)
    assert path == "shared/.transfer-1.complete"
    pair.consumer.dispatcher.blob_arrived(path, b"")
    assert pair.transfer(process.id).state is _S.COMPLETED


@pytest.mark.parametrize(
    "path", ["other/.complete", "ferry-unknown/.complete", "other/.unknown.complete", "x", "other/data.complete", "/"]
)
def test_news_of_a_marker_that_is_nobodys_is_nothing(pair: Pair, path: str) -> None:
    process = started(pair)
    before = pair.transfer(process.id)
    assert pair.consumer.dispatcher.blob_arrived(path, b"") == ()
    assert pair.transfer(process.id) == before


def test_forged_marker_completes_nothing(pair: Pair) -> None:
    process = started(pair, process_id="transfer-1")
    engine = pair.consumer.core.transfers.engine
    engine.amend(process.id, lambda it: replace(it, look=None))
    forged = json.dumps({"consumerPid": "transfer-1", "blobs": []}).encode()
    pair.consumer.dispatcher.blob_arrived("ferry-transfer-1/.complete", forged)
    assert pair.transfer(process.id).state is _S.REQUESTED


def test_manifest_of_a_real_marker_names_its_transfer(pair: Pair) -> None:
    process = delivered(pair)
    assert Manifest.parse(marker_of(pair, process)[1]).consumer_pid == process.id


# --- the flow's summary -----------------------------------------------------------------------------------------


def test_summary_of_a_flow_is_shown_where_it_runs(pair: Pair) -> None:
    process = started(pair)
    assert pair.provider.dispatcher.flow_summary(process.provider_pid) is None
    pair.run()
    summary = pair.provider.dispatcher.flow_summary(process.provider_pid)
    assert summary == {"state": "COMPLETED", "blobs": 1, "bytes": 3}
    assert pair.consumer.dispatcher.flow_summary(process.id) is None


# --- the janitor ------------------------------------------------------------------------------------------------


def sweep(pair: Pair, *, days: float) -> None:
    """Days pass, and the janitors come by on the hour until nothing changes any more."""
    pair.world.clock.advance(days * 86400)
    for _ in range(4):
        now = pair.world.clock.now().timestamp()
        pair.world.clock.advance(3600 - now % 3600)
        for side in pair.both:
            side.emit(side.dispatcher.janitor_round())
        pair.run(seconds=30)


def leftovers(side: Participant) -> list[str]:
    """Documents and index rows that are still there."""
    found: list[str] = []
    for store in (side.core.outside.transfers, side.core.outside.negotiations, side.core.outside.flows):
        assert isinstance(store, MemoryProcessStore)
        found += [*store.ids(), *(row.process_id for row in store.index_rows())]
    return found


def test_finished_processes_leave_with_their_rows_and_flows(pair: Pair) -> None:
    process = started(pair)
    pair.run()
    assert pair.provider.core.outside.flows.load(process.provider_pid) is not None
    sweep(pair, days=31)
    assert [leftovers(side) for side in pair.both] == [[], []]


def test_what_runs_or_is_young_stays(pair: Pair) -> None:
    process = started(pair)
    pair.run()
    sweep(pair, days=20)
    assert pair.transfer(process.id).state is _S.COMPLETED
    assert pair.provider.core.outside.flows.load(process.provider_pid) is not None


def test_container_of_a_failed_transfer_is_removed_before_its_process_leaves(pair: Pair) -> None:
    process = started(pair)
    order = Command(CommandKind.TERMINATE, "enough")
    pair.consumer.core.transfers.command(process.id, order, inline_seconds=1)
    pair.run(seconds=120)
    assert process.destination is not None
    place = ("consumerdata", process.destination.container)
    assert place in pair.world.cloud.containers()

    sweep(pair, days=31)

    assert place not in pair.world.cloud.containers()
    assert pair.transfer(process.id).state is _S.DEPROVISIONED
    sweep(pair, days=31)
    assert [leftovers(side) for side in pair.both] == [[], []]


def test_container_of_a_completed_transfer_is_left_to_its_owner(pair: Pair) -> None:
    process = started(pair)
    pair.run()
    assert process.destination is not None
    sweep(pair, days=31)
    assert ("consumerdata", process.destination.container) in pair.world.cloud.containers()
    assert leftovers(pair.consumer) == []


def test_container_of_others_is_left_alone_when_its_failed_transfer_leaves(pair: Pair) -> None:
    pair.world.cloud.add_container(ACCOUNT, "shared")
    wanted = DestinationAddress("consumerdata", container="shared")
    process = started(pair, destination=wanted, managed=False)
    pair.consumer.core.transfers.command(process.id, Command(CommandKind.TERMINATE), inline_seconds=1)
    pair.run(seconds=120)
    sweep(pair, days=31)
    assert ("consumerdata", "shared") in pair.world.cloud.containers()
    assert leftovers(pair.consumer) == []


def test_janitor_looks_after_all_three_kinds_of_process(pair: Pair) -> None:
    process = started(pair)
    for side in pair.both:
        side.queue.clear()
    pair.world.clock.advance(21)
    lanes = {look.lane for side in pair.both for look in side.dispatcher.janitor_round()}
    assert lanes == {Lane.TRANSFER_CONSUMER, Lane.TRANSFER_PROVIDER}
    for _ in range(3):
        for side in pair.both:
            side.emit(side.dispatcher.janitor_round())
        pair.drain()
        pair.world.clock.advance(21)
    assert pair.transfer(process.id).state is _S.COMPLETED
    assert not pair.transfer(process.id).has_intent(IntentKind.REVOKE_ACCESS)
