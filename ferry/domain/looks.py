"""Looks: what a queue message says, and which queue it goes to."""

from dataclasses import dataclass
from enum import StrEnum


class Lane(StrEnum):
    """Which processes a look is about: whose engine is to look."""

    TRANSFER_CONSUMER = "transfer-consumer"
    TRANSFER_PROVIDER = "transfer-provider"
    NEGOTIATION_CONSUMER = "negotiation-consumer"
    NEGOTIATION_PROVIDER = "negotiation-provider"
    DATA_FLOW = "data-flow"
    PLANE_FLOW = "plane-flow"
    COPY_PAGE = "copy-page"


class QueueName(StrEnum):
    """The queues: one for each role, so that each role can be deployed and scaled alone."""

    CONSUMER = "consumer-tasks"
    PROVIDER = "provider-tasks"
    DATA_PLANE = "dataplane-tasks"


QUEUE_OF_LANE: dict[Lane, QueueName] = {
    Lane.TRANSFER_CONSUMER: QueueName.CONSUMER,
    Lane.NEGOTIATION_CONSUMER: QueueName.CONSUMER,
    Lane.TRANSFER_PROVIDER: QueueName.PROVIDER,
    Lane.NEGOTIATION_PROVIDER: QueueName.PROVIDER,
    Lane.DATA_FLOW: QueueName.DATA_PLANE,
    Lane.PLANE_FLOW: QueueName.DATA_PLANE,
    Lane.COPY_PAGE: QueueName.DATA_PLANE,
}


def queue_name(prefix: str, queue: QueueName) -> str:
    """The queue's name in the storage account."""
    return f"{prefix}-{queue.value}"


@dataclass(frozen=True, slots=True)
class LookMessage:
    """What a queue message says: look at this process. `epoch` None: whatever it is."""

    lane: Lane
    process_id: str
    epoch: int | None = None
    trace_parent: str | None = None
