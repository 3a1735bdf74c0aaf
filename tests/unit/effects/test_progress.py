"""How far a transfer has come: who is asked, what is made of the answer, and that asking costs no answer."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.control_plane.progress import Progress, told_progress
from ferry.domain.data_address import AZURE_STORAGE_PUSH
from ferry.domain.faults import EffectFailed, FaultCode, InvalidInput
from ferry.domain.message_kind import Role
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.progress import ProgressReader, RememberedProgress, SilentPeers, read_progress
from ferry.ports.peer import PeerAnswer
from ferry.protocol.envelope import transfer_error
from tests.unit.effects.wire import Wire

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HALF = Progress(
    blobs_done=3,
    bytes_done=30,
    blobs_total=6,
    bytes_total=60,
    is_total_known=True,
    bytes_per_second=10.0,
    blobs_per_second=0.0,
    eta_seconds=3.0,
    at=NOW,
)
_S = TransferState


def transfer(role: Role = Role.CONSUMER, state: TransferState = _S.STARTED, **changes: Any) -> TransferProcess:
    begun = TransferProcess(
        id="own",
        role=role,
        state=state,
        created_at=NOW,
        state_at=NOW,
        counter_party_id="provider",
        counter_party_address="http://provider.test/dsp",
        correlation_id="theirs",
        agreement_id="agreement-1",
        asset_id="asset-1",
        transfer_type=AZURE_STORAGE_PUSH,
    )
    return replace(begun, **changes)


def nothing(process: TransferProcess) -> Progress | None:
    raise AssertionError(f"{process.id} has no flow here")


def reader(wire: Wire, clock: VirtualClock | None = None) -> ProgressReader:
    return ProgressReader(peer=wire.peer(), clock=clock or VirtualClock(), flow_progress=nothing, silent=SilentPeers())


def told(progress: Progress = HALF, **changes: Any) -> PeerAnswer:
    return PeerAnswer(200, {"@type": "TransferProgress", "state": "STARTED", **told_progress(progress), **changes})


def test_progress_is_told_and_read_again_without_loss() -> None:
    for progress in (HALF, replace(HALF, eta_seconds=None, is_total_known=False)):
        assert read_progress(told_progress(progress)) == progress
    assert "etaSeconds" not in told_progress(replace(HALF, eta_seconds=None))


@pytest.mark.parametrize(
    "wrong",
    [
        {"blobsDone": -1},
        {"bytesDone": 1.5},
        {"blobsTotal": "many"},
        {"isTotalKnown": "yes"},
        {"bytesPerSecond": -1},
        {"etaSeconds": "soon"},
        {"updatedAt": "yesterday"},
        {"updatedAt": None},
        {"updatedAt": "0001-01-01T00:00:00+01:00"},
        {"updatedAt": "9999-12-31T23:59:59-01:00"},
        {"bytesPerSecond": 10**400},
        {"etaSeconds": 10**400},
    ],
    ids=str,
)
def test_progress_that_makes_no_sense_is_not_read(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read_progress({**told_progress(HALF), **wrong})


def test_consumer_asks_the_provider_under_the_id_that_it_has_there() -> None:
    wire = Wire([told()])
    assert reader(wire).of(transfer()) == HALF
    assert (wire.sent().method, wire.sent().url) == ("GET", "http://provider.test/dsp/ferry/transfers/theirs/progress")


@pytest.mark.parametrize("state", [_S.PREPARATION_REQUESTED, _S.REQUESTING, _S.COMPLETED, _S.TERMINATED])
def test_provider_is_not_asked_where_it_can_know_no_more(state: TransferState) -> None:
    wire = Wire([told()])
    known = reader(wire).of(transfer(state=state))
    assert (wire.requests, known.blobs_done, known.is_total_known) == ([], 0, False)


def test_what_was_delivered_is_known_here() -> None:
    wire = Wire([told()])
    known = reader(wire).of(transfer(state=_S.COMPLETED, delivered={"blobs": 6, "bytes": 60, "root": "r"}))
    assert (known.blobs_done, known.bytes_done, known.blobs_total, known.bytes_total) == (6, 60, 6, 60)
    assert (known.is_total_known, known.eta_seconds, wire.requests) == (True, 0.0, [])


@pytest.mark.parametrize("answer", [PeerAnswer(404), PeerAnswer(405), PeerAnswer(501), PeerAnswer(200, {"a": 1})])
def test_peer_without_progress_is_not_asked_again_for_a_while(answer: PeerAnswer) -> None:
    wire, clock = Wire([answer]), VirtualClock()
    asking = reader(wire, clock)
    for _ in range(5):
        known = asking.of(transfer())
        assert (known.blobs_done, known.is_total_known, known.eta_seconds) == (0, False, None)
        asking.of(transfer(id="another"))
    assert len(wire.requests) == 1
    clock.advance(601)
    asking.of(transfer())
    assert len(wire.requests) == 2


def test_transfer_that_the_provider_has_forgotten_says_nothing_of_others() -> None:
    wire = Wire([PeerAnswer(404, transfer_error(404, ["gone"])), told()])
    asking = reader(wire)
    assert asking.of(transfer()).blobs_done == 0
    assert asking.of(transfer()).blobs_done == 0
    assert asking.of(transfer(id="another")) == HALF
    assert len(wire.requests) == 2


def test_peer_that_is_away_is_left_alone_for_some_seconds() -> None:
    wire, clock = Wire([told()], is_cut=True), VirtualClock()
    asking = reader(wire, clock)
    assert [asking.of(transfer()).blobs_done for _ in range(3)] == [0, 0, 0]
    assert len(wire.requests) == 1
    wire.is_cut = False
    clock.advance(16)
    assert asking.of(transfer()) == HALF


@pytest.mark.parametrize("state", [_S.STARTED, _S.SUSPENDED, _S.TERMINATED])
def test_progress_that_was_told_stays_when_the_provider_falls_silent(state: TransferState) -> None:
    wire, clock = Wire([told()]), VirtualClock()
    asking = reader(wire, clock)
    assert asking.of(transfer()) == HALF
    wire.is_cut = True
    late = asking.of(transfer(state=state))
    assert late == replace(HALF, bytes_per_second=0.0, eta_seconds=None)
    assert asking.of(transfer(id="another")).blobs_done == 0
    done = asking.of(transfer(state=_S.COMPLETED, delivered={"blobs": 6, "bytes": 60, "root": "r"}))
    assert done.bytes_done == 60


def test_progress_that_is_remembered_is_bounded() -> None:
    remembered = RememberedProgress()
    for number in range(1001):
        remembered.add(str(number), HALF)
    assert remembered.of("0") is None and remembered.of("1") is not None


def half(process: TransferProcess) -> Progress | None:
    return HALF if process.role is Role.PROVIDER else None


def test_providers_own_flow_is_asked_and_nobody_else() -> None:
    wire = Wire([told()])
    asking = replace(reader(wire), flow_progress=half)
    assert asking.of(transfer(Role.PROVIDER)) == HALF
    assert wire.requests == []


def test_plane_that_does_not_answer_costs_no_answer() -> None:
    def away(process: TransferProcess) -> Progress | None:
        raise EffectFailed.because(FaultCode.DATA_PLANE_UNAVAILABLE, f"the plane of {process.id} is away")

    known = replace(reader(Wire()), flow_progress=away).of(transfer(Role.PROVIDER))
    assert (known.blobs_done, known.is_total_known) == (0, False)


def test_names_that_are_remembered_are_bounded() -> None:
    silent = SilentPeers()
    for number in range(3000):
        silent.add(str(number), NOW.replace(year=2027), NOW)
    assert silent.has("999", NOW) and not silent.has("1000", NOW)
    later = NOW.replace(year=2028)
    silent.add("new", later.replace(year=2029), later)
    assert silent.has("new", later) and not silent.has("999", later)
