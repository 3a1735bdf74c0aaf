"""The whole story through the management API alone: offer, catalog, negotiation, transfer, deprovisioning."""

import json
from typing import Any

from ferry.domain.secret import Secret
from ferry.ports.storage import Account
from tests.unit.api.client import EDC_CONTEXT, Client, body_of, client_of, counter_party, transfer_request
from tests.world.participants import Pair

URL_ID = "https://assets.example/rivers?year=2026#part"


def _offer(provider: Client, policy: dict[str, Any]) -> None:
    asset = {
        "@context": EDC_CONTEXT,
        "@id": URL_ID,
        "properties": {"name": "Rivers", "http://purl.org/dc/terms/title": "Flüsse"},
        "privateProperties": {"owner": "me"},
        "dataAddress": {
            "@type": "DataAddress",
            "type": "AzureStorage",
            "account": "providerdata",
            "container": "source",
            "blobPrefix": "data/",
        },
    }
    selector = {"operandLeft": "https://w3id.org/edc/v0.0.1/ns/id", "operator": "=", "operandRight": URL_ID}
    definition = {"@id": "cd-url", "accessPolicyId": "p", "contractPolicyId": "p", "assetsSelector": [selector]}
    body_of(provider.post("assets", asset))
    body_of(provider.post("policydefinitions", {"@id": "p", "policy": policy}))
    body_of(provider.post("contractdefinitions", definition))


def _negotiate(pair: Pair, consumer: Client, offer: dict[str, Any]) -> dict[str, Any]:
    request = {**counter_party(pair), "policy": {**offer, "assigner": "provider", "target": URL_ID}}
    negotiation_id = body_of(consumer.post("contractnegotiations", request))["@id"]
    pair.run()
    assert body_of(consumer.get(f"contractnegotiations/{negotiation_id}/state"))["state"] == "FINALIZED"
    negotiation: dict[str, Any] = body_of(consumer.get(f"contractnegotiations/{negotiation_id}"))
    return negotiation


def test_offer_of_catalog_negotiated_as_it_stands_leads_to_data(pair: Pair, consumer: Client, provider: Client) -> None:
    constraint = {
        "leftOperand": {"@id": "participantId"},
        "operator": {"@id": "odrl:isAnyOf"},
        "rightOperand": ["consumer", "other"],
    }
    rule = {"action": {"type": "USE"}, "constraint": constraint}
    _offer(provider, {"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Set", "odrl:permission": rule})

    catalog = body_of(consumer.post("catalog/request", counter_party(pair)))
    dataset = next(it for it in catalog["dataset"] if it["@id"] == URL_ID)
    negotiation = _negotiate(pair, consumer, dataset["hasPolicy"][0])
    transfer = {**transfer_request(pair), "contractId": negotiation["contractAgreementId"]}
    transfer_id = body_of(consumer.post("transferprocesses", transfer))["@id"]
    pair.run()

    shown = body_of(consumer.get(f"transferprocesses/{transfer_id}"))
    assert (shown["state"], shown["verification"], shown["assetId"]) == ("COMPLETED", "manifest", URL_ID)
    assert (shown["delivered"]["blobs"], shown["delivered"]["bytes"]) == (1, 3)
    container = shown["dataDestination"]["container"]
    account = Account("consumerdata", "https://consumerdata.test", Secret("consumer-key"))
    assert pair.consumer.core.outside.storage.read_blob(account, container, "data/one.txt", limit_bytes=9) == b"one"

    assert consumer.post(f"transferprocesses/{transfer_id}/deprovision").status == 204
    pair.run()
    assert consumer.post(f"transferprocesses/{transfer_id}/deprovision").status == 204
    assert body_of(consumer.get(f"transferprocesses/{transfer_id}/state"))["state"] == "DEPROVISIONED"
    assert not pair.consumer.core.outside.storage.container_exists(account, container)


def test_catalog_has_the_shape_of_edc(pair: Pair, consumer: Client, provider: Client) -> None:
    _offer(provider, {"@type": "Set"})

    wanted = {"filterExpression": {"operandLeft": "id", "operator": "=", "operandRight": URL_ID}, "limit": 5}
    catalog = body_of(consumer.post("catalog/request", {**counter_party(pair), "querySpec": wanted}))
    assert catalog["@context"][0] == "https://w3id.org/dspace/2025/1/context.jsonld"
    assert (catalog["@type"], catalog["participantId"]) == ("Catalog", "provider")
    assert catalog["service"][0]["endpointURL"] == pair.provider.core.settings.dsp_url
    (dataset,) = catalog["dataset"]
    assert dataset["@type"] == "Dataset"
    assert (dataset["id"], dataset["edc:name"]) == (URL_ID, "Rivers")
    assert dataset["http://purl.org/dc/terms/title"] == "Flüsse"
    assert dataset["hasPolicy"][0]["@type"] == "Offer"
    assert dataset["distribution"][0]["format"] == "AzureStorage-PUSH"
    assert "owner" not in json.dumps(dataset)


def test_dataset_of_provider_is_passed_on_and_unknown_is_not_found(pair: Pair, consumer: Client) -> None:
    dataset = body_of(consumer.post("catalog/dataset/request", {**counter_party(pair), "@id": "asset-1"}))
    assert (dataset["@id"], dataset["@type"], len(dataset["hasPolicy"])) == ("asset-1", "Dataset", 1)
    missing = body_of(consumer.post("catalog/dataset/request", {**counter_party(pair), "@id": "nope"}), 404)
    assert missing[0]["type"] == "ObjectNotFound"


def test_catalog_of_nobody_is_bad_gateway(pair: Pair, consumer: Client) -> None:
    request = {**counter_party(pair), "counterPartyAddress": "http://nobody.test/api/dsp"}
    assert body_of(consumer.post("catalog/request", request), 502)[0]["type"] == "BadGateway"


def test_finalized_negotiation_shows_agreement_on_both_sides(pair: Pair, consumer: Client, provider: Client) -> None:
    _offer(provider, {"@type": "Set", "permission": [{"action": "use"}]})
    dataset = body_of(consumer.post("catalog/dataset/request", {**counter_party(pair), "@id": "asset-1"}))
    offer = {**dataset["hasPolicy"][0], "assigner": {"@id": "provider"}, "target": {"@id": "asset-1"}}
    negotiation_id = body_of(consumer.post("contractnegotiations", {**counter_party(pair), "policy": offer}))["@id"]
    pair.run()

    shown = body_of(consumer.get(f"contractnegotiations/{negotiation_id}"))
    assert (shown["type"], shown["counterPartyId"], shown["assetId"]) == ("CONSUMER", "provider", "asset-1")
    assert [line["state"] for line in shown["history"]][-1] == "FINALIZED"
    agreement_id = shown["contractAgreementId"]
    for side, role in ((consumer, "CONSUMER"), (provider, "PROVIDER")):
        agreement = body_of(side.get(f"contractagreements/{agreement_id}"))
        assert agreement["policy"]["odrl:target"] == {"@id": "asset-1"}
        assert agreement["policy"]["@type"] == "odrl:Agreement"
        assert (agreement["consumerId"], agreement["providerId"]) == ("consumer", "provider")
        assert body_of(side.get(f"contractagreements/{agreement_id}/negotiation"))["type"] == role
    agreement = body_of(consumer.get(f"contractnegotiations/{negotiation_id}/agreement"))
    assert agreement["@id"] == agreement_id
    listed = body_of(consumer.post("contractagreements/request", {"filterExpression": []}))
    assert {it["@id"] for it in listed} == {agreement_id, pair.agreement_id}


def test_refused_offer_shows_cause_and_has_no_agreement(pair: Pair, consumer: Client) -> None:
    policy = {"@type": "Offer", "@id": "a:b:c", "assigner": "provider", "target": "b"}
    negotiation_id = body_of(consumer.post("contractnegotiations", {**counter_party(pair), "policy": policy}))["@id"]
    pair.run()

    shown = body_of(consumer.get(f"contractnegotiations/{negotiation_id}"))
    assert (shown["state"], shown["error"]["code"]) == ("TERMINATED", "OFFER_UNKNOWN")
    assert "offer" in shown["errorDetail"]
    assert consumer.get(f"contractnegotiations/{negotiation_id}/agreement").status == 404
    refused = body_of(consumer.post(f"contractnegotiations/{negotiation_id}/terminate"), 409)
    assert (refused[0]["path"], refused[0]["invalidValue"]) == ("state", "TERMINATED")


def test_call_without_time_answers_at_once_and_hands_on_a_look(pair: Pair) -> None:
    consumer = client_of(pair.consumer, inline_seconds=0)
    answer = consumer.post("transferprocesses", transfer_request(pair))
    assert [look.process_id for look in answer.looks] == [body_of(answer)["@id"]]
    shown = body_of(consumer.get(f"transferprocesses/{body_of(answer)['@id']}/state"))
    assert shown["state"] == "PREPARATION_REQUESTED"
