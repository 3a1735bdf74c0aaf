"""What the stand-in counts: requests by account and operation, answers by status and code, how many at once."""

import resource
from collections import Counter
from dataclasses import dataclass, field
from typing import TypedDict


class Stats(TypedDict):
    """`/stats`. Keys of `requests`: `account operation`; of `answers`: `operation status code`.

    `cpu_seconds`: what the stand-in itself used since it listens. `first_seen`: when each operation
    was first asked for.
    """

    requests: dict[str, int]
    answers: dict[str, int]
    faults: dict[str, int]
    most_in_flight: int
    connections: int
    bytes_received: int
    bytes_sent: int
    cpu_seconds: float
    first_seen: dict[str, float]
    first_at: float
    last_at: float


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass(slots=True)
class Counts:
    """Counters of one run; moments are those of the event loop."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    answers: Counter[tuple[str, int, str]] = field(default_factory=Counter[tuple[str, int, str]])
    faults: Counter[str] = field(default_factory=Counter[str])
    in_flight: int = 0
    most_in_flight: int = 0
    connections: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    first_seen: dict[str, float] = field(default_factory=dict[str, float])
    _cpu_before: float = field(default_factory=_cpu_seconds)

    def arrived(self, account: str, operation: str, now: float) -> None:
        """A request is there."""
        self.requests[account, operation] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.first_at = self.first_at or now
        if operation not in self.first_seen:
            self.first_seen[operation] = now
        self.last_at = now

    def answered(self, operation: str, status: int, code: str) -> None:
        """It has its answer."""
        self.in_flight -= 1
        self.answers[operation, status, code] += 1

    def to_json(self) -> Stats:
        """As `/stats` tells it."""
        return Stats(
            requests={" ".join(key): count for key, count in sorted(self.requests.items())},
            answers={f"{it[0]} {it[1]} {it[2]}".strip(): count for it, count in sorted(self.answers.items())},
            faults=dict(self.faults),
            most_in_flight=self.most_in_flight,
            connections=self.connections,
            bytes_received=self.bytes_received,
            bytes_sent=self.bytes_sent,
            cpu_seconds=_cpu_seconds() - self._cpu_before,
            first_seen=dict(self.first_seen),
            first_at=self.first_at,
            last_at=self.last_at,
        )
