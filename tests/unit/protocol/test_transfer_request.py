"""The one message with a secret: written for EDC, read into a Secret, and never shown."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.domain.data_address import EDC_NAMESPACE, read_destination
from ferry.domain.faults import InvalidInput
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import Destination
from ferry.protocol.messages import parse, read_transfer_request
from ferry.protocol.sas import parse_sas, write_sas
from ferry.protocol.transfer_messages import transfer_request
from tests.unit.protocol.examples import CALLBACK, DESTINATION, LATER, SAS, destinations, transfer
from tests.unit.protocol.strict import assert_strict, properties_in


def _request(destination: Destination | None = DESTINATION, sas: Secret | None = SAS) -> JsonObject:
    return transfer_request(
        transfer(destination=destination), message_id="m-1", callback_address=f"{CALLBACK}/", sas=sas
    )


def _with_address(address: Json) -> JsonObject:
    return {**_request(), "dataAddress": address}


def _with_properties(*properties: tuple[str, str]) -> JsonObject:
    listed = [{"name": name, "value": value} for name, value in properties]
    return _with_address({"endpointType": "AzureStorage", "endpointProperties": listed})


@given(destinations)
def test_destination_and_sas_survive_the_wire(destination: Destination) -> None:
    message = _request(destination)

    request = read_transfer_request(json.loads(json.dumps(message)))

    assert_strict(message)
    read = read_destination(request.properties)
    assert (read.account, read.container) == (destination.account, destination.container)
    assert (read.folder, read.blob_name) == (destination.folder, destination.blob_name)
    assert (read.endpoint, read.marker) == (destination.endpoint, destination.marker)
    assert request.secret == SAS
    assert request.secret_expires_at == LATER


def test_request_is_written_as_edc_writes_it() -> None:
    properties = properties_in(_request(replace(DESTINATION, key_name="account-key", policy_id="policy-1")))

    said = {name.removeprefix(EDC_NAMESPACE) for name in properties}
    assert said == {"account", "container", "secret", "renewal"}
    assert properties[f"{EDC_NAMESPACE}renewal"] == "true"
    assert json.loads(properties[f"{EDC_NAMESPACE}secret"]) == {
        "edctype": "dataspaceconnector:azuretoken",
        "sas": "?" + SAS.reveal(),
        "expiration": int(LATER.timestamp() * 1000),
    }


def test_request_without_a_destination_has_no_address() -> None:
    message = _request(destination=None)

    request = read_transfer_request(message)

    assert_strict(message)
    assert "dataAddress" not in message
    assert (request.properties, request.secret) == ({}, None)
    assert request.callback_address == CALLBACK


def test_secret_is_in_no_content_no_digest_and_no_repr() -> None:
    message = _request()

    received = parse(message, MessageKind.TRANSFER_REQUEST)
    request = read_transfer_request(message)

    assert "sig" not in f"{received} {request}"
    assert received.content["destination"] == request.properties
    assert received.digest == request.digest


def test_digest_tells_another_secret_apart() -> None:
    one, other = _request(), _request(sas=Secret("sv=2026-06-06&sig=b3RoZXI%3D"))

    assert parse(one).digest != parse(other).digest


def test_alias_that_a_peer_names_is_ignored() -> None:
    message = _with_properties(
        ("account", "consumerstore"),
        ("container", "inbox"),
        (f"{EDC_NAMESPACE}keyName", "provider-account-key"),
        (f"{EDC_NAMESPACE}type", "SomethingElse"),
    )

    assert read_transfer_request(message).properties == {
        "type": "AzureStorage",
        "account": "consumerstore",
        "container": "inbox",
    }


def test_property_that_is_there_twice_is_refused() -> None:
    message = _with_properties(("container", "one"), (f"{EDC_NAMESPACE}container", "two"))

    with pytest.raises(InvalidInput, match=r"endpointProperties\[1\].value: container is there twice"):
        read_transfer_request(message)


@pytest.mark.parametrize(
    "secret", ["nonsense-s3cr3t", '{"sas": "s3cr3t"}', '{"token": "s3cr3t"}', '{"s3cr3t', '{"a":[1}']
)
def test_secret_that_is_no_sas_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_transfer_request(_with_properties(("account", "consumerstore"), ("secret", secret)))

    assert refused.value.faults[0].path == "dataAddress.endpointProperties[1].value"
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        SAS.reveal(),
        "?" + SAS.reveal(),
        f"  ?{SAS.reveal()} ",
        json.dumps({"sas": SAS.reveal()}),
        json.dumps({"sas": "?" + SAS.reveal(), "expiration": "soon"}),
        json.dumps({"edctype": "dataspaceconnector:azuretoken", "sas": "?" + SAS.reveal(), "expiration": True}),
        json.dumps({"sas": "?" + SAS.reveal(), "expiration": 1e300}),
    ],
)
def test_every_form_of_a_sas_is_read_with_the_expiry_in_it(text: str) -> None:
    assert parse_sas(text) == (SAS, LATER)


def test_expiry_beside_the_sas_comes_first() -> None:
    sooner = LATER - timedelta(minutes=30)

    assert parse_sas(write_sas(SAS, sooner).reveal()) == (SAS, sooner)


@pytest.mark.parametrize("expiry", ["", "soon", "2026-13-45"])
def test_expiry_that_cannot_be_read_is_unknown(expiry: str) -> None:
    assert parse_sas(f"se={expiry}&sig=abc")[1] is None


def test_expiry_without_a_zone_is_utc() -> None:
    assert parse_sas("se=2026-03-04&sig=abc")[1] == datetime(2026, 3, 4, tzinfo=UTC)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        sas, _ = parse_sas(text)
    except InvalidInput:
        return
    assert not sas.reveal().startswith("?")
