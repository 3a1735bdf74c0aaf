"""Time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """The time in UTC, with zone."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; only ever for fractions of a second."""
        ...
