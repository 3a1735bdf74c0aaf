"""What the provider of a contract negotiation decides: offer, agree, finalize, reject. Pure."""

from collections.abc import Mapping
from dataclasses import replace

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
from ferry.domain.contracts import ContractAgreement, ContractNegotiation, ContractOffer
from ferry.domain.decision import Command, CommandKind, Moment, Received
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.policy import PURPOSE, PolicyContext, refusal_of_agreement, stated_claims
from ferry.domain.states import NegotiationState

_S = NegotiationState

# In a request's content: the policy of the offer of ours that it asks for. Put there by the service, never by a peer.
OUR_POLICY = "ourPolicy"


def accept(order: ContractOrder, moment: Moment) -> ContractNegotiation:
    """A request for an offer of ours: agree to it, unless each step waits for an order."""
    process = begin(order, Role.PROVIDER, _S.REQUESTED, moment)
    return process if process.manual else _agree(process, moment, "the offer is ours: agreeing")


def weigh(order: ContractOrder, asked: ContractOffer, moment: Moment) -> ContractNegotiation:
    """A request for an offer of ours on other terms, which a client decides about; `order` has ours."""
    return with_counter_offer(begin(order, Role.PROVIDER, _S.REQUESTED, moment), asked)


def reject(order: ContractOrder, fault: Fault, moment: Moment) -> ContractNegotiation:
    """A request that is refused, with the reason."""
    return terminate(begin(order, Role.PROVIDER, _S.REQUESTED, moment), fault, moment, tell_peer=True)


def offer(order: ContractOrder, moment: Moment) -> ContractNegotiation:
    """Offer something to a consumer who has not asked."""
    process = begin(order, Role.PROVIDER, _S.OFFERING, moment)
    return process.with_intents(steps.send(moment, MessageKind.CONTRACT_OFFER))


def receive(process: ContractNegotiation, received: Received, moment: Moment) -> ContractNegotiation:
    """The negotiation after a message of the consumer that is allowed now."""
    match received.kind:
        case MessageKind.CONTRACT_REQUEST:
            return _asked(process, received, moment)
        case MessageKind.CONTRACT_ACCEPTED:
            process = enter(process, _S.ACCEPTED, moment, "the consumer accepts the offer")
            return process if process.manual else _agree(process, moment, "the offer is ours: agreeing")
        case _:
            process = enter(process, _S.VERIFIED, moment, "verified by the consumer")
            return process if process.manual else _finalize(process, moment, "finalizing")


def obey(process: ContractNegotiation, command: Command, moment: Moment) -> ContractNegotiation:
    """The negotiation after an order that is allowed now."""
    match command.kind:
        case CommandKind.OFFER:
            offered = on_new_terms(process, command.policy)
            return say(offered, MessageKind.CONTRACT_OFFER, moment, "the client makes an offer")
        case CommandKind.AGREE:
            return _agree(on_their_terms(process), moment, "the client agrees")
        case _:
            return _finalize(process, moment, "the client finalizes")


def _asked(process: ContractNegotiation, received: Received, moment: Moment) -> ContractNegotiation:
    """A request in answer to an offer: for one of ours it is agreed to; other terms wait for a client."""
    asked, policy = offer_in(received.content), received.content.get(OUR_POLICY)
    purpose = received.content.get(PURPOSE)
    process = replace(process, purpose=purpose if isinstance(purpose, str) else process.purpose)
    process = enter(process, _S.REQUESTED, moment, "the consumer asks for other terms")
    if isinstance(policy, Mapping):
        process = replace(process, offer_id=asked.id or process.offer_id, policy=policy)
    process = with_counter_offer(process, asked)
    if process.manual or process.counter_offer is not None:
        return process
    return _agree(process, moment, "it is what we offer: agreeing")


def _agree(process: ContractNegotiation, moment: Moment, what: str) -> ContractNegotiation:
    """Agree, where the policy allows it to this consumer by now: an offer of ours may be older than its terms."""
    context = PolicyContext(process.counter_party_id, moment.now, stated_claims(process.purpose))
    reason = refusal_of_agreement(process.policy, context)
    if reason is not None:
        fault = Fault(FaultCode.POLICY_VIOLATED, f"the contract policy refuses: {reason}")
        return terminate(process, fault, moment, tell_peer=True)
    agreement = ContractAgreement(
        id=moment.ids.fresh(),
        created_at=moment.now,
        signed_at=moment.now,
        provider_id=process.participant_id,
        consumer_id=process.counter_party_id,
        asset_id=process.asset_id,
        policy=process.policy,
        negotiation_id=process.id,
        role=Role.PROVIDER,
        purpose=process.purpose,
    )
    return say(replace(process, agreement=agreement), MessageKind.CONTRACT_AGREEMENT, moment, what)


def _finalize(process: ContractNegotiation, moment: Moment, what: str) -> ContractNegotiation:
    return say(keep_agreement(process, moment), MessageKind.CONTRACT_FINALIZED, moment, what)
