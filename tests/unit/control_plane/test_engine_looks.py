"""Looks: one under way at most, stale ones do nothing, lost ones are sent again; poison re-arms."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.adapters.memory_queue import Delivery
from ferry.control_plane import look_schedule
from ferry.control_plane.engine import REARM_SECONDS
from ferry.domain.decision import Limits, Look, Poisoned
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Intent, IntentKind, JsonObject, ScheduledLook
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.bench import Bench, transfer_bench
from tests.unit.control_plane.processes import (
    AWAY,
    CONSUMER_PID,
    NOW,
    consumer_in,
    provider_in,
    received,
)

_S, _I = TransferState, IntentKind
ABSENT: dict[IntentKind, JsonObject] = {_I.VERIFY_DELIVERY: {"outcome": "absent"}}
POISON = Fault(FaultCode.POISONED, "failed too often", retryable=True)


def waiting_bench() -> Bench[TransferProcess]:
    """A consumer that waits for data which is not there yet."""
    bench = transfer_bench(ABSENT)
    bench.put(consumer_in(_S.STARTED))
    return bench


def look_of(bench: Bench[TransferProcess], process_id: str = CONSUMER_PID) -> ScheduledLook:
    look = bench.stored(process_id).look
    assert look is not None
    return look


def next_delivery(bench: Bench[TransferProcess]) -> Delivery:
    """The next message, as soon as it is visible."""
    at = bench.queue.next_visible_at()
    assert at is not None
    bench.clock.advance_to(at)
    delivery = bench.queue.receive()
    assert delivery is not None
    return delivery


def deliver(bench: Bench[TransferProcess]) -> None:
    """Handle the next message."""
    delivery = next_delivery(bench)
    bench.engine.handle(delivery.message.process_id, Look(delivery.message.epoch), budget_seconds=1)
    bench.queue.acknowledge(delivery)


def test_waiting_process_has_one_look_under_way_that_the_document_knows() -> None:
    bench = waiting_bench()
    (message,) = bench.pending()
    assert look_of(bench) == ScheduledLook(1, NOW + timedelta(seconds=2))
    assert (message.process_id, message.epoch) == (CONSUMER_PID, 1)
    assert next_delivery(bench).visible_at >= NOW + timedelta(seconds=2)


def test_each_look_sends_the_next_one_and_never_two() -> None:
    bench = waiting_bench()
    for epoch in range(2, 12):
        deliver(bench)
        assert look_of(bench).epoch == epoch
        assert [message.epoch for message in bench.pending()] == [epoch]


def test_looks_become_rarer_until_the_longest_pause() -> None:
    bench = waiting_bench()
    pauses: list[float] = []
    for _ in range(8):
        before = bench.clock.now()
        deliver(bench)
        pauses.append((look_of(bench).at - bench.clock.now()).total_seconds())
        assert bench.clock.now() > before
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0


def test_older_look_does_nothing_even_where_something_is_due() -> None:
    bench = waiting_bench()
    deliver(bench)
    bench.clock.advance(3600 * 24)
    before = bench.store.record(CONSUMER_PID)
    handled = bench.engine.handle(CONSUMER_PID, Look(1), budget_seconds=10)
    assert (handled.looks, handled.refused) == ((), None)
    assert bench.store.record(CONSUMER_PID) == before
    assert len(bench.pending()) == 1


def test_look_that_comes_twice_changes_nothing_the_second_time() -> None:
    bench = waiting_bench()
    delivery = next_delivery(bench)
    for _ in range(2):
        bench.engine.handle(CONSUMER_PID, Look(delivery.message.epoch), budget_seconds=1)
    assert [message.epoch for message in bench.pending()] == [1, 2]


def test_janitors_look_while_one_is_under_way_sends_no_second_one() -> None:
    bench = waiting_bench()
    bench.clock.advance(1)
    bench.engine.handle(CONSUMER_PID, Look(None), budget_seconds=1)
    assert [message.epoch for message in bench.pending()] == [1]


def test_janitors_look_after_a_lost_one_sends_it_again() -> None:
    bench = waiting_bench()
    bench.queue.clear()
    bench.clock.advance(60)
    bench.engine.handle(CONSUMER_PID, Look(None), budget_seconds=1)
    assert [message.epoch for message in bench.pending()] == [look_of(bench).epoch]
    assert look_of(bench).at > bench.clock.now()


def test_lost_look_of_a_process_with_nothing_to_do_now_is_sent_again_too() -> None:
    bench = transfer_bench()
    requesting = consumer_in(_S.REQUESTING)
    later = replace(requesting.intents[0], not_before=NOW + timedelta(seconds=50))
    lost = replace(requesting, intents=(later,), look=ScheduledLook(4, NOW - timedelta(seconds=1)))
    bench.store.insert(lost)
    bench.engine.handle(CONSUMER_PID, Look(None), budget_seconds=1)
    assert look_of(bench) == ScheduledLook(5, NOW + timedelta(seconds=50))
    assert [message.epoch for message in bench.pending()] == [5]


def test_look_that_comes_earlier_than_wanted_is_kept() -> None:
    process = replace(consumer_in(_S.STARTED), look=ScheduledLook(3, NOW + timedelta(seconds=5)))
    assert look_schedule.wanted_look(process, NOW + timedelta(seconds=9), NOW) is None


@pytest.mark.parametrize(("wanted", "is_new"), [(4.0, False), (3.9, True)])
def test_look_that_comes_more_than_a_second_too_late_is_overtaken(wanted: float, is_new: bool) -> None:
    process = replace(consumer_in(_S.STARTED), look=ScheduledLook(3, NOW + timedelta(seconds=5)))
    look = look_schedule.wanted_look(process, NOW + timedelta(seconds=wanted), NOW)
    assert look == (ScheduledLook(4, NOW + timedelta(seconds=wanted)) if is_new else None)


def test_process_with_something_due_is_looked_at_at_once_and_not_later() -> None:
    process = consumer_in(_S.REQUESTING)
    assert look_schedule.wanted_look(process, NOW + timedelta(seconds=9), NOW) is None


def test_postponed_intent_decides_when_to_look() -> None:
    later = NOW + timedelta(seconds=4)
    process = replace(consumer_in(_S.STARTED), intents=(Intent("x", _I.VERIFY_DELIVERY, not_before=later),))
    assert look_schedule.wanted_look(process, NOW + timedelta(seconds=30), NOW) == ScheduledLook(1, later)


def test_message_behind_a_postponed_one_is_not_due_and_does_not_cost_the_look() -> None:
    later = NOW + timedelta(seconds=4)
    start = Intent("start", _I.SEND_MESSAGE, {"message": "TransferStartMessage"}, not_before=later)
    completion = Intent("completion", _I.SEND_MESSAGE, {"message": "TransferCompletionMessage"})
    process = replace(provider_in(_S.COMPLETING), intents=(start, completion))
    assert look_schedule.wanted_look(process, NOW + timedelta(seconds=30), NOW) == ScheduledLook(1, later)


def test_process_that_is_over_and_settled_has_no_look() -> None:
    process = replace(consumer_in(_S.COMPLETED), intents=())
    assert look_schedule.wanted_look(process, None, NOW) is None


def test_message_that_is_wanted_earlier_overtakes_the_look_under_way() -> None:
    bench = transfer_bench()
    bench.put(consumer_in(_S.PREPARATION_REQUESTED))
    bench.effects.faults[_I.PREPARE_DESTINATION] = [AWAY] * 20
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=0.1)
    first = look_of(bench)
    assert first.at == NOW + timedelta(seconds=0.4)
    deliver(bench)
    assert look_of(bench).epoch > first.epoch


def test_deadline_is_looked_at_even_if_nothing_ever_comes() -> None:
    bench = transfer_bench({_I.VERIFY_DELIVERY: {"outcome": "absent"}}, Limits(default_state_seconds=100))
    started = replace(consumer_in(_S.STARTED), deadline_at=NOW + timedelta(seconds=100))
    bench.put(started)
    for _ in range(20):
        if bench.stored(CONSUMER_PID).state is not _S.STARTED:
            break
        deliver(bench)
    ended = bench.stored(CONSUMER_PID)
    assert ended.error is not None and ended.error.code == FaultCode.DEADLINE_EXCEEDED
    assert bench.clock.now() - NOW < timedelta(seconds=103)


def test_poisoned_message_is_noted_and_the_process_looked_at_again() -> None:
    bench = waiting_bench()
    bench.queue.clear()
    handled = bench.engine.handle(CONSUMER_PID, Poisoned(POISON), budget_seconds=10)
    assert handled.looks == ()
    assert bench.stored(CONSUMER_PID).poisoned == 1
    (message,) = bench.pending()
    assert message.epoch == look_of(bench).epoch
    assert bench.queue.next_visible_at() == NOW + timedelta(seconds=REARM_SECONDS)


def test_look_after_a_poisoning_goes_on() -> None:
    bench = waiting_bench()
    bench.queue.clear()
    bench.engine.handle(CONSUMER_PID, Poisoned(POISON))
    deliver(bench)
    assert bench.effects.kinds == [_I.VERIFY_DELIVERY]


def test_poison_performs_nothing_itself() -> None:
    bench = transfer_bench()
    bench.put(consumer_in(_S.REQUESTING))
    bench.engine.handle(CONSUMER_PID, Poisoned(POISON), budget_seconds=10)
    assert bench.effects.kinds == []


def test_peers_message_makes_what_it_leads_to_a_look_and_sends_nothing() -> None:
    bench = waiting_bench()
    handled = bench.engine.handle(CONSUMER_PID, received(MessageKind.TRANSFER_COMPLETION))
    assert bench.effects.kinds == []
    assert [look.epoch for look in handled.looks] == [None]


@pytest.mark.parametrize(("epoch", "stale"), [(None, False), (2, True), (3, False), (4, False)])
def test_look_is_stale_when_the_document_waits_for_a_later_one(epoch: int | None, stale: bool) -> None:
    process = replace(consumer_in(_S.STARTED), look=ScheduledLook(3, NOW))
    assert look_schedule.is_stale(process, epoch) is stale


def test_first_look_of_a_process_is_never_stale() -> None:
    assert not look_schedule.is_stale(replace(consumer_in(_S.STARTED), look=None), 1)
