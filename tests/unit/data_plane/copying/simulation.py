"""A service with a request limit on a clock of its own, asked at the pace that is to be judged."""

import heapq
import random
from dataclasses import dataclass
from typing import Protocol

from ferry.data_plane.copying.pace import Pace, Told


class Limiter(Protocol):
    """Says whether a request is taken."""

    def takes(self, now: float) -> bool:
        """Whether the one that comes now is."""
        ...


@dataclass(slots=True)
class TokenBucket:
    """So many a second, and a burst."""

    rate: float
    burst: float
    tokens: float = 0.0
    at: float = 0.0

    def takes(self, now: float) -> bool:
        """Whether there is a token left."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(slots=True)
class FixedWindow:
    """So many in each second of the clock."""

    rate: float
    second: int = -1
    count: int = 0

    def takes(self, now: float) -> bool:
        """Whether this second has room."""
        if int(now) != self.second:
            self.second, self.count = int(now), 0
        self.count += 1
        return self.count <= self.rate


@dataclass(slots=True)
class Falling:
    """One limit until a moment, another one from then on."""

    before: Limiter
    after: Limiter
    at: float

    def takes(self, now: float) -> bool:
        """Whether the one that holds now takes it."""
        return (self.before if now < self.at else self.after).takes(now)


@dataclass(slots=True)
class Lottery:
    """Refuses by chance, whatever the rate."""

    share: float
    chance: random.Random

    def takes(self, now: float) -> bool:
        """Whether it is drawn."""
        return self.chance.random() >= self.share


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `refused_share` is in parts of what was done."""

    done_per_second: float
    refused_share: float
    peak_in_flight: int


def simulate(
    limiter: Limiter, *, seconds: float, latency: float = 0.01, refusal_share: float = 0.5, width: float = 1e9
) -> Outcome:
    """Send as fast as the pace lets, for so long. Up to `width` requests are served at once, the rest one by one.

    A refusal takes `refusal_share` of the latency.
    """
    pace, chance, events = Pace(), random.Random(1), list[tuple[float, int, float, bool]]()
    now = wake_at = 0.0
    done = refused = number = peak = 0
    while now < seconds:
        while True:
            wait = pace.wait_seconds(now)
            if wait is None:
                break
            if wait > 0.0:
                wake_at = now + max(wait, 0.001)
                break
            pace.sent(now)
            peak = max(peak, pace.in_flight)
            is_taken = limiter.takes(now + latency * min(0.3, refusal_share))
            slowed = max(1.0, pace.in_flight / width)
            spent = latency * (1.0 + 0.3 * chance.random()) * slowed if is_taken else latency * refusal_share
            number += 1
            heapq.heappush(events, (now + spent, number, now, is_taken))
        if wake_at > now and (not events or wake_at < events[0][0]):
            now = wake_at
            continue
        now, _, sent_at, is_taken = heapq.heappop(events)
        pace.answered(Told.DONE if is_taken else Told.THROTTLED, sent_at=sent_at, now=now)
        done, refused = done + is_taken, refused + (not is_taken)
    return Outcome(done / seconds, refused / max(1, done), peak)
