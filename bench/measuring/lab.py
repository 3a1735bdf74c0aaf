"""Where trials are made: one copier, one service, one fresh destination; the result is checked before it counts."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.copiers.copier import ALL, FERRY, Copier, Task
from bench.measuring.process import Measured, Program
from bench.standin.behaviour import Behaviour
from bench.standin.counts import Stats
from bench.standin.running import running_stand_in
from bench.standin.written import Verdict

# One SAS for all: AzCopy and rclone have to list and to look at what they wrote.
LETTERS = "rcwl"
_TIMEOUT_SECONDS = 900.0


class Made(Protocol):
    """Any trial: what was measured, and what is wrong with it."""

    @property
    def measured(self) -> Measured:
        """The copier's process."""
        ...

    @property
    def fault(self) -> str:
        """Empty where all is as it must be."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One copy that was made on a stand-in. `fault` says what is wrong with it; empty where all is as it must be."""

    copier: str
    measured: Measured
    stats: Stats
    verdict: Verdict
    fault: str

    @property
    def seconds_served(self) -> float:
        """From the first request that the service got to the last."""
        return self.stats["last_at"] - self.stats["first_at"]

    def requests(self, account: str) -> int:
        """How many requests an account got."""
        return sum(count for key, count in self.stats["requests"].items() if key.startswith(f"{account} "))

    def answers(self, status: int) -> int:
        """How many answers had that status."""
        return sum(count for key, count in self.stats["answers"].items() if f" {status}" in key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """What trials need. `is_small`: each once, for its result and its counts and not for its times.

    `faults` are Ferry's, `notes` are what else went wrong. A copier that is not among `copiers` makes no trials.
    """

    copiers: Mapping[str, Copier]
    rounds: int
    is_small: bool = False
    scale: float = 1.0
    faults: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def size(self, full: int, small: int, *, least: int = 1) -> int:
        """How much of something: all of it, as little as will do, or a share."""
        return small if self.is_small else max(least, round(full * self.scale))

    def interleaved[T: Made](self, names: Sequence[str], run: Callable[[str], T]) -> dict[str, list[T]]:
        """Every copier in turn, in a new order each round, so that no one always comes first. Those without fault."""
        made: dict[str, list[T]] = {name: [] for name in names}
        for name in self.turns([it for it in names if it in self.copiers or it not in ALL]):
            trial = run(name)
            told = trial.fault or f"{trial.measured.seconds:.2f} s"
            tell(f"  {name}: {told}")
            if not trial.fault:
                made[name].append(trial)
            elif name == FERRY:
                self.faults.append(trial.fault)
            else:
                self.notes.append(f"{name} failed: {trial.fault}")
        return made

    def unless_small(self, names: Sequence[str]) -> Sequence[str]:
        """All of them; in a small run, where the peers were seen to work elsewhere, Ferry alone."""
        return [FERRY] if self.is_small else names

    def turns(self, names: Sequence[str]) -> Iterator[str]:
        """The names, once for every round."""
        for turn in range(self.rounds):
            shift = turn % max(1, len(names))
            yield from [*names[shift:], *names[:shift]]

    def copied(self, name: str, behaviour: Behaviour, *, streams: bool = False) -> Trial:
        """One copy by one of the copiers."""
        return self.on_stand_in(self.copiers[name], behaviour, streams=streams)

    def on_stand_in(self, copier: Copier, behaviour: Behaviour, *, streams: bool = False) -> Trial:
        """One copy by one copier on a stand-in of its own."""
        with running_stand_in(behaviour) as service, tempfile.TemporaryDirectory(prefix="bench-") as place:
            task = Task(
                source_url=service.source_url,
                destination_url=service.destination_url(LETTERS),
                streams=streams,
                trust=service.environment(),
            )
            measured = measured_copy(copier, task, Path(place))
            stats, verdict = service.stats(), service.verdict()
        fault = fault_of(measured, verdict)
        return Trial(copier=copier.name, measured=measured, stats=stats, verdict=verdict, fault=fault)


def measured_copy(copier: Copier, task: Task, place: Path, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> Measured:
    """Run a copier to its end."""
    start = copier.start(task, place)
    return Program(start.command, start.environment, place).ended(timeout_seconds)


def fault_of(measured: Measured, verdict: Verdict) -> str:
    """What is wrong with a copy."""
    wrong = verdict["blobs"] - verdict["equal"]
    if measured.exit_code:
        return f"exit code {measured.exit_code}: {measured.output[-600:].strip()}"
    if wrong or verdict["uncommitted"]:
        return f"{wrong} of {verdict['blobs']} blobs are not equal: {', '.join(verdict['examples'])}"
    return ""


def tell(line: str) -> None:
    """How far it is, for whoever watches."""
    print(line, file=sys.stderr, flush=True)
