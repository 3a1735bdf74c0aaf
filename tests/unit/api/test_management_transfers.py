"""Starting, showing and ending transfers: what is refused, what is repeated, what is shown of them."""

import json
from typing import Any

import pytest

from ferry.domain.contracts import ContractAgreement
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports.storage import Account
from tests.unit.api.client import Client, body_of, client_of, faults_in, transfer_request
from tests.unit.api.forbidden import forbidding
from tests.world.participants import Pair

RECORD = "v1/data/transferprocess"
DESTINATION = {"type": "AzureStorage", "account": "consumerdata"}
ACCOUNT = Account("consumerdata", "https://consumerdata.test", Secret("consumer-key"))


def agreement_of(pair: Pair) -> ContractAgreement:
    """The consumer's side of the agreement."""
    agreement = pair.consumer.core.outside.agreements.get(pair.agreement_id)
    assert agreement is not None
    return agreement


def started(pair: Pair, consumer: Client, **changes: Any) -> str:
    """The id of a transfer that has run to its end."""
    transfer_id: str = body_of(consumer.post("transferprocesses", transfer_request(pair, **changes)))["@id"]
    pair.run()
    return transfer_id


def test_completed_transfer_shows_what_edc_shows_and_more(pair: Pair, consumer: Client) -> None:
    destination = {**DESTINATION, "container": "into", "folderName": "in", "keyName": "consumerdata"}
    transfer_id = started(pair, consumer, dataDestination=destination)

    shown = body_of(consumer.get(f"transferprocesses/{transfer_id}"))
    assert shown["@context"]["@vocab"] == "https://w3id.org/edc/v0.0.1/ns/"
    assert (shown["@type"], shown["@id"], shown["type"]) == ("TransferProcess", transfer_id, "CONSUMER")
    assert (shown["state"], shown["contractId"], shown["assetId"]) == ("COMPLETED", pair.agreement_id, "asset-1")
    assert (shown["transferType"], shown["callbackAddresses"]) == ("AzureStorage-PUSH", [])
    assert shown["stateTimestamp"] >= shown["createdAt"] > 1_700_000_000_000
    assert shown["dataDestination"] == {
        "@type": "DataAddress",
        "type": "AzureStorage",
        "account": "consumerdata",
        "container": "into",
        "folderName": "in/",
        "endpoint": "https://consumerdata.test",
        "keyName": "consumerdata",
    }
    assert (shown["counterPartyId"], shown["managedResources"]) == ("provider", True)
    assert shown["delivered"]["blobs"] == 1
    assert shown["history"][0]["step"] == 1
    assert "error" not in shown
    assert "errorDetail" not in shown


def test_provider_shows_its_side_with_progress(pair: Pair, consumer: Client, provider: Client) -> None:
    transfer_id = started(pair, consumer)
    provider_pid = body_of(consumer.get(f"transferprocesses/{transfer_id}"))["correlationId"]
    shown = body_of(provider.get(f"transferprocesses/{provider_pid}"))
    assert (shown["type"], shown["correlationId"], shown["counterPartyId"]) == ("PROVIDER", transfer_id, "consumer")
    assert shown["progress"]["blobs"] == 1


def test_no_secret_and_no_name_of_one_is_shown(pair: Pair, consumer: Client, provider: Client) -> None:
    transfer_id = started(pair, consumer)
    shown = body_of(consumer.get(f"transferprocesses/{transfer_id}"))
    both = json.dumps([shown, body_of(provider.get(f"transferprocesses/{shown['correlationId']}"))])
    for forbidden in ("sig=", "sv=", "ferry-sas", "consumer-key", "provider-key"):
        assert forbidden not in both


def test_failed_transfer_shows_code_sentence_and_step(pair: Pair, consumer: Client) -> None:
    pair.consumer.core.outside.vault.delete("consumerdata")
    transfer_id = started(pair, consumer)
    shown = body_of(consumer.get(f"transferprocesses/{transfer_id}"))
    assert shown["state"] == "TERMINATED"
    assert (shown["error"]["code"], shown["error"]["step"]) == ("DESTINATION_KEY_MISSING", 2)
    assert shown["errorDetail"] == shown["error"]["message"]
    assert body_of(consumer.get(f"transferprocesses/{transfer_id}/state"))["@type"] == "TransferState"


def test_empty_request_names_everything_that_is_missing(consumer: Client) -> None:
    faults = faults_in(consumer.post("transferprocesses", {"@type": "TransferRequest"}))
    assert set(faults) == {"counterPartyAddress", "protocol", "contractId", "transferType"}
    assert body_of(consumer.post("transferprocesses/request")) == []


def test_wrong_request_names_every_fault_and_begins_nothing(pair: Pair) -> None:
    consumer = client_of(pair.consumer, check_address=forbidding("internal.test"))
    request = transfer_request(
        pair,
        counterPartyAddress="http://internal.test/dsp",
        protocol="dataspace-protocol-http",
        contractId="nobody's",
        transferType="HttpData-PUSH",
        managedResources="no",
        sasValiditySeconds=59,
        callbackAddresses=[{"uri": "http://x"}],
        dataDestination={"type": "AzureStorage", "account": "UPPER", "secret": "sh-h", "keyName": "a_b"},
    )
    answer = consumer.post("transferprocesses", request, idempotency_key="with space")
    assert set(faults_in(answer)) == {
        "counterPartyAddress",
        "protocol",
        "contractId",
        "transferType",
        "managedResources",
        "sasValiditySeconds",
        "callbackAddresses[0].events",
        "dataDestination.account",
        "dataDestination.secret",
        "dataDestination.keyName",
        "Idempotency-Key",
    }
    assert "sh-h" not in str(answer.body)
    assert body_of(consumer.post("transferprocesses/request")) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"counterPartyAddress": "ftp://provider.test"}, "counterPartyAddress"),
        ({"counterPartyAddress": ["http://a", "http://b"]}, "counterPartyAddress"),
        ({"contractId": "unknown"}, "contractId"),
        ({"assetId": "asset-9"}, "assetId"),
        ({"dataDestination": "x"}, "dataDestination"),
        ({"dataDestination": {**DESTINATION, "container": "UPPER"}}, "dataDestination.container"),
        ({"dataDestination": {**DESTINATION, "endpoint": "https://forbidden.test"}}, "dataDestination.endpoint"),
        ({"managedResources": False}, "dataDestination.container"),
        ({"managedResources": 1}, "managedResources"),
        ({"sasValiditySeconds": 86401}, "sasValiditySeconds"),
        ({"sasValiditySeconds": True}, "sasValiditySeconds"),
    ],
)
def test_request_with_one_fault_is_refused_at_its_path(pair: Pair, changes: dict[str, Any], path: str) -> None:
    consumer = client_of(pair.consumer, check_address=forbidding("forbidden.test"))
    assert list(faults_in(consumer.post("transferprocesses", transfer_request(pair, **changes)))) == [path]
    assert body_of(consumer.post("transferprocesses/request")) == []


def test_host_without_an_address_now_is_no_fault_of_the_request(pair: Pair) -> None:
    def away(url: str) -> None:
        raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, f"{url} has no address now", retryable=True)

    consumer = client_of(pair.consumer, check_address=away)
    body_of(consumer.post("transferprocesses", transfer_request(pair)))


def test_unmanaged_transfer_goes_to_the_container_that_is_there(pair: Pair, consumer: Client) -> None:
    pair.world.cloud.add_container(ACCOUNT, "mine")
    name = "https://w3id.org/edc/v0.0.1/ns/managedResources"
    destination = {**DESTINATION, "container": "mine"}
    transfer_id = started(pair, consumer, **{name: [{"@value": False}], "dataDestination": destination})
    shown = body_of(consumer.get(f"transferprocesses/{transfer_id}"))
    assert (shown["state"], shown["managedResources"]) == ("COMPLETED", False)
    assert shown["dataDestination"]["completionMarker"] == f".{transfer_id}.complete"
    consumer.post(f"transferprocesses/{transfer_id}/deprovision")
    pair.run()
    storage = pair.consumer.core.outside.storage
    assert [it.name for it in storage.list_blobs(ACCOUNT, "mine", "").items] == ["data/one.txt"]


def test_validity_of_sas_is_what_was_asked_for(pair: Pair, consumer: Client) -> None:
    transfer_id = body_of(consumer.post("transferprocesses", transfer_request(pair, sasValiditySeconds=600)))["@id"]
    process = pair.transfer(transfer_id)
    assert process.destination is not None
    assert process.destination.sas_expires_at is not None
    assert (process.destination.sas_expires_at - process.created_at).total_seconds() == 600


def test_repeated_order_starts_one_transfer(pair: Pair, consumer: Client) -> None:
    first = body_of(consumer.post("transferprocesses", transfer_request(pair), idempotency_key="k-1"))
    pair.run()
    assert body_of(consumer.post("transferprocesses", transfer_request(pair), idempotency_key="k-1")) == first
    other = body_of(consumer.post("transferprocesses", transfer_request(pair), idempotency_key="k-2"))
    assert other["@id"] != first["@id"]
    assert len(body_of(consumer.post("transferprocesses/request"))) == 2


def test_key_with_another_body_is_a_conflict(pair: Pair, consumer: Client) -> None:
    body_of(consumer.post("transferprocesses", transfer_request(pair), idempotency_key="k-1"))
    request = transfer_request(pair, dataDestination={**DESTINATION, "container": "other"})
    (detail,) = body_of(consumer.post("transferprocesses", request, idempotency_key="k-1"), 409)
    assert detail["type"] == "ObjectConflict"
    assert "Idempotency-Key" in detail["message"]


def test_termination_by_client_reaches_both_sides(pair: Pair, provider: Client) -> None:
    consumer = client_of(pair.consumer, inline_seconds=0)
    transfer_id = body_of(consumer.post("transferprocesses", transfer_request(pair)))["@id"]
    assert consumer.post(f"transferprocesses/{transfer_id}/terminate", {"reason": "no need"}).status == 204
    pair.run()
    shown = body_of(consumer.get(f"transferprocesses/{transfer_id}"))
    assert (shown["state"], shown["error"]["code"]) == ("TERMINATED", "TERMINATED_BY_CLIENT")
    assert shown["errorDetail"] == "no need"
    (refused,) = body_of(consumer.post(f"transferprocesses/{transfer_id}/terminate", {"reason": "late"}), 409)
    assert (refused["type"], refused["path"], refused["invalidValue"]) == ("ObjectConflict", "state", "TERMINATED")


@pytest.mark.parametrize("body", [{"reason": 5}, {"reason": "x" * 1001}])
def test_termination_with_wrong_reason_is_refused(pair: Pair, consumer: Client, body: dict[str, Any]) -> None:
    transfer_id = body_of(consumer.post("transferprocesses", transfer_request(pair)))["@id"]
    assert list(faults_in(consumer.post(f"transferprocesses/{transfer_id}/terminate", body))) == ["reason"]


@pytest.mark.parametrize("what", ["terminate", "deprovision"])
def test_order_about_unknown_transfer_is_not_found(consumer: Client, what: str) -> None:
    assert body_of(consumer.post(f"transferprocesses/unknown/{what}"), 404)[0]["type"] == "ObjectNotFound"


def test_record_path_takes_provider_from_the_agreement(pair: Pair, consumer: Client) -> None:
    body = {"assetId": "asset-1", "contractId": pair.agreement_id, "managedResources": True}
    started = body_of(consumer.call("POST", RECORD, body))
    assert started["id"] == started["@id"]
    pair.run()
    assert body_of(consumer.call("GET", f"{RECORD}/{started['id']}/state"))["state"] == "COMPLETED"
    shown = body_of(consumer.call("GET", f"{RECORD}/{started['id']}"))
    assert shown["dataDestination"]["account"] == "consumerdata"
    assert shown["counterPartyAddress"] == pair.provider.core.settings.dsp_url
    assert consumer.call("POST", f"{RECORD}/{started['id']}/deprovision").status == 204
    pair.run()
    assert body_of(consumer.call("GET", f"{RECORD}/{started['id']}/state"))["state"] == "DEPROVISIONED"


def test_record_path_takes_destination_without_type_and_account(pair: Pair, consumer: Client) -> None:
    body = {"assetId": "asset-1", "contractId": pair.agreement_id, "dataDestination": {"container": "into"}}
    shown = body_of(consumer.call("GET", f"{RECORD}/{body_of(consumer.call('POST', RECORD, body))['id']}"))
    assert (shown["dataDestination"]["account"], shown["dataDestination"]["container"]) == ("consumerdata", "into")


def test_record_path_names_everything_that_is_missing(consumer: Client) -> None:
    assert set(faults_in(consumer.call("POST", RECORD, {}))) == {"assetId", "contractId"}


def test_record_path_wants_the_address_once_the_negotiation_has_left(pair: Pair, consumer: Client) -> None:
    pair.consumer.core.negotiations.engine.store.delete(agreement_of(pair).negotiation_id)
    body = {"assetId": "asset-1", "contractId": pair.agreement_id}
    assert list(faults_in(consumer.call("POST", RECORD, body))) == ["counterPartyAddress"]
    address = {"counterPartyAddress": pair.provider.core.settings.dsp_url + "/"}
    started = body_of(consumer.call("POST", RECORD, {**body, **address}))
    assert pair.transfer(started["id"]).counter_party_address == pair.provider.core.settings.dsp_url


def test_missing_default_account_is_a_fault_of_a_request_without_one(pair: Pair) -> None:
    consumer = client_of(pair.consumer, destination_account="")
    assert list(faults_in(consumer.post("transferprocesses", transfer_request(pair)))) == ["dataDestination.account"]


def test_agreement_of_the_other_role_is_none_of_ours(pair: Pair, provider: Client) -> None:
    assert list(faults_in(provider.post("transferprocesses", transfer_request(pair)))) == ["contractId"]
