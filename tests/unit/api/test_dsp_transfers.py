"""The protocol's transfer endpoints: what they answer, what they refuse, and that they never send anything."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ferry.adapters.memory_store import MemoryProcessStore
from ferry.adapters.memory_vault import MemoryVault
from ferry.api.http import ApiRequest
from ferry.control_plane.listing import Listing
from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.message_kind import Role
from ferry.domain.process import IntentKind
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import Record
from ferry.services.compose import compose
from tests.unit.api.dsp_client import (
    CONTEXT,
    SAS,
    DspClient,
    body_of,
    consumer_of,
    data_address,
    message,
    provider_of,
    transfer_request,
)
from tests.unit.control_plane.agreed import agreed_pair
from tests.unit.protocol.strict import assert_strict
from tests.world.participants import Pair

_S = TransferState


@pytest.fixture
def pair() -> Pair:
    return agreed_pair()


def started(pair: Pair) -> TransferProcess:
    """The consumer's transfer that the provider has been asked for."""
    return pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=1).process


def stored(pair: Pair, process_id: str) -> TransferProcess:
    return pair.provider.core.transfers.get(process_id)


def error_of(body: dict[str, Any], status: int, consumer_pid: str, provider_pid: str) -> str:
    """The reasons of a strict TransferError that names both pids."""
    assert (body["@type"], body["code"]) == ("TransferError", str(status))
    assert (body["consumerPid"], body["providerPid"]) == (consumer_pid, provider_pid)
    assert_strict(body)
    return " ".join(body["reason"])


# --- the request ------------------------------------------------------------------------------------------------


def test_request_is_answered_with_the_process_and_leads_to_a_look(pair: Pair) -> None:
    answer = consumer_of(pair).post("transfers/request", transfer_request(pair))
    body = body_of(answer, 201)
    assert_strict(body)
    assert (body["@type"], body["state"], body["consumerPid"]) == ("TransferProcess", "REQUESTED", "consumer-1")
    assert [look.process_id for look in answer.looks] == [body["providerPid"]]
    process = stored(pair, body["providerPid"])
    assert process.counter_party_address == "http://consumer.test/api/dsp/2025-1/consumer"
    assert process.destination is not None
    assert process.destination.endpoint == "https://consumerdata.test"


def test_sas_of_a_request_lies_in_the_vault_and_nowhere_else(pair: Pair) -> None:
    answer = consumer_of(pair).post("transfers/request", transfer_request(pair))
    process = stored(pair, body_of(answer, 201)["providerPid"])
    assert process.destination is not None
    secret = pair.provider.core.outside.vault.get(process.destination.secret_name)
    assert secret is not None and SAS in secret.reveal()
    assert "sig=" not in json.dumps(answer.body)
    assert "sig=" not in repr(process)


def test_repeated_request_is_answered_like_the_first(pair: Pair) -> None:
    client = consumer_of(pair)
    first = body_of(client.post("transfers/request", transfer_request(pair)), 201)
    before = stored(pair, first["providerPid"])
    again = body_of(client.post("transfers/request", transfer_request(pair, **{"@id": "urn:uuid:another"})), 201)
    assert again == first
    assert stored(pair, first["providerPid"]) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"callbackAddress": "http://consumer.test/other"},
        {"dataAddress": data_address(container="ferry-y")},
        {"dataAddress": data_address(secret=f"{SAS}x")},
    ],
    ids=["callback", "container", "sas"],
)
def test_request_with_another_body_is_a_conflict_that_names_both_pids(pair: Pair, changes: dict[str, Any]) -> None:
    client = consumer_of(pair)
    first = body_of(client.post("transfers/request", transfer_request(pair)), 201)
    before = stored(pair, first["providerPid"])
    body = body_of(client.post("transfers/request", transfer_request(pair, **changes)), 409)
    assert "exists already" in error_of(body, 409, "consumer-1", first["providerPid"])
    assert stored(pair, first["providerPid"]) == before


def test_same_consumer_pid_of_another_peer_is_another_transfer(pair: Pair) -> None:
    agreements = pair.provider.core.outside.agreements
    agreement = agreements.get(pair.agreement_id)
    assert agreement is not None
    agreements.create("theirs", replace(agreement, id="theirs", consumer_id="other"))
    first = body_of(consumer_of(pair).post("transfers/request", transfer_request(pair)), 201)
    request = transfer_request(pair, agreementId="theirs")
    second = body_of(consumer_of(pair, "other").post("transfers/request", request), 201)
    assert first["providerPid"] != second["providerPid"]


class DyingVault(MemoryVault):
    """A vault whose first caller dies before anything is stored."""

    has_killed = False

    def store(self, name: str, value: Secret, *, expires_at: datetime | None = None) -> None:
        """Stored from the second time on."""
        if not self.has_killed:
            self.has_killed = True
            raise KeyboardInterrupt
        super().store(name, value, expires_at=expires_at)


def test_crash_between_insert_and_vault_is_healed_by_the_request_sent_again(pair: Pair) -> None:
    vault = DyingVault(pair.world.clock)
    pair.provider.core = compose(pair.provider.core.settings, replace(pair.provider.core.outside, vault=vault))
    with pytest.raises(KeyboardInterrupt):
        consumer_of(pair).post("transfers/request", transfer_request(pair))
    body = body_of(consumer_of(pair).post("transfers/request", transfer_request(pair)), 201)
    process = stored(pair, body["providerPid"])
    assert process.state is _S.STARTING
    assert not process.has_intent(IntentKind.STORE_ADDRESS)
    assert process.destination is not None
    assert vault.get(process.destination.secret_name) is not None


def _agreement(pair: Pair, **changes: Any) -> None:
    agreements = pair.provider.core.outside.agreements
    agreement = agreements.get(pair.agreement_id)
    assert agreement is not None
    agreements.update(pair.agreement_id, replace(agreement, **changes))


FRIENDS: dict[str, Any] = {
    "permission": [
        {"action": "use", "constraint": [{"leftOperand": "participantId", "operator": "eq", "rightOperand": "friend"}]}
    ]
}


def as_it_is(pair: Pair) -> None:
    """Nothing is prepared."""


def of_somebody(pair: Pair) -> None:
    _agreement(pair, consumer_id="somebody")


def of_a_consumers(pair: Pair) -> None:
    _agreement(pair, role=Role.CONSUMER)


def without_asset(pair: Pair) -> None:
    pair.provider.core.outside.assets.delete("asset-1")


def for_friends(pair: Pair) -> None:
    _agreement(pair, policy=FRIENDS)


@pytest.mark.parametrize(
    ("prepare", "agreement_id", "code"),
    [
        (as_it_is, "unknown", "AGREEMENT_UNKNOWN"),
        (of_somebody, "", "AGREEMENT_UNKNOWN"),
        (of_a_consumers, "", "AGREEMENT_UNKNOWN"),
        (without_asset, "", "SOURCE_BLOB_MISSING"),
        (for_friends, "", "POLICY_VIOLATED"),
    ],
)
def test_request_that_is_not_granted_names_its_cause(
    pair: Pair, prepare: Callable[[Pair], None], agreement_id: str, code: str
) -> None:
    prepare(pair)
    changes = {"agreementId": agreement_id} if agreement_id else {}
    body = body_of(consumer_of(pair).post("transfers/request", transfer_request(pair, **changes)), 400)
    assert (body["@type"], body["consumerPid"]) == ("TransferError", "consumer-1")
    assert f"fault: {code}" in body["reason"]


@pytest.mark.parametrize("change", [without_asset, for_friends])
def test_repeated_request_is_answered_like_the_first_whatever_has_changed_since(
    pair: Pair, change: Callable[[Pair], None]
) -> None:
    client = consumer_of(pair)
    first = body_of(client.post("transfers/request", transfer_request(pair)), 201)
    change(pair)
    assert body_of(client.post("transfers/request", transfer_request(pair)), 201) == first


def test_other_request_under_a_known_pid_is_a_conflict_even_where_it_would_not_be_granted(pair: Pair) -> None:
    client = consumer_of(pair)
    body_of(client.post("transfers/request", transfer_request(pair)), 201)
    assert client.post("transfers/request", transfer_request(pair, agreementId="unknown")).status == 409


def test_somebody_elses_agreement_and_none_are_refused_in_the_same_words(pair: Pair) -> None:
    unknown = body_of(consumer_of(pair).post("transfers/request", transfer_request(pair, agreementId="unknown")), 400)
    foreign = body_of(consumer_of(pair, "other").post("transfers/request", transfer_request(pair)), 400)
    assert [it.replace(pair.agreement_id, "unknown") for it in foreign["reason"]] == unknown["reason"]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"format": "HttpData-PULL"}, "format"),
        ({"dataAddress": None}, "dataAddress"),
        ({"dataAddress": data_address(container=None)}, "dataAddress.container"),
        ({"dataAddress": data_address(secret=None)}, "endpointProperties"),
        ({"dataAddress": data_address(secret="no sas")}, "endpointProperties"),
        ({"dataAddress": data_address(account="UPPER")}, "dataAddress.account"),
        ({"consumerPid": None}, "consumerPid"),
        ({"callbackAddress": None}, "callbackAddress"),
        ({"@type": "TransferStartMessage"}, "@type"),
    ],
)
def test_request_that_is_wrong_is_refused_at_its_place(pair: Pair, changes: dict[str, Any], place: str) -> None:
    body = body_of(consumer_of(pair).post("transfers/request", transfer_request(pair, **changes)), 400)
    assert body["@type"] == "TransferError"
    assert any(place in reason for reason in body["reason"]), body["reason"]
    assert "sig=" not in json.dumps(body)


@pytest.mark.parametrize("address", ["callback", "endpoint"])
def test_request_that_leads_to_a_forbidden_host_is_refused(pair: Pair, address: str) -> None:
    def guard(url: str) -> None:
        if "forbidden" in url:
            raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, f"{url} is not for this app to call")

    dsp = pair.provider.core.dsp
    guarded = replace(dsp, transfers=replace(dsp.transfers, check_peer_address=guard))
    pair.provider.core = replace(pair.provider.core, dsp=guarded)
    changes: dict[str, Any] = {"callbackAddress": "http://forbidden.test"}
    if address == "endpoint":
        changes = {"dataAddress": data_address(endpoint="http://forbidden.test")}
    body = body_of(consumer_of(pair).post("transfers/request", transfer_request(pair, **changes)), 400)
    assert "fault: ADDRESS_FORBIDDEN" in body["reason"]
    assert Listing(engine=pair.provider.core.transfers.engine).page() == []


# --- messages about a transfer ----------------------------------------------------------------------------------


def about(process: TransferProcess, kind: str, **changes: Any) -> dict[str, Any]:
    pids = {"consumerPid": process.consumer_pid, "providerPid": process.provider_pid}
    return message(kind, **{"@id": "urn:uuid:message-1", **pids, **changes})


def test_peers_message_is_applied_and_nothing_is_sent(pair: Pair) -> None:
    process = started(pair)
    sent = len(pair.world.network.exchanges)
    client = provider_of(pair)
    start = client.post(f"transfers/{process.id}/start", about(process, "TransferStartMessage"))
    assert body_of(start)["state"] == "STARTED"
    completion = about(process, "TransferCompletionMessage", **{"@id": "urn:uuid:message-2"})
    answer = client.post(f"transfers/{process.id}/completion", completion)
    assert body_of(answer)["state"] == "STARTED"
    assert pair.transfer(process.id).state is _S.COMPLETING
    assert [look.process_id for look in answer.looks] == [process.id]
    assert len(pair.world.network.exchanges) == sent


@pytest.mark.parametrize("path", ["start", "completion", "termination"])
def test_no_handler_of_a_message_ever_sends(pair: Pair, path: str) -> None:
    process = started(pair)
    sent = len(pair.world.network.exchanges)
    kind = f"Transfer{path.title()}Message"
    extra = {"code": "SOURCE_CHANGED", "reason": ["gone"]} if path == "termination" else {}
    for _ in range(2):
        body_of(provider_of(pair).post(f"transfers/{process.id}/{path}", about(process, kind, **extra)))
    assert len(pair.world.network.exchanges) == sent


def test_termination_brings_its_cause(pair: Pair) -> None:
    process = started(pair)
    told = about(process, "TransferTerminationMessage", code="SOURCE_CHANGED", reason=["it has changed", "step: 10"])
    body = body_of(provider_of(pair).post(f"transfers/{process.id}/termination", told))
    assert body["state"] == "TERMINATED"
    error = pair.transfer(process.id).error
    assert error is not None and (error.code, error.message, error.step) == ("SOURCE_CHANGED", "it has changed", 10)


def test_message_that_is_not_allowed_is_a_conflict_that_names_both_pids(pair: Pair) -> None:
    process = started(pair)
    body = body_of(
        provider_of(pair).post(f"transfers/{process.id}/suspension", about(process, "TransferSuspensionMessage")), 409
    )
    reason = error_of(body, 409, process.consumer_pid, process.provider_pid)
    assert "TransferSuspensionMessage is not allowed in state REQUESTED" in reason
    assert pair.transfer(process.id) == process


def test_id_of_the_request_that_began_it_is_a_conflict_under_another_message(pair: Pair) -> None:
    client, begin = consumer_of(pair), transfer_request(pair)
    pid = body_of(client.post("transfers/request", begin), 201)["providerPid"]
    process = pair.provider.core.transfers.get(pid)
    told = about(process, "TransferTerminationMessage", **{"@id": begin["@id"]})
    body = body_of(client.post(f"transfers/{pid}/termination", told), 409)
    assert "came before with another body" in error_of(body, 409, process.consumer_pid, process.provider_pid)
    assert body_of(client.post("transfers/request", begin), 201)["providerPid"] == pid


def test_message_under_a_used_id_with_another_body_is_a_conflict(pair: Pair) -> None:
    process = started(pair)
    client = provider_of(pair)
    body_of(client.post(f"transfers/{process.id}/start", about(process, "TransferStartMessage")))
    other = about(process, "TransferCompletionMessage")
    body = body_of(client.post(f"transfers/{process.id}/completion", other), 409)
    assert "came before with another body" in error_of(body, 409, process.consumer_pid, process.provider_pid)
    assert pair.transfer(process.id).state is _S.STARTED


@pytest.mark.parametrize("name", ["somebody", "consumer"])
def test_stranger_learns_nothing_of_a_transfer(pair: Pair, name: str) -> None:
    process = started(pair)
    start = about(process, "TransferStartMessage")
    foreign = body_of(provider_of(pair, name).post(f"transfers/{process.id}/start", start), 404)
    reason = error_of(foreign, 404, process.consumer_pid, process.provider_pid)
    unknown = body_of(provider_of(pair).post("transfers/unknown/start", start), 404)
    assert reason == error_of(unknown, 404, "unknown", process.provider_pid).replace("unknown", process.id)
    assert body_of(provider_of(pair, name).get(f"transfers/{process.id}"), 404)["@type"] == "TransferError"
    assert pair.transfer(process.id) == process


def test_transfer_of_the_other_role_is_not_found(pair: Pair) -> None:
    process = started(pair)
    as_provider = DspClient(pair.consumer, consumer_of(pair).role, "provider")
    assert body_of(as_provider.get(f"transfers/{process.id}"), 404)["providerPid"] == process.id


def test_pid_that_is_not_the_other_sides_is_a_conflict(pair: Pair) -> None:
    process = started(pair)
    start = about(process, "TransferStartMessage", providerPid="somebody-else")
    body = body_of(provider_of(pair).post(f"transfers/{process.id}/start", start), 409)
    assert "providerPid is not" in error_of(body, 409, process.consumer_pid, process.provider_pid)


def test_wrong_type_at_a_path_is_refused_with_both_pids(pair: Pair) -> None:
    process = started(pair)
    body = body_of(
        provider_of(pair).post(f"transfers/{process.id}/start", about(process, "TransferCompletionMessage")), 400
    )
    assert "@type" in error_of(body, 400, process.consumer_pid, process.provider_pid)


def test_state_is_shown_to_the_peer(pair: Pair) -> None:
    process = started(pair)
    for client, pid in ((provider_of(pair), process.id), (consumer_of(pair), process.provider_pid)):
        body = body_of(client.get(f"transfers/{pid}"))
        assert_strict(body)
        assert (body["consumerPid"], body["providerPid"]) == (process.consumer_pid, process.provider_pid)


# --- every endpoint ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["transfers/request", "transfers/pid-1/termination"])
def test_caller_that_shows_no_identity_is_refused(pair: Pair, path: str) -> None:
    request = transfer_request(pair, providerPid="pid-1")
    body = body_of(consumer_of(pair, None).post(path, request), 401)
    assert (body["@type"], body["reason"]) == ("TransferError", ["the caller did not show who it is"])
    assert body["consumerPid"] == "consumer-1"


@pytest.mark.parametrize("path", ["transfers/request", "transfers/pid-1/termination"])
def test_body_that_is_too_large_is_not_read(pair: Pair, path: str) -> None:
    body = body_of(consumer_of(pair).post(path, b"[" * (64 * 1024 + 1)), 413)
    assert (body["@type"], body["code"]) == ("TransferError", "413")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff", b'{"a": NaN}', b"[" * 60_000])
def test_body_that_is_no_json_object_is_refused(pair: Pair, raw: bytes) -> None:
    assert body_of(consumer_of(pair).post("transfers/request", raw), 400)["@type"] == "TransferError"


class _Away(MemoryProcessStore[TransferProcess]):
    """A store that does not answer."""

    def load(self, process_id: str) -> Record[TransferProcess] | None:
        """No answer."""
        raise EffectFailed.because(FaultCode.STORAGE_UNAVAILABLE, "the table does not answer", retryable=True)

    def insert(self, process: TransferProcess) -> Record[TransferProcess]:
        """No answer."""
        raise EffectFailed.because(FaultCode.STORAGE_UNAVAILABLE, "the table does not answer", retryable=True)


def test_storage_that_is_away_is_our_fault_and_worth_another_try(pair: Pair) -> None:
    process = started(pair)
    for side in pair.both:
        side.core.transfers.engine.store = _Away(TransferProcess)
    request = body_of(consumer_of(pair).post("transfers/request", transfer_request(pair)), 503)
    assert (request["@type"], request["consumerPid"]) == ("TransferError", "consumer-1")
    start = about(process, "TransferStartMessage")
    body = body_of(provider_of(pair).post(f"transfers/{process.id}/start", start), 503)
    assert "does not answer" in error_of(body, 503, process.consumer_pid, process.provider_pid)
    assert body_of(provider_of(pair).get(f"transfers/{process.id}"), 503)["@type"] == "TransferError"


def test_old_spelling_of_a_request_is_understood(pair: Pair) -> None:
    modern = transfer_request(pair)
    address = modern.pop("dataAddress")
    old = {
        "@context": {"dspace": "https://w3id.org/dspace/v0.8/"},
        "@type": "dspace:TransferRequestMessage",
        **{f"dspace:{name}": it for name, it in modern.items() if not name.startswith("@")},
        "dspace:dataAddress": {
            "@type": "dspace:DataAddress",
            "dspace:endpointType": "AzureStorage",
            "dspace:endpointProperties": [
                {"@type": "dspace:EndpointProperty", "dspace:name": it["name"], "dspace:value": it["value"]}
                for it in address["endpointProperties"]
            ],
        },
        "dct:format": {"@id": "AzureStorage-PUSH"},
    }
    old.pop("dspace:format")
    assert body_of(consumer_of(pair).post("transfers/request", old), 201)["@context"] == CONTEXT


def test_versions_are_open_to_all(pair: Pair) -> None:
    body = body_of(pair.provider.core.dsp.versions(ApiRequest("GET", "x")))
    assert body["protocolVersions"][0]["version"] == "2025-1"


def test_source_of_a_transfer_comes_from_our_asset_whatever_the_peer_says(pair: Pair) -> None:
    request = transfer_request(pair, datasetId="other", source={"account": "theirs"})
    body = body_of(consumer_of(pair).post("transfers/request", request), 201)
    assert stored(pair, body["providerPid"]).source == SourceAddress("providerdata", "source", None, "")
