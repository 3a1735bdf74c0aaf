"""How a transfer ends from each state: deadlines, retries, poison, termination, deprovisioning, and the clean-up."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.domain.decision import Done, Failed, Limits, Look, Poisoned
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import TRANSFER_FINAL, TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.processes import (
    AWAY,
    DEPROVISION,
    FINAL_FAULT,
    NOW,
    TERMINATE,
    decided,
    failed,
    intent_of,
    kinds,
    messages,
    moment,
    received,
    transfer_in,
)

_S, _I = TransferState, IntentKind
CONSUMER, PROVIDER = Role.CONSUMER, Role.PROVIDER
CONSUMER_STATES = (_S.PREPARATION_REQUESTED, _S.REQUESTING, _S.REQUESTED, _S.STARTED, _S.COMPLETING)
PROVIDER_STATES = (_S.INITIAL, _S.STARTING, _S.STARTED, _S.COMPLETING)
LIVE = [(CONSUMER, state) for state in CONSUMER_STATES] + [(PROVIDER, state) for state in PROVIDER_STATES]
ENDED = [(role, state) for role in Role for state in (_S.COMPLETED, _S.TERMINATED)]
POISON = Fault(FaultCode.POISONED, "failed too often", retryable=True)


def first_steps(process: TransferProcess) -> set[IntentKind]:
    """What is cleaned up at once."""
    return {intent.kind for intent in process.intents if intent.not_before is None} - {_I.SEND_MESSAGE}


def sweeps(process: TransferProcess) -> set[IntentKind]:
    """What is cleaned up a second time, later."""
    return {intent.kind for intent in process.intents if intent.detail.get("sweep") is True}


def all_done(process: TransferProcess, *, but: Iterable[IntentKind] = ()) -> TransferProcess:
    """The process after every intent of it has succeeded, again and again until none is left."""
    while left := [intent for intent in process.intents if intent.kind not in but]:
        process = decided(process, Done(left[0].id, left[0].kind))
    return process


# --- deadlines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "state"), [it for it in LIVE if it != (PROVIDER, _S.COMPLETING)])
def test_deadline_ends_a_state_where_nothing_has_failed(role: Role, state: TransferState) -> None:
    limits = Limits(state_seconds={state.value: 100})
    process = replace(transfer_in(role, state), deadline_at=NOW + timedelta(seconds=100))
    assert decided(process, Look(), moment(99.9, limits)).state is state

    ended = decided(process, Look(), moment(100, limits))
    assert ended.state is _S.TERMINATED
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == (FaultCode.DEADLINE_EXCEEDED, True)
    assert f"{state} for more than 100 s" in ended.error.message
    assert ended.error.step is not None
    assert ended.deadline_at is None


@pytest.mark.parametrize(("role", "state"), [it for it in LIVE if it != (PROVIDER, _S.COMPLETING)])
def test_deadline_tells_the_last_fault_where_there_was_one(role: Role, state: TransferState) -> None:
    process = transfer_in(role, state).with_intents(Intent("tried", _I.SEND_MESSAGE, {"message": "x"}))
    tried = decided(process, Failed("tried", AWAY))
    ended = decided(tried, Look(), moment(86400 * 2))
    assert ended.error is not None
    assert ended.error.code == AWAY.code
    assert ended.error.message.startswith("nobody answers (given up: ")


@pytest.mark.parametrize(("stated", "told"), [(None, 5), (2, 2)])
def test_deadline_tells_the_step_of_the_last_fault_or_that_of_the_state(stated: int | None, told: int) -> None:
    process = transfer_in(CONSUMER, _S.REQUESTING)
    tried = decided(process, failed(process, _I.SEND_MESSAGE, replace(AWAY, step=stated)))
    ended = decided(tried, Look(), moment(86400 * 2))
    assert ended.error is not None and ended.error.step == told


@pytest.mark.parametrize("state", [*sorted(TRANSFER_FINAL), _S.DEPROVISIONING])
@pytest.mark.parametrize("role", Role)
def test_nothing_ends_what_has_ended(role: Role, state: TransferState) -> None:
    process = transfer_in(role, state)
    assert process.deadline_at is None or process.state is _S.DEPROVISIONED
    assert decided(process, Look(), moment(10**8)).state is process.state


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_each_state_that_is_entered_sets_a_deadline_of_its_own(role: Role, state: TransferState) -> None:
    process = transfer_in(role, state)
    assert process.deadline_at == NOW + timedelta(seconds=Limits().of_state(state))


# --- retries ----------------------------------------------------------------------------------------------------


def test_retries_back_off_up_to_a_quarter_of_a_minute() -> None:
    process = transfer_in(CONSUMER, _S.REQUESTING)
    pauses: list[float] = []
    for _ in range(9):
        process = decided(process, failed(process, _I.SEND_MESSAGE))
        not_before = intent_of(process, _I.SEND_MESSAGE).not_before
        assert not_before is not None
        pauses.append((not_before - NOW).total_seconds())
    assert pauses == [0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0, 15.0]
    assert intent_of(process, _I.SEND_MESSAGE).last_fault == AWAY
    assert intent_of(process, _I.SEND_MESSAGE).attempt == 9


def test_retried_message_keeps_its_id() -> None:
    process = transfer_in(CONSUMER, _S.REQUESTING)
    again = decided(process, failed(process, _I.SEND_MESSAGE))
    assert intent_of(again, _I.SEND_MESSAGE).detail == intent_of(process, _I.SEND_MESSAGE).detail


@pytest.mark.parametrize(("role", "state"), [it for it in LIVE if it[1] is not _S.COMPLETING])
def test_fault_that_a_retry_does_not_help_ends_the_transfer(role: Role, state: TransferState) -> None:
    process = transfer_in(role, state).with_intents(Intent("tried", _I.SEND_MESSAGE, {"message": "x"}))
    ended = decided(process, Failed("tried", FINAL_FAULT))
    assert ended.state is _S.TERMINATED
    assert ended.error is not None
    assert ended.error.code == FINAL_FAULT.code
    assert ended.error.step is not None


@pytest.mark.parametrize("fault", [AWAY, FINAL_FAULT])
@pytest.mark.parametrize("kind", [_I.REVOKE_ACCESS, _I.REMOVE_DESTINATION, _I.DROP_SECRET, _I.TERMINATE_DATA_FLOW])
def test_clean_up_that_fails_is_tried_again_and_never_changes_the_end(kind: IntentKind, fault: Fault) -> None:
    completed = replace(transfer_in(CONSUMER, _S.COMPLETED), intents=(Intent("clean", kind, attempt=20),))
    after = decided(completed, Failed("clean", fault))
    assert (after.state, after.error) == (_S.COMPLETED, None)
    assert intent_of(after, kind).not_before == NOW + timedelta(seconds=300)


# --- best effort ------------------------------------------------------------------------------------------------


def test_message_of_the_end_is_dropped_when_its_time_is_over() -> None:
    ended = decided(transfer_in(CONSUMER, _S.STARTED), TERMINATE)
    waiting = decided(ended, failed(ended, _I.SEND_MESSAGE))
    assert messages(decided(waiting, Look(), moment(599.9))) == ["TransferTerminationMessage"]
    assert messages(decided(waiting, Look(), moment(600))) == []


def test_message_of_the_end_that_is_refused_for_good_is_dropped() -> None:
    ended = decided(transfer_in(CONSUMER, _S.STARTED), TERMINATE)
    assert messages(decided(ended, failed(ended, _I.SEND_MESSAGE, FINAL_FAULT))) == []


def test_nobody_is_told_by_whose_word_it_ended() -> None:
    process = transfer_in(CONSUMER, _S.STARTED)
    ended = decided(process, received(MessageKind.TRANSFER_TERMINATION, {"code": "SOURCE_CHANGED", "message": "gone"}))
    assert messages(ended) == []
    assert ended.error == Fault("SOURCE_CHANGED", "gone")


def test_peer_that_gives_no_reason_is_named_as_the_cause() -> None:
    ended = decided(transfer_in(CONSUMER, _S.STARTED), received(MessageKind.TRANSFER_TERMINATION))
    assert ended.error == Fault("PEER_TERMINATED", "the other side gave no reason")


# --- poison -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_third_poisoning_in_one_state_ends_the_transfer(role: Role, state: TransferState) -> None:
    process = transfer_in(role, state)
    for count in (1, 2):
        process = decided(process, Poisoned(POISON))
        assert (process.state, process.poisoned) == (state, count)
        assert process.history[-1].what == "poisoned: failed too often"
    ended = decided(process, Poisoned(POISON))
    assert ended.state is _S.TERMINATED
    assert ended.error is not None and ended.error.code == FaultCode.POISONED


def test_poisonings_are_counted_anew_in_each_state() -> None:
    process = decided(decided(transfer_in(CONSUMER, _S.REQUESTED), Poisoned(POISON)), Poisoned(POISON))
    started = decided(process, received(MessageKind.TRANSFER_START))
    assert decided(started, Poisoned(POISON)).state is _S.STARTED


@pytest.mark.parametrize(("role", "state"), ENDED)
def test_poisoning_of_what_has_ended_never_changes_the_end(role: Role, state: TransferState) -> None:
    process = transfer_in(role, state)
    for _ in range(4):
        process = decided(process, Poisoned(POISON))
    assert process.state is state


# --- clean-up after each state ----------------------------------------------------------------------------------

CLEAN_UP: dict[tuple[Role, TransferState], tuple[set[IntentKind], set[IntentKind]]] = {
    (CONSUMER, _S.PREPARATION_REQUESTED): ({_I.REVOKE_ACCESS}, {_I.REVOKE_ACCESS}),
    (CONSUMER, _S.REQUESTING): ({_I.REVOKE_ACCESS}, set()),
    (CONSUMER, _S.REQUESTED): ({_I.REVOKE_ACCESS}, set()),
    (CONSUMER, _S.STARTED): ({_I.REVOKE_ACCESS}, set()),
    (CONSUMER, _S.COMPLETING): ({_I.REVOKE_ACCESS}, set()),
    (PROVIDER, _S.INITIAL): ({_I.DROP_SECRET}, {_I.DROP_SECRET}),
    (PROVIDER, _S.STARTING): ({_I.TERMINATE_DATA_FLOW, _I.DROP_SECRET}, {_I.TERMINATE_DATA_FLOW}),
    (PROVIDER, _S.STARTED): ({_I.TERMINATE_DATA_FLOW, _I.DROP_SECRET}, {_I.TERMINATE_DATA_FLOW}),
    (PROVIDER, _S.COMPLETING): ({_I.DROP_SECRET}, set()),
}


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_termination_undoes_what_the_state_may_have_done(role: Role, state: TransferState) -> None:
    at_once, later = CLEAN_UP[role, state]
    ended = decided(transfer_in(role, state), TERMINATE)
    assert first_steps(ended) == at_once
    assert sweeps(ended) == later
    for intent in ended.intents:
        if intent.detail.get("sweep"):
            assert intent.not_before == NOW + timedelta(seconds=Limits().effect_seconds)


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_terminated_transfer_comes_to_rest(role: Role, state: TransferState) -> None:
    ended = decided(transfer_in(role, state), TERMINATE)
    at_rest = all_done(ended)
    assert at_rest.is_settled
    assert (at_rest.state, at_rest.error) == (_S.TERMINATED, ended.error)


# --- deprovisioning from every state ----------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "state"), [*LIVE, *ENDED])
def test_deprovisioning_leads_from_every_state_to_its_end(role: Role, state: TransferState) -> None:
    asked = decided(transfer_in(role, state), DEPROVISION)
    if role is CONSUMER:
        assert asked.state is _S.DEPROVISIONING
        assert _I.REMOVE_DESTINATION in first_steps(asked)
    gone = all_done(asked)
    assert gone.state is _S.DEPROVISIONED
    assert gone.is_settled
    assert [entry.state for entry in gone.history].count("DEPROVISIONED") == 1
    is_failed = state is not _S.COMPLETED
    assert (gone.error is not None) is is_failed
    assert gone.dsp_state == ("TERMINATED" if is_failed else "COMPLETED")


@pytest.mark.parametrize(("role", "state"), LIVE)
def test_deprovisioning_of_what_runs_tells_the_other_side_as_far_as_it_is_known(
    role: Role, state: TransferState
) -> None:
    before = transfer_in(role, state)
    asked = decided(before, DEPROVISION)
    assert asked.error is not None and asked.error.code == FaultCode.DEPROVISIONED_BY_CLIENT
    assert messages(asked) == (["TransferTerminationMessage"] if before.correlation_id else [])
    assert "TERMINATED" in [entry.state for entry in asked.history]


def test_removal_waits_for_every_first_clean_up_and_for_no_sweep() -> None:
    asked = decided(transfer_in(CONSUMER, _S.PREPARATION_REQUESTED), DEPROVISION)
    assert sweeps(asked) == {_I.REVOKE_ACCESS, _I.REMOVE_DESTINATION}
    for intent in [it for it in asked.intents if not it.detail.get("sweep") and it.kind is not _I.SEND_MESSAGE]:
        assert asked.state is _S.DEPROVISIONING
        asked = decided(asked, Done(intent.id, intent.kind))
    assert asked.state is _S.DEPROVISIONED
    assert sweeps(asked) == {_I.REVOKE_ACCESS, _I.REMOVE_DESTINATION}


def test_deprovisioning_after_a_swept_end_sweeps_the_container_too() -> None:
    ended = decided(transfer_in(CONSUMER, _S.PREPARATION_REQUESTED), TERMINATE)
    asked = decided(ended, DEPROVISION)
    assert sweeps(asked) == {_I.REVOKE_ACCESS, _I.REMOVE_DESTINATION}


def test_second_order_to_deprovision_does_not_wait_for_the_back_off() -> None:
    asked = decided(transfer_in(CONSUMER, _S.COMPLETED), DEPROVISION)
    waiting = decided(asked, failed(asked, _I.REMOVE_DESTINATION))
    assert intent_of(waiting, _I.REMOVE_DESTINATION).not_before is not None
    hurried = decided(waiting, DEPROVISION)
    assert intent_of(hurried, _I.REMOVE_DESTINATION).not_before is None
    assert hurried.state is _S.DEPROVISIONING
    assert len(hurried.history) == len(waiting.history)


def test_second_order_to_deprovision_leaves_a_sweep_its_time() -> None:
    asked = decided(transfer_in(CONSUMER, _S.PREPARATION_REQUESTED), DEPROVISION)
    assert decided(asked, DEPROVISION) is asked


@pytest.mark.parametrize("role", Role)
def test_order_to_deprovision_what_is_gone_changes_nothing(role: Role) -> None:
    gone = transfer_in(role, _S.DEPROVISIONED)
    assert decided(gone, DEPROVISION) is gone


def test_deprovisioning_of_a_completed_transfer_waits_for_its_revocation() -> None:
    completed = transfer_in(CONSUMER, _S.COMPLETED).with_intents(Intent("revoke", _I.REVOKE_ACCESS))
    asked = decided(completed, DEPROVISION)
    removed = decided(asked, Done(intent_of(asked, _I.REMOVE_DESTINATION).id, _I.REMOVE_DESTINATION))
    assert removed.state is _S.DEPROVISIONING
    assert decided(removed, Done("revoke", _I.REVOKE_ACCESS)).state is _S.DEPROVISIONED


def test_providers_deprovisioning_waits_for_the_secret() -> None:
    asked = decided(transfer_in(PROVIDER, _S.STARTED), DEPROVISION)
    assert asked.state is _S.DEPROVISIONING
    dropped = decided(asked, Done(intent_of(asked, _I.DROP_SECRET).id, _I.DROP_SECRET))
    assert dropped.state is _S.DEPROVISIONED
    assert _I.TERMINATE_DATA_FLOW in kinds(dropped)
