"""How fast one endpoint is asked: a window that grows until the first throttling, then a rate that follows goodput.

A window alone floods a service that throttles, for a refusal comes back sooner than a success and makes room for the
next request at once. So from the first throttling on requests are spaced by a rate: what was really done in the last
second, a little less after many refusals, and a little more for every 100 ms without any. All times are seconds of one
clock, which the caller reads; nothing here waits.
"""

from collections import deque
from enum import Enum

_TICK_SECONDS = 0.1
_MEASURED_SECONDS = 1.0
_BACK_TO = 0.85
_PAUSE_SECONDS = 0.05
_GROWTH = 1.015
# Up to the goodput that was seen there is no news to be careful about.
_RETURN_GROWTH = 1.05
_KNOWN_SHARE = 0.97
# The first refusals come before there is much to measure: up to the second ones the rate finds its limit fast.
_SEEKING_GROWTH = 1.5
# After so many ticks without a refusal the limit has moved: each tick dares twice as much.
_CALM_TICKS = 15
_MOST_DOUBLINGS = 4
# A rate that is not used says nothing of the limit, so it does not grow.
_USED_SHARE = 0.7
# So few refusals are what it costs to know where the limit is.
_TOLERATED_SHARE = 0.04
_TOLERATED_COUNT = 3
_EASED_TO = 0.98
# Refusals that do not become fewer with the rate do not come of it: then more of them are borne for a while.
_UNCHANGED_SHARE = 0.85
_LOWER = 0.82
_MOST_INDIFFERENT_SHARE = 0.4
_MOST_TOLERATED_SHARE = 0.2
_TOLERANCE_MARGIN = 1.5
_TOLERANCE_DECAY = 0.97
_ENOUGH_TO_JUDGE = 20
# What the share of refusals before a cut was in: the last two seconds, for what was long ago says nothing of the limit.
_SHARE_KEPT = 0.95
# A limit that has fallen suddenly is not followed tick by tick.
_FLOOD_SHARE = 0.5
_FLOOD_COUNT = 20
# Nor is one that a rate has found which grows so fast.
_SOUGHT_SHARE = 0.1
_SOUGHT_COUNT = 8
_LEAST_RATE = 100.0
_FIRST_WINDOW = 32.0
# What is under way when the first refusal comes may all be refused, so the last part is not doubled each time.
_CAREFUL_WINDOW = 128.0
_CAREFUL_STEP = 0.25
# What was not sent because this process had no time is made up for.
_BURST_SECONDS = 0.05
_SILENT_GROWTH = 2.0
_SLOWED_TIMES = 2.0
# How far one latency moves the running median, and how much of the minimum is forgotten in each tick.
_MEDIAN_STEP = 0.02
_FIRST_LATENCIES = 32
_MINIMUM_DRIFT = 1.005


class Told(Enum):
    """What an answer says of the endpoint. OTHER: nothing about its load."""

    DONE = "done"
    THROTTLED = "throttled"
    OTHER = "other"


class Pace:
    """The pace of one endpoint: how many requests may be under way (`window`), how many a second (`rate`)."""

    __slots__ = (
        "_asked_lower",
        "_asked_since_cut",
        "_calm_ticks",
        "_cut_at",
        "_done",
        "_free_at",
        "_heard_at",
        "_is_seeking",
        "_latencies",
        "_least_median",
        "_median_latency",
        "_past",
        "_past_seconds",
        "_rate_before",
        "_seen_rate",
        "_share_before",
        "_throttled",
        "_throttled_lower",
        "_throttled_since_cut",
        "_tick_at",
        "_tick_started",
        "_tolerated_share",
        "_window_cap",
        "in_flight",
        "rate",
        "window",
    )

    def __init__(self, *, window_cap: int = 512) -> None:
        self.in_flight = 0
        self.window = min(_FIRST_WINDOW, float(window_cap))
        self.rate: float | None = None
        self._window_cap = float(window_cap)
        self._free_at = 0.0
        self._cut_at = float("-inf")
        self._heard_at = 0.0
        self._tick_started = 0.0
        self._tick_at = 0.0
        self._done = 0
        self._throttled = 0
        self._past: deque[tuple[float, int, int]] = deque()
        self._past_seconds = 0.0
        self._seen_rate = 0.0
        self._calm_ticks = 0
        self._is_seeking = False
        self._tolerated_share = _TOLERATED_SHARE
        self._share_before = 1.0
        self._rate_before = 0.0
        self._asked_lower = 0
        self._throttled_lower = 0
        self._asked_since_cut = 0.0
        self._throttled_since_cut = 0.0
        self._median_latency = 0.0
        self._least_median = float("inf")
        self._latencies = 0

    def wait_seconds(self, now: float) -> float | None:
        """0 where a request may be sent now, else how long to wait; None: until another one is answered."""
        if self.in_flight >= self.window:
            return None
        return max(0.0, self._free_at - now)

    def sent(self, now: float) -> None:
        """A request goes out."""
        self.in_flight += 1
        if self._tick_at == 0.0:
            self._begin_tick(now)
            self._heard_at = now
        if self.rate is not None:
            self._free_at = max(self._free_at, now - _BURST_SECONDS) + 1.0 / self.rate

    def answered(self, told: Told, *, sent_at: float, now: float, is_small: bool = True) -> None:
        """An answer has come, or is given up. `is_small`: its latency does not depend on its size."""
        self.in_flight -= 1
        self._heard_at = now
        if now >= self._tick_at:
            self._tick(now)
        if told is Told.DONE:
            self._done += 1
            if is_small:
                self._note_latency(now - sent_at)
            # A busy machine looks like a slow service: so small a window is nobody's burden.
            if self.window < _CAREFUL_WINDOW:
                self.window = min(self.window + 1.0, self._window_cap)
            elif not self._is_slowed():
                self.window = min(self.window + _CAREFUL_STEP, self._window_cap)
        elif told is Told.THROTTLED and sent_at >= self._cut_at:
            self._throttled += 1
            asked = self._done + self._throttled
            count, share = (_SOUGHT_COUNT, _SOUGHT_SHARE) if self._is_seeking else (_FLOOD_COUNT, _FLOOD_SHARE)
            is_flood = self._throttled >= count and self._throttled > share * asked
            if is_flood or (self.rate is None and self._throttled > _TOLERATED_COUNT):
                self._cut(now)

    def look(self, now: float) -> None:
        """Large requests take their time, refusals do not: where none has come for a while there is room for more."""
        if self.rate is None and now - self._heard_at >= _TICK_SECONDS and self.in_flight >= _USED_SHARE * self.window:
            self._heard_at = now
            self.window = min(self.window * _SILENT_GROWTH, self._window_cap)

    def pause(self, until: float) -> None:
        """Send nothing before that time: the endpoint said so."""
        self._free_at = max(self._free_at, until)

    def _cut(self, now: float) -> None:
        """Too many refusals: go back under what was really done in the last second."""
        # The first ones come before there is much to measure: what is under way counts as done.
        expected = self.in_flight if self.rate is None else 0
        self._keep(now, self._done + expected, self._throttled)
        is_sought, self._is_seeking = self._is_seeking, self.rate is None
        is_news = self.rate is None or is_sought or self._calm_ticks > _CALM_TICKS
        # The first refusals, and those of a rate that grew fast, have none before them that they could be compared by.
        self._share_before = 1.0 if is_news else self._throttled_since_cut / max(1.0, self._asked_since_cut)
        self._asked_since_cut = self._throttled_since_cut = 0.0
        self._rate_before = self.rate or 0.0
        self._asked_lower = self._throttled_lower = 0
        # The rate before the last step was borne, which the last second does not show of one that grew fast.
        borne = (self.rate or 0.0) / _SEEKING_GROWTH if is_sought else 0.0
        self._seen_rate = max(self._goodput(), borne)
        self.rate = max(_LEAST_RATE, _BACK_TO * self._seen_rate)
        self._cut_at = now
        self._calm_ticks = 0
        # What was refused so far has had its effect.
        self._past = deque((seconds, done, 0) for seconds, done, _ in self._past)
        self.pause(now + _PAUSE_SECONDS)
        self._begin_tick(now)

    def _keep(self, now: float, done: int, throttled: int) -> None:
        self._asked_since_cut = _SHARE_KEPT * self._asked_since_cut + done + throttled
        self._throttled_since_cut = _SHARE_KEPT * self._throttled_since_cut + throttled
        self._past.append((now - self._tick_started, done, throttled))
        self._past_seconds += now - self._tick_started
        while self._past_seconds - self._past[0][0] >= _MEASURED_SECONDS:
            self._past_seconds -= self._past.popleft()[0]

    def _goodput(self) -> float:
        return sum(done for _, done, _ in self._past) / max(self._past_seconds, _TICK_SECONDS)

    def _tick(self, now: float) -> None:
        seconds = now - self._tick_started
        self._least_median = min(self._least_median * _MINIMUM_DRIFT, self._median_latency)
        if self.rate is not None and self.rate <= _LOWER * self._rate_before:
            self._asked_lower += self._done + self._throttled
            self._throttled_lower += self._throttled
        self._tolerated_share = max(_TOLERATED_SHARE, self._tolerated_share * _TOLERANCE_DECAY)
        if self.rate is not None and self._throttled:
            self._ease(self.rate, now)
            return
        self._keep(now, self._done, self._throttled)
        if self.rate is not None and self._done >= _USED_SHARE * self.rate * seconds:
            self._calm_ticks += 1
            self.rate *= self._growth(self.rate)
        self._begin_tick(now)

    def _ease(self, rate: float, now: float) -> None:
        done = self._done + sum(done for _, done, _ in self._past)
        throttled = self._throttled + sum(throttled for _, _, throttled in self._past)
        if throttled > max(_TOLERATED_COUNT, self._tolerated_share * (done + throttled)):
            if not self._is_indifferent():
                self._cut(now)
                return
            self._tolerated_share = min(_MOST_TOLERATED_SHARE, _TOLERANCE_MARGIN * self._share_when_lower())
            # What is borne now is no evidence for bearing more.
            self._asked_lower = self._throttled_lower = 0
            rate = max(rate, self._rate_before)
        self._keep(now, self._done, self._throttled)
        self._calm_ticks = 0
        growth = _EASED_TO
        if self._is_seeking:
            growth = _SEEKING_GROWTH
        elif self._tolerated_share > _TOLERATED_SHARE:
            # They come of chance, so the rate goes on as it would without them.
            growth = _RETURN_GROWTH
        self.rate = max(_LEAST_RATE, rate * growth)
        self._begin_tick(now)

    def _is_indifferent(self) -> bool:
        """Whether as large a part is refused as before the last cut."""
        share = self._share_when_lower()
        is_judged = self._asked_lower >= _ENOUGH_TO_JUDGE and share <= _MOST_INDIFFERENT_SHARE
        return is_judged and share >= _UNCHANGED_SHARE * self._share_before

    def _share_when_lower(self) -> float:
        return self._throttled_lower / max(1, self._asked_lower)

    def _begin_tick(self, now: float) -> None:
        self._done = self._throttled = 0
        self._tick_started, self._tick_at = now, now + _TICK_SECONDS

    def _growth(self, rate: float) -> float:
        if self._is_seeking:
            return _SEEKING_GROWTH
        if rate < _KNOWN_SHARE * self._seen_rate:
            return _RETURN_GROWTH
        doublings = min(max(0, self._calm_ticks - _CALM_TICKS), _MOST_DOUBLINGS)
        return 1.0 + (_GROWTH - 1.0) * 2.0**doublings

    def _note_latency(self, seconds: float) -> None:
        if self._median_latency == 0.0:
            self._median_latency = seconds
            return
        self._median_latency *= 1.0 + (_MEDIAN_STEP if seconds > self._median_latency else -_MEDIAN_STEP)
        self._latencies += 1
        if self._latencies == _FIRST_LATENCIES:
            self._least_median = self._median_latency

    def _is_slowed(self) -> bool:
        return self._median_latency > _SLOWED_TIMES * self._least_median
