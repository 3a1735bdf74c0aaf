"""Index rows: written before the commit that they announce, made into list rows after it, dropped where they lead
nowhere.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import index
from ferry.domain.decision import Look
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import IndexKind, IndexRow
from tests.unit.control_plane.bench import JANITOR_SECONDS, Bench, flow_bench, transfer_bench
from tests.unit.control_plane.processes import CONSUMER_PID, DEPROVISION, NOW, TERMINATE, consumer_in
from tests.unit.control_plane.test_flow_decisions import asked_for

_S = TransferState
DUE_AT = NOW + timedelta(seconds=JANITOR_SECONDS)
LATER = NOW + timedelta(days=1)
ALL, DUE, STATE = IndexKind.ALL, IndexKind.DUE, IndexKind.STATE


def terminated_bench() -> Bench[TransferProcess]:
    bench = transfer_bench()
    bench.put(consumer_in(_S.STARTED))
    bench.engine.handle(CONSUMER_PID, TERMINATE)
    return bench


def test_rows_are_written_before_the_document() -> None:
    bench = transfer_bench()
    bench.engine.begin(consumer_in(_S.STARTED))
    assert bench.store.calls == ["announce all,due", "insert"]


def test_end_that_leaves_something_to_do_writes_no_row() -> None:
    bench = transfer_bench()
    bench.put(consumer_in(_S.STARTED))
    bench.engine.handle(CONSUMER_PID, TERMINATE)
    assert bench.store.calls == ["load", "replace"]


def test_settled_process_is_listed_by_one_request_after_the_commit() -> None:
    bench = terminated_bench()
    bench.store.calls.clear()
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    assert bench.stored(CONSUMER_PID).is_settled
    assert bench.store.calls[-2:] == ["replace", "relist all,state,due"]


def test_list_rows_hold_what_lists_show_and_nothing_that_a_process_remembers() -> None:
    bench = terminated_bench()
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    stored = bench.stored(CONSUMER_PID)
    assert stored.history
    for kind, state in ((ALL, ""), (STATE, "TERMINATED")):
        (listed,) = bench.store.listed(kind, state=state)
        assert listed.summary == replace(stored, history=(), inbox=(), look=None)


def test_process_that_lives_is_listed_and_due() -> None:
    bench = transfer_bench()
    bench.put(consumer_in(_S.STARTED))
    assert bench.rows() == [("all", "", NOW), ("due", "", DUE_AT)]
    assert bench.stored(CONSUMER_PID).due_at == DUE_AT


def test_process_that_is_over_stays_due_while_it_has_something_to_do() -> None:
    bench = terminated_bench()
    assert bench.rows() == [("all", "", NOW), ("due", "", DUE_AT)]
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    assert bench.rows() == [("all", "", NOW), ("state", "TERMINATED", NOW)]


def test_process_that_is_over_at_once_is_never_due() -> None:
    bench = transfer_bench()
    bench.put(replace(consumer_in(_S.COMPLETED), intents=()))
    assert bench.rows() == [("all", "", NOW), ("state", "COMPLETED", NOW)]


def test_process_that_becomes_alive_again_is_due_again_and_in_no_list_of_ended_ones() -> None:
    bench = transfer_bench()
    bench.put(replace(consumer_in(_S.COMPLETED), intents=()))
    bench.clock.advance(1000)
    bench.engine.handle(CONSUMER_PID, DEPROVISION)
    due_at = bench.clock.now() + timedelta(seconds=JANITOR_SECONDS)
    assert ("due", "", due_at) in bench.rows()
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    assert bench.rows() == [("all", "", NOW), ("state", "DEPROVISIONED", NOW)]


def test_process_that_becomes_alive_again_is_shown_from_its_document() -> None:
    bench = transfer_bench()
    bench.put(replace(consumer_in(_S.COMPLETED), intents=()))
    assert bench.store.listed(ALL)[0].summary is not None
    bench.clock.advance(1000)
    bench.engine.handle(CONSUMER_PID, DEPROVISION)
    assert bench.store.listed(ALL)[0].summary is None


def test_process_that_lives_again_is_not_listed_by_whoever_settled_it_before() -> None:
    bench = transfer_bench()
    before = replace(consumer_in(_S.COMPLETED), intents=())
    bench.put(before)
    settled = bench.stored(CONSUMER_PID)
    # Its rows are still to be written when somebody orders it to be deprovisioned.
    bench.store.announce([IndexRow(ALL, CONSUMER_PID, NOW), IndexRow(DUE, CONSUMER_PID, DUE_AT)])
    bench.store.withdraw([IndexRow(STATE, CONSUMER_PID, NOW, "COMPLETED")])
    bench.engine.handle(CONSUMER_PID, DEPROVISION)

    index.relist(bench.store, None, settled)

    assert bench.store.listed(ALL)[0].summary is None
    assert bench.store.listed(STATE, state="COMPLETED") == []


def test_second_life_within_a_second_has_a_due_row_of_its_own() -> None:
    bench = transfer_bench()
    bench.put(replace(consumer_in(_S.COMPLETED), intents=()))
    bench.engine.handle(CONSUMER_PID, DEPROVISION)
    assert ("due", "", DUE_AT + timedelta(seconds=1)) in bench.rows()


def test_commit_that_changes_no_row_writes_none() -> None:
    bench = transfer_bench()
    bench.put(consumer_in(_S.REQUESTED))
    bench.engine.handle(CONSUMER_PID, Look())
    assert bench.store.calls == ["load", "replace"]


def test_flow_that_a_transfer_looks_after_has_no_rows_and_no_looks() -> None:
    bench = flow_bench()
    bench.engine.begin(asked_for(None), budget_seconds=1)
    assert bench.rows() == []
    assert bench.pending() == []


def test_crash_before_the_commit_leaves_rows_too_many_and_never_too_few() -> None:
    bench = transfer_bench()

    def crash() -> None:
        raise KeyboardInterrupt

    bench.put(replace(consumer_in(_S.COMPLETED), intents=()))
    bench.clock.advance(1000)
    bench.store.before_replace = crash
    with pytest.raises(KeyboardInterrupt):
        bench.engine.handle(CONSUMER_PID, DEPROVISION)
    assert bench.stored(CONSUMER_PID).is_settled
    kinds = [kind for kind, _, _ in bench.rows()]
    assert kinds == ["all", "due", "state"]


# --- which rows are true, and which may go ----------------------------------------------------------------------


def settled() -> TransferProcess:
    return replace(consumer_in(_S.COMPLETED), intents=())


def busy() -> TransferProcess:
    return replace(settled(), intents=(Intent("x", IntentKind.REVOKE_ACCESS),))


@pytest.mark.parametrize(
    ("row", "process", "stale"),
    [
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), None, True),
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), settled(), True),
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), busy(), False),
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), consumer_in(_S.STARTED), False),
        (IndexRow(STATE, CONSUMER_PID, NOW, "COMPLETED"), settled(), False),
        (IndexRow(STATE, CONSUMER_PID, NOW, "TERMINATED"), settled(), True),
        (IndexRow(STATE, CONSUMER_PID, LATER, "COMPLETED"), settled(), True),
        (IndexRow(STATE, CONSUMER_PID, NOW, "COMPLETED"), None, True),
        (IndexRow(ALL, CONSUMER_PID, NOW), settled(), False),
        (IndexRow(ALL, CONSUMER_PID, LATER), settled(), True),
        (IndexRow(ALL, CONSUMER_PID, NOW), None, True),
    ],
)
def test_row_is_stale_when_the_process_says_otherwise(
    row: IndexRow, process: TransferProcess | None, stale: bool
) -> None:
    assert index.is_stale(row, process) is stale


@pytest.mark.parametrize(
    ("row", "process", "after_seconds", "droppable"),
    [
        # A process that is not there yet may be about to be committed.
        (IndexRow(ALL, CONSUMER_PID, NOW), None, 120, False),
        (IndexRow(ALL, CONSUMER_PID, NOW), None, 121, True),
        (IndexRow(STATE, CONSUMER_PID, NOW, "TERMINATED"), None, 121, True),
        # So may its end.
        (IndexRow(STATE, CONSUMER_PID, NOW, "TERMINATED"), settled(), 10**6, False),
        # Another process of that id was there before.
        (IndexRow(STATE, CONSUMER_PID, LATER, "TERMINATED"), settled(), 0, True),
        (IndexRow(ALL, CONSUMER_PID, LATER), settled(), 0, True),
        # A due row is read by a list long before it is due.
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), None, JANITOR_SECONDS - 1, False),
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), None, JANITOR_SECONDS, True),
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), settled(), JANITOR_SECONDS - 1, False),
        # The janitor makes a list row of it.
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), settled(), JANITOR_SECONDS, False),
        (IndexRow(DUE, CONSUMER_PID, DUE_AT), busy(), JANITOR_SECONDS, False),
    ],
)
def test_stale_row_goes_only_where_no_commit_under_way_can_make_it_true(
    row: IndexRow, process: TransferProcess | None, after_seconds: float, droppable: bool
) -> None:
    assert index.is_droppable(row, process, NOW + timedelta(seconds=after_seconds)) is droppable
