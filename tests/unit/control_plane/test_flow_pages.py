"""What a flow makes of the pages of its copy: done ones counted once, when it is its own turn, how far they are."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from ferry.control_plane import flow_decisions
from ferry.control_plane.flow_pages import WAIT_SECONDS
from ferry.control_plane.progress import progress_of
from ferry.domain.data_flow import OPEN_PAGES_LIMIT, PAGES_SPAN_LIMIT, DataFlow
from ferry.domain.decision import Command, CommandKind, PageReport
from ferry.domain.faults import Fault
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.states import FlowState
from tests.unit.control_plane.processes import NOW, TERMINATE, intent_of, kinds, moment
from tests.unit.control_plane.test_flow_decisions import after, begun, copied, taken

SUSPEND = Command(CommandKind.SUSPEND, "later")
RESUME = Command(CommandKind.RESUME)


def listed(pages: int, *, is_all: bool = True) -> JsonObject:
    return {"pages": pages, "listed": is_all, "total": [2 * pages, 20 * pages]}


def waiting(pages: int, *, is_all: bool = True) -> DataFlow:
    """A flow that has begun so many pages, and waits for them."""
    held = taken(begun())
    return after(held, copied(held, {"finished": False, "waits": True, "checkpoint": listed(pages, is_all=is_all)}))


def done(number: int, *, blobs: int = 2, size_bytes: int = 20) -> PageReport:
    return PageReport(number, blobs, size_bytes, is_done=True, methods={"put_from_url": blobs})


def is_due(flow: DataFlow, seconds: float = 0.0) -> bool:
    return intent_of(flow, IntentKind.COPY).is_due(NOW + timedelta(seconds=seconds))


def test_flow_whose_pages_are_under_way_waits_and_looks_after_them_in_time() -> None:
    flow = waiting(3)
    assert not is_due(flow, WAIT_SECONDS - 0.1)
    assert is_due(flow, WAIT_SECONDS)


def test_page_that_is_done_before_the_flow_waits_is_not_missed() -> None:
    held = taken(begun())
    told = after(after(held, done(0)), done(1))
    flow = after(told, copied(told, {"finished": False, "waits": True, "checkpoint": listed(2)}))
    assert is_due(flow)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_last_page_makes_the_flow_due_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    flow = waiting(3)
    for number in order[:-1]:
        flow = after(flow, done(number))
        assert not is_due(flow)
    flow = after(flow, done(order[-1]))
    assert is_due(flow)
    assert flow.pages is not None and flow.pages.are_done
    assert (flow.pages.done_below, flow.pages.done) == (3, ())
    assert (flow.pages.blobs, flow.pages.size_bytes, flow.pages.methods) == (6, 60, {"put_from_url": 6})


def test_page_that_is_told_twice_counts_once() -> None:
    once = after(waiting(2), done(1))
    assert after(once, done(1)) is once
    both = after(once, done(0))
    assert after(both, done(0)) is both


def test_flow_that_is_at_work_is_not_disturbed_by_its_pages() -> None:
    flow = taken(waiting(2), WAIT_SECONDS)
    lease = intent_of(flow, IntentKind.COPY).not_before
    told = after(after(flow, done(0)), done(1))
    assert intent_of(told, IntentKind.COPY).not_before == lease


def test_room_for_more_pages_makes_the_flow_list_on() -> None:
    flow = waiting(OPEN_PAGES_LIMIT, is_all=False)
    for number in range(OPEN_PAGES_LIMIT // 2 - 1):
        flow = after(flow, done(number))
    assert not is_due(flow)
    assert is_due(after(flow, done(OPEN_PAGES_LIMIT // 2 - 1)))


def test_page_that_stands_still_holds_the_list_up_before_the_flow_grows_without_bound() -> None:
    flow = waiting(PAGES_SPAN_LIMIT, is_all=False)
    for number in range(1, PAGES_SPAN_LIMIT):
        flow = after(flow, done(number))
    assert flow.pages is not None and (flow.pages.open_count, flow.pages.room) == (1, 0)
    assert not is_due(flow)
    assert is_due(after(flow, done(0)))


def test_fault_of_a_page_is_the_flows() -> None:
    fault = Fault("SAS_REFUSED", "refused", step=11)
    failed = after(waiting(2), PageReport(1, fault=fault))
    assert (failed.state, failed.error) == (FlowState.FAILED, fault)
    assert kinds(failed) == [IntentKind.NOTIFY_CONTROL_PLANE]


def test_news_of_a_flow_that_is_over_is_nothing() -> None:
    ended = after(waiting(2), TERMINATE)
    assert after(ended, done(0)) is ended
    assert after(ended, PageReport(1, fault=Fault("SAS_REFUSED", "refused"))) is ended


def test_page_that_ends_while_the_flow_stands_still_counts() -> None:
    still = after(waiting(2), SUSPEND)
    told = after(after(still, done(0)), done(1))
    assert (told.state, told.pages is not None and told.pages.are_done) == (FlowState.SUSPENDED, True)
    assert is_due(after(told, RESUME))


def test_resumed_flow_looks_after_its_pages_at_once() -> None:
    resumed = after(after(waiting(2), SUSPEND), RESUME)
    assert is_due(resumed)
    assert resumed.pages is not None and resumed.pages.open_numbers == (0, 1)


def test_progress_counts_done_pages_and_what_the_open_ones_have_told() -> None:
    flow = waiting(3)
    for report in (done(1), PageReport(0, 1, 10), PageReport(0, 1, 7)):
        flow = after(flow, report, 10)
    progress = progress_of(flow, NOW + timedelta(seconds=10))
    assert (progress.blobs_done, progress.bytes_done) == (3, 30)
    assert (progress.blobs_total, progress.bytes_total, progress.is_total_known) == (6, 60, True)
    finished = after(flow, done(0), 20)
    assert progress_of(finished, NOW).blobs_done == 4
    assert finished.pages is not None and finished.pages.told == {}


def test_progress_never_goes_down_whatever_is_told() -> None:
    flow, before = waiting(4), 0
    for report in (
        PageReport(0, 2, 18),
        done(0),
        PageReport(1, 1, 5),
        PageReport(1, 0, 0),
        done(1),
        PageReport(1, 2, 9),
    ):
        flow = after(flow, report)
        now = progress_of(flow, NOW).bytes_done
        assert now >= before
        before = now


def test_checkpoint_of_the_lister_leaves_what_pages_have_told() -> None:
    told = after(taken(waiting(2, is_all=False), WAIT_SECONDS), done(0))
    saved = flow_decisions.progressed(told, 2, listed(5), moment())
    assert saved is not None and saved.pages is not None
    assert (saved.pages.begun, saved.pages.is_listed, saved.pages.done_below) == (5, True, 1)
    assert saved.pages.open_numbers == (1, 2, 3, 4)


def test_inline_copy_tells_its_progress_by_its_checkpoint() -> None:
    held = taken(begun())
    saved = flow_decisions.progressed(held, 1, {"total": [4, 40], "done": [1, 10], "listed": True}, moment(10))
    assert saved is not None
    progress = progress_of(replace(saved), NOW + timedelta(seconds=10))
    assert (progress.blobs_done, progress.bytes_total, progress.eta_seconds) == (1, 40, 30.0)
    assert saved.pages is None
