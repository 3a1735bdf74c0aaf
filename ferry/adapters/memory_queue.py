"""TaskQueue in memory, with the visibility, dequeue counts and redelivery of the real one, on a clock that is given."""

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ferry.adapters.look_messages import encode_look, parse_look, whole_delay_seconds
from ferry.ports.clock import Clock
from ferry.ports.work import Lane, LookMessage

# The host hides a message for so long while a function works on it: after a crash it comes back only then.
VISIBILITY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that was received: `number` is its place in the order of sending, `dequeue_count` is 1 at first."""

    number: int
    message: LookMessage
    dequeue_count: int
    visible_at: datetime


@dataclass(frozen=True, slots=True)
class _Stored:
    number: int
    lane: Lane
    text: str
    visible_at: datetime
    dequeue_count: int = 0


class MemoryTaskQueue:
    """All lanes in one; the harness that drives it says when a message is received, acknowledged or comes again."""

    def __init__(self, clock: Clock, *, visibility_seconds: float = VISIBILITY_SECONDS) -> None:
        self._clock = clock
        self._visibility = timedelta(seconds=visibility_seconds)
        self._messages: dict[int, _Stored] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def send(self, message: LookMessage, *, delay_seconds: float) -> None:
        """Put a message that becomes visible after the delay (whole seconds, rounded up)."""
        visible_at = self._clock.now() + timedelta(seconds=whole_delay_seconds(delay_seconds))
        with self._lock:
            stored = _Stored(next(self._numbers), message.lane, encode_look(message), visible_at)
            self._messages[stored.number] = stored

    def receive(self, lane: Lane | None = None) -> Delivery | None:
        """The visible message that has waited longest, hidden from others for the visibility time."""
        now = self._clock.now()
        with self._lock:
            due = [stored for stored in self._of(lane) if stored.visible_at <= now]
            if not due:
                return None
            first = min(due, key=lambda stored: (stored.visible_at, stored.number))
            taken = replace(first, visible_at=now + self._visibility, dequeue_count=first.dequeue_count + 1)
            self._messages[taken.number] = taken
        return Delivery(taken.number, parse_look(taken.text), taken.dequeue_count, taken.visible_at)

    def acknowledge(self, delivery: Delivery) -> bool:
        """Delete a received message. False where it was delivered again meanwhile, or is gone."""
        with self._lock:
            if not self._is_current(delivery):
                return False
            del self._messages[delivery.number]
            return True

    def release(self, delivery: Delivery, *, delay_seconds: float = 0.0) -> bool:
        """Let a received message come again after the delay. False as for `acknowledge`."""
        visible_at = self._clock.now() + timedelta(seconds=delay_seconds)
        with self._lock:
            if not self._is_current(delivery):
                return False
            self._messages[delivery.number] = replace(self._messages[delivery.number], visible_at=visible_at)
            return True

    def next_visible_at(self, lane: Lane | None = None) -> datetime | None:
        """When the next message is or becomes visible; None where there is none."""
        with self._lock:
            return min((stored.visible_at for stored in self._of(lane)), default=None)

    def pending(self, lane: Lane | None = None) -> Sequence[LookMessage]:
        """All messages that are not acknowledged, in the order of sending, received ones included."""
        with self._lock:
            return [parse_look(stored.text) for stored in self._of(lane)]

    def clear(self) -> None:
        """Lose every message."""
        with self._lock:
            self._messages.clear()

    def _of(self, lane: Lane | None) -> Sequence[_Stored]:
        return [stored for stored in self._messages.values() if lane is None or stored.lane is lane]

    def _is_current(self, delivery: Delivery) -> bool:
        stored = self._messages.get(delivery.number)
        return stored is not None and stored.dequeue_count == delivery.dequeue_count
