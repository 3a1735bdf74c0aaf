"""What is decided about one page of a large copy: the copy under its lease, and that its flow learns its end. Pure.

It is a copy like that of a small flow: whoever runs it takes a lease, which its checkpoints extend, and the word of an
older attempt counts for nothing. A page never ends a flow; it tells it, and looks at it while it copies.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from ferry.control_plane import steps
from ferry.control_plane.copy_lease import lease_end
from ferry.domain.copy_page import CopyPage, CopyPageState
from ferry.domain.decision import Command, CommandKind, Decision, Done, Failed, Moment, Poisoned, Task
from ferry.domain.faults import Fault
from ferry.domain.process import HistoryEntry, Intent, IntentKind, Json, JsonObject
from ferry.ports.work import Lane

# How long a page waits for others before it looks again whether they are done.
TURN_SECONDS = 3.0

_S = CopyPageState


def begin(page: CopyPage, moment: Moment) -> CopyPage:
    """The page with its copy, due at once."""
    entry = HistoryEntry(moment.now, _S.COPYING.value, "page begins", 11)
    return replace(page, state=_S.COPYING, intents=(steps.intent(moment, IntentKind.COPY),), history=(entry,))


def progressed(
    page: CopyPage, attempt: int, checkpoint: JsonObject, moment: Moment, *, slowest_seconds: float = 0.0
) -> CopyPage | None:
    """The page with a new checkpoint and a longer lease; None when that attempt is not the holder any more."""
    copy = next((it for it in page.intents if it.kind is IntentKind.COPY), None)
    if copy is None or copy.attempt != attempt:
        return None
    extended = replace(copy, not_before=lease_end(moment.now, slowest_seconds=slowest_seconds))
    return replace(page, checkpoint=checkpoint, intents=tuple(extended if it is copy else it for it in page.intents))


class PageRules:
    """Pages of large copies (control_plane.engine.Rules)."""

    @property
    def final_states(self) -> frozenset[str]:
        """The names of the states that end a page."""
        return frozenset({_S.COPIED.value, _S.FAILED.value, _S.ENDED.value})

    def decide(self, process: CopyPage, task: Task, moment: Moment) -> Decision[CopyPage]:
        """The page after the task."""
        match task:
            case Done():
                return Decision(_done(process, task, moment))
            case Failed():
                return Decision(_failed(process, task, moment))
            case Command(kind=CommandKind.RESUME):
                return Decision(_resumed(process, moment))
            case Poisoned():
                end = partial(_fail, moment=moment)
                return Decision(steps.after_poison(process, task, moment, end, step=11))
            case _:
                return Decision(process)

    def next_look_at(self, process: CopyPage, moment: Moment) -> datetime | None:
        """A page has no times of its own but its lease."""
        del process, moment
        return None

    def take(self, process: CopyPage, intent: Intent, moment: Moment) -> CopyPage:
        """The page with its copy taken over: one attempt more, a new lease."""
        taken = replace(intent, attempt=intent.attempt + 1, not_before=lease_end(moment.now))
        return replace(process, intents=tuple(taken if it.id == intent.id else it for it in process.intents))

    def lane(self, process: CopyPage) -> Lane:
        """The data plane's queue."""
        del process
        return Lane.COPY_PAGE


def _done(page: CopyPage, done: Done, moment: Moment) -> CopyPage:
    waiting = page.intent(done.intent_id)
    if waiting is None:
        return page
    if waiting.kind is not IntentKind.COPY:
        return page.without_intent(waiting.id)
    if done.result.get("attempt") != waiting.attempt:
        return page
    checkpoint = done.result.get("checkpoint")
    kept = replace(page, checkpoint=checkpoint) if isinstance(checkpoint, dict) else page
    if done.result.get("finished") is True:
        return _end(kept, _S.COPIED, moment, "copied", told=done.result.get("report"))
    match done.result.get("stopped"):
        case "suspended":
            return _paused(kept, waiting, moment)
        case "over":
            return _enter(kept, _S.ENDED, moment, "its flow is over")
        case _:
            return _again(kept, waiting, done, moment)


def _again(page: CopyPage, waiting: Intent, done: Done, moment: Moment) -> CopyPage:
    """The slice is over; or what it waits for is not there yet."""
    turn = moment.now + timedelta(seconds=TURN_SECONDS) if done.result.get("waits") is True else None
    return page.without_intent(waiting.id).with_intents(replace(waiting, not_before=turn))


def _paused(page: CopyPage, waiting: Intent, moment: Moment) -> CopyPage:
    return replace(_enter(page, _S.PAUSED, moment, "its flow is suspended"), paused_attempt=waiting.attempt)


def _resumed(page: CopyPage, moment: Moment) -> CopyPage:
    if page.state is not _S.PAUSED:
        return page
    copy = Intent(moment.ids.fresh(), IntentKind.COPY, {}, page.paused_attempt)
    return _enter(page, _S.COPYING, moment, "resumed").with_intents(copy)


def _failed(page: CopyPage, failed: Failed, moment: Moment) -> CopyPage:
    waiting = page.intent(failed.intent_id)
    if waiting is None:
        return page
    if failed.fault.retryable or waiting.kind is not IntentKind.COPY:
        return page.with_retry(waiting, failed.fault, moment.now)
    return _fail(page, failed.fault, moment)


def _fail(page: CopyPage, fault: Fault, moment: Moment) -> CopyPage:
    return _end(replace(page, error=fault), _S.FAILED, moment, f"{fault.code}: {fault.message}", told=None)


def _end(page: CopyPage, state: CopyPageState, moment: Moment, what: str, *, told: Json) -> CopyPage:
    """The end of a page, which its flow is told, with what was done."""
    detail: JsonObject = {} if told is None else {"report": told}
    return _enter(page, state, moment, what).with_intents(steps.intent(moment, IntentKind.TELL_FLOW, detail))


def _enter(page: CopyPage, state: CopyPageState, moment: Moment, what: str) -> CopyPage:
    entered = replace(page.without_kinds(IntentKind.COPY), state=state, state_at=moment.now)
    return entered.noted(moment.now, what, 11 if state is _S.COPIED else None)
