"""The engine commits before it acts, decides anew when it was overtaken, and goes on for as long as it may."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane.engine import COMMIT_TRIES
from ferry.domain.decision import Claim, ClaimSource, Done, Look, Task
from ferry.domain.faults import AlreadyExists, EffectFailed, Fault, FaultCode, NotFound
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.bench import Bench, transfer_bench
from tests.unit.control_plane.processes import (
    AWAY,
    COMPLETED_FLOW,
    CONSUMER_PID,
    PROVIDER_PID,
    TERMINATE,
    VERIFIED,
    consumer_in,
    intent_of,
    kinds,
    provider_in,
    received,
)

_S, _I = TransferState, IntentKind
RESULTS: dict[IntentKind, JsonObject] = {
    _I.SEND_MESSAGE: {"providerPid": PROVIDER_PID},
    _I.VERIFY_DELIVERY: VERIFIED,
    _I.START_DATA_FLOW: COMPLETED_FLOW,
}
TRIGGER = Claim(ClaimSource.TRIGGER)


def consumer_bench(state: TransferState = _S.REQUESTED) -> Bench[TransferProcess]:
    bench = transfer_bench(RESULTS)
    bench.put(consumer_in(state))
    return bench


# --- commit, then act -------------------------------------------------------------------------------------------


def test_new_process_is_committed_before_anything_of_it_is_done() -> None:
    bench = transfer_bench(RESULTS)
    bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=1)
    assert bench.effects.kinds == [_I.PREPARE_DESTINATION, _I.SEND_MESSAGE]
    for intent, committed in bench.effects.seen:
        assert committed.intent(intent.id) == intent


def test_new_intent_is_committed_before_it_is_performed() -> None:
    bench = transfer_bench(RESULTS)
    bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=1)
    states = [(intent.kind, committed.state) for intent, committed in bench.effects.seen]
    assert states == [(_I.PREPARE_DESTINATION, _S.PREPARATION_REQUESTED), (_I.SEND_MESSAGE, _S.REQUESTING)]


def test_results_are_committed_before_a_long_intent_begins() -> None:
    bench = transfer_bench(RESULTS)
    bench.put(provider_in(_S.STARTING))
    bench.engine.handle(PROVIDER_PID, Look(), budget_seconds=1)
    started = next(committed for intent, committed in bench.effects.seen if intent.kind is _I.START_DATA_FLOW)
    assert (started.state, started.has_intent(_I.SEND_MESSAGE)) == (_S.STARTED, False)


def test_result_that_brings_a_new_intent_is_committed_before_the_next_one_is_performed() -> None:
    bench = transfer_bench(RESULTS)
    bench.put(consumer_in(_S.PREPARATION_REQUESTED).with_intents(Intent("other", _I.REVOKE_ACCESS)))
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    other = next(committed for intent, committed in bench.effects.seen if intent.id == "other")
    assert (other.state, other.has_intent(_I.SEND_MESSAGE)) == (_S.REQUESTING, True)


def test_short_intents_share_one_commit() -> None:
    bench = transfer_bench()
    clean_up = tuple(Intent(kind, kind) for kind in (_I.REVOKE_ACCESS, _I.REMOVE_DESTINATION))
    bench.put(replace(consumer_in(_S.TERMINATED), intents=clean_up))
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    assert bench.effects.kinds == [_I.REVOKE_ACCESS, _I.REMOVE_DESTINATION]
    assert bench.store.calls.count("replace") == 1


def test_small_transfer_of_the_provider_takes_three_commits() -> None:
    bench = transfer_bench(RESULTS)
    bench.put(provider_in(_S.STARTING))
    bench.engine.handle(PROVIDER_PID, Look(), budget_seconds=1)
    assert bench.stored(PROVIDER_PID).is_settled
    assert bench.store.calls.count("replace") == 3


def test_intent_that_only_the_handler_can_perform_is_left_to_it() -> None:
    bench = transfer_bench(RESULTS)
    handled = bench.engine.begin(provider_in(_S.INITIAL), budget_seconds=1)
    assert (handled.looks, bench.effects.kinds) == ((), [])
    assert kinds(bench.stored(PROVIDER_PID)) == [_I.STORE_ADDRESS]


def test_intent_that_was_withdrawn_by_the_result_before_it_is_not_performed() -> None:
    bench = transfer_bench({_I.VERIFY_DELIVERY: {"outcome": "mismatch"}})
    started = consumer_in(_S.STARTED).with_intents(
        Intent("check", _I.VERIFY_DELIVERY, {"claim": "x"}), Intent("send", _I.SEND_MESSAGE, {"message": "x"})
    )
    bench.put(started)
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    performed = [intent.id for intent, _ in bench.effects.seen]
    assert performed[0] == "check" and "send" not in performed


def test_news_that_is_known_already_is_left_to_whoever_is_at_it() -> None:
    bench = transfer_bench(RESULTS)
    checking = Intent("check", _I.VERIFY_DELIVERY, {"claim": "completion message"})
    bench.put(consumer_in(_S.COMPLETING).with_intents(checking))
    handled = bench.engine.handle(CONSUMER_PID, TRIGGER, budget_seconds=1)
    assert (bench.effects.seen, handled.looks) == ([], ())


@pytest.mark.parametrize(
    "task", [received(MessageKind.TRANSFER_COMPLETION), TRIGGER, Look()], ids=["message", "trigger", "look"]
)
def test_check_under_way_is_not_begun_again_by_whoever_comes_meanwhile(task: Task) -> None:
    bench = consumer_bench(_S.STARTED)
    looks_left: list[int] = []

    def check(process: TransferProcess, intent: Intent) -> JsonObject:
        found = bench.effects.perform(process, intent)
        looks_left.append(len(bench.engine.handle(process.id, task, budget_seconds=1).looks))
        return found

    bench.engine.performers = {**bench.engine.performers, _I.VERIFY_DELIVERY: check}
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    assert bench.effects.kinds.count(_I.VERIFY_DELIVERY) == 1
    assert looks_left == [0]
    assert bench.stored(CONSUMER_PID).state is _S.COMPLETED


def test_check_that_fails_may_be_made_again() -> None:
    bench = consumer_bench(_S.COMPLETING)
    bench.effects.faults[_I.VERIFY_DELIVERY] = [AWAY]
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=0.1)
    bench.clock.advance(60)
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    assert bench.effects.kinds.count(_I.VERIFY_DELIVERY) == 2
    assert bench.stored(CONSUMER_PID).state is _S.COMPLETED


def test_every_commit_has_an_operation_id_and_a_revision_of_its_own() -> None:
    bench = consumer_bench()
    first = bench.stored(CONSUMER_PID)
    bench.engine.handle(CONSUMER_PID, received(MessageKind.TRANSFER_START))
    second = bench.stored(CONSUMER_PID)
    assert (first.revision, second.revision) == (1, 2)
    assert first.operation_id and second.operation_id and first.operation_id != second.operation_id


# --- conflicts --------------------------------------------------------------------------------------------------


def test_overtaken_task_is_decided_anew_on_what_the_rival_has_left() -> None:
    bench = consumer_bench()
    rival = received(MessageKind.TRANSFER_START, message_id="start")
    bench.store.before_replace = lambda: _handled(bench, rival)
    handled = bench.engine.handle(CONSUMER_PID, received(MessageKind.TRANSFER_COMPLETION, message_id="completion"))
    assert handled.refused is None
    stored = bench.stored(CONSUMER_PID)
    assert [applied.message_id for applied in stored.inbox] == ["start", "completion"]
    assert [entry.state for entry in stored.history][-2:] == ["STARTED", "COMPLETING"]


def test_overtaken_task_that_is_not_allowed_any_more_is_refused_and_commits_nothing() -> None:
    bench = consumer_bench()
    bench.store.before_replace = lambda: _handled(bench, TERMINATE)
    handled = bench.engine.handle(CONSUMER_PID, received(MessageKind.TRANSFER_START))
    assert handled.refused is not None and "TERMINATED" in handled.refused
    assert handled.process.state is _S.TERMINATED
    assert bench.stored(CONSUMER_PID).inbox == ()


def test_repeated_message_that_was_applied_by_a_rival_is_answered_like_the_first() -> None:
    bench = consumer_bench()
    message = received(MessageKind.TRANSFER_START)
    bench.store.before_replace = lambda: _handled(bench, message)
    handled = bench.engine.handle(CONSUMER_PID, message)
    assert (handled.refused, handled.process.state) == (None, _S.STARTED)
    assert len(bench.stored(CONSUMER_PID).inbox) == 1


def test_effect_whose_result_was_overtaken_is_not_performed_again() -> None:
    bench = consumer_bench()
    bench.engine.handle(CONSUMER_PID, TRIGGER)
    bench.store.before_replace = lambda: _handled(bench, received(MessageKind.TRANSFER_START))
    bench.engine.handle(CONSUMER_PID, Look(), budget_seconds=1)
    assert bench.effects.kinds.count(_I.VERIFY_DELIVERY) == 1
    assert bench.stored(CONSUMER_PID).state is _S.COMPLETED


def test_commit_that_is_always_overtaken_gives_up_with_a_fault_that_a_retry_helps() -> None:
    bench = consumer_bench()

    def rival() -> None:
        bench.store.before_replace = None
        bench.engine.amend(CONSUMER_PID, lambda it: replace(it, verify_cursor={"n": len(bench.store.calls)}))
        bench.store.before_replace = rival

    bench.store.before_replace = rival
    with pytest.raises(EffectFailed) as failure:
        bench.engine.handle(CONSUMER_PID, received(MessageKind.TRANSFER_START))
    fault = failure.value.fault
    assert (fault.code, fault.retryable) == (FaultCode.STORAGE_UNAVAILABLE, True)
    assert f"{COMMIT_TRIES} commits" in fault.message and CONSUMER_PID in fault.message


def test_write_whose_reply_was_lost_counts_once() -> None:
    bench = transfer_bench(RESULTS)
    bench.store.repeats = True
    bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=1)
    bench.engine.handle(CONSUMER_PID, received(MessageKind.TRANSFER_START))
    stored = bench.stored(CONSUMER_PID)
    assert stored.state is _S.STARTED
    assert stored.revision == len([call for call in bench.store.calls if call in ("insert", "replace")])
    assert [entry.step for entry in stored.history if entry.step] == [1, 5, 7]


def test_second_process_under_the_same_id_is_refused() -> None:
    bench = consumer_bench()
    with pytest.raises(AlreadyExists):
        bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED))


# --- how far it goes on -----------------------------------------------------------------------------------------


def test_without_time_what_is_due_leaves_as_a_look() -> None:
    bench = transfer_bench(RESULTS)
    begun = replace(consumer_in(_S.PREPARATION_REQUESTED), trace_parent="00-trace")
    handled = bench.engine.begin(begun, budget_seconds=0)
    (look,) = handled.looks
    assert (look.process_id, look.epoch, look.trace_parent) == (CONSUMER_PID, None, "00-trace")
    assert look.lane.value == "transfer-consumer"
    assert bench.effects.kinds == []


def test_with_time_left_nothing_is_left_to_a_look() -> None:
    handled = transfer_bench(RESULTS).engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=1)
    assert (handled.looks, handled.process.state) == ((), _S.REQUESTED)


def test_time_that_runs_out_leaves_the_rest_to_a_look() -> None:
    bench = transfer_bench(RESULTS)
    perform = bench.effects.perform

    def slowly(process: TransferProcess, intent: Intent) -> JsonObject:
        bench.clock.advance(5)
        return perform(process, intent)

    bench.engine.performers = dict.fromkeys(IntentKind, slowly)
    handled = bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=1)
    assert bench.effects.kinds == [_I.PREPARE_DESTINATION]
    assert (handled.process.state, len(handled.looks)) == (_S.REQUESTING, 1)


def test_retry_that_is_due_within_a_moment_is_waited_for() -> None:
    bench = transfer_bench(RESULTS)
    bench.effects.faults[_I.SEND_MESSAGE] = [AWAY, AWAY]
    begun = bench.clock.now()
    handled = bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=10)
    assert (handled.process.state, handled.looks) == (_S.REQUESTED, ())
    assert bench.clock.now() - begun == timedelta(seconds=0.4 + 0.8)


def test_retry_that_is_due_later_is_left_to_a_delayed_look() -> None:
    bench = transfer_bench(RESULTS)
    bench.effects.faults[_I.SEND_MESSAGE] = [AWAY] * 3
    handled = bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=10)
    assert (handled.process.state, handled.looks) == (_S.REQUESTING, ())
    retry = intent_of(handled.process, _I.SEND_MESSAGE)
    assert handled.process.look is not None and handled.process.look.at == retry.not_before


def test_retry_that_is_due_after_the_budget_is_not_waited_for() -> None:
    bench = transfer_bench(RESULTS)
    bench.effects.faults[_I.SEND_MESSAGE] = [AWAY]
    begun = bench.clock.now()
    handled = bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=0.3)
    assert handled.process.state is _S.REQUESTING
    assert bench.clock.now() == begun


@pytest.mark.parametrize("error", [NotFound("thing", "1"), AlreadyExists("thing", "1")])
def test_effect_that_trips_over_our_own_stores_is_tried_again(error: Exception) -> None:
    bench = transfer_bench(RESULTS)

    def trip(process: TransferProcess, intent: Intent) -> JsonObject:
        raise error

    bench.engine.performers = {**bench.engine.performers, _I.PREPARE_DESTINATION: trip}
    handled = bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=0.1)
    waiting = intent_of(handled.process, _I.PREPARE_DESTINATION)
    assert waiting.last_fault == Fault(FaultCode.UNEXPECTED, str(error), retryable=True)


def test_defect_in_an_effect_leaves_the_intent_as_it_was_committed() -> None:
    bench = transfer_bench(RESULTS)

    def break_down(process: TransferProcess, intent: Intent) -> JsonObject:
        raise ZeroDivisionError

    bench.engine.performers = {**bench.engine.performers, _I.SEND_MESSAGE: break_down}
    with pytest.raises(ZeroDivisionError):
        bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=1)
    assert kinds(bench.stored(CONSUMER_PID)) == [_I.SEND_MESSAGE]


def test_kind_of_intent_that_this_app_cannot_perform_is_left_alone() -> None:
    bench = transfer_bench(RESULTS)
    bench.engine.performers = {_I.SEND_MESSAGE: bench.effects.perform}
    handled = bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=1)
    assert (handled.looks, kinds(handled.process)) == ((), [_I.PREPARE_DESTINATION])


# --- who may ask ------------------------------------------------------------------------------------------------


def test_unknown_process_and_somebody_elses_are_the_same_to_the_caller() -> None:
    bench = consumer_bench()
    with pytest.raises(NotFound) as unknown:
        bench.engine.handle("unknown", TERMINATE)
    with pytest.raises(NotFound) as foreign:
        bench.engine.handle(CONSUMER_PID, TERMINATE, admits=lambda process: False)
    assert str(unknown.value).replace("unknown", CONSUMER_PID) == str(foreign.value)
    assert bench.stored(CONSUMER_PID).state is _S.REQUESTED


def test_record_that_the_caller_holds_is_not_read_again() -> None:
    bench = transfer_bench(RESULTS)
    record = bench.put(provider_in(_S.INITIAL))
    stored = Done(intent_of(record.document, _I.STORE_ADDRESS).id, _I.STORE_ADDRESS)
    bench.engine.handle(PROVIDER_PID, stored, known=record)
    assert "load" not in bench.store.calls
    assert bench.stored(PROVIDER_PID).state is _S.STARTING


def test_each_line_of_history_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    bench = transfer_bench(RESULTS)
    with caplog.at_level(logging.INFO, logger="ferry.engine"):
        bench.engine.begin(consumer_in(_S.PREPARATION_REQUESTED), budget_seconds=1)
        bench.engine.handle(CONSUMER_PID, received(MessageKind.TRANSFER_START))
    assert [record.getMessage() for record in caplog.records] == [
        entry.what for entry in bench.stored(CONSUMER_PID).history
    ]
    said: dict[str, object] = caplog.records[-1].__dict__["ferry"]
    assert (said["process"], said["state"], said["step"]) == (CONSUMER_PID, "STARTED", 7)


# --- changes that are no tasks ----------------------------------------------------------------------------------


def test_amendment_is_made_on_what_a_rival_has_left() -> None:
    bench = consumer_bench()
    bench.store.before_replace = lambda: _handled(bench, received(MessageKind.TRANSFER_START))
    assert bench.engine.amend(CONSUMER_PID, lambda it: replace(it, verify_cursor={"after": "m"}))
    stored = bench.stored(CONSUMER_PID)
    assert (stored.state, stored.verify_cursor) == (_S.STARTED, {"after": "m"})


def test_amendment_that_is_out_of_place_commits_nothing() -> None:
    bench = consumer_bench()
    assert not bench.engine.amend(CONSUMER_PID, lambda it: None)
    assert bench.store.calls == ["load"]


def _handled(bench: Bench[TransferProcess], task: Task) -> None:
    bench.engine.handle(CONSUMER_PID, task)
