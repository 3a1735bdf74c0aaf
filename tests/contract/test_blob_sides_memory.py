"""The memory twin, held to the suite of the two sides."""

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_cloud import MemoryCloud
from ferry.adapters.memory_sides import MemorySides
from ferry.adapters.memory_storage import MemoryBlobWriter, MemoryStorage
from tests.contract.blob_sides_suite import AddressSuite, CopySuite, DestinationSuite, SourceSuite
from tests.contract.sides_backend import SidesBackend
from tests.contract.storage_backend import StorageBackend


class TestMemory(SourceSuite, AddressSuite, DestinationSuite, CopySuite):
    """Over one cloud with both accounts."""

    @pytest.fixture
    def sides(self) -> SidesBackend:
        """A cloud of its own for each test."""
        clock = VirtualClock()
        cloud = MemoryCloud(clock)
        storage = StorageBackend(
            storage=MemoryStorage(cloud),
            writer=MemoryBlobWriter(cloud),
            source=cloud.add_account("ferrysource"),
            destination=cloud.add_account("ferrydestination"),
            seed=cloud.add_blob,
            add_container=cloud.add_container,
            now=clock.now,
            accounts_have_keys=True,
        )
        return SidesBackend(storage, MemorySides(cloud))
