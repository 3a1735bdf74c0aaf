"""The queue on Queue Storage: the contract suite on Azurite, request counts, what lies in the queue, faults."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from ferry.adapters.look_messages import parse_look
from ferry.adapters.storage_connection import StorageConnection
from ferry.adapters.storage_queue import StorageTaskQueue
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.looks import QUEUE_OF_LANE, queue_name
from ferry.domain.secret import Secret
from ferry.emulators.launch import LaunchedEmulators
from ferry.ports.work import Lane, LookMessage, TaskQueue
from tests.contract.task_queue_suite import Receive, TaskQueueSuite
from tests.contract.transports import WatchedTransport

pytestmark = pytest.mark.emulators


@pytest.fixture(scope="module")
def transport() -> Iterator[WatchedTransport]:
    with WatchedTransport() as transport:
        yield transport


@pytest.fixture
def connection_string(emulators: LaunchedEmulators) -> str:
    return emulators.participants["consumer"].host_storage.connection_string


@pytest.fixture
def queue(connection_string: str, transport: WatchedTransport, unique_name: str) -> StorageTaskQueue:
    """Queues of this test alone; none of them exists yet."""
    transport.take()
    return StorageTaskQueue(StorageConnection(Secret(connection_string)), unique_name, transport=transport)


@pytest.fixture
def receive(connection_string: str, unique_name: str) -> Receive:
    def receive_after(lane: Lane, seconds: float) -> LookMessage | None:
        time.sleep(seconds)
        with QueueClient.from_connection_string(
            connection_string, queue_name(unique_name, QUEUE_OF_LANE[lane])
        ) as client:
            try:
                message = client.receive_message(visibility_timeout=60)
            except ResourceNotFoundError:
                return None
        return parse_look(message.content) if message else None

    return receive_after


class TestStorageTaskQueue(TaskQueueSuite):
    """Messages in Queue Storage."""

    def test_first_message_creates_the_queue_and_the_next_costs_one_request(
        self, queue: TaskQueue, transport: WatchedTransport, unique_name: str
    ) -> None:
        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=0)
        assert transport.take() == ["POST messages", f"PUT {unique_name}-dataplane-tasks", "POST messages"]

        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=5)
        assert transport.take() == ["POST messages"]

    def test_queue_that_others_create_at_the_same_time_is_used(
        self, connection_string: str, transport: WatchedTransport, unique_name: str
    ) -> None:
        def send(number: int) -> None:
            connection = StorageConnection(Secret(connection_string))
            queue = StorageTaskQueue(connection, unique_name, transport=transport)
            queue.send(LookMessage(Lane.DATA_FLOW, f"p-{number}"), delay_seconds=0)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, range(8)))

        with QueueClient.from_connection_string(connection_string, f"{unique_name}-dataplane-tasks") as client:
            assert len(client.peek_messages(32)) == 8

    def test_text_in_the_queue_is_plain_json(self, queue: TaskQueue, connection_string: str, unique_name: str) -> None:
        queue.send(LookMessage(Lane.DATA_FLOW, "p/1", 7), delay_seconds=0)

        with QueueClient.from_connection_string(connection_string, f"{unique_name}-dataplane-tasks") as client:
            (message,) = client.peek_messages()
        assert json.loads(message.content) == {"lane": "data-flow", "process": "p/1", "epoch": 7}

    def test_unanswered_message_is_sent_again_with_short_pauses(
        self, queue: TaskQueue, transport: WatchedTransport, receive: Receive
    ) -> None:
        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=60)
        transport.pauses.clear()
        transport.requests_to_refuse = 3

        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=0)

        assert transport.pauses == [0.2, 0.4, 0.8]
        assert receive(Lane.DATA_FLOW, 0) == LookMessage(Lane.DATA_FLOW, "p")

    def test_service_that_does_not_answer_is_unavailable_for_now(
        self, queue: TaskQueue, transport: WatchedTransport
    ) -> None:
        transport.requests_to_refuse = 4

        with pytest.raises(EffectFailed, match="sending to queue") as caught:
            queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=0)

        assert caught.value.fault.code == FaultCode.STORAGE_UNAVAILABLE
        assert caught.value.fault.retryable
