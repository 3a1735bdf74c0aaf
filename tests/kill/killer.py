"""Kills participants with SIGKILL at random and starts them again at once, on the same port."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ferry.cli.participants import ParticipantProcess

# The first kill comes while all transfers are under way. A start takes two seconds or more, so that some later ones hit
# a process that is not ready yet, and most one that works.
FIRST_LIFE_SECONDS = (0.3, 2.5)
LIFE_SECONDS = (0.5, 10.0)


@dataclass(slots=True)
class Killings:
    """What was done to one process: when it was killed (monotonic), and how often it had ended by itself before."""

    process: ParticipantProcess
    killed_at: list[float] = field(default_factory=list[float])
    ended_by_itself: int = 0


class Killer:
    """Gives each process one random life after the other; the same seed gives the same lives."""

    def __init__(self, processes: Sequence[ParticipantProcess], *, seconds: float, seed: int) -> None:
        self.killings = [Killings(process) for process in processes]
        self._seconds = seconds
        self._chance = random.Random(seed)

    @property
    def last_kill_at(self) -> float:
        """When the last of all was killed, by the monotonic clock."""
        return max(max(each.killed_at) for each in self.killings)

    def run(self) -> None:
        """Kill for as long as it was told; each is killed once more at the end. Returns when all are ready again."""
        begun_at = time.monotonic()
        until = begun_at + self._seconds
        due_at = [min(begun_at + self._chance.uniform(*FIRST_LIFE_SECONDS), until) for _ in self.killings]
        while (soonest := min(due_at)) < float("inf"):
            time.sleep(max(0.0, soonest - time.monotonic()))
            number = due_at.index(soonest)
            self._kill(self.killings[number])
            due_at[number] = (
                min(time.monotonic() + self._chance.uniform(*LIFE_SECONDS), until) if soonest < until else float("inf")
            )
        for each in self.killings:
            each.process.wait_until_ready()

    def _kill(self, victim: Killings) -> None:
        victim.ended_by_itself += not victim.process.is_running
        victim.killed_at.append(time.monotonic())
        victim.process.kill()
        victim.process.start()
