"""The protocol's catalog and negotiation endpoints: what they show, what they answer, what they refuse."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ferry.adapters.memory_store import MemoryProcessStore
from ferry.control_plane.negotiation_decisions import ContractOrder
from ferry.domain.contracts import Asset, ContractDefinition, ContractNegotiation, PolicyDefinition
from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.offers import OfferId
from ferry.domain.states import NegotiationState
from ferry.ports.stores import Record
from tests.unit.api.dsp_client import body_of, consumer_of, message, provider_of
from tests.unit.control_plane.agreed import agreed_pair
from tests.unit.protocol.strict import assert_strict
from tests.world.participants import STARTED_AT, Pair, pair_of, settings_of

OFFER_ID = str(OfferId("cd-1", "asset-1", "x"))
CALLBACK = "http://consumer.test/api/dsp/2025-1/consumer"


@pytest.fixture
def pair() -> Pair:
    return agreed_pair()


def contract_request(**changes: Any) -> dict[str, Any]:
    """A ContractRequestMessage; a field that is None is left out, and `offer` changes the offer."""
    offer = {"@id": OFFER_ID, "@type": "Offer", "target": "asset-1", "assigner": "provider"}
    told = changes.pop("offer", {})
    asked = None if told is None else {**offer, "permission": [{"action": "use"}], **told}
    fields = {"@id": "urn:uuid:r-1", "consumerPid": "consumer-1", "callbackAddress": CALLBACK, "offer": asked}
    return message("ContractRequestMessage", **{**fields, **changes})


def requested(pair: Pair) -> ContractNegotiation:
    """The consumer's negotiation that waits for the provider's agreement."""
    order = ContractOrder(
        counter_party_id="provider",
        counter_party_address=pair.provider.core.settings.dsp_url,
        offer_id=OFFER_ID,
        asset_id="asset-1",
        policy={"permission": [{"action": "use"}]},
    )
    return pair.consumer.core.negotiations.initiate(order, inline_seconds=1).process


def about(process: ContractNegotiation, kind: str, **changes: Any) -> dict[str, Any]:
    pids = {"consumerPid": process.consumer_pid, "providerPid": process.provider_pid}
    return message(kind, **{"@id": "urn:uuid:message-1", **pids, **changes})


def agreement(**changes: Any) -> dict[str, Any]:
    return {
        "@id": "agreement-1",
        "@type": "Agreement",
        "target": "asset-1",
        "assigner": "provider",
        "assignee": "consumer",
        "timestamp": "2026-01-01T00:00:00Z",
        "permission": [{"action": "use"}],
        **changes,
    }


def error_of(body: dict[str, Any], status: int, consumer_pid: str, provider_pid: str) -> str:
    assert (body["@type"], body["code"]) == ("ContractNegotiationError", str(status))
    assert (body["consumerPid"], body["providerPid"]) == (consumer_pid, provider_pid)
    assert_strict(body)
    return " ".join(body["reason"])


# --- the catalog ------------------------------------------------------------------------------------------------


def test_catalog_shows_what_the_reader_may_see(pair: Pair) -> None:
    body = body_of(consumer_of(pair).post("catalog/request", message("CatalogRequestMessage")))
    assert_strict(body)
    (dataset,) = body["dataset"]
    assert dataset["@id"] == "asset-1"
    assert body["participantId"] == "provider"
    assert dataset["distribution"][0]["accessService"]["endpointURL"] == "http://provider.test/api/dsp/2025-1"


def test_catalog_of_somebody_who_may_see_nothing_has_no_datasets(pair: Pair) -> None:
    closed: dict[str, Any] = {"prohibition": [{"action": "use"}]}
    pair.provider.core.outside.policies.update("policy-1", PolicyDefinition("policy-1", STARTED_AT, closed))
    body = body_of(consumer_of(pair).post("catalog/request", message("CatalogRequestMessage")))
    assert_strict(body)
    assert "dataset" not in body


def test_catalog_is_filtered_and_cut_as_asked(pair: Pair) -> None:
    outside = pair.provider.core.outside
    outside.contract_definitions.create("all", ContractDefinition("all", STARTED_AT, "policy-1", "policy-1"))
    for number in range(5):
        address = SourceAddress("providerdata", "source", None, "")
        asset = Asset(f"extra-{number}", STARTED_AT, address, {"kind": "odd" if number % 2 else "even"})
        outside.assets.create(asset.id, asset)

    def ids(**query: Any) -> list[str]:
        request = message("CatalogRequestMessage", filter=[{"@type": "QuerySpec", **query}])
        found = body_of(consumer_of(pair).post("catalog/request", request)).get("dataset", [])
        return sorted(dataset["@id"] for dataset in found)

    criterion = {"operandLeft": "properties.kind", "operator": "=", "operandRight": "odd"}
    assert ids(filterExpression=[criterion]) == ["extra-1", "extra-3"]
    pages = [ids(offset=offset, limit=4) for offset in (0, 4)]
    assert [len(page) for page in pages] == [4, 2]
    assert len({*pages[0], *pages[1]}) == 6


def test_dataset_is_shown_or_not_found_with_a_catalog_error(pair: Pair) -> None:
    found = body_of(consumer_of(pair).get("catalog/datasets/asset-1"))
    assert_strict(found)
    missing = body_of(consumer_of(pair).get("catalog/datasets/nope"), 404)
    assert (missing["@type"], missing["code"]) == ("CatalogError", "404")
    assert_strict(missing)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"x" * 70_000, 413), (json.dumps({"@type": "Catalog"}).encode(), 400)],
    ids=["no JSON", "too large", "wrong type"],
)
def test_catalog_request_that_is_wrong_gets_a_catalog_error(pair: Pair, body: bytes, status: int) -> None:
    answer = body_of(consumer_of(pair).post("catalog/request", body), status)
    assert (answer["@type"], answer["code"]) == ("CatalogError", str(status))
    assert_strict(answer)


def test_catalog_is_for_those_who_show_who_they_are(pair: Pair) -> None:
    answer = body_of(consumer_of(pair, None).post("catalog/request", message("CatalogRequestMessage")), 401)
    assert answer["@type"] == "CatalogError"


# --- a consumer's request ---------------------------------------------------------------------------------------


def test_request_is_answered_with_the_negotiation_and_nothing_is_sent(pair: Pair) -> None:
    sent = len(pair.world.network.exchanges)
    answer = consumer_of(pair).post("negotiations/request", contract_request())
    body = body_of(answer, 201)
    assert_strict(body)
    assert (body["@type"], body["state"], body["consumerPid"]) == ("ContractNegotiation", "REQUESTED", "consumer-1")
    assert [look.process_id for look in answer.looks] == [body["providerPid"]]
    assert len(pair.world.network.exchanges) == sent


@pytest.mark.parametrize("rules", [[], [{"action": "use"}]])
def test_agreement_has_a_rule_where_the_request_has_one(pair: Pair, rules: list[dict[str, Any]]) -> None:
    body = body_of(consumer_of(pair).post("negotiations/request", contract_request(offer={"permission": rules})), 201)
    agreed = pair.provider.core.negotiations.get(body["providerPid"]).agreement
    assert agreed is not None
    assert agreed.policy.get("permission", []) == rules


@pytest.mark.parametrize("offer", [{"@id": "unknown"}, {"permission": [{"action": "read"}]}])
def test_offer_that_is_refused_is_taken_and_ended_by_a_message(pair: Pair, offer: dict[str, Any]) -> None:
    answer = consumer_of(pair).post("negotiations/request", contract_request(offer=offer))
    body = body_of(answer, 201)
    assert body["state"] == "REQUESTED"
    assert len(answer.looks) == 1
    process = pair.provider.core.negotiations.get(body["providerPid"])
    assert process.state is NegotiationState.TERMINATED
    shown = body_of(consumer_of(pair).get(f"negotiations/{process.id}"))
    assert shown["state"] == "TERMINATED"


@pytest.mark.parametrize(("name", "state"), [("friend", "AGREEING"), ("consumer", "TERMINATED")])
def test_contract_policy_is_judged_by_who_has_shown_to_be_asking(pair: Pair, name: str, state: str) -> None:
    constraint = {"leftOperand": "participantId", "operator": "eq", "rightOperand": "friend"}
    rules = [{"action": "use", "constraint": [constraint]}]
    outside = pair.provider.core.outside
    outside.policies.create("friends", PolicyDefinition("friends", STARTED_AT, {"permission": rules}))
    definition = ContractDefinition("cd-2", STARTED_AT, "policy-1", "friends")
    outside.contract_definitions.create("cd-2", definition)
    offer = {"@id": str(OfferId("cd-2", "asset-1", "x")), "permission": rules}
    body = body_of(consumer_of(pair, name).post("negotiations/request", contract_request(offer=offer)), 201)
    assert pair.provider.core.negotiations.get(body["providerPid"]).state_name == state


def test_repeated_request_is_answered_like_the_first(pair: Pair) -> None:
    client = consumer_of(pair)
    first = body_of(client.post("negotiations/request", contract_request()), 201)
    before = pair.provider.core.negotiations.get(first["providerPid"])
    assert body_of(client.post("negotiations/request", contract_request(**{"@id": "urn:uuid:2"})), 201) == first
    assert pair.provider.core.negotiations.get(first["providerPid"]) == before


def test_request_with_another_body_is_a_conflict_that_names_both_pids(pair: Pair) -> None:
    client = consumer_of(pair)
    first = body_of(client.post("negotiations/request", contract_request()), 201)
    other = contract_request(callbackAddress="http://consumer.test/other")
    body = body_of(client.post("negotiations/request", other), 409)
    assert "exists already" in error_of(body, 409, "consumer-1", first["providerPid"])


@pytest.mark.parametrize("missing", ["consumerPid", "callbackAddress", "offer"])
def test_request_that_misses_something_is_refused(pair: Pair, missing: str) -> None:
    body = body_of(consumer_of(pair).post("negotiations/request", contract_request(**{missing: None})), 400)
    assert body["@type"] == "ContractNegotiationError"
    assert any(missing in reason for reason in body["reason"])


def test_first_request_names_no_negotiation_of_ours(pair: Pair) -> None:
    body = body_of(consumer_of(pair).post("negotiations/request", contract_request(providerPid="provider-1")), 400)
    assert any("providerPid" in reason for reason in body["reason"])


@pytest.mark.parametrize(("party", "who"), [("assigner", "other"), ("assigner", "consumer"), ("assignee", "other")])
def test_request_for_an_offer_between_others_is_refused(pair: Pair, party: str, who: str) -> None:
    body = body_of(consumer_of(pair).post("negotiations/request", contract_request(offer={party: who})), 400)
    assert any(f"offer.{party}" in reason for reason in body["reason"])


@pytest.mark.parametrize("known", [{}, {"assignee": "consumer"}, {"assignee": "did:web:c.test"}])
@pytest.mark.parametrize("assigner", [None, "provider", "did:web:p.test"])
def test_parties_of_a_requested_offer_are_named_by_id_or_did_or_not_at_all(
    assigner: str | None, known: dict[str, str]
) -> None:
    dids = {"FERRY_DID": "did:web:p.test", "FERRY_PARTNERS": json.dumps({"consumer": "did:web:c.test"})}
    pair = pair_of(settings_of("consumer"), settings_of("provider", **dids))
    asked = contract_request(offer={"@id": str(OfferId("cd-1", "asset-1", "x")), "assigner": assigner, **known})
    if assigner is None:
        del asked["offer"]["assigner"]
    body_of(consumer_of(pair).post("negotiations/request", asked), 201)


def test_request_that_leads_to_a_forbidden_host_is_refused(pair: Pair) -> None:
    def guard(url: str) -> None:
        raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, f"{url} is not for this app to call")

    dsp = pair.provider.core.dsp
    guarded = replace(dsp, negotiations=replace(dsp.negotiations, check_peer_address=guard))
    pair.provider.core = replace(pair.provider.core, dsp=guarded)
    body = body_of(consumer_of(pair).post("negotiations/request", contract_request()), 400)
    assert "fault: ADDRESS_FORBIDDEN" in body["reason"]
    assert body["consumerPid"] == "consumer-1"


# --- messages about a negotiation -------------------------------------------------------------------------------


def test_agreement_is_applied_and_its_verification_is_left_to_a_look(pair: Pair) -> None:
    process = requested(pair)
    sent = len(pair.world.network.exchanges)
    told = about(process, "ContractAgreementMessage", agreement=agreement())
    answer = provider_of(pair).post(f"negotiations/{process.id}/agreement", told)
    assert body_of(answer)["state"] == "AGREED"
    assert pair.consumer.core.negotiations.get(process.id).state is NegotiationState.VERIFYING
    assert [look.process_id for look in answer.looks] == [process.id]
    assert len(pair.world.network.exchanges) == sent


@pytest.mark.parametrize("changes", [{"target": "other"}, {"assigner": "other"}, {"permission": [{"action": "read"}]}])
def test_agreement_that_was_not_asked_for_is_taken_and_ended_by_a_message(pair: Pair, changes: dict[str, Any]) -> None:
    process = requested(pair)
    told = about(process, "ContractAgreementMessage", agreement=agreement(**changes))
    answer = provider_of(pair).post(f"negotiations/{process.id}/agreement", told)
    assert body_of(answer)["state"] == "TERMINATED"
    error = pair.consumer.core.negotiations.get(process.id).error
    assert error is not None and error.code == FaultCode.POLICY_VIOLATED


def test_id_of_the_request_that_began_it_is_a_conflict_under_another_message(pair: Pair) -> None:
    client = consumer_of(pair)
    pid = body_of(client.post("negotiations/request", contract_request()), 201)["providerPid"]
    process = pair.provider.core.negotiations.get(pid)
    told = about(process, "ContractAgreementVerificationMessage", **{"@id": "urn:uuid:r-1"})
    body = body_of(client.post(f"negotiations/{pid}/agreement/verification", told), 409)
    assert "came before with another body" in error_of(body, 409, process.consumer_pid, process.provider_pid)
    assert body_of(client.post("negotiations/request", contract_request()), 201)["providerPid"] == pid


def test_verification_is_answered_the_same_however_often_it_comes(pair: Pair) -> None:
    client = consumer_of(pair)
    first = body_of(client.post("negotiations/request", contract_request()), 201)
    pid = first["providerPid"]
    process = pair.provider.core.negotiations.get(pid)
    answers = [
        body_of(
            client.post(
                f"negotiations/{pid}/agreement/verification",
                about(process, "ContractAgreementVerificationMessage", **{"@id": f"urn:uuid:v-{number}"}),
            )
        )
        for number in (1, 1, 2)
    ]
    assert [answer["state"] for answer in answers] == ["VERIFIED"] * 3
    applied = [it.message_id for it in pair.provider.core.negotiations.get(pid).inbox]
    assert applied == ["urn:uuid:r-1", "urn:uuid:v-1"]


def test_event_that_is_not_for_this_side_is_refused(pair: Pair) -> None:
    process = requested(pair)
    event = about(process, "ContractNegotiationEventMessage", eventType="ACCEPTED")
    body = body_of(provider_of(pair).post(f"negotiations/{process.id}/events", event), 400)
    assert "eventType" in error_of(body, 400, process.consumer_pid, process.provider_pid)


def test_message_that_is_not_allowed_is_a_conflict_that_names_both_pids(pair: Pair) -> None:
    process = requested(pair)
    event = about(process, "ContractNegotiationEventMessage", eventType="FINALIZED")
    body = body_of(provider_of(pair).post(f"negotiations/{process.id}/events", event), 409)
    assert "REQUESTED" in error_of(body, 409, process.consumer_pid, process.provider_pid)
    assert pair.consumer.core.negotiations.get(process.id) == process


@pytest.mark.parametrize("pid", ["consumerPid", "providerPid"])
def test_message_that_names_one_side_alone_is_refused(pair: Pair, pid: str) -> None:
    process = requested(pair)
    told = about(process, "ContractNegotiationTerminationMessage", **{pid: None})
    body = body_of(provider_of(pair).post(f"negotiations/{process.id}/termination", told), 400)
    assert pid in error_of(body, 400, process.consumer_pid, process.provider_pid)


@pytest.mark.parametrize("first", ["ContractAgreementMessage", "ContractNegotiationTerminationMessage"])
def test_same_message_id_with_another_body_is_a_conflict(pair: Pair, first: str) -> None:
    process = requested(pair)
    told = about(process, first, **({"agreement": agreement()} if "Agreement" in first else {}))
    path = "agreement" if "Agreement" in first else "termination"
    body_of(provider_of(pair).post(f"negotiations/{process.id}/{path}", told))
    other = about(process, "ContractNegotiationTerminationMessage", code="X")
    body = body_of(provider_of(pair).post(f"negotiations/{process.id}/termination", other), 409)
    assert "came before with another body" in error_of(body, 409, process.consumer_pid, process.provider_pid)


def test_termination_brings_its_cause(pair: Pair) -> None:
    process = requested(pair)
    told = about(process, "ContractNegotiationTerminationMessage", code="POLICY_VIOLATED", reason=["not you"])
    assert body_of(provider_of(pair).post(f"negotiations/{process.id}/termination", told))["state"] == "TERMINATED"
    error = pair.consumer.core.negotiations.get(process.id).error
    assert error is not None and (error.code, error.message) == ("POLICY_VIOLATED", "not you")


@pytest.mark.parametrize("name", ["somebody", "consumer"])
def test_stranger_learns_nothing_of_a_negotiation(pair: Pair, name: str) -> None:
    process = requested(pair)
    told = about(process, "ContractNegotiationTerminationMessage")
    body = body_of(provider_of(pair, name).post(f"negotiations/{process.id}/termination", told), 404)
    error_of(body, 404, process.consumer_pid, process.provider_pid)
    shown = body_of(provider_of(pair, name).get(f"negotiations/{process.id}"), 404)
    assert (shown["@type"], shown["consumerPid"], shown.get("providerPid")) == (
        "ContractNegotiationError",
        process.id,
        None,
    )
    assert pair.consumer.core.negotiations.get(process.id) == process


def test_caller_that_shows_no_identity_is_refused(pair: Pair) -> None:
    process = requested(pair)
    told = about(process, "ContractNegotiationTerminationMessage")
    body = body_of(provider_of(pair, None).post(f"negotiations/{process.id}/termination", told), 401)
    assert error_of(body, 401, process.consumer_pid, process.provider_pid) == "the caller did not show who it is"


class _Away(MemoryProcessStore[ContractNegotiation]):
    """A store that does not answer."""

    def load(self, process_id: str) -> Record[ContractNegotiation] | None:
        """No answer."""
        raise EffectFailed.because(FaultCode.STORAGE_UNAVAILABLE, "the table does not answer", retryable=True)


def test_storage_that_is_away_is_our_fault_and_worth_another_try(pair: Pair) -> None:
    process = requested(pair)
    pair.consumer.core.negotiations.engine.store = _Away(ContractNegotiation)
    told = about(process, "ContractNegotiationTerminationMessage")
    body = body_of(provider_of(pair).post(f"negotiations/{process.id}/termination", told), 503)
    error_of(body, 503, process.consumer_pid, process.provider_pid)


def test_state_is_shown_to_both_peers(pair: Pair) -> None:
    process = requested(pair)
    for client, pid in ((provider_of(pair), process.id), (consumer_of(pair), process.provider_pid)):
        body = body_of(client.get(f"negotiations/{pid}"))
        assert_strict(body)
        assert (body["consumerPid"], body["providerPid"]) == (process.consumer_pid, process.provider_pid)
