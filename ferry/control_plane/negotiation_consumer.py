"""What the consumer of a contract negotiation decides: request, accept an offer, verify an agreement. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ferry.control_plane import steps
from ferry.control_plane.negotiation_steps import (
    ContractOrder,
    begin,
    enter,
    keep_agreement,
    offer_in,
    on_new_terms,
    on_their_terms,
    say,
    terminate,
    with_counter_offer,
)
from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.decision import Command, CommandKind, Moment, Received
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.policy import normal_rules
from ferry.domain.policy.times import instant
from ferry.domain.process import JsonObject
from ferry.domain.states import NegotiationState

_S = NegotiationState


def initiate(order: ContractOrder, moment: Moment) -> ContractNegotiation:
    """Ask a provider for an offer."""
    process = begin(order, Role.CONSUMER, _S.REQUESTING, moment)
    return process.with_intents(steps.send(moment, MessageKind.CONTRACT_REQUEST))


def offered(order: ContractOrder, moment: Moment) -> ContractNegotiation:
    """A provider begins with an offer that nobody has asked for: a client decides about it."""
    return begin(order, Role.CONSUMER, _S.OFFERED, moment)


def receive(process: ContractNegotiation, received: Received, moment: Moment) -> ContractNegotiation:
    """The negotiation after a message of the provider that is allowed now."""
    if received.kind is MessageKind.CONTRACT_OFFER:
        return _offered(process, received, moment)
    if received.kind is MessageKind.CONTRACT_AGREEMENT:
        return _agreed(process, received, moment)
    return enter(process, _S.FINALIZED, moment, "finalized")


def obey(process: ContractNegotiation, command: Command, moment: Moment) -> ContractNegotiation:
    """The negotiation after an order that is allowed now."""
    match command.kind:
        case CommandKind.ACCEPT:
            accepted = on_their_terms(process)
            return say(accepted, MessageKind.CONTRACT_ACCEPTED, moment, "the client accepts the offer")
        case CommandKind.REQUEST:
            asked = on_new_terms(process, command.policy)
            return say(asked, MessageKind.CONTRACT_REQUEST, moment, "the client asks for other terms")
        case _:
            return _verify(process, moment, "the client verifies the agreement")


def _offered(process: ContractNegotiation, received: Received, moment: Moment) -> ContractNegotiation:
    """What was asked for is taken; whatever else is offered waits for a client."""
    offer = offer_in(received.content)
    process = with_counter_offer(process, offer)
    process = enter(process, _S.OFFERED, moment, "the provider makes an offer")
    if process.manual or process.counter_offer is not None:
        return process
    accepted = replace(process, offer_id=offer.id or process.offer_id)
    return say(accepted, MessageKind.CONTRACT_ACCEPTED, moment, "it is what was asked for: accepting")


def _agreed(process: ContractNegotiation, received: Received, moment: Moment) -> ContractNegotiation:
    """The provider's agreement: it must be about what was asked for, with the parties that asked."""
    agreement = read_agreement(process, received.content, moment.now)
    if isinstance(agreement, Fault):
        return terminate(process, agreement, moment, tell_peer=True)
    process = enter(replace(process, agreement=agreement), _S.AGREED, moment, "agreement received")
    return process if process.manual else _verify(process, moment, "it is what was asked for: verifying")


def _verify(process: ContractNegotiation, moment: Moment, what: str) -> ContractNegotiation:
    return say(keep_agreement(process, moment), MessageKind.CONTRACT_VERIFICATION, moment, what)


def read_agreement(process: ContractNegotiation, content: JsonObject, now: datetime) -> ContractAgreement | Fault:
    """The agreement in a ContractAgreementMessage, or what is wrong with it."""
    said = content.get("agreement")
    if not isinstance(said, Mapping) or not isinstance(said.get("@id"), str):
        return Fault(FaultCode.PEER_REFUSED, "the agreement message holds no agreement with an @id")
    strange = _strange_party(process, said)
    if strange is not None:
        return Fault(FaultCode.POLICY_VIOLATED, strange)
    if normal_rules(process.policy) != normal_rules(said):
        return Fault(FaultCode.POLICY_VIOLATED, "the agreement's rules are not those of the offer that was asked for")
    assignee = said.get("assignee")
    return ContractAgreement(
        id=str(said["@id"]),
        created_at=now,
        signed_at=instant(said.get("timestamp")) or now,
        provider_id=process.counter_party_id,
        consumer_id=assignee if isinstance(assignee, str) and assignee else process.participant_id,
        asset_id=process.asset_id,
        policy=process.policy,
        negotiation_id=process.id,
        role=Role.CONSUMER,
        purpose=process.purpose,
    )


def _strange_party(process: ContractNegotiation, said: JsonObject) -> str | None:
    """Why an agreement is not between us about this; who names no assignee means us."""
    if said.get("target") != process.asset_id:
        return f"the agreement is about {said.get('target')!r}, not {process.asset_id!r}"
    if said.get("assigner") != process.counter_party_id:
        return f"the agreement is by {said.get('assigner')!r}, not {process.counter_party_id!r}"
    assignee = said.get("assignee")
    if assignee and process.participant_ids and assignee not in process.participant_ids:
        return f"the agreement is for {assignee!r}, not {process.participant_id!r}"
    return None
