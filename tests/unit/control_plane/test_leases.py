"""Leases: one copy at a time, taken over when its holder is gone, whose late word then counts for nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from ferry.control_plane.copy_lease import LEASE_SECONDS, lease_end
from ferry.control_plane.flows import EmbeddedDataPlane, FlowService
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind, Look
from ferry.domain.faults import EffectFailed
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import FlowState
from ferry.effects.copies import Copying
from ferry.ports.copy_work import CopyWatch
from tests.unit.control_plane.bench import Bench, flow_bench
from tests.unit.control_plane.processes import AWAY, FINAL_FAULT, NOW
from tests.unit.control_plane.test_flow_decisions import asked_for

FINISHED: JsonObject = {"finished": True, "summary": {"blobs": 2, "bytes": 7}}
type Copy = Callable[[DataFlow, Intent, CopyWatch], JsonObject]


class Runner:
    """A copy that does what a test says."""

    def __init__(self, *copies: Copy) -> None:
        self.copies = list(copies)
        self.began: list[tuple[int, JsonObject | None]] = []

    def run(self, flow: DataFlow, intent: Intent, *, watch: CopyWatch) -> JsonObject:
        """The next copy."""
        self.began.append((intent.attempt, flow.checkpoint))
        return self.copies.pop(0)(flow, intent, watch) if self.copies else FINISHED


def service_of(*copies: Copy) -> tuple[FlowService, Runner, Bench[DataFlow]]:
    runner = Runner(*copies)
    bench = flow_bench()
    copying = Copying(runner=runner, engine=lambda: bench.engine)
    bench.engine.performers = {**bench.engine.performers, IntentKind.COPY: copying.copy}
    return FlowService(engine=bench.engine, queue_seconds=60), runner, bench


def finish(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
    return FINISHED


class HostDied(BaseException):
    """The host is gone in the middle of a copy."""


def die(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
    raise HostDied


def begin_and_die(service: FlowService) -> None:
    try:
        service.run(asked_for(None))
    except HostDied:
        return
    raise AssertionError("nobody died")


def test_flow_that_is_run_has_ended_when_the_call_returns() -> None:
    service, runner, bench = service_of()
    handled = service.run(asked_for(None))
    assert handled.process.state is FlowState.COMPLETED
    assert bench.stored("flow-1").summary == {"blobs": 2, "bytes": 7, "steps": None}
    assert runner.began == [(1, None)]
    assert bench.pending() == []


def test_copy_of_a_dead_holder_is_left_alone_until_its_lease_is_over() -> None:
    service, runner, bench = service_of(die)
    begin_and_die(service)
    bench.clock.advance(LEASE_SECONDS - 0.1)
    assert service.run(asked_for(None)).process.state is FlowState.STARTED
    assert service.look("flow-1", None) is not None
    assert runner.began == [(1, None)]

    bench.clock.advance(0.1)
    assert service.run(asked_for(None)).process.state is FlowState.COMPLETED
    assert runner.began == [(1, None), (2, None)]


def test_copy_is_taken_over_from_its_last_checkpoint() -> None:
    def checkpoint_and_die(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        assert watch.save({"after": "m", "page_attempt": 1})
        raise HostDied

    service, runner, bench = service_of(checkpoint_and_die)
    begin_and_die(service)
    bench.clock.advance(LEASE_SECONDS)
    service.look("flow-1", None)
    assert runner.began == [(1, None), (2, {"after": "m", "page_attempt": 1})]


def test_checkpoint_extends_the_lease_of_its_holder() -> None:
    def slowly(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        for _ in range(4):
            bench.clock.advance(LEASE_SECONDS * 0.9)
            assert watch.save({"after": None, "page_attempt": 1})
            service.look("flow-1", None)
        return FINISHED

    service, runner, bench = service_of(slowly)
    assert service.run(asked_for(None)).process.state is FlowState.COMPLETED
    assert len(runner.began) == 1


def test_store_that_answers_slowly_takes_no_copy_from_a_busy_holder() -> None:
    slow_seconds = 4.0

    def slowly(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        for pause_seconds in (2.0, 5.0, LEASE_SECONDS + 2 * slow_seconds):
            bench.clock.advance(pause_seconds)
            service.look("flow-1", None)
            bench.store.before_replace = lambda: bench.clock.advance(slow_seconds)
            assert watch.save({"after": None, "page_attempt": 1})
        return FINISHED

    service, runner, bench = service_of(slowly)
    assert service.run(asked_for(None)).process.state is FlowState.COMPLETED
    assert len(runner.began) == 1


def test_holder_that_dies_on_a_slow_store_is_waited_for_a_minute_at_most() -> None:
    assert lease_end(NOW) == NOW + timedelta(seconds=LEASE_SECONDS)
    assert lease_end(NOW, slowest_seconds=600.0) == NOW + timedelta(seconds=60)


def test_question_whether_a_copy_is_wanted_costs_one_read_and_no_commit() -> None:
    def curious(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        bench.store.calls.clear()
        assert watch.holds()
        assert bench.store.calls == ["load"]
        return FINISHED

    service, _, bench = service_of(curious)
    service.run(asked_for(None))
    assert bench.stored("flow-1").revision == 2


@pytest.mark.parametrize("command", [CommandKind.TERMINATE, CommandKind.SUSPEND])
def test_copy_that_is_not_wanted_any_more_learns_it_when_it_asks(command: CommandKind) -> None:
    def asks(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        bench.engine.handle("flow-1", Command(command))
        assert not watch.holds()
        return {"finished": False, "stopped": True}

    service, _, bench = service_of(asks)
    service.run(asked_for(None))


def test_checkpoint_is_committed_at_once() -> None:
    def pages(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        for page in "abc":
            assert watch.save({"after": page})
            stored = bench.stored("flow-1").checkpoint
            assert stored is not None and stored["after"] == page
        return FINISHED

    service, _, bench = service_of(pages)
    service.run(asked_for(None))


def test_holder_that_was_overtaken_is_told_to_stop_and_its_end_is_nothing() -> None:
    def overtaken(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        bench.clock.advance(LEASE_SECONDS)
        service.look("flow-1", None)
        assert not watch.save({"after": "old", "page_attempt": 1})
        return {"finished": True, "summary": {"blobs": 99}}

    service, runner, bench = service_of(overtaken)
    service.run(asked_for(None))
    stored = bench.stored("flow-1")
    assert (stored.state, stored.checkpoint) == (FlowState.COMPLETED, None)
    assert stored.summary is not None and stored.summary["blobs"] == 2
    assert [attempt for attempt, _ in runner.began] == [1, 2]


def test_holder_of_a_terminated_flow_is_told_to_stop() -> None:
    def ended(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        service.terminate("flow-1", "no more")
        assert not watch.save({"after": "m", "page_attempt": 1})
        return FINISHED

    service, _, bench = service_of(ended)
    service.run(asked_for(None))
    assert bench.stored("flow-1").state is FlowState.TERMINATED


def test_two_who_find_the_lease_over_do_not_both_copy() -> None:
    service, runner, bench = service_of(die)
    begin_and_die(service)
    bench.clock.advance(LEASE_SECONDS)
    bench.store.before_replace = lambda: _look(bench)
    service.look("flow-1", None)
    assert [attempt for attempt, _ in runner.began] == [1, 2]


def test_one_who_is_overtaken_while_taking_the_lease_leaves_the_copy_to_the_other() -> None:
    service, runner, bench = service_of(die, die)
    begin_and_die(service)
    bench.clock.advance(LEASE_SECONDS)

    def rival() -> None:
        with pytest.raises(HostDied):
            service.look("flow-1", None)

    bench.store.before_replace = rival
    service.look("flow-1", None)
    assert [attempt for attempt, _ in runner.began] == [1, 2]
    assert bench.stored("flow-1").state is FlowState.STARTED


def test_lease_is_committed_before_the_copy_begins() -> None:
    def look_inside(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        (copy,) = bench.stored("flow-1").intents
        assert copy.not_before == bench.clock.now() + timedelta(seconds=LEASE_SECONDS)
        assert copy.attempt == intent.attempt
        return FINISHED

    service, _, bench = service_of(look_inside, look_inside)
    service.accept(asked_for())
    service.look("flow-1", None)
    assert bench.stored("flow-1").state is FlowState.COMPLETED


def test_slices_follow_one_another_while_there_is_time() -> None:
    def half(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        return {"finished": False, "checkpoint": {"after": str(len(runner.began))}}

    service, runner, _ = service_of(half, half, half)
    service.accept(asked_for())
    service.look("flow-1", None)
    assert [checkpoint for _, checkpoint in runner.began] == [None, {"after": "1"}, {"after": "2"}, {"after": "3"}]


def test_long_copy_of_an_embedded_plane_goes_on_in_its_own_queue() -> None:
    def half(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        return {"finished": False, "checkpoint": {"after": "m"}}

    service, _, bench = service_of(half)
    plane = EmbeddedDataPlane(flows=service, queue=bench.queue)
    assert plane.start(asked_for(None)).state == "STARTED"
    (message,) = bench.pending()
    assert (message.lane.value, message.process_id, message.epoch) == ("data-flow", "flow-1", None)


def test_fault_that_a_retry_helps_leaves_the_flow_running() -> None:
    def fail(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        raise EffectFailed(AWAY)

    service, runner, bench = service_of(fail)
    assert service.run(asked_for(None)).process.state is FlowState.STARTED
    bench.clock.advance(1)
    assert service.run(asked_for(None)).process.state is FlowState.COMPLETED
    assert len(runner.began) == 2


def test_plane_says_how_a_flow_stands_and_nothing_of_one_that_it_does_not_know() -> None:
    def fail(flow: DataFlow, intent: Intent, watch: CopyWatch) -> JsonObject:
        raise EffectFailed(FINAL_FAULT)

    service, _, bench = service_of(fail)
    plane = EmbeddedDataPlane(flows=service, queue=bench.queue)
    assert plane.status("flow-1") is None
    report = plane.start(asked_for(None))
    assert (report.state, report.fault) == ("FAILED", FINAL_FAULT)
    assert plane.status("flow-1") == report
    plane.terminate("flow-1", "too late")
    plane.terminate("unknown", "nothing to stop")
    assert plane.status("flow-1") == report


def test_same_flow_asked_for_twice_is_one_flow() -> None:
    service, runner, bench = service_of()
    first = service.accept(asked_for())
    assert service.accept(asked_for()).process == first.process
    service.look("flow-1", None)
    assert service.accept(asked_for()).process.state is FlowState.COMPLETED
    assert len(runner.began) == 1
    assert bench.store.ids() == ["flow-1"]


def test_order_to_stop_is_a_command() -> None:
    service, _, bench = service_of()
    service.accept(asked_for())
    bench.engine.handle("flow-1", Command(CommandKind.TERMINATE))
    assert bench.stored("flow-1").is_settled


def _look(bench: Bench[DataFlow]) -> None:
    bench.engine.handle("flow-1", Look(), budget_seconds=1)
