"""Version 4: its context and types are asked for, its shapes are shown; and what is not offered says why."""

from typing import Any

import pytest

from ferry.api.management.not_offered import OTHERWISE, REASONS
from ferry.api.management.routes import MANAGEMENT_ROUTES, ApiVersion
from tests.unit.api.client import Client, body_of, faults_in
from tests.world.participants import Pair

CONTEXT = ["https://w3id.org/edc/connector/management/v2"]
PROPERTIES = {"account": "providerdata", "container": "source", "blobName": "x"}
METADATA: dict[str, Any] = {"@type": "DataplaneMetadata", "labels": [], "properties": PROPERTIES}


def asset(**changes: Any) -> dict[str, Any]:
    """An asset as version 4 has it; a change to None leaves a member out."""
    body: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Asset",
        "@id": "v4",
        "properties": {"name": "four"},
        "dataplaneMetadata": METADATA,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize("context", [CONTEXT, CONTEXT[0], [*CONTEXT, {"x": "https://x.example.org/"}]])
@pytest.mark.parametrize("stated", ["Asset", "https://w3id.org/edc/v0.0.1/ns/Asset", ["edc:Asset"]])
def test_asset_with_metadata_is_shown_with_it(provider: Client, context: Any, stated: Any) -> None:
    told = body_of(provider.call("POST", "management/v4/assets", asset(**{"@context": context, "@type": stated})))
    assert told["@context"] == CONTEXT

    shown = body_of(provider.call("GET", "management/v4/assets/v4"))

    assert shown["@context"] == CONTEXT
    assert shown["dataplaneMetadata"] == {"@type": "DataplaneMetadata", "properties": PROPERTIES}
    assert "dataAddress" not in shown
    in_version_3 = body_of(provider.get("assets/v4"))
    assert in_version_3["dataAddress"] == {"@type": "DataAddress", "type": "AzureStorage", **PROPERTIES}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"@context": None}, "@context"),
        ({"@context": {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"}}, "@context"),
        ({"@type": None}, "@type"),
        ({"@type": "Secret"}, "@type"),
        ({"@type": 1}, "@type"),
        ({"dataplaneMetadata": "x"}, "dataplaneMetadata"),
        ({"dataplaneMetadata": {"properties": [1]}}, "dataplaneMetadata.properties"),
        ({"dataplaneMetadata": {"properties": {"account": "providerdata", "container": "s"}}}, "dataAddress.blobName"),
    ],
)
def test_body_that_is_not_version_4_is_refused_at_its_path(provider: Client, changes: Any, path: str) -> None:
    assert path in faults_in(provider.call("POST", "management/v4/assets", asset(**changes)))
    assert provider.get("assets/v4").status == 404


def test_every_body_of_version_4_is_asked_for_context_and_type(provider: Client) -> None:
    typed = [it for it in MANAGEMENT_ROUTES if it.version is ApiVersion.V4 and it.body_type]
    assert len(typed) > 12
    for route in typed:
        told = faults_in(provider.call(route.method, route.path.replace("{id}", "x"), {"@type": "Nonsense"}))
        assert set(told) == {"@context", "@type"}, route


def test_policy_stands_in_bare_terms(provider: Client) -> None:
    constraint = {"leftOperand": "participant", "operator": "eq", "rightOperand": "consumer"}
    permission = [{"action": "use", "constraint": [constraint]}]
    body = {
        "@context": CONTEXT,
        "@type": "PolicyDefinition",
        "@id": "v4",
        "policy": {"@type": "Set", "permission": permission},
    }
    body_of(provider.call("POST", "management/v4/policydefinitions", body))

    policy = body_of(provider.call("GET", "management/v4/policydefinitions/v4"))["policy"]

    assert policy == {"@type": "Set", "permission": permission}


def test_profile_is_what_version_3_calls_protocol(pair: Pair, consumer: Client) -> None:
    body = {
        "@context": CONTEXT,
        "@type": "CatalogRequest",
        "counterPartyAddress": pair.provider.core.settings.dsp_url,
        "profile": "dataspace-protocol-http:2025-1",
    }
    assert body_of(consumer.call("POST", "management/v4/catalog/request", body))["@type"] == "Catalog"
    (negotiation,) = body_of(consumer.call("POST", "management/v4/contractnegotiations/request"))
    assert negotiation["profile"] == negotiation["protocol"] == "dataspace-protocol-http:2025-1"


def test_transfer_goes_where_its_metadata_says(pair: Pair, consumer: Client) -> None:
    body = {
        "@context": CONTEXT,
        "@type": "TransferRequest",
        "counterPartyAddress": pair.provider.core.settings.dsp_url,
        "protocol": "dataspace-protocol-http:2025-1",
        "contractId": pair.agreement_id,
        "transferType": "AzureStorage-PUSH",
        "dataplaneMetadata": {"@type": "DataplaneMetadata", "properties": {"container": "wanted"}},
    }
    transfer_id = body_of(consumer.call("POST", "management/v4/transferprocesses", body))["@id"]
    pair.run()

    shown = body_of(consumer.call("GET", f"management/v4/transferprocesses/{transfer_id}"))

    assert shown["state"] == "COMPLETED"
    assert shown["dataplaneMetadata"]["properties"]["container"] == "wanted"
    query = {"@context": CONTEXT, "@type": "QuerySpec", "limit": 1}
    (listed,) = body_of(consumer.call("POST", "management/v4/transferprocesses/request", query))
    assert listed["@id"] == transfer_id


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("participants", REASONS["participants"]),
        ("participants/p1", REASONS["participants"]),
        ("participants/p1/celexpressions/x", REASONS["celexpressions"]),
        ("participants/p1/assets", OTHERWISE),
        ("dcpscopes", REASONS["dcpscopes"]),
        ("nothing", OTHERWISE),
    ],
)
def test_version_5_is_answered_with_the_reason(provider: Client, method: str, path: str, reason: str) -> None:
    (told,) = body_of(provider.call(method, f"management/v5beta/{path}"), 501)
    assert (told["type"], told["message"]) == ("NotImplemented", reason)
