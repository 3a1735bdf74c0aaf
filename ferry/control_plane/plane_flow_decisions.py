"""What a data plane decides about a flow that it prepares, fetches or serves. Pure: no I/O, no clock.

Every name that an effect needs is in the document from the beginning. What the plane has to tell its control plane by
itself it tells by a callback, again and again until it is taken: a control plane may not be ready for news of a flow
whose answer it is still reading.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from ferry.control_plane import steps
from ferry.domain.decision import Command, CommandKind, Decision, Done, Failed, FlowReport, Look, Moment, Poisoned, Task
from ferry.domain.faults import Fault
from ferry.domain.plane_flow import PlaneFlow, PlaneFlowKind, PlaneFlowState
from ferry.domain.process import HistoryEntry, Intent, IntentKind
from ferry.domain.states import FlowState

type Outcome = Decision[PlaneFlow]

_S = PlaneFlowState

# What makes a flow ready; no flow is ready while one of these waits.
_READYING = (IntentKind.PREPARE_DESTINATION, IntentKind.GRANT_ACCESS)
_COPYING = (IntentKind.START_DATA_FLOW, IntentKind.SUSPEND_DATA_FLOW, IntentKind.RESUME_DATA_FLOW)
# What must come about; the rest is clean-up and news, which is never the reason to end.
_NEEDED = (*_READYING, IntentKind.START_DATA_FLOW, IntentKind.RESUME_DATA_FLOW)
# Which order is taken in which state; in its own result it is known already.
_ORDERS: dict[CommandKind, tuple[frozenset[PlaneFlowState], frozenset[PlaneFlowState]]] = {
    CommandKind.START: (frozenset({_S.PREPARED}), frozenset({_S.STARTED})),
    CommandKind.SUSPEND: (frozenset({_S.STARTED}), frozenset({_S.SUSPENDED})),
    CommandKind.RESUME: (frozenset({_S.SUSPENDED}), frozenset({_S.STARTED})),
    # A pull may be over before its plane has heard of the start.
    CommandKind.COMPLETE: (frozenset({_S.PREPARED, _S.STARTED, _S.SUSPENDED}), frozenset({_S.COMPLETED})),
    CommandKind.TERMINATE: (
        frozenset({_S.PREPARING, _S.PREPARED, _S.STARTING, _S.STARTED, _S.SUSPENDED}),
        frozenset({_S.TERMINATED, _S.COMPLETED}),
    ),
}
CLEAN_UP_PAUSE_SECONDS = 300.0


def begin(flow: PlaneFlow, moment: Moment) -> PlaneFlow:
    """A new flow with the first thing to do; one that has nothing to prepare is ready at once."""
    serves = flow.kind is PlaneFlowKind.SERVE
    begun = replace(
        _entered(flow, _S.STARTING if serves else _S.PREPARING, moment),
        history=(HistoryEntry(moment.now, flow.state.value, "asked for by the control plane", 7),),
    )
    if serves:
        return begun.with_intents(steps.intent(moment, IntentKind.GRANT_ACCESS))
    if begun.destination is not None:
        return begun.with_intents(steps.intent(moment, IntentKind.PREPARE_DESTINATION))
    # Whoever does not want to wait for the answer is told by a callback, even where there was nothing to wait for.
    return _ready(begun, moment)


def told_later(flow: PlaneFlow) -> PlaneFlow | None:
    """The flow whose control plane was answered before it was ready; None where it is ready by now."""
    return replace(flow, is_answered=False) if flow.state in (_S.PREPARING, _S.STARTING) else None


def decide(flow: PlaneFlow, task: Task, moment: Moment) -> Outcome:
    """The flow after the task."""
    match task:
        case Look():
            return Decision(_look(flow, moment))
        case Done():
            return Decision(_done(flow, task, moment))
        case Failed():
            return Decision(_failed(flow, task, moment))
        case FlowReport():
            return Decision(_copied(flow, task, moment))
        case Command():
            return _commanded(flow, task, moment)
        case Poisoned():
            return Decision(steps.after_poison(flow, task, moment, partial(_broken, moment=moment)))
        case _:
            return Decision(flow)


def next_look_at(flow: PlaneFlow, moment: Moment) -> datetime | None:
    """When this flow wants to be looked at for its own sake: at its deadline."""
    del moment
    return flow.deadline_at


def _look(flow: PlaneFlow, moment: Moment) -> PlaneFlow:
    flow = steps.without_given_up(flow, moment.now)
    if not flow.is_final and flow.deadline_at is not None and moment.now >= flow.deadline_at:
        fault = steps.late_fault(flow, moment, 7)
        if flow.is_told_nothing:
            # Its transfer may be over, and well: only what was given out is taken back.
            return _ended(replace(flow, error=fault), _S.TERMINATED, moment, f"{fault.code}: {fault.message}")
        return _broken(flow, fault, moment)
    return flow


def _done(flow: PlaneFlow, done: Done, moment: Moment) -> PlaneFlow:
    waiting = flow.intent(done.intent_id)
    if waiting is None:
        # It was withdrawn while it ran: what it has left behind is taken away.
        return _withdrawn(flow, done.kind, moment)
    flow = flow.without_intent(waiting.id)
    if waiting.kind in _READYING:
        flow = replace(flow, has_secret=True)
        return _ready(flow, moment) if flow.state in (_S.PREPARING, _S.STARTING) else flow
    return flow


def _withdrawn(flow: PlaneFlow, kind: IntentKind, moment: Moment) -> PlaneFlow:
    if flow.is_final and kind in _NEEDED:
        return _cleaned(flow, moment)
    if flow.state is _S.SUSPENDED and kind is IntentKind.GRANT_ACCESS:
        return flow.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))
    return flow


def _ready(flow: PlaneFlow, moment: Moment) -> PlaneFlow:
    serves = flow.kind is PlaneFlowKind.SERVE
    ready = _entered(flow, _S.STARTED if serves else _S.PREPARED, moment)
    ready = ready.noted(moment.now, "access for the other side is ready" if serves else "prepared", 7 if serves else 3)
    return ready if flow.is_answered else _telling(ready, moment, "started" if serves else "prepared")


def _failed(flow: PlaneFlow, failed: Failed, moment: Moment) -> PlaneFlow:
    waiting = flow.intent(failed.intent_id)
    if waiting is None:
        return flow
    if waiting.kind not in _NEEDED and waiting.kind is not IntentKind.NOTIFY_CONTROL_PLANE:
        return flow.with_retry(waiting, failed.fault, moment.now, limit_seconds=CLEAN_UP_PAUSE_SECONDS)
    if failed.fault.retryable:
        return flow.with_retry(waiting, failed.fault, moment.now)
    if waiting.kind is IntentKind.NOTIFY_CONTROL_PLANE:
        said = f"the control plane does not want to know: {failed.fault.message}"
        return flow.without_intent(waiting.id).noted(moment.now, said)
    return _broken(flow, failed.fault, moment)


def _commanded(flow: PlaneFlow, command: Command, moment: Moment) -> Outcome:
    taken, known = _ORDERS.get(command.kind, (frozenset[PlaneFlowState](), frozenset[PlaneFlowState]()))
    is_order = flow.kind is not PlaneFlowKind.SERVE or command.kind is not CommandKind.START
    if not is_order or flow.state not in taken | known:
        return Decision(flow, refused=f"{command.kind.value} is not allowed in state {flow.state.value}")
    if flow.state in known:
        return Decision(flow)
    match command.kind:
        case CommandKind.START:
            return Decision(_started(flow, command, moment))
        case CommandKind.SUSPEND:
            return Decision(_suspended(flow, command, moment))
        case CommandKind.RESUME:
            return Decision(_resumed(flow, moment))
        case CommandKind.COMPLETE:
            return Decision(_ended(flow, _S.COMPLETED, moment, "said to be complete by the control plane"))
        case _:
            return Decision(_ended(flow, _S.TERMINATED, moment, command.reason or "terminated"))


def _started(flow: PlaneFlow, command: Command, moment: Moment) -> PlaneFlow:
    started = replace(_entered(flow, _S.STARTED, moment), source=command.source, has_secret=True)
    started = started.noted(moment.now, "started by the other side", 7)
    fetches = started.copies and command.source is not None
    return started.with_intents(steps.intent(moment, IntentKind.START_DATA_FLOW)) if fetches else started


def _suspended(flow: PlaneFlow, command: Command, moment: Moment) -> PlaneFlow:
    """It stands still: what is served cannot be read, what is fetched is not copied."""
    still = _entered(flow.without_kinds(*_COPYING, IntentKind.GRANT_ACCESS), _S.SUSPENDED, moment)
    still = still.noted(moment.now, f"suspended: {command.reason or 'no reason was given'}")
    if flow.kind is PlaneFlowKind.SERVE:
        return still.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))
    if flow.copies and flow.source is not None:
        return still.with_intents(steps.intent(moment, IntentKind.SUSPEND_DATA_FLOW))
    return still


def _resumed(flow: PlaneFlow, moment: Moment) -> PlaneFlow:
    running = flow.without_kinds(*_COPYING, IntentKind.REVOKE_ACCESS)
    running = _entered(running, _S.STARTED, moment).noted(moment.now, "resumed")
    if flow.kind is PlaneFlowKind.SERVE:
        return running.with_intents(steps.intent(moment, IntentKind.GRANT_ACCESS))
    if flow.copies and flow.source is not None:
        return running.with_intents(steps.intent(moment, IntentKind.RESUME_DATA_FLOW))
    return running


def _copied(flow: PlaneFlow, report: FlowReport, moment: Moment) -> PlaneFlow:
    """The end of the copy from the provider's address."""
    if flow.is_final:
        return flow
    if report.state == FlowState.COMPLETED.value:
        return _telling(
            _ended(flow, _S.COMPLETED, moment, "all is fetched, the marker is written"), moment, "completed"
        )
    if report.fault is not None:
        return _broken(flow, report.fault, moment)
    return flow


def _broken(flow: PlaneFlow, fault: Fault, moment: Moment) -> PlaneFlow:
    """It cannot be gone on with. Whoever waits for the answer to its order is told by that."""
    ended = _ended(replace(flow, error=fault), _S.TERMINATED, moment, f"{fault.code}: {fault.message}")
    is_answering = flow.is_answered and flow.state in (_S.PREPARING, _S.STARTING)
    return ended if is_answering else _telling(ended, moment, "errored")


def _ended(flow: PlaneFlow, state: PlaneFlowState, moment: Moment, what: str) -> PlaneFlow:
    ended = _entered(flow.without_kinds(*_READYING, *_COPYING, IntentKind.REVOKE_ACCESS), state, moment)
    ended = _cleaned(ended.noted(moment.now, what, 12 if state is _S.COMPLETED else None), moment)
    if any(flow.has_intent(kind) for kind in _NEEDED):
        # Somebody may be at it right now.
        ended = ended.with_intents(steps.sweep(moment, IntentKind.REVOKE_ACCESS))
    return ended


def _cleaned(flow: PlaneFlow, moment: Moment) -> PlaneFlow:
    """Access is taken back, the copy stopped, secrets dropped."""
    if flow.copies and flow.source is not None:
        flow = flow.with_intents(steps.intent(moment, IntentKind.TERMINATE_DATA_FLOW))
    if flow.destination is not None or flow.kind is PlaneFlowKind.SERVE:
        flow = flow.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))
    if flow.kind is PlaneFlowKind.RECEIVE:
        return flow
    return flow.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))


def _telling(flow: PlaneFlow, moment: Moment, news: str) -> PlaneFlow:
    notice = Intent(moment.ids.fresh(), IntentKind.NOTIFY_CONTROL_PLANE, {"news": news})
    return flow.with_intents(steps.best_effort(moment, notice))


def _entered(flow: PlaneFlow, state: PlaneFlowState, moment: Moment) -> PlaneFlow:
    entered = replace(flow, state=state, state_at=moment.now, poisoned=0)
    limit = "DATA_FLOW" if state is _S.STARTED or entered.is_told_nothing else state.value
    return replace(entered, deadline_at=None if entered.is_final else steps.deadline(moment, limit))
