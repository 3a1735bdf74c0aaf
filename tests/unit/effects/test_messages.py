"""Sending messages: where they go, what they say, and what the other side's answer means."""

import json
from dataclasses import replace

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_definitions import MemoryDefinitions
from ferry.adapters.memory_vault import MemoryVault
from ferry.control_plane import negotiation_consumer, negotiation_provider, steps
from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import EffectFailed, Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, IntentKind, Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.states import NegotiationState, TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.messages import AgreementKeeper, MessageSender
from ferry.ports.peer import PeerAnswer
from tests.unit.control_plane.processes import (
    CONSUMER_PID,
    NOW,
    PROVIDER_PID,
    TERMINATE,
    agreement_content,
    consumer_in,
    contract_demand,
    contract_order,
    decided,
    intent_of,
    moment,
    negotiated,
    negotiation_in,
    offer_content,
    provider_in,
    received,
)
from tests.unit.effects.wire import Wire
from tests.unit.protocol.strict import assert_strict

SAS = "sv=2025&sr=c&sig=abc%3D"
PROVIDER_DSP = "http://provider.test/api/dsp/2025-1"
CONSUMER_DSP = "http://consumer.test/api/dsp/2025-1/consumer"
AT_WORK: JsonObject = {
    "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
    "@type": "TransferProcess",
    "consumerPid": CONSUMER_PID,
    "providerPid": PROVIDER_PID,
    "state": "REQUESTED",
}
_S = TransferState


@pytest.fixture
def wire() -> Wire:
    return Wire([PeerAnswer(201, AT_WORK)])


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault(VirtualClock(NOW))


@pytest.fixture
def sender(wire: Wire, vault: MemoryVault) -> MessageSender:
    return MessageSender(peer=wire.peer(), vault=vault, callback_url=CONSUMER_DSP, dsp_url=PROVIDER_DSP)


def requesting(vault: MemoryVault) -> TransferProcess:
    """A consumer's transfer whose SAS lies in the vault."""
    process = consumer_in(_S.REQUESTING)
    assert process.destination is not None
    vault.store(process.destination.secret_name, Secret(json.dumps({"sas": f"?{SAS}"})))
    return process


def send(sender: MessageSender, process: TransferProcess) -> JsonObject:
    return sender.send_for_transfer(process, intent_of(process, IntentKind.SEND_MESSAGE))


def fault_of(sender: MessageSender, process: TransferProcess) -> Fault:
    with pytest.raises(EffectFailed) as failure:
        send(sender, process)
    return failure.value.fault


# --- the messages of a transfer ---------------------------------------------------------------------------------


def test_request_carries_the_sas_and_learns_the_providers_pid(
    sender: MessageSender, wire: Wire, vault: MemoryVault
) -> None:
    process = requesting(vault)
    assert send(sender, process) == {"providerPid": PROVIDER_PID}
    request = wire.sent()
    assert (request.method, request.url) == ("POST", f"{PROVIDER_DSP}/transfers/request")
    assert request.body is not None
    assert request.body["@id"] == intent_of(process, IntentKind.SEND_MESSAGE).detail["messageId"]
    assert (request.body["consumerPid"], request.body["callbackAddress"]) == (CONSUMER_PID, CONSUMER_DSP)
    assert SAS in json.dumps(request.body)


def test_request_that_is_sent_again_is_the_same_request(sender: MessageSender, wire: Wire, vault: MemoryVault) -> None:
    process = requesting(vault)
    send(sender, process)
    send(sender, process)
    assert wire.requests[0] == wire.requests[1]


def test_request_whose_sas_is_gone_cannot_be_sent(sender: MessageSender, wire: Wire) -> None:
    fault = fault_of(sender, consumer_in(_S.REQUESTING))
    assert (fault.code, fault.retryable, fault.step) == (FaultCode.SAS_MISSING, False, 5)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("state", "path", "type_name"),
    [(_S.STARTING, "start", "TransferStartMessage"), (_S.COMPLETING, "completion", "TransferCompletionMessage")],
)
def test_providers_message_goes_to_the_consumers_callback_address(
    sender: MessageSender, wire: Wire, state: TransferState, path: str, type_name: str
) -> None:
    assert send(sender, provider_in(state)) == {}
    request = wire.sent()
    assert request.url == f"{CONSUMER_DSP}/transfers/{CONSUMER_PID}/{path}"
    assert request.body is not None
    assert (request.body["@type"], request.body["consumerPid"], request.body["providerPid"]) == (
        type_name,
        CONSUMER_PID,
        PROVIDER_PID,
    )
    assert "sig=" not in json.dumps(request.body)


def test_termination_tells_code_and_cause(sender: MessageSender, wire: Wire) -> None:
    send(sender, decided(consumer_in(_S.STARTED), TERMINATE))
    request = wire.sent()
    assert request.url == f"{PROVIDER_DSP}/transfers/{PROVIDER_PID}/termination"
    assert request.body is not None
    assert (request.body["code"], request.body["reason"]) == ("TERMINATED_BY_CLIENT", ["enough", "retry: no"])


# --- what an answer means ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 408, 409, 425, 429, 500, 502, 503, 504])
def test_answer_that_may_change_is_asked_for_again(
    sender: MessageSender, wire: Wire, vault: MemoryVault, status: int
) -> None:
    wire.answers = [PeerAnswer(status)]
    fault = fault_of(sender, requesting(vault))
    assert (fault.code, fault.retryable, fault.step) == (FaultCode.PEER_REFUSED, True, 5)
    assert f"provider answered {status} to TransferRequestMessage: it gave no reason (sent again" in fault.message


@pytest.mark.parametrize("status", [301, 400, 401, 403, 405, 410, 413, 422])
def test_answer_that_will_not_change_is_final(
    sender: MessageSender, wire: Wire, vault: MemoryVault, status: int
) -> None:
    wire.answers = [PeerAnswer(status)]
    fault = fault_of(sender, requesting(vault))
    assert (fault.retryable, "will not help" in fault.message) == (False, True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"@type": "TransferError", "code": "400", "reason": ["not yours", "fault: AGREEMENT_UNKNOWN"]},
            ("AGREEMENT_UNKNOWN", ": not yours ("),
        ),
        ({"dspace:reason": [{"@value": "no"}, "never"]}, ("PEER_REFUSED", ": no; never (")),
        ({"reason": "fault: lower_case"}, ("PEER_REFUSED", "fault: lower_case")),
        ({"message": "EDC says no"}, ("PEER_REFUSED", "EDC says no")),
        ({"something": "else"}, ("PEER_REFUSED", "it gave no reason")),
    ],
)
def test_reasons_of_the_other_side_are_told_with_its_code(
    sender: MessageSender, wire: Wire, vault: MemoryVault, body: dict[str, Json], said: tuple[str, str]
) -> None:
    wire.answers = [PeerAnswer(400, body)]
    fault = fault_of(sender, requesting(vault))
    assert (fault.code, said[1] in fault.message) == (said[0], True)


def test_signature_in_a_reason_is_not_told_on(sender: MessageSender, wire: Wire, vault: MemoryVault) -> None:
    wire.answers = [PeerAnswer(400, {"reason": [f"cannot use https://x?{SAS}"]})]
    assert "abc%3D" not in fault_of(sender, requesting(vault)).message


@pytest.mark.parametrize(
    "body",
    [None, {}, {"@type": "TransferProcess"}, {**AT_WORK, "providerPid": None}, {**AT_WORK, "consumerPid": 7}],
)
def test_answer_to_a_request_without_a_readable_process_is_asked_for_again(
    sender: MessageSender, wire: Wire, vault: MemoryVault, body: dict[str, Json] | None
) -> None:
    wire.answers = [PeerAnswer(200, body)]
    fault = fault_of(sender, requesting(vault))
    assert (fault.code, fault.retryable, fault.step) == (FaultCode.PEER_REFUSED, True, 5)
    assert "no readable process" in fault.message


def test_answer_to_any_other_message_is_not_read(sender: MessageSender, wire: Wire) -> None:
    wire.answers = [PeerAnswer(204)]
    assert send(sender, provider_in(_S.STARTING)) == {}


def test_cut_line_is_the_peers_fault_and_tried_again(sender: MessageSender, wire: Wire, vault: MemoryVault) -> None:
    wire.is_cut = True
    fault = fault_of(sender, requesting(vault))
    assert (fault.code, fault.retryable) == (FaultCode.PEER_UNREACHABLE, True)


# --- asking how the other side sees it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (PeerAnswer(200, {**AT_WORK, "state": "COMPLETED"}), {"state": "COMPLETED"}),
        (PeerAnswer(200, {"nothing": "readable"}), {}),
        (PeerAnswer(200), {}),
        (PeerAnswer(404), {}),
        (PeerAnswer(401), {}),
    ],
)
def test_state_of_the_other_side_is_asked_for(
    sender: MessageSender, wire: Wire, answer: PeerAnswer, result: JsonObject
) -> None:
    wire.answers = [answer]
    asked = sender.ask_about_transfer(provider_in(_S.STARTED), Intent("ask", IntentKind.ASK_PEER))
    assert asked == result
    assert (wire.sent().method, wire.sent().url) == ("GET", f"{CONSUMER_DSP}/transfers/{CONSUMER_PID}")


def test_other_side_that_has_trouble_is_asked_again(sender: MessageSender, wire: Wire) -> None:
    wire.answers = [PeerAnswer(503)]
    with pytest.raises(EffectFailed) as failure:
        sender.ask_about_transfer(provider_in(_S.STARTED), Intent("ask", IntentKind.ASK_PEER))
    assert failure.value.fault.retryable


# --- the messages of a negotiation ------------------------------------------------------------------------------


def verifying() -> ContractNegotiation:
    requested = negotiation_in(Role.CONSUMER, NegotiationState.REQUESTED)
    return negotiated(requested, received(MessageKind.CONTRACT_AGREEMENT, agreement_content()))


def finalizing() -> ContractNegotiation:
    return negotiated(
        negotiation_in(Role.PROVIDER, NegotiationState.AGREED), received(MessageKind.CONTRACT_VERIFICATION)
    )


def agreeing() -> ContractNegotiation:
    return negotiation_provider.accept(contract_demand(), moment())


def accepting() -> ContractNegotiation:
    requested = negotiation_in(Role.CONSUMER, NegotiationState.REQUESTED)
    return negotiated(requested, received(MessageKind.CONTRACT_OFFER, offer_content()))


def asking_again() -> ContractNegotiation:
    return negotiated(negotiation_in(Role.CONSUMER, NegotiationState.OFFERED), Command(CommandKind.REQUEST))


def offering() -> ContractNegotiation:
    return negotiated(negotiation_in(Role.PROVIDER, NegotiationState.REQUESTED), Command(CommandKind.OFFER))


@pytest.mark.parametrize(
    ("process", "ending", "type_name"),
    [
        (asking_again(), f"{PROVIDER_PID}/request", "ContractRequestMessage"),
        (offering(), f"{CONSUMER_PID}/offers", "ContractOfferMessage"),
        (accepting(), f"{PROVIDER_PID}/events", "ContractNegotiationEventMessage"),
        (agreeing(), f"{CONSUMER_PID}/agreement", "ContractAgreementMessage"),
        (verifying(), f"{PROVIDER_PID}/agreement/verification", "ContractAgreementVerificationMessage"),
        (finalizing(), f"{CONSUMER_PID}/events", "ContractNegotiationEventMessage"),
        (negotiated(finalizing(), TERMINATE), f"{CONSUMER_PID}/termination", "ContractNegotiationTerminationMessage"),
    ],
    ids=["request", "offer", "accepted", "agreement", "verification", "finalized", "termination"],
)
def test_message_of_a_negotiation_goes_where_the_other_side_waits_for_it(
    sender: MessageSender, wire: Wire, process: ContractNegotiation, ending: str, type_name: str
) -> None:
    assert sender.send_for_negotiation(process, intent_of(process, IntentKind.SEND_MESSAGE)) == {}
    assert wire.sent().url.endswith(f"/negotiations/{ending}")
    body = wire.sent().body or {}
    assert (body["@type"], body["consumerPid"], body["providerPid"]) == (type_name, CONSUMER_PID, PROVIDER_PID)
    assert "callbackAddress" not in body
    assert_strict(body)


def test_offer_that_begins_a_negotiation_learns_the_consumers_pid(sender: MessageSender, wire: Wire) -> None:
    wire.answers = [PeerAnswer(201, {**AT_WORK, "@type": "ContractNegotiation"})]
    demand = contract_demand(correlation_id=None, counter_party_address="http://consumer.test/api/dsp/2025-1")
    begun = negotiation_provider.offer(demand, moment())
    learned = sender.send_for_negotiation(begun, intent_of(begun, IntentKind.SEND_MESSAGE))
    assert learned == {"consumerPid": CONSUMER_PID}
    assert wire.sent().url == "http://consumer.test/api/dsp/2025-1/negotiations/offers"
    body = wire.sent().body or {}
    assert (body["callbackAddress"], body.get("consumerPid")) == (PROVIDER_DSP, None)
    assert_strict(body)


def test_request_for_an_offer_learns_the_providers_pid(sender: MessageSender, wire: Wire) -> None:
    wire.answers = [PeerAnswer(201, {**AT_WORK, "@type": "ContractNegotiation"})]
    begun = negotiation_consumer.initiate(contract_order(), moment())
    learned = sender.send_for_negotiation(begun, intent_of(begun, IntentKind.SEND_MESSAGE))
    assert learned == {"providerPid": PROVIDER_PID}
    assert wire.sent().url == f"{PROVIDER_DSP}/negotiations/request"
    offer = (wire.sent().body or {})["offer"]
    assert isinstance(offer, dict)
    assert (offer["@id"], offer["target"], offer["assigner"]) == ("offer-1", "asset-1", "provider")


# --- keeping agreements -----------------------------------------------------------------------------------------


def test_agreement_is_kept_once() -> None:
    agreements = MemoryDefinitions(ContractAgreement)
    keeper = AgreementKeeper(agreements)
    process = verifying()
    for _ in range(2):
        assert keeper.store(process, Intent("x", IntentKind.STORE_AGREEMENT)) == {}
    assert agreements.get("agreement-1") == process.agreement


def test_agreement_is_never_kept_over_another_one() -> None:
    agreements = MemoryDefinitions(ContractAgreement)
    keeper = AgreementKeeper(agreements)
    process, other = verifying(), finalizing()
    assert process.agreement is not None and other.agreement is not None
    agreements.create("agreement-1", other.agreement)
    with pytest.raises(EffectFailed) as failure:
        keeper.store(process, Intent("x", IntentKind.STORE_AGREEMENT))
    assert (failure.value.fault.code, failure.value.fault.retryable) == (FaultCode.PEER_REFUSED, False)
    assert agreements.get("agreement-1") == other.agreement


def test_negotiation_without_an_agreement_keeps_none() -> None:
    agreements = MemoryDefinitions(ContractAgreement)
    begun = negotiation_in(Role.CONSUMER, NegotiationState.REQUESTED)
    AgreementKeeper(agreements).store(begun, steps.intent(moment(), IntentKind.STORE_AGREEMENT))
    assert list(agreements.all()) == []


def test_agreement_of_a_negotiation_that_has_ended_is_dropped_however_often() -> None:
    agreements = MemoryDefinitions(ContractAgreement)
    keeper = AgreementKeeper(agreements)
    process = verifying()
    keeper.store(process, Intent("x", IntentKind.STORE_AGREEMENT))
    for _ in range(2):
        assert keeper.drop(process, Intent("y", IntentKind.DROP_AGREEMENT)) == {}
        assert agreements.get("agreement-1") is None


def test_agreement_of_another_negotiation_is_never_dropped() -> None:
    agreements = MemoryDefinitions(ContractAgreement)
    process = verifying()
    assert process.agreement is not None
    other = replace(process.agreement, negotiation_id="another")
    agreements.create("agreement-1", other)
    AgreementKeeper(agreements).drop(process, Intent("x", IntentKind.DROP_AGREEMENT))
    assert agreements.get("agreement-1") == other
