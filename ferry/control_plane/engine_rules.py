"""What the engine is told of a type of process."""

from datetime import datetime
from typing import Protocol

from ferry.domain.decision import Decision, Moment, Task
from ferry.domain.process import Intent, Process
from ferry.ports.work import Lane


class Rules[P: Process](Protocol):
    """What the engine does not know about a type of process: its pure decisions."""

    def decide(self, process: P, task: Task, moment: Moment) -> Decision[P]:
        """The process after the task."""
        ...

    def next_look_at(self, process: P, moment: Moment) -> datetime | None:
        """When it wants to be looked at for its own sake."""
        ...

    def take(self, process: P, intent: Intent, moment: Moment) -> P:
        """The process with that intent under a lease."""
        ...

    def lane(self, process: P) -> Lane:
        """The queue of its looks."""
        ...

    @property
    def final_states(self) -> frozenset[str]:
        """The names of the states that end a process."""
        ...
