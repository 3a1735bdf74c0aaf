"""What comes late, twice or not at all: nothing that was delivered is lost, nobody waits for news in vain."""

import json
import uuid
from typing import Any

import pytest

from ferry.adapters.memory_store import MemoryProcessStore
from ferry.domain.process import IntentKind, Process
from ferry.ports.stores import Record
from ferry.protocol.identity import MockIdentity
from tests.signaling import control_demands as control
from tests.signaling.counterpart import Json, Said
from tests.signaling.memory_stage import MemoryApp, memory_control, memory_plane
from tests.signaling.plane_demands import PARTICIPANT, PULL, PUSH, Flow, delivered, offered, prepared, properties
from tests.signaling.test_edc_signaling import EDC, edc_plane, message, start, state, told

pytestmark = pytest.mark.model

_DAY_SECONDS = 86400


def after(app: MemoryApp, seconds: float, steps: int = 40) -> None:
    """Time passes, and what is due is done."""
    app.world.clock.advance(seconds)
    for _ in range(steps):
        app.until(lambda: True)
        app.world.clock.advance(20)
        app.host.emit(app.host.app.timer())
    app.until(lambda: True)


# --- a data plane ---------------------------------------------------------------------------------------------------


def test_delivery_into_a_flow_that_ended_late_outlives_its_document() -> None:
    plane = memory_plane()
    flow, said = prepared(plane, PUSH)
    container = properties(said["dataAddress"])["container"]
    Flow(plane, PUSH).begin("start", offered(plane), dataAddress=said["dataAddress"])
    assert plane.until(lambda: ".complete" in plane.blobs(container))
    after(plane, 3700)
    assert flow.state() == "TERMINATED"
    after(plane, 31 * _DAY_SECONDS, steps=400)
    assert plane.host.outside.plane_flows.load(flow.id) is None
    delivered(plane, container)


def test_container_of_a_flow_that_came_to_nothing_leaves_with_its_document() -> None:
    plane = memory_plane()
    flow, said = prepared(plane, PUSH)
    container = properties(said["dataAddress"])["container"]
    flow.order("terminate", "TERMINATED")
    after(plane, 31 * _DAY_SECONDS, steps=400)
    assert plane.host.outside.plane_flows.load(flow.id) is None
    assert (plane.account, container) not in plane.world.cloud.containers()


class _WorkerDied(BaseException):
    """Ends the call as the end of the worker would."""


def test_repeated_start_is_told_though_the_first_worker_died() -> None:
    plane = memory_plane()
    engine = plane.host.app.core.hosted.flows.engine
    performers: Any = engine.performers
    saved: object = performers[IntentKind.GRANT_ACCESS]

    def die(*_: object) -> Json:
        raise _WorkerDied

    flow = Flow(plane, PULL)
    order = flow.message(offered(plane))
    performers[IntentKind.GRANT_ACCESS] = die
    with pytest.raises(_WorkerDied):
        plane.call("POST", "/dataflows/start", order, {})
    performers[IntentKind.GRANT_ACCESS] = saved
    assert plane.call("POST", "/dataflows/start", order, {}).status == 202
    assert "dataAddress" in flow.tells("started", "STARTED")


@pytest.mark.parametrize("kind", [PUSH, PULL])
def test_completion_is_taken_before_the_start_was_heard(kind: str) -> None:
    flow, _ = prepared(memory_plane(), kind)
    flow.order("completed", "COMPLETED")


def test_flow_that_edc_prepared_waits_as_long_as_a_copy_may_take_and_ends_quietly() -> None:
    plane = edc_plane()
    destination = {"@type": "DataAddress", "type": "AzureStorage", "account": plane.account}
    body = {
        "@type": "DataFlowProvisionMessage",
        "@context": {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"},
        "processId": str(uuid.uuid4()),
        "agreementId": "agreement",
        "assetId": "asset",
        "transferType": PUSH,
        "destination": destination,
        "callbackAddress": plane.counterpart.url + EDC,
    }
    assert plane.call("POST", "/v1/dataflows/prepare", body, {}).status == 200
    after(plane, 3700)
    assert state(plane, body) == "PROVISIONED"
    after(plane, _DAY_SECONDS)
    assert state(plane, body) == "TERMINATED"
    assert told(plane, body, "fail") == []


def test_push_that_is_over_keeps_no_sas_of_a_repeated_start() -> None:
    plane = edc_plane()
    body, vault = message(plane), plane.host.outside.vault
    address = dict(body["destinationDataAddress"])
    kept = vault.get(str(address.pop("keyName")))
    assert kept is not None
    body["destinationDataAddress"] = {**address, "secret": kept.reveal()}
    start(plane, body)
    record = plane.host.outside.flows.load(body["processId"])
    assert record is not None
    name = record.document.target.secret_name
    assert plane.until(lambda: state(plane, body) == "COMPLETED" and vault.get(name) is None)
    start(plane, body)
    assert (vault.get(name), state(plane, body)) == (None, "COMPLETED")


def test_end_is_told_eight_times_where_edc_does_not_know_the_transfer() -> None:
    plane = edc_plane()
    plane.counterpart.plays = {EDC: lambda method, path, body: Said(404)}
    body = message(plane)
    start(plane, body)
    after(plane, 0, steps=60)
    assert len(told(plane, body, "complete")) == 8


# --- the names of secrets -------------------------------------------------------------------------------------------

_KEY_NAME = "Ferry-Signing-Key"


def test_no_address_of_an_order_names_the_signing_key() -> None:
    plane = edc_plane(FERRY_SIGNING_KEY_NAME="ferry-signing-key")
    edc = message(plane)
    wanted = {"account": plane.account, "keyName": _KEY_NAME}
    served = {**offered(plane), "keyName": _KEY_NAME}
    place = {
        "@type": "DataAddress",
        "endpointType": "AzureStorage",
        "endpointProperties": [
            {"@type": "EndpointProperty", "name": name, "value": value}
            for name, value in {**wanted, "container": "there"}.items()
        ],
    }
    orders: list[tuple[str, Json]] = [
        ("/dataflows/prepare", Flow(plane, PUSH).message(wanted)),
        ("/dataflows/start", Flow(plane, PULL).message(served)),
        ("/dataflows/start", Flow(plane, PUSH).message(offered(plane), dataAddress=place)),
        ("/v1/dataflows/start", {**edc, "destinationDataAddress": {**edc["destinationDataAddress"], **wanted}}),
        ("/v1/dataflows/start", {**edc, "sourceDataAddress": {**edc["sourceDataAddress"], **wanted}}),
        ("/v1/dataflows/prepare", {**edc, "destination": {"@type": "DataAddress", "type": "AzureStorage", **wanted}}),
    ]
    for path, order in orders:
        answer = plane.call("POST", path, order, {})
        assert (answer.status, "signing key" in json.dumps(answer.body)) == (400, True), (path, answer.body)
    start(plane, edc)


# --- who is asked, and when -----------------------------------------------------------------------------------------


def test_flow_is_not_looked_up_for_a_caller_that_is_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = memory_plane(FERRY_SIGNALING_ACCESS="api-key", FERRY_SIGNALING_KEY="s3cr3t")
    asked: list[str] = []
    load = MemoryProcessStore[Process].load

    def counted(self: MemoryProcessStore[Process], process_id: str) -> Record[Process] | None:
        asked.append(process_id)
        return load(self, process_id)

    monkeypatch.setattr(MemoryProcessStore, "load", counted)
    assert plane.call("GET", "/dataflows/unknown/status", None, {}).status == 401
    assert asked == []
    assert plane.call("GET", "/dataflows/unknown/status", None, {"x-api-key": "s3cr3t"}).status == 404
    assert asked == ["unknown", "unknown"]  # among this plane's flows, and among those of the copy engine


def test_caller_shows_who_it_is_but_once(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = memory_plane(FERRY_SIGNALING_ACCESS="own")
    shown: list[str | None] = []
    identify = MockIdentity.identify

    def counted(self: MockIdentity, authorization: str | None) -> str:
        shown.append(authorization)
        return identify(self, authorization)

    monkeypatch.setattr(MockIdentity, "identify", counted)
    headers = {"Authorization": MockIdentity(PARTICIPANT).authorization("any")}
    assert plane.call("GET", "/dataflows/unknown/status", None, headers).status == 404
    assert len(shown) == 1


# --- a control plane ------------------------------------------------------------------------------------------------


def _tell(transfer: control.Transfer, what: str, kind: str, **members: Any) -> None:
    """The provider's message, before anything that was queued is done."""
    context = ["https://w3id.org/dspace/2025/1/context.jsonld"]
    body = {"@context": context, "@type": kind, "providerPid": transfer.correlation, "consumerPid": transfer.id}
    headers = {"Authorization": '{"region": "any", "audience": "any", "clientId": "counterparty"}'}
    answer = transfer.stage.call("POST", f"{transfer.side}/transfers/{transfer.id}/{what}", body | members, headers)
    assert answer.status == 200, answer.body


def _asked_for(stage: MemoryApp, kind: str) -> control.Transfer:
    transfer = control.triggered(stage, holds=True, kind=kind)
    address = {"dataAddress": control.pull_address()} if kind == control.PUSH_TYPE else {}
    transfer.plane_tells("prepared", "PREPARED", **address)
    assert stage.until(lambda: len(transfer.others.requests) == 1)
    transfer.shows("REQUESTED")
    transfer.others.holds = False
    return transfer


def _verbs(transfer: control.Transfer, stage: MemoryApp) -> list[str]:
    """What its plane was told after it had prepared, in turn."""
    path = f"{control.PLANE}/{transfer.id}/"
    return [it.path.removeprefix(path) for it in stage.counterpart.heard if it.path.startswith(path)]


@pytest.mark.parametrize(
    ("kind", "verbs"), [(control.PUSH_TYPE, ["started", "completed"]), (control.PULL_TYPE, ["completed"])]
)
def test_plane_hears_of_a_start_and_a_completion_that_came_at_once(kind: str, verbs: list[str]) -> None:
    stage = memory_control()
    transfer = _asked_for(stage, kind)
    address = {"dataAddress": control.pull_address()} if kind == control.PULL_TYPE else {}
    _tell(transfer, "start", "TransferStartMessage", **address)
    _tell(transfer, "completion", "TransferCompletionMessage")
    after(stage, 0, steps=10)
    assert _verbs(transfer, stage) == verbs
    assert transfer.state() == "COMPLETED"


def test_transfer_stays_completed_though_its_plane_refuses_to_hear_of_the_start() -> None:
    stage = memory_control()
    transfer = _asked_for(stage, control.PUSH_TYPE)
    plays = stage.counterpart.plays[control.PLANE]
    stage.counterpart.plays[control.PLANE] = lambda method, path, body: (
        Said(400) if path.endswith("/started") else plays(method, path, body)
    )
    _tell(transfer, "start", "TransferStartMessage")
    _tell(transfer, "completion", "TransferCompletionMessage")
    after(stage, 0, steps=10)
    assert "started" in _verbs(transfer, stage)
    assert transfer.state() == "COMPLETED"


@pytest.mark.parametrize("news", ["prepared", "started", "completed", "errored"])
def test_news_of_a_transfer_that_no_other_app_runs_are_refused(news: str) -> None:
    stage = memory_control()
    transfer = _own_push(stage)
    body = {"messageId": "m", "dataFlowId": transfer, "state": "TERMINATED"}
    before = stage.host.app.core.transfers.get(transfer)
    answer = stage.call("POST", f"/control/transfers/{transfer}/dataflow/{news}", body, {})
    assert answer.status == 404
    assert stage.host.app.core.transfers.get(transfer) == before


def _own_push(stage: MemoryApp) -> str:
    """A transfer of ours as consumer that this app itself receives."""
    body = {
        "@context": ["https://w3id.org/edc/connector/management/v2"],
        "@type": "TransferRequest",
        "counterPartyAddress": stage.counterpart.url + control.PEER,
        "protocol": "dataspace-protocol-http:2025-1",
        "contractId": control.CONSUMED,
        "transferType": PUSH,
        "dataDestination": {"@type": "DataAddress", "type": "AzureStorage", "account": "consumerdata"},
    }
    answer = stage.call("POST", "/management/v4/transferprocesses", body, {"x-api-key": control.API_KEY})
    assert answer.status == 200, answer.body
    return str(answer.body["@id"])
