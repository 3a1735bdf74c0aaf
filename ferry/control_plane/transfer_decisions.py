"""What both sides of a transfer decide alike: entering states, ending, deprovisioning, messages. No I/O, no clock."""

from dataclasses import replace
from datetime import datetime, timedelta

from ferry.control_plane import steps
from ferry.domain.decision import Decision, Moment, Received
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import IntentKind, Json
from ferry.domain.states import PULL_ACCEPTS, PULL_KNOWN, PUSH_ACCEPTS, PUSH_KNOWN, TRANSFER_FLOWING, TransferState
from ferry.domain.transfer_process import TransferProcess

# The step of the decision record that a process is at while it waits in a state.
STEP_OF_STATE: dict[TransferState, int] = {
    TransferState.INITIAL: 6,
    TransferState.PREPARATION_REQUESTED: 3,
    TransferState.REQUESTING: 5,
    TransferState.REQUESTED: 6,
    TransferState.STARTING: 7,
    TransferState.STARTED: 11,
    TransferState.SUSPENDING: 11,
    TransferState.SUSPENDED: 11,
    TransferState.RESUMING: 11,
    TransferState.COMPLETING: 13,
}

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

# What is done to a flow, or asked about it, while it runs.
FLOW_WORK = (
    IntentKind.START_DATA_FLOW,
    IntentKind.CHECK_DATA_FLOW,
    IntentKind.SUSPEND_DATA_FLOW,
    IntentKind.RESUME_DATA_FLOW,
    IntentKind.ASK_PEER,
)
UNFINISHED_WORK = (
    IntentKind.PREPARE_DESTINATION,
    IntentKind.PREPARE_DATA_FLOW,
    IntentKind.SEND_MESSAGE,
    IntentKind.VERIFY_DELIVERY,
    IntentKind.STORE_ADDRESS,
    IntentKind.RENEW_ADDRESS,
    IntentKind.EXTEND_ACCESS,
    *FLOW_WORK,
)
FLOWING = TRANSFER_FLOWING


def enter(
    process: TransferProcess, state: TransferState, moment: Moment, what: str, step: int | None = None
) -> TransferProcess:
    """The process in that state, with a line of history and the state's deadline (none in a final one)."""
    entered = replace(process, state=state, state_at=moment.now, poisoned=0)
    waits = not entered.is_final and state is not TransferState.DEPROVISIONING
    limit = steps.deadline(moment, state.value) if waits else None
    ends_at = _access_ends_at(entered)
    if limit is not None and ends_at is not None:
        limit = min(limit, ends_at)
    return replace(entered, deadline_at=limit).noted(moment.now, what, step)


def late_fault(process: TransferProcess, moment: Moment) -> Fault:
    """The fault of a transfer whose deadline has passed."""
    ends_at = _access_ends_at(process)
    if ends_at is not None and moment.now >= ends_at:
        text = f"transfer {process.id} was suspended for longer than its SAS was valid; start a new transfer"
        return Fault(FaultCode.SAS_EXPIRED, text, retryable=True)
    return steps.late_fault(process, moment, STEP_OF_STATE.get(process.state))


def within_access(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The process after its SAS has got another end: a push that is suspended may stay so until then."""
    ends_at = _access_ends_at(process)
    if ends_at is None:
        return process
    limit = process.state_at + timedelta(seconds=moment.limits.of_state(process.state.value))
    return replace(process, deadline_at=min(limit, ends_at))


def _access_ends_at(process: TransferProcess) -> datetime | None:
    """When a push that is suspended can go on no more, unless its SAS is renewed meanwhile."""
    is_suspended = process.state is TransferState.SUSPENDED and process.destination is not None
    return process.destination.sas_expires_at if is_suspended and process.destination else None


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
        if process.is_pull or process.destination is None:
            return without_address(cleaned, moment, storing=process.has_intent(IntentKind.STORE_ADDRESS))
        cleaned = cleaned.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))
        if process.has_intent(IntentKind.PREPARE_DESTINATION) or process.has_intent(IntentKind.EXTEND_ACCESS):
            cleaned = cleaned.with_intents(steps.sweep(moment, IntentKind.REVOKE_ACCESS))
        return cleaned
    if process.state in FLOWING:
        cleaned = with_flow_ended(cleaned, moment)
        if process.has_intent(IntentKind.START_DATA_FLOW) or process.has_intent(IntentKind.RESUME_DATA_FLOW):
            again = steps.sweep(moment, IntentKind.TERMINATE_DATA_FLOW)
            cleaned = cleaned.with_intents(steps.at_plane(moment, again))
    if process.state is not TransferState.COMPLETING or not process.has_intent(IntentKind.DROP_SECRET):
        cleaned = cleaned.without_kinds(IntentKind.DROP_SECRET)
        cleaned = cleaned.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
    storing = process.has_intent(IntentKind.STORE_ADDRESS) or process.has_intent(IntentKind.RENEW_ADDRESS)
    if storing or (process.is_pull and process.state in FLOWING):
        cleaned = cleaned.with_intents(steps.sweep(moment, IntentKind.DROP_SECRET))
    return cleaned


def with_flow_ended(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The provider's process whose flow is to be stopped."""
    ending = steps.intent(moment, IntentKind.TERMINATE_DATA_FLOW)
    return process.with_intents(steps.at_plane(moment, ending))


def without_renewal(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The process without a renewal of its SAS; what one that is under way leaves behind is taken away once more."""
    is_consumer = process.role is Role.CONSUMER
    renewing = IntentKind.EXTEND_ACCESS if is_consumer else IntentKind.RENEW_ADDRESS
    if not process.has_intent(renewing):
        return process
    undoing = IntentKind.REVOKE_ACCESS if is_consumer else IntentKind.DROP_SECRET
    return process.without_kinds(renewing).with_intents(steps.sweep(moment, undoing))


def without_address(process: TransferProcess, moment: Moment, *, storing: bool) -> TransferProcess:
    """A pull's consumer with its data address on the way out; `storing`: somebody may be storing one right now."""
    if process.has_address or storing:
        process = process.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
    if storing:
        process = process.with_intents(steps.sweep(moment, IntentKind.DROP_SECRET))
    return replace(process, has_address=False)


def deprovision(process: TransferProcess, moment: Moment, reason: str) -> TransferProcess:
    """Take away exactly what was created for this transfer; one that still runs is ended first."""
    if process.state in (TransferState.DEPROVISIONING, TransferState.DEPROVISIONED):
        return hurried(process, moment.now)
    ended = process
    if not process.is_final:
        fault = Fault("DEPROVISIONED_BY_CLIENT", reason or "the client deprovisioned it before it was complete")
        ended = terminate(process, fault, moment, tell_peer=True)
    ended = enter(ended, TransferState.DEPROVISIONING, moment, "deprovisioning asked for", 16)
    if process.role is Role.PROVIDER or process.destination is None:
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


def on_termination(process: TransferProcess, received: Received, moment: Moment) -> TransferProcess:
    """The other side has ended it: so do we, with its cause."""
    fault = steps.content_fault(received.content, "PEER_TERMINATED")
    return terminate(process, fault, moment, tell_peer=False)


def gate(process: TransferProcess, received: Received) -> Decision[TransferProcess] | None:
    """The decision for a message that is not to be applied now: known already, repeated, or not allowed.

    One without an `@id` of its own is told from an earlier one by the state alone: a second suspension has the body of
    the first.
    """
    repeated = steps.known_message(process, received) if received.message_id != received.digest else None
    if repeated is not None:
        return repeated
    accepts, known = (PULL_ACCEPTS, PULL_KNOWN) if process.is_pull else (PUSH_ACCEPTS, PUSH_KNOWN)
    states = accepts[process.role].get(received.kind, frozenset())
    if process.state in states or seen_state(process) in states:
        return None
    if process.state in known[process.role].get(received.kind, frozenset()):
        return Decision(process)
    return Decision(process, refused=f"{received.kind.value} is not allowed in state {process.state.value}")


def seen_state(process: TransferProcess) -> TransferState:
    """The state as the other side may see it: a start that is being told may have arrived, its answer may not."""
    is_told = any(steps.message_of(it) == MessageKind.TRANSFER_START.value for it in process.intents)
    return TransferState.STARTED if process.state is TransferState.STARTING and is_told else process.state


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
