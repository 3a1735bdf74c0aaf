"""What a run has shown: figures for people, faults for tests."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ferry.cli.hosts import HostKind
from ferry.cli.management import HistoryLine
from tests.kill.ending import COMPLETED, Ending, entered
from tests.kill.killer import Killings

# From the last kill: by then the consumer has completed every transfer.
LATEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KillOptions:
    """What to do: how many transfers, for how long processes are killed, which chances; logs of bad runs are kept."""

    transfers: int = 50
    kill_seconds: float = 60.0
    seed: int = 1
    host: HostKind = HostKind.DEVHOST
    keep_logs: bool = False


@dataclass(slots=True)
class KillReport:
    """What was seen. Seconds after the last kill are negative where something happened before it."""

    options: KillOptions
    killings: Sequence[Killings] = ()
    repeated_requests: int = 0
    transfer_seconds: list[float] = field(default_factory=list[float])
    consumer_seconds_after_kill: list[float] = field(default_factory=list[float])
    provider_seconds_after_kill: list[float] = field(default_factory=list[float])
    clean_seconds_after_kill: float = 0.0
    faults: list[str] = field(default_factory=list[str])

    @property
    def open_at_last_kill(self) -> int:
        """How many transfers had still to be completed by the consumer."""
        return self.options.transfers - sum(seconds <= 0 for seconds in self.consumer_seconds_after_kill)

    @property
    def last_completed_seconds(self) -> float:
        """From the last kill until the last transfer was COMPLETED at the consumer."""
        return max(self.consumer_seconds_after_kill, default=float("inf"))

    def note_times(self, endings: Sequence[Ending], *, begun_at: datetime, last_kill_at: datetime) -> None:
        """Take the times from the histories."""
        for ending in endings:
            for at in _completed(ending.consumer.history):
                self.transfer_seconds.append((at - begun_at).total_seconds())
                self.consumer_seconds_after_kill.append((at - last_kill_at).total_seconds())
            for at in _completed(ending.provider.history):
                self.provider_seconds_after_kill.append((at - last_kill_at).total_seconds())

    def lines(self) -> Iterator[str]:
        """The figures."""
        kills = ", ".join(f"{it.process.name} {len(it.killed_at)}" for it in self.killings)
        yield f"seed {self.options.seed}: kills in {self.options.kill_seconds:g} s: {kills}"
        yield f"requests that the client had to repeat: {self.repeated_requests}"
        count = len(self.transfer_seconds)
        yield f"COMPLETED: {count} of {self.options.transfers}, {self.open_at_last_kill} of them after the last kill"
        if count:
            provider_seconds = max(self.provider_seconds_after_kill, default=0.0)
            ends = f"consumer {self.last_completed_seconds:+.1f}, provider {provider_seconds:+.1f}"
            yield f"last COMPLETED, seconds from the last kill: {ends}"
            yield f"everything cleaned up and checked {self.clean_seconds_after_kill:+.1f} s from the last kill"
            ordered = sorted(self.transfer_seconds)
            middle = statistics.median(ordered)
            yield f"POST to COMPLETED: min {ordered[0]:.1f}, median {middle:.1f}, max {ordered[-1]:.1f} s"
            yield "each: " + " ".join(f"{seconds:.0f}" for seconds in ordered)
        yield f"faults: {len(self.faults)}"
        yield from (f"  {fault}" for fault in self.faults)


def _completed(history: Sequence[HistoryLine]) -> Iterator[datetime]:
    yield from (line.at for line in entered(history, COMPLETED)[:1])
