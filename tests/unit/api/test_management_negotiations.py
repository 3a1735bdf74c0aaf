"""Beginning negotiations: what is refused, what is repeated, who is asked."""

from typing import Any

import pytest

from tests.unit.api.client import Client, body_of, client_of, counter_party, faults_in
from tests.world.participants import Pair

OFFER = {"@type": "Offer", "@id": "cd-1:asset-1:1", "assigner": "provider", "target": "asset-1"}


def request_of(pair: Pair, **changes: Any) -> dict[str, Any]:
    """A ContractRequest."""
    return {**counter_party(pair), "@type": "ContractRequest", "policy": OFFER, **changes}


def test_empty_request_names_everything_that_is_missing(consumer: Client) -> None:
    faults = faults_in(consumer.post("contractnegotiations", {}))
    assert set(faults) == {"counterPartyAddress", "protocol", "policy"}
    request = {"counterPartyAddress": "nowhere", "protocol": "x", "policy": {"@type": "Offer"}}
    assert set(faults_in(consumer.post("contractnegotiations", request))) == {
        "counterPartyAddress",
        "protocol",
        "policy.@id",
        "policy.target",
        "policy.assigner",
    }


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"policy": "x"}, "policy"),
        ({"policy": {**OFFER, "permission": "use"}}, "policy.permission[0]"),
        ({"policy": {**OFFER, "target": ["a", "b"]}}, "policy.target"),
        ({"counterPartyId": "somebody"}, "counterPartyId"),
        ({"callbackAddresses": [{"uri": "http://x"}]}, "callbackAddresses[0].events"),
    ],
)
def test_request_with_one_fault_is_refused_at_its_path(
    pair: Pair, consumer: Client, changes: dict[str, Any], path: str
) -> None:
    before = len(body_of(consumer.post("contractnegotiations/request")))
    assert list(faults_in(consumer.post("contractnegotiations", request_of(pair, **changes)))) == [path]
    assert len(body_of(consumer.post("contractnegotiations/request"))) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": {**OFFER, "assigner": {"@id": "provider"}, "target": {"@id": "asset-1"}}},
        {"policy": {"odrl:assigner" if name == "assigner" else name: value for name, value in OFFER.items()}},
        {"policy": {**OFFER, "assigner": None}, "counterPartyId": "provider"},
        {"policy": {**OFFER, "assigner": None}, "connectorId": "provider"},
        {"callbackAddresses": []},
    ],
)
def test_request_in_any_spelling_reaches_agreement(pair: Pair, consumer: Client, changes: dict[str, Any]) -> None:
    negotiation_id = body_of(consumer.post("contractnegotiations", request_of(pair, **changes)))["@id"]
    pair.run()
    shown = body_of(consumer.get(f"contractnegotiations/{negotiation_id}"))
    assert (shown["state"], shown["counterPartyId"]) == ("FINALIZED", "provider")


def test_repeated_request_begins_one_negotiation(pair: Pair, consumer: Client) -> None:
    first = body_of(consumer.post("contractnegotiations", request_of(pair), idempotency_key="n"))
    assert body_of(consumer.post("contractnegotiations", request_of(pair), idempotency_key="n")) == first
    other = request_of(pair, policy={**OFFER, "@id": "cd-1:asset-1:2"})
    assert (
        body_of(consumer.post("contractnegotiations", other, idempotency_key="n"), 409)[0]["type"] == "ObjectConflict"
    )


def test_key_of_a_negotiation_is_free_for_a_transfer(pair: Pair, consumer: Client) -> None:
    negotiation = body_of(consumer.post("contractnegotiations", request_of(pair), idempotency_key="same"))
    request = {**counter_party(pair), "contractId": pair.agreement_id, "transferType": "AzureStorage-PUSH"}
    transfer = body_of(consumer.post("transferprocesses", request, idempotency_key="same"))
    assert negotiation["@id"] != transfer["@id"]


def test_terminated_negotiation_says_why_and_ends_on_both_sides(pair: Pair) -> None:
    consumer = client_of(pair.consumer, inline_seconds=0)
    negotiation_id = body_of(consumer.post("contractnegotiations", request_of(pair)))["@id"]
    assert body_of(consumer.get(f"contractnegotiations/{negotiation_id}/state")) | {"@context": {}} == {
        "@type": "NegotiationState",
        "state": "REQUESTING",
        "@context": {},
    }
    assert consumer.get(f"contractnegotiations/{negotiation_id}/agreement").status == 404
    assert consumer.post(f"contractnegotiations/{negotiation_id}/terminate", {"reason": "changed"}).status == 204
    shown = body_of(consumer.get(f"contractnegotiations/{negotiation_id}"))
    assert (shown["state"], shown["errorDetail"]) == ("TERMINATED", "changed")
    assert shown["error"]["code"] == "TERMINATED_BY_CLIENT"
