"""Tables and queues reached without any key, with the participant's managed identity."""

from collections.abc import Iterator

import pytest

from ferry.adapters.credentials import new_credential
from ferry.adapters.storage_connection import read_connection
from ferry.adapters.storage_queue import StorageTaskQueue
from ferry.adapters.table_store import TableProcessStore
from ferry.adapters.tables import Tables
from ferry.domain.transfer_process import TransferProcess
from ferry.emulators.launch import LaunchedEmulators
from ferry.ports.stores import IndexKind
from ferry.ports.work import Lane, LookMessage
from tests.contract.documents import a_transfer
from tests.contract.index_suite import listed, rows_of
from tests.contract.transports import WatchedTransport

pytestmark = pytest.mark.emulators


@pytest.fixture(autouse=True)
def identity(keyless_emulators: LaunchedEmulators, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that Azure gives an app with a managed identity."""
    consumer = keyless_emulators.participants["consumer"]
    for name, value in {**consumer.identity_environment, **consumer.trust_environment}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def transport() -> Iterator[WatchedTransport]:
    with WatchedTransport() as transport:
        yield transport


@pytest.fixture
def environment(keyless_emulators: LaunchedEmulators) -> dict[str, str]:
    storage = keyless_emulators.participants["consumer"].host_storage
    return {"S__tableServiceUri": storage.table_endpoint, "S__queueServiceUri": storage.queue_endpoint}


def test_process_is_stored_and_announced_without_a_key(
    environment: dict[str, str], transport: WatchedTransport, unique_name: str
) -> None:
    tables = Tables(read_connection(environment, "S"), unique_name, credential=new_credential(), transport=transport)
    store = TableProcessStore(tables, TransferProcess)

    record = store.insert(a_transfer())
    store.replace(record, a_transfer(operation_id="op-2", revision=1))
    store.announce([listed("p-1", 0), listed("p-2", 1)])

    loaded = store.load("p-1")
    assert loaded is not None
    assert loaded.document.revision == 1
    assert rows_of(store, IndexKind.ALL) == (listed("p-2", 1), listed("p-1", 0))


def test_message_is_sent_without_a_key(
    environment: dict[str, str], transport: WatchedTransport, unique_name: str
) -> None:
    connection = read_connection(environment, "S")
    queue = StorageTaskQueue(connection, unique_name, credential=new_credential(), transport=transport)

    queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=0)

    assert transport.take()[-1] == "POST messages"
