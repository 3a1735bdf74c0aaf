"""A flow whose control plane does not wait for the answer to its start: it is told when the flow runs. Pure."""

from dataclasses import replace

from ferry.control_plane import steps
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Moment
from ferry.domain.process import HistoryEntry, Intent, IntentKind
from ferry.domain.states import FlowState

STARTED_NEWS = "started"


def begin(flow: DataFlow, moment: Moment) -> DataFlow:
    """The flow, which does nothing before its control plane has taken the news that it has started."""
    notice = Intent(moment.ids.fresh(), IntentKind.NOTIFY_CONTROL_PLANE, {"news": STARTED_NEWS})
    entry = HistoryEntry(moment.now, FlowState.STARTING.value, "to be started", 7)
    deadline = steps.deadline(moment, FlowState.STARTING.value)
    return replace(flow, state=FlowState.STARTING, intents=(notice,), history=(entry,), deadline_at=deadline)


def told(flow: DataFlow, notice: Intent, moment: Moment) -> DataFlow:
    """The control plane has taken that news, or another: in the first case the copy begins."""
    if flow.state is not FlowState.STARTING or notice.detail.get("news") != STARTED_NEWS:
        return flow
    running = replace(
        flow, state=FlowState.STARTED, state_at=moment.now, deadline_at=steps.deadline(moment, "DATA_FLOW")
    )
    return running.with_intents(steps.intent(moment, IntentKind.COPY)).noted(moment.now, "copy begins", 8)


def end_of_secret(flow: DataFlow, moment: Moment) -> DataFlow:
    """The flow at its end; a SAS that came with its order is dropped."""
    return flow.with_intents(steps.intent(moment, IntentKind.DROP_SECRET)) if flow.owns_secret else flow
