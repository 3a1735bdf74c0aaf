"""The in-memory adapters, held to the contract suites."""

from datetime import timedelta

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_definitions import MemoryDefinitions
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.adapters.memory_vault import MemoryVault
from ferry.domain.contracts import Asset, PolicyDefinition
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.work import Lane, LookMessage
from tests.contract.definitions_suite import Assets, DefinitionsSuite, Policies
from tests.contract.index_suite import IndexSuite
from tests.contract.process_store_suite import ProcessStoreSuite, Store
from tests.contract.task_queue_suite import Receive, TaskQueueSuite
from tests.contract.vault_suite import VaultSuite, VersionsSuite


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def store() -> Store:
    return MemoryProcessStore(TransferProcess)


@pytest.fixture
def assets() -> Assets:
    return MemoryDefinitions(Asset)


@pytest.fixture
def policies() -> Policies:
    return MemoryDefinitions(PolicyDefinition)


@pytest.fixture
def queue(clock: VirtualClock) -> MemoryTaskQueue:
    return MemoryTaskQueue(clock)


@pytest.fixture
def receive(queue: MemoryTaskQueue, clock: VirtualClock) -> Receive:
    def receive_after(lane: Lane, seconds: float) -> LookMessage | None:
        clock.advance(seconds)
        delivery = queue.receive(lane)
        return delivery.message if delivery else None

    return receive_after


@pytest.fixture
def vault(clock: VirtualClock) -> MemoryVault:
    return MemoryVault(clock)


@pytest.fixture
def protected_vault(clock: VirtualClock) -> MemoryVault:
    return MemoryVault(clock, purge_protection=True)


class TestMemoryProcessStore(ProcessStoreSuite):
    """Documents in memory."""


class TestMemoryIndex(IndexSuite):
    """Index rows in memory."""


class TestMemoryDefinitions(DefinitionsSuite):
    """Definitions in memory."""


class TestMemoryTaskQueue(TaskQueueSuite):
    """Messages in memory."""

    def test_message_that_is_not_acknowledged_comes_again(self, queue: MemoryTaskQueue, clock: VirtualClock) -> None:
        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=0)
        first = queue.receive()
        assert first is not None

        clock.advance(600)
        second = queue.receive()

        assert second is not None
        assert (first.dequeue_count, second.dequeue_count) == (1, 2)
        assert not queue.acknowledge(first)
        assert queue.acknowledge(second)
        assert queue.next_visible_at() is None

    def test_released_message_comes_after_its_delay(self, queue: MemoryTaskQueue, clock: VirtualClock) -> None:
        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=0)
        delivery = queue.receive()
        assert delivery is not None

        assert queue.release(delivery, delay_seconds=5)
        assert queue.next_visible_at() == clock.now() + timedelta(seconds=5)
        assert queue.receive() is None
        assert queue.pending() == [LookMessage(Lane.DATA_FLOW, "p")]

    def test_messages_come_in_the_order_in_which_they_become_visible(
        self, queue: MemoryTaskQueue, clock: VirtualClock
    ) -> None:
        for process_id, delay in (("third", 2), ("second", 1), ("first", 0)):
            queue.send(LookMessage(Lane.DATA_FLOW, process_id), delay_seconds=delay)
        clock.advance(2)

        received = [queue.receive() for _ in range(3)]

        assert [delivery.message.process_id for delivery in received if delivery] == ["first", "second", "third"]

    def test_cleared_queue_is_empty(self, queue: MemoryTaskQueue) -> None:
        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=0)

        queue.clear()

        assert queue.pending() == []


class TestMemoryVersions(VersionsSuite):
    """Versions in memory."""

    @pytest.fixture
    def versioned(self, vault: MemoryVault) -> MemoryVault:
        return vault


class TestMemoryVault(VaultSuite):
    """Secrets in memory."""

    def test_names_show_what_is_left(self, vault: MemoryVault) -> None:
        expires_at = VirtualClock().now()
        vault.store("b", Secret("1"), expires_at=expires_at)
        vault.store("a", Secret("2"))

        assert vault.names() == ["a", "b"]
        assert vault.expires_at("b") == expires_at

    def test_protected_secret_is_purged_in_its_time(self, protected_vault: MemoryVault, clock: VirtualClock) -> None:
        protected_vault.store("a", Secret("1"))
        purge_at = protected_vault.delete("a")
        assert protected_vault.deleted_names() == ["a"]

        assert purge_at is not None
        clock.advance_to(purge_at)

        assert protected_vault.deleted_names() == []
        assert protected_vault.delete("a") is None
