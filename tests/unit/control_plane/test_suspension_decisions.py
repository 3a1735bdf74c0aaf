"""What is decided about pauses where effects and messages cross: nothing runs on, and orders can be undone."""

import pytest

from ferry.control_plane.suspension_decisions import CONFIRMATION_TRIES
from ferry.domain.decision import Done, Failed, FlowReport, Limits, Look
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import IntentKind
from ferry.domain.states import TransferState
from tests.unit.control_plane.processes import (
    AWAY,
    FINAL_FAULT,
    RESUME,
    SUSPEND,
    decided,
    done,
    failed,
    intent_of,
    judged,
    kinds,
    messages,
    moment,
    provider_in,
    pull_in,
    received,
    transfer_in,
)

_S = TransferState
_K = IntentKind
REFUSED = Fault(FaultCode.PEER_REFUSED, "not now", retryable=True)
SUSPENSION = received(MessageKind.TRANSFER_SUSPENSION, message_id="suspension")


def test_flow_that_was_being_started_is_suspended_again_when_its_start_is_heard_of() -> None:
    started = provider_in(_S.STARTED)
    start = intent_of(started, _K.START_DATA_FLOW)
    suspended = decided(started, SUSPENSION)
    assert [("sweep" in it.detail) for it in suspended.intents if it.kind is _K.SUSPEND_DATA_FLOW] == [True, False]
    first = next(it for it in suspended.intents if it.kind is _K.SUSPEND_DATA_FLOW and not it.detail)
    settled = decided(suspended, Done(first.id, _K.SUSPEND_DATA_FLOW))
    late = decided(settled, Done(start.id, _K.START_DATA_FLOW, {"state": "STARTED"}))
    assert kinds(late).count(_K.SUSPEND_DATA_FLOW) == 2


def test_provider_tells_of_a_suspension_after_the_flow_stands_still() -> None:
    suspending = decided(provider_in(_S.STARTED), SUSPEND)
    assert (messages(suspending), _K.SUSPEND_DATA_FLOW in kinds(suspending)) == ([], True)
    order = next(it for it in suspending.intents if it.kind is _K.SUSPEND_DATA_FLOW and "message" in it.detail)
    told = decided(suspending, Done(order.id, _K.SUSPEND_DATA_FLOW, {"state": "SUSPENDED"}))
    assert messages(told) == ["TransferSuspensionMessage"]


def test_suspension_that_finds_everything_copied_is_void() -> None:
    suspending = decided(provider_in(_S.STARTED), SUSPEND)
    order = next(it for it in suspending.intents if it.kind is _K.SUSPEND_DATA_FLOW and "message" in it.detail)
    found = decided(suspending, Done(order.id, _K.SUSPEND_DATA_FLOW, {"state": "COMPLETED", "summary": {"blobs": 1}}))
    assert (found.state, messages(found)) == (_S.COMPLETING, ["TransferCompletionMessage"])


def test_push_is_not_copied_before_the_consumer_has_agreed_to_its_resumption() -> None:
    resuming = provider_in(_S.RESUMING)
    assert (messages(resuming), _K.RESUME_DATA_FLOW in kinds(resuming)) == (["TransferStartMessage"], False)
    assert _K.RESUME_DATA_FLOW in kinds(decided(resuming, done(resuming, _K.SEND_MESSAGE)))


def test_completion_of_a_suspended_flow_waits_for_its_resumption() -> None:
    suspended = provider_in(_S.SUSPENDED)
    assert decided(suspended, FlowReport("COMPLETED")).state is _S.SUSPENDED
    assert decided(suspended, FlowReport("FAILED", fault=FINAL_FAULT)).state is _S.TERMINATED


@pytest.mark.parametrize("role", Role)
def test_suspension_that_is_refused_for_good_is_undone(role: Role) -> None:
    suspending = transfer_in(role, _S.SUSPENDING)
    if role is Role.PROVIDER:
        order = next(it for it in suspending.intents if it.kind is _K.SUSPEND_DATA_FLOW and "message" in it.detail)
        suspending = decided(suspending, Done(order.id, _K.SUSPEND_DATA_FLOW, {"state": "SUSPENDED"}))
    undone = decided(suspending, failed(suspending, _K.SEND_MESSAGE, FINAL_FAULT))
    assert (undone.state, messages(undone)) == (_S.STARTED, [])
    assert (_K.RESUME_DATA_FLOW in kinds(undone)) is (role is Role.PROVIDER)


@pytest.mark.parametrize("role", Role)
def test_resumption_that_is_refused_for_good_is_undone(role: Role) -> None:
    resuming = transfer_in(role, _S.RESUMING)
    undone = decided(resuming, failed(resuming, _K.SEND_MESSAGE, FINAL_FAULT))
    assert (undone.state, messages(undone)) == (_S.SUSPENDED, [])


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("state", [_S.SUSPENDING, _S.RESUMING])
def test_order_that_nobody_answers_does_not_end_the_transfer(role: Role, state: TransferState) -> None:
    waiting = transfer_in(role, state)
    late = decided(waiting, Look(), moment(4000, Limits()))
    assert late.state in (_S.SUSPENDED, _S.STARTED)
    assert late.error is None


def test_peer_that_refuses_a_suspension_is_asked_how_it_stands() -> None:
    suspending = transfer_in(Role.CONSUMER, _S.SUSPENDING)
    asking = decided(suspending, failed(suspending, _K.SEND_MESSAGE, REFUSED))
    assert _K.ASK_PEER in kinds(asking)
    completed = decided(asking, done(asking, _K.ASK_PEER, {"state": "COMPLETED"}))
    assert completed.state is _S.STARTED
    assert decided(asking, done(asking, _K.ASK_PEER, {"state": "STARTED"})).state is _S.SUSPENDING
    away = decided(suspending, failed(suspending, _K.SEND_MESSAGE, AWAY))
    assert _K.ASK_PEER not in kinds(away)


def test_confirmation_of_a_resumption_is_not_told_for_ever() -> None:
    resumed = decided(provider_in(_S.SUSPENDED), received(MessageKind.TRANSFER_START, message_id="resume"))
    assert messages(resumed) == ["TransferStartMessage"]
    for _ in range(CONFIRMATION_TRIES):
        assert messages(resumed) == ["TransferStartMessage"]
        resumed = decided(resumed, failed(resumed, _K.SEND_MESSAGE, REFUSED))
    assert (resumed.state, messages(resumed)) == (_S.STARTED, [])


def test_flow_that_stands_still_while_it_should_run_is_resumed() -> None:
    started = provider_in(_S.STARTED)
    running = decided(started, done(started, _K.START_DATA_FLOW, {"state": "STARTED"}))
    assert kinds(decided(running, FlowReport("SUSPENDED"))) == [_K.RESUME_DATA_FLOW]


def test_data_plane_that_cannot_suspend_leaves_the_transfer_running() -> None:
    suspending = pull_in(Role.PROVIDER, _S.SUSPENDING)
    order = intent_of(suspending, _K.SUSPEND_DATA_FLOW)
    assert decided(suspending, Failed(order.id, FINAL_FAULT)).state is _S.STARTED


def test_message_without_an_id_is_told_from_an_earlier_one_by_the_state() -> None:
    anonymous = received(MessageKind.TRANSFER_SUSPENSION, message_id="digest", digest="digest")
    start = received(MessageKind.TRANSFER_START, message_id="other", digest="other")
    process = transfer_in(Role.CONSUMER, _S.STARTED)
    for _ in range(2):
        process = decided(decided(process, anonymous), start)
        assert process.state is _S.STARTED


@pytest.mark.parametrize("role", Role)
def test_repeated_order_changes_nothing(role: Role) -> None:
    for state, order in ((_S.SUSPENDING, SUSPEND), (_S.SUSPENDED, SUSPEND), (_S.RESUMING, RESUME)):
        process = transfer_in(role, state)
        assert judged(process, order).process is process
