"""Suspending and resuming a transfer, by an order of our client or by the other side. Pure: no I/O, no clock.

Whoever suspends stands still first and tells it then; who is told stands still. A push is resumed the other way round:
nothing is copied before the other side has agreed. What an order could not bring about is undone, and the transfer is
where it was. No secret is dropped meanwhile: a copy goes on from its checkpoint with what it has.
"""

from dataclasses import replace

from ferry.control_plane import steps
from ferry.control_plane import transfer_decisions as common
from ferry.domain.decision import Command, Decision, Done, Moment, Received
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

type Outcome = Decision[TransferProcess]

_S = TransferState

# Who was told of a resumption may tell us the same, and refuse ours since it knows already: it is not told for long.
CONFIRMATION_TRIES = 5


def suspend(process: TransferProcess, command: Command, moment: Moment) -> Outcome:
    """Our client suspends it; one that is suspended already stays as it is."""
    if process.state in (_S.SUSPENDING, _S.SUSPENDED):
        return Decision(process)
    if process.state is not _S.STARTED:
        return Decision(process, refused=f"suspend is not allowed in state {process.state.value}")
    reason = steps.fault_content(Fault(FaultCode.SUSPENDED_BY_CLIENT, command.reason or "suspended by the client"))
    still = _standing(process, moment)
    entered = common.enter(still, _S.SUSPENDING, moment, f"suspension asked for: {reason['message']}")
    if process.role is Role.CONSUMER:
        return Decision(entered.with_intents(steps.send(moment, MessageKind.TRANSFER_SUSPENSION, reason)))
    return Decision(entered.with_intents(steps.intent(moment, IntentKind.SUSPEND_DATA_FLOW, reason)))


def resume(process: TransferProcess, moment: Moment) -> Outcome:
    """Our client resumes it: the other side is asked, of a pull with the address that the data plane gives anew."""
    if process.state is _S.RESUMING:
        return Decision(process)
    if process.state is not _S.SUSPENDED:
        return Decision(process, refused=f"resume is not allowed in state {process.state.value}")
    entered = common.enter(process, _S.RESUMING, moment, "resumption asked for")
    entered = entered.without_kinds(IntentKind.SUSPEND_DATA_FLOW)
    if process.role is Role.PROVIDER and process.is_pull:
        return Decision(entered.with_intents(steps.intent(moment, IntentKind.RESUME_DATA_FLOW)))
    return Decision(entered.with_intents(steps.send(moment, MessageKind.TRANSFER_START)))


def flow_stands(process: TransferProcess, waiting: Intent, moment: Moment) -> TransferProcess:
    """The data plane has suspended the flow: now the other side may be told."""
    if process.state is not _S.SUSPENDING or common.is_sweep(waiting.detail):
        return process
    return process.with_intents(steps.send(moment, MessageKind.TRANSFER_SUSPENSION, waiting.detail))


def told(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The other side has taken our suspension, or our resumption."""
    if process.state is _S.SUSPENDING:
        heard = process.without_kinds(IntentKind.ASK_PEER)
        return common.enter(heard, _S.SUSPENDED, moment, "suspension told to the other side")
    if process.state is not _S.RESUMING:
        return process
    entered = common.enter(process, _S.STARTED, moment, "resumption told to the other side")
    if process.role is Role.CONSUMER or process.is_pull:
        return entered
    return entered.with_intents(steps.intent(moment, IntentKind.RESUME_DATA_FLOW))


def provider_answered(process: TransferProcess, done: Done, moment: Moment) -> TransferProcess:
    """How the provider stands that has refused our suspension: what it has completed is to be found."""
    if process.state is not _S.SUSPENDING or done.result.get("state") != _S.COMPLETED.value:
        return process
    return undone(process, "the provider has completed it", moment)


def suspended_by_peer(process: TransferProcess, received: Received, moment: Moment) -> TransferProcess:
    """The other side suspends it; what we are telling it meanwhile is void."""
    said = steps.content_fault(received.content, "PEER_SUSPENDED")
    return _suspended(process, moment, f"suspended by the other side: {said.message}")


def resumed_by_consumer(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The consumer resumes it. It is told of the start as well: that is what other connectors wait for."""
    running = process.without_kinds(IntentKind.SEND_MESSAGE, *common.FLOW_WORK)
    entered = common.enter(running, _S.STARTED, moment, "resumed by the consumer")
    if not process.is_pull:
        entered = entered.with_intents(confirmation(moment))
    return entered.with_intents(steps.intent(moment, IntentKind.RESUME_DATA_FLOW))


def confirmation(moment: Moment) -> Intent:
    """A start told to who may know of it already."""
    return steps.best_effort(moment, steps.send(moment, MessageKind.TRANSFER_START))


def undone(process: TransferProcess, why: str, moment: Moment) -> TransferProcess:
    """A suspension or a resumption that does not come about: the transfer is where it was before."""
    process = process.without_kinds(IntentKind.SEND_MESSAGE)
    if process.state is _S.RESUMING:
        return _suspended(process, moment, f"not resumed: {why}")
    running = process.without_kinds(*common.FLOW_WORK)
    entered = common.enter(running, _S.STARTED, moment, f"not suspended: {why}")
    if process.role is Role.CONSUMER:
        return entered
    return entered.with_intents(steps.intent(moment, IntentKind.RESUME_DATA_FLOW))


def overdue(process: TransferProcess, moment: Moment) -> TransferProcess:
    """SUSPENDING or RESUMING has lasted too long: the flow stands still, whether or not the other side knows."""
    waited = f"no answer for {moment.limits.of_state(process.state.value):g} s"
    if process.state is _S.RESUMING or process.has_intent(IntentKind.SUSPEND_DATA_FLOW):
        return undone(process, waited, moment)
    unsent = process.without_kinds(IntentKind.SEND_MESSAGE, IntentKind.ASK_PEER)
    return common.enter(unsent, _S.SUSPENDED, moment, f"suspended; the other side has not acknowledged it: {waited}")


def _suspended(process: TransferProcess, moment: Moment, what: str) -> TransferProcess:
    still = _standing(process.without_kinds(IntentKind.SEND_MESSAGE), moment)
    entered = common.enter(still, _S.SUSPENDED, moment, what)
    if process.role is Role.CONSUMER:
        return entered
    return entered.with_intents(steps.intent(moment, IntentKind.SUSPEND_DATA_FLOW))


def _standing(process: TransferProcess, moment: Moment) -> TransferProcess:
    """Nothing is done to the flow, and nothing looked for, any more.

    A flow that somebody is starting right now may run after it was suspended: it is suspended once more then.
    """
    still = replace(process.without_kinds(IntentKind.VERIFY_DELIVERY, *common.FLOW_WORK), verify_cursor=None)
    starting = process.has_intent(IntentKind.START_DATA_FLOW) or process.has_intent(IntentKind.RESUME_DATA_FLOW)
    return still.with_intents(steps.sweep(moment, IntentKind.SUSPEND_DATA_FLOW)) if starting else still
