"""What the provider's side of a transfer decides (steps 6-12). Pure: no I/O, no clock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ferry.control_plane import (
    client_orders,
    failure_decisions,
    flow_reports,
    pull_decisions,
    renewal_decisions,
    steps,
    suspension_decisions,
)
from ferry.control_plane import transfer_decisions as common
from ferry.domain.data_address import AZURE_STORAGE_PUSH, DestinationAddress, SourceAddress
from ferry.domain.decision import (
    Command,
    Decision,
    Done,
    Failed,
    FlowReport,
    Look,
    Moment,
    Poisoned,
    Received,
    Task,
)
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import HistoryEntry, Intent, IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import Destination, TransferProcess

type Outcome = Decision[TransferProcess]

# So much longer than for a push is the longest pause between questions about the flow of a pull.
_PULL_PATIENCE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferDemand:
    """A consumer's TransferRequestMessage that was found good (step 6). The SAS travels beside it.

    A pull has no destination. `data_plane` is the data plane that is to run it; None: our own.
    """

    process_id: str
    consumer_pid: str
    counter_party_id: str
    callback_address: str
    agreement_id: str
    asset_id: str
    source: SourceAddress
    destination: DestinationAddress | None = None
    request_digest: str
    message_id: str = ""
    transfer_type: str = AZURE_STORAGE_PUSH
    sas_expires_at: datetime | None = None
    agreement_ends_at: datetime | None = None
    data_plane: str | None = None
    trace_parent: str | None = None


def accept(demand: TransferDemand, moment: Moment) -> TransferProcess:
    """A new process under the id that peer and consumer pid give; its secret gets a name of our own."""
    now = moment.now
    process = TransferProcess(
        id=demand.process_id,
        role=Role.PROVIDER,
        state=TransferState.INITIAL,
        created_at=now,
        state_at=now,
        deadline_at=steps.deadline(moment, TransferState.INITIAL.value),
        counter_party_id=demand.counter_party_id,
        counter_party_address=demand.callback_address,
        correlation_id=demand.consumer_pid,
        agreement_id=demand.agreement_id,
        asset_id=demand.asset_id,
        transfer_type=demand.transfer_type,
        agreement_ends_at=demand.agreement_ends_at,
        data_plane=demand.data_plane,
        request_digest=demand.request_digest,
        source=demand.source,
        history=(HistoryEntry(now, TransferState.INITIAL.value, "transfer requested by the consumer", 5),),
        trace_parent=demand.trace_parent,
    )
    if demand.message_id:
        process = process.applied(demand.message_id, demand.request_digest)
    if process.is_pull or demand.destination is None:
        return pull_decisions.begun(process, moment)
    destination = _destination(demand, demand.destination, moment)
    return replace(process, destination=destination).with_intents(steps.intent(moment, IntentKind.STORE_ADDRESS))


def _destination(demand: TransferDemand, told: DestinationAddress, moment: Moment) -> Destination:
    return Destination(
        account=told.account,
        endpoint=told.endpoint,
        container=told.container or "",
        folder=told.folder,
        blob_name=told.blob_name,
        marker=told.marker,
        secret_name=f"ferry-sas-{moment.ids.fresh()}",
        sas_expires_at=demand.sas_expires_at,
        managed=False,
        renews=told.renews,
        renew_at=renewal_decisions.renew_at(renews=told.renews, expires_at=demand.sas_expires_at, now=moment.now),
    )


def decide(process: TransferProcess, task: Task, moment: Moment) -> Outcome:
    """The process after the task."""
    match task:
        case Look():
            return Decision(_look(process, moment))
        case Done():
            waiting = process.intent(task.intent_id)
            return Decision(_late(process, task, moment) if waiting is None else _done(process, waiting, task, moment))
        case Failed():
            return Decision(failure_decisions.after_failure(process, task, moment))
        case Received():
            return _received(process, task, moment)
        case FlowReport():
            return Decision(flow_reports.reported(process, task, moment))
        case Command():
            return client_orders.commanded(process, task, moment)
        case Poisoned():
            return Decision(failure_decisions.after_poison(process, task, moment))
        case _:
            return Decision(process)


def next_look_at(process: TransferProcess, moment: Moment) -> datetime | None:
    """When this process wants to be looked at for its own sake: to ask the data plane, or its deadline."""
    times = [it for it in (process.deadline_at, renewal_decisions.next_look_at(process)) if it is not None]
    if _awaits_flow(process):
        waited = (moment.now - process.state_at).total_seconds()
        limits = moment.limits
        # Of a pull nothing is expected but that its client says when it has read everything.
        longest = limits.last_look_seconds * (_PULL_PATIENCE if process.state is TransferState.STARTED else 1)
        longest = longest if process.is_pull else limits.last_look_seconds
        times.append(moment.now + timedelta(seconds=max(limits.first_look_seconds, min(longest, waited))))
    return min(times, default=None)


def _awaits_flow(process: TransferProcess) -> bool:
    """Whether the next news is the data plane's: of a pull also the address, where it did not answer with one."""
    waits = process.state is TransferState.STARTED or (process.is_pull and process.state is TransferState.STARTING)
    return waits and all(intent.kind is IntentKind.RENEW_ADDRESS for intent in process.intents)


def _look(process: TransferProcess, moment: Moment) -> TransferProcess:
    process = steps.without_given_up(process, moment.now)
    if process.is_final or process.state is TransferState.DEPROVISIONING:
        return process
    if process.deadline_at is not None and moment.now >= process.deadline_at:
        return _overdue(process, moment)
    process = renewal_decisions.looked_at(process, moment)
    return process.with_intents(steps.intent(moment, IntentKind.CHECK_DATA_FLOW)) if _awaits_flow(process) else process


def _overdue(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The deadline has passed."""
    if process.state is TransferState.COMPLETING:
        return failure_decisions.unacknowledged(process, moment, "no answer of the consumer")
    if process.state in (TransferState.SUSPENDING, TransferState.RESUMING):
        return suspension_decisions.overdue(process, moment)
    asking = next((i for i in process.intents if i.kind is IntentKind.ASK_PEER), None)
    fault = common.late_fault(process, moment)
    fault = steps.content_fault(asking.detail, fault.code) if asking else fault
    return common.terminate(process, fault, moment, tell_peer=True)


def _done(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    process = process.without_intent(waiting.id)
    match waiting.kind:
        case IntentKind.STORE_ADDRESS:
            if process.is_final:
                return process
            entered = common.enter(process, TransferState.STARTING, moment, "SAS stored in our vault", 6)
            start = steps.send(moment, MessageKind.TRANSFER_START)
            return entered.with_intents(start, steps.intent(moment, IntentKind.START_DATA_FLOW))
        case IntentKind.SEND_MESSAGE:
            return _sent(process, waiting, moment)
        case IntentKind.START_DATA_FLOW | IntentKind.CHECK_DATA_FLOW | IntentKind.RESUME_DATA_FLOW:
            return flow_reports.answered(process, waiting, done, moment)
        case IntentKind.SUSPEND_DATA_FLOW:
            stands = flow_reports.answered(process, waiting, done, moment)
            return suspension_decisions.flow_stands(stands, waiting, moment)
        case IntentKind.RENEW_ADDRESS:
            return renewal_decisions.renewed(process, done, moment)
        case IntentKind.ASK_PEER:
            return flow_reports.peer_answered(process, waiting, done, moment)
        case _:
            return common.settle_deprovisioning(process, moment)


def _late(process: TransferProcess, done: Done, moment: Moment) -> TransferProcess:
    """The result of an effect whose intent was withdrawn meanwhile: what it has left behind is taken away again."""
    is_start = done.kind in (IntentKind.START_DATA_FLOW, IntentKind.RESUME_DATA_FLOW)
    runs = is_start and done.result.get("state") in flow_reports.RUNNING
    if process.state in (TransferState.SUSPENDING, TransferState.SUSPENDED) and runs:
        return process.with_intents(steps.intent(moment, IntentKind.SUSPEND_DATA_FLOW))
    if not (process.is_final or process.state is TransferState.DEPROVISIONING):
        return process
    if done.kind in (IntentKind.STORE_ADDRESS, IntentKind.RENEW_ADDRESS):
        return process.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
    if is_start and (runs or process.state is not TransferState.COMPLETED):
        process = common.with_flow_ended(process, moment)
    if is_start and process.is_pull:
        return process.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
    return process


def _sent(process: TransferProcess, waiting: Intent, moment: Moment) -> TransferProcess:
    message = steps.message_of(waiting)
    if message == MessageKind.TRANSFER_START.value and process.state is TransferState.STARTING:
        return common.enter(process, TransferState.STARTED, moment, "start told to the consumer", 7)
    if message in (MessageKind.TRANSFER_SUSPENSION.value, MessageKind.TRANSFER_START.value):
        return suspension_decisions.told(process, moment)
    if message == MessageKind.TRANSFER_COMPLETION.value and process.state is TransferState.COMPLETING:
        what = "completion told to the consumer"
        if process.is_pull:
            return pull_decisions.completed(process, moment, what)
        return common.enter(process, TransferState.COMPLETED, moment, what, 12)
    return process


def _received(process: TransferProcess, received: Received, moment: Moment) -> Outcome:
    if received.content.get("consumerPid") != process.correlation_id:
        return Decision(process, refused=f"consumerPid is not {process.correlation_id}")
    verdict = common.gate(process, received)
    if verdict is not None:
        return verdict
    return Decision(_applied(process.applied(received.message_id, received.digest), received, moment))


def _applied(process: TransferProcess, received: Received, moment: Moment) -> TransferProcess:
    match received.kind:
        case MessageKind.TRANSFER_START:
            return suspension_decisions.resumed_by_consumer(process, moment)
        case MessageKind.TRANSFER_SUSPENSION:
            return suspension_decisions.suspended_by_peer(process, received, moment)
        case MessageKind.TRANSFER_COMPLETION if process.is_pull:
            return pull_decisions.completed_by_peer(process, moment)
        case MessageKind.TRANSFER_COMPLETION:
            return _completed_by_consumer(process, moment)
        case _:
            return common.on_termination(process, received, moment)


def _completed_by_consumer(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The consumer has what it wants; a copy that still runs is stopped."""
    runs = process.state in common.FLOWING
    done = common.without_renewal(process, moment).without_kinds(*common.UNFINISHED_WORK)
    over = common.enter(done, TransferState.COMPLETED, moment, "said to be complete by the consumer", 12)
    if not runs:
        return over
    return common.with_flow_ended(over, moment).with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
