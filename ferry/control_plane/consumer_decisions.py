"""What the consumer's side of a transfer decides (steps 1-5 and 13-18). Pure: no I/O, no clock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ferry.control_plane import (
    client_orders,
    failure_decisions,
    prepared_flows,
    pull_decisions,
    renewal_decisions,
    steps,
    suspension_decisions,
)
from ferry.control_plane import delivery_decisions as delivery
from ferry.control_plane import transfer_decisions as common
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.contracts import ContractAgreement
from ferry.domain.data_address import AZURE_STORAGE_PUSH, DestinationAddress
from ferry.domain.decision import (
    Claim,
    ClaimSource,
    Command,
    Decision,
    Done,
    Failed,
    FlowReport,
    Look,
    Moment,
    Poisoned,
    Received,
    RenewalAsked,
    Task,
)
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import HistoryEntry, Intent, IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import Destination, TransferProcess

type Outcome = Decision[TransferProcess]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOrder:
    """What a client asks for when it starts a transfer (step 1). `agreement`: where the caller has read it already.

    A pull has no destination, nor has what a data plane in another app receives: `data_plane` is that one's id, and
    `plane_metadata` what it is to know.
    """

    counter_party_id: str
    counter_party_address: str
    agreement_id: str
    asset_id: str
    destination: DestinationAddress | None = None
    managed: bool = True
    transfer_type: str = AZURE_STORAGE_PUSH
    sas_seconds: float | None = None
    process_id: str | None = None
    request_digest: str = ""
    trace_parent: str | None = None
    agreement: ContractAgreement | None = None
    agreement_ends_at: datetime | None = None
    purpose: str | None = None
    callbacks: tuple[CallbackAddress, ...] = ()
    data_plane: str | None = None
    plane_metadata: JsonObject | None = None


def initiate(order: TransferOrder, moment: Moment) -> TransferProcess:
    """A new process with all the names that it will need (step 1)."""
    now = moment.now
    process_id = order.process_id or moment.ids.fresh()
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
        agreement_ends_at=order.agreement_ends_at,
        purpose=order.purpose,
        callbacks=order.callbacks,
        history=(HistoryEntry(now, TransferState.INITIAL.value, "transfer asked for", 1),),
        trace_parent=order.trace_parent,
    )
    if order.data_plane is not None:
        chosen = replace(process, data_plane=order.data_plane, plane_metadata=order.plane_metadata)
        return prepared_flows.begun(chosen, moment)
    if process.is_pull or order.destination is None:
        return pull_decisions.begun(process, moment)
    process = replace(process, destination=_destination(order, order.destination, process_id, moment))
    process = common.enter(process, TransferState.PREPARATION_REQUESTED, moment, "preparing the destination")
    return process.with_intents(steps.intent(moment, IntentKind.PREPARE_DESTINATION))


def _destination(order: TransferOrder, wanted: DestinationAddress, process_id: str, moment: Moment) -> Destination:
    return Destination(
        account=wanted.account,
        endpoint=wanted.endpoint,
        container=wanted.container or f"ferry-{process_id}",
        folder=wanted.folder,
        blob_name=wanted.blob_name,
        key_name=wanted.key_name,
        managed=order.managed,
        marker=".complete" if order.managed else f".{process_id}.complete",
        secret_name=f"ferry-sas-{moment.ids.fresh()}",
        policy_id=moment.ids.fresh(),
        sas_expires_at=moment.now + timedelta(seconds=order.sas_seconds or moment.limits.sas_seconds),
    )


def decide(process: TransferProcess, task: Task, moment: Moment) -> Outcome:
    """The process after the task."""
    match task:
        case Look():
            return Decision(_look(process, task, moment))
        case Done():
            waiting = process.intent(task.intent_id)
            return Decision(_late(process, task, moment) if waiting is None else _done(process, waiting, task, moment))
        case Failed():
            return Decision(failure_decisions.after_failure(process, task, moment))
        case Received():
            return _received(process, task, moment)
        case Claim():
            return Decision(delivery.claimed(process, task.source, moment))
        case FlowReport() if prepared_flows.is_prepared_elsewhere(process):
            has_address = task.address is not None and not process.is_pull
            return Decision(prepared_flows.reported(process, task, moment, has_address=has_address))
        case Command():
            return client_orders.commanded(process, task, moment)
        case RenewalAsked():
            return renewal_decisions.asked(process, task, moment)
        case Poisoned():
            return Decision(failure_decisions.after_poison(process, task, moment))
        case _:
            return Decision(process)


def next_look_at(process: TransferProcess, moment: Moment) -> datetime | None:
    """When this process wants to be looked at for its own sake: to see whether the data is there, or its deadline."""
    times = [process.deadline_at] if process.deadline_at else []
    if prepared_flows.is_prepared_elsewhere(process) and (at := prepared_flows.next_look_at(process, moment)):
        times.append(at)
    if process.state in delivery.WAITING and process.destination is not None:
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
        return _overdue(process, moment)
    if prepared_flows.is_prepared_elsewhere(process):
        return prepared_flows.look(process, moment)
    return delivery.claimed(process, ClaimSource.LOOK, moment) if process.state in delivery.WAITING else process


def _overdue(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The deadline has passed."""
    if process.state in (TransferState.SUSPENDING, TransferState.RESUMING):
        return suspension_decisions.overdue(process, moment)
    if process.is_pull and process.state is TransferState.COMPLETING:
        return failure_decisions.unacknowledged(process, moment, "no answer of the provider")
    fault = common.late_fault(process, moment)
    return common.terminate(process, fault, moment, tell_peer=True)


def _done(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    process = common.noted_steps(process.without_intent(waiting.id), done.result.get("steps"), moment)
    match waiting.kind:
        case IntentKind.PREPARE_DESTINATION:
            issued = renewal_decisions.prepared(process, done, moment)
            entered = common.enter(issued, TransferState.REQUESTING, moment, "destination is ready")
            return entered.with_intents(steps.send(moment, MessageKind.TRANSFER_REQUEST))
        case IntentKind.PREPARE_DATA_FLOW | IntentKind.CHECK_DATA_FLOW:
            return prepared_flows.answered(process, waiting, done, moment)
        case IntentKind.SEND_MESSAGE:
            return _sent(process, waiting, done, moment)
        case IntentKind.ASK_PEER:
            return suspension_decisions.provider_answered(process, done, moment)
        case IntentKind.STORE_ADDRESS:
            return pull_decisions.address_stored(process, moment)
        case IntentKind.EXTEND_ACCESS:
            return renewal_decisions.extended(process, done, moment)
        case IntentKind.VERIFY_DELIVERY:
            return delivery.verified(process, waiting, done.result, moment)
        case IntentKind.REVOKE_ACCESS:
            return common.settle_deprovisioning(_revoked(process, waiting, done.result, moment), moment)
        case _:
            return common.settle_deprovisioning(process, moment)


def _late(process: TransferProcess, done: Done, moment: Moment) -> TransferProcess:
    """The result of an effect whose intent was withdrawn meanwhile: what it has created is taken away again."""
    over = process.is_final or process.state is TransferState.DEPROVISIONING
    if done.kind is IntentKind.STORE_ADDRESS and over:
        return process.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
    if done.kind is IntentKind.EXTEND_ACCESS and over:
        # It has been withdrawn before, and said to be.
        return process.with_intents(Intent(moment.ids.fresh(), IntentKind.REVOKE_ACCESS, {"sweep": True}))
    if done.kind is not IntentKind.PREPARE_DESTINATION or not over:
        return process
    undone = process.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))
    if process.state in (TransferState.DEPROVISIONING, TransferState.DEPROVISIONED):
        undone = undone.with_intents(Intent(moment.ids.fresh(), IntentKind.REMOVE_DESTINATION, {"sweep": True}))
    return undone


def _sent(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    message = steps.message_of(waiting)
    if message == MessageKind.TRANSFER_COMPLETION.value and process.state is TransferState.COMPLETING:
        return pull_decisions.completed(process, moment, "completion told to the provider")
    if message in (MessageKind.TRANSFER_SUSPENSION.value, MessageKind.TRANSFER_START.value):
        return suspension_decisions.told(process, moment)
    if message != MessageKind.TRANSFER_REQUEST.value:
        return process
    provider_pid = done.result.get("providerPid")
    if isinstance(provider_pid, str) and process.correlation_id is None:
        process = replace(process, correlation_id=provider_pid)
    if process.state is not TransferState.REQUESTING:
        return process
    return common.enter(process, TransferState.REQUESTED, moment, "request sent to the provider", 5)


def _revoked(process: TransferProcess, waiting: Intent, result: JsonObject, moment: Moment) -> TransferProcess:
    is_swept = common.is_sweep(waiting.detail) and not isinstance(result.get("purge_at"), str)
    return process if is_swept else delivery.revoked(process, result, moment)


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
    return Decision(_applied(learned.applied(received.message_id, received.digest), received, moment))


def _applied(process: TransferProcess, received: Received, moment: Moment) -> TransferProcess:
    match received.kind:
        case MessageKind.TRANSFER_START if process.is_pull:
            return pull_decisions.start_told(process, received, moment)
        case MessageKind.TRANSFER_START:
            return _started(process, moment)
        case MessageKind.TRANSFER_COMPLETION if process.destination is None:
            return pull_decisions.completed_by_peer(process, moment)
        case MessageKind.TRANSFER_COMPLETION:
            return delivery.said_complete(process, moment)
        case MessageKind.TRANSFER_SUSPENSION:
            return suspension_decisions.suspended_by_peer(process, received, moment)
        case _:
            return common.on_termination(process, received, moment)


def _started(process: TransferProcess, moment: Moment) -> TransferProcess:
    """A start may overtake the answer to our request: then the request has arrived, and is not sent again."""
    process = process.without_kinds(IntentKind.SEND_MESSAGE)
    return common.enter(process, TransferState.STARTED, moment, "the provider has started", 7)
