"""What the consumer's side of a transfer decides (steps 1-5 and 13-18). Pure: no I/O, no clock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ferry.control_plane import steps
from ferry.control_plane import transfer_decisions as common
from ferry.domain.contracts import ContractAgreement
from ferry.domain.data_address import AZURE_STORAGE_PUSH, DestinationAddress
from ferry.domain.decision import (
    Claim,
    ClaimSource,
    Command,
    CommandKind,
    Decision,
    Done,
    Failed,
    Look,
    Moment,
    Poisoned,
    Received,
    Task,
)
from ferry.domain.faults import Fault
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import HistoryEntry, Intent, IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import Destination, TransferProcess

type Outcome = Decision[TransferProcess]

_WAITING = frozenset({TransferState.REQUESTED, TransferState.STARTED})
# A look that is due within this time is waited for.
_SOON = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOrder:
    """What a client asks for when it starts a transfer (step 1). `agreement`: where the caller has read it already."""

    counter_party_id: str
    counter_party_address: str
    agreement_id: str
    asset_id: str
    destination: DestinationAddress
    managed: bool = True
    transfer_type: str = AZURE_STORAGE_PUSH
    sas_seconds: float | None = None
    process_id: str | None = None
    request_digest: str = ""
    trace_parent: str | None = None
    agreement: ContractAgreement | None = None


def initiate(order: TransferOrder, moment: Moment) -> TransferProcess:
    """A new process with all the names that it will need (step 1)."""
    now = moment.now
    process_id = order.process_id or moment.ids.fresh()
    container = order.destination.container or f"ferry-{process_id}"
    destination = Destination(
        account=order.destination.account,
        endpoint=order.destination.endpoint,
        container=container,
        folder=order.destination.folder,
        blob_name=order.destination.blob_name,
        key_name=order.destination.key_name,
        managed=order.managed,
        marker=".complete" if order.managed else f".{process_id}.complete",
        secret_name=f"ferry-sas-{moment.ids.fresh()}",
        policy_id=moment.ids.fresh(),
        sas_expires_at=now + timedelta(seconds=order.sas_seconds or moment.limits.sas_seconds),
    )
    process = TransferProcess(
        id=process_id,
        role=Role.CONSUMER,
        state=TransferState.INITIAL,
        created_at=now,
        state_at=now,
        counter_party_id=order.counter_party_id,
        counter_party_address=order.counter_party_address,
        agreement_id=order.agreement_id,
        asset_id=order.asset_id,
        transfer_type=order.transfer_type,
        request_digest=order.request_digest,
        destination=destination,
        history=(HistoryEntry(now, TransferState.INITIAL.value, "transfer asked for", 1),),
        trace_parent=order.trace_parent,
    )
    process = common.enter(process, TransferState.PREPARATION_REQUESTED, moment, "preparing the destination")
    return process.with_intents(steps.intent(moment, IntentKind.PREPARE_DESTINATION))


def decide(process: TransferProcess, task: Task, moment: Moment) -> Outcome:
    """The process after the task."""
    match task:
        case Look():
            return Decision(_look(process, task, moment))
        case Done():
            waiting = process.intent(task.intent_id)
            return Decision(_late(process, task, moment) if waiting is None else _done(process, waiting, task, moment))
        case Failed():
            return Decision(common.after_failure(process, task, moment))
        case Received():
            return _received(process, task, moment)
        case Claim():
            return Decision(_claimed(process, task.source, moment))
        case Command():
            return _commanded(process, task, moment)
        case Poisoned():
            return Decision(common.after_poison(process, task, moment))
        case _:
            return Decision(process)


def next_look_at(process: TransferProcess, moment: Moment) -> datetime | None:
    """When this process wants to be looked at for its own sake: to see whether the data is there, or its deadline."""
    times = [process.deadline_at] if process.deadline_at else []
    if process.state in _WAITING:
        waited = (moment.now - process.state_at).total_seconds()
        limits = moment.limits
        pause = max(limits.first_look_seconds, min(limits.last_look_seconds, waited))
        times.append(moment.now + timedelta(seconds=pause))
    return min(times, default=None)


def _look(process: TransferProcess, look: Look, moment: Moment) -> TransferProcess:
    process = steps.without_given_up(process, moment.now)
    if process.is_final or process.state is TransferState.DEPROVISIONING:
        return process
    if process.deadline_at is not None and moment.now >= process.deadline_at:
        fault = steps.late_fault(process, moment, common.STEP_OF_STATE.get(process.state))
        return common.terminate(process, fault, moment, tell_peer=True)
    return _claimed(process, ClaimSource.LOOK, moment) if process.state in _WAITING else process


def _claimed(process: TransferProcess, source: ClaimSource, moment: Moment) -> TransferProcess:
    """Somebody says that the data is there: check it. A look is a question only, so it moves no state.

    The trigger's news of a small transfer comes together with the provider's message and shortly before the first look:
    it is left to them, since checking twice at once would cost twice. Where no look is near it is enough alone.
    """
    open_states = _WAITING | {TransferState.REQUESTING}
    if process.state not in open_states or process.has_intent(IntentKind.VERIFY_DELIVERY):
        return process
    soon = moment.now + _SOON
    if source is ClaimSource.TRIGGER and process.look is not None and moment.now < process.look.at <= soon:
        return process
    check = steps.intent(moment, IntentKind.VERIFY_DELIVERY, {"claim": source.value})
    if source is not ClaimSource.MESSAGE:
        return process.with_intents(check)
    entered = common.enter(process, TransferState.COMPLETING, moment, f"said to be complete by {source.value}", 13)
    return entered.without_kinds(IntentKind.SEND_MESSAGE).with_intents(check)


def _done(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    process = common.noted_steps(process.without_intent(waiting.id), done.result.get("steps"), moment)
    match waiting.kind:
        case IntentKind.PREPARE_DESTINATION:
            entered = common.enter(process, TransferState.REQUESTING, moment, "destination is ready")
            return entered.with_intents(steps.send(moment, MessageKind.TRANSFER_REQUEST))
        case IntentKind.SEND_MESSAGE:
            return _sent(process, waiting, done, moment)
        case IntentKind.VERIFY_DELIVERY:
            return _verified(process, waiting, done.result, moment)
        case IntentKind.REVOKE_ACCESS:
            return common.settle_deprovisioning(_revoked(process, waiting, done.result, moment), moment)
        case _:
            return common.settle_deprovisioning(process, moment)


def _late(process: TransferProcess, done: Done, moment: Moment) -> TransferProcess:
    """The result of an effect whose intent was withdrawn meanwhile: what it has created is taken away again."""
    over = process.is_final or process.state is TransferState.DEPROVISIONING
    if done.kind is not IntentKind.PREPARE_DESTINATION or not over:
        return process
    undone = process.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))
    if process.state in (TransferState.DEPROVISIONING, TransferState.DEPROVISIONED):
        undone = undone.with_intents(Intent(moment.ids.fresh(), IntentKind.REMOVE_DESTINATION, {"sweep": True}))
    return undone


def _sent(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    if steps.message_of(waiting) != MessageKind.TRANSFER_REQUEST.value:
        return process
    provider_pid = done.result.get("providerPid")
    if isinstance(provider_pid, str) and process.correlation_id is None:
        process = replace(process, correlation_id=provider_pid)
    if process.state is not TransferState.REQUESTING:
        return process
    return common.enter(process, TransferState.REQUESTED, moment, "request sent to the provider", 5)


def _revoked(process: TransferProcess, waiting: Intent, result: JsonObject, moment: Moment) -> TransferProcess:
    purge_at = result.get("purge_at")
    if isinstance(purge_at, str) and process.destination is not None:
        return replace(process, destination=replace(process.destination, purge_at=datetime.fromisoformat(purge_at)))
    if common.is_sweep(waiting.detail):
        return process
    return process.noted(moment.now, "SAS revoked, its secret deleted", 17)


def _verified(process: TransferProcess, waiting: Intent, result: JsonObject, moment: Moment) -> TransferProcess:
    outcome = result.get("outcome")
    if process.state not in _WAITING | {TransferState.REQUESTING, TransferState.COMPLETING}:
        return process
    by_message = process.state is TransferState.COMPLETING
    cursor = result.get("cursor")
    if outcome == "slice" and isinstance(cursor, dict):
        again = Intent(moment.ids.fresh(), IntentKind.VERIFY_DELIVERY, waiting.detail)
        return replace(process, verify_cursor=cursor).with_intents(again)
    if outcome == "mismatch":
        detail = result.get("detail")
        text = f"what arrived is not what the marker says: {detail}. Start the transfer again."
        fault = Fault("VERIFICATION_FAILED", text, retryable=True, step=13)
        return common.terminate(process, fault, moment, tell_peer=True)
    if outcome == "verified" or (by_message and outcome in ("absent", "unmarked")):
        return _completed(process, waiting, result, moment)
    return process


def _completed(process: TransferProcess, waiting: Intent, result: JsonObject, moment: Moment) -> TransferProcess:
    verified = result.get("outcome") == "verified"
    if process.state is not TransferState.COMPLETING:
        claim = waiting.detail.get("claim")
        process = common.enter(process, TransferState.COMPLETING, moment, f"found complete by {claim}", 13)
    # The marker may be there before any answer or message of the provider has told us its pid.
    provider_pid = result.get("provider_pid")
    process = replace(
        process.without_kinds(IntentKind.SEND_MESSAGE),
        correlation_id=process.correlation_id or (provider_pid if isinstance(provider_pid, str) else None),
        verification="manifest" if verified else "none",
        delivered={key: result[key] for key in ("blobs", "bytes", "root") if key in result},
        verify_cursor=None,
    )
    what = "data is there and verified" if verified else "the provider says that it is complete; it wrote no manifest"
    done = common.enter(process, TransferState.COMPLETED, moment, what, 13)
    return done.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))


def _received(process: TransferProcess, received: Received, moment: Moment) -> Outcome:
    provider_pid = received.content.get("providerPid")
    if process.correlation_id is None and isinstance(provider_pid, str) and provider_pid:
        learned = replace(process, correlation_id=provider_pid)
        if process.error is not None and received.kind is not MessageKind.TRANSFER_TERMINATION:
            process = learned = common.notify_termination(learned, process.error, moment)
    elif process.correlation_id != provider_pid:
        return Decision(process, refused=f"providerPid is not {process.correlation_id}")
    else:
        learned = process
    verdict = common.gate(learned, received)
    if verdict is not None:
        # Where it is refused, even the pid that it brought is forgotten.
        return verdict if verdict.refused is None else replace(verdict, process=process)
    process = learned.applied(received.message_id, received.digest)
    match received.kind:
        case MessageKind.TRANSFER_START:
            return Decision(_started(process, moment))
        case MessageKind.TRANSFER_COMPLETION:
            return Decision(_said_complete(process, moment))
        case _:
            return Decision(common.on_termination(process, received, moment))


def _started(process: TransferProcess, moment: Moment) -> TransferProcess:
    """A start may overtake the answer to our request: then the request has arrived, and is not sent again."""
    process = process.without_kinds(IntentKind.SEND_MESSAGE)
    return common.enter(process, TransferState.STARTED, moment, "the provider has started", 7)


def _said_complete(process: TransferProcess, moment: Moment) -> TransferProcess:
    process = process.without_kinds(IntentKind.VERIFY_DELIVERY)
    return _claimed(process, ClaimSource.MESSAGE, moment)


def _commanded(process: TransferProcess, command: Command, moment: Moment) -> Outcome:
    if command.kind is CommandKind.DEPROVISION:
        return Decision(common.deprovision(process, moment, command.reason))
    if process.is_final or process.state is TransferState.DEPROVISIONING:
        return Decision(process, refused=f"terminate is not allowed in state {process.state.value}")
    fault = Fault("TERMINATED_BY_CLIENT", command.reason or "terminated by the client")
    return Decision(common.terminate(process, fault, moment, tell_peer=True))
