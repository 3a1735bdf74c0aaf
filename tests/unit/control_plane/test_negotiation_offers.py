"""Offers, counter-offers and orders, as each side decides them: whose terms hold, what is withdrawn or learned."""

from dataclasses import replace

import pytest

from ferry.control_plane import negotiation_consumer, negotiation_provider
from ferry.control_plane.negotiation_provider import OUR_POLICY
from ferry.control_plane.rules import NegotiationRules
from ferry.domain.codec import from_json, to_json
from ferry.domain.contracts import ContractNegotiation, ContractOffer
from ferry.domain.decision import Command, CommandKind, Done
from ferry.domain.faults import FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.policy import PURPOSE
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.states import NegotiationState
from tests.unit.control_plane.processes import (
    CONSUMER_PID,
    NOW,
    PROVIDER_PID,
    USE,
    contract_demand,
    contract_order,
    done,
    intent_of,
    messages,
    moment,
    negotiated,
    negotiation_in,
    offer_content,
    received,
)

_S = NegotiationState
READ: JsonObject = {"permission": [{"action": "read"}]}
OFFER, REQUEST, ACCEPTED = MessageKind.CONTRACT_OFFER, MessageKind.CONTRACT_REQUEST, MessageKind.CONTRACT_ACCEPTED


def offered_read(process: ContractNegotiation) -> ContractNegotiation:
    """The consumer's negotiation with other terms on the table."""
    content = offer_content(**{"@id": "offer-2", **READ})
    return negotiated(process, received(OFFER, content, message_id="offer"))


def offering(**changes: object) -> ContractNegotiation:
    """A provider's offer that nobody has asked for."""
    return negotiation_provider.offer(contract_demand(correlation_id=None, **changes), moment())


# --- the consumer ---------------------------------------------------------------------------------------------------


def test_offer_that_was_asked_for_is_accepted_under_its_own_id() -> None:
    begun = negotiation_consumer.initiate(contract_order(), moment())
    accepting = negotiated(begun, received(OFFER, offer_content(**{"@id": "offer-2"})))
    assert (accepting.state, accepting.offer_id, accepting.counter_offer) == (_S.ACCEPTING, "offer-2", None)
    assert messages(accepting) == ["ContractNegotiationEventMessage:ACCEPTED"]
    accepted = negotiated(accepting, done(accepting, IntentKind.SEND_MESSAGE))
    assert [entry.state for entry in accepted.history] == ["REQUESTING", "OFFERED", "ACCEPTING", "ACCEPTED"]


def test_offer_on_other_terms_waits_beside_ours() -> None:
    waiting = offered_read(negotiation_in(Role.CONSUMER, _S.REQUESTED))
    assert (waiting.state, messages(waiting)) == (_S.OFFERED, [])
    assert (waiting.policy, waiting.counter_offer) == (USE, ContractOffer("offer-2", READ))


def test_accepted_terms_are_those_that_the_agreement_must_have() -> None:
    waiting = offered_read(negotiation_in(Role.CONSUMER, _S.REQUESTED))
    accepting = negotiated(waiting, Command(CommandKind.ACCEPT))
    assert (accepting.offer_id, accepting.policy, accepting.counter_offer) == ("offer-2", READ, None)


@pytest.mark.parametrize(
    ("policy", "terms"),
    [
        (None, ("offer-1", USE)),
        ({"@type": "Offer", **READ}, ("offer-1", READ)),
        ({"@id": "mine", "target": "asset-1", **READ}, ("mine", READ)),
    ],
)
def test_counter_request_asks_for_the_terms_of_the_order(
    policy: JsonObject | None, terms: tuple[str, JsonObject]
) -> None:
    waiting = offered_read(negotiation_in(Role.CONSUMER, _S.REQUESTED))
    asking = negotiated(waiting, Command(CommandKind.REQUEST, policy=policy))
    assert (asking.state, messages(asking)) == (_S.REQUESTING, ["ContractRequestMessage"])
    assert (asking.offer_id, asking.policy, asking.counter_offer) == (*terms, None)
    assert asking.dsp_state == "OFFERED"


def test_answer_to_a_request_that_an_offer_has_overtaken_moves_no_later_request() -> None:
    begun = negotiation_consumer.initiate(contract_order(), moment())
    first = intent_of(begun, IntentKind.SEND_MESSAGE)
    asking = negotiated(offered_read(begun), Command(CommandKind.REQUEST))
    late = Done(first.id, first.kind, {"providerPid": "other"})
    assert negotiated(asking, late) is asking
    assert asking.correlation_id == PROVIDER_PID


def test_offer_unasked_for_is_nothing_that_is_accepted_by_itself() -> None:
    waiting = negotiation_consumer.offered(contract_order(correlation_id=PROVIDER_PID), moment())
    assert (waiting.state, waiting.dsp_state, messages(waiting)) == (_S.OFFERED, "OFFERED", [])
    assert negotiated(waiting, Command(CommandKind.ACCEPT)).policy == USE


# --- the provider ---------------------------------------------------------------------------------------------------


def test_offer_unasked_for_learns_the_consumers_pid_from_the_answer() -> None:
    begun = offering()
    offered = negotiated(begun, done(begun, IntentKind.SEND_MESSAGE, {"consumerPid": CONSUMER_PID}))
    assert (offered.state, offered.correlation_id) == (_S.OFFERED, CONSUMER_PID)


def test_acceptance_that_overtakes_the_answer_is_agreed_to() -> None:
    begun = offering()
    agreeing = negotiated(begun, received(ACCEPTED))
    assert (agreeing.state, agreeing.correlation_id) == (_S.AGREEING, CONSUMER_PID)
    assert messages(agreeing) == ["ContractAgreementMessage"]
    assert negotiated(agreeing, done(begun, IntentKind.SEND_MESSAGE, {"consumerPid": "other"})) is agreeing
    assert agreeing.agreement is not None and agreeing.agreement.provider_id == "provider"


def test_request_on_other_terms_waits_beside_ours_and_may_be_agreed_to() -> None:
    asked = received(REQUEST, offer_content(**{"@id": "theirs", **READ}))
    waiting = negotiated(negotiation_in(Role.PROVIDER, _S.OFFERED), asked)
    assert (waiting.state, waiting.policy, messages(waiting)) == (_S.REQUESTED, USE, [])
    agreeing = negotiated(waiting, Command(CommandKind.AGREE))
    assert agreeing.agreement is not None and agreeing.agreement.policy == READ
    assert agreeing.offer_id == "theirs"


def test_request_for_another_offer_of_ours_is_agreed_to_on_our_terms() -> None:
    spelled: JsonObject = {"permission": {"action": {"type": "read"}}}
    asked = received(REQUEST, {**offer_content(**{"@id": "ours-2", **spelled}), OUR_POLICY: READ})
    agreeing = negotiated(negotiation_in(Role.PROVIDER, _S.OFFERED), asked)
    assert agreeing.agreement is not None and agreeing.agreement.policy == READ
    assert (agreeing.state, agreeing.offer_id) == (_S.AGREEING, "ours-2")


def limited(*constraints: JsonObject) -> JsonObject:
    return {"permission": [{"action": "use", "constraint": list(constraints)}]}


FOR_FRIENDS = limited({"leftOperand": "participantId", "operator": "eq", "rightOperand": "friend"})
UNTIL_NOW = limited({"leftOperand": "dateTime", "operator": "lt", "rightOperand": NOW.isoformat()})
ENDED = limited({"leftOperand": "inForceDate", "operator": "lt", "rightOperand": NOW.isoformat()})
FOR_RESEARCH = limited({"leftOperand": "purpose", "operator": "eq", "rightOperand": "research"})


def refused(process: ContractNegotiation) -> None:
    assert (process.state, process.agreement) == (_S.TERMINATED, None)
    assert process.error is not None and process.error.code == FaultCode.POLICY_VIOLATED
    assert messages(process) == ["ContractNegotiationTerminationMessage"]


@pytest.mark.parametrize("manual", [False, True])
@pytest.mark.parametrize("policy", [FOR_FRIENDS, UNTIL_NOW, ENDED, FOR_RESEARCH])
def test_accepted_offer_whose_policy_refuses_the_consumer_is_not_agreed_to(policy: JsonObject, manual: bool) -> None:
    accepted = negotiated(offering(policy=policy, manual=manual), received(ACCEPTED))
    refused(negotiated(accepted, Command(CommandKind.AGREE)) if manual else accepted)


@pytest.mark.parametrize("manual", [False, True])
def test_request_on_our_terms_that_the_policy_refuses_is_not_agreed_to(manual: bool) -> None:
    offered = replace(negotiation_in(Role.PROVIDER, _S.OFFERED, manual=manual), policy=FOR_FRIENDS)
    asked = negotiated(offered, received(REQUEST, offer_content(**FOR_FRIENDS)))
    refused(negotiated(asked, Command(CommandKind.AGREE)) if manual else asked)


def test_purpose_that_the_request_states_meets_the_policy_that_asks_for_it() -> None:
    offered = replace(negotiation_in(Role.PROVIDER, _S.OFFERED), policy=FOR_RESEARCH)
    asked = received(REQUEST, {**offer_content(**FOR_RESEARCH), PURPOSE: "research"})
    assert negotiated(offered, asked).state is _S.AGREEING


@pytest.mark.parametrize("role", list(Role))
def test_id_of_the_message_that_began_it_is_good_for_no_other_one(role: Role) -> None:
    if role is Role.PROVIDER:
        begun = negotiation_provider.accept(contract_demand(message_id="m-1", request_digest="d-1"), moment())
    else:
        order = contract_order(correlation_id=PROVIDER_PID, message_id="m-1", request_digest="d-1")
        begun = negotiation_consumer.offered(order, moment())
    ended = received(MessageKind.CONTRACT_TERMINATION, message_id="m-1", digest="d-2")
    decision = NegotiationRules().decide(begun, ended, moment())
    assert decision.refused == "message m-1 came before with another body"
    assert decision.process is begun


def test_offer_in_answer_stands_for_our_terms_and_drops_theirs() -> None:
    asked = ContractOffer("offer-1", READ)
    waiting = negotiation_provider.weigh(contract_demand(manual=True), asked, moment())
    assert (waiting.state, waiting.counter_offer) == (_S.REQUESTED, asked)
    offered = negotiated(waiting, Command(CommandKind.OFFER))
    assert (offered.state, offered.policy, offered.counter_offer) == (_S.OFFERING, USE, None)


@pytest.mark.parametrize(("role", "kind"), [(Role.CONSUMER, OFFER), (Role.PROVIDER, REQUEST)])
def test_terms_about_another_asset_are_refused(role: Role, kind: MessageKind) -> None:
    state = _S.REQUESTED if role is Role.CONSUMER else _S.OFFERED
    before = negotiation_in(role, state)
    decision = NegotiationRules().decide(before, received(kind, offer_content(target="asset-2")), moment())
    assert decision.process is before
    assert decision.refused is not None and "the negotiation is about 'asset-1'" in decision.refused


# --- the document ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_negotiation_keeps_its_terms_and_its_mode_in_its_document(role: Role) -> None:
    waiting = negotiation_in(role, _S.OFFERED if role is Role.CONSUMER else _S.REQUESTED, manual=True)
    assert from_json(ContractNegotiation, to_json(waiting)) == waiting
    table = offered_read(negotiation_in(Role.CONSUMER, _S.REQUESTED))
    assert from_json(ContractNegotiation, to_json(table)) == table


def test_document_of_the_version_before_goes_on_by_itself() -> None:
    told = dict(to_json(negotiation_in(Role.PROVIDER, _S.AGREED)))
    for name in ("participant_ids", "manual", "counter_offer"):
        told.pop(name, None)
    old = from_json(ContractNegotiation, told)
    assert (old.manual, old.participant_ids) == (False, ())
    assert negotiated(old, received(MessageKind.CONTRACT_VERIFICATION)).state is _S.FINALIZING
