"""What is refused over HTTP, and how: all faults at once, the right status, the protocol's errors, no state changed."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import httpx2
import pytest

from ferry.api.http import BODY_LIMIT_BYTES
from ferry.api.management.routes import MANAGEMENT_ROUTES, Route, RouteGroup
from ferry.cli.leftovers import secrets_since, vault_contents
from ferry.cli.management import TransferView
from ferry.cli.participants import ParticipantProcess
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack
from tests.e2e.pair import Contract, Pair, until
from tests.e2e.stored_state import unchanged

pytestmark = pytest.mark.e2e

ODD_ID = "https://example.org/assets/a b?x=1&y=%2F#frag/100%/ü"
DSP_CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Speaks HTTP to one participant, as a client with its key or as a peer with its identity."""

    process: ParticipantProcess
    http: httpx2.Client

    def manage(self, method: str, path: str, body: object = None, *, key: str | None = "") -> httpx2.Response:
        """A request below /api; `key`: instead of the right one, None for none."""
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["x-api-key"] = key or self.process.api_key
        return self.http.request(method, f"{self.process.url}/api/{path}", content=content, headers=headers)

    def speak(self, method: str, path: str, body: object = None, *, peer: str | None = CONSUMER) -> httpx2.Response:
        """A request of a peer below the DSP base; None: of somebody who does not say who it is."""
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if peer is not None:
            headers["Authorization"] = json.dumps({"clientId": peer, "region": "eu", "audience": "any"})
        return self.http.request(method, f"{self.process.protocol_url}{path}", content=content, headers=headers)


@dataclass(frozen=True, slots=True)
class Done:
    """A transfer that is over, for what cannot be asked of it any more."""

    contract: Contract
    negotiation_id: str
    view: TransferView


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def consumer(pair: Pair, http: httpx2.Client) -> Caller:
    return Caller(pair.stack.consumer, http)


@pytest.fixture
def provider(pair: Pair, http: httpx2.Client) -> Caller:
    return Caller(pair.stack.provider, http)


@pytest.fixture(scope="module")
def done(stack: LocalStack) -> Done:
    """One for all tests: none of them can change it."""
    before = vault_contents(stack)
    with Pair(stack) as pair:
        contract = pair.contract({"a.txt": b"a"})
        view = pair.wait(pair.transfer(contract))
        assert view.state == "COMPLETED"
        pair.wait_provider(view)
        path = f"/contractagreements/{contract.agreement_id}/negotiation"
        agreed = cast("dict[str, Any]", pair.consumer.call("GET", path))
        # Both sides still have a secret to throw away when they are done.
        until(lambda: list(secrets_since(stack, before)), lambda left: not left)
        until(lambda: pair.consumer.transfer(view.id).history[-1].step, lambda step: step == 17)
    return Done(contract, str(agreed["@id"]), view)


def faults(answer: httpx2.Response) -> list[dict[str, Any]]:
    """The array of errors."""
    assert answer.headers["content-type"].startswith("application/json")
    listed = cast("list[dict[str, Any]]", answer.json())
    assert all(fault.keys() == {"message", "type", "path", "invalidValue"} for fault in listed)
    return listed


def paths(answer: httpx2.Response) -> set[str]:
    """Where the faults are; each must have a path and a sentence."""
    assert answer.status_code == 400, answer.text
    listed = faults(answer)
    assert all(fault["type"] == "ValidationFailure" and fault["message"] for fault in listed)
    return {fault["path"] for fault in listed}


# --- every fault at once ------------------------------------------------------------------------------------------

ADDRESS = {"type": "AzureStorage", "account": "providerdata", "container": "abc", "blobName": "b"}
BAD_ASSET_ADDRESSES: Mapping[str, tuple[dict[str, Any], set[str]]] = {
    "type": ({**ADDRESS, "type": "HttpData"}, {"dataAddress.type"}),
    "account": ({**ADDRESS, "account": "No!"}, {"dataAddress.account"}),
    "no account": ({"type": "AzureStorage", "container": "abc", "blobName": "b"}, {"dataAddress.account"}),
    "container": ({**ADDRESS, "container": "Two--Hyphens"}, {"dataAddress.container"}),
    "parent": ({**ADDRESS, "blobName": "../b"}, {"dataAddress.blobName"}),
    "neither": ({"type": "AzureStorage", "account": "abc", "container": "abc"}, {"dataAddress.blobName"}),
    "prefix": (
        {"type": "AzureStorage", "account": "abc", "container": "abc", "blobPrefix": "a"},
        {"dataAddress.blobPrefix"},
    ),
    "alias": ({**ADDRESS, "keyName": "no alias"}, {"dataAddress.keyName"}),
    "secret": ({**ADDRESS, "secret": "s"}, {"dataAddress.secret"}),
    "endpoint": ({**ADDRESS, "endpoint": "ftp://x"}, {"dataAddress.endpoint"}),
    "forbidden": ({**ADDRESS, "endpoint": "https://10.0.0.1"}, {"dataAddress.endpoint"}),
    "all": (
        {"type": "X", "account": "No!", "container": "-", "keyName": "no alias", "blobPrefix": "a"},
        {
            "dataAddress.type",
            "dataAddress.account",
            "dataAddress.container",
            "dataAddress.keyName",
            "dataAddress.blobPrefix",
        },
    ),
}


def test_wrong_addresses_are_refused_when_the_asset_is_created(pair: Pair, provider: Caller) -> None:
    with unchanged(pair.stack):
        for address, wanted in BAD_ASSET_ADDRESSES.values():
            answer = provider.manage("POST", "management/v3/assets", {"@id": "bad", "dataAddress": address})
            assert paths(answer) == wanted
        assert provider.manage("GET", "management/v3/assets/bad").status_code == 404


BAD_BODIES: tuple[tuple[str, str, object, set[str]], ...] = (
    (PROVIDER, "assets", {"properties": 5, "privateProperties": []}, {"properties", "dataAddress"}),
    (PROVIDER, "policydefinitions", {"@id": "p"}, {"policy"}),
    (
        PROVIDER,
        "contractdefinitions",
        {"@id": "d", "assetsSelector": [{"operandLeft": "x", "operator": "?", "operandRight": 1}]},
        {"accessPolicyId", "contractPolicyId", "assetsSelector[0].operator"},
    ),
    (CONSUMER, "catalog/request", {"querySpec": {"limit": -1}}, {"protocol", "counterPartyAddress", "querySpec.limit"}),
    (CONSUMER, "contractnegotiations", {"protocol": "x"}, {"protocol", "counterPartyAddress", "policy"}),
    (
        CONSUMER,
        "transferprocesses",
        {
            "protocol": "dataspace-protocol-http",
            "counterPartyAddress": "ftp://x",
            "transferType": "HttpData-PUSH",
            "contractId": "unknown",
            "managedResources": "yes",
            "sasValiditySeconds": 1,
            "dataDestination": {"type": "X", "account": "No!"},
        },
        {
            "protocol",
            "counterPartyAddress",
            "transferType",
            "contractId",
            "managedResources",
            "sasValiditySeconds",
            "dataDestination.type",
            "dataDestination.account",
        },
    ),
    (CONSUMER, "transferprocesses", {"managedResources": False, "contractId": "x"}, {"dataDestination.container"}),
    (CONSUMER, "transferprocesses/request", {"limit": 0, "offset": -1, "sortOrder": "UP"}, {"limit", "offset"}),
    (CONSUMER, "secrets", {"@id": "no name"}, {"@id", "value"}),
    (CONSUMER, "transferprocesses", b"not json", {"$"}),
    (CONSUMER, "transferprocesses", [], {"$"}),
    (CONSUMER, "transferprocesses", b'{"a":' * 5000 + b"1" + b"}" * 5000, {"$"}),
)


def test_all_faults_of_a_body_are_told_at_once_with_their_paths(pair: Pair, consumer: Caller, provider: Caller) -> None:
    with unchanged(pair.stack):
        for name, path, body, wanted in BAD_BODIES:
            caller = provider if name == PROVIDER else consumer
            found = paths(caller.manage("POST", f"management/v3/{path}", body))
            assert wanted <= found, path


def test_record_request_with_faults_is_refused_like_edcs(pair: Pair, consumer: Caller) -> None:
    with unchanged(pair.stack):
        answer = consumer.manage("POST", "v1/data/transferprocess", {"contractId": 5, "managedResources": "no"})
        assert paths(answer) >= {"assetId", "contractId", "managedResources"}


def test_good_body_is_seen_as_a_change(pair: Pair) -> None:
    with pytest.raises(AssertionError), unchanged(pair.stack):
        pair.provider.create_asset(f"good-{uuid.uuid4()}", ADDRESS, {})


# --- who asks, how much, and for what -----------------------------------------------------------------------------


def _path(route: Route) -> str:
    return route.path.replace("{id}", quote(f"unknown/{uuid.uuid4()}", safe=""))


def _has_body(route: Route) -> bool:
    return route.method in ("POST", "PUT")


def test_wrong_or_missing_key_is_refused_on_every_route(pair: Pair, consumer: Caller, provider: Caller) -> None:
    with unchanged(pair.stack):
        for route in MANAGEMENT_ROUTES:
            caller = provider if route.group is RouteGroup.PROVIDER else consumer
            for key in (None, "wrong", f"{caller.process.api_key}x", provider.process.api_key):
                if key == caller.process.api_key:
                    continue
                answer = caller.manage(route.method, _path(route), {} if _has_body(route) else None, key=key)
                assert answer.status_code == 401, route
                assert [fault["type"] for fault in faults(answer)] == ["AuthenticationFailed"]


def test_unknown_ids_are_not_found_on_every_route(pair: Pair, consumer: Caller, provider: Caller) -> None:
    with unchanged(pair.stack):
        for route in MANAGEMENT_ROUTES:
            if "{id}" not in route.path or route.method == "PUT":
                continue
            caller = provider if route.group is RouteGroup.PROVIDER else consumer
            answer = caller.manage(route.method, _path(route))
            assert answer.status_code == 404, route
            (fault,) = faults(answer)
            assert fault["type"] == "ObjectNotFound"
            assert "unknown/" in fault["message"], route


def test_updates_of_unknown_definitions_are_not_found(pair: Pair, provider: Caller) -> None:
    policy = {"policy": {"@type": "Set", "permission": [{"action": "use"}]}}
    address = ADDRESS
    with unchanged(pair.stack):
        for path, body in cast(
            "tuple[tuple[str, dict[str, Any]], ...]",
            (
                ("assets", {"dataAddress": address}),
                ("policydefinitions/unknown", policy),
                ("contractdefinitions", {"accessPolicyId": "p", "contractPolicyId": "p", "assetsSelector": []}),
            ),
        ):
            answer = provider.manage("PUT", f"management/v3/{path}", {"@id": "unknown", **body})
            assert answer.status_code == 404, answer.text


def test_bodies_over_the_limit_are_refused(pair: Pair, consumer: Caller, provider: Caller) -> None:
    too_large, largest = b" " * BODY_LIMIT_BYTES + b"{", b" " * (BODY_LIMIT_BYTES - 2) + b"{}"
    with unchanged(pair.stack):
        for route in MANAGEMENT_ROUTES:
            if _has_body(route) and "{id}" not in route.path:
                caller = provider if route.group is RouteGroup.PROVIDER else consumer
                answer = caller.manage(route.method, route.path, too_large)
                assert answer.status_code == 413, route
                assert [fault["type"] for fault in faults(answer)] == ["RequestTooLarge"]
        for path, error in (
            ("/catalog/request", "CatalogError"),
            ("/negotiations/request", "ContractNegotiationError"),
            ("/transfers/request", "TransferError"),
        ):
            refused = provider.speak("POST", path, too_large)
            assert (refused.status_code, refused.json()["@type"]) == (413, error)
            assert provider.speak("POST", path, largest).status_code == 400
        assert consumer.manage("POST", "management/v3/transferprocesses", largest).status_code == 400


def test_other_methods_and_paths_are_not_found(consumer: Caller) -> None:
    for method, path in (
        ("PATCH", "management/v3/assets"),
        ("GET", "management/v3/transferprocesses"),
        ("DELETE", "management/v3/transferprocesses/x"),
        ("GET", "management/v3/nothing"),
        ("GET", "management/v3/assets/a/b"),
    ):
        assert consumer.manage(method, path).status_code == 404


# --- what is not allowed any more ---------------------------------------------------------------------------------


def test_illegal_transitions_are_conflicts_that_name_the_state(
    pair: Pair, consumer: Caller, provider: Caller, done: Done
) -> None:
    provider_pid = str(done.view.correlation_id)
    with unchanged(pair.stack, done.view.id, provider_pid, done.negotiation_id):
        for caller, path, state in (
            (consumer, f"transferprocesses/{done.view.id}/terminate", "COMPLETED"),
            (provider, f"transferprocesses/{provider_pid}/terminate", "COMPLETED"),
            (consumer, f"contractnegotiations/{done.negotiation_id}/terminate", "FINALIZED"),
        ):
            answer = caller.manage("POST", f"management/v3/{path}", {"reason": "too late"})
            assert answer.status_code == 409, answer.text
            (fault,) = faults(answer)
            assert (fault["type"], fault["path"], fault["invalidValue"]) == ("ObjectConflict", "state", state)
            assert state in fault["message"]


def test_what_is_taken_or_in_use_is_a_conflict(pair: Pair, provider: Caller, done: Done) -> None:
    other = {"@id": done.contract.asset_id, "dataAddress": {**ADDRESS, "container": "another"}}
    policy = f"policy-{done.contract.asset_id}"
    with unchanged(pair.stack):
        taken = provider.manage("POST", "management/v3/assets", other)
        used = provider.manage("DELETE", f"management/v3/assets/{done.contract.asset_id}")
        referred = provider.manage("DELETE", f"management/v3/policydefinitions/{policy}")
        assert [answer.status_code for answer in (taken, used, referred)] == [409, 409, 409]
        assert {fault["type"] for answer in (taken, used, referred) for fault in faults(answer)} == {"ObjectConflict"}


def test_key_that_was_used_for_another_order_is_a_conflict(pair: Pair, done: Done) -> None:
    order = {
        "counterPartyAddress": pair.provider_url,
        "protocol": "dataspace-protocol-http:2025-1",
        "transferType": "AzureStorage-PUSH",
        "contractId": done.contract.agreement_id,
    }
    headers = {"Idempotency-Key": f"key-{uuid.uuid4()}"}
    first = cast("dict[str, Any]", pair.consumer.call("POST", "/transferprocesses", order, headers))
    pair.wait(first["@id"])
    with unchanged(pair.stack, first["@id"]):
        again = cast("dict[str, Any]", pair.consumer.call("POST", "/transferprocesses", order, headers))
        assert again["@id"] == first["@id"]
        refused = httpx2.post(
            f"{pair.consumer.url}/transferprocesses",
            json={**order, "sasValiditySeconds": 600},
            headers={"x-api-key": pair.stack.consumer.api_key, **headers},
            trust_env=False,
        )
        assert refused.status_code == 409, refused.text


# --- the protocol's own errors ------------------------------------------------------------------------------------


def dsp_error(answer: httpx2.Response, status: int, type_name: str) -> dict[str, Any]:
    """An error of the protocol, with its reasons."""
    assert answer.status_code == status, answer.text
    error = cast("dict[str, Any]", answer.json())
    assert error["@type"] == type_name
    assert error["@context"] == DSP_CONTEXT
    assert error["code"] == str(status)
    assert error["reason"]
    return error


MALFORMED: tuple[object, ...] = (b"", b"not json", [], {}, {"@type": "SomethingElse"}, b'{"@type":' * 200 + b"1")


def test_malformed_messages_that_begin_something_get_typed_errors(pair: Pair, provider: Caller) -> None:
    with unchanged(pair.stack):
        for path, type_name in (
            ("/catalog/request", "CatalogError"),
            ("/negotiations/request", "ContractNegotiationError"),
            ("/transfers/request", "TransferError"),
        ):
            for body in MALFORMED:
                dsp_error(provider.speak("POST", path, body), 400, type_name)
            dsp_error(provider.speak("POST", path, {}, peer=None), 401, type_name)
        dsp_error(provider.speak("GET", f"/catalog/datasets/{quote(ODD_ID, safe='')}"), 404, "CatalogError")


def test_malformed_messages_about_a_transfer_get_errors_with_both_pids(
    pair: Pair, consumer: Caller, provider: Caller, done: Done
) -> None:
    pids = {"consumerPid": done.view.id, "providerPid": done.view.correlation_id}
    with unchanged(pair.stack, done.view.id, str(done.view.correlation_id)):
        for caller, base, peer in (
            (consumer, f"/consumer/transfers/{done.view.id}", PROVIDER),
            (provider, f"/transfers/{done.view.correlation_id}", CONSUMER),
        ):
            for message in ("start", "completion", "termination", "suspension"):
                for body in MALFORMED:
                    error = dsp_error(caller.speak("POST", f"{base}/{message}", body, peer=peer), 400, "TransferError")
                    assert error.items() >= pids.items()


def test_message_that_comes_too_late_gets_an_error_with_both_pids_and_the_state(
    pair: Pair, consumer: Caller, provider: Caller, done: Done
) -> None:
    pids = {"consumerPid": done.view.id, "providerPid": done.view.correlation_id}
    ending = {"@context": DSP_CONTEXT, "@type": "TransferTerminationMessage", "code": "X", "reason": ["late"], **pids}
    with unchanged(pair.stack, done.view.id, str(done.view.correlation_id)):
        for caller, base, peer in (
            (consumer, f"/consumer/transfers/{done.view.id}", PROVIDER),
            (provider, f"/transfers/{done.view.correlation_id}", CONSUMER),
        ):
            error = dsp_error(caller.speak("POST", f"{base}/termination", ending, peer=peer), 409, "TransferError")
            assert error.items() >= pids.items()
            assert "COMPLETED" in error["reason"][0]


def test_malformed_messages_about_a_negotiation_get_errors_with_both_pids(
    pair: Pair, consumer: Caller, done: Done
) -> None:
    shown = cast("dict[str, Any]", pair.consumer.call("GET", f"/contractnegotiations/{done.negotiation_id}"))
    pids = {"consumerPid": done.negotiation_id, "providerPid": shown["correlationId"]}
    with unchanged(pair.stack, done.negotiation_id):
        for message in ("agreement", "events", "termination", "offers"):
            for body in MALFORMED:
                path = f"/consumer/negotiations/{done.negotiation_id}/{message}"
                error = dsp_error(consumer.speak("POST", path, body, peer=PROVIDER), 400, "ContractNegotiationError")
                assert error.items() >= pids.items()


def test_unknown_pids_and_those_of_others_are_not_found_alike(
    pair: Pair, consumer: Caller, provider: Caller, done: Done
) -> None:
    unknown = str(uuid.uuid4())
    with unchanged(pair.stack, done.view.id, str(done.view.correlation_id)):
        for caller, base, pid, owner in (
            (consumer, "/consumer/transfers", done.view.id, PROVIDER),
            (provider, "/transfers", str(done.view.correlation_id), CONSUMER),
        ):
            assert caller.speak("GET", f"{base}/{pid}", peer=owner).status_code == 200
            foreign = dsp_error(caller.speak("GET", f"{base}/{pid}", peer="stranger"), 404, "TransferError")
            missing = dsp_error(caller.speak("GET", f"{base}/{unknown}", peer=owner), 404, "TransferError")
            assert _without(foreign, pid) == _without(missing, unknown)
            dsp_error(caller.speak("GET", f"{base}/{pid}", peer=None), 401, "TransferError")


def _without(error: dict[str, Any], pid: str) -> str:
    return json.dumps(error, sort_keys=True).replace(pid, "PID")


# --- ids that are URLs --------------------------------------------------------------------------------------------


def test_ids_with_reserved_characters_work_on_every_route(pair: Pair, provider: Caller) -> None:
    suffix = uuid.uuid4().hex
    asset_id, policy_id, definition_id = (f"{ODD_ID}/{kind}-{suffix}" for kind in ("asset", "policy", "definition"))
    container = pair.put({"a.txt": b"a"})
    address = {"account": "providerdata", "container": container, "blobName": "a.txt"}
    pair.provider.create_asset(asset_id, address, {"name": "odd"})
    pair.provider.create_policy(policy_id)
    pair.provider.create_contract_definition(definition_id, policy_id, asset_id)
    for noun, odd in (("assets", asset_id), ("policydefinitions", policy_id), ("contractdefinitions", definition_id)):
        answer = provider.manage("GET", f"management/v3/{noun}/{quote(odd, safe='')}")
        assert (answer.status_code, answer.json().get("@id")) == (200, odd)
    dataset = provider.speak("GET", f"/catalog/datasets/{quote(asset_id, safe='')}")
    assert (dataset.status_code, dataset.json()["@id"]) == (200, asset_id)
    asked = {
        "counterPartyAddress": pair.provider_url,
        "protocol": "dataspace-protocol-http:2025-1",
        "@id": asset_id,
    }
    shown = cast("dict[str, Any]", pair.consumer.call("POST", "/catalog/dataset/request", asked))
    assert shown["@id"] == asset_id
    contract = Contract(asset_id, pair.agree(asset_id), container)
    view = pair.wait(pair.transfer(contract))
    assert (view.state, view.raw["assetId"]) == ("COMPLETED", asset_id)
    body = {"@id": policy_id, "policy": {"@type": "Set", "permission": [{"action": "use"}]}}
    for method, noun, odd, sent, status in (
        ("PUT", "policydefinitions", policy_id, body, 204),
        ("DELETE", "assets", asset_id, None, 409),
        ("DELETE", "contractdefinitions", definition_id, None, 204),
        ("DELETE", "policydefinitions", policy_id, None, 204),
        ("GET", "policydefinitions", policy_id, None, 404),
    ):
        path = f"management/v3/{noun}/{quote(odd, safe='')}"
        assert provider.manage(method, path, sent).status_code == status, (method, noun)


def test_id_with_an_encoded_slash_is_not_taken_for_one_with_a_slash(pair: Pair, provider: Caller) -> None:
    base = f"odd-{uuid.uuid4().hex}"
    slash, encoded = f"{base}/b", f"{base}%2Fb"
    for asset_id in (slash, encoded):
        pair.provider.create_asset(asset_id, {"account": "abc", "container": "abc", "blobName": "b"}, {})
    assert provider.manage("DELETE", f"management/v3/assets/{quote(encoded, safe='')}").status_code == 204
    assert provider.manage("GET", f"management/v3/assets/{quote(slash, safe='')}").json()["@id"] == slash
    assert provider.manage("GET", f"management/v3/assets/{quote(encoded, safe='')}").status_code == 404
