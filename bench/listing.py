"""What a list of processes costs in storage requests, by time and by state, when there are very many.

    ./run bench listing [--processes 100000] [--live 20] [--rows-only] [--json]

Fills tables in Azurite once and asks the management API for pages, at rest and with live processes. Index rows are
written in batches, as settled processes leave them; a document has a partition of its own, so each is a request.
`--rows-only` leaves out the documents of settled processes, which no list reads. (Design: indexes.)
"""

import argparse
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from ferry.adapters.azure_pipeline import PooledTransport
from ferry.adapters.azure_table import putting
from ferry.adapters.index_rows import row_key
from ferry.adapters.storage_connection import StorageConnection
from ferry.adapters.table_store import TableProcessStore
from ferry.adapters.tables import Tables
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.control_plane import index
from ferry.domain.codec import to_bytes
from ferry.domain.message_kind import Role
from ferry.domain.process import HistoryEntry
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.emulators.launch import launch_emulators
from ferry.ports.stores import IndexKind, IndexRow
from ferry.services import management
from ferry.services.compose import compose
from ferry.services.dispatch import Dispatcher
from ferry.services.memory import MemoryWorld, memory_outside
from ferry.settings import read_settings

KEY = "bench"
BATCH = 100
FILLERS = 8
PAGE = 50
CURSOR_PAGES = 20
OFFSETS = (10_000, 50_000)
# One in twenty ends badly, one in twenty was deprovisioned.
ENDS = {0: TransferState.TERMINATED, 1: TransferState.DEPROVISIONED}
ENDS_IN_TURN = 20


def _where(left: str, operator: str, right: object) -> dict[str, Any]:
    return {"filterExpression": [{"operandLeft": left, "operator": operator, "operandRight": right}]}


COMPLETED = _where("state", "=", TransferState.COMPLETED.value)


class CountingTransport(PooledTransport):
    """Counts the requests that go to the service."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0

    def send(self, request: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the SDK has it
        """Send one request, counted."""
        self.requests += 1
        return super().send(request, **kwargs)


@dataclass(frozen=True, slots=True)
class Figure:
    """One page: what it took, and what came."""

    name: str
    requests: int
    milliseconds: float
    found: int


class ListingBench:
    """A participant whose transfers lie in tables, and whose every other thing is in memory."""

    def __init__(self, connection_string: str, transport: CountingTransport) -> None:
        self._transport = transport
        prefix = f"Bench{uuid.uuid4().hex[:12]}"
        self._tables = Tables(StorageConnection(Secret(connection_string)), prefix, transport=transport)
        self._store = TableProcessStore(self._tables, TransferProcess)
        world = MemoryWorld()
        self._now = world.clock.now()
        settings = read_settings(
            {
                "FERRY_PARTICIPANT_ID": "consumer",
                "FERRY_PUBLIC_URL": "http://consumer.test",
                "FERRY_VAULT_URL": "https://vault.test",
                "FERRY_API_KEY": KEY,
                "FERRY_IDENTITY": "mock",
            }
        )
        outside = replace(memory_outside(world, "consumer", settings), transfers=self._store)
        core = compose(settings, outside)
        self._query = management.handlers(core, Dispatcher(core))["query_transferprocesses"]

    def fill(self, count: int, *, rows_only: bool) -> None:
        """Settled processes, a second apart."""
        settled = [self._settled(number) for number in range(count)]
        with ThreadPoolExecutor(FILLERS) as pool:
            if not rows_only:
                list(pool.map(self._store.insert, settled))
            list(pool.map(self._put_rows, batched(settled, BATCH // 2, strict=False)))

    def add_live(self, first: int, count: int) -> None:
        """Live processes that are newer than all others, with the rows that they have."""
        for process in (self._living(first + number) for number in range(count)):
            due = IndexRow(IndexKind.DUE, process.id, self._now + timedelta(seconds=20))
            self._store.announce([IndexRow(IndexKind.ALL, process.id, process.created_at), due])
            self._store.insert(process)

    def first_pages(self, when: str) -> Iterator[Figure]:
        """The pages that people look at."""
        yield self._page(f"{when}: by time, first page", {})
        yield self._page(f"{when}: by state COMPLETED, first page", COMPLETED)
        yield self._page(f"{when}: by state STARTED, first page", _where("state", "=", TransferState.STARTED.value))

    def far_pages(self, count: int, offsets: Sequence[int]) -> Iterator[Figure]:
        """The pages far behind."""
        for offset in offsets:
            yield self._page(f"by time, offset {offset}", {"offset": offset})
            yield self._page(f"by state COMPLETED, offset {offset}", {**COMPLETED, "offset": offset})
        middle = int((self._now - timedelta(seconds=count / 2)).timestamp() * 1000)
        yield self._page("by time, before the middle", _where("createdAt", "<", middle))
        yield self._linked("by time, by Link, the dearest page of many", {})
        yield self._linked("by state COMPLETED, by Link, the dearest page of many", COMPLETED)

    def _page(self, name: str, query: dict[str, Any], cursor: str = "") -> Figure:
        figure, _ = self._asked(name, query, cursor)
        return figure

    def _linked(self, name: str, query: dict[str, Any]) -> Figure:
        figures: list[Figure] = []
        cursor = ""
        for _ in range(CURSOR_PAGES):
            figure, answer = self._asked(name, query, cursor)
            figures.append(figure)
            link = re.search(r"cursor=([^>]+)>", answer.headers.get("Link", ""))
            if link is None:
                break
            cursor = link[1]
        return max(figures, key=lambda figure: figure.requests)

    def _asked(self, name: str, query: dict[str, Any], cursor: str) -> tuple[Figure, ApiAnswer]:
        body = json.dumps({"limit": PAGE, **query}).encode()
        request = ApiRequest("POST", "", {"x-api-key": KEY}, {}, {"cursor": cursor} if cursor else {}, body)
        before, begun = self._transport.requests, time.perf_counter()
        answer = self._query(request)
        took = (time.perf_counter() - begun) * 1000
        if answer.status != 200 or not isinstance(answer.body, list):
            raise SystemExit(f"{name}: {answer.status} {answer.body}")
        return Figure(name, self._transport.requests - before, round(took, 1), len(answer.body)), answer

    def _settled(self, number: int) -> TransferProcess:
        state = ENDS.get(number % ENDS_IN_TURN, TransferState.COMPLETED)
        return _transfer(number, state, self._now - timedelta(seconds=number))

    def _living(self, number: int) -> TransferProcess:
        return _transfer(number, TransferState.STARTED, self._now + timedelta(microseconds=number))

    def _put_rows(self, processes: Sequence[TransferProcess]) -> None:
        rows: list[Any] = []
        for process in processes:
            text = to_bytes(index.summary(process))
            for kind, state in ((IndexKind.ALL, ""), (IndexKind.STATE, process.state_name)):
                key = row_key(IndexRow(kind, process.id, process.created_at, state))
                rows.append(putting({"PartitionKey": "TransferProcess", "RowKey": key, "d0": text}))
        self._tables.table("Index").transact(rows)


def _transfer(number: int, state: TransferState, created_at: datetime) -> TransferProcess:
    process_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
    return TransferProcess(
        id=process_id,
        created_at=created_at,
        state_at=created_at,
        due_at=created_at,
        operation_id=f"op-{number}",
        role=Role.CONSUMER,
        state=state,
        counter_party_id="provider",
        counter_party_address="http://provider.test/api/dsp/2025-1",
        correlation_id=str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))),
        agreement_id="agreement-1",
        asset_id="asset-1",
        transfer_type="AzureStorage-PUSH",
        destination=Destination("consumerdata", process_id, ".complete", f"ferry-sas-{process_id}"),
        delivered={"blobs": 1, "bytes": 1024},
        verification="manifest",
        history=tuple(HistoryEntry(created_at, state.value, f"step {step}", step) for step in range(1, 15)),
    )


def measured(
    connection_string: str,
    *,
    count: int,
    live: int,
    offsets: Sequence[int],
    told: Callable[[str], None],
    rows_only: bool,
) -> Iterator[Figure]:
    """Fill tables of their own, and measure."""
    with CountingTransport() as transport:
        bench = ListingBench(connection_string, transport)
        begun = time.perf_counter()
        bench.fill(count, rows_only=rows_only)
        told(f"{count} processes written in {time.perf_counter() - begun:.0f} s")
        yield from bench.first_pages("at rest")
        yield from bench.far_pages(count, offsets)
        bench.add_live(count, live)
        yield from bench.first_pages(f"{live} live")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=100_000)
    parser.add_argument("--live", type=int, default=20)
    parser.add_argument("--rows-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()

    def told(line: str) -> None:
        if not asked.json:
            print(line, flush=True)

    with launch_emulators() as emulators:
        account = emulators.participants["consumer"].host_storage
        connection, count = account.connection_string, asked.processes
        figures: list[Figure] = []
        offsets = [offset for offset in OFFSETS if offset < count * 0.8]
        for it in measured(
            connection, count=count, live=asked.live, offsets=offsets, told=told, rows_only=asked.rows_only
        ):
            figures.append(it)
            told(f"{it.name:56}{it.requests:5} requests {it.milliseconds:9.1f} ms {it.found:5} shown")
    if asked.json:
        print(json.dumps({it.name: {"requests": it.requests, "ms": it.milliseconds} for it in figures}))


if __name__ == "__main__":
    main()
