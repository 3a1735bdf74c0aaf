"""Events of a process as notices: one for each state that it enters and each callback that wants to hear of it. Pure.

Notices are intents that lie apart: they are delivered at least once and in order for each address, tried again with
back-off, and given up after `notify_seconds` with a line of history. A process without callbacks has none. How far a
transfer has come is told by notices, too; of those at most two wait for an address.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from ferry.control_plane import progress_events
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.decision import Done, Failed, Moment, Task
from ferry.domain.events import PROGRESS, Event, event_of
from ferry.domain.faults import Fault
from ferry.domain.peer_process import PeerProcess
from ferry.domain.process import HistoryEntry, Intent, IntentKind, Json, JsonObject, Process, backoff

LONGEST_PAUSE_SECONDS = 60.0
# Beyond this many waiting ones the oldest make room: a document stays small, whatever its callbacks do.
NOTICE_LIMIT = 200


def announced[P: Process](
    kind: str,
    before: P | None,
    after: P,
    static: tuple[CallbackAddress, ...],
    moment: Moment,
    *,
    task: Task | None = None,
) -> P:
    """The process with a notice of each state that it has entered since `before`, and of the progress in `task`.

    `kind`: that of its engine.
    """
    own = after.callbacks if isinstance(after, PeerProcess) else ()
    addresses = tuple(dict.fromkeys((*own, *static)))
    if not addresses:
        return after
    notices = [
        notice
        for event, entry in _entered(kind, before, after)
        for notice in _notices(event, entry, after, addresses, moment)
    ]
    progress = progress_events.news_in(task, before, after)
    # Progress never makes a state give way.
    if progress is not None and len(after.notices) + len(notices) + len(addresses) <= NOTICE_LIMIT:
        now = HistoryEntry(moment.now, after.state_name, "")
        notices += _notices(PROGRESS, now, after, addresses, moment, progress=progress)
    if not notices:
        return after
    told = replace(after, notices=(*progress_events.still_telling(after, notices, moment.now), *notices))
    for oldest in told.notices[:-NOTICE_LIMIT]:
        told = _given_up(told, oldest, oldest.last_fault, moment.now)
    return told


def told[P: Process](process: P, task: Task, moment: Moment) -> P | None:
    """The process after the result of a notice of its; None where the task is about something else."""
    if not isinstance(task, Done | Failed):
        return None
    notice = process.notice(task.intent_id)
    if notice is None:
        return process if isinstance(task, Done) and task.kind is IntentKind.NOTIFY_CALLBACK else None
    if isinstance(task, Done):
        return _without(process, notice)
    later = moment.now + backoff(notice.attempt, first_seconds=1.0, limit_seconds=LONGEST_PAUSE_SECONDS)
    if not task.fault.retryable or (notice.give_up_at is not None and later >= notice.give_up_at):
        return _given_up(process, notice, task.fault, moment.now)
    again = replace(notice, attempt=notice.attempt + 1, not_before=later, last_fault=task.fault)
    newer = progress_events.replaced(process, notice, again)
    return replace(process, notices=newer or tuple(again if it.id == notice.id else it for it in process.notices))


def without_expired[P: Process](process: P, now: datetime) -> P:
    """The process without the notices whose time is over, each with a line of history."""
    for notice in process.notices:
        if notice.give_up_at is not None and notice.give_up_at <= now:
            process = _given_up(process, notice, notice.last_fault, now)
    return process


def _entered(kind: str, before: Process | None, after: Process) -> Iterator[tuple[Event, HistoryEntry]]:
    """The events of the states that the new lines of history tell of, in order."""
    state = before.state_name if before else ""
    for entry in after.history[len(before.history) if before else 0 :]:
        if entry.state != state:
            event = event_of(kind, entry.state, begins=not state)
            if event is not None:
                yield event, entry
        state = entry.state


def _notices(
    event: Event,
    entry: HistoryEntry,
    process: Process,
    addresses: tuple[CallbackAddress, ...],
    moment: Moment,
    *,
    progress: JsonObject | None = None,
) -> Iterator[Intent]:
    # Whoever listens to everything of a transfer expects EDC's events, of which progress is none.
    wanting = [address for address in addresses if address.wants(event.name, by_name=progress is not None)]
    if not wanting:
        return
    said: dict[str, Json] = {
        "event": event.name,
        "type": event.type,
        "eventId": moment.ids.fresh(),
        "at": int(entry.at.timestamp() * 1000),
        "reason": _reason(event, entry, process),
        progress_events.RESULT: progress,
    }
    until = moment.now + timedelta(seconds=moment.limits.notify_seconds)
    for address in wanting:
        where: dict[str, Json] = {"uri": address.uri, "authKey": address.auth_key, "authCodeId": address.auth_code_id}
        detail = {name: value for name, value in {**said, **where}.items() if value is not None}
        yield Intent(moment.ids.fresh(), IntentKind.NOTIFY_CALLBACK, detail, give_up_at=until)


def _reason(event: Event, entry: HistoryEntry, process: Process) -> str | None:
    if event.name.endswith(".terminated"):
        return process.error.message if process.error else entry.what
    return entry.what if event.name.endswith(".suspended") else None


def _without[P: Process](process: P, notice: Intent) -> P:
    return replace(process, notices=tuple(it for it in process.notices if it.id != notice.id))


def _given_up[P: Process](process: P, notice: Intent, fault: Fault | None, now: datetime) -> P:
    why = f"{fault.code}: {fault.message}" if fault else "its time was over before it could be sent"
    what = f"event {notice.detail.get('event')} was not delivered to a callback: {why}"
    without = _without(process, notice)
    # Progress that is refused for good would fill the history: once is enough.
    beginning = f"event {PROGRESS.name} was not delivered"
    is_said = progress_events.is_progress(notice) and any(it.what.startswith(beginning) for it in process.history)
    return without if is_said else without.noted(now, what)
