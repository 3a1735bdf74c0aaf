"""What is decided about a page of a large copy: its lease, its end and who learns it, suspension."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import page_decisions
from ferry.control_plane.copy_lease import LEASE_SECONDS
from ferry.control_plane.page_decisions import TURN_SECONDS, PageRules
from ferry.domain.copy_page import CopyPage, CopyPageState, copy_page_id
from ferry.domain.decision import Command, CommandKind, Done, Failed, Poisoned, Task
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.process import IntentKind, JsonObject
from ferry.ports.work import Lane
from tests.unit.control_plane.processes import AWAY, FINAL_FAULT, NOW, intent_of, kinds, moment

LEASE = timedelta(seconds=LEASE_SECONDS)
RESUME = Command(CommandKind.RESUME)
HALF: JsonObject = {"begun": True, "page": {"bytes": 1}}


def asked_for() -> CopyPage:
    return CopyPage(
        id=copy_page_id("flow-1", 3),
        created_at=NOW,
        state_at=NOW,
        state=CopyPageState.COPYING,
        flow_id="flow-1",
        number=3,
        listing=1,
        first=0,
        last=2,
    )


def held(seconds: float = 0.0) -> CopyPage:
    page = page_decisions.begin(asked_for(), moment())
    return PageRules().take(page, intent_of(page, IntentKind.COPY), moment(seconds))


def after(page: CopyPage, task: Task, seconds: float = 0.0) -> CopyPage:
    decision = PageRules().decide(page, task, moment(seconds))
    assert decision.refused is None
    return decision.process


def copied(page: CopyPage, result: JsonObject) -> Done:
    copy = intent_of(page, IntentKind.COPY)
    return Done(copy.id, IntentKind.COPY, {"attempt": copy.attempt, **result})


def test_page_that_is_begun_is_due_on_the_data_planes_queue() -> None:
    page = page_decisions.begin(asked_for(), moment())
    copy = intent_of(page, IntentKind.COPY)
    assert (copy.attempt, copy.not_before, PageRules().lane(page)) == (0, None, Lane.COPY_PAGE)
    assert PageRules().next_look_at(page, moment()) is None


def test_checkpoint_of_the_holder_extends_its_lease() -> None:
    page = page_decisions.progressed(held(), 1, HALF, moment(10))
    assert page is not None
    assert page.checkpoint == HALF
    assert intent_of(page, IntentKind.COPY).not_before == NOW + timedelta(seconds=10) + LEASE


def test_word_of_an_older_attempt_is_nothing() -> None:
    first = held()
    second = PageRules().take(first, intent_of(first, IntentKind.COPY), moment(20))
    assert page_decisions.progressed(second, 1, HALF, moment(21)) is None
    assert after(second, copied(first, {"finished": True, "report": {"blobs": 9}})) is second


def test_finished_page_tells_its_flow_what_it_has_done() -> None:
    page = held()
    ended = after(page, copied(page, {"finished": True, "checkpoint": HALF, "report": {"blobs": 2}}))
    assert (ended.state, ended.is_final, ended.checkpoint) == (CopyPageState.COPIED, True, HALF)
    tell = intent_of(ended, IntentKind.TELL_FLOW)
    assert tell.detail == {"report": {"blobs": 2}}
    assert after(ended, Done(tell.id, tell.kind)).is_settled


def test_flow_that_cannot_be_told_now_is_told_again() -> None:
    page = held()
    ended = after(page, copied(page, {"finished": True}))
    again = after(ended, Failed(intent_of(ended, IntentKind.TELL_FLOW).id, FINAL_FAULT))
    assert intent_of(again, IntentKind.TELL_FLOW).not_before is not None


def test_slice_that_is_over_is_followed_by_the_next_one() -> None:
    page = held()
    again = after(page, copied(page, {"finished": False, "checkpoint": HALF}))
    copy = intent_of(again, IntentKind.COPY)
    assert (again.state, again.checkpoint, copy.not_before, copy.attempt) == (CopyPageState.COPYING, HALF, None, 1)


def test_page_that_waits_for_others_is_looked_at_again_soon() -> None:
    page = held()
    again = after(page, copied(page, {"finished": False, "waits": True}))
    assert intent_of(again, IntentKind.COPY).not_before == NOW + timedelta(seconds=TURN_SECONDS)


def test_page_of_a_suspended_flow_stands_still_until_it_is_resumed() -> None:
    page = held()
    still = after(page, copied(page, {"finished": False, "stopped": "suspended", "checkpoint": HALF}))
    assert (still.state, still.intents, still.checkpoint) == (CopyPageState.PAUSED, (), HALF)
    resumed = after(still, RESUME)
    copy = intent_of(resumed, IntentKind.COPY)
    assert (resumed.state, copy.attempt, copy.not_before) == (CopyPageState.COPYING, 1, None)
    assert after(resumed, RESUME) is resumed


def test_page_of_a_flow_that_is_over_ends_and_tells_nobody() -> None:
    page = held()
    ended = after(page, copied(page, {"finished": False, "stopped": "over"}))
    assert (ended.state, ended.is_settled) == (CopyPageState.ENDED, True)


def test_page_that_was_stopped_without_a_reason_goes_on() -> None:
    page = held()
    again = after(page, copied(page, {"finished": False, "stopped": None, "checkpoint": HALF}))
    assert intent_of(again, IntentKind.COPY).is_due(NOW)


def test_fault_that_a_retry_helps_is_retried_and_another_is_told() -> None:
    page = held()
    waiting = after(page, Failed(intent_of(page, IntentKind.COPY).id, AWAY))
    assert (waiting.state, intent_of(waiting, IntentKind.COPY).attempt) == (CopyPageState.COPYING, 2)
    failed = after(page, Failed(intent_of(page, IntentKind.COPY).id, FINAL_FAULT))
    assert (failed.state, failed.error, kinds(failed)) == (CopyPageState.FAILED, FINAL_FAULT, [IntentKind.TELL_FLOW])


@pytest.mark.parametrize("times", [1, 2, 3])
def test_page_whose_message_is_poison_three_times_fails(times: int) -> None:
    page = held()
    for _ in range(times):
        page = after(page, Poisoned(Fault(FaultCode.POISONED, "failed too often", retryable=True)))
    assert (page.state is CopyPageState.FAILED) == (times == 3)
    assert page.poisoned == times


def test_late_news_of_a_page_that_has_ended_is_nothing() -> None:
    page = held()
    ended = after(page, copied(page, {"finished": True}))
    late = copied(page, {"finished": False, "checkpoint": HALF})
    assert after(ended, late) is ended
    assert after(replace(ended), RESUME).state is CopyPageState.COPIED
