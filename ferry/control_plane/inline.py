"""How many management calls may go on with their process at the same time.

A call that goes on waits for the other side. If all threads of two apps waited for each other, neither could answer; so
a call that finds no slot answers at once, and the queue goes on.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager

DEFAULT_SLOTS = 8


class InlineSlots:
    """Slots for calls that go on with their process before they answer."""

    def __init__(self, slots: int = DEFAULT_SLOTS) -> None:
        self._free = threading.BoundedSemaphore(slots)

    @contextmanager
    def budget(self, seconds: float) -> Generator[float]:
        """The seconds that the call may go on: as many as wanted, or none where no slot is free."""
        if seconds <= 0 or not self._free.acquire(blocking=False):
            yield 0.0
            return
        try:
            yield seconds
        finally:
            self._free.release()
