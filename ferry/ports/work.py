"""The queue that says which process to look at."""

from typing import Protocol

from ferry.domain.looks import QUEUE_OF_LANE, Lane, LookMessage, QueueName, queue_name

__all__ = ["QUEUE_OF_LANE", "Lane", "LookMessage", "QueueName", "TaskQueue", "queue_name"]


class TaskQueue(Protocol):
    """The queue behind the engine. What must be looked at *at once* leaves by an output binding instead."""

    def send(self, message: LookMessage, *, delay_seconds: float) -> None:
        """Put a message that becomes visible after the delay (at most 7 days; whole seconds, rounded up)."""
        ...
