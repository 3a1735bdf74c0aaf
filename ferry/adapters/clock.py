"""Time: the system's, and one that stands still until it is told."""

import threading
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The time in UTC, with zone."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class VirtualClock:
    """A time that moves only by `sleep`, `advance` and `advance_to`; nobody waits."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time in UTC, with zone."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds."""
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def advance_to(self, at: datetime) -> None:
        """Move on to that time; an earlier one changes nothing."""
        with self._lock:
            self._now = max(self._now, at)
