"""Metrics: what is counted and measured, as data; nothing is kept until `measure_with` was called (FERRY_TELEMETRY)."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ferry.telemetry.spans import Attribute


class Shape(StrEnum):
    """How values of an instrument are put together."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric: its name, unit (UCUM), what it says, and what it is told apart by."""

    name: str
    shape: Shape
    unit: str
    says: str
    told_apart_by: tuple[str, ...] = ()


PROCESSES = Instrument(
    "ferry.processes",
    Shape.COUNTER,
    "{process}",
    "processes that entered a state; `code` is the cause where it is a failure",
    ("kind", "state", "code"),
)
DELIVERED_BYTES = Instrument("ferry.delivered", Shape.COUNTER, "By", "bytes that flows of this data plane delivered")
RETRIES = Instrument(
    "ferry.retries", Shape.COUNTER, "{retry}", "effects that failed and are tried again", ("kind", "intent", "code")
)
POISONED = Instrument("ferry.poisoned", Shape.COUNTER, "{message}", "queue messages that failed too often", ("kind",))
OLDEST = Instrument(
    "ferry.oldest_unfinished", Shape.GAUGE, "s", "age of the oldest process that the janitor found overdue", ("kind",)
)
DEPENDENCY = Instrument(
    "ferry.dependency.duration",
    Shape.HISTOGRAM,
    "s",
    "how long storage, vault and peers take to answer",
    ("system", "status"),
)
INSTRUMENTS = (PROCESSES, DELIVERED_BYTES, RETRIES, POISONED, OLDEST, DEPENDENCY)


class Meters(Protocol):
    """Takes values."""

    def take(self, instrument: Instrument, value: float, attributes: Mapping[str, Attribute]) -> None:
        """Count, measure or set it."""
        ...


_meters: Meters | None = None


def measure_with(meters: Meters | None) -> None:
    """From now on values go there; None: nowhere."""
    global _meters  # noqa: PLW0603 - one for the process, like its log
    _meters = meters


def tell(instrument: Instrument, value: float = 1, **attributes: Attribute) -> None:
    """Count, measure or set it, by the instrument's shape."""
    if _meters is not None:
        _meters.take(instrument, value, attributes)


@contextmanager
def duration(system: str) -> Generator[dict[str, Attribute]]:
    """Measure how long a dependency takes; what is put into the mapping (`status`) goes with it."""
    if _meters is None:
        yield {}
        return
    told: dict[str, Attribute] = {"system": system, "status": "none"}
    begun = time.perf_counter()
    try:
        yield told
    finally:
        tell(DEPENDENCY, time.perf_counter() - begun, **told)
