"""Progress as an event: who wants to hear of it, when somebody is asked for it, and what becomes of waiting news. Pure.

Where nobody listens nothing is asked, looked at or committed. Most news come with effects that run anyway: the question
about a data flow, the check of a delivery. A newer one takes the place of one that waits, so they fill no list.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ferry.control_plane import prepared_flows, steps
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.decision import Decision, Done, Look, Moment, Task
from ferry.domain.events import PROGRESS
from ferry.domain.process import Intent, IntentKind, Json, JsonObject, Process
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

# In the result of an effect and in the detail of a notice.
RESULT = "progress"
# In the detail of an ASK_PEER that asks for this alone.
QUESTION: JsonObject = {"about": RESULT}
PAUSE = timedelta(seconds=15)

type Outcome = Decision[TransferProcess]


def is_wanted(process: TransferProcess, static: tuple[CallbackAddress, ...]) -> bool:
    """Whether a callback wants to hear how far it comes. Of a pull nobody knows."""
    if process.is_pull or not (process.callbacks or static):
        return False
    return any(address.wants(PROGRESS.name, by_name=True) for address in (*process.callbacks, *static))


def news_in(task: Task | None, before: Process | None, after: Process) -> dict[str, Json] | None:
    """How far it has come, where the result of an effect that was waited for says so and the transfer goes on."""
    if before is None or not isinstance(task, Done) or before.intent(task.intent_id) is None:
        return None
    news = task.result.get(RESULT)
    goes_on = isinstance(after, TransferProcess) and after.state is TransferState.STARTED
    return dict(news) if goes_on and isinstance(news, dict) else None


def is_progress(notice: Intent) -> bool:
    """Whether a notice tells of nothing but progress."""
    return notice.detail.get("event") == PROGRESS.name


def still_telling(process: Process, newer: Iterable[Intent], now: datetime) -> tuple[Intent, ...]:
    """The waiting notices, without the progress that newer ones to the same address make void.

    One that is due and first in line may be under way right now: it stays, or it might arrive after a newer one.
    """
    told = {str(notice.detail.get("uri")) for notice in newer}
    maybe_under_way = {notice.id for notice in process.open_notices if notice.is_due(now)}
    return tuple(
        notice
        for notice in process.notices
        if not is_progress(notice) or str(notice.detail.get("uri")) not in told or notice.id in maybe_under_way
    )


def replaced(process: Process, failed: Intent, again: Intent) -> tuple[Intent, ...] | None:
    """The notices after progress was not taken: what has followed it waits in its place; None where nothing has."""
    same = [it for it in process.notices if it.id != failed.id and it.detail.get("uri") == failed.detail.get("uri")]
    if not is_progress(failed) or not same:
        return None
    first = replace(same[0], attempt=again.attempt, not_before=again.not_before, last_fault=again.last_fault)
    return tuple(first if it.id == first.id else it for it in process.notices if it.id != failed.id)


def attended(outcome: Outcome, task: Task, moment: Moment, static: tuple[CallbackAddress, ...]) -> Outcome:
    """The decision, with the question that it takes to hear of progress on a side where no effect would bring it."""
    process = outcome.process
    if not isinstance(task, Look) or not _must_ask(process) or not is_wanted(process, static):
        return outcome
    return replace(outcome, process=process.with_intents(steps.intent(moment, IntentKind.ASK_PEER, QUESTION)))


def next_look_at(
    process: TransferProcess, wanted: datetime | None, moment: Moment, static: tuple[CallbackAddress, ...]
) -> datetime | None:
    """The earlier one of the look that is wanted anyway and the one that asks for progress."""
    if not _must_ask(process) or not is_wanted(process, static):
        return wanted
    at = moment.now + PAUSE
    return at if wanted is None else min(wanted, at)


def _must_ask(process: TransferProcess) -> bool:
    """A consumer whose data plane is another app checks nothing while the provider copies."""
    elsewhere = prepared_flows.is_prepared_elsewhere(process) and not process.is_pull
    return elsewhere and process.state is TransferState.STARTED and not process.intents
