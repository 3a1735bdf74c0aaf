"""The janitor: looks again at what is not settled, drops what leads nowhere, and lets go what is over for long."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.adapters.ids import SequentialIds
from ferry.control_plane import janitor as janitor_module
from ferry.control_plane.janitor import Janitor
from ferry.control_plane.listing import Listing
from ferry.domain.decision import Limits, Look
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import IndexKind, IndexRow
from ferry.ports.work import Lane
from tests.unit.control_plane.bench import JANITOR_SECONDS, Bench, transfer_bench
from tests.unit.control_plane.processes import (
    CONSUMER_PID,
    DEPROVISION,
    NOW,
    PROVIDER_PID,
    TERMINATE,
    consumer_in,
    provider_in,
)

_S = TransferState
RETENTION = timedelta(days=30)


def janitor_of(bench: Bench[TransferProcess]) -> Janitor[TransferProcess]:
    return Janitor(engine=bench.engine)


def bench_with(*processes: TransferProcess) -> Bench[TransferProcess]:
    bench = transfer_bench(limits=Limits(retention_seconds=RETENTION.total_seconds()))
    for process in processes:
        bench.put(process)
    return bench


def completed(process_id: str = CONSUMER_PID) -> TransferProcess:
    return replace(consumer_in(_S.COMPLETED), id=process_id, intents=())


def rows_of(bench: Bench[TransferProcess]) -> set[tuple[str, str]]:
    return {(row.kind.value, row.state) for row in bench.store.index_rows()}


# --- rounds -----------------------------------------------------------------------------------------------------


def test_process_that_is_not_settled_is_looked_at_when_it_is_due() -> None:
    begun = replace(consumer_in(_S.STARTED), trace_parent="00-trace")
    bench = bench_with(begun, provider_in(_S.STARTED))
    assert janitor_of(bench).round() == ()
    bench.clock.advance(JANITOR_SECONDS)
    looks = {look.process_id: look for look in janitor_of(bench).round()}
    assert {process_id: look.lane for process_id, look in looks.items()} == {
        CONSUMER_PID: Lane.TRANSFER_CONSUMER,
        PROVIDER_PID: Lane.TRANSFER_PROVIDER,
    }
    assert looks[CONSUMER_PID].epoch is None
    assert looks[CONSUMER_PID].trace_parent == "00-trace"


def test_process_is_looked_at_in_every_round_until_it_is_settled() -> None:
    bench = bench_with(consumer_in(_S.STARTED))
    for _ in range(4):
        bench.clock.advance(JANITOR_SECONDS)
        assert len(janitor_of(bench).round()) == 1
    bench.engine.handle(CONSUMER_PID, TERMINATE)
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    for _ in range(2):
        bench.clock.advance(JANITOR_SECONDS)
        assert janitor_of(bench).round() == ()
    assert "due" not in {kind for kind, _ in rows_of(bench)}


def test_looks_of_a_round_that_are_lost_come_again_in_the_next() -> None:
    bench = bench_with(consumer_in(_S.STARTED))
    bench.queue.clear()
    bench.clock.advance(JANITOR_SECONDS)
    janitor_of(bench).round()
    bench.clock.advance(JANITOR_SECONDS)
    assert [look.process_id for look in janitor_of(bench).round()] == [CONSUMER_PID]


def test_row_of_a_process_that_never_came_to_be_is_dropped() -> None:
    bench = bench_with()
    bench.store.announce([IndexRow(IndexKind.DUE, "never", NOW)])
    bench.clock.advance(1)
    assert janitor_of(bench).round() == ()
    assert bench.store.index_rows() == []


def test_second_row_of_a_settled_process_is_dropped() -> None:
    bench = bench_with(completed())
    bench.store.announce([IndexRow(IndexKind.DUE, CONSUMER_PID, NOW)])
    bench.clock.advance(1)
    assert janitor_of(bench).round() == ()
    assert rows_of(bench) == {("all", ""), ("state", "COMPLETED")}


def test_more_than_a_round_can_visit_come_all_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janitor_module, "ROWS_PER_ROUND", 3)
    ids = SequentialIds("transfer")
    bench = bench_with(*(replace(consumer_in(_S.STARTED), id=ids.fresh()) for _ in range(8)))
    visited: set[str] = set()
    for _ in range(4):
        bench.clock.advance(JANITOR_SECONDS)
        visited |= {look.process_id for look in janitor_of(bench).round()}
    assert len(visited) == 8


# --- retention --------------------------------------------------------------------------------------------------


def test_settled_process_leaves_with_all_its_rows_when_its_retention_is_over() -> None:
    bench = bench_with(completed())
    bench.clock.advance(RETENTION.total_seconds() - 1)
    janitor_of(bench).sweep()
    assert bench.store.ids() == [CONSUMER_PID]
    bench.clock.advance(1)
    janitor_of(bench).sweep()
    assert bench.store.ids() == []
    assert bench.store.index_rows() == []


def test_retention_counts_from_the_end_and_not_from_the_beginning() -> None:
    late = replace(completed(), state_at=NOW + timedelta(days=29))
    bench = bench_with(late)
    bench.clock.advance(timedelta(days=58).total_seconds())
    janitor_of(bench).sweep()
    assert bench.store.ids() == [CONSUMER_PID]
    bench.clock.advance(timedelta(days=1).total_seconds())
    janitor_of(bench).sweep()
    assert bench.store.ids() == []


def test_process_that_still_has_something_to_do_stays() -> None:
    bench = bench_with(consumer_in(_S.STARTED))
    bench.engine.handle(CONSUMER_PID, TERMINATE)
    bench.clock.advance(timedelta(days=100).total_seconds())
    janitor_of(bench).sweep()
    assert bench.store.ids() == [CONSUMER_PID]


def test_process_that_may_not_leave_yet_stays_with_its_rows() -> None:
    bench = bench_with(completed())
    bench.clock.advance(RETENTION.total_seconds())
    asked: list[str] = []

    def refuse(process: TransferProcess) -> bool:
        asked.append(process.id)
        return False

    Janitor(engine=bench.engine, may_leave=refuse).sweep()
    assert (asked, bench.store.ids()) == ([CONSUMER_PID], [CONSUMER_PID])
    assert rows_of(bench) == {("all", ""), ("state", "COMPLETED")}


def test_sweep_comes_once_an_hour_with_the_rounds() -> None:
    bench = bench_with(completed())
    bench.clock.advance(RETENTION.total_seconds() + JANITOR_SECONDS)
    janitor_of(bench).round()
    assert bench.store.ids() == [CONSUMER_PID]
    bench.clock.advance(3600 - JANITOR_SECONDS)
    janitor_of(bench).round()
    assert bench.store.ids() == []


def test_row_left_by_a_crash_never_takes_a_living_process_out_of_its_lists() -> None:
    bench = bench_with(replace(consumer_in(_S.TERMINATED), intents=()))
    bench.engine.handle(CONSUMER_PID, DEPROVISION)
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    bench.store.announce([IndexRow(IndexKind.STATE, CONSUMER_PID, NOW, "TERMINATED")])
    deprovisioned = replace(bench.stored(CONSUMER_PID), state_at=NOW + timedelta(days=29))
    bench.store.replace(bench.store.record(CONSUMER_PID), deprovisioned)

    bench.clock.advance(timedelta(days=40).total_seconds())
    janitor_of(bench).sweep()

    assert [process.id for process in Listing(engine=bench.engine).stream()] == [CONSUMER_PID]


def test_sweep_in_the_middle_of_a_commit_leaves_the_rows_that_announce_it() -> None:
    bench = bench_with(consumer_in(_S.STARTED))
    bench.clock.advance(timedelta(days=40).total_seconds())
    bench.store.before_replace = janitor_of(bench).sweep
    bench.engine.handle(CONSUMER_PID, TERMINATE)

    listing = Listing(engine=bench.engine)
    assert [process.id for process in listing.stream("TERMINATED")] == [CONSUMER_PID]
    assert [process.id for process in listing.stream()] == [CONSUMER_PID]


def test_row_that_a_crash_has_left_goes_after_its_process() -> None:
    bench = bench_with(completed())
    bench.store.announce([IndexRow(IndexKind.STATE, CONSUMER_PID, NOW, "TERMINATED")])
    bench.clock.advance(RETENTION.total_seconds())
    for _ in range(2):
        janitor_of(bench).sweep()
    assert bench.store.ids() == []
    assert bench.store.index_rows() == []


def test_crash_between_document_and_rows_is_cleared_away_by_the_next_sweep() -> None:
    bench = bench_with(completed())
    bench.store.delete(CONSUMER_PID)
    bench.clock.advance(RETENTION.total_seconds())
    janitor_of(bench).sweep()
    assert bench.store.index_rows() == []
