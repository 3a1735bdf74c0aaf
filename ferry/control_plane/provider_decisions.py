"""What the provider's side of a transfer decides (steps 6-12). Pure: no I/O, no clock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ferry.control_plane import steps
from ferry.control_plane import transfer_decisions as common
from ferry.domain.data_address import AZURE_STORAGE_PUSH, DestinationAddress, SourceAddress
from ferry.domain.decision import (
    Command,
    CommandKind,
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
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import HistoryEntry, Intent, IntentKind, Json
from ferry.domain.states import FlowState, TransferState
from ferry.domain.transfer_process import Destination, TransferProcess

type Outcome = Decision[TransferProcess]

# How it looks from here when the consumer takes access back. It does so when it has found everything, too.
_WITHDRAWN = frozenset({FaultCode.SAS_REFUSED.value, FaultCode.DESTINATION_GONE.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferDemand:
    """A consumer's TransferRequestMessage that was found good (step 6). The SAS travels beside it."""

    process_id: str
    consumer_pid: str
    counter_party_id: str
    callback_address: str
    agreement_id: str
    asset_id: str
    source: SourceAddress
    destination: DestinationAddress
    request_digest: str
    transfer_type: str = AZURE_STORAGE_PUSH
    sas_expires_at: datetime | None = None
    trace_parent: str | None = None


def accept(demand: TransferDemand, moment: Moment) -> TransferProcess:
    """A new process under the id that peer and consumer pid give; its secret gets a name of our own."""
    now = moment.now
    destination = Destination(
        account=demand.destination.account,
        endpoint=demand.destination.endpoint,
        container=demand.destination.container or "",
        folder=demand.destination.folder,
        blob_name=demand.destination.blob_name,
        marker=demand.destination.marker,
        secret_name=f"ferry-sas-{moment.ids.fresh()}",
        sas_expires_at=demand.sas_expires_at,
        managed=False,
    )
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
        request_digest=demand.request_digest,
        destination=destination,
        source=demand.source,
        history=(HistoryEntry(now, TransferState.INITIAL.value, "transfer requested by the consumer", 5),),
        trace_parent=demand.trace_parent,
    )
    return process.with_intents(steps.intent(moment, IntentKind.STORE_ADDRESS))


def decide(process: TransferProcess, task: Task, moment: Moment) -> Outcome:
    """The process after the task."""
    match task:
        case Look():
            return Decision(_look(process, moment))
        case Done():
            waiting = process.intent(task.intent_id)
            return Decision(_late(process, task, moment) if waiting is None else _done(process, waiting, task, moment))
        case Failed():
            return Decision(common.after_failure(process, task, moment))
        case Received():
            return _received(process, task, moment)
        case FlowReport():
            return Decision(_flow_reported(process, task, moment))
        case Command():
            return _commanded(process, task, moment)
        case Poisoned():
            return Decision(common.after_poison(process, task, moment))
        case _:
            return Decision(process)


def next_look_at(process: TransferProcess, moment: Moment) -> datetime | None:
    """When this process wants to be looked at for its own sake: to ask the data plane, or its deadline."""
    times = [process.deadline_at] if process.deadline_at else []
    if process.state is TransferState.STARTED and not process.intents:
        waited = (moment.now - process.state_at).total_seconds()
        limits = moment.limits
        pause = max(limits.first_look_seconds, min(limits.last_look_seconds, waited))
        times.append(moment.now + timedelta(seconds=pause))
    return min(times, default=None)


def _look(process: TransferProcess, moment: Moment) -> TransferProcess:
    process = steps.without_given_up(process, moment.now)
    if process.is_final or process.state is TransferState.DEPROVISIONING:
        return process
    if process.deadline_at is not None and moment.now >= process.deadline_at:
        if process.state is TransferState.COMPLETING:
            what = "delivered; the consumer has not acknowledged it"
            unsent = process.without_kinds(IntentKind.SEND_MESSAGE)
            return common.enter(unsent, TransferState.COMPLETED, moment, what, 12)
        asking = next((i for i in process.intents if i.kind is IntentKind.ASK_PEER), None)
        fault = steps.late_fault(process, moment, common.STEP_OF_STATE.get(process.state))
        fault = steps.content_fault(asking.detail, fault.code) if asking else fault
        return common.terminate(process, fault, moment, tell_peer=True)
    if process.state is TransferState.STARTED and not process.intents:
        return process.with_intents(steps.intent(moment, IntentKind.CHECK_DATA_FLOW))
    return process


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
        case IntentKind.START_DATA_FLOW | IntentKind.CHECK_DATA_FLOW:
            return _flow_answered(process, waiting, done, moment)
        case IntentKind.ASK_PEER:
            return _peer_answered(process, waiting, done, moment)
        case _:
            return common.settle_deprovisioning(process, moment)


def _late(process: TransferProcess, done: Done, moment: Moment) -> TransferProcess:
    """The result of an effect whose intent was withdrawn meanwhile: what it has left behind is taken away again."""
    if not (process.is_final or process.state is TransferState.DEPROVISIONING):
        return process
    if done.kind is IntentKind.STORE_ADDRESS:
        return process.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
    if done.kind is IntentKind.START_DATA_FLOW and process.state is not TransferState.COMPLETED:
        return process.with_intents(steps.intent(moment, IntentKind.TERMINATE_DATA_FLOW))
    return process


def _sent(process: TransferProcess, waiting: Intent, moment: Moment) -> TransferProcess:
    message = steps.message_of(waiting)
    if message == MessageKind.TRANSFER_START.value and process.state is TransferState.STARTING:
        return common.enter(process, TransferState.STARTED, moment, "start told to the consumer", 7)
    if message == MessageKind.TRANSFER_COMPLETION.value and process.state is TransferState.COMPLETING:
        return common.enter(process, TransferState.COMPLETED, moment, "completion told to the consumer", 12)
    return process


def _flow_answered(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    """The data plane's answer to start or status; a flow that it does not know is started (again)."""
    state = done.result.get("state")
    if not isinstance(state, str):
        if waiting.kind is IntentKind.CHECK_DATA_FLOW and process.state is TransferState.STARTED:
            return process.with_intents(steps.intent(moment, IntentKind.START_DATA_FLOW))
        return process
    summary, fault = done.result.get("summary"), done.result.get("fault")
    report = FlowReport(
        state,
        summary if isinstance(summary, dict) else {},
        steps.content_fault(fault, "DATA_FLOW_FAILED") if isinstance(fault, dict) else None,
    )
    return _flow_reported(process, report, moment)


def _flow_reported(process: TransferProcess, report: FlowReport, moment: Moment) -> TransferProcess:
    if process.state not in (TransferState.STARTING, TransferState.STARTED):
        return process
    process = process.without_kinds(IntentKind.START_DATA_FLOW, IntentKind.CHECK_DATA_FLOW)
    if report.state == FlowState.STARTED.value:
        return process
    if report.state != FlowState.COMPLETED.value:
        fault = report.fault or Fault("DATA_FLOW_FAILED", f"the data flow of {process.id} ended {report.state}")
        if fault.code in _WITHDRAWN:
            return _asking(process, fault, moment)
        return common.terminate(process, fault, moment, tell_peer=True)
    process = common.noted_steps(process, report.summary.get("steps"), moment)
    told: dict[str, Json] = {key: report.summary[key] for key in ("blobs", "bytes", "root") if key in report.summary}
    process = replace(process, delivered=told)
    entered = common.enter(process, TransferState.COMPLETING, moment, "all is copied, the marker is written", 12)
    completion = steps.send(moment, MessageKind.TRANSFER_COMPLETION)
    return entered.with_intents(completion, steps.intent(moment, IntentKind.DROP_SECRET))


def _asking(process: TransferProcess, fault: Fault, moment: Moment) -> TransferProcess:
    """Access was taken back during the copy: ask the consumer, for a while, whether it has found everything.

    So it is when the copy has died right after its marker, and the consumer was quicker than whoever took over.
    """
    if process.has_intent(IntentKind.ASK_PEER):
        return process
    until = moment.now + timedelta(seconds=moment.limits.notify_seconds)
    asking = replace(process, deadline_at=min(process.deadline_at or until, until))
    return asking.with_intents(steps.intent(moment, IntentKind.ASK_PEER, steps.fault_content(fault)))


def _peer_answered(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    if process.state not in (TransferState.STARTING, TransferState.STARTED):
        return process
    if done.result.get("state") != TransferState.COMPLETED.value:
        fault = steps.content_fault(waiting.detail, FaultCode.DATA_FLOW_FAILED.value)
        return common.terminate(process, fault, moment, tell_peer=True)
    what = "the consumer has found everything there"
    entered = common.enter(process.without_kinds(*common.UNFINISHED_WORK), TransferState.COMPLETED, moment, what, 12)
    return entered.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))


def _received(process: TransferProcess, received: Received, moment: Moment) -> Outcome:
    if received.content.get("consumerPid") != process.correlation_id:
        return Decision(process, refused=f"consumerPid is not {process.correlation_id}")
    verdict = common.gate(process, received)
    if verdict is not None:
        return verdict
    process = process.applied(received.message_id, received.digest)
    return Decision(common.on_termination(process, received, moment))


def _commanded(process: TransferProcess, command: Command, moment: Moment) -> Outcome:
    if command.kind is CommandKind.DEPROVISION:
        return Decision(common.deprovision(process, moment, command.reason))
    if process.is_final or process.state is TransferState.DEPROVISIONING:
        return Decision(process, refused=f"terminate is not allowed in state {process.state.value}")
    fault = Fault("TERMINATED_BY_CLIENT", command.reason or "terminated by the provider's client")
    return Decision(common.terminate(process, fault, moment, tell_peer=True))
