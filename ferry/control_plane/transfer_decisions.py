"""What both sides of a transfer decide alike: entering states, ending, deprovisioning, retries. No I/O, no clock."""

from dataclasses import replace
from datetime import datetime

from ferry.control_plane import steps
from ferry.domain.decision import Decision, Failed, Moment, Poisoned, Received
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import POISON_LIMIT, Intent, IntentKind, Json
from ferry.domain.states import PUSH_ACCEPTS, PUSH_KNOWN, TransferState
from ferry.domain.transfer_process import TransferProcess

# The step of the decision record that a process is at while it waits in a state.
STEP_OF_STATE: dict[TransferState, int] = {
    TransferState.INITIAL: 6,
    TransferState.PREPARATION_REQUESTED: 3,
    TransferState.REQUESTING: 5,
    TransferState.REQUESTED: 6,
    TransferState.STARTING: 7,
    TransferState.STARTED: 11,
    TransferState.COMPLETING: 13,
}

# Nothing is created before there is a credential for the destination account.
_CREDENTIAL_STEP = 2

# What an effect did when it says that it took a step.
WORDS_OF_STEP: dict[int, str] = {
    2: "credential for the destination account taken",
    3: "container ready, SAS issued",
    4: "SAS stored in our vault",
    8: "credential for the source account taken",
    9: "SAS taken from our vault",
    10: "source read",
    11: "blobs written",
    12: "marker written",
}

# Clean-up is tried for as long as the process is kept, so it must not cost much.
CLEAN_UP_PAUSE_SECONDS = 300.0

UNFINISHED_WORK = (
    IntentKind.PREPARE_DESTINATION,
    IntentKind.SEND_MESSAGE,
    IntentKind.VERIFY_DELIVERY,
    IntentKind.STORE_ADDRESS,
    IntentKind.START_DATA_FLOW,
    IntentKind.CHECK_DATA_FLOW,
    IntentKind.ASK_PEER,
)


def enter(
    process: TransferProcess, state: TransferState, moment: Moment, what: str, step: int | None = None
) -> TransferProcess:
    """The process in that state, with a line of history and the state's deadline (none in a final one)."""
    entered = replace(process, state=state, state_at=moment.now, poisoned=0)
    waits = not entered.is_final and state is not TransferState.DEPROVISIONING
    limit = steps.deadline(moment, state.value) if waits else None
    return replace(entered, deadline_at=limit).noted(moment.now, what, step)


def terminate(process: TransferProcess, fault: Fault, moment: Moment, *, tell_peer: bool) -> TransferProcess:
    """TERMINATED with its cause: access is withdrawn at once, the other side is told as far as it can be reached."""
    ended = clean_up(process, moment)
    ended = replace(ended, error=fault)
    ended = enter(ended, TransferState.TERMINATED, moment, f"{fault.code}: {fault.message}", fault.step)
    return notify_termination(ended, fault, moment) if tell_peer else ended


def notify_termination(process: TransferProcess, fault: Fault, moment: Moment) -> TransferProcess:
    """Tell the other side, once, for as long as `notify_seconds`; impossible while its pid is unknown."""
    if not process.correlation_id:
        return process
    message = steps.send(moment, MessageKind.TRANSFER_TERMINATION, steps.fault_content(fault))
    return process.with_intents(steps.best_effort(moment, message))


def clean_up(process: TransferProcess, moment: Moment) -> TransferProcess:
    """Withdraw what was still to be done, and undo what may have been done."""
    cleaned = process.without_kinds(*UNFINISHED_WORK)
    if process.role is Role.CONSUMER:
        cleaned = cleaned.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))
        if process.has_intent(IntentKind.PREPARE_DESTINATION):
            cleaned = cleaned.with_intents(steps.sweep(moment, IntentKind.REVOKE_ACCESS))
        return cleaned
    if process.state in (TransferState.STARTING, TransferState.STARTED):
        cleaned = cleaned.with_intents(steps.intent(moment, IntentKind.TERMINATE_DATA_FLOW))
        if process.has_intent(IntentKind.START_DATA_FLOW):
            cleaned = cleaned.with_intents(steps.sweep(moment, IntentKind.TERMINATE_DATA_FLOW))
    if process.state is not TransferState.COMPLETING or not process.has_intent(IntentKind.DROP_SECRET):
        cleaned = cleaned.without_kinds(IntentKind.DROP_SECRET)
        cleaned = cleaned.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
    if process.has_intent(IntentKind.STORE_ADDRESS):
        cleaned = cleaned.with_intents(steps.sweep(moment, IntentKind.DROP_SECRET))
    return cleaned


def deprovision(process: TransferProcess, moment: Moment, reason: str) -> TransferProcess:
    """Take away exactly what was created for this transfer; one that still runs is ended first."""
    if process.state in (TransferState.DEPROVISIONING, TransferState.DEPROVISIONED):
        return hurried(process, moment.now)
    ended = process
    if not process.is_final:
        fault = Fault("DEPROVISIONED_BY_CLIENT", reason or "the client deprovisioned it before it was complete")
        ended = terminate(process, fault, moment, tell_peer=True)
    ended = enter(ended, TransferState.DEPROVISIONING, moment, "deprovisioning asked for", 16)
    if process.role is Role.PROVIDER:
        return settle_deprovisioning(ended, moment)
    ended = ended.with_intents(steps.intent(moment, IntentKind.REMOVE_DESTINATION))
    if process.has_intent(IntentKind.PREPARE_DESTINATION) or any(is_sweep(i.detail) for i in process.intents):
        ended = ended.with_intents(steps.sweep(moment, IntentKind.REMOVE_DESTINATION))
    return ended


def hurried(process: TransferProcess, now: datetime) -> TransferProcess:
    """The same process with its postponed clean-up due now: whoever asks again does not wait for the back-off."""
    due = tuple(
        replace(i, not_before=None) if i.last_fault is not None and not i.is_due(now) else i for i in process.intents
    )
    return process if due == process.intents else replace(process, intents=due)


def is_sweep(detail: object) -> bool:
    """Whether an intent's detail marks the second clean-up, which nobody waits for."""
    return isinstance(detail, dict) and "sweep" in detail


def settle_deprovisioning(process: TransferProcess, moment: Moment) -> TransferProcess:
    """DEPROVISIONED once nothing of the clean-up is left."""
    cleaning = (IntentKind.REVOKE_ACCESS, IntentKind.REMOVE_DESTINATION, IntentKind.DROP_SECRET)
    waiting = any(i.kind in cleaning and not is_sweep(i.detail) for i in process.intents)
    if process.state is not TransferState.DEPROVISIONING or waiting:
        return process
    what = "everything that was created for this transfer is gone"
    if process.destination is not None and process.destination.purge_at is not None:
        what = f"deleted; the vault will purge the secret at {process.destination.purge_at.isoformat()}"
    return enter(process, TransferState.DEPROVISIONED, moment, what, 18)


def after_failure(process: TransferProcess, failed: Failed, moment: Moment) -> TransferProcess:
    """Try again later, or end: clean-up and best-effort messages are never the reason to end."""
    waiting = process.intent(failed.intent_id)
    if waiting is None:
        return process
    if waiting.kind is IntentKind.SEND_MESSAGE and steps.message_of(waiting) == MessageKind.TRANSFER_TERMINATION.value:
        if failed.fault.retryable:
            return process.with_retry(waiting, failed.fault, moment.now)
        return process.without_intent(waiting.id)
    if waiting.kind not in UNFINISHED_WORK:
        if _is_untouched(process) and failed.fault.code == FaultCode.DESTINATION_KEY_MISSING:
            return settle_deprovisioning(process.without_intent(waiting.id), moment)
        return process.with_retry(waiting, failed.fault, moment.now, limit_seconds=CLEAN_UP_PAUSE_SECONDS)
    if failed.fault.retryable:
        return process.with_retry(waiting, failed.fault, moment.now)
    if process.state is TransferState.COMPLETING and waiting.kind is IntentKind.SEND_MESSAGE:
        done = process.without_intent(waiting.id)
        if done.has_intent(IntentKind.SEND_MESSAGE):
            return done
        return enter(done, TransferState.COMPLETED, moment, f"delivered; not acknowledged: {failed.fault.message}", 12)
    fault = failed.fault if failed.fault.step else replace(failed.fault, step=STEP_OF_STATE.get(process.state))
    return terminate(_untouched(process, waiting, fault), fault, moment, tell_peer=True)


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
    """Record it and go on; end when the same step was poisoned three times."""
    counted = replace(process, poisoned=process.poisoned + 1).noted(moment.now, f"poisoned: {poisoned.fault.message}")
    if counted.poisoned < POISON_LIMIT or counted.is_final:
        return counted
    fault = replace(poisoned.fault, code="POISONED", step=STEP_OF_STATE.get(process.state))
    return terminate(counted, fault, moment, tell_peer=True)


def on_termination(process: TransferProcess, received: Received, moment: Moment) -> TransferProcess:
    """The other side has ended it: so do we, with its cause."""
    fault = steps.content_fault(received.content, "PEER_TERMINATED")
    return terminate(process, fault, moment, tell_peer=False)


def gate(process: TransferProcess, received: Received) -> Decision[TransferProcess] | None:
    """The decision for a message that is not to be applied now: known already, repeated, or not allowed."""
    repeated = steps.known_message(process, received)
    if repeated is not None:
        return repeated
    if process.state in PUSH_ACCEPTS[process.role].get(received.kind, frozenset()):
        return None
    if process.state in PUSH_KNOWN[process.role].get(received.kind, frozenset()):
        return Decision(process)
    return Decision(process, refused=f"{received.kind.value} is not allowed in state {process.state.value}")


def noted_steps(process: TransferProcess, result: Json, moment: Moment) -> TransferProcess:
    """The process with the steps that an effect says it took: pairs of step and time."""
    if not isinstance(result, list):
        return process
    for entry in result:
        match entry:
            case [int() as step, str() as at, *_]:
                process = process.noted(_moment_of(at, moment.now), WORDS_OF_STEP.get(step, "done"), step)
            case _:
                continue
    return process


def _moment_of(text: str, fallback: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return fallback
