"""The stores on Table Storage: the contract suites on Azurite, request counts, lost replies, an absent service."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ferry.adapters.storage_connection import StorageConnection
from ferry.adapters.table_definitions import TableDefinitions
from ferry.adapters.table_store import TableProcessStore
from ferry.adapters.tables import Tables
from ferry.domain.contracts import Asset, Criterion, PolicyDefinition
from ferry.domain.faults import CommitConflict, EffectFailed, FaultCode
from ferry.domain.process import HISTORY_LIMIT, HistoryEntry
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.emulators.launch import LaunchedEmulators
from ferry.ports.stores import IndexKind, IndexRow
from tests.contract.definitions_suite import Assets, DefinitionsSuite, Policies
from tests.contract.documents import NOW, a_transfer, an_asset, lines
from tests.contract.index_suite import IndexSuite, due, listed, rows_of
from tests.contract.process_store_suite import ProcessStoreSuite, Store, whole_history
from tests.contract.transports import WatchedTransport

pytestmark = pytest.mark.emulators


@pytest.fixture(scope="module")
def transport() -> Iterator[WatchedTransport]:
    with WatchedTransport() as transport:
        yield transport


@pytest.fixture
def tables(emulators: LaunchedEmulators, transport: WatchedTransport) -> Tables:
    """Tables of this test alone; none of them exists yet."""
    connection_string = emulators.participants["consumer"].host_storage.connection_string
    return Tables(StorageConnection(Secret(connection_string)), f"T{uuid.uuid4().hex}", transport=transport)


@pytest.fixture
def store(tables: Tables) -> Store:
    return TableProcessStore(tables, TransferProcess)


@pytest.fixture
def assets(tables: Tables) -> Assets:
    return TableDefinitions(tables, Asset)


@pytest.fixture
def policies(tables: Tables) -> Policies:
    return TableDefinitions(tables, PolicyDefinition)


class TestTableProcessStore(ProcessStoreSuite):
    """Documents in Table Storage."""

    def test_row_shows_people_what_it_holds(self, store: Store, tables: Tables) -> None:
        store.insert(a_transfer("p/1", revision=3))

        row = tables.table("TransferProcesses").get("p.2F1", "doc")

        assert row is not None
        shown = {name: value for name, value in row.values.items() if name != "d0"}
        assert shown == {
            "PartitionKey": "p.2F1",
            "RowKey": "doc",
            "type": "CONSUMER",
            "state": "REQUESTING",
            "created": NOW.isoformat(),
            "peer": "provider",
            "revision": 3,
            "operation_id": "op-1",
        }


class TestTableIndex(IndexSuite):
    """Index rows in Table Storage."""


class TestTableDefinitions(DefinitionsSuite):
    """Definitions in Table Storage."""


class TestRequests:
    """How many requests each operation makes once its table is there."""

    def test_process_costs_one_request_for_each_step(
        self, store: Store, transport: WatchedTransport, tables: Tables
    ) -> None:
        table = f"{tables.prefix}TransferProcesses"
        record = store.insert(a_transfer("p/1"))
        transport.take()

        store.insert(a_transfer("p2"))
        assert transport.take() == [f"POST {table}"]
        store.load("p/1")
        assert transport.take() == [f"GET {table}(PartitionKey='p.2F1',RowKey='doc')"]
        record = store.replace(record, a_transfer("p/1", operation_id="op-2"))
        assert transport.take() == [f"PUT {table}(PartitionKey='p.2F1',RowKey='doc')"]
        record = store.replace(record, a_transfer("p/1", operation_id="op-3", history=lines(0, HISTORY_LIMIT + 1)))
        assert transport.take() == ["POST $batch"]
        store.insert(a_transfer("p3", history=lines(0, HISTORY_LIMIT + 1)))
        assert transport.take() == ["POST $batch"]
        store.history("p/1")
        assert transport.take() == [f"GET {table}"]
        store.delete("p/1")
        assert transport.take() == [f"GET {table}", "POST $batch"]

    def test_conflict_costs_one_more_read(self, store: Store, transport: WatchedTransport) -> None:
        record = store.insert(a_transfer())
        store.replace(record, a_transfer(operation_id="op-2"))
        transport.take()

        with pytest.raises(CommitConflict):
            store.replace(record, a_transfer(operation_id="op-3"))

        assert [request.split()[0] for request in transport.take()] == ["PUT", "GET"]

    def test_index_rows_cost_one_request_for_each_call(
        self, store: Store, transport: WatchedTransport, tables: Tables
    ) -> None:
        rows = [due("p", 5), listed("p", 0), IndexRow(IndexKind.ALL, "p", NOW)]
        store.announce(rows)
        transport.take()

        store.announce(rows)
        store.announce(rows[:1])
        assert [request.split()[0] for request in transport.take()] == ["POST", "PUT"]
        store.due(NOW, 1000)
        store.listed(IndexKind.ALL)
        assert transport.take() == [f"GET {tables.prefix}Index"] * 2
        store.withdraw(rows)
        assert transport.take() == ["POST $batch"]
        store.withdraw(rows[:1])
        assert [request.split()[0] for request in transport.take()] == ["DELETE"]

    def test_missing_rows_cost_one_more_request_each(self, store: Store, transport: WatchedTransport) -> None:
        store.announce([listed("p", 0), listed("q", 0)])
        transport.take()

        store.withdraw([listed("p", 0), due("p", 0), listed("q", 0)])

        assert transport.take() == ["POST $batch"] * 2

    def test_settled_process_is_listed_by_one_request_and_read_by_one(
        self, store: Store, transport: WatchedTransport, tables: Tables
    ) -> None:
        store.announce([listed("p-1", 0), due("p-1", 5)])
        transport.take()

        rows = [listed("p-1", 0), IndexRow(IndexKind.STATE, "p-1", NOW, "COMPLETED")]
        store.relist(a_transfer(), rows, [due("p-1", 5)])
        assert transport.take() == ["POST $batch"]
        assert store.listed(IndexKind.ALL, limit=50)[0].summary == a_transfer()
        assert store.skip(IndexKind.STATE, state="COMPLETED", count=1) == rows[1]
        assert transport.take() == [f"GET {tables.prefix}Index"] * 2
        store.relist(a_transfer(), rows, [due("p-1", 5)])
        assert transport.take() == ["POST $batch"]

    def test_definition_costs_one_request_for_each_step(
        self, assets: Assets, transport: WatchedTransport, tables: Tables
    ) -> None:
        table = f"{tables.prefix}Definitions"
        assets.create("a", an_asset("a"))
        transport.take()

        assets.create("b", an_asset("b"))
        assets.get("a")
        assets.update("a", an_asset("a", n=1))
        assets.query([Criterion("id", "=", "a")])
        assets.query([Criterion("n", "=", 1)])
        list(assets.all())
        assets.delete("a")

        a = f"{table}(PartitionKey='Asset',RowKey='a')"
        expected = [f"POST {table}", f"GET {a}", f"PUT {a}", f"GET {a}", f"GET {table}", f"GET {table}", "POST $batch"]
        assert transport.take() == expected

    def test_reading_creates_no_table(self, store: Store, assets: Assets, transport: WatchedTransport) -> None:
        transport.take()

        store.load("p")
        store.due(NOW, 1)
        store.withdraw([listed("p", 0)])
        list(assets.all())

        assert [request.split()[0] for request in transport.take()] == ["GET", "GET", "DELETE", "GET"]

    def test_first_write_creates_the_table(self, store: Store, transport: WatchedTransport, tables: Tables) -> None:
        transport.take()

        store.insert(a_transfer())
        store.announce([listed("p-1", 0), due("p-1", 0)])

        table = f"{tables.prefix}TransferProcesses"
        expected = [f"POST {table}", "POST Tables", f"POST {table}", "POST $batch", "POST Tables", "POST $batch"]
        assert transport.take() == expected

    def test_table_that_others_create_meanwhile_is_used(self, store: Store) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(store.insert, [a_transfer(f"p-{number}") for number in range(8)]))

        assert all(store.load(f"p-{number}") for number in range(8))

    def test_more_definitions_than_a_page_are_streamed(self, assets: Assets, transport: WatchedTransport) -> None:
        ids = [f"n-{number:04d}" for number in range(1001)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(assets.create, ids, map(an_asset, ids)))
        transport.take()

        first = next(iter(assets.all()))
        assert len(transport.take()) == 1
        assert first.id == "n-0000"
        assert [asset.id for asset in assets.query([], offset=999, limit=2)] == ["n-0999", "n-1000"]


class TestFaults:
    """Lost replies, refused connections, refused keys."""

    @pytest.mark.parametrize("history", [(), lines(0, HISTORY_LIMIT + 3)])
    def test_insert_whose_reply_is_lost_is_made_once(
        self, store: Store, transport: WatchedTransport, history: tuple[HistoryEntry, ...]
    ) -> None:
        store.insert(a_transfer("other"))
        transport.replies_to_lose = 1

        record = store.insert(a_transfer(history=history))

        assert store.load("p-1") == record
        assert whole_history(store, record.document) == list(history)

    @pytest.mark.parametrize("history", [(), lines(0, HISTORY_LIMIT + 3)])
    def test_replace_whose_reply_is_lost_is_made_once(
        self, store: Store, transport: WatchedTransport, history: tuple[HistoryEntry, ...]
    ) -> None:
        record = store.insert(a_transfer())
        transport.replies_to_lose = 1

        changed = store.replace(record, a_transfer(operation_id="op-2", state=TransferState.STARTED, history=history))

        assert store.load("p-1") == changed
        assert whole_history(store, changed.document) == list(history)

    def test_index_rows_whose_reply_is_lost_are_written_and_removed(
        self, store: Store, transport: WatchedTransport
    ) -> None:
        rows = [listed("p", 0), listed("q", 1)]
        store.announce([due("p", 0)])

        transport.replies_to_lose = 1
        store.announce(rows)
        assert len(rows_of(store, IndexKind.ALL)) == 2

        transport.replies_to_lose = 1
        store.withdraw(rows)
        assert rows_of(store, IndexKind.ALL) == ()

    def test_definition_whose_reply_is_lost_is_there_once(self, assets: Assets, transport: WatchedTransport) -> None:
        assets.create("b", an_asset("b"))
        transport.replies_to_lose = 1
        assets.create("a", an_asset("a"))

        transport.replies_to_lose = 1
        assets.update("a", an_asset("a", n=1))

        assert assets.get("a") == an_asset("a", n=1)

    def test_unanswered_requests_are_repeated_with_short_pauses(
        self, store: Store, transport: WatchedTransport
    ) -> None:
        store.insert(a_transfer())
        transport.pauses.clear()
        transport.requests_to_refuse = 3

        assert store.load("p-1") is not None
        assert transport.pauses == [0.4, 0.8]

    def test_service_that_does_not_answer_is_unavailable_for_now(
        self, store: Store, transport: WatchedTransport
    ) -> None:
        record = store.insert(a_transfer())
        operations = [
            lambda: store.load("p-1"),
            lambda: store.insert(a_transfer("p-2")),
            lambda: store.replace(record, a_transfer(operation_id="op-2")),
            lambda: store.delete("p-1"),
            lambda: store.history("p-1"),
            lambda: store.announce([listed("p", 0), due("p", 0)]),
            lambda: store.withdraw([listed("p", 0)]),
            lambda: store.due(NOW, 10),
        ]

        for operation in operations:
            transport.requests_to_refuse = 4
            with pytest.raises(EffectFailed) as caught:
                operation()
            assert caught.value.fault.code == FaultCode.STORAGE_UNAVAILABLE
            assert caught.value.fault.retryable
            assert transport.requests_to_refuse == 0

    # The SDK asks an XML element whether it is true.
    @pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")
    def test_refused_key_is_told_with_what_to_do(self, emulators: LaunchedEmulators) -> None:
        account = emulators.participants["consumer"].host_storage
        wrong = replace(account, key=emulators.participants["consumer"].data_storage.key)
        with WatchedTransport() as transport:
            tables = Tables(StorageConnection(Secret(wrong.connection_string)), transport=transport)

            with pytest.raises(EffectFailed, match=r"STORAGE_UNAVAILABLE.*403.*not accepted") as caught:
                TableProcessStore(tables, TransferProcess).load("p")

        assert caught.value.fault.retryable
        assert wrong.key not in str(caught.value)
