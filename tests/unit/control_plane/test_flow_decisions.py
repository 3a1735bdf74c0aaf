"""What a data plane decides about a flow: the copy under its lease, checkpoints, the end and who is told (8-12)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import flow_decisions
from ferry.control_plane.copy_lease import LEASE_SECONDS
from ferry.control_plane.rules import FlowRules
from ferry.domain.data_address import SourceAddress
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind, Done, Limits, Look, Poisoned, Task
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.states import FlowState
from ferry.domain.transfer_process import Destination
from tests.unit.control_plane.processes import (
    AWAY,
    DEPROVISION,
    FINAL_FAULT,
    NOW,
    TERMINATE,
    failed,
    intent_of,
    kinds,
    moment,
    received,
)

CALLBACK = "http://provider.test/api/control"
LEASE = timedelta(seconds=LEASE_SECONDS)


def asked_for(callback: str | None = CALLBACK) -> DataFlow:
    return DataFlow(
        id="flow-1",
        created_at=NOW,
        state_at=NOW,
        state=FlowState.STARTED,
        agreement_id="agreement-1",
        participant_id="consumer",
        consumer_pid="consumer-pid",
        source=SourceAddress("providerdata", "source", None, ""),
        destination=Destination("consumerdata", "ferry-x", ".complete", "ferry-sas-1", managed=False),
        callback_address=callback,
    )


def begun(*, answered: bool = False) -> DataFlow:
    return flow_decisions.begin(asked_for(), moment(), answered=answered)


def taken(flow: DataFlow, seconds: float = 0.0) -> DataFlow:
    return flow_decisions.take(flow, moment(seconds))


def after(flow: DataFlow, task: Task, seconds: float = 0.0) -> DataFlow:
    decision = FlowRules().decide(flow, task, moment(seconds))
    assert decision.refused is None
    return decision.process


def copied(flow: DataFlow, result: JsonObject) -> Done:
    copy = intent_of(flow, IntentKind.COPY)
    return Done(copy.id, IntentKind.COPY, {"attempt": copy.attempt, **result})


# --- begin and take ---------------------------------------------------------------------------------------------


def test_flow_that_somebody_runs_at_once_is_under_lease_from_the_start() -> None:
    copy = intent_of(begun(answered=True), IntentKind.COPY)
    assert (copy.attempt, copy.not_before) == (1, NOW + LEASE)


def test_flow_that_waits_for_a_worker_is_due_at_once() -> None:
    copy = intent_of(begun(), IntentKind.COPY)
    assert (copy.attempt, copy.not_before, copy.detail) == (0, None, {})


def test_taking_over_counts_one_attempt_and_answers_nobody() -> None:
    copy = intent_of(taken(begun(answered=True), 20), IntentKind.COPY)
    assert (copy.attempt, copy.not_before) == (2, NOW + timedelta(seconds=20) + LEASE)
    assert copy.detail == {}


# --- checkpoints ------------------------------------------------------------------------------------------------


def test_checkpoint_of_the_holder_extends_its_lease() -> None:
    held = taken(begun())
    progressed = flow_decisions.progressed(held, 1, {"after": "m"}, moment(10))
    assert progressed is not None
    assert progressed.checkpoint == {"after": "m"}
    assert intent_of(progressed, IntentKind.COPY).not_before == NOW + timedelta(seconds=10) + LEASE
    assert intent_of(progressed, IntentKind.COPY).attempt == 1


def test_checkpoint_of_an_old_attempt_is_out_of_place() -> None:
    held = taken(taken(begun()), 20)
    assert flow_decisions.progressed(held, 1, {"after": "m"}, moment(21)) is None


def test_checkpoint_of_an_ended_flow_is_out_of_place() -> None:
    ended = after(taken(begun()), TERMINATE)
    assert flow_decisions.progressed(ended, 1, {"after": "m"}, moment()) is None


def test_slice_that_is_not_the_last_keeps_its_checkpoint_and_is_due_at_once() -> None:
    held = taken(begun())
    again = after(held, copied(held, {"finished": False, "checkpoint": {"after": "m"}}))
    assert (again.state, again.checkpoint) == (FlowState.STARTED, {"after": "m"})
    copy = intent_of(again, IntentKind.COPY)
    assert (copy.not_before, copy.attempt) == (None, 1)


def test_result_of_an_old_attempt_is_nothing() -> None:
    first = taken(begun())
    second = taken(first, 20)
    late = copied(first, {"finished": True, "summary": {"blobs": 1}})
    assert after(second, late) is second


# --- the end ----------------------------------------------------------------------------------------------------


def test_finished_copy_completes_and_tells_the_control_plane() -> None:
    held = taken(begun())
    steps = [[12, NOW.isoformat()]]
    ended = after(held, copied(held, {"finished": True, "summary": {"blobs": 2}, "steps": steps}))
    assert (ended.state, ended.summary, ended.deadline_at) == (FlowState.COMPLETED, {"blobs": 2, "steps": steps}, None)
    notice = intent_of(ended, IntentKind.NOTIFY_CONTROL_PLANE)
    assert notice.give_up_at == NOW + timedelta(seconds=Limits().notify_seconds)
    assert ended.history[-1].step == 12


def test_finished_copy_whose_end_is_answered_tells_nobody() -> None:
    held = begun(answered=True)
    assert kinds(after(held, copied(held, {"finished": True, "summary": {}}))) == []
    assert kinds(after(held, failed(held, IntentKind.COPY, FINAL_FAULT))) == []


def test_copy_that_was_taken_over_tells_its_end() -> None:
    held = taken(begun(answered=True), 20)
    assert kinds(after(held, copied(held, {"finished": True}))) == [IntentKind.NOTIFY_CONTROL_PLANE]


def test_fault_that_a_retry_helps_is_retried_with_back_off() -> None:
    held = taken(begun())
    waiting = after(held, failed(held, IntentKind.COPY, AWAY))
    copy = intent_of(waiting, IntentKind.COPY)
    assert waiting.state is FlowState.STARTED
    assert (copy.attempt, copy.not_before) == (2, NOW + timedelta(seconds=0.8))


def test_fault_that_a_retry_does_not_help_fails_the_flow() -> None:
    held = taken(begun())
    ended = after(held, failed(held, IntentKind.COPY, FINAL_FAULT))
    assert (ended.state, ended.error) == (FlowState.FAILED, FINAL_FAULT)
    assert kinds(ended) == [IntentKind.NOTIFY_CONTROL_PLANE]
    assert ended.history[-1].step is None


def test_terminated_flow_tells_nobody_who_ended_it_himself() -> None:
    ended = after(taken(begun()), TERMINATE)
    assert (ended.state, kinds(ended)) == (FlowState.TERMINATED, [])
    assert after(ended, TERMINATE) is ended


def test_news_that_cannot_be_told_are_told_again_and_given_up_in_the_end() -> None:
    held = taken(begun())
    ended = after(held, failed(held, IntentKind.COPY, FINAL_FAULT))
    waiting = after(ended, failed(ended, IntentKind.NOTIFY_CONTROL_PLANE, FINAL_FAULT))
    assert intent_of(waiting, IntentKind.NOTIFY_CONTROL_PLANE).not_before is not None
    assert kinds(after(waiting, Look(), 599)) == [IntentKind.NOTIFY_CONTROL_PLANE]
    assert kinds(after(waiting, Look(), 600)) == []


def test_news_told_settles_the_flow() -> None:
    held = taken(begun())
    ended = after(held, copied(held, {"finished": True}))
    notice = intent_of(ended, IntentKind.NOTIFY_CONTROL_PLANE)
    assert after(ended, Done(notice.id, notice.kind)).is_settled


@pytest.mark.parametrize("fault", [None, AWAY])
def test_deadline_fails_the_flow_with_the_last_fault(fault: Fault | None) -> None:
    held = replace(taken(begun()), deadline_at=NOW + timedelta(seconds=60))
    tried = held if fault is None else after(held, failed(held, IntentKind.COPY, fault))
    assert after(tried, Look(), 59.9) == tried
    ended = after(tried, Look(), 60)
    assert ended.state is FlowState.FAILED
    assert ended.error is not None
    assert ended.error.code == (fault.code if fault else FaultCode.DEADLINE_EXCEEDED)
    assert FlowRules().next_look_at(tried, moment()) == tried.deadline_at


def test_third_poisoning_fails_the_flow() -> None:
    flow = taken(begun())
    for _ in range(2):
        flow = after(flow, Poisoned(FINAL_FAULT))
        assert flow.state is FlowState.STARTED
    assert after(flow, Poisoned(FINAL_FAULT)).error == replace(FINAL_FAULT, code="POISONED", step=11)


def test_poisoning_of_an_ended_flow_never_changes_its_end() -> None:
    flow = after(taken(begun()), TERMINATE)
    for _ in range(4):
        flow = after(flow, Poisoned(FINAL_FAULT))
    assert flow.state is FlowState.TERMINATED


def test_result_of_an_unknown_intent_and_tasks_of_others_are_nothing() -> None:
    flow = begun()
    assert after(flow, Done("unknown", IntentKind.COPY)) is flow
    assert after(flow, received(MessageKind.TRANSFER_START)) is flow
    assert after(flow, DEPROVISION) is flow


def test_only_a_flow_with_a_callback_is_found_by_itself() -> None:
    assert begun().is_indexed
    assert not asked_for(None).is_indexed


# --- suspended --------------------------------------------------------------------------------------------------

SUSPEND = Command(CommandKind.SUSPEND, "a pause")
RESUME = Command(CommandKind.RESUME)
HALF: JsonObject = {"after": "page-3", "page_attempt": 1}


def suspended() -> tuple[DataFlow, Done]:
    """A flow that was suspended during its copy, and what the copy may still tell."""
    running = taken(begun())
    copy = intent_of(running, IntentKind.COPY)
    return after(running, SUSPEND), Done(copy.id, IntentKind.COPY, {"attempt": copy.attempt})


def test_suspended_flow_has_no_copy_and_a_deadline_of_its_own() -> None:
    flow, _ = suspended()
    assert (flow.state, flow.is_final, kinds(flow)) == (FlowState.SUSPENDED, False, [])
    assert flow.deadline_at is not None
    assert after(flow, SUSPEND) is flow


def test_copy_that_was_suspended_tells_how_far_it_has_come() -> None:
    flow, late = suspended()
    told = after(flow, replace(late, result={**late.result, "finished": False, "checkpoint": HALF}))
    assert (told.state, told.checkpoint) == (FlowState.SUSPENDED, HALF)
    stranger = replace(late, result={"attempt": 7, "finished": False, "checkpoint": HALF})
    assert after(flow, stranger).checkpoint is None


def test_copy_that_was_done_before_it_noticed_is_done() -> None:
    flow, late = suspended()
    done_late = after(flow, replace(late, result={**late.result, "finished": True, "summary": {"blobs": 2}}))
    assert done_late.state is FlowState.COMPLETED
    assert kinds(done_late) == [IntentKind.NOTIFY_CONTROL_PLANE]


def test_resumed_copy_is_one_attempt_more_of_the_same() -> None:
    flow, late = suspended()
    resumed = after(flow, RESUME)
    assert resumed.state is FlowState.STARTED
    assert intent_of(taken(resumed), IntentKind.COPY).attempt == 2
    # What the suspended copy tells now is out of date.
    assert after(resumed, replace(late, result={**late.result, "checkpoint": HALF})).checkpoint is None


def test_only_a_suspended_flow_is_resumed_and_no_finished_one_is_suspended() -> None:
    running = begun()
    assert after(running, RESUME) is running
    ended = after(running, TERMINATE)
    assert after(ended, SUSPEND) is ended


def test_flow_that_is_suspended_for_too_long_fails() -> None:
    flow, _ = suspended()
    late = flow_decisions.decide(flow, Look(), moment(8 * 86400, Limits())).process
    assert (late.state, late.error and late.error.code) == (FlowState.FAILED, FaultCode.DEADLINE_EXCEEDED)
