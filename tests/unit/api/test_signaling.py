"""Data Plane Signaling between a control plane and a data plane in another app: start, end, questions, and silence."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ferry.api.http import ApiRequest
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.states import FlowState, TransferState
from ferry.ports.peer import PeerAnswer
from ferry.protocol.identity import MockIdentity
from tests.unit.api.planes import Planes, make_planes
from tests.unit.services.app_host import AppHost

_S = TransferState


@pytest.fixture
def planes() -> Planes:
    return make_planes()


def begun(planes: Planes) -> None:
    """The provider has told its data plane to start; the data plane has not begun to copy."""
    planes.start()
    planes.drain(planes.provider)
    assert planes.theirs().state is _S.STARTED
    assert planes.flow() is not None


def lose(planes: Planes, host: AppHost, *endings: str) -> Callable[[], None]:
    """Let no request to these URLs reach an app; the answer is the way back to normal."""
    public_url = host.app.core.settings.public_url

    def deaf(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        if url.endswith(endings):
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, "lost on the way", retryable=True)
        return host.serve(method, url, headers, body)

    planes.world.network.attach(public_url, deaf)
    return lambda: planes.world.network.attach(public_url, host.serve)


# --- the whole way ----------------------------------------------------------------------------------------------


def test_transfer_by_a_remote_data_plane_completes(planes: Planes) -> None:
    planes.start()
    planes.run(20)
    assert (planes.ours().state, planes.theirs().state) == (_S.COMPLETED, _S.COMPLETED)
    assert planes.ours().verification == "manifest"
    assert planes.ours().delivered == planes.theirs().delivered
    flow = planes.flow()
    assert flow is not None and flow.state is FlowState.COMPLETED and flow.is_settled


def test_end_is_told_by_one_callback_and_no_question_is_asked(planes: Planes) -> None:
    planes.start()
    planes.drain()
    assert planes.theirs().state in (_S.COMPLETING, _S.COMPLETED)
    (callback,) = planes.sent("/dataflow/completed")
    assert callback.answer is not None and callback.answer.status == 200
    assert planes.sent("/status") == []
    assert len(planes.sent("/dataflows/start")) == 1


def test_steps_of_the_copy_reach_the_providers_history(planes: Planes) -> None:
    planes.start()
    planes.run(20)
    steps = [entry.step for entry in planes.theirs().history if entry.step is not None]
    assert [step for step in steps if step >= 8] == [8, 9, 10, 11, 12, 12, 12]
    assert {entry.what for entry in planes.theirs().history if entry.step == 9} == {"SAS taken from our vault"}


def test_no_secret_is_on_the_wire_between_the_planes(planes: Planes) -> None:
    planes.start()
    planes.run(20)
    between = planes.sent("/dataflows/start") + planes.sent("/dataflow/completed") + planes.sent("/status")
    assert between
    assert "sig=" not in json.dumps([exchange.body for exchange in between])


def test_flow_is_accepted_before_it_is_copied(planes: Planes) -> None:
    begun(planes)
    flow = planes.flow()
    assert flow is not None and flow.has_intent(IntentKind.COPY)
    assert not any(name.endswith(".complete") for name in _delivered(planes))


def _delivered(planes: Planes) -> list[str]:
    containers = planes.world.cloud.containers()
    return [name for (account, _), it in containers.items() if account == "consumerdata" for name in it.blobs]


# --- when something is lost -------------------------------------------------------------------------------------


def test_end_whose_callback_is_lost_is_found_out_by_asking(planes: Planes) -> None:
    lose(planes, planes.provider, "/dataflow/completed")
    planes.start()
    planes.run(30)
    assert planes.theirs().state is _S.COMPLETED
    assert planes.sent("/status")


def test_callback_that_is_lost_is_told_again(planes: Planes) -> None:
    heal = lose(planes, planes.provider, "/dataflow/completed")
    planes.start()
    planes.drain()
    heal()
    lose(planes, planes.plane, "/status")
    planes.run(30)
    assert planes.theirs().state is _S.COMPLETED
    assert planes.sent("/dataflow/completed")[-1].answer == PeerAnswer(200)
    flow = planes.flow()
    assert flow is not None and flow.is_settled


def test_start_whose_answer_is_lost_makes_no_second_flow(planes: Planes) -> None:
    serve, lost = planes.plane.serve, [True]

    def forgetful(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        answer = serve(method, url, headers, body)
        if url.endswith("/start") and lost:
            lost.pop()
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, "the answer was lost", retryable=True)
        return answer

    planes.world.network.attach("http://plane.test", forgetful)
    planes.start()
    planes.run(30)
    assert planes.theirs().state is _S.COMPLETED
    assert len(planes.sent("/dataflows/start")) == 2
    assert _delivered(planes).count("one.txt") == 1


def test_data_plane_that_is_away_is_waited_for(planes: Planes) -> None:
    planes.world.network.detach("http://plane.test")
    planes.start()
    planes.run(10)
    waiting = planes.theirs()
    assert waiting.state is _S.STARTED
    (start,) = [it for it in waiting.intents if it.kind is IntentKind.START_DATA_FLOW]
    assert start.last_fault is not None and start.last_fault.code == FaultCode.DATA_PLANE_UNAVAILABLE
    planes.world.network.attach("http://plane.test", planes.plane.serve)
    planes.run(40)
    assert planes.theirs().state is _S.COMPLETED


def test_data_plane_that_stays_away_ends_the_transfer_with_its_fault() -> None:
    planes = make_planes(FERRY_DEADLINES='{"STARTED": 60}')
    planes.world.network.detach("http://plane.test")
    planes.start()
    planes.run(90)
    for process in (planes.theirs(), planes.ours()):
        assert process.error is not None and process.error.code == FaultCode.DATA_PLANE_UNAVAILABLE


def test_flow_that_the_data_plane_has_lost_is_started_again(planes: Planes) -> None:
    begun(planes)
    planes.plane.outside.flows.delete(planes.theirs().id)
    planes.plane.queue.clear()
    planes.run(30)
    assert planes.theirs().state is _S.COMPLETED
    assert len(planes.sent("/dataflows/start")) == 2


def test_data_plane_whose_queue_is_lost_is_put_back_to_work_by_its_janitor(planes: Planes) -> None:
    begun(planes)
    planes.plane.queue.clear()
    planes.run(60)
    assert planes.theirs().state is _S.COMPLETED
    assert len(planes.sent("/dataflows/start")) == 1


# --- when it ends otherwise -------------------------------------------------------------------------------------


def test_copy_that_fails_is_told_with_its_fault_and_ends_both_sides(planes: Planes) -> None:
    begun(planes)
    planes.provider.outside.vault.delete("providerdata")
    planes.drain()
    planes.run(20)
    (callback,) = planes.sent("/dataflow/errored")
    assert callback.answer is not None and callback.answer.status == 200
    for process in (planes.theirs(), planes.ours()):
        assert process.state is _S.TERMINATED
        assert process.error is not None
        assert (process.error.code, process.error.step) == (FaultCode.SOURCE_KEY_MISSING, 8)


@pytest.mark.parametrize("side", ["consumer", "provider"])
def test_termination_stops_the_flow_at_the_data_plane(planes: Planes, side: str) -> None:
    begun(planes)
    host = planes.consumer if side == "consumer" else planes.provider
    pid = planes.ours().id if side == "consumer" else planes.theirs().id
    host.app.core.transfers.command(pid, Command(CommandKind.TERMINATE, "enough"), inline_seconds=1)
    planes.drain(planes.consumer, planes.provider)
    (stop,) = planes.sent("/terminate")[:1]
    assert stop.answer is not None and stop.answer.status == 200
    flow = planes.flow()
    assert flow is not None and flow.state is FlowState.TERMINATED
    planes.run(120)
    assert _delivered(planes) == []
    assert planes.theirs().is_settled and planes.ours().is_settled


# --- the endpoints ----------------------------------------------------------------------------------------------


def call(host: AppHost, method: str, path: str, body: Any = None, name: str | None = "provider") -> tuple[int, Any]:
    """A call of somebody; status and body."""
    headers = {"Authorization": MockIdentity(name).authorization("x")} if name else {}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    answer = host.request(method, path, raw, headers)
    assert answer is not None, path
    return answer.status, json.loads(answer.body) if answer.body else None


def start_body(planes: Planes, **changes: Any) -> dict[str, Any]:
    """The start message that the provider has sent, with another flow id."""
    sent = planes.sent("/dataflows/start")[0].body
    assert sent is not None
    body = {**sent, "processId": "flow-2", **changes}
    return {name: value for name, value in body.items() if value is not None}


def test_status_of_a_flow_is_told_and_of_none_is_not_found(planes: Planes) -> None:
    begun(planes)
    flow_id = planes.theirs().id
    status, body = call(planes.plane, "GET", f"dataflows/{flow_id}/status")
    assert (status, body["dataFlowId"], body["state"]) == (200, flow_id, "STARTED")
    planes.run(20)
    _, body = call(planes.plane, "GET", f"dataflows/{flow_id}/status")
    assert (body["state"], body["ferry"]["summary"]["blobs"]) == ("COMPLETED", 2)
    assert call(planes.plane, "GET", "dataflows/unknown/status")[0] == 404


def test_flow_that_is_started_again_is_answered_with_how_it_stands(planes: Planes) -> None:
    begun(planes)
    body = start_body(planes, processId=planes.theirs().id)
    assert call(planes.plane, "POST", "dataflows/start", body)[1]["state"] == "STARTED"
    planes.run(20)
    assert call(planes.plane, "POST", "dataflows/start", body)[1]["state"] == "COMPLETED"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"callbackAddress": None}, "callbackAddress"),
        ({"processId": None}, "processId"),
        ({"transferType": "HttpData-PULL"}, "transferType"),
        ({"metadata": {"account": "x"}}, "metadata"),
        ({"dataAddress": {"@type": "DataAddress", "endpointType": "AzureStorage"}}, "dataAddress"),
    ],
)
def test_start_that_is_wrong_is_refused_at_its_place(planes: Planes, changes: dict[str, Any], place: str) -> None:
    begun(planes)
    status, body = call(planes.plane, "POST", "dataflows/start", start_body(planes, **changes))
    assert status == 400
    assert any(reason.startswith(place) for reason in body["error"]), body
    assert planes.plane.outside.flows.load("flow-2") is None


PATHS = [
    ("plane", "POST", "dataflows/start"),
    ("plane", "GET", "dataflows/flow-1/status"),
    ("plane", "POST", "dataflows/flow-1/suspend"),
    ("plane", "POST", "dataflows/flow-1/resume"),
    ("plane", "POST", "dataflows/flow-1/completed"),
    ("plane", "POST", "dataflows/flow-1/terminate"),
    ("provider", "POST", "control/transfers/flow-1/dataflow/started"),
    ("provider", "POST", "control/transfers/flow-1/dataflow/completed"),
    ("provider", "POST", "control/transfers/flow-1/dataflow/errored"),
]


@pytest.mark.parametrize(("side", "method", "path"), PATHS)
@pytest.mark.parametrize("name", [None, "consumer", "somebody"])
def test_only_the_participants_own_planes_are_let_in(
    planes: Planes, name: str | None, side: str, method: str, path: str
) -> None:
    host = planes.plane if side == "plane" else planes.provider
    status, body = call(host, method, path, {}, name)
    assert (status, list(body)) == (401, ["error"])


@pytest.mark.parametrize(("side", "method", "path"), [it for it in PATHS if it[1] == "POST"])
def test_body_that_is_too_large_or_no_json_is_refused(planes: Planes, side: str, method: str, path: str) -> None:
    host = planes.plane if side == "plane" else planes.provider
    assert call(host, method, path, b"x" * 70_000)[0] == 413
    assert call(host, method, path, b"{")[0] in (400, 404)


def test_news_of_an_unknown_transfer_is_not_found(planes: Planes) -> None:
    told = {"messageId": "m", "dataFlowId": "x", "state": "COMPLETED"}
    assert call(planes.provider, "POST", "control/transfers/x/dataflow/completed", told)[0] == 404


def test_news_lead_to_a_look_and_send_nothing(planes: Planes) -> None:
    begun(planes)
    sent = len(planes.world.network.exchanges)
    flow_id = planes.theirs().id
    told = {"messageId": "m", "dataFlowId": flow_id, "state": "TERMINATED", "error": "it broke"}
    assert call(planes.provider, "POST", f"control/transfers/{flow_id}/dataflow/errored", told)[0] == 200
    assert planes.theirs().state is _S.TERMINATED
    assert len(planes.world.network.exchanges) == sent
    assert any(look.process_id == flow_id and look.epoch is None for look in planes.provider.queue.pending())


def test_callback_to_a_forbidden_host_is_refused(planes: Planes) -> None:
    begun(planes)

    def guard(url: str) -> None:
        raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, f"{url} is not for this app to call")

    signaling = replace(planes.plane.app.core.signaling, check_peer_address=guard)
    headers = {"authorization": MockIdentity("provider").authorization("x")}
    answer = signaling.start(ApiRequest("POST", "x", headers, body=json.dumps(start_body(planes)).encode()))
    assert answer.status == 400
    assert planes.plane.outside.flows.load("flow-2") is None


def test_flow_is_suspended_and_resumed_at_a_plane_in_another_app(planes: Planes) -> None:
    begun(planes)
    flow_id = planes.theirs().id
    order = {"messageId": "m", "reason": "a pause"}
    for verb, state in (("suspend", "SUSPENDED"), ("resume", "STARTED"), ("suspend", "SUSPENDED")):
        status, body = call(planes.plane, "POST", f"dataflows/{flow_id}/{verb}", order)
        assert (status, body["state"]) == (200, state)
        assert call(planes.plane, "GET", f"dataflows/{flow_id}/status")[1]["state"] == state
    # Its control plane knows of no pause, and lets it go on when it asks.
    planes.run(20)
    assert planes.ours().state is _S.COMPLETED
    assert call(planes.plane, "POST", "dataflows/unknown/suspend", {"messageId": "m"})[0] == 404


def test_end_that_is_told_with_an_empty_body_is_what_its_path_says(planes: Planes) -> None:
    begun(planes)
    assert call(planes.provider, "POST", f"control/transfers/{planes.theirs().id}/dataflow/errored", {})[0] == 200
    assert planes.theirs().state is _S.TERMINATED
    assert "gave no reason" in str(planes.theirs().error)
