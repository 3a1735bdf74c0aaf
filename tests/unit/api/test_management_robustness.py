"""Whatever JSON arrives, the answer is one that the API promises, and never an unexpected error."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferry.api.http import ApiRequest
from ferry.api.management.routes import MANAGEMENT_ROUTES, NOT_OFFERED, Route
from tests.unit.api.client import API_KEY, Client, client_of, counter_party
from tests.world.participants import make_pair

PAIR = make_pair()
CLIENTS = {side.core.settings.participant_id: client_of(side, inline_seconds=0) for side in PAIR.both}
PROMISED = {200, 204, 400, 404, 409, 502}
TAKING_BODIES = [it for it in MANAGEMENT_ROUTES if it.method in ("POST", "PUT") and it not in NOT_OFFERED]
NAMES = [
    *("@id", "@type", "@value", "@list", "properties", "privateProperties", "dataAddress", "policy", "permission"),
    *(
        "action",
        "constraint",
        "leftOperand",
        "operator",
        "rightOperand",
        "and",
        "target",
        "assigner",
        "value",
        "reason",
    ),
    *("accessPolicyId", "contractPolicyId", "assetsSelector", "operandLeft", "operandRight", "querySpec", "offset"),
    *("limit", "sortField", "sortOrder", "filterExpression", "contractId", "assetId", "transferType", "account"),
    *("dataDestination", "managedResources", "sasValiditySeconds", "type", "container", "blobName", "blobPrefix"),
    *("https://w3id.org/edc/v0.0.1/ns/policy", "edc:dataAddress", "odrl:permission", "callbackAddresses", "endpoint"),
]
TEXTS = [
    "",
    " ",
    "asset-1",
    "policy-1",
    "=",
    "in",
    "like",
    "%",
    "eq",
    "use",
    "Set",
    "AzureStorage",
    "createdAt",
    "ü/?#",
]
LEAVES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.sampled_from(TEXTS)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=20,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)


def _answered(client: Client, route: Route, body: dict[str, Any], key: str | None) -> int:
    headers = {"x-api-key": API_KEY} | ({"idempotency-key": key} if key else {})
    request = ApiRequest(route.method, route.path, headers, {"id": "asset-1"}, {}, json.dumps(body).encode())
    answer = client.api.answer(route, request)
    json.dumps(answer.body)
    return answer.status


@pytest.mark.parametrize("participant_id", CLIENTS)
@settings(max_examples=60, deadline=None, database=None)
@given(route=st.sampled_from(TAKING_BODIES), body=BODIES, key=st.sampled_from([None, "k"]), known=st.booleans())
def test_any_body_gets_a_promised_answer(
    participant_id: str, route: Route, body: dict[str, Any], key: str | None, known: bool
) -> None:
    if known:
        body = {**body, **counter_party(PAIR), "contractId": PAIR.agreement_id}
    assert _answered(CLIENTS[participant_id], route, body, key) in PROMISED
