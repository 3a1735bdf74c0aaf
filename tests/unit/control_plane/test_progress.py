"""How far a copy has come: never backwards, the rate of the last minute, no end where nobody can know it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane.progress import WINDOW, advanced, progress_of
from ferry.domain.data_flow import CopyProgress, DataFlow
from ferry.domain.states import FlowState
from tests.unit.control_plane.processes import NOW
from tests.unit.control_plane.test_flow_decisions import asked_for


def told(blobs: int, size_bytes: int, *, total: tuple[int, int] = (100, 1000), is_known: bool = True) -> CopyProgress:
    return CopyProgress(
        blobs_done=blobs, bytes_done=size_bytes, blobs_total=total[0], bytes_total=total[1], is_total_known=is_known
    )


def after(*news: tuple[float, CopyProgress]) -> DataFlow:
    """The flow after what was told so many seconds after its beginning."""
    known = None
    for seconds, progress in news:
        known = advanced(known, progress, since=NOW, now=NOW + timedelta(seconds=seconds))
    return replace(asked_for(), progress=known)


def test_flow_that_has_told_nothing_is_at_its_beginning() -> None:
    progress = progress_of(asked_for(), NOW)
    assert (progress.blobs_done, progress.blobs_total, progress.is_total_known) == (0, 0, False)
    assert (progress.bytes_per_second, progress.eta_seconds) == (0.0, None)


def test_rate_and_end_follow_from_what_was_done_so_far() -> None:
    progress = progress_of(after((10, told(10, 200))), NOW + timedelta(seconds=10))
    assert (progress.bytes_per_second, progress.blobs_per_second) == (20.0, 1.0)
    assert progress.eta_seconds == 90.0  # the blobs take longer than the bytes


def test_end_of_one_large_blob_follows_from_its_bytes() -> None:
    progress = progress_of(after((10, told(0, 250, total=(1, 1000)))), NOW + timedelta(seconds=10))
    assert (progress.blobs_per_second, progress.eta_seconds) == (0.0, 30.0)


def test_end_is_unknown_while_only_blobs_without_bytes_are_done() -> None:
    progress = progress_of(after((10, told(5, 0))), NOW + timedelta(seconds=10))
    assert progress.eta_seconds is None


def test_rate_is_that_of_the_last_minute() -> None:
    flow = after((0, told(0, 0)), (100, told(10, 100)), (160, told(20, 700)))
    assert progress_of(flow, NOW + timedelta(seconds=160)).bytes_per_second == 10.0


@pytest.mark.parametrize("silent_seconds", [0, 4, 10, 15])
def test_end_does_not_move_away_between_two_news(silent_seconds: int) -> None:
    progress = progress_of(after((10, told(20, 200))), NOW + timedelta(seconds=10 + silent_seconds))
    assert (progress.bytes_per_second, progress.blobs_per_second) == (20.0, 2.0)
    assert progress.eta_seconds == 40.0 - silent_seconds


def test_end_that_should_have_come_is_told_as_near() -> None:
    progress = progress_of(after((10, told(90, 900))), NOW + timedelta(seconds=25))
    assert progress.eta_seconds == 0.0


def test_copy_that_stalls_slows_down_and_has_no_end_in_the_end() -> None:
    flow = after((10, told(10, 100)))
    assert progress_of(flow, NOW + timedelta(seconds=35)).bytes_per_second == 5.0
    stalled = progress_of(flow, NOW + timedelta(seconds=35) + WINDOW)
    assert (stalled.bytes_per_second, stalled.eta_seconds) == (0.0, None)


def test_less_than_before_is_old_news() -> None:
    progress = progress_of(after((10, told(10, 100)), (20, told(5, 50))), NOW + timedelta(seconds=20))
    assert (progress.blobs_done, progress.bytes_done) == (10, 100)


def test_no_end_is_told_while_the_listing_goes_on() -> None:
    progress = progress_of(after((10, told(10, 100, is_known=False))), NOW + timedelta(seconds=10))
    assert (progress.eta_seconds, progress.is_total_known) == (None, False)
    assert progress.bytes_per_second == 10.0


def test_suspended_flow_keeps_what_is_done_and_has_no_rate() -> None:
    flow = replace(after((10, told(10, 100))), state=FlowState.SUSPENDED)
    progress = progress_of(flow, NOW + timedelta(seconds=10))
    assert (progress.blobs_done, progress.bytes_per_second, progress.eta_seconds) == (10, 0.0, None)


def test_flow_that_is_done_says_what_was_copied() -> None:
    ended = replace(
        asked_for(),
        state=FlowState.COMPLETED,
        state_at=NOW + timedelta(seconds=4),
        summary={"blobs": 3, "bytes": 12},
        progress=told(1, 1),
    )
    progress = progress_of(ended, NOW + timedelta(hours=1))
    assert (progress.blobs_done, progress.blobs_total, progress.bytes_total) == (3, 3, 12)
    assert (progress.bytes_per_second, progress.eta_seconds, progress.at) == (3.0, 0.0, ended.state_at)


@pytest.mark.parametrize("seconds", [1.0, 4.0, 30.0])
def test_samples_do_not_grow_with_the_news(seconds: float) -> None:
    flow = after(*((number * seconds, told(number, number)) for number in range(1, 200)))
    assert flow.progress is not None
    assert len(flow.progress.samples) <= WINDOW.total_seconds() / 4 + 3
