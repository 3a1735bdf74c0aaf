"""The copy engine over the lean HTTP path, against Azurite: what the service does by itself, and what it cannot."""

import random
import time
from collections.abc import Iterator

import pytest
from azure.core.pipeline.transport import RequestsTransport

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_wire.wire_sides import WireSides
from ferry.adapters.clock import SystemClock
from ferry.adapters.egress import EgressGuard
from ferry.data_plane.copying.engine import CopyEngine, EngineOptions
from ferry.data_plane.copying.page import PageOrder, PageState
from ferry.emulators.azurite import StorageAccount
from ferry.ports.storage import SourceBlob
from tests.contract.sides_backend import HEADERS, SidesBackend
from tests.contract.test_storage_contract import azure_backend, with_key
from tests.unit.data_plane.copying.stage import KIB, SMALL

pytestmark = pytest.mark.emulators


@pytest.fixture
def sides(source_account: StorageAccount, destination_account: StorageAccount) -> Iterator[SidesBackend]:
    """Both accounts by their keys."""
    guard = EgressGuard([], allow_loopback=True)
    with RequestsTransport() as transport:
        clients = BlobClients(guard=guard, transport=transport)
        storage = azure_backend(clients, with_key(source_account), with_key(destination_account))
        yield SidesBackend(storage, WireSides(guard, clients, SystemClock()))
        clients.close()


@pytest.mark.parametrize("gives_urls", [True, False])
def test_blobs_of_all_sizes_arrive_with_what_they_carry(
    sides: SidesBackend, unique_name: str, gives_urls: bool
) -> None:
    for account in (sides.storage.source, sides.storage.destination):
        sides.storage.storage.create_container(account, unique_name, "engine")
    contents = {f"b{size}": random.Random(size).randbytes(size) for size in (0, 1, 2 * KIB, 30 * KIB, 300 * KIB)}
    for name, content in contents.items():
        sides.seed(unique_name, name, content, HEADERS)
    blobs = tuple(SourceBlob(sides.item(unique_name, name), name) for name in contents)
    engine = CopyEngine(EngineOptions(sizes=SMALL, memory_bytes=64 * KIB), at_close=sides.sides.close)
    state = PageState()
    order = PageOrder(
        blobs=blobs,
        source=sides.source(unique_name, gives_urls=gives_urls),
        destination=sides.destination(unique_name),
        until=time.monotonic() + 30.0,
    )
    assert engine.run(order, state, tell=lambda _: True)
    engine.close()
    account, storage = sides.storage.destination, sides.storage.storage
    for name, content in contents.items():
        assert storage.read_blob(account, unique_name, name, limit_bytes=len(content) + 1) == content
    assert all(sides.delivered_item(unique_name, name).headers == HEADERS for name in contents)
    assert state.methods == ({"copy_from_url": 4, "blocks_from_url": 1} if gives_urls else {"stream": 5})
