"""The steps that both sides of a contract negotiation share: begin, enter a state, say something, end. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ferry.control_plane import steps
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.contracts import ContractNegotiation, ContractOffer, policy_of
from ferry.domain.decision import Moment
from ferry.domain.faults import Fault
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.policy import normal_rules
from ferry.domain.process import HistoryEntry, IntentKind, JsonObject
from ferry.domain.states import NegotiationState

_S = NegotiationState

# Where a message of ours leads: the state while it is under way, the one once the other side has taken it, and what is
# then said of it. A message that ends the negotiation leads nowhere.
SENDING: dict[MessageKind, tuple[NegotiationState, NegotiationState, str]] = {
    MessageKind.CONTRACT_REQUEST: (_S.REQUESTING, _S.REQUESTED, "request sent to the provider"),
    MessageKind.CONTRACT_OFFER: (_S.OFFERING, _S.OFFERED, "offer sent to the consumer"),
    MessageKind.CONTRACT_ACCEPTED: (_S.ACCEPTING, _S.ACCEPTED, "the provider's offer accepted"),
    MessageKind.CONTRACT_AGREEMENT: (_S.AGREEING, _S.AGREED, "agreement sent to the consumer"),
    MessageKind.CONTRACT_VERIFICATION: (_S.VERIFYING, _S.VERIFIED, "agreement verified"),
    MessageKind.CONTRACT_FINALIZED: (_S.FINALIZING, _S.FINALIZED, "finalized; told to the consumer"),
}
# From here on the agreement may lie in the store.
_MAY_BE_STORED = frozenset({_S.VERIFYING, _S.VERIFIED, _S.FINALIZING})


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOrder:
    """A negotiation that is to begin: by a client's wish, or by a peer's request or offer.

    `participant_ids` and `manual` are the participant's own, as in ContractNegotiation; a client may add the name by
    which the provider knows us. `message_id` is that of a peer's message, which then has the `request_digest`.
    """

    process_id: str | None = None
    counter_party_id: str
    counter_party_address: str
    offer_id: str
    asset_id: str
    policy: JsonObject
    correlation_id: str | None = None
    request_digest: str = ""
    message_id: str = ""
    trace_parent: str | None = None
    callbacks: tuple[CallbackAddress, ...] = ()
    participant_ids: tuple[str, ...] = ()
    manual: bool = False
    purpose: str | None = None


def begin(order: ContractOrder, role: Role, state: NegotiationState, moment: Moment) -> ContractNegotiation:
    """A new negotiation in its first state; it remembers the peer's message that begins it."""
    process = ContractNegotiation(
        id=order.process_id or moment.ids.fresh(),
        role=role,
        state=state,
        created_at=moment.now,
        state_at=moment.now,
        deadline_at=steps.deadline(moment, state.value),
        counter_party_id=order.counter_party_id,
        counter_party_address=order.counter_party_address,
        offer_id=order.offer_id,
        asset_id=order.asset_id,
        policy=order.policy,
        correlation_id=order.correlation_id,
        request_digest=order.request_digest,
        history=(HistoryEntry(moment.now, state.value, "negotiation begins"),),
        trace_parent=order.trace_parent,
        callbacks=order.callbacks,
        participant_ids=order.participant_ids,
        manual=order.manual,
        purpose=order.purpose,
    )
    return process.applied(order.message_id, order.request_digest) if order.message_id else process


def enter(process: ContractNegotiation, state: NegotiationState, moment: Moment, what: str) -> ContractNegotiation:
    """The negotiation in another state, with a deadline of its own."""
    entered = replace(process, state=state, state_at=moment.now, poisoned=0)
    limit = None if entered.is_final else steps.deadline(moment, state.value)
    return replace(entered, deadline_at=limit).noted(moment.now, what)


def say(process: ContractNegotiation, kind: MessageKind, moment: Moment, what: str) -> ContractNegotiation:
    """The negotiation with a message under way that leads it on."""
    return enter(process, SENDING[kind][0], moment, what).with_intents(steps.send(moment, kind))


def keep_agreement(process: ContractNegotiation, moment: Moment) -> ContractNegotiation:
    """The negotiation that stores its agreement: it is done before anybody is told that it holds."""
    return process.with_intents(steps.intent(moment, IntentKind.STORE_AGREEMENT))


def terminate(process: ContractNegotiation, fault: Fault, moment: Moment, *, tell_peer: bool) -> ContractNegotiation:
    """The negotiation at its end, with the cause; an agreement that was stored on the way does not outlive it."""
    ended = process.without_kinds(IntentKind.SEND_MESSAGE, IntentKind.STORE_AGREEMENT)
    ended = enter(replace(ended, error=fault), _S.TERMINATED, moment, f"{fault.code}: {fault.message}")
    if process.agreement is not None and process.state in _MAY_BE_STORED:
        drop = IntentKind.DROP_AGREEMENT
        ended = ended.with_intents(steps.intent(moment, drop), steps.sweep(moment, drop))
    if not tell_peer or not process.correlation_id:
        return ended
    message = steps.send(moment, MessageKind.CONTRACT_TERMINATION, steps.fault_content(fault))
    return ended.with_intents(steps.best_effort(moment, message))


def offer_in(content: JsonObject) -> ContractOffer:
    """The offer of an offer message or of a request."""
    said = content.get("offer")
    offer: JsonObject = said if isinstance(said, Mapping) else {}
    return ContractOffer(str(offer.get("@id") or ""), policy_of(offer))


def target_in(content: JsonObject) -> str:
    """Which asset the offer in a message is about; empty where it does not say."""
    said = content.get("offer")
    target = said.get("target") if isinstance(said, Mapping) else None
    return target if isinstance(target, str) else ""


def with_counter_offer(process: ContractNegotiation, offer: ContractOffer) -> ContractNegotiation:
    """The negotiation with the other side's terms beside ours; terms that are the same are none."""
    theirs = None if normal_rules(offer.policy) == normal_rules(process.policy) else offer
    return replace(process, counter_offer=theirs)


def on_their_terms(process: ContractNegotiation) -> ContractNegotiation:
    """The negotiation that takes the other side's terms for its own, where it has made some."""
    offer = process.counter_offer
    if offer is None:
        return process
    return replace(process, offer_id=offer.id or process.offer_id, policy=offer.policy, counter_offer=None)


def on_new_terms(process: ContractNegotiation, policy: JsonObject | None) -> ContractNegotiation:
    """The negotiation with the terms that an order gives; without any it stands by those that it has."""
    ours = replace(process, counter_offer=None)
    if policy is None:
        return ours
    named = policy.get("@id")
    offer_id = named if isinstance(named, str) and named else process.offer_id
    return replace(ours, offer_id=offer_id, policy=policy_of(policy))
