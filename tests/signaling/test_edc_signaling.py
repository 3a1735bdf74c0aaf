"""EDC's own signaling of versions up to 0.18, registration, and who is let in: one plane in memory, asked over HTTP."""

import json
import uuid
from typing import Any

import pytest

from ferry.domain.secret import Secret
from tests.signaling.counterpart import Json, Said
from tests.signaling.memory_stage import MemoryPlane, memory_plane
from tests.signaling.plane_demands import CONTENT, PUSH, Flow, offered, prepared, properties

pytestmark = pytest.mark.model

EDC = "/edc"
REGISTER = json.dumps({"url": f"http://counterpart.test{EDC}", "dialect": "edc-v1", "keyName": "edc-key"})


@pytest.fixture
def plane() -> MemoryPlane:
    """A plane whose counterpart takes everything that is said below /edc."""
    return edc_plane()


def edc_plane(**settings: str) -> MemoryPlane:
    made = memory_plane(**settings)
    made.counterpart.plays = {EDC: lambda method, path, body: Said(200)}
    return made


def message(plane: MemoryPlane, **more: Any) -> Json:
    """A DataFlowStartMessage as EDC 0.15 writes one; the SAS is named by its alias in the shared vault."""
    told = properties(prepared(plane, PUSH)[1]["dataAddress"])
    plane.host.outside.vault.store("transfer-process-1-destination-secret", Secret(told["secret"]))
    destination = {"@type": "DataAddress", "type": "AzureStorage", "account": plane.account}
    return {
        "@context": {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"},
        "@type": "DataFlowStartMessage",
        "@id": str(uuid.uuid4()),
        "processId": str(uuid.uuid4()),
        "datasetId": "asset",
        "participantId": "consumer",
        "agreementId": "agreement",
        "transferType": PUSH,
        "flowType": "PUSH",
        "transferTypeDestination": "AzureStorage",
        "sourceDataAddress": {"@type": "DataAddress", "type": "AzureStorage", **offered(plane)},
        "destinationDataAddress": {
            **destination,
            "container": told["container"],
            "keyName": "transfer-process-1-destination-secret",
        },
        "callbackAddress": plane.counterpart.url + EDC,
        **more,
    }


def start(plane: MemoryPlane, body: Json) -> Json:
    answer = plane.call("POST", "/v1/dataflows/start", body, {})
    assert answer.status == 200, answer.body
    assert (answer.body["@type"], answer.body["provisioning"]) == ("DataFlowResponseMessage", False)
    return answer.body


def state(plane: MemoryPlane, body: Json) -> str:
    return str(plane.call("GET", f"/v1/dataflows/{body['processId']}/state", None, {}).body["state"])


def ordered(plane: MemoryPlane, body: Json, verb: str) -> int:
    told = {"@type": "DataFlowOrder", "reason": "so it is"}
    return plane.call("POST", f"/v1/dataflows/{body['processId']}/{verb}", told, {}).status


def told(plane: MemoryPlane, body: Json, news: str) -> list[Json]:
    return [it.body for it in plane.counterpart.sent(f"{EDC}/transferprocess/{body['processId']}/{news}")]


def test_push_is_copied_and_its_end_told_to_edc(plane: MemoryPlane) -> None:
    body = message(plane)
    start(plane, body)
    assert plane.until(lambda: told(plane, body, "complete") == [{}])
    assert state(plane, body) == "COMPLETED"
    assert plane.blobs(body["destinationDataAddress"]["container"])["a/one.bin"] == CONTENT
    assert told(plane, body, "fail") == []


def test_addresses_are_read_as_edc_writes_them(plane: MemoryPlane) -> None:
    body = message(plane)
    for name in ("sourceDataAddress", "destinationDataAddress"):
        flat = {key: value for key, value in body[name].items() if key not in ("@type", "type")}
        body[name] = {
            "@type": "https://w3id.org/dspace/v0.8/DataAddress",
            "https://w3id.org/dspace/v0.8/endpointType": "AzureStorage",
            "https://w3id.org/dspace/v0.8/endpointProperties": [
                {
                    "@type": "https://w3id.org/dspace/v0.8/EndpointProperty",
                    "https://w3id.org/dspace/v0.8/name": f"https://w3id.org/edc/v0.0.1/ns/{key}",
                    "https://w3id.org/dspace/v0.8/value": value,
                }
                for key, value in flat.items()
            ],
        }
    start(plane, body)
    assert plane.until(lambda: state(plane, body) == "COMPLETED")


def test_push_whose_message_brings_the_sas_leaves_no_secret_behind(plane: MemoryPlane) -> None:
    body = message(plane)
    vault = plane.host.outside.vault
    address = dict(body["destinationDataAddress"])
    kept = vault.get(str(address.pop("keyName")))
    assert kept is not None
    start(plane, {**body, "destinationDataAddress": {**address, "secret": kept.reveal()}})
    record = plane.host.outside.flows.load(body["processId"])
    assert record is not None
    name = record.document.target.secret_name
    assert vault.get(name) is not None
    assert plane.until(lambda: state(plane, body) == "COMPLETED" and vault.get(name) is None)


def test_push_that_fails_tells_edc_why(plane: MemoryPlane) -> None:
    body = message(plane)
    body["sourceDataAddress"]["blobName"] = "gone.bin"
    start(plane, body)
    assert plane.until(lambda: len(told(plane, body, "fail")) == 1)
    assert "gone.bin" in told(plane, body, "fail")[0]["errorMessage"]
    assert told(plane, body, "complete") == []


def test_push_is_suspended_and_goes_on_by_another_start(plane: MemoryPlane) -> None:
    body = message(plane)
    plane.hold_writes(body["destinationDataAddress"]["container"])
    start(plane, body)
    assert ordered(plane, body, "suspend") == 204
    assert state(plane, body) == "SUSPENDED"
    plane.release()
    start(plane, body)
    assert plane.until(lambda: state(plane, body) == "COMPLETED")


def test_push_is_terminated_and_tells_nothing(plane: MemoryPlane) -> None:
    body = message(plane)
    plane.hold_writes(body["destinationDataAddress"]["container"])
    start(plane, body)
    assert ordered(plane, body, "terminate") == 204
    assert state(plane, body) == "TERMINATED"
    assert (told(plane, body, "complete"), told(plane, body, "fail")) == ([], [])
    assert ordered(plane, {"processId": "unknown"}, "terminate") == 404


def test_destination_is_prepared_for_edc(plane: MemoryPlane) -> None:
    body = {
        "@context": {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"},
        "@type": "DataFlowProvisionMessage",
        "processId": str(uuid.uuid4()),
        "assetId": "asset",
        "agreementId": "agreement",
        "transferType": PUSH,
        "destination": {"@type": "DataAddress", "type": "AzureStorage", "account": plane.account},
        "callbackAddress": plane.counterpart.url + EDC,
    }
    answer = plane.call("POST", "/v1/dataflows/prepare", body, {})
    assert (answer.status, answer.body["provisioning"]) == (200, False)
    told = answer.body["dataAddress"]
    assert told["https://w3id.org/dspace/v0.8/endpointType"] == "AzureStorage"
    assert "sig=" in json.dumps(told["https://w3id.org/dspace/v0.8/endpointProperties"])
    assert state(plane, body) == "PROVISIONED"


@pytest.mark.parametrize("missing", ["processId", "sourceDataAddress", "destinationDataAddress", "callbackAddress"])
def test_start_without_what_a_flow_needs_is_refused_at_its_place(plane: MemoryPlane, missing: str) -> None:
    body = {name: value for name, value in message(plane).items() if name != missing}
    answer = plane.call("POST", "/v1/dataflows", body, {})
    assert answer.status == 400
    assert any(reason.startswith(missing) for reason in answer.body["error"])


def test_plane_registers_itself_once_in_a_while_and_with_its_key() -> None:
    plane = edc_plane(FERRY_REGISTER_AT=REGISTER)
    plane.host.outside.vault.store("edc-key", Secret("a key"))
    path = f"{EDC}/v1/dataplanes"
    assert plane.counterpart.sent(path) == []
    plane.host.app.timer()
    plane.host.app.timer()
    (heard,) = plane.counterpart.sent(path)
    assert (heard.method, heard.body["url"]) == ("POST", "http://ferry.test/api/v1/dataflows")
    assert heard.body["allowedSourceTypes"] == ["AzureStorage"]
    plane.world.clock.advance(601)
    plane.host.app.timer()
    assert len(plane.counterpart.sent(path)) == 2


def test_registration_that_is_refused_is_tried_again() -> None:
    told = REGISTER.replace("edc-v1", "dps")
    plane = edc_plane(FERRY_REGISTER_AT=told)
    plane.counterpart.plays = {EDC: lambda method, path, body: Said(503)}
    plane.host.app.timer()
    plane.counterpart.plays = {EDC: lambda method, path, body: Said(200)}
    plane.host.app.timer()
    plane.host.app.timer()
    heard = plane.counterpart.sent(f"{EDC}/dataplanes")
    assert [(it.method, it.status) for it in heard] == [("PUT", 503), ("PUT", 200)]
    assert heard[-1].body["endpoint"] == "http://ferry.test/api/dataflows"


def test_key_is_asked_for_where_the_settings_say_so() -> None:
    plane = memory_plane(FERRY_SIGNALING_ACCESS="api-key", FERRY_SIGNALING_KEY="s3cr3t")
    body = Flow(plane, PUSH).message({})
    body["metadata"] = {"account": plane.account}
    for headers, status in (({}, 401), ({"x-api-key": "wrong"}, 401), ({"x-api-key": "s3cr3t"}, 200)):
        assert plane.call("POST", "/dataflows/prepare", body, headers).status == status
    assert plane.call("POST", "/dataflows/prepare", body, {"Authorization": "Bearer s3cr3t"}).status == 200


@pytest.mark.parametrize(
    "path", ["/dataflows/prepare", "/dataflows/x/started", "/v1/dataflows", "/v1/dataflows/prepare"]
)
def test_nobody_but_the_participant_is_let_in_by_default(path: str) -> None:
    plane = memory_plane(FERRY_SIGNALING_ACCESS="own")
    for authorization in ({}, {"Authorization": '{"clientId": "somebody"}'}):
        assert plane.call("POST", path, {}, authorization).status == 401
