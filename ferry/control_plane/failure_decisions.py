"""What both sides of a transfer decide when something could not be done: again later, not at all, or the end. Pure."""

from dataclasses import replace
from functools import partial

from ferry.control_plane import renewal_decisions, steps, suspension_decisions
from ferry.control_plane import transfer_decisions as common
from ferry.domain.decision import Failed, Moment, Poisoned
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

# Nothing is created before there is a credential for the destination account.
_CREDENTIAL_STEP = 2

# Clean-up is tried for as long as the process is kept, so it must not cost much.
CLEAN_UP_PAUSE_SECONDS = 300.0

# What the data plane is asked for by an order of our client that can be undone.
_ORDERED = frozenset(
    {
        (TransferState.SUSPENDING, IntentKind.SUSPEND_DATA_FLOW),
        (TransferState.RESUMING, IntentKind.RESUME_DATA_FLOW),
    }
)
_SUSPENSION = MessageKind.TRANSFER_SUSPENSION.value
_TERMINATION = MessageKind.TRANSFER_TERMINATION.value


def after_failure(process: TransferProcess, failed: Failed, moment: Moment) -> TransferProcess:
    """Try again later, or end: clean-up and best-effort messages are never the reason to end."""
    waiting, fault = process.intent(failed.intent_id), failed.fault
    if waiting is None:
        return process
    if waiting.kind is IntentKind.SEND_MESSAGE:
        return _unsent(process, waiting, fault, moment)
    if waiting.kind in renewal_decisions.KINDS:
        return renewal_decisions.failed(process, waiting, fault, moment)
    # What is given up some day is told a data plane after the end: it is no reason to end otherwise.
    if waiting.kind not in common.UNFINISHED_WORK or waiting.give_up_at is not None:
        if _is_untouched(process) and fault.code == FaultCode.DESTINATION_KEY_MISSING:
            return common.settle_deprovisioning(process.without_intent(waiting.id), moment)
        return process.with_retry(waiting, fault, moment.now, limit_seconds=CLEAN_UP_PAUSE_SECONDS)
    if fault.retryable:
        return process.with_retry(waiting, fault, moment.now)
    if (process.state, waiting.kind) in _ORDERED:
        return suspension_decisions.undone(process, fault.message, moment)
    return _ended(process, waiting, fault, moment)


def _unsent(process: TransferProcess, waiting: Intent, fault: Fault, moment: Moment) -> TransferProcess:
    """A message that could not be sent, or that the other side has refused."""
    message = steps.message_of(waiting)
    is_confirmation = waiting.give_up_at is not None and message != _TERMINATION
    if is_confirmation and waiting.attempt + 1 >= suspension_decisions.CONFIRMATION_TRIES:
        return process.without_intent(waiting.id)
    if fault.retryable:
        return _asking(process.with_retry(waiting, fault, moment.now), message, fault, moment)
    if waiting.give_up_at is not None:
        return process.without_intent(waiting.id)
    if process.state in (TransferState.SUSPENDING, TransferState.RESUMING):
        return suspension_decisions.undone(process, fault.message, moment)
    if process.state is not TransferState.COMPLETING:
        return _ended(process, waiting, fault, moment)
    done = process.without_intent(waiting.id)
    if done.has_intent(IntentKind.SEND_MESSAGE):
        return done
    return unacknowledged(done, moment, fault.message)


def unacknowledged(process: TransferProcess, moment: Moment, why: str) -> TransferProcess:
    """COMPLETED, though the other side has not said that it knows."""
    done = process.without_kinds(IntentKind.SEND_MESSAGE)
    over = common.enter(done, TransferState.COMPLETED, moment, f"delivered; not acknowledged: {why}", 12)
    if process.is_pull and process.role is Role.CONSUMER:
        return common.without_address(over, moment, storing=False)
    if process.is_pull and not process.has_intent(IntentKind.DROP_SECRET):
        return over.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
    return over


def _asking(process: TransferProcess, message: str, fault: Fault, moment: Moment) -> TransferProcess:
    """Who refuses to be suspended may have completed it: it is asked how it stands."""
    is_refused = message == _SUSPENSION and fault.code != FaultCode.PEER_UNREACHABLE
    if not is_refused or process.has_intent(IntentKind.ASK_PEER):
        return process
    return process.with_intents(steps.intent(moment, IntentKind.ASK_PEER))


def _ended(process: TransferProcess, waiting: Intent, fault: Fault, moment: Moment) -> TransferProcess:
    fault = fault if fault.step else replace(fault, step=common.STEP_OF_STATE.get(process.state))
    return common.terminate(_untouched(process, waiting, fault), fault, moment, tell_peer=True)


def _untouched(process: TransferProcess, waiting: Intent, fault: Fault) -> TransferProcess:
    """The process that has probably created nothing, since its first attempt to prepare found no credential.

    Taking away what is not there needs the very credential that is missing: it is tried once, not for ever. Once it is,
    for an attempt before may have died half-way, with a credential that was there then.
    """
    is_first = waiting.kind is IntentKind.PREPARE_DESTINATION and waiting.attempt == 0
    if process.destination is None or not is_first or fault.step != _CREDENTIAL_STEP:
        return process
    return replace(process, destination=replace(process.destination, untouched=True))


def _is_untouched(process: TransferProcess) -> bool:
    return process.destination is not None and process.destination.untouched


def after_poison(process: TransferProcess, poisoned: Poisoned, moment: Moment) -> TransferProcess:
    """Record it and go on; end when the same step was poisoned too often."""
    end = partial(common.terminate, moment=moment, tell_peer=True)
    return steps.after_poison(process, poisoned, moment, end, step=common.STEP_OF_STATE.get(process.state))
