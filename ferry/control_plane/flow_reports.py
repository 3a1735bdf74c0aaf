"""What the provider's side of a transfer makes of its data plane's news (steps 7-12). Pure: no I/O, no clock."""

from dataclasses import replace
from datetime import timedelta

from ferry.control_plane import steps, suspension_decisions
from ferry.control_plane import transfer_decisions as common
from ferry.domain.decision import Done, FlowReport, Moment
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Intent, IntentKind, Json
from ferry.domain.states import FlowState, TransferState
from ferry.domain.transfer_process import TransferProcess

_S = TransferState

_ON_THE_WAY = frozenset({FlowState.PREPARING.value, FlowState.PREPARED.value, FlowState.STARTING.value})
RUNNING = _ON_THE_WAY | {FlowState.STARTED.value}
# How it looks from here when the consumer takes access back. It does so when it has found everything, too.
_WITHDRAWN = frozenset({FaultCode.SAS_REFUSED.value, FaultCode.DESTINATION_GONE.value})


def answered(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    """The data plane's answer to an order or a question; a push that it does not know is started (again)."""
    state, flow_id = done.result.get("state"), done.result.get("flow")
    if isinstance(flow_id, str) and flow_id and flow_id != process.id:
        process = replace(process, data_flow_id=flow_id)
    if not isinstance(state, str):
        return _unknown(process, waiting, moment)
    summary, fault = done.result.get("summary"), done.result.get("fault")
    report = FlowReport(
        state,
        summary if isinstance(summary, dict) else {},
        steps.content_fault(fault, "DATA_FLOW_FAILED") if isinstance(fault, dict) else None,
    )
    return reported(process, report, moment, resumed=waiting.kind is IntentKind.RESUME_DATA_FLOW)


def reported(process: TransferProcess, report: FlowReport, moment: Moment, *, resumed: bool = False) -> TransferProcess:
    """What the data plane says of the flow; `resumed`: in answer to the order to go on."""
    if process.state not in common.FLOWING:
        return process
    process = process.without_kinds(IntentKind.START_DATA_FLOW, IntentKind.CHECK_DATA_FLOW)
    if report.state in RUNNING:
        is_new = resumed or report.address is not None
        return _runs(process, report, moment, is_new=is_new)
    if report.state == FlowState.SUSPENDED.value:
        return _stands(process, moment)
    if report.state == FlowState.COMPLETED.value:
        return _is_done(process, report, moment)
    fault = report.fault or Fault("DATA_FLOW_FAILED", f"the data flow of {process.id} ended {report.state}")
    if fault.code in _WITHDRAWN:
        return _asking(process, fault, moment)
    return common.terminate(process, fault, moment, tell_peer=True)


def peer_answered(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    """How the consumer says that it stands: it may have found everything."""
    if process.state not in common.FLOWING:
        return process
    if done.result.get("state") == TransferState.COMPLETED.value:
        what = "the consumer has found everything there"
        done_with = common.without_renewal(process, moment).without_kinds(*common.UNFINISHED_WORK)
        ended = common.enter(done_with, _S.COMPLETED, moment, what, 12)
        ended = ended.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))
        return ended if waiting.detail else common.with_flow_ended(ended, moment)
    if not waiting.detail:
        return process
    fault = steps.content_fault(waiting.detail, FaultCode.DATA_FLOW_FAILED.value)
    return common.terminate(process, fault, moment, tell_peer=True)


def _unknown(process: TransferProcess, waiting: Intent, moment: Moment) -> TransferProcess:
    if waiting.kind is not IntentKind.CHECK_DATA_FLOW or process.state not in (_S.STARTING, _S.STARTED):
        return process
    if process.is_pull and process.state is _S.STARTED:
        fault = Fault("DATA_FLOW_FAILED", f"the data plane does not know the flow of {process.id} any more", step=7)
        return common.terminate(process, fault, moment, tell_peer=True)
    return process.with_intents(steps.intent(moment, IntentKind.START_DATA_FLOW))


def _runs(process: TransferProcess, report: FlowReport, moment: Moment, *, is_new: bool) -> TransferProcess:
    """A pull that is ready is told to the consumer, with its address; also where it has a new one."""
    resumed = process.without_kinds(IntentKind.RESUME_DATA_FLOW)
    if not process.is_pull or report.state in _ON_THE_WAY or _tells_start(process):
        return resumed
    if process.state in (_S.STARTING, _S.RESUMING):
        return resumed.with_intents(steps.send(moment, MessageKind.TRANSFER_START))
    if process.state is _S.STARTED and is_new:
        return resumed.with_intents(suspension_decisions.confirmation(moment))
    return resumed


def _tells_start(process: TransferProcess) -> bool:
    return any(steps.message_of(it) == MessageKind.TRANSFER_START.value for it in process.intents)


def _stands(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The flow stands still: as it should, or since a suspension has overtaken the resumption after it."""
    should_run = process.state is _S.STARTED and not process.has_intent(IntentKind.RESUME_DATA_FLOW)
    return process.with_intents(steps.intent(moment, IntentKind.RESUME_DATA_FLOW)) if should_run else process


def _is_done(process: TransferProcess, report: FlowReport, moment: Moment) -> TransferProcess:
    """Everything is copied. What is suspended tells it when it is resumed: the data plane still knows it then."""
    is_told = any(steps.message_of(it) == MessageKind.TRANSFER_SUSPENSION.value for it in process.intents)
    if process.state is _S.SUSPENDED or is_told or (process.state is _S.RESUMING and not process.is_pull):
        return process
    process = common.noted_steps(common.without_renewal(process, moment), report.summary.get("steps"), moment)
    told: dict[str, Json] = {key: report.summary[key] for key in ("blobs", "bytes", "root") if key in report.summary}
    untold = process.is_pull and process.state in (_S.STARTING, _S.RESUMING) and not _tells_start(process)
    process = replace(process.without_kinds(*common.FLOW_WORK), delivered=told or None)
    what = "the data plane says that it is complete" if process.is_pull else "all is copied, the marker is written"
    entered = common.enter(process, _S.COMPLETING, moment, what, 12)
    if untold:
        entered = entered.with_intents(steps.send(moment, MessageKind.TRANSFER_START))
    entered = entered.with_intents(steps.send(moment, MessageKind.TRANSFER_COMPLETION))
    return entered if untold else entered.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))


def _asking(process: TransferProcess, fault: Fault, moment: Moment) -> TransferProcess:
    """Access was taken back during the copy: ask the consumer, for a while, whether it has found everything.

    So it is when the copy has died right after its marker, and the consumer was quicker than whoever took over.
    """
    if process.has_intent(IntentKind.ASK_PEER):
        return process
    until = moment.now + timedelta(seconds=moment.limits.notify_seconds)
    asking = replace(process, deadline_at=min(process.deadline_at or until, until))
    return asking.with_intents(steps.intent(moment, IntentKind.ASK_PEER, steps.fault_content(fault)))
