"""Pulls in both roles: a registered data plane gives the address, the consumer's client says when it is done."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ferry.adapters.memory_vault import MemoryVault
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import JsonObject
from ferry.domain.states import TransferState
from ferry.ports.peer import PeerAnswer
from tests.unit.api.client import Client, body_of, client_of, faults_in, transfer_request
from tests.unit.control_plane.agreed import agreed_pair
from tests.world.both_sides import BothSides
from tests.world.participants import Pair, Participant

_S = TransferState
PULL = "HttpData-PULL"
PLANE = "http://reader.test/dataflows"
TOKEN = "token-that-nobody-may-see"
HTTP_ADDRESS: JsonObject = {
    "@type": "DataAddress",
    "endpointType": "https://w3id.org/idsa/v4.1/HTTP",
    "endpoint": "http://reader.test/public",
    "endpointProperties": [
        {"@type": "EndpointProperty", "name": "authorization", "value": TOKEN},
        {"@type": "EndpointProperty", "name": "authType", "value": "bearer"},
    ],
}


class Reader:
    """A data plane for pulls that is no part of Ferry. `answers_at_once`: else it calls back when it is ready."""

    def __init__(self) -> None:
        self.answers_at_once = True
        self.knows_flow = True
        self.calls: list[tuple[str, JsonObject]] = []
        self.token = TOKEN

    @property
    def orders(self) -> list[str]:
        return [path.rpartition("/")[2] for path, _ in self.calls if not path.endswith("/status")]

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        del method, headers
        path = url.removeprefix(PLANE)
        self.calls.append((path, body or {}))
        if not self.knows_flow and not path.endswith("/start"):
            return PeerAnswer(404)
        if path.endswith(("/start", "/resume")):
            return self._started() if self.answers_at_once else PeerAnswer(202, {**STATUS, "state": "STARTING"})
        if path.endswith("/status"):
            return PeerAnswer(200, {**STATUS, "state": "STARTED" if self.answers_at_once else "STARTING"})
        return PeerAnswer(200, {"messageId": "m"})

    def address(self) -> JsonObject:
        return json.loads(json.dumps(HTTP_ADDRESS).replace(TOKEN, self.token))

    def _started(self) -> PeerAnswer:
        return PeerAnswer(200, {**STATUS, "state": "STARTED", "dataAddress": self.address()})


STATUS: JsonObject = {"messageId": "m", "dataFlowId": "flow-of-the-reader"}


class Pulls(BothSides):
    """Two participants, a plane for pulls, and a client of each."""

    def __init__(self, **settings: str) -> None:
        self.pair = agreed_pair(**settings)
        self.reader = Reader()
        self.pair.world.network.attach("http://reader.test", self.reader.serve)
        self.consumer, self.provider = client_of(self.pair.consumer), client_of(self.pair.provider)
        registered = {"dataplaneId": "reader", "endpoint": PLANE, "transferTypes": [PULL], "labels": ["a"]}
        assert self.provider.call("PUT", "management/v4/dataplanes", registered).status == 200
        self.process_id = ""

    def start(self) -> None:
        answer = self.consumer.post("transferprocesses", transfer_request(self.pair, transferType=PULL))
        self.process_id = body_of(answer)["@id"]
        self.pair.drain()

    def order(self, client: Client, verb: str, body: Any = None) -> None:
        process = self.ours if client is self.consumer else self.theirs
        assert client.post(f"transferprocesses/{process.id}/{verb}", body).status == 204
        self.pair.drain()

    def call_back(self, what: str, body: JsonObject) -> int:
        """The plane tells the provider's control plane something."""
        from ferry.api.http import ApiRequest

        outside, signaling = self.pair.provider.core.outside, self.pair.provider.core.signaling
        headers = {"authorization": outside.identity.authorization("http://provider.test")}
        told = ApiRequest("POST", "", headers, {"id": self.theirs.id}, {}, json.dumps(body).encode())
        answer = {"started": signaling.started, "completed": signaling.completed, "errored": signaling.errored}[what](
            told
        )
        self.pair.provider.emit(answer.looks)
        self.pair.drain()
        return answer.status


@pytest.fixture
def pulls() -> Pulls:
    return Pulls()


def vault_of(side: Participant) -> MemoryVault:
    vault = side.core.outside.vault
    assert isinstance(vault, MemoryVault)
    return vault


def addresses_in(side: Participant) -> list[str]:
    return [name for name in vault_of(side).names() if name.startswith("ferry-edr-")]


def everything_kept(pair: Pair) -> str:
    """All documents of both sides."""
    return repr([side.core.transfers.engine.store.load(p) for side in pair.both for p in ids_of(side)])


def ids_of(side: Participant) -> list[str]:
    from ferry.control_plane.listing import Listing

    return [process.id for process in Listing(engine=side.core.transfers.engine).stream()]


# --- start ------------------------------------------------------------------------------------------------------


def test_started_pull_brings_the_address_to_the_consumer(pulls: Pulls) -> None:
    pulls.start()
    assert pulls.states == (_S.STARTED, _S.STARTED)
    assert pulls.ours.destination is None
    shown = body_of(pulls.consumer.get(f"edrs/{pulls.process_id}/dataaddress"))
    assert (shown["@type"], shown["endpoint"]) == ("DataAddress", "http://reader.test/public")
    assert (shown["authorization"], shown["authType"]) == (TOKEN, "bearer")
    assert shown["type"] == "https://w3id.org/idsa/v4.1/HTTP"


def test_request_of_a_pull_carries_no_address_and_no_document_the_token(pulls: Pulls) -> None:
    pulls.start()
    (request,) = [it.body for it in pulls.pair.world.network.exchanges if it.url.endswith("/transfers/request")]
    assert request is not None and "dataAddress" not in request and request["format"] == PULL
    assert TOKEN not in everything_kept(pulls.pair)
    assert len(addresses_in(pulls.pair.consumer)) == len(addresses_in(pulls.pair.provider)) == 1


def test_plane_that_takes_its_time_calls_back_with_the_address(pulls: Pulls) -> None:
    pulls.reader.answers_at_once = False
    pulls.start()
    assert pulls.states == (_S.REQUESTED, _S.STARTING)
    assert pulls.theirs.dsp_state == "REQUESTED"
    assert (
        pulls.call_back("started", {"dataFlowId": "flow-of-the-reader", "dataAddress": pulls.reader.address()}) == 200
    )
    assert pulls.states == (_S.STARTED, _S.STARTED)
    assert body_of(pulls.consumer.get(f"edrs/{pulls.process_id}/dataaddress"))["authorization"] == TOKEN


def test_start_without_an_address_is_a_start(pulls: Pulls) -> None:
    pulls.reader.answers_at_once = False
    pulls.start()
    assert pulls.call_back("started", {}) == 200
    assert pulls.states == (_S.STARTED, _S.STARTED)
    assert pulls.consumer.get(f"edrs/{pulls.process_id}/dataaddress").status == 404


def test_plane_is_asked_until_it_is_ready_where_its_callback_is_lost(pulls: Pulls) -> None:
    pulls.reader.answers_at_once = False
    pulls.start()
    pulls.reader.answers_at_once = True
    pulls.pair.world.clock.advance(10)
    pulls.pair.drain()
    assert pulls.states == (_S.STARTED, _S.STARTED)


def test_type_that_no_plane_serves_is_refused_at_the_request(pulls: Pulls) -> None:
    assert pulls.provider.call("DELETE", "management/v4/dataplanes/reader").status == 204
    pulls.start()
    pulls.pair.run()
    assert pulls.ours.state is _S.TERMINATED
    assert "TransferType HttpData-PULL is not supported; use AzureStorage-PUSH" in str(pulls.ours.error)


def test_type_that_is_no_push_of_ours_and_no_pull_is_refused_by_our_own_api(pulls: Pulls) -> None:
    answer = pulls.consumer.post("transferprocesses", transfer_request(pulls.pair, transferType="AmazonS3-PUSH"))
    assert faults_in(answer)["transferType"].startswith("transferType: TransferType AmazonS3-PUSH is not supported")


# --- the end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["consumer", "provider"])
def test_pull_is_complete_when_either_client_says_so(pulls: Pulls, by: str) -> None:
    pulls.start()
    pulls.order(pulls.consumer if by == "consumer" else pulls.provider, "complete")
    assert pulls.states == (_S.COMPLETED, _S.COMPLETED)
    assert pulls.reader.orders == ["start", "completed"]
    assert addresses_in(pulls.pair.consumer) == addresses_in(pulls.pair.provider) == []
    assert pulls.ours.is_settled and pulls.theirs.is_settled
    assert pulls.consumer.get(f"edrs/{pulls.process_id}/dataaddress").status == 404


def test_plane_that_says_that_it_is_complete_completes_both_sides(pulls: Pulls) -> None:
    pulls.start()
    assert pulls.call_back("completed", {}) == 200
    assert pulls.states == (_S.COMPLETED, _S.COMPLETED)
    assert addresses_in(pulls.pair.consumer) == addresses_in(pulls.pair.provider) == []


def test_plane_that_has_failed_ends_both_sides_with_its_reason(pulls: Pulls) -> None:
    pulls.start()
    body: JsonObject = {"dataFlowId": "x", "state": "TERMINATED", "error": "the disk is full"}
    assert pulls.call_back("errored", body) == 200
    assert pulls.states == (_S.TERMINATED, _S.TERMINATED)
    assert "the disk is full" in str(pulls.ours.error)


@pytest.mark.parametrize("by", ["consumer", "provider"])
def test_terminated_pull_leaves_nothing_behind(pulls: Pulls, by: str) -> None:
    pulls.start()
    pulls.order(pulls.consumer if by == "consumer" else pulls.provider, "terminate", {"reason": "enough"})
    pulls.pair.run(seconds=400)
    assert pulls.states == (_S.TERMINATED, _S.TERMINATED)
    assert addresses_in(pulls.pair.consumer) == addresses_in(pulls.pair.provider) == []
    assert "terminate" in pulls.reader.orders


def test_completion_of_a_pull_that_has_not_started_is_refused(pulls: Pulls) -> None:
    pulls.reader.answers_at_once = False
    pulls.start()
    answer = pulls.consumer.post(f"transferprocesses/{pulls.process_id}/complete")
    assert answer.status == 409
    message: JsonObject = {
        "@type": "TransferCompletionMessage",
        "@id": "urn:uuid:1",
        "consumerPid": pulls.process_id,
        "providerPid": pulls.theirs.id,
    }
    peer = pulls.pair.consumer.core.outside.peer
    url = f"http://provider.test/api/dsp/2025-1/transfers/{pulls.theirs.id}/completion"
    assert peer.post(url, message, audience=url).status == 409
    assert pulls.states == (_S.REQUESTED, _S.STARTING)


# --- pauses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resumes", ["consumer", "provider"])
@pytest.mark.parametrize("suspends", ["consumer", "provider"])
def test_suspended_pull_hides_its_address_and_a_resumption_brings_a_new_one(
    pulls: Pulls, suspends: str, resumes: str
) -> None:
    clients = {"consumer": pulls.consumer, "provider": pulls.provider}
    pulls.start()
    pulls.order(clients[suspends], "suspend", {"reason": "a pause"})
    assert pulls.states == (_S.SUSPENDED, _S.SUSPENDED)
    assert pulls.reader.orders == ["start", "suspend"]
    assert pulls.consumer.get(f"edrs/{pulls.process_id}/dataaddress").status == 404
    assert len(addresses_in(pulls.pair.consumer)) == 1
    assert pulls.consumer.post(f"transferprocesses/{pulls.process_id}/complete").status == 409

    pulls.reader.token = "another-token"
    pulls.order(clients[resumes], "resume")
    pulls.pair.run(seconds=30)
    assert pulls.states == (_S.STARTED, _S.STARTED)
    assert pulls.reader.orders == ["start", "suspend", "resume"]
    assert body_of(pulls.consumer.get(f"edrs/{pulls.process_id}/dataaddress"))["authorization"] == "another-token"
    pulls.order(pulls.consumer, "complete")
    assert pulls.states == (_S.COMPLETED, _S.COMPLETED)


def test_flow_is_called_by_the_name_that_its_plane_gave_it(pulls: Pulls) -> None:
    pulls.start()
    pulls.order(pulls.provider, "suspend")
    paths = [path for path, _ in pulls.reader.calls]
    assert paths[0] == "/start" and "/flow-of-the-reader/suspend" in paths


# --- endpoint data references -----------------------------------------------------------------------------------


def test_entries_are_listed_without_their_addresses(pulls: Pulls) -> None:
    pulls.start()
    (entry,) = body_of(pulls.consumer.post("edrs/request", {"@type": "QuerySpec"}))
    assert entry["@type"] == "EndpointDataReferenceEntry"
    assert (entry["transferProcessId"], entry["assetId"]) == (pulls.process_id, "asset-1")
    assert (entry["agreementId"], entry["providerId"]) == (pulls.pair.agreement_id, "provider")
    assert TOKEN not in json.dumps(entry)
    wanted = {"operandLeft": "assetId", "operator": "=", "operandRight": "another"}
    assert body_of(pulls.consumer.post("edrs/request", {"filterExpression": [wanted]})) == []


def test_deleted_entry_is_gone_and_the_transfer_goes_on(pulls: Pulls) -> None:
    pulls.start()
    assert pulls.consumer.delete(f"edrs/{pulls.process_id}").status == 204
    assert pulls.consumer.delete(f"edrs/{pulls.process_id}").status == 404
    assert addresses_in(pulls.pair.consumer) == []
    assert body_of(pulls.consumer.post("edrs/request", {})) == []
    pulls.order(pulls.consumer, "complete")
    assert pulls.states == (_S.COMPLETED, _S.COMPLETED)


def test_address_of_somebody_elses_or_an_unknown_process_is_not_found(pulls: Pulls) -> None:
    pulls.start()
    assert pulls.consumer.get("edrs/nobody/dataaddress").status == 404
    assert client_of(pulls.pair.provider).get(f"edrs/{pulls.theirs.id}/dataaddress").status == 404


def test_vault_that_is_away_lets_the_provider_tell_it_again(pulls: Pulls, monkeypatch: pytest.MonkeyPatch) -> None:
    away = EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, "the vault is away", retryable=True)

    def fail(*args: object, **kwargs: object) -> None:
        raise away

    vault = vault_of(pulls.pair.consumer)
    with monkeypatch.context() as patched:
        patched.setattr(vault, "store", fail)
        pulls.start()
        assert pulls.states == (_S.REQUESTED, _S.STARTING)
    pulls.pair.run(seconds=30)
    assert pulls.states == (_S.STARTED, _S.STARTED)
    assert body_of(pulls.consumer.get(f"edrs/{pulls.process_id}/dataaddress"))["authorization"] == TOKEN


# --- data planes ------------------------------------------------------------------------------------------------


def test_planes_are_listed_with_the_own_one_first(pulls: Pulls) -> None:
    own, reader = body_of(pulls.provider.get("dataplanes"))
    assert (own["allowedTransferTypes"], reader["allowedTransferTypes"]) == (["AzureStorage-PUSH"], [PULL])
    assert (reader["@id"], reader["url"], reader["state"]) == ("reader", PLANE, "REGISTERED")


def test_catalog_tells_the_types_that_some_plane_serves(pulls: Pulls) -> None:
    assert pulls.pair.provider.core.planes.transfer_types() == ("AzureStorage-PUSH", PULL)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"dataplaneId": ""}, "dataplaneId"),
        ({"endpoint": "ftp://x"}, "endpoint"),
        ({"transferTypes": []}, "transferTypes"),
        ({"transferTypes": [7]}, "transferTypes"),
        ({"authorization": {"type": "oauth2"}}, "authorization"),
    ],
)
def test_registration_with_a_fault_is_refused(pulls: Pulls, change: dict[str, Any], path: str) -> None:
    body = {"dataplaneId": "p", "endpoint": "http://p.test/dataflows", "transferTypes": ["X-PULL"], **change}
    assert path in faults_in(pulls.provider.call("PUT", "management/v4/dataplanes", body))


def test_own_plane_is_neither_replaced_nor_removed(pulls: Pulls) -> None:
    own = body_of(pulls.provider.get("dataplanes"))[0]["@id"]
    body = {"dataplaneId": own, "endpoint": "http://p.test/dataflows", "transferTypes": ["X-PULL"]}
    assert pulls.provider.call("PUT", "management/v4/dataplanes", body).status == 409
    assert pulls.provider.call("DELETE", f"management/v4/dataplanes/{own}").status == 404


def test_plane_that_does_not_answer_is_named_in_the_cause() -> None:
    pulls = Pulls(FERRY_DEADLINES='{"STARTING": 60}')
    pulls.pair.world.network.detach("http://reader.test")
    pulls.start()
    pulls.pair.run(seconds=200)
    assert pulls.ours.state is _S.TERMINATED
    assert pulls.theirs.error is not None
    assert pulls.theirs.error.code == FaultCode.DATA_PLANE_UNAVAILABLE
    assert PLANE in pulls.theirs.error.message


def test_clean_up_at_a_plane_that_is_gone_for_good_is_given_up() -> None:
    pulls = Pulls(FERRY_CLEAN_UP_SECONDS="900")
    pulls.start()
    pulls.pair.world.network.detach("http://reader.test")
    pulls.order(pulls.provider, "terminate")
    assert not pulls.theirs.is_settled
    pulls.pair.run(seconds=2000)
    assert pulls.theirs.is_settled
    assert any(line.what.startswith("given up: TERMINATE_DATA_FLOW: ") for line in pulls.theirs.history)


def test_plane_that_was_removed_while_its_flow_ran_is_given_up_as_well() -> None:
    pulls = Pulls(FERRY_CLEAN_UP_SECONDS="900")
    pulls.start()
    assert pulls.provider.call("DELETE", "management/v4/dataplanes/reader").status == 204
    pulls.order(pulls.consumer, "complete")
    pulls.pair.run(seconds=2000)
    assert pulls.states == (_S.COMPLETED, _S.COMPLETED)
    assert pulls.theirs.is_settled
    assert any("given up: COMPLETE_DATA_FLOW" in line.what for line in pulls.theirs.history)
