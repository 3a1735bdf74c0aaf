"""A data plane in another app as its control plane sees it, and the way back: every answer has a meaning."""

import json
from dataclasses import replace
from functools import partial

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_vault import MemoryVault
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.faults import EffectFailed, Fault, FaultCode
from ferry.domain.process import Intent, IntentKind, Json, JsonObject
from ferry.domain.states import TransferState
from ferry.effects.flows import ChosenPlane, FlowController, FlowNotifier, result_of
from ferry.effects.remote_data_plane import RemoteControlPlane, RemoteDataPlane
from ferry.ports.peer import PeerAnswer
from tests.unit.control_plane.processes import provider_in
from tests.unit.control_plane.test_flow_decisions import CALLBACK, asked_for
from tests.unit.effects.wire import Wire

PLANE = "http://plane.test/api"
GONE = Fault(FaultCode.DESTINATION_GONE, "the container is gone", step=11)


def status(state: str, **more: Json) -> dict[str, Json]:
    return {"messageId": "m", "dataFlowId": "flow-1", "state": state, **more}


@pytest.fixture
def wire() -> Wire:
    return Wire([PeerAnswer(200, status("STARTED"))])


@pytest.fixture
def plane(wire: Wire) -> RemoteDataPlane:
    return RemoteDataPlane(url=f"{PLANE}/dataflows", participant_id="provider", peer=wire.peer())


def controller_of(plane: RemoteDataPlane, vault: MemoryVault | None = None) -> FlowController:
    chosen = ChosenPlane(plane, CALLBACK)
    return FlowController(plane_of=lambda _: chosen, vault=vault or MemoryVault(VirtualClock()))


def fault_of(call: object) -> Fault:
    assert callable(call)
    with pytest.raises(EffectFailed) as failure:
        call()
    return failure.value.fault


# --- start ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [200, 201, 202])
def test_start_tells_addresses_and_callback_and_no_secret(wire: Wire, plane: RemoteDataPlane, code: int) -> None:
    wire.answers = [PeerAnswer(code, status("STARTED"))]
    assert plane.start(asked_for()) == FlowReport("STARTED")
    request = wire.sent()
    assert (request.method, request.url) == ("POST", f"{PLANE}/dataflows/start")
    assert request.body is not None
    assert request.body["callbackAddress"] == CALLBACK
    assert "ferry-sas-1" in json.dumps(request.body) and "sig=" not in json.dumps(request.body)


def test_flow_that_has_failed_already_is_told_with_its_fault(wire: Wire, plane: RemoteDataPlane) -> None:
    told: JsonObject = {"code": GONE.code, "message": GONE.message, "retryable": False, "step": 11}
    wire.answers = [PeerAnswer(200, status("TERMINATED", ferry={"state": "FAILED", "fault": told}))]
    assert plane.start(asked_for()) == FlowReport("FAILED", {}, GONE)


@pytest.mark.parametrize("code", [404, 409, 429, 500, 503])
def test_plane_that_may_answer_otherwise_later_is_asked_again(wire: Wire, plane: RemoteDataPlane, code: int) -> None:
    wire.answers = [PeerAnswer(code)]
    fault = fault_of(lambda: plane.start(asked_for()))
    assert (fault.code, fault.retryable, fault.step) == (FaultCode.DATA_PLANE_UNAVAILABLE, True, 7)
    assert f"answered {code} to start of flow flow-1" in fault.message


@pytest.mark.parametrize("code", [400, 401, 403, 413])
def test_plane_that_refuses_is_not_asked_again(wire: Wire, plane: RemoteDataPlane, code: int) -> None:
    wire.answers = [PeerAnswer(code)]
    assert not fault_of(lambda: plane.start(asked_for())).retryable


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"html": "a proxy's page"},
        {"state": "STARTED"},
        status("DANCING"),
        status("TERMINATED", ferry={"fault": {"message": "no code"}}),
    ],
)
def test_answer_that_cannot_be_read_is_asked_for_again(
    wire: Wire, plane: RemoteDataPlane, body: dict[str, Json] | None
) -> None:
    wire.answers = [PeerAnswer(200, body)]
    for call in (lambda: plane.start(asked_for()), lambda: plane.status("flow-1")):
        fault = fault_of(call)
        assert (fault.code, fault.retryable, fault.step) == (FaultCode.DATA_PLANE_UNAVAILABLE, True, 7)
        assert "cannot be read" in fault.message


def test_plane_that_is_away_is_named(wire: Wire, plane: RemoteDataPlane) -> None:
    wire.is_cut = True
    calls = (
        lambda: plane.start(asked_for()),
        lambda: plane.status("flow-1"),
        lambda: plane.terminate("flow-1", "enough"),
    )
    for call in calls:
        fault = fault_of(call)
        assert (fault.code, fault.retryable, fault.step) == (FaultCode.DATA_PLANE_UNAVAILABLE, True, 7)
        assert PLANE in fault.message


# --- status and terminate ---------------------------------------------------------------------------------------


def test_flow_that_the_plane_does_not_know_has_no_status(wire: Wire, plane: RemoteDataPlane) -> None:
    wire.answers = [PeerAnswer(404)]
    assert plane.status("flow-1") is None
    assert (wire.sent().method, wire.sent().url) == ("GET", f"{PLANE}/dataflows/flow-1/status")


def test_status_brings_the_summary(wire: Wire, plane: RemoteDataPlane) -> None:
    wire.answers = [PeerAnswer(200, status("COMPLETED", ferry={"state": "COMPLETED", "summary": {"blobs": 2}}))]
    assert plane.status("flow-1") == FlowReport("COMPLETED", {"blobs": 2})


@pytest.mark.parametrize("code", [401, 500])
def test_status_that_is_not_given_is_a_fault(wire: Wire, plane: RemoteDataPlane, code: int) -> None:
    wire.answers = [PeerAnswer(code)]
    assert fault_of(lambda: plane.status("flow-1")).retryable is (code == 500)


@pytest.mark.parametrize("code", [200, 204, 404])
def test_flow_that_is_stopped_or_unknown_is_stopped(wire: Wire, plane: RemoteDataPlane, code: int) -> None:
    wire.answers = [PeerAnswer(code)]
    plane.terminate("flow-1", "enough")
    assert wire.sent().url == f"{PLANE}/dataflows/flow-1/terminate"
    assert wire.sent().body is not None and "enough" in json.dumps(wire.sent().body)


def test_flow_that_cannot_be_stopped_now_is_a_fault(wire: Wire, plane: RemoteDataPlane) -> None:
    wire.answers = [PeerAnswer(503)]
    assert fault_of(lambda: plane.terminate("flow-1", "enough")).retryable


# --- the way back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "ending"),
    [
        (FlowReport("COMPLETED", {"blobs": 2}), "completed"),
        (FlowReport("FAILED", {}, GONE), "errored"),
        (FlowReport("TERMINATED"), "errored"),
    ],
)
def test_end_of_a_flow_is_told_at_its_callback_address(wire: Wire, report: FlowReport, ending: str) -> None:
    wire.answers = [PeerAnswer(204)]
    RemoteControlPlane(peer=wire.peer()).report(asked_for(), report)
    assert wire.sent().url == f"{CALLBACK}/transfers/flow-1/dataflow/{ending}"


@pytest.mark.parametrize("code", [200, 204])
def test_control_plane_that_took_the_news_is_told_once(wire: Wire, code: int) -> None:
    wire.answers = [PeerAnswer(code)]
    RemoteControlPlane(peer=wire.peer()).report(asked_for(), FlowReport("COMPLETED"))


def test_control_plane_that_never_knows_the_flow_is_told_eight_times(wire: Wire) -> None:
    control = RemoteControlPlane(peer=wire.peer())
    for attempt in range(7):
        wire.answers = [PeerAnswer(404)]
        fault = fault_of(partial(control.report, asked_for(), FlowReport("COMPLETED"), attempt=attempt))
        assert (fault.retryable, fault.step) == (True, 12)
    wire.answers = [PeerAnswer(404)]
    control.report(asked_for(), FlowReport("COMPLETED"), attempt=7)
    assert len(wire.requests) == 8


@pytest.mark.parametrize("code", [400, 401, 404, 409, 500])
def test_control_plane_that_has_not_taken_the_news_is_told_again(wire: Wire, code: int) -> None:
    wire.answers = [PeerAnswer(code)]
    control = RemoteControlPlane(peer=wire.peer())
    fault = fault_of(lambda: control.report(asked_for(), FlowReport("COMPLETED")))
    assert (fault.retryable, fault.step) == (True, 12)


def test_flow_without_a_callback_tells_nobody(wire: Wire) -> None:
    RemoteControlPlane(peer=wire.peer()).report(asked_for(None), FlowReport("COMPLETED"))
    assert wire.requests == []


def test_notifier_tells_the_flow_as_it_stands() -> None:
    told: list[tuple[DataFlow, FlowReport, int]] = []

    class Control:
        def report(self, flow: DataFlow, report: FlowReport, *, attempt: int = 0) -> None:
            told.append((flow, report, attempt))

    flow = replace(asked_for(), summary={"blobs": 2}, error=GONE)
    intent = Intent("x", IntentKind.NOTIFY_CONTROL_PLANE, attempt=3)
    result = FlowNotifier(control_plane=Control).notify(flow, intent)
    assert (result, told) == ({}, [(flow, FlowReport("STARTED", {"blobs": 2}, GONE), 3)])


# --- the control plane's hand -----------------------------------------------------------------------------------


def test_flow_of_a_transfer_has_its_id_and_addresses(plane: RemoteDataPlane) -> None:
    process = provider_in(TransferState.STARTED)
    flow = controller_of(plane).flow_of(process, CALLBACK)
    assert (flow.id, flow.consumer_pid, flow.participant_id) == (process.id, process.consumer_pid, "consumer")
    assert (flow.source, flow.destination, flow.callback_address) == (process.source, process.destination, CALLBACK)


def test_transfer_without_addresses_has_no_flow(plane: RemoteDataPlane) -> None:
    controller = controller_of(plane)
    process = replace(provider_in(TransferState.STARTED), source=None)
    fault = fault_of(lambda: controller.flow_of(process, None))
    assert (fault.code, fault.retryable) == (FaultCode.ADDRESS_INVALID, False)


def test_unknown_flow_is_an_empty_result(wire: Wire, plane: RemoteDataPlane) -> None:
    wire.answers = [PeerAnswer(404)]
    controller = controller_of(plane)
    assert controller.check(provider_in(TransferState.STARTED), Intent("x", IntentKind.CHECK_DATA_FLOW)) == {}


def test_termination_tells_the_plane_the_cause(wire: Wire, plane: RemoteDataPlane) -> None:
    wire.answers = [PeerAnswer(200)]
    process = replace(provider_in(TransferState.STARTED), error=GONE)
    controller_of(plane).terminate(process, Intent("x", IntentKind.TERMINATE_DATA_FLOW))
    assert GONE.message in json.dumps(wire.sent().body)


def test_report_as_a_result_keeps_state_summary_and_fault() -> None:
    assert result_of(FlowReport("FAILED", {"blobs": 1}, GONE)) == {
        "state": "FAILED",
        "summary": {"blobs": 1},
        "fault": {"code": "DESTINATION_GONE", "message": GONE.message, "retryable": False, "step": 11},
    }
    assert "fault" not in result_of(FlowReport("COMPLETED"))
