"""Lists of processes: newest first, by state, a page at a time, and never at the cost of a row that is needed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.adapters.memory_store import MemoryProcessStore
from ferry.control_plane import listing as listing_module
from ferry.control_plane.janitor import Janitor
from ferry.control_plane.listing import Listing, position_of
from ferry.domain.decision import Look
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import IndexKind, IndexRow, Record
from tests.unit.control_plane.bench import JANITOR_SECONDS, Bench, transfer_bench
from tests.unit.control_plane.processes import CONSUMER_PID, DEPROVISION, NOW, TERMINATE, consumer_in

_S = TransferState


def begun(number: int, state: TransferState = _S.STARTED) -> TransferProcess:
    """The `number`-th process, begun that many minutes after NOW."""
    at = NOW + timedelta(minutes=number)
    process = replace(consumer_in(state), id=f"transfer-{number}", created_at=at, state_at=at)
    return replace(process, intents=()) if process.is_final else process


def bench_with(*processes: TransferProcess) -> Bench[TransferProcess]:
    bench = transfer_bench()
    for process in processes:
        bench.put(process)
    return bench


def listed(bench: Bench[TransferProcess], state: str | None = None, offset: int = 0, limit: int = 50) -> list[str]:
    return [
        it.id.removeprefix("transfer-")
        for it in Listing(engine=bench.engine).page(state=state, offset=offset, limit=limit)
    ]


def test_all_processes_are_listed_newest_first() -> None:
    bench = bench_with(begun(2), begun(1, _S.COMPLETED), begun(3, _S.TERMINATED))
    assert listed(bench) == ["3", "2", "1"]


def test_page_is_cut_from_the_list() -> None:
    bench = bench_with(*(begun(number) for number in range(7)))
    assert listed(bench, offset=2, limit=3) == ["4", "3", "2"]
    assert listed(bench, offset=6, limit=3) == ["0"]
    assert listed(bench, offset=7) == []


def test_final_state_has_a_list_of_its_own() -> None:
    bench = bench_with(begun(1, _S.COMPLETED), begun(2, _S.TERMINATED), begun(3, _S.COMPLETED), begun(4))
    assert listed(bench, "COMPLETED") == ["3", "1"]
    assert listed(bench, "TERMINATED") == ["2"]
    assert listed(bench, "DEPROVISIONED") == []


def test_living_processes_are_found_by_state_newest_first() -> None:
    bench = bench_with(begun(1), begun(3), begun(2), begun(4, _S.REQUESTED), begun(5, _S.COMPLETED))
    assert listed(bench, "STARTED") == ["3", "2", "1"]
    assert listed(bench, "REQUESTED") == ["4"]
    assert listed(bench, "NO_SUCH_STATE") == []


def test_process_that_has_moved_on_is_listed_where_it_is() -> None:
    bench = bench_with(begun(1))
    bench.engine.handle("transfer-1", TERMINATE)
    assert (listed(bench, "STARTED"), listed(bench, "TERMINATED")) == ([], ["1"])
    bench.engine.handle("transfer-1", DEPROVISION)
    assert (listed(bench, "TERMINATED"), listed(bench, "DEPROVISIONING")) == ([], ["1"])
    bench.engine.handle("transfer-1", Look(), budget_seconds=1)
    assert (listed(bench, "DEPROVISIONING"), listed(bench, "DEPROVISIONED")) == ([], ["1"])


def test_list_goes_over_many_pages_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_module, "ROWS_PER_REQUEST", 3)
    bench = bench_with(*(begun(number, _S.COMPLETED) for number in range(10)))
    expected = [str(number) for number in reversed(range(10))]
    assert listed(bench) == listed(bench, "COMPLETED") == expected


def test_stream_loads_no_more_than_is_taken() -> None:
    bench = bench_with(*(begun(number) for number in range(10)))
    bench.store.calls.clear()
    stream = Listing(engine=bench.engine).stream()
    assert [next(stream).id, next(stream).id] == ["transfer-9", "transfer-8"]
    assert bench.store.calls.count("load") == 2


def test_settled_processes_are_shown_without_reading_their_documents() -> None:
    bench = bench_with(*(begun(number, _S.COMPLETED if number % 5 else _S.STARTED) for number in range(10)))
    bench.store.calls.clear()
    assert listed(bench, limit=5) == ["9", "8", "7", "6", "5"]
    assert bench.store.calls.count("load") == 1
    bench.store.calls.clear()
    assert listed(bench, "COMPLETED") == ["9", "8", "7", "6", "4", "3", "2", "1"]
    assert bench.store.calls.count("load") == 2


def test_page_behind_a_process_goes_on_where_it_stood() -> None:
    bench = bench_with(*(begun(number, _S.COMPLETED if number % 3 else _S.STARTED) for number in range(10)))
    listing = Listing(engine=bench.engine)
    for state in (None, "COMPLETED", "STARTED"):
        seen, after = list[str](), None
        while page := listing.page(state=state, limit=2, after=after):
            seen += [it.id.removeprefix("transfer-") for it in page]
            after = position_of(page[-1])
        assert seen == listed(bench, state)


@pytest.mark.parametrize("offset", range(13))
def test_page_of_a_state_is_cut_out_of_live_and_settled_ones(offset: int) -> None:
    bench = bench_with(*(begun(number, _S.TERMINATED) for number in range(12)))
    busy = (Intent("x", IntentKind.REVOKE_ACCESS),)
    for number in (0.5, 3.5, 3.6, 11.5):
        # Over, but not settled yet: no list but that of what is due leads to these.
        process = begun(1, _S.TERMINATED)
        at = NOW + timedelta(minutes=number)
        bench.put(replace(process, id=f"transfer-{number}", created_at=at, intents=busy))
    everything = listed(bench, "TERMINATED")
    assert len(everything) == 16
    assert everything == sorted(everything, key=float, reverse=True)
    assert listed(bench, "TERMINATED", offset=offset, limit=4) == everything[offset : offset + 4]


def test_settled_process_that_lives_again_is_listed_in_its_new_state_only() -> None:
    bench = bench_with(begun(1, _S.COMPLETED), begun(2, _S.COMPLETED))
    bench.clock.advance(1000)
    bench.engine.handle("transfer-1", DEPROVISION)
    assert (listed(bench, "COMPLETED"), listed(bench, "DEPROVISIONING")) == (["2"], ["1"])
    bench.engine.handle("transfer-1", Look(), budget_seconds=1)
    assert (listed(bench, "COMPLETED"), listed(bench, "DEPROVISIONED")) == (["2"], ["1"])


def test_settled_process_that_nobody_has_listed_yet_is_found() -> None:
    bench = bench_with(begun(1, _S.COMPLETED), begun(2))
    settled = bench.stored("transfer-1")
    assert settled.due_at is not None
    bench.store.announce([IndexRow(IndexKind.ALL, settled.id, settled.created_at)])
    bench.store.announce([IndexRow(IndexKind.DUE, settled.id, settled.due_at)])
    bench.store.withdraw([IndexRow(IndexKind.STATE, settled.id, settled.created_at, "COMPLETED")])
    assert (listed(bench), listed(bench, "COMPLETED")) == (["2", "1"], ["1"])
    bench.clock.advance(JANITOR_SECONDS)
    Janitor(engine=bench.engine).round()
    assert bench.store.listed(IndexKind.STATE, state="COMPLETED")[0].summary is not None


def test_process_of_an_id_that_was_used_before_is_listed_once() -> None:
    bench = bench_with(begun(1))
    bench.store.announce([IndexRow(IndexKind.ALL, "transfer-1", NOW)])
    assert listed(bench) == ["1"]
    assert len([row for row in bench.store.index_rows() if row.kind is IndexKind.ALL]) == 1


def test_row_that_leads_nowhere_for_long_is_dropped_when_it_is_read() -> None:
    bench = bench_with()
    bench.store.announce([IndexRow(IndexKind.ALL, "gone", NOW), IndexRow(IndexKind.STATE, "gone", NOW, "COMPLETED")])
    bench.clock.advance(121)
    assert (listed(bench), listed(bench, "COMPLETED")) == ([], [])
    assert bench.store.index_rows() == []


class ListedInBetween(MemoryProcessStore[TransferProcess]):
    """A store whose every list is read between the rows of a commit and the commit."""

    def __init__(self, bench: Bench[TransferProcess]) -> None:
        super().__init__(TransferProcess)
        self.listing = Listing(engine=bench.engine)

    def insert(self, process: TransferProcess) -> Record[TransferProcess]:
        """After all lists were read."""
        self.read_all()
        return super().insert(process)

    def replace(self, record: Record[TransferProcess], process: TransferProcess) -> Record[TransferProcess]:
        """After all lists were read."""
        self.read_all()
        return super().replace(record, process)

    def read_all(self) -> None:
        """Whoever reads drops what is stale."""
        for state in (None, "STARTED", "DEPROVISIONING", "COMPLETED", "DEPROVISIONED"):
            list(self.listing.stream(state))


def test_lists_read_in_the_middle_of_commits_drop_no_row_that_is_needed() -> None:
    bench = transfer_bench()
    store = ListedInBetween(bench)
    bench.engine.store = store

    def due() -> list[str]:
        horizon = bench.clock.now() + timedelta(seconds=JANITOR_SECONDS + 1)
        return [row.process_id for row in store.due(horizon, 10)]

    bench.engine.begin(consumer_in(_S.STARTED))
    assert due() == [CONSUMER_PID]
    assert [it.id for it in store.listing.stream("STARTED")] == [CONSUMER_PID]
    record = store.load(CONSUMER_PID)
    assert record is not None
    bench.engine.amend(CONSUMER_PID, lambda it: replace(it, verify_cursor={}))

    settled = replace(consumer_in(_S.COMPLETED), id="settled", intents=())
    bench.engine.begin(settled)
    bench.engine.handle("settled", DEPROVISION)
    assert sorted(due()) == [CONSUMER_PID, "settled"]
    bench.clock.advance(1)
    assert {it.id for it in store.listing.stream("DEPROVISIONING")} == {"settled"}
    assert {it.id for it in store.listing.stream()} == {CONSUMER_PID, "settled"}
