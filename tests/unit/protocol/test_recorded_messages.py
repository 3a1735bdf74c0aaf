"""Messages that EDC sent, in three versions of the protocol, are understood."""

from datetime import UTC, datetime

import pytest

from ferry.domain.data_address import read_destination
from ferry.domain.faults import FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import JsonObject
from ferry.protocol.catalog_messages import CatalogRequest, read_catalog, read_catalog_request, read_dataset
from ferry.protocol.envelope import PeerProcess, read_process, read_versions
from ferry.protocol.messages import parse, read_transfer_request
from ferry.protocol.negotiation_messages import policy_of
from ferry.protocol.reader import objects_in
from tests.unit.protocol.recordings import EDC_015, EDC_018, EDC_018_FOREIGN_PLANE, ONE_STORY, first_of_each_type

EXPIRES_AT = datetime(2026, 11, 23, 2, 25, 58, tzinfo=UTC)
KINDS = {
    MessageKind.CONTRACT_REQUEST,
    MessageKind.CONTRACT_AGREEMENT,
    MessageKind.CONTRACT_VERIFICATION,
    MessageKind.CONTRACT_FINALIZED,
    MessageKind.TRANSFER_REQUEST,
    MessageKind.TRANSFER_START,
    MessageKind.TRANSFER_COMPLETION,
    MessageKind.TRANSFER_TERMINATION,
}


@pytest.fixture(params=ONE_STORY)
def messages(request: pytest.FixtureRequest) -> dict[str, JsonObject]:
    return first_of_each_type(request.param)


def test_every_message_is_parsed(messages: dict[str, JsonObject]) -> None:
    parsed = [
        parse(body)
        for name, body in messages.items()
        if name.startswith(("Contract", "Transfer")) and "Message" in name
    ]

    assert {received.kind for received in parsed} == KINDS
    for received in parsed:
        assert len(received.message_id) == 36
        assert len(received.digest) == 64
        assert isinstance(received.content["consumerPid"], str)


def test_contract_request_says_who_wants_what(messages: dict[str, JsonObject]) -> None:
    content = parse(messages["ContractRequestMessage"], MessageKind.CONTRACT_REQUEST).content

    offer = content["offer"]
    assert isinstance(offer, dict)
    assert offer["target"] == "one"
    assert offer["assigner"] == "provider"
    assert not any(policy_of(offer).values())
    assert str(content["callbackAddress"]).startswith("http://consumer.example/protocol")
    assert "providerPid" not in content


def test_agreement_names_both_parties(messages: dict[str, JsonObject]) -> None:
    agreement = parse(messages["ContractAgreementMessage"]).content["agreement"]

    assert isinstance(agreement, dict)
    assert (agreement["assigner"], agreement["assignee"], agreement["target"]) == ("provider", "consumer", "one")
    assert datetime.fromisoformat(str(agreement["timestamp"])).tzinfo is UTC


def test_transfer_request_gives_destination_and_bare_sas(messages: dict[str, JsonObject]) -> None:
    request = read_transfer_request(messages["TransferRequestMessage"])

    assert request.format == "AzureStorage-PUSH"
    assert request.secret is not None
    assert request.secret.reveal().startswith("sv=")
    assert request.secret.reveal().endswith("sig=REDACTED")
    assert request.secret_expires_at is not None
    assert request.secret_expires_at.year == 2026
    destination = read_destination(request.properties)
    assert (destination.account, destination.container) == ("consumerstore", "dest1")
    assert destination.key_name is None


def test_termination_tells_the_reason(messages: dict[str, JsonObject]) -> None:
    content = parse(messages["TransferTerminationMessage"]).content

    assert content["code"] == FaultCode.PEER_TERMINATED
    assert content["message"] == "GENERAL_ERROR: Error reading blob a/one.bin"


def test_answers_tell_pids_and_state(messages: dict[str, JsonObject]) -> None:
    negotiation = read_process(messages["ContractNegotiation"])
    transfer = read_process(messages["TransferProcess"])

    assert negotiation.state == "REQUESTED"
    assert transfer.state in ("REQUESTED", "INITIAL")
    for process in (negotiation, transfer):
        assert isinstance(process, PeerProcess)
        assert len(process.consumer_pid) == len(process.provider_pid) == 36


def test_catalog_shows_offers_and_formats(messages: dict[str, JsonObject]) -> None:
    datasets = read_catalog(messages["Catalog"])["dataset"]

    for dataset in (objects_in(datasets)[0], read_dataset(messages["Dataset"])):
        assert dataset["@id"] == "one"
        assert dataset["contenttype"] == "application/octet-stream"
        assert [it["format"] for it in objects_in(dataset["distribution"])] == ["AzureStorage-PUSH", "HttpData-PUSH"]
        assert [it["@type"] for it in objects_in(dataset["hasPolicy"])] == ["Offer"]


def test_catalog_request_gives_the_page(messages: dict[str, JsonObject]) -> None:
    assert read_catalog_request(messages["CatalogRequestMessage"]) == CatalogRequest(0, 50)


@pytest.mark.parametrize("recording", [EDC_018, EDC_018_FOREIGN_PLANE])
def test_address_echoed_in_a_start_brings_no_secret_into_the_content(recording: str) -> None:
    start = parse(first_of_each_type(recording)["TransferStartMessage"], MessageKind.TRANSFER_START)

    assert "sig" not in str(start.content)


def test_newest_edc_sends_a_short_sas() -> None:
    messages = first_of_each_type(EDC_018)

    request = read_transfer_request(messages["TransferRequestMessage"])

    assert request.secret is not None
    assert request.secret_expires_at == EXPIRES_AT


def test_versions_are_read() -> None:
    versions = read_versions(first_of_each_type(EDC_015)["VersionResponse"])

    assert versions == {"2025-1": "/2025-1", "2024/1": "/2024/1", "v0.8": "/"}
