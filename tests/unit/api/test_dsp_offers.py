"""Offers and counter-offers at the protocol's endpoints: a provider's offer unasked for, an answer, another request."""

from dataclasses import replace
from typing import Any

import pytest

from ferry.domain.contracts import ContractNegotiation
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import JsonObject
from tests.unit.api.dsp_client import body_of, consumer_of, message, provider_of
from tests.unit.api.test_dsp_negotiations import (
    CALLBACK,
    OFFER_ID,
    about,
    agreement,
    contract_request,
    error_of,
    requested,
)
from tests.unit.control_plane.agreed import agreed_pair
from tests.unit.protocol.strict import assert_strict
from tests.world.participants import Pair, Participant

PROVIDER_DSP = "http://provider.test/api/dsp/2025-1"
READ: JsonObject = {"permission": [{"action": "read"}]}


@pytest.fixture
def pair() -> Pair:
    return agreed_pair()


def offer(**changes: Any) -> dict[str, Any]:
    told = {"@id": OFFER_ID, "@type": "Offer", "target": "asset-1", "assigner": "provider", "assignee": "consumer"}
    return {**told, "permission": [{"action": "use"}], **changes}


def first_offer(**changes: Any) -> dict[str, Any]:
    """A ContractOfferMessage that begins a negotiation; a field that is None is left out."""
    fields = {"@id": "urn:uuid:o-1", "providerPid": "provider-1", "callbackAddress": PROVIDER_DSP, "offer": offer()}
    return message("ContractOfferMessage", **{**fields, **changes})


def at_base(pair: Pair, name: str | None = "provider") -> Any:
    """A provider that knows the consumer's DSP base alone."""
    return replace(consumer_of(pair, name), side=pair.consumer)


def negotiation(side: Participant, pid: str) -> ContractNegotiation:
    return side.core.negotiations.get(pid)


# --- an offer that nobody has asked for ---------------------------------------------------------------------------


def test_offer_is_answered_with_the_negotiation_and_waits_for_a_client(pair: Pair) -> None:
    sent = len(pair.world.network.exchanges)
    body = body_of(at_base(pair).post("negotiations/offers", first_offer()), 201)
    assert_strict(body)
    assert (body["@type"], body["state"], body["providerPid"]) == ("ContractNegotiation", "OFFERED", "provider-1")
    process = negotiation(pair.consumer, body["consumerPid"])
    assert (process.state_name, process.counter_party_id, process.asset_id) == ("OFFERED", "provider", "asset-1")
    assert process.counter_party_address == PROVIDER_DSP
    assert len(pair.world.network.exchanges) == sent


def test_repeated_offer_is_answered_like_the_first_also_after_its_end(pair: Pair) -> None:
    client = at_base(pair)
    first = body_of(client.post("negotiations/offers", first_offer()), 201)
    pid = first["consumerPid"]
    pair.consumer.core.negotiations.command(pid, Command(CommandKind.TERMINATE), inline_seconds=0)
    before = negotiation(pair.consumer, pid)
    assert body_of(client.post("negotiations/offers", first_offer(**{"@id": "urn:uuid:o-2"})), 201) == first
    assert negotiation(pair.consumer, pid) == before


def test_same_provider_pid_with_another_offer_is_a_conflict_that_names_both_pids(pair: Pair) -> None:
    first = body_of(at_base(pair).post("negotiations/offers", first_offer()), 201)
    body = body_of(at_base(pair).post("negotiations/offers", first_offer(offer=offer(**READ))), 409)
    assert "providerPid" in error_of(body, 409, first["consumerPid"], "provider-1")


def test_same_provider_pid_of_another_provider_is_another_negotiation(pair: Pair) -> None:
    first = body_of(at_base(pair).post("negotiations/offers", first_offer()), 201)
    other = first_offer(offer=offer(assigner="somebody"))
    assert body_of(at_base(pair, "somebody").post("negotiations/offers", other), 201) != first


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"providerPid": None}, "providerPid"),
        ({"callbackAddress": None}, "callbackAddress"),
        ({"callbackAddress": None, "consumerPid": "c"}, "callbackAddress"),
        ({"consumerPid": "c"}, "consumerPid"),
        ({"offer": None}, "offer"),
        ({"offer": offer(target=None)}, "offer.target"),
        ({"offer": offer(assigner="somebody")}, "offer.assigner"),
    ],
)
def test_offer_that_is_not_whole_is_refused_at_its_fault(pair: Pair, changes: dict[str, Any], path: str) -> None:
    body = body_of(at_base(pair).post("negotiations/offers", first_offer(**changes)), 400)
    assert body["@type"] == "ContractNegotiationError"
    assert any(reason.startswith(f"{path}:") for reason in body["reason"]), body["reason"]


def test_offer_that_leads_to_a_forbidden_host_is_refused(pair: Pair) -> None:
    def guard(url: str) -> None:
        raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, f"{url} is not for this app to call")

    dsp = pair.consumer.core.dsp
    guarded = replace(dsp, negotiations=replace(dsp.negotiations, check_peer_address=guard))
    pair.consumer.core = replace(pair.consumer.core, dsp=guarded)
    body = body_of(at_base(pair).post("negotiations/offers", first_offer()), 400)
    assert "fault: ADDRESS_FORBIDDEN" in body["reason"]


@pytest.mark.parametrize("path", ["", "/termination", "/agreement", "/events"])
def test_messages_that_follow_reach_the_consumer_at_its_base(pair: Pair, path: str) -> None:
    first = body_of(at_base(pair).post("negotiations/offers", first_offer()), 201)
    pid = first["consumerPid"]
    if not path:
        assert body_of(at_base(pair).get(f"negotiations/{pid}"))["state"] == "OFFERED"
        return
    process = negotiation(pair.consumer, pid)
    told = {
        "/termination": about(process, "ContractNegotiationTerminationMessage"),
        "/agreement": about(process, "ContractAgreementMessage", agreement=agreement()),
        "/events": about(process, "ContractNegotiationEventMessage", eventType="FINALIZED"),
    }[path]
    status = 200 if path == "/termination" else 409
    assert at_base(pair).post(f"negotiations/{pid}{path}", told).status == status
    stranger = at_base(pair, "somebody").post(f"negotiations/{pid}{path}", told)
    assert body_of(stranger, 404)["@type"] == "ContractNegotiationError"


def test_event_of_a_consumer_is_refused_by_a_consumer(pair: Pair) -> None:
    pid = body_of(at_base(pair).post("negotiations/offers", first_offer()), 201)["consumerPid"]
    told = about(negotiation(pair.consumer, pid), "ContractNegotiationEventMessage", eventType="ACCEPTED")
    body = body_of(at_base(pair).post(f"negotiations/{pid}/events", told), 409)
    assert "not allowed" in error_of(body, 409, pid, "provider-1")


# --- offers and requests in answer --------------------------------------------------------------------------------


@pytest.mark.parametrize(("changes", "state"), [({}, "ACCEPTING"), (READ, "OFFERED")])
def test_offer_in_answer_is_accepted_where_it_is_what_was_asked_for(
    pair: Pair, changes: dict[str, Any], state: str
) -> None:
    process = requested(pair)
    sent = len(pair.world.network.exchanges)
    told = about(process, "ContractOfferMessage", offer=offer(**changes))
    answer = provider_of(pair).post(f"negotiations/{process.id}/offers", told)
    assert body_of(answer)["state"] == "OFFERED"
    assert negotiation(pair.consumer, process.id).state_name == state
    assert [look.process_id for look in answer.looks] == ([process.id] if state == "ACCEPTING" else [])
    assert len(pair.world.network.exchanges) == sent


def test_offer_about_another_asset_is_a_conflict(pair: Pair) -> None:
    process = requested(pair)
    told = about(process, "ContractOfferMessage", offer=offer(target="asset-2"))
    body = body_of(provider_of(pair).post(f"negotiations/{process.id}/offers", told), 409)
    assert "asset-2" in error_of(body, 409, process.consumer_pid, process.provider_pid)


def offered(pair: Pair) -> ContractNegotiation:
    """The provider's negotiation, in which it has made an offer."""
    pid = body_of(consumer_of(pair).post("negotiations/request", contract_request()), 201)["providerPid"]
    pair.provider.core.negotiations.command(pid, Command(CommandKind.OFFER), inline_seconds=1)
    return negotiation(pair.provider, pid)


@pytest.fixture
def manual() -> Pair:
    return agreed_pair(FERRY_NEGOTIATION="manual")


def test_second_request_is_taken_once_and_then_refused(manual: Pair) -> None:
    process = offered(manual)
    path = f"negotiations/{process.id}/request"

    def counter(message_id: str) -> dict[str, Any]:
        return about(process, "ContractRequestMessage", **{"@id": message_id}, offer=offer(**READ))

    client = consumer_of(manual)
    assert body_of(client.post(path, counter("urn:uuid:1")))["state"] == "REQUESTED"
    assert negotiation(manual.provider, process.id).counter_offer is not None
    assert body_of(client.post(path, counter("urn:uuid:1")))["state"] == "REQUESTED"
    body = body_of(client.post(path, counter("urn:uuid:2")), 409)
    error_of(body, 409, process.consumer_pid, process.provider_pid)


def test_acceptance_waits_for_a_client_and_is_answered_the_same_however_often(manual: Pair) -> None:
    process = offered(manual)
    for message_id in ("urn:uuid:1", "urn:uuid:1", "urn:uuid:2"):
        told = about(process, "ContractNegotiationEventMessage", **{"@id": message_id}, eventType="ACCEPTED")
        body = body_of(consumer_of(manual).post(f"negotiations/{process.id}/events", told))
        assert body["state"] == "ACCEPTED"
    assert negotiation(manual.provider, process.id).agreement is None
    early = about(process, MessageKind.CONTRACT_VERIFICATION.value, **{"@id": "urn:uuid:3"})
    assert consumer_of(manual).post(f"negotiations/{process.id}/agreement/verification", early).status == 409


def test_request_in_answer_names_the_negotiation_and_not_a_callback(manual: Pair) -> None:
    process = offered(manual)
    told = about(process, "ContractRequestMessage", providerPid=None, callbackAddress=CALLBACK, offer=offer(**READ))
    body = body_of(consumer_of(manual).post(f"negotiations/{process.id}/request", told), 400)
    assert "providerPid" in error_of(body, 400, process.consumer_pid, process.provider_pid)


def test_provider_refuses_to_be_told_that_it_has_finalized(manual: Pair) -> None:
    process = offered(manual)
    told = about(process, "ContractNegotiationEventMessage", eventType="FINALIZED")
    body = body_of(consumer_of(manual).post(f"negotiations/{process.id}/events", told), 409)
    error_of(body, 409, process.consumer_pid, process.provider_pid)
