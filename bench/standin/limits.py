"""What keeps a request from its answer: a limit of the account's requests, and faults by a seed."""

import random
from dataclasses import dataclass, field

from bench.standin.behaviour import Behaviour

# Azure counts over a short while: a client that stays below the limit must not be refused for sending in small bursts.
_WINDOW_SECONDS = 0.1


@dataclass(slots=True)
class Allowance:
    """So many requests in a second, with some to spare after a pause."""

    rate: float
    _left: float = 0.0
    _at: float = field(default=-1.0)

    def admits(self, now: float) -> bool:
        """Whether a request at that moment is within the limit; it counts if it is."""
        most = self.rate * _WINDOW_SECONDS
        self._left = most if self._at < 0 else min(most, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Mishaps:
    """Which request meets a fault: drawn from a seed, so that a run can be had again."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._share = behaviour.fault_share
        self._kinds = behaviour.faults
        self._random = random.Random(behaviour.fault_seed)

    def draw(self) -> str | None:
        """The fault of the next request."""
        if not self._share or self._random.random() >= self._share:
            return None
        return self._random.choice(self._kinds)
