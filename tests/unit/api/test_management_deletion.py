"""Negotiations that have come to nothing can be deleted, and no others."""

from typing import Any

from tests.unit.api.client import Client, body_of, client_of, counter_party
from tests.world.participants import Pair

OFFER = {"@type": "Offer", "@id": "cd-1:asset-1:1", "assigner": "provider", "target": "asset-1"}
TERMINATED = {"filterExpression": [{"operandLeft": "state", "operator": "=", "operandRight": "TERMINATED"}]}


def terminated(pair: Pair) -> str:
    """The id of a negotiation that its consumer has ended before it began."""
    waiting = client_of(pair.consumer, inline_seconds=0)
    body: dict[str, Any] = {**counter_party(pair), "@type": "ContractRequest", "policy": OFFER}
    negotiation_id: str = body_of(waiting.post("contractnegotiations", body))["@id"]
    body_of(waiting.post(f"contractnegotiations/{negotiation_id}/terminate", {"reason": "enough"}), 204)
    pair.run()
    return negotiation_id


def test_terminated_negotiation_leaves_with_its_rows(pair: Pair, consumer: Client) -> None:
    negotiation_id = terminated(pair)
    (shown,) = body_of(consumer.post("contractnegotiations/request", TERMINATED))
    assert shown["@id"] == negotiation_id

    body_of(consumer.delete(f"contractnegotiations/{negotiation_id}"), 204)

    assert consumer.get(f"contractnegotiations/{negotiation_id}").status == 404
    assert body_of(consumer.post("contractnegotiations/request", TERMINATED)) == []
    assert len(body_of(consumer.post("contractnegotiations/request"))) == 1
    assert consumer.delete(f"contractnegotiations/{negotiation_id}").status == 404


def test_negotiation_that_led_to_an_agreement_stays(consumer: Client) -> None:
    (finalized,) = body_of(consumer.post("contractnegotiations/request"))

    (told,) = body_of(consumer.delete(f"contractnegotiations/{finalized['@id']}"), 409)

    assert told["type"] == "ObjectConflict"
    assert "FINALIZED" in told["message"]
    assert consumer.get(f"contractnegotiations/{finalized['@id']}").status == 200
