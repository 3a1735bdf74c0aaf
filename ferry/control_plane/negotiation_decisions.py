"""What is decided about a contract negotiation of either role, by the tables of its states. Pure.

Which message or order is allowed when is data (`ferry.domain.states`); what follows from it is the consumer's or the
provider's. Unless it is `manual`, each side takes the steps that its policies can decide; all others wait for an order
until the deadline of the state. (Decision record 10.)
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from ferry.control_plane import negotiation_consumer, negotiation_provider, steps
from ferry.control_plane.negotiation_steps import SENDING, ContractOrder, enter, target_in, terminate
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.decision import Command, CommandKind, Decision, Done, Failed, Look, Moment, Poisoned, Received, Task
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import IntentKind
from ferry.domain.states import NEGOTIATION_ACCEPTS, NEGOTIATION_KNOWN, NEGOTIATION_ORDERS

__all__ = ["ContractOrder", "Outcome", "decide", "next_look_at"]

type Outcome = Decision[ContractNegotiation]

_WITH_OFFER = frozenset({MessageKind.CONTRACT_OFFER, MessageKind.CONTRACT_REQUEST})


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
            end = partial(terminate, moment=moment, tell_peer=True)
            return Decision(steps.after_poison(process, task, moment, end))
        case _:
            return Decision(process)


def next_look_at(process: ContractNegotiation, moment: Moment) -> datetime | None:
    """When this negotiation wants to be looked at for its own sake: at its deadline."""
    del moment
    return process.deadline_at


def _look(process: ContractNegotiation, moment: Moment) -> ContractNegotiation:
    process = steps.without_given_up(process, moment.now)
    if process.is_final or process.deadline_at is None or moment.now < process.deadline_at:
        return process
    fault = _undecided(process, moment) if process.is_our_turn else steps.late_fault(process, moment, None)
    return terminate(process, fault, moment, tell_peer=True)


def _undecided(process: ContractNegotiation, moment: Moment) -> Fault:
    """The cause of an end that a client has let come about."""
    orders = [kind.value for kind, states in NEGOTIATION_ORDERS[process.role].items() if process.state in states]
    waited = f"{process.state_name} for more than {moment.limits.of_state(process.state_name):g} s"
    wanted = ", ".join([*orders, CommandKind.TERMINATE.value])
    text = f"nobody decided: negotiation {process.id} was {waited} and waited for an order ({wanted}). Negotiate again."
    return Fault(FaultCode.DEADLINE_EXCEEDED, text, retryable=True)


def _done(process: ContractNegotiation, done: Done, moment: Moment) -> ContractNegotiation:
    waiting = process.intent(done.intent_id)
    if waiting is None:
        return process
    process = process.without_intent(waiting.id)
    other_pid = done.result.get("providerPid" if process.role is Role.CONSUMER else "consumerPid")
    if process.correlation_id is None and isinstance(other_pid, str):
        process = replace(process, correlation_id=other_pid)
    kind = next((kind for kind in SENDING if kind.value == steps.message_of(waiting)), None)
    if kind is None:
        return process
    from_state, to_state, what = SENDING[kind]
    return enter(process, to_state, moment, what) if process.state is from_state else process


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
    return terminate(process, failed.fault, moment, tell_peer=True)


def _received(process: ContractNegotiation, received: Received, moment: Moment) -> Outcome:
    own, other = ("consumerPid", "providerPid") if process.role is Role.CONSUMER else ("providerPid", "consumerPid")
    own_pid, other_pid = received.content.get(own, process.id), received.content.get(other)
    if own_pid != process.id:
        return Decision(process, refused=f"a message about {own} {own_pid}")
    if process.correlation_id is None and isinstance(other_pid, str):
        learned = replace(process, correlation_id=other_pid)
    elif process.correlation_id == other_pid:
        learned = process
    else:
        return Decision(process, refused=f"the other side's pid is not {process.correlation_id}")
    repeated = steps.known_message(process, received)
    if repeated is not None:
        return repeated
    refused = _refusal(process, received)
    if refused is not None:
        return Decision(process, refused=refused)
    if process.state in NEGOTIATION_KNOWN[process.role].get(received.kind, frozenset()):
        return Decision(process)
    # What it answers need not be sent again.
    learned = learned.applied(received.message_id, received.digest)
    return Decision(_applied(learned, received, moment))


def _refusal(process: ContractNegotiation, received: Received) -> str | None:
    """Why a message is not allowed now; None where it is, or where it tells what is known already."""
    role, kind, state = process.role, received.kind, process.state
    if state in NEGOTIATION_KNOWN[role].get(kind, frozenset()):
        return _contradiction(process, received)
    if state not in NEGOTIATION_ACCEPTS[role].get(kind, frozenset()):
        return f"{kind.value} is not allowed in state {state.value}"
    if kind in _WITH_OFFER and target_in(received.content) not in ("", process.asset_id):
        return f"{kind.value} about {target_in(received.content)!r}; the negotiation is about {process.asset_id!r}"
    return None


def _contradiction(process: ContractNegotiation, received: Received) -> str | None:
    """Why a message is not the one that has brought the negotiation to its state."""
    said = received.content.get("agreement")
    if received.kind is not MessageKind.CONTRACT_AGREEMENT or process.agreement is None or not isinstance(said, dict):
        return None
    return None if said.get("@id") == process.agreement.id else f"another agreement than {process.agreement.id}"


def _applied(process: ContractNegotiation, received: Received, moment: Moment) -> ContractNegotiation:
    if received.kind is MessageKind.CONTRACT_TERMINATION:
        fault = steps.content_fault(received.content, FaultCode.PEER_TERMINATED)
        return terminate(process, fault, moment, tell_peer=False)
    answered = process.without_kinds(IntentKind.SEND_MESSAGE)
    if process.role is Role.CONSUMER:
        return negotiation_consumer.receive(answered, received, moment)
    return negotiation_provider.receive(answered, received, moment)


def _commanded(process: ContractNegotiation, command: Command, moment: Moment) -> Outcome:
    refused = Decision(process, refused=f"{command.kind.value} is not allowed in state {process.state.value}")
    if command.kind is CommandKind.TERMINATE:
        fault = Fault(FaultCode.TERMINATED_BY_CLIENT, command.reason or "terminated by the client")
        return refused if process.is_final else Decision(terminate(process, fault, moment, tell_peer=True))
    if process.state not in NEGOTIATION_ORDERS[process.role].get(command.kind, frozenset()):
        return refused
    if process.role is Role.CONSUMER:
        return Decision(negotiation_consumer.obey(process, command, moment))
    return Decision(negotiation_provider.obey(process, command, moment))
