"""What a data plane decides about one flow (steps 8-12). Pure: no I/O, no clock.

A copy may run for minutes, so whoever runs it takes a lease first: the intent's `not_before` is its end. A commit of
progress extends it; when it runs out, the next look takes the copy over from its checkpoint.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from ferry.control_plane import announced_flows, flow_pages, steps
from ferry.control_plane.copy_lease import lease_end
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind, Decision, Done, Failed, Look, Moment, PageReport, Poisoned, Task
from ferry.domain.faults import Fault
from ferry.domain.process import HistoryEntry, Intent, IntentKind, JsonObject
from ferry.domain.states import FlowState

type Outcome = Decision[DataFlow]


ANSWERED: JsonObject = {"answered": True}


def begin(flow: DataFlow, moment: Moment, *, answered: bool) -> DataFlow:
    """The flow with its copy, under a lease of whoever begins it where its end is `answered` to them directly."""
    lease = (1, lease_end(moment.now)) if answered else (0, None)
    copy = Intent(moment.ids.fresh(), IntentKind.COPY, ANSWERED if answered else {}, lease[0], lease[1])
    entry = HistoryEntry(moment.now, FlowState.STARTED.value, "copy begins", 8)
    return replace(
        flow,
        state=FlowState.STARTED,
        intents=(copy,),
        history=(entry,),
        deadline_at=steps.deadline(moment, "DATA_FLOW"),
    )


def take(flow: DataFlow, moment: Moment) -> DataFlow:
    """The flow with its copy taken over: one attempt more, a new lease."""
    taken = tuple(
        replace(i, attempt=i.attempt + 1, not_before=lease_end(moment.now), detail={})
        if i.kind is IntentKind.COPY
        else i
        for i in flow.intents
    )
    return replace(flow, intents=taken)


def progressed(
    flow: DataFlow, attempt: int, checkpoint: JsonObject, moment: Moment, *, slowest_seconds: float = 0.0
) -> DataFlow | None:
    """The flow with a new checkpoint and a longer lease; None when that attempt is not the holder any more."""
    copy = next((i for i in flow.intents if i.kind is IntentKind.COPY), None)
    if copy is None or not is_held(flow, attempt):
        return None
    extended = replace(copy, not_before=lease_end(moment.now, slowest_seconds=slowest_seconds))
    held = replace(flow, intents=tuple(extended if i.id == copy.id else i for i in flow.intents))
    return flow_pages.saved(held, checkpoint, moment.now)


def is_held(flow: DataFlow, attempt: int) -> bool:
    """Whether the copy may go on as that attempt: the flow runs, and nobody else has taken it over."""
    return not flow.is_final and any(i.kind is IntentKind.COPY and i.attempt == attempt for i in flow.intents)


def decide(flow: DataFlow, task: Task, moment: Moment) -> Outcome:
    """The flow after the task."""
    match task:
        case Look():
            return Decision(_look(flow, moment))
        case Done():
            return Decision(_done(flow, task, moment))
        case Failed():
            return Decision(_failed(flow, task, moment))
        case Command():
            return Decision(_ordered(flow, task, moment))
        case PageReport():
            return Decision(_page_told(flow, task, moment))
        case Poisoned():
            return Decision(steps.after_poison(flow, task, moment, partial(_fail, moment=moment), step=11))
        case _:
            return Decision(flow)


def next_look_at(flow: DataFlow, moment: Moment) -> datetime | None:
    """When this flow wants to be looked at for its own sake: at its deadline."""
    del moment
    return flow.deadline_at


def _look(flow: DataFlow, moment: Moment) -> DataFlow:
    flow = steps.without_given_up(flow, moment.now)
    if not flow.is_final and flow.deadline_at is not None and moment.now >= flow.deadline_at:
        return _fail(flow, steps.late_fault(flow, moment, 11), moment)
    return flow


def _done(flow: DataFlow, done: Done, moment: Moment) -> DataFlow:
    waiting = flow.intent(done.intent_id)
    if waiting is None:
        return _told_late(flow, done, moment)
    if waiting.kind is not IntentKind.COPY:
        return announced_flows.told(flow.without_intent(waiting.id), waiting, moment)
    if done.result.get("attempt") != waiting.attempt:
        return flow
    if done.result.get("finished") is not True:
        kept = _kept(flow, done, moment)
        if done.result.get("waits") is True:
            return flow_pages.waiting(kept, waiting, moment.now)
        return kept.without_intent(waiting.id).with_intents(replace(waiting, not_before=None))
    return _copied(flow, done, moment, tell=not waiting.detail)


def _kept(flow: DataFlow, done: Done, moment: Moment) -> DataFlow:
    """The flow with the checkpoint that a slice ends with."""
    checkpoint = done.result.get("checkpoint")
    return flow_pages.saved(flow, checkpoint, moment.now) if isinstance(checkpoint, dict) else flow


def _page_told(flow: DataFlow, report: PageReport, moment: Moment) -> DataFlow:
    """A page tells how far it is. What one cannot copy the flow cannot."""
    if flow.is_final:
        return flow
    return _fail(flow, report.fault, moment) if report.fault else flow_pages.told(flow, report, moment.now)


def _copied(flow: DataFlow, done: Done, moment: Moment, *, tell: bool) -> DataFlow:
    summary = done.result.get("summary")
    kept = {**summary, "steps": done.result.get("steps")} if isinstance(summary, dict) else {}
    return _end(replace(flow, summary=kept), FlowState.COMPLETED, moment, "all is copied", tell=tell)


def _ordered(flow: DataFlow, order: Command, moment: Moment) -> DataFlow:
    match order.kind:
        case CommandKind.SUSPEND:
            return _suspended(flow, moment, order.reason)
        case CommandKind.RESUME:
            return _resumed(flow, moment)
        case CommandKind.COMPLETE if not flow.is_final:
            return _end(flow, FlowState.COMPLETED, moment, "said to be complete by the control plane", tell=False)
        case CommandKind.TERMINATE if not flow.is_final:
            return _end(flow, FlowState.TERMINATED, moment, order.reason or "terminated", tell=False)
        case _:
            return flow


def _suspended(flow: DataFlow, moment: Moment, reason: str) -> DataFlow:
    """The flow stands still. Whoever copies learns it from its next checkpoint, and tells how far it has come."""
    copy = next((i for i in flow.intents if i.kind is IntentKind.COPY), None)
    if flow.is_final or flow.state is FlowState.SUSPENDED:
        return flow
    still = replace(
        flow.without_kinds(IntentKind.COPY),
        state=FlowState.SUSPENDED,
        state_at=moment.now,
        deadline_at=steps.deadline(moment, FlowState.SUSPENDED.value),
        paused_attempt=copy.attempt if copy else flow.paused_attempt,
    )
    return still.noted(moment.now, f"suspended: {reason or 'no reason was given'}")


def _resumed(flow: DataFlow, moment: Moment) -> DataFlow:
    """The copy goes on from its checkpoint, as one attempt more: what the last one has begun is its own."""
    if flow.state is not FlowState.SUSPENDED:
        return flow
    copy = Intent(moment.ids.fresh(), IntentKind.COPY, {}, flow.paused_attempt)
    running = replace(
        flow, state=FlowState.STARTED, state_at=moment.now, deadline_at=steps.deadline(moment, "DATA_FLOW")
    )
    return running.with_intents(copy).noted(moment.now, "resumed", 11)


def _told_late(flow: DataFlow, done: Done, moment: Moment) -> DataFlow:
    """The copy that was suspended tells how far it has come, or that it was done before it noticed."""
    is_its = done.kind is IntentKind.COPY and done.result.get("attempt") == flow.paused_attempt
    if flow.state is not FlowState.SUSPENDED or not is_its:
        return flow
    if done.result.get("finished") is True:
        return _copied(flow, done, moment, tell=True)
    return _kept(flow, done, moment)


def _failed(flow: DataFlow, failed: Failed, moment: Moment) -> DataFlow:
    waiting = flow.intent(failed.intent_id)
    if waiting is None:
        return flow
    if failed.fault.retryable or waiting.kind is not IntentKind.COPY:
        return flow.with_retry(waiting, failed.fault, moment.now)
    return _fail(flow, failed.fault, moment, tell=not waiting.detail)


def _fail(flow: DataFlow, fault: Fault, moment: Moment, *, tell: bool = True) -> DataFlow:
    failed = replace(flow, error=fault)
    return _end(failed, FlowState.FAILED, moment, f"{fault.code}: {fault.message}", tell=tell)


def _end(flow: DataFlow, state: FlowState, moment: Moment, what: str, *, tell: bool) -> DataFlow:
    """The end of a flow; its control plane is told unless it gets the answer directly or has ended it itself."""
    ended = replace(flow.without_kinds(IntentKind.COPY), state=state, state_at=moment.now, deadline_at=None)
    ended = ended.noted(moment.now, what, 12 if state is FlowState.COMPLETED else None)
    ended = announced_flows.end_of_secret(ended, moment)
    if not tell:
        return ended
    notice = steps.best_effort(moment, steps.intent(moment, IntentKind.NOTIFY_CONTROL_PLANE))
    return ended.with_intents(notice)
