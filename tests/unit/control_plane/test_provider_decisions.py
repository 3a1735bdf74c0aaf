"""What the provider's side of a transfer decides, task by task (steps 6-12)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import provider_decisions
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.decision import Failed, FlowReport, Limits, Look
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import IntentKind, Json, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.processes import (
    AWAY,
    COMPLETED_FLOW,
    CONSUMER_PID,
    FINAL_FAULT,
    NOW,
    TERMINATE,
    decided,
    demand,
    done,
    failed,
    intent_of,
    judged,
    kinds,
    messages,
    moment,
    provider_in,
    received,
)

_S = TransferState
START, COMPLETION, TERMINATION = "TransferStartMessage", "TransferCompletionMessage", "TransferTerminationMessage"
REFUSED = Fault(FaultCode.SAS_REFUSED, "the SAS is refused", step=11)
GONE = Fault(FaultCode.DESTINATION_GONE, "the container is gone", step=11)


def copying() -> TransferProcess:
    """STARTED, with a copy that runs in another app."""
    started = provider_in(_S.STARTED)
    return decided(started, done(started, IntentKind.START_DATA_FLOW, {"state": "STARTED", "summary": {}}))


def asking() -> TransferProcess:
    return decided(copying(), FlowReport("FAILED", {}, GONE))


# --- step 6 -----------------------------------------------------------------------------------------------------


def test_demand_gets_a_secret_name_of_our_own() -> None:
    told = DestinationAddress("consumerdata", "ferry-consumer-pid", key_name="their-name")
    named = replace(demand(), destination=told)
    process = provider_decisions.accept(named, moment())
    assert process.destination is not None
    assert process.destination.secret_name.startswith("ferry-sas-")
    assert process.destination.key_name is None
    assert not process.destination.managed
    assert process.source == SourceAddress("providerdata", "source", None, "")
    assert process.correlation_id == CONSUMER_PID
    assert kinds(process) == [IntentKind.STORE_ADDRESS]


def test_sas_in_our_vault_starts_flow_and_message() -> None:
    starting = provider_in(_S.STARTING)
    assert messages(starting) == [START]
    assert kinds(starting) == [IntentKind.SEND_MESSAGE, IntentKind.START_DATA_FLOW]
    assert starting.history[-1].step == 6


# --- the data plane's answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [_S.STARTING, _S.STARTED])
def test_finished_copy_leads_to_completion_and_drops_the_secret(state: TransferState) -> None:
    before = provider_in(state)
    completing = decided(before, done(before, IntentKind.START_DATA_FLOW, COMPLETED_FLOW))
    assert completing.state is _S.COMPLETING
    assert completing.delivered == {"blobs": 2, "bytes": 7, "root": "r"}
    expected = [START, COMPLETION] if state is _S.STARTING else [COMPLETION]
    assert messages(completing) == expected
    assert kinds(completing)[-1] is IntentKind.DROP_SECRET


def test_start_that_is_told_after_the_copy_has_finished_moves_no_state() -> None:
    starting = provider_in(_S.STARTING)
    completing = decided(starting, done(starting, IntentKind.START_DATA_FLOW, COMPLETED_FLOW))
    told = decided(completing, done(starting, IntentKind.SEND_MESSAGE))
    assert (told.state, messages(told)) == (_S.COMPLETING, [COMPLETION])


def test_completion_told_ends_the_transfer() -> None:
    completing = provider_in(_S.COMPLETING)
    completed = decided(completing, done(completing, IntentKind.SEND_MESSAGE))
    assert (completed.state, kinds(completed)) == (_S.COMPLETED, [IntentKind.DROP_SECRET])


def test_steps_of_the_copy_reach_the_history() -> None:
    started = provider_in(_S.STARTED)
    at = NOW + timedelta(seconds=1)
    taken: list[Json] = [[step, at.isoformat()] for step in (8, 9, 10, 11, 12)]
    result: JsonObject = {"state": "COMPLETED", "summary": {"blobs": 1, "steps": taken}}
    completing = decided(started, done(started, IntentKind.START_DATA_FLOW, result), moment(2))
    assert [entry.step for entry in completing.history if entry.at == at] == [8, 9, 10, 11, 12]
    assert completing.delivered == {"blobs": 1}


def test_flow_under_way_is_waited_for() -> None:
    running = copying()
    assert (running.state, kinds(running)) == (_S.STARTED, [])
    checking = decided(running, Look())
    assert kinds(checking) == [IntentKind.CHECK_DATA_FLOW]
    assert kinds(decided(checking, done(checking, IntentKind.CHECK_DATA_FLOW, {"state": "STARTED"}))) == []


def test_flow_that_the_plane_does_not_know_is_started_again() -> None:
    checking = decided(copying(), Look())
    again = decided(checking, done(checking, IntentKind.CHECK_DATA_FLOW, {}))
    assert (again.state, kinds(again)) == (_S.STARTED, [IntentKind.START_DATA_FLOW])


def test_unreadable_answer_to_a_start_is_asked_about_later() -> None:
    started = provider_in(_S.STARTED)
    assert kinds(decided(started, done(started, IntentKind.START_DATA_FLOW, {"state": 7}))) == []


def test_report_of_the_data_plane_needs_no_question() -> None:
    completing = decided(copying(), FlowReport("COMPLETED", {"blobs": 3}))
    assert (completing.state, completing.delivered) == (_S.COMPLETING, {"blobs": 3})


def test_report_withdraws_a_start_that_is_still_tried() -> None:
    started = provider_in(_S.STARTED)
    waiting = decided(started, failed(started, IntentKind.START_DATA_FLOW))
    assert IntentKind.START_DATA_FLOW not in kinds(decided(waiting, FlowReport("STARTED")))


@pytest.mark.parametrize("state", [_S.COMPLETING, _S.COMPLETED, _S.TERMINATED, _S.DEPROVISIONED])
@pytest.mark.parametrize("said", ["COMPLETED", "FAILED", "TERMINATED", "STARTED"])
def test_report_about_a_flow_whose_end_is_known_is_nothing(said: str, state: TransferState) -> None:
    before = provider_in(state)
    assert decided(before, FlowReport(said, {"blobs": 9}, GONE)) is before


@pytest.mark.parametrize("said", ["FAILED", "TERMINATED", "no state of ours"])
def test_flow_that_fails_terminates_with_its_fault(said: str) -> None:
    fault = Fault(FaultCode.SOURCE_CHANGED, "it has changed", step=10)
    ended = decided(copying(), FlowReport(said, {}, fault))
    assert (ended.state, ended.error) == (_S.TERMINATED, fault)
    assert messages(ended) == [TERMINATION]
    assert {IntentKind.TERMINATE_DATA_FLOW, IntentKind.DROP_SECRET} <= set(kinds(ended))


def test_flow_that_fails_without_a_fault_names_its_end() -> None:
    ended = decided(copying(), FlowReport("TERMINATED"))
    assert ended.error is not None
    assert (ended.error.code, "TERMINATED" in ended.error.message) == (FaultCode.DATA_FLOW_FAILED, True)


# --- access taken back during the copy --------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [REFUSED, GONE])
def test_access_taken_back_asks_the_consumer_whether_it_has_everything(fault: Fault) -> None:
    process = decided(copying(), FlowReport("FAILED", {}, fault))
    assert process.state is _S.STARTED
    assert kinds(process) == [IntentKind.ASK_PEER]
    assert process.deadline_at == NOW + timedelta(seconds=Limits().notify_seconds)


def test_second_report_of_the_same_end_asks_once() -> None:
    process = asking()
    assert decided(process, FlowReport("FAILED", {}, GONE)) == process


def test_consumer_that_has_everything_completes_the_transfer() -> None:
    process = asking()
    completed = decided(process, done(process, IntentKind.ASK_PEER, {"state": "COMPLETED"}))
    assert (completed.state, completed.error, kinds(completed)) == (_S.COMPLETED, None, [IntentKind.DROP_SECRET])


@pytest.mark.parametrize("answer", [{"state": "TERMINATED"}, {"state": "STARTED"}, {}])
def test_consumer_that_has_not_everything_leaves_the_fault_of_the_copy(answer: JsonObject) -> None:
    process = asking()
    ended = decided(process, done(process, IntentKind.ASK_PEER, answer))
    assert (ended.state, ended.error) == (_S.TERMINATED, GONE)
    assert messages(ended) == [TERMINATION]


def test_consumer_that_cannot_be_asked_in_time_leaves_the_fault_of_the_copy() -> None:
    process = asking()
    waiting = decided(process, failed(process, IntentKind.ASK_PEER))
    assert waiting.state is _S.STARTED
    ended = decided(waiting, Look(), moment(Limits().notify_seconds))
    assert (ended.state, ended.error) == (_S.TERMINATED, GONE)


def test_answer_after_the_consumer_has_terminated_is_nothing() -> None:
    process = asking()
    ended = decided(process, received(MessageKind.TRANSFER_TERMINATION, {"code": "VERIFICATION_FAILED"}))
    assert IntentKind.ASK_PEER not in kinds(ended)
    assert decided(ended, done(process, IntentKind.ASK_PEER, {"state": "COMPLETED"})) is ended


# --- what the consumer does not hear ----------------------------------------------------------------------------


def test_completion_that_is_refused_for_good_is_delivered_all_the_same() -> None:
    completing = provider_in(_S.COMPLETING)
    completed = decided(completing, failed(completing, IntentKind.SEND_MESSAGE, FINAL_FAULT))
    assert (completed.state, completed.error) == (_S.COMPLETED, None)
    assert "not acknowledged" in completed.history[-1].what


def test_start_that_is_refused_for_good_does_not_stand_before_the_completion() -> None:
    starting = provider_in(_S.STARTING)
    completing = decided(starting, done(starting, IntentKind.START_DATA_FLOW, COMPLETED_FLOW))
    first = next(intent for intent in completing.intents if intent.detail.get("message") == START)
    left = decided(completing, Failed(first.id, FINAL_FAULT))
    assert (left.state, messages(left)) == (_S.COMPLETING, [COMPLETION])


def test_start_that_is_refused_for_good_before_the_copy_has_ended_terminates() -> None:
    starting = provider_in(_S.STARTING)
    ended = decided(starting, failed(starting, IntentKind.SEND_MESSAGE, FINAL_FAULT))
    assert ended.state is _S.TERMINATED
    assert ended.error == replace(FINAL_FAULT, step=7)


def test_completion_that_nobody_takes_is_delivered_at_the_deadline() -> None:
    completing = provider_in(_S.COMPLETING)
    waiting = decided(completing, failed(completing, IntentKind.SEND_MESSAGE, AWAY))
    completed = decided(waiting, Look(), moment(Limits().default_state_seconds))
    assert (completed.state, completed.error, messages(completed)) == (_S.COMPLETED, None, [])


def test_message_about_another_consumer_pid_is_refused_unchanged() -> None:
    before = provider_in(_S.STARTED)
    decision = judged(before, received(MessageKind.TRANSFER_TERMINATION, {"consumerPid": "somebody-else"}))
    assert decision.process is before
    assert decision.refused == f"consumerPid is not {CONSUMER_PID}"


def test_client_of_the_provider_can_terminate_what_runs_and_nothing_else() -> None:
    ended = decided(copying(), TERMINATE)
    assert ended.error is not None
    assert (ended.error.code, ended.error.message) == (FaultCode.TERMINATED_BY_CLIENT, "enough")
    for state in (_S.COMPLETED, _S.TERMINATED, _S.DEPROVISIONED):
        before = provider_in(state)
        decision = judged(before, TERMINATE)
        assert decision.refused is not None and decision.process is before


# --- late results -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [_S.TERMINATED, _S.DEPROVISIONED])
def test_sas_stored_after_the_end_is_dropped_again(state: TransferState) -> None:
    begun = provider_in(_S.INITIAL)
    ended = replace(decided(begun, TERMINATE), intents=(), state=state)
    undone = decided(ended, done(begun, IntentKind.STORE_ADDRESS))
    assert (undone.state, kinds(undone)) == (state, [IntentKind.DROP_SECRET])


def test_flow_started_after_the_end_is_stopped_again() -> None:
    started = provider_in(_S.STARTED)
    ended = replace(decided(started, TERMINATE), intents=())
    undone = decided(ended, done(started, IntentKind.START_DATA_FLOW, {"state": "STARTED"}))
    assert kinds(undone) == [IntentKind.TERMINATE_DATA_FLOW]


def test_flow_of_a_completed_transfer_is_not_stopped() -> None:
    started = provider_in(_S.STARTED)
    completed = provider_in(_S.COMPLETED)
    assert decided(completed, done(started, IntentKind.START_DATA_FLOW, COMPLETED_FLOW)) is completed


def test_late_answer_while_it_still_runs_is_nothing() -> None:
    running = copying()
    assert decided(running, done(provider_in(_S.STARTED), IntentKind.START_DATA_FLOW, {"state": "STARTED"})) is running


# --- looks of its own -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("waited", "pause"), [(0, 2), (10, 10), (300, 30)])
def test_questions_about_a_remote_copy_become_rarer_up_to_a_limit(waited: float, pause: float) -> None:
    running = replace(copying(), deadline_at=None)
    at = moment(waited, Limits(first_look_seconds=2, last_look_seconds=30))
    assert provider_decisions.next_look_at(running, at) == at.now + timedelta(seconds=pause)


def test_transfer_that_has_something_to_do_is_looked_at_at_its_deadline() -> None:
    starting = provider_in(_S.STARTED)
    assert starting.intents
    assert provider_decisions.next_look_at(starting, moment()) == starting.deadline_at
    assert decided(starting, Look()) == starting


def test_secret_is_dropped_once() -> None:
    completing = provider_in(_S.COMPLETING)
    ended = decided(completing, received(MessageKind.TRANSFER_TERMINATION, {"code": "VERIFICATION_FAILED"}))
    intent_of(ended, IntentKind.DROP_SECRET)
