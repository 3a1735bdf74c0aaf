"""The pace under limits, simulated: goodput, refusals, the window, and what a pause does."""

import random

import pytest

from ferry.data_plane.copying.pace import Pace, Told
from tests.unit.data_plane.copying.simulation import Falling, FixedWindow, Limiter, Lottery, TokenBucket, simulate


def limited(rate: float, burst_seconds: float) -> Limiter:
    """A limit with so much of a second's requests at once; 0: counted by the seconds of the clock."""
    return TokenBucket(rate, rate * burst_seconds) if burst_seconds else FixedWindow(rate)


# As long as 20,000 small blobs take at that limit, and as long again.
@pytest.mark.parametrize("rate", [500, 2000])
@pytest.mark.parametrize("burst_seconds", [0.1, 1.0, 0])
@pytest.mark.parametrize("latency", [0.01, 0.03])
def test_a_limit_is_used_with_few_refusals(rate: int, burst_seconds: float, latency: float) -> None:
    outcome = simulate(limited(rate, burst_seconds), seconds=40.0, latency=latency)
    assert outcome.done_per_second >= 0.95 * rate
    assert outcome.refused_share <= 0.10


# An account that has been idle takes a burst at first, which says nothing of its limit.
@pytest.mark.parametrize("rate", [500, 2000])
@pytest.mark.parametrize("latency", [0.01, 0.012, 0.03])
@pytest.mark.parametrize("refusal_share", [0.5, 0.1, 0.02])
def test_a_first_burst_is_not_taken_for_refusals_by_chance(rate: int, latency: float, refusal_share: float) -> None:
    full = TokenBucket(rate, rate * 0.1, rate * 0.1)
    outcome = simulate(full, seconds=10.0, latency=latency, refusal_share=refusal_share)
    assert outcome.done_per_second >= 0.95 * rate
    assert outcome.refused_share <= 0.10


def test_a_limit_that_falls_is_followed() -> None:
    falling = Falling(TokenBucket(2000, 200, 200), TokenBucket(1300, 130, 130), at=30.0)
    outcome = simulate(falling, seconds=60.0)
    assert outcome.done_per_second >= 0.93 * 1650
    assert outcome.refused_share <= 0.10


def test_without_a_limit_the_window_opens_to_its_cap() -> None:
    outcome = simulate(TokenBucket(1e9, 1e9), seconds=2.0, latency=0.01)
    assert outcome.peak_in_flight == 512
    assert outcome.refused_share == 0.0


def test_a_service_that_gets_slower_stops_the_window() -> None:
    outcome = simulate(TokenBucket(1e9, 1e9), seconds=3.0, latency=0.01, width=60.0)
    assert outcome.peak_in_flight < 256


def test_refusals_by_chance_do_not_wear_the_rate_down() -> None:
    outcome = simulate(Lottery(0.1, random.Random(3)), seconds=20.0, latency=0.01)
    assert outcome.done_per_second >= 500


def test_a_single_refusal_changes_nothing() -> None:
    pace = Pace()
    pace.sent(0.0)
    pace.answered(Told.THROTTLED, sent_at=0.0, now=0.01)
    assert pace.rate is None
    assert pace.wait_seconds(0.01) == 0.0


def test_refusals_of_requests_from_before_the_cut_count_once() -> None:
    pace = Pace()
    for _ in range(30):
        pace.sent(0.0)
    for number in range(30):
        pace.answered(Told.DONE if number < 10 else Told.THROTTLED, sent_at=0.0, now=0.01)
    rate = pace.rate
    assert rate is not None
    assert rate > 20.0
    assert pace.in_flight == 0


def test_a_full_window_waits_for_an_answer() -> None:
    pace = Pace(window_cap=4)
    for _ in range(4):
        assert pace.wait_seconds(0.0) == 0.0
        pace.sent(0.0)
    assert pace.wait_seconds(0.0) is None
    pace.answered(Told.OTHER, sent_at=0.0, now=0.1)
    assert pace.wait_seconds(0.1) == 0.0


def test_a_pause_keeps_everybody_back() -> None:
    pace = Pace()
    pace.pause(7.0)
    assert pace.wait_seconds(5.0) == 2.0
    assert pace.wait_seconds(7.0) == 0.0
