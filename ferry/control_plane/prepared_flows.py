"""A consumer's transfer whose data plane is another app, of any maker: it prepares, and is kept in step. Pure.

The request leaves once the plane has said that the flow is prepared, in its answer or by a callback. From then on every
state that the transfer enters is told the plane: `started` with the provider's address, `suspend`, `resume`,
`completed`, `terminate`. This participant has no container in such a transfer and checks nothing: the other side's word
ends it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from ferry.control_plane import steps
from ferry.control_plane import transfer_decisions as common
from ferry.domain.decision import Decision, Done, FlowReport, Moment
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import FlowState, TransferState
from ferry.domain.transfer_process import TransferProcess

type Outcome = Decision[TransferProcess]

_S = TransferState
_PREPARING = frozenset({FlowState.PREPARING.value, FlowState.STARTING.value})
_RUNNING = frozenset({_S.STARTED})
_STANDING = frozenset({_S.SUSPENDING, _S.SUSPENDED, _S.RESUMING})
# What is still to be told the plane of an earlier state is void in the next one.
_ORDERS = (IntentKind.START_DATA_FLOW, IntentKind.SUSPEND_DATA_FLOW, IntentKind.RESUME_DATA_FLOW)


def is_prepared_elsewhere(process: TransferProcess) -> bool:
    """Whether a data plane in another app receives or reads for us."""
    return process.role is Role.CONSUMER and process.data_plane is not None


def begun(process: TransferProcess, moment: Moment) -> TransferProcess:
    """A new transfer, whose plane is asked to prepare it."""
    named = replace(process, address_secret=f"ferry-edr-{moment.ids.fresh()}")
    entered = common.enter(named, _S.PREPARATION_REQUESTED, moment, "the data plane is asked to prepare it", 3)
    return entered.with_intents(steps.intent(moment, IntentKind.PREPARE_DATA_FLOW))


def answered(process: TransferProcess, waiting: Intent, done: Done, moment: Moment) -> TransferProcess:
    """The plane's answer to an order or a question; `process` is without the intent."""
    flow_id, state = done.result.get("flow"), done.result.get("state")
    if isinstance(flow_id, str) and flow_id and flow_id != process.id:
        process = replace(process, data_flow_id=flow_id)
    if not isinstance(state, str):
        return process
    fault = done.result.get("fault")
    told = steps.content_fault(fault, FaultCode.DATA_FLOW_FAILED.value) if isinstance(fault, dict) else None
    report = FlowReport(state, {}, told)
    has_address = done.result.get("address") is True
    if waiting.kind in (IntentKind.PREPARE_DATA_FLOW, IntentKind.CHECK_DATA_FLOW):
        return reported(process, report, moment, has_address=has_address)
    return process


def reported(
    process: TransferProcess, report: FlowReport, moment: Moment, *, has_address: bool = False
) -> TransferProcess:
    """What the plane says of the flow. `has_address`: its address for the provider lies in our vault."""
    if process.is_final or process.state is _S.DEPROVISIONING:
        return process
    if report.state in (FlowState.FAILED.value, FlowState.TERMINATED.value):
        what = f"the data plane has ended the flow of {process.id}"
        return common.terminate(
            process, report.fault or Fault(FaultCode.DATA_FLOW_FAILED, what), moment, tell_peer=True
        )
    if report.state == FlowState.COMPLETED.value:
        return _fetched(process, moment)
    if process.state is not _S.PREPARATION_REQUESTED or report.state in _PREPARING:
        return process
    if not (process.is_pull or has_address or process.has_address):
        return process
    done = replace(process.without_kinds(IntentKind.PREPARE_DATA_FLOW), has_address=process.has_address or has_address)
    entered = common.enter(done, _S.REQUESTING, moment, "prepared by the data plane", 3)
    return entered.with_intents(steps.send(moment, MessageKind.TRANSFER_REQUEST))


def look(process: TransferProcess, moment: Moment) -> TransferProcess:
    """A plane that has not said that it is ready is asked."""
    if process.state is not _S.PREPARATION_REQUESTED or process.intents:
        return process
    return process.with_intents(steps.intent(moment, IntentKind.CHECK_DATA_FLOW))


def next_look_at(process: TransferProcess, moment: Moment) -> datetime | None:
    """When a plane is to be asked that has not said that it is ready."""
    if process.state is not _S.PREPARATION_REQUESTED or process.intents:
        return None
    waited = (moment.now - process.state_at).total_seconds()
    pause = max(moment.limits.first_look_seconds, min(moment.limits.last_look_seconds, waited))
    return moment.now + timedelta(seconds=pause)


def kept_in_step(before: TransferProcess, outcome: Outcome, moment: Moment) -> Outcome:
    """The decision, with what the plane has to be told of the state that the transfer enters by it."""
    after = outcome.process
    if not is_prepared_elsewhere(after) or before.state is after.state:
        return outcome
    order = _order_of(before, after)
    if order is None:
        return outcome
    told = after.without_kinds(*_ORDERS)
    wanted, first = steps.intent(moment, order), ()
    if order is IntentKind.COMPLETE_DATA_FLOW and not after.is_pull:
        # A plane takes `completed` of a push that it knows to have started; both messages may have come at once.
        waiting = (it for it in before.intents if it.kind is IntentKind.START_DATA_FLOW)
        first = tuple(steps.at_plane(moment, it) for it in waiting)
    if order in (IntentKind.COMPLETE_DATA_FLOW, IntentKind.TERMINATE_DATA_FLOW):
        wanted = steps.at_plane(moment, wanted)
    return replace(outcome, process=told.with_intents(*first, wanted))


def _order_of(before: TransferProcess, after: TransferProcess) -> IntentKind | None:
    was_running, stands = before.state in _RUNNING, after.state in _STANDING
    if after.state in _RUNNING:
        return IntentKind.RESUME_DATA_FLOW if before.state in _STANDING else IntentKind.START_DATA_FLOW
    if was_running and stands:
        return IntentKind.SUSPEND_DATA_FLOW
    if after.state is _S.COMPLETED:
        return IntentKind.COMPLETE_DATA_FLOW
    ends = after.state is _S.TERMINATED or (after.state is _S.DEPROVISIONING and not before.is_final)
    return IntentKind.TERMINATE_DATA_FLOW if ends else None


def _fetched(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The plane has read everything: the provider is told, as a client of ours would tell it."""
    if process.state is not _S.STARTED or not process.is_pull:
        return process
    entered = common.enter(process, _S.COMPLETING, moment, "said to be complete by the data plane", 12)
    entered = entered.without_kinds(IntentKind.SEND_MESSAGE, *common.FLOW_WORK)
    return entered.with_intents(steps.send(moment, MessageKind.TRANSFER_COMPLETION))
