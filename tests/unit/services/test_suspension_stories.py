"""A transfer is suspended and resumed, by either side, and a copy that was stopped half-way goes on where it stood."""

import threading
from collections import Counter
from collections.abc import Mapping

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.adapters.memory_vault import MemoryVault
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import IllegalTransition
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import JsonObject
from ferry.domain.states import FlowState, TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.peer import PeerAnswer
from ferry.ports.work import Lane
from tests.world.both_sides import BothSides
from tests.world.participants import Pair, Participant, make_pair

_S = TransferState
BLOBS = {f"data/{number:03}.bin": b"x" * number for number in range(1, 61)}
SUSPEND = Command(CommandKind.SUSPEND, "maintenance")
RESUME = Command(CommandKind.RESUME)
PAGE = 10


class HalfWay(BothSides):
    """A pair whose client of one side gives an order while the copy is at its 25th blob."""

    def __init__(self, pair: Pair, who: str) -> None:
        self.pair = pair
        self.side = pair.consumer if who == "consumer" else pair.provider
        self._lock = threading.Lock()
        self._puts = 0
        self.cuts_network = False
        pair.world.cloud.page_size = PAGE
        pair.world.cloud.before_request = self._counted
        handled = pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=1)
        self.process_id = handled.process.id
        pair.consumer.emit(handled.looks)

    def _counted(self, request: MemoryRequest) -> None:
        if not request.operation.startswith("Put Blob"):
            return
        with self._lock:
            self._puts += 1
            if self._puts != 25:
                return
        if self.cuts_network:
            self.pair.world.network.detach("http://consumer.test")
        self.order(SUSPEND)
        if self.side is self.pair.consumer:
            # The provider's host has more than one thread: the message of the consumer is handled beside the copy.
            self.pair.provider.work_once(Lane.TRANSFER_PROVIDER)

    @property
    def puts(self) -> Counter[str]:
        """How often each blob was asked to be written."""
        requests = self.pair.world.cloud.requests
        return Counter(it.blob_name for it in requests if it.operation.startswith("Put Blob"))

    @property
    def flow_state(self) -> FlowState:
        record = self.pair.provider.core.outside.flows.load(self.theirs.id)
        assert record is not None
        return record.document.state

    def order(self, command: Command, side: Participant | None = None) -> None:
        of = side or self.side
        process_id = self.process_id if of is self.pair.consumer else self.theirs.id
        of.emit(of.core.transfers.command(process_id, command, inline_seconds=1).looks)


@pytest.mark.parametrize("resumes", ["consumer", "provider"])
@pytest.mark.parametrize("suspends", ["consumer", "provider"])
def test_copy_that_is_suspended_half_way_goes_on_where_it_stopped(suspends: str, resumes: str) -> None:
    half_way = HalfWay(pair := make_pair(blobs=BLOBS), suspends)
    pair.drain()
    assert half_way.states == (_S.SUSPENDED, _S.SUSPENDED)
    assert (half_way.ours.dsp_state, half_way.theirs.dsp_state) == ("SUSPENDED", "SUSPENDED")
    assert half_way.flow_state is FlowState.SUSPENDED
    stopped_at = half_way.puts.total()
    assert 25 <= stopped_at < 25 + 2 * PAGE

    pair.run(seconds=1200)
    assert half_way.puts.total() == stopped_at, "something was copied while it was suspended"
    assert secret_of(half_way.ours) in vault_of(pair.consumer).names()
    assert secret_of(half_way.theirs) in vault_of(pair.provider).names()

    half_way.order(RESUME, pair.consumer if resumes == "consumer" else pair.provider)
    pair.run()
    assert half_way.states == (_S.COMPLETED, _S.COMPLETED)
    assert half_way.ours.verification == "manifest"
    assert half_way.ours.delivered == {**(half_way.ours.delivered or {}), "blobs": len(BLOBS)}
    assert set(half_way.puts.values()) == {1}, "a blob was asked for twice"
    assert half_way.puts.total() == len(BLOBS) + 1


def test_suspension_tells_its_reason_and_does_not_end_anything() -> None:
    half_way = HalfWay(pair := make_pair(blobs=BLOBS), "provider")
    pair.drain()
    lines = [entry.what for entry in half_way.ours.history if entry.state == "SUSPENDED"]
    assert lines == ["suspended by the other side: maintenance"]
    assert (half_way.ours.error, half_way.theirs.error) == (None, None)


@pytest.mark.parametrize("ends", ["consumer", "provider"])
def test_termination_of_what_is_suspended_cleans_up_everything(ends: str) -> None:
    half_way = HalfWay(pair := make_pair(blobs=BLOBS), "provider")
    pair.drain()
    side = pair.consumer if ends == "consumer" else pair.provider
    before = secret_of(half_way.ours), secret_of(half_way.theirs)
    half_way.order(Command(CommandKind.TERMINATE, "enough"), side)
    pair.run(seconds=400)
    assert half_way.states == (_S.TERMINATED, _S.TERMINATED)
    assert half_way.ours.is_settled and half_way.theirs.is_settled
    assert half_way.flow_state is FlowState.TERMINATED
    assert before[0] not in vault_of(pair.consumer).names()
    assert before[1] not in vault_of(pair.provider).names()


def test_suspended_transfer_is_deprovisioned_with_everything_of_it() -> None:
    half_way = HalfWay(pair := make_pair(blobs=BLOBS), "consumer")
    pair.drain()
    half_way.order(Command(CommandKind.DEPROVISION), pair.consumer)
    pair.run(seconds=400)
    assert half_way.ours.state is _S.DEPROVISIONED
    assert half_way.theirs.state is _S.TERMINATED
    assert not [name for account, name in pair.world.cloud.containers() if account == "consumerdata"]


def test_suspended_transfer_is_ended_at_its_deadline() -> None:
    half_way = HalfWay(pair := make_pair(blobs=BLOBS, FERRY_DEADLINES='{"SUSPENDED": 1800}'), "provider")
    pair.drain()
    pair.run(seconds=2400)
    assert half_way.states == (_S.TERMINATED, _S.TERMINATED)
    assert "SUSPENDED for more than 1800 s" in str(half_way.theirs.error or half_way.ours.error)


def test_suspended_transfer_is_ended_when_its_sas_runs_out_with_that_cause() -> None:
    half_way = HalfWay(pair := make_pair(blobs=BLOBS), "provider")
    without_renewal(pair)
    pair.drain()
    pair.run(seconds=4000)
    assert half_way.states == (_S.TERMINATED, _S.TERMINATED)
    assert {fault.code for fault in (half_way.theirs.error, half_way.ours.error) if fault} == {"SAS_EXPIRED"}


def test_suspension_that_the_other_side_never_hears_of_holds_all_the_same() -> None:
    half_way = HalfWay(pair := make_pair(blobs=BLOBS), "provider")
    half_way.cuts_network = True
    pair.drain()
    pair.run(seconds=700)
    assert half_way.states == (_S.STARTED, _S.SUSPENDED)
    assert "has not acknowledged it" in half_way.theirs.history[-1].what
    pair.world.network.attach("http://consumer.test", pair.consumer.serve)
    half_way.order(RESUME, pair.provider)
    pair.run()
    assert half_way.states == (_S.COMPLETED, _S.COMPLETED)


def test_orders_are_refused_where_they_make_no_sense() -> None:
    pair = make_pair()
    handled = pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=0)
    transfers, process_id = pair.consumer.core.transfers, handled.process.id
    for kind in (CommandKind.SUSPEND, CommandKind.RESUME, CommandKind.COMPLETE):
        with pytest.raises(IllegalTransition, match=f"{kind.value} is not allowed in state PREPARATION_REQUESTED"):
            transfers.command(process_id, Command(kind), inline_seconds=0)
    pair.consumer.emit(handled.looks)
    pair.run()
    assert pair.transfer(process_id).state is _S.COMPLETED
    with pytest.raises(IllegalTransition):
        transfers.command(process_id, SUSPEND, inline_seconds=0)


def test_messages_about_a_pause_have_ids_of_their_own() -> None:
    half_way = HalfWay(pair := make_pair(blobs=BLOBS), "provider")
    pair.drain()
    half_way.order(RESUME, pair.provider)
    pair.run()
    told = [it.body for it in pair.world.network.exchanges if it.body and it.url.endswith(("/start", "/suspension"))]
    kinds = [body["@type"] for body in told]
    start, suspension = MessageKind.TRANSFER_START.value, MessageKind.TRANSFER_SUSPENSION.value
    assert kinds == [start, suspension, start]
    assert len({str(body["@id"]) for body in told}) == 3


def without_renewal(pair: Pair) -> None:
    """From now on the consumer knows nothing of renewals, as other connectors do."""

    def serve(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        return PeerAnswer(404) if "/ferry/" in url else pair.consumer.serve(method, url, headers, body)

    pair.world.network.attach("http://consumer.test", serve)


def vault_of(side: Participant) -> MemoryVault:
    vault = side.core.outside.vault
    assert isinstance(vault, MemoryVault)
    return vault


def secret_of(process: TransferProcess) -> str:
    assert process.destination is not None
    return process.destination.secret_name
