"""What both sides of a contract negotiation decide: request, agreement, verification, finalized; or the end. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from ferry.control_plane import steps
from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.decision import Command, CommandKind, Decision, Done, Failed, Look, Moment, Poisoned, Received, Task
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.policy import normal_rules
from ferry.domain.process import POISON_LIMIT, HistoryEntry, IntentKind, JsonObject
from ferry.domain.states import NEGOTIATION_ACCEPTS, NEGOTIATION_KNOWN, NegotiationState

type Outcome = Decision[ContractNegotiation]

_S = NegotiationState

# Where a message of ours leads once the other side has taken it.
AFTER_SENDING: dict[str, tuple[NegotiationState, NegotiationState, str]] = {
    MessageKind.CONTRACT_REQUEST.value: (_S.REQUESTING, _S.REQUESTED, "request sent to the provider"),
    MessageKind.CONTRACT_AGREEMENT.value: (_S.AGREEING, _S.AGREED, "agreement sent to the consumer"),
    MessageKind.CONTRACT_VERIFICATION.value: (_S.VERIFYING, _S.VERIFIED, "agreement verified"),
    MessageKind.CONTRACT_FINALIZED.value: (_S.FINALIZING, _S.FINALIZED, "finalized; told to the consumer"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOrder:
    """A negotiation that is to begin: a client's wish (consumer) or a peer's request (provider)."""

    process_id: str | None = None
    counter_party_id: str
    counter_party_address: str
    offer_id: str
    asset_id: str
    policy: JsonObject
    correlation_id: str | None = None
    request_digest: str = ""
    trace_parent: str | None = None


def initiate(order: ContractOrder, moment: Moment) -> ContractNegotiation:
    """The consumer's side: ask for the offer."""
    process = _new(order, Role.CONSUMER, _S.REQUESTING, moment)
    return process.with_intents(steps.send(moment, MessageKind.CONTRACT_REQUEST))


def accept(order: ContractOrder, participant_id: str, moment: Moment) -> ContractNegotiation:
    """The provider's side: the request is for an offer of ours, so agree to it."""
    process = _new(order, Role.PROVIDER, _S.REQUESTED, moment)
    agreement = ContractAgreement(
        id=moment.ids.fresh(),
        created_at=moment.now,
        signed_at=moment.now,
        provider_id=participant_id,
        consumer_id=order.counter_party_id,
        asset_id=order.asset_id,
        policy=order.policy,
        negotiation_id=process.id,
        role=Role.PROVIDER,
    )
    process = _enter(replace(process, agreement=agreement), _S.AGREEING, moment, "the offer is ours: agreeing")
    return process.with_intents(steps.send(moment, MessageKind.CONTRACT_AGREEMENT))


def reject(order: ContractOrder, fault: Fault, moment: Moment) -> ContractNegotiation:
    """The provider's side: the request is refused, with the reason."""
    return _terminate(_new(order, Role.PROVIDER, _S.REQUESTED, moment), fault, moment, tell_peer=True)


def decide(process: ContractNegotiation, task: Task, moment: Moment) -> Outcome:
    """The negotiation after the task."""
    match task:
        case Look():
            return Decision(_look(process, moment))
        case Done():
            return Decision(_done(process, task, moment))
        case Failed():
            return Decision(_failed(process, task, moment))
        case Received():
            return _received(process, task, moment)
        case Command():
            return _commanded(process, task, moment)
        case Poisoned():
            counted = replace(process, poisoned=process.poisoned + 1)
            if counted.is_final or counted.poisoned < POISON_LIMIT:
                return Decision(counted)
            return Decision(_terminate(counted, replace(task.fault, code="POISONED"), moment, tell_peer=True))
        case _:
            return Decision(process)


def next_look_at(process: ContractNegotiation, moment: Moment) -> datetime | None:
    """When this negotiation wants to be looked at for its own sake: at its deadline."""
    del moment
    return process.deadline_at


def _new(order: ContractOrder, role: Role, state: NegotiationState, moment: Moment) -> ContractNegotiation:
    return ContractNegotiation(
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
    )


def _enter(process: ContractNegotiation, state: NegotiationState, moment: Moment, what: str) -> ContractNegotiation:
    entered = replace(process, state=state, state_at=moment.now, poisoned=0)
    limit = None if entered.is_final else steps.deadline(moment, state.value)
    return replace(entered, deadline_at=limit).noted(moment.now, what)


def _terminate(process: ContractNegotiation, fault: Fault, moment: Moment, *, tell_peer: bool) -> ContractNegotiation:
    ended = replace(process.without_kinds(IntentKind.SEND_MESSAGE, IntentKind.STORE_AGREEMENT), error=fault)
    ended = _enter(ended, _S.TERMINATED, moment, f"{fault.code}: {fault.message}")
    if not tell_peer or not process.correlation_id:
        return ended
    message = steps.send(moment, MessageKind.CONTRACT_TERMINATION, steps.fault_content(fault))
    return ended.with_intents(steps.best_effort(moment, message))


def _look(process: ContractNegotiation, moment: Moment) -> ContractNegotiation:
    process = steps.without_given_up(process, moment.now)
    if not process.is_final and process.deadline_at is not None and moment.now >= process.deadline_at:
        return _terminate(process, steps.late_fault(process, moment, None), moment, tell_peer=True)
    return process


def _done(process: ContractNegotiation, done: Done, moment: Moment) -> ContractNegotiation:
    waiting = process.intent(done.intent_id)
    if waiting is None:
        return process
    process = process.without_intent(waiting.id)
    message = steps.message_of(waiting)
    provider_pid = done.result.get("providerPid")
    if message == MessageKind.CONTRACT_REQUEST.value and isinstance(provider_pid, str):
        process = replace(process, correlation_id=process.correlation_id or provider_pid)
    from_state, to_state, what = AFTER_SENDING.get(message, (None, None, ""))
    if to_state is None or process.state is not from_state:
        return process
    return _enter(process, to_state, moment, what)


def _failed(process: ContractNegotiation, failed: Failed, moment: Moment) -> ContractNegotiation:
    waiting = process.intent(failed.intent_id)
    if waiting is None:
        return process
    # An agreement that both have signed is stored, however long that takes; but not over another one.
    is_ours_to_store = waiting.kind is IntentKind.STORE_AGREEMENT and failed.fault.code != FaultCode.PEER_REFUSED
    if failed.fault.retryable or is_ours_to_store:
        return process.with_retry(waiting, failed.fault, moment.now)
    if process.is_final:
        return process.without_intent(waiting.id)
    return _terminate(process, failed.fault, moment, tell_peer=True)


def _received(process: ContractNegotiation, received: Received, moment: Moment) -> Outcome:
    other_pid = received.content.get("providerPid" if process.role is Role.CONSUMER else "consumerPid")
    if process.correlation_id is None and isinstance(other_pid, str):
        learned = replace(process, correlation_id=other_pid)
    elif process.correlation_id == other_pid:
        learned = process
    else:
        return Decision(process, refused=f"the other side's pid is not {process.correlation_id}")
    repeated = steps.known_message(process, received)
    if repeated is not None:
        return repeated
    if process.state in NEGOTIATION_KNOWN[process.role].get(received.kind, frozenset()):
        return Decision(process)
    if process.state not in NEGOTIATION_ACCEPTS[process.role].get(received.kind, frozenset()):
        return Decision(process, refused=f"{received.kind.value} is not allowed in state {process.state.value}")
    return Decision(_applied(learned.applied(received.message_id, received.digest), received, moment))


def _applied(process: ContractNegotiation, received: Received, moment: Moment) -> ContractNegotiation:
    match received.kind:
        case MessageKind.CONTRACT_AGREEMENT:
            return _agreed(process, received, moment)
        case MessageKind.CONTRACT_VERIFICATION:
            process = process.without_kinds(IntentKind.SEND_MESSAGE)
            process = _enter(process, _S.VERIFIED, moment, "verified by the consumer")
            process = _enter(process, _S.FINALIZING, moment, "finalizing")
            finalized = steps.send(moment, MessageKind.CONTRACT_FINALIZED)
            return process.with_intents(steps.intent(moment, IntentKind.STORE_AGREEMENT), finalized)
        case MessageKind.CONTRACT_FINALIZED:
            return _enter(process.without_kinds(IntentKind.SEND_MESSAGE), _S.FINALIZED, moment, "finalized")
        case _:
            fault = steps.content_fault(received.content, "PEER_TERMINATED")
            return _terminate(process, fault, moment, tell_peer=False)


def _agreed(process: ContractNegotiation, received: Received, moment: Moment) -> ContractNegotiation:
    """The provider's agreement: it must be about what was asked for, with the parties that asked."""
    agreement = read_agreement(process, received.content, moment.now)
    process = process.without_kinds(IntentKind.SEND_MESSAGE)
    if isinstance(agreement, Fault):
        return _terminate(process, agreement, moment, tell_peer=True)
    process = _enter(replace(process, agreement=agreement), _S.AGREED, moment, "agreement received")
    process = _enter(process, _S.VERIFYING, moment, "it is what was asked for: verifying")
    verification = steps.send(moment, MessageKind.CONTRACT_VERIFICATION)
    return process.with_intents(steps.intent(moment, IntentKind.STORE_AGREEMENT), verification)


def read_agreement(process: ContractNegotiation, content: JsonObject, now: datetime) -> ContractAgreement | Fault:
    """The agreement in a ContractAgreementMessage, or what is wrong with it."""
    said = content.get("agreement")
    if not isinstance(said, dict) or not isinstance(said.get("@id"), str):
        return Fault("PEER_REFUSED", "the agreement message holds no agreement with an @id")
    if said.get("target") != process.asset_id:
        return Fault("POLICY_VIOLATED", f"the agreement is about {said.get('target')!r}, not {process.asset_id!r}")
    if said.get("assigner") != process.counter_party_id:
        return Fault(
            "POLICY_VIOLATED", f"the agreement is by {said.get('assigner')!r}, not {process.counter_party_id!r}"
        )
    if normal_rules(process.policy) != normal_rules(said):
        return Fault("POLICY_VIOLATED", "the agreement's rules are not those of the offer that was asked for")
    assignee = said.get("assignee")
    return ContractAgreement(
        id=str(said["@id"]),
        created_at=now,
        signed_at=now,
        provider_id=process.counter_party_id,
        consumer_id=assignee if isinstance(assignee, str) else "",
        asset_id=process.asset_id,
        policy=process.policy,
        negotiation_id=process.id,
        role=Role.CONSUMER,
    )


def _commanded(process: ContractNegotiation, command: Command, moment: Moment) -> Outcome:
    if command.kind is not CommandKind.TERMINATE or process.is_final:
        return Decision(process, refused=f"{command.kind.value} is not allowed in state {process.state.value}")
    fault = Fault("TERMINATED_BY_CLIENT", command.reason or "terminated by the client")
    return Decision(_terminate(process, fault, moment, tell_peer=True))
