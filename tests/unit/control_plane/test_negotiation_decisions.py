"""What both sides of a negotiation decide: request, agreement, verification, finalized; or the end, with its cause."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import negotiation_consumer, negotiation_decisions, negotiation_provider
from ferry.control_plane.rules import NegotiationRules
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.decision import Claim, ClaimSource, Done, FlowReport, Limits, Look, Poisoned
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, IntentKind, Json, JsonObject
from ferry.domain.states import NegotiationState
from tests.unit.control_plane.processes import (
    AWAY,
    CONSUMER_PID,
    DEPROVISION,
    FINAL_FAULT,
    NOW,
    PROVIDER_PID,
    TERMINATE,
    USE,
    agreement_content,
    contract_demand,
    contract_order,
    done,
    failed,
    intent_of,
    kinds,
    messages,
    moment,
    negotiated,
    negotiation_in,
    received,
)

_S = NegotiationState
LIVE = [(role, state) for role in Role for state in NegotiationState if state not in (_S.FINALIZED, _S.TERMINATED)]


OUR_TURN = {
    (Role.CONSUMER, _S.OFFERED),
    (Role.CONSUMER, _S.AGREED),
    (Role.PROVIDER, _S.REQUESTED),
    (Role.PROVIDER, _S.ACCEPTED),
    (Role.PROVIDER, _S.VERIFIED),
}


def requesting() -> ContractNegotiation:
    return negotiation_consumer.initiate(contract_order(), moment())


def requested() -> ContractNegotiation:
    begun = requesting()
    return negotiated(begun, done(begun, IntentKind.SEND_MESSAGE, {"providerPid": PROVIDER_PID}))


def verifying() -> ContractNegotiation:
    return negotiated(requested(), received(MessageKind.CONTRACT_AGREEMENT, agreement_content()))


def agreeing() -> ContractNegotiation:
    return negotiation_provider.accept(contract_demand(), moment())


def states(process: ContractNegotiation) -> list[str]:
    return [entry.state for entry in process.history]


# --- the way to an agreement ------------------------------------------------------------------------------------


def test_consumer_comes_from_its_request_to_a_finalized_agreement() -> None:
    begun = requesting()
    assert (begun.state, messages(begun)) == (_S.REQUESTING, ["ContractRequestMessage"])
    asked = requested()
    assert (asked.state, asked.correlation_id) == (_S.REQUESTED, PROVIDER_PID)
    agreed = verifying()
    assert kinds(agreed) == [IntentKind.STORE_AGREEMENT, IntentKind.SEND_MESSAGE]
    assert messages(agreed) == ["ContractAgreementVerificationMessage"]
    verified = negotiated(agreed, done(agreed, IntentKind.SEND_MESSAGE))
    assert verified.state is _S.VERIFIED
    final = negotiated(verified, received(MessageKind.CONTRACT_FINALIZED, message_id="final"))
    assert (final.state, final.deadline_at) == (_S.FINALIZED, None)
    assert states(final) == ["REQUESTING", "REQUESTED", "AGREED", "VERIFYING", "VERIFIED", "FINALIZED"]
    assert kinds(final) == [IntentKind.STORE_AGREEMENT]


def test_agreement_of_the_consumer_holds_what_was_asked_for() -> None:
    agreement = verifying().agreement
    assert agreement is not None
    assert (agreement.id, agreement.asset_id, agreement.policy) == ("agreement-1", "asset-1", USE)
    assert (agreement.provider_id, agreement.consumer_id, agreement.role) == ("provider", "consumer", Role.CONSUMER)
    assert agreement.negotiation_id == CONSUMER_PID


def test_provider_comes_from_its_agreement_to_finalized() -> None:
    begun = agreeing()
    assert (begun.state, messages(begun)) == (_S.AGREEING, ["ContractAgreementMessage"])
    assert begun.agreement is not None
    assert (begun.agreement.provider_id, begun.agreement.consumer_id) == ("provider", "consumer")
    agreed = negotiated(begun, done(begun, IntentKind.SEND_MESSAGE))
    assert agreed.state is _S.AGREED
    finalizing = negotiated(agreed, received(MessageKind.CONTRACT_VERIFICATION))
    assert finalizing.state is _S.FINALIZING
    assert kinds(finalizing) == [IntentKind.STORE_AGREEMENT, IntentKind.SEND_MESSAGE]
    assert messages(finalizing) == ["ContractNegotiationEventMessage:FINALIZED"]
    final = negotiated(finalizing, done(finalizing, IntentKind.SEND_MESSAGE))
    assert final.state is _S.FINALIZED
    assert states(final) == ["REQUESTED", "AGREEING", "AGREED", "VERIFIED", "FINALIZING", "FINALIZED"]


def test_agreement_that_overtakes_the_answer_withdraws_the_request() -> None:
    agreed = negotiated(requesting(), received(MessageKind.CONTRACT_AGREEMENT, agreement_content()))
    assert (agreed.state, agreed.correlation_id) == (_S.VERIFYING, PROVIDER_PID)
    assert messages(agreed) == ["ContractAgreementVerificationMessage"]


def test_answer_to_the_request_after_the_agreement_changes_nothing() -> None:
    begun = requesting()
    agreed = negotiated(begun, received(MessageKind.CONTRACT_AGREEMENT, agreement_content()))
    assert negotiated(agreed, done(begun, IntentKind.SEND_MESSAGE, {"providerPid": "other"})) is agreed


def test_verification_that_overtakes_the_answer_withdraws_the_agreement() -> None:
    begun = agreeing()
    finalizing = negotiated(begun, received(MessageKind.CONTRACT_VERIFICATION))
    assert messages(finalizing) == ["ContractNegotiationEventMessage:FINALIZED"]
    assert negotiated(finalizing, done(begun, IntentKind.SEND_MESSAGE)) is finalizing


def test_second_verification_under_another_id_is_known() -> None:
    finalizing = negotiated(agreeing(), received(MessageKind.CONTRACT_VERIFICATION))
    second = received(MessageKind.CONTRACT_VERIFICATION, message_id="m-2", digest="d-2")
    assert negotiated(finalizing, second) is finalizing


def test_finalized_that_overtakes_the_answer_withdraws_the_verification() -> None:
    final = negotiated(verifying(), received(MessageKind.CONTRACT_FINALIZED, message_id="final"))
    assert (final.state, kinds(final)) == (_S.FINALIZED, [IntentKind.STORE_AGREEMENT])


# --- agreements that are not what was asked for -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({}, FaultCode.PEER_REFUSED),
        ({"agreement": "agreement-1"}, FaultCode.PEER_REFUSED),
        (agreement_content(**{"@id": None}), FaultCode.PEER_REFUSED),
        (agreement_content(target="asset-2"), FaultCode.POLICY_VIOLATED),
        (agreement_content(assigner="somebody"), FaultCode.POLICY_VIOLATED),
        (agreement_content(assignee="somebody"), FaultCode.POLICY_VIOLATED),
        (agreement_content(permission=[{"action": "read"}]), FaultCode.POLICY_VIOLATED),
        (agreement_content(prohibition=[{"action": "transfer"}]), FaultCode.POLICY_VIOLATED),
        (agreement_content(obligation=[{"action": "use"}]), FaultCode.POLICY_VIOLATED),
    ],
)
def test_agreement_that_was_not_asked_for_terminates(content: JsonObject, code: FaultCode) -> None:
    ended = negotiated(requested(), received(MessageKind.CONTRACT_AGREEMENT, content))
    assert (ended.state, ended.agreement) == (_S.TERMINATED, None)
    assert ended.error is not None and ended.error.code == code
    assert kinds(ended) == [IntentKind.SEND_MESSAGE]
    assert messages(ended) == ["ContractNegotiationTerminationMessage"]


def test_agreement_in_another_spelling_is_what_was_asked_for() -> None:
    spelled: dict[str, Json] = {"permission": {"@type": "Permission", "action": {"type": "use"}, "target": "asset-1"}}
    agreed = negotiated(requested(), received(MessageKind.CONTRACT_AGREEMENT, agreement_content(**spelled)))
    assert agreed.state is _S.VERIFYING


@pytest.mark.parametrize("assignee", [None, "", "consumer", "did:web:consumer.test"])
def test_agreement_is_for_us_under_any_name_that_the_provider_knows_us_by(assignee: str | None) -> None:
    order = contract_order(participant_ids=("consumer", "did:web:consumer.test"))
    asked = negotiation_consumer.initiate(order, moment())
    content = agreement_content(assignee=assignee)
    agreed = negotiated(asked, received(MessageKind.CONTRACT_AGREEMENT, content))
    assert agreed.agreement is not None
    assert agreed.agreement.consumer_id == (assignee or "consumer")


def test_agreement_in_a_document_that_says_nothing_of_us_is_for_whom_it_says() -> None:
    asked = replace(requested(), participant_ids=())
    agreed = negotiated(asked, received(MessageKind.CONTRACT_AGREEMENT, agreement_content(assignee="somebody")))
    assert agreed.state is _S.VERIFYING


def test_other_agreement_than_the_one_that_was_applied_is_refused() -> None:
    agreed = verifying()
    other = received(MessageKind.CONTRACT_AGREEMENT, agreement_content(**{"@id": "agreement-2"}), message_id="m-2")
    decision = NegotiationRules().decide(agreed, other, moment())
    assert decision.refused is not None and "another agreement than agreement-1" in decision.refused
    again = received(MessageKind.CONTRACT_AGREEMENT, agreement_content(), message_id="m-2")
    assert negotiated(agreed, again) is agreed


def test_agreement_keeps_our_policy_and_not_theirs() -> None:
    content = agreement_content(permission={"action": "use"}, profile="theirs")
    agreed = negotiated(requested(), received(MessageKind.CONTRACT_AGREEMENT, content))
    assert agreed.agreement is not None
    assert agreed.agreement.policy == USE


# --- refusals ---------------------------------------------------------------------------------------------------


def test_request_for_no_offer_of_ours_ends_with_the_reason_told() -> None:
    fault = Fault(FaultCode.OFFER_UNKNOWN, "no such offer")
    ended = negotiation_provider.reject(contract_demand(), fault, moment())
    assert (ended.state, ended.error, ended.agreement) == (_S.TERMINATED, fault, None)
    notice = intent_of(ended, IntentKind.SEND_MESSAGE)
    assert notice.detail["content"] == {
        "code": "OFFER_UNKNOWN",
        "message": "no such offer",
        "retryable": False,
        "step": None,
    }
    assert notice.give_up_at == NOW + timedelta(seconds=Limits().notify_seconds)


@pytest.mark.parametrize("pid", ["consumerPid", "providerPid"])
@pytest.mark.parametrize("role", Role)
def test_message_about_another_pid_is_refused_unchanged(role: Role, pid: str) -> None:
    before = negotiation_in(role, _S.REQUESTED)
    stranger = received(MessageKind.CONTRACT_TERMINATION, {pid: "stranger"})
    decision = NegotiationRules().decide(before, stranger, moment())
    assert decision.process is before
    is_own = pid.startswith(role.value.lower())
    expected = f"a message about {pid} stranger" if is_own else "the other side's pid is not"
    assert decision.refused is not None and expected in decision.refused


def test_refused_first_message_leaves_no_pid_behind() -> None:
    begun = requesting()
    early = received(MessageKind.CONTRACT_FINALIZED, {"providerPid": "forged"})
    decision = NegotiationRules().decide(begun, early, moment())
    assert decision.refused is not None
    assert decision.process is begun


# --- the end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_client_ends_a_negotiation_from_either_side(role: Role, state: NegotiationState) -> None:
    ended = negotiated(negotiation_in(role, state), TERMINATE)
    assert ended.state is _S.TERMINATED
    assert ended.error == Fault(FaultCode.TERMINATED_BY_CLIENT, "enough")
    assert messages(ended) == ["ContractNegotiationTerminationMessage"]


def test_client_who_ends_it_before_the_peer_has_heard_of_it_tells_nobody() -> None:
    assert messages(negotiated(requesting(), TERMINATE)) == []


@pytest.mark.parametrize("state", [_S.FINALIZED, _S.TERMINATED])
@pytest.mark.parametrize("role", Role)
def test_client_cannot_end_what_is_over(role: Role, state: NegotiationState) -> None:
    before = negotiation_in(role, state)
    decision = NegotiationRules().decide(before, TERMINATE, moment())
    assert (decision.process, decision.refused) == (before, f"terminate is not allowed in state {state}")


def test_negotiation_has_nothing_to_deprovision() -> None:
    before = negotiation_in(Role.CONSUMER, _S.REQUESTED)
    assert NegotiationRules().decide(before, DEPROVISION, moment()).refused is not None


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_peer_that_ends_it_gives_the_cause_and_is_not_told(role: Role, state: NegotiationState) -> None:
    told: JsonObject = {"code": "POLICY_VIOLATED", "message": "not you", "step": 6}
    ended = negotiated(negotiation_in(role, state), received(MessageKind.CONTRACT_TERMINATION, told))
    assert ended.error == Fault("POLICY_VIOLATED", "not you", False, 6)
    assert messages(ended) == []


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_agreement_that_may_be_stored_does_not_outlive_its_negotiation(role: Role, state: NegotiationState) -> None:
    before = negotiation_in(role, state).with_intents(Intent("s", IntentKind.STORE_AGREEMENT))
    ended = negotiated(before, received(MessageKind.CONTRACT_TERMINATION, message_id="end"))
    drops = state in (_S.VERIFYING, _S.VERIFIED, _S.FINALIZING)
    assert kinds(ended) == [IntentKind.DROP_AGREEMENT] * (2 if drops else 0)
    if drops:
        now, later = (intent.not_before for intent in ended.intents)
        assert now is None and later is not None and later > NOW


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_deadline_ends_each_state(role: Role, state: NegotiationState) -> None:
    limits = Limits(state_seconds={state.value: 60})
    process = replace(negotiation_in(role, state), deadline_at=NOW + timedelta(seconds=60))
    assert negotiated(process, Look(), moment(59, limits)) == process
    ended = negotiated(process, Look(), moment(60, limits))
    assert ended.error is not None and ended.error.code == FaultCode.DEADLINE_EXCEEDED
    assert f"{state} for more than 60 s" in ended.error.message
    assert ("nobody decided" in ended.error.message) is ((role, state) in OUR_TURN)


def test_deadline_tells_the_last_fault_where_there_was_one() -> None:
    begun = requesting()
    tried = negotiated(begun, failed(begun, IntentKind.SEND_MESSAGE))
    assert negotiation_decisions.next_look_at(tried, moment()) == tried.deadline_at
    ended = negotiated(tried, Look(), moment(3600))
    assert ended.error is not None and ended.error.code == AWAY.code


def test_message_that_is_refused_for_good_ends_the_negotiation() -> None:
    begun = requesting()
    ended = negotiated(begun, failed(begun, IntentKind.SEND_MESSAGE, FINAL_FAULT))
    assert (ended.state, ended.error) == (_S.TERMINATED, FINAL_FAULT)


def test_message_of_the_end_is_dropped_when_refused_or_too_late() -> None:
    ended = negotiated(requested(), TERMINATE)
    assert messages(negotiated(ended, failed(ended, IntentKind.SEND_MESSAGE, FINAL_FAULT))) == []
    waiting = negotiated(ended, failed(ended, IntentKind.SEND_MESSAGE))
    assert messages(negotiated(waiting, Look(), moment(599))) != []
    assert messages(negotiated(waiting, Look(), moment(600))) == []


def test_third_poisoning_ends_the_negotiation() -> None:
    process = requested()
    for _ in range(2):
        process = negotiated(process, Poisoned(FINAL_FAULT))
        assert process.state is _S.REQUESTED
    ended = negotiated(process, Poisoned(FINAL_FAULT))
    assert ended.error == replace(FINAL_FAULT, code="POISONED")


def test_poisoning_of_what_is_over_never_changes_the_end() -> None:
    process = negotiation_in(Role.CONSUMER, _S.FINALIZED)
    for _ in range(4):
        process = negotiated(process, Poisoned(FINAL_FAULT))
    assert process.state is _S.FINALIZED


def test_late_result_of_a_withdrawn_message_is_nothing() -> None:
    begun = requesting()
    ended = negotiated(begun, TERMINATE)
    assert negotiated(ended, done(begun, IntentKind.SEND_MESSAGE, {"providerPid": PROVIDER_PID})) is ended
    assert negotiated(ended, failed(begun, IntentKind.SEND_MESSAGE)) is ended


def test_agreement_that_cannot_be_stored_now_is_stored_later() -> None:
    agreed = verifying()
    refused = Fault(FaultCode.STORAGE_UNAVAILABLE, "the table refuses us")
    waiting = negotiated(agreed, failed(agreed, IntentKind.STORE_AGREEMENT, refused))
    assert waiting.state is _S.VERIFYING
    assert intent_of(waiting, IntentKind.STORE_AGREEMENT).not_before is not None


def test_agreement_under_an_id_that_is_taken_ends_the_negotiation() -> None:
    agreed = verifying()
    ended = negotiated(agreed, failed(agreed, IntentKind.STORE_AGREEMENT, FINAL_FAULT))
    assert (ended.state, ended.error) == (_S.TERMINATED, FINAL_FAULT)
    assert messages(ended) == ["ContractNegotiationTerminationMessage"]


def test_stored_agreement_moves_no_state() -> None:
    agreed = verifying()
    stored = negotiated(agreed, done(agreed, IntentKind.STORE_AGREEMENT))
    assert (stored.state, kinds(stored)) == (_S.VERIFYING, [IntentKind.SEND_MESSAGE])


def test_task_of_other_processes_is_nothing() -> None:
    process = requested().with_intents(Intent("x", IntentKind.STORE_AGREEMENT))
    assert negotiated(process, Claim(ClaimSource.TRIGGER)) is process
    assert negotiated(process, FlowReport("COMPLETED")) is process
    assert negotiated(process, Done("unknown", IntentKind.COPY)) is process
