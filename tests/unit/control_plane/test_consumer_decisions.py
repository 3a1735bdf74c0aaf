"""What the consumer's side of a transfer decides, task by task (steps 1-5 and 13-18)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import consumer_decisions
from ferry.domain.data_address import DestinationAddress
from ferry.domain.decision import Claim, ClaimSource, Done, Failed, Limits, Look
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Intent, IntentKind, JsonObject, ScheduledLook
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.processes import (
    CONSUMER_PID,
    DEPROVISION,
    NOW,
    PROVIDER_PID,
    TERMINATE,
    VERIFIED,
    consumer_in,
    decided,
    done,
    intent_of,
    judged,
    kinds,
    messages,
    moment,
    order,
    received,
)

_S = TransferState
TRIGGER, MESSAGE, LOOK = (Claim(source) for source in (ClaimSource.TRIGGER, ClaimSource.MESSAGE, ClaimSource.LOOK))


def claims(process: TransferProcess) -> list[object]:
    return [intent.detail.get("claim") for intent in process.intents if intent.kind is IntentKind.VERIFY_DELIVERY]


# --- step 1 -----------------------------------------------------------------------------------------------------


def test_order_without_container_gets_one_of_its_own_with_the_plain_marker() -> None:
    process = consumer_decisions.initiate(order(), moment())
    assert process.state is _S.PREPARATION_REQUESTED
    assert kinds(process) == [IntentKind.PREPARE_DESTINATION]
    assert process.destination is not None
    assert process.destination.container == f"ferry-{CONSUMER_PID}"
    assert process.destination.marker == ".complete"
    assert process.destination.sas_expires_at == NOW + timedelta(seconds=3600)


def test_order_into_a_container_of_others_gets_a_marker_of_its_own() -> None:
    wanted = DestinationAddress("consumerdata", "shared")
    shared = replace(order(), managed=False, destination=wanted, sas_seconds=60.0)
    destination = consumer_decisions.initiate(shared, moment()).destination
    assert destination is not None
    assert (destination.container, destination.marker) == ("shared", f".{CONSUMER_PID}.complete")
    assert destination.sas_expires_at == NOW + timedelta(seconds=60)


def test_names_are_chosen_before_anything_is_done_and_never_twice() -> None:
    one, other = (consumer_decisions.initiate(order(), moment()).destination for _ in range(2))
    assert one is not None and other is not None
    names = {one.secret_name, one.policy_id, other.secret_name, other.policy_id}
    assert len(names) == 4


# --- messages that overtake the answer to our request -----------------------------------------------------------


def test_start_that_overtakes_the_answer_withdraws_the_request_and_tells_the_pid() -> None:
    requesting = consumer_in(_S.REQUESTING)
    started = decided(requesting, received(MessageKind.TRANSFER_START))
    assert (started.state, started.correlation_id) == (_S.STARTED, PROVIDER_PID)
    assert messages(started) == []


def test_answer_to_the_request_after_its_start_changes_nothing() -> None:
    requesting = consumer_in(_S.REQUESTING)
    started = decided(requesting, received(MessageKind.TRANSFER_START))
    assert decided(started, done(requesting, IntentKind.SEND_MESSAGE, {"providerPid": "other"})) is started


def test_completion_that_overtakes_everything_is_examined_at_once() -> None:
    completing = decided(consumer_in(_S.REQUESTING), received(MessageKind.TRANSFER_COMPLETION))
    assert completing.state is _S.COMPLETING
    assert kinds(completing) == [IntentKind.VERIFY_DELIVERY]
    assert claims(completing) == ["completion message"]


def test_start_after_completion_is_known() -> None:
    completing = decided(consumer_in(_S.REQUESTED), received(MessageKind.TRANSFER_COMPLETION))
    assert decided(completing, received(MessageKind.TRANSFER_START, message_id="late")) is completing


def test_message_about_another_pid_is_refused_unchanged() -> None:
    requested = consumer_in(_S.REQUESTED)
    decision = judged(requested, received(MessageKind.TRANSFER_START, {"providerPid": "somebody-else"}))
    assert decision.process is requested
    assert decision.refused is not None and PROVIDER_PID in decision.refused


@pytest.mark.parametrize("pid", ["", None, 7])
def test_message_without_a_pid_is_refused_once_the_pid_is_known(pid: str | int | None) -> None:
    requested = consumer_in(_S.REQUESTED)
    assert judged(requested, received(MessageKind.TRANSFER_START, {"providerPid": pid})).refused is not None


def test_refused_first_message_leaves_no_pid_behind() -> None:
    preparing = consumer_in(_S.PREPARATION_REQUESTED)
    decision = judged(preparing, received(MessageKind.TRANSFER_START, {"providerPid": "forged"}))
    assert decision.refused is not None
    assert decision.process.correlation_id is None


def test_peer_that_starts_what_has_ended_unknown_to_it_is_told_the_cause() -> None:
    ended = decided(consumer_in(_S.REQUESTING), TERMINATE)
    assert (ended.correlation_id, messages(ended)) == (None, [])
    decision = judged(ended, received(MessageKind.TRANSFER_START))
    assert decision.refused is not None
    assert decision.process.correlation_id == PROVIDER_PID
    assert messages(decision.process) == ["TransferTerminationMessage"]


def test_start_after_deprovisioning_tells_the_provider_that_it_is_over() -> None:
    requesting = consumer_in(_S.REQUESTING)
    over = decided(requesting, DEPROVISION)
    for kind in (IntentKind.REVOKE_ACCESS, IntentKind.REMOVE_DESTINATION):
        over = decided(over, done(over, kind))
    assert (over.state, over.correlation_id, messages(over)) == (_S.DEPROVISIONED, None, [])
    decision = judged(over, received(MessageKind.TRANSFER_START, {"providerPid": PROVIDER_PID}))
    assert decision.process.correlation_id == PROVIDER_PID
    assert messages(decision.process) == ["TransferTerminationMessage"]


# --- knowing that it is done ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [_S.REQUESTING, _S.REQUESTED, _S.STARTED])
@pytest.mark.parametrize("claim", [TRIGGER, LOOK])
def test_question_whether_the_data_is_there_moves_no_state(claim: Claim, state: TransferState) -> None:
    before = consumer_in(state)
    asked = decided(before, claim)
    assert asked.state is state
    assert claims(asked) == [claim.source.value]


@pytest.mark.parametrize("state", [_S.PREPARATION_REQUESTED, _S.COMPLETED, _S.TERMINATED, _S.DEPROVISIONED])
@pytest.mark.parametrize("claim", [TRIGGER, MESSAGE, LOOK])
def test_claim_in_a_state_that_waits_for_no_data_is_nothing(claim: Claim, state: TransferState) -> None:
    before = consumer_in(state)
    assert decided(before, claim) is before


@pytest.mark.parametrize("claim", [TRIGGER, LOOK])
def test_second_claim_during_a_check_is_nothing(claim: Claim) -> None:
    checking = decided(consumer_in(_S.STARTED), LOOK)
    assert decided(checking, claim) is checking


def test_completion_message_during_a_check_lets_it_go_on_upon_its_word() -> None:
    checking = decided(consumer_in(_S.STARTED), LOOK)
    completing = decided(checking, received(MessageKind.TRANSFER_COMPLETION))
    assert completing.state is _S.COMPLETING
    assert claims(completing) == ["completion message"]
    completed = decided(completing, done(checking, IntentKind.VERIFY_DELIVERY, VERIFIED))
    assert completed.state is _S.COMPLETED


@pytest.mark.parametrize("outcome", ["absent", "unmarked"])
def test_check_begun_before_the_completion_message_is_made_again_where_it_found_no_manifest(outcome: str) -> None:
    checking = decided(consumer_in(_S.STARTED), LOOK)
    completing = decided(checking, received(MessageKind.TRANSFER_COMPLETION))
    found: JsonObject = {"outcome": outcome, "claim": "scheduled look"}
    again = decided(completing, done(checking, IntentKind.VERIFY_DELIVERY, found))
    assert (again.state, claims(again)) == (_S.COMPLETING, ["completion message"])
    found = {"outcome": outcome, "claim": "completion message"}
    completed = decided(again, done(again, IntentKind.VERIFY_DELIVERY, found))
    assert (completed.state, completed.verification) == (_S.COMPLETED, "none")


@pytest.mark.parametrize(("seconds", "is_left"), [(-1.0, False), (0.0, False), (0.1, True), (2.0, True), (2.1, False)])
def test_news_of_the_trigger_is_left_to_a_look_that_is_imminent(seconds: float, is_left: bool) -> None:
    started = replace(consumer_in(_S.STARTED), look=ScheduledLook(3, NOW + timedelta(seconds=seconds)))
    after = decided(started, TRIGGER)
    assert (after is started) is is_left


def test_look_checks_for_data_that_nobody_has_told_of() -> None:
    assert claims(decided(consumer_in(_S.REQUESTED), Look())) == ["scheduled look"]
    assert claims(decided(consumer_in(_S.STARTED), Look(7))) == ["scheduled look"]


@pytest.mark.parametrize("state", [_S.PREPARATION_REQUESTED, _S.REQUESTING, _S.COMPLETING, _S.COMPLETED])
def test_look_where_no_data_is_waited_for_changes_nothing(state: TransferState) -> None:
    before = consumer_in(state)
    assert decided(before, Look()) == before


def test_verified_data_completes_whoever_told_of_it() -> None:
    checking = decided(consumer_in(_S.REQUESTED), TRIGGER)
    completed = decided(checking, done(checking, IntentKind.VERIFY_DELIVERY, VERIFIED))
    assert (completed.state, completed.verification) == (_S.COMPLETED, "manifest")
    assert completed.delivered == {"blobs": 2, "bytes": 7, "root": "r"}
    assert kinds(completed) == [IntentKind.REVOKE_ACCESS]
    assert [entry.state for entry in completed.history][-2:] == ["COMPLETING", "COMPLETED"]
    assert "blob trigger" in completed.history[-2].what
    assert completed.deadline_at is None


def test_access_that_was_withdrawn_with_the_check_is_not_withdrawn_again() -> None:
    checking = decided(consumer_in(_S.STARTED), TRIGGER)
    found = {**VERIFIED, "revoked": {"purge_at": None}}
    completed = decided(checking, done(checking, IntentKind.VERIFY_DELIVERY, found))
    assert (completed.state, kinds(completed)) == (_S.COMPLETED, [])
    assert completed.history[-1].step == 17


def test_data_found_before_the_request_was_answered_withdraws_the_request() -> None:
    checking = decided(consumer_in(_S.REQUESTING), TRIGGER)
    completed = decided(checking, done(checking, IntentKind.VERIFY_DELIVERY, VERIFIED))
    assert messages(completed) == []


@pytest.mark.parametrize("outcome", ["absent", "unmarked"])
def test_only_the_providers_word_completes_without_a_manifest(outcome: str) -> None:
    completing = consumer_in(_S.COMPLETING)
    found: JsonObject = {"outcome": outcome, "claim": "completion message"}
    completed = decided(completing, done(completing, IntentKind.VERIFY_DELIVERY, found))
    assert (completed.state, completed.verification) == (_S.COMPLETED, "none")

    asked = decided(consumer_in(_S.STARTED), LOOK)
    after = decided(asked, done(asked, IntentKind.VERIFY_DELIVERY, {"outcome": outcome, "claim": "scheduled look"}))
    assert (after.state, after.verification, kinds(after)) == (_S.STARTED, None, [])


def test_check_that_was_not_finished_goes_on_from_its_cursor() -> None:
    completing = consumer_in(_S.COMPLETING)
    cursor: JsonObject = {"after": "m"}
    result: JsonObject = {"outcome": "slice", "cursor": cursor}
    again = decided(completing, done(completing, IntentKind.VERIFY_DELIVERY, result))
    assert (again.state, again.verify_cursor) == (_S.COMPLETING, cursor)
    assert claims(again) == ["completion message"]
    completed = decided(again, done(again, IntentKind.VERIFY_DELIVERY, VERIFIED))
    assert completed.verify_cursor is None


@pytest.mark.parametrize("state", [_S.STARTED, _S.COMPLETING])
def test_mismatch_terminates_and_tells_the_provider(state: TransferState) -> None:
    before = consumer_in(state)
    checking = before if state is _S.COMPLETING else decided(before, LOOK)
    result: JsonObject = {"outcome": "mismatch", "detail": "one blob is missing"}
    ended = decided(checking, done(checking, IntentKind.VERIFY_DELIVERY, result))
    assert ended.state is _S.TERMINATED
    assert ended.error is not None
    assert (ended.error.code, ended.error.step) == (FaultCode.VERIFICATION_FAILED, 13)
    assert "one blob is missing" in ended.error.message
    assert messages(ended) == ["TransferTerminationMessage"]
    assert IntentKind.REVOKE_ACCESS in kinds(ended)


def test_late_result_of_a_withdrawn_check_is_nothing() -> None:
    checking = decided(consumer_in(_S.STARTED), LOOK)
    ended = decided(checking, TERMINATE)
    assert decided(ended, done(checking, IntentKind.VERIFY_DELIVERY, VERIFIED)) is ended


# --- looks of its own -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("waited", "pause"), [(0, 2), (1, 2), (10, 10), (300, 30)])
def test_looks_for_data_become_rarer_up_to_a_limit(waited: float, pause: float) -> None:
    started = replace(consumer_in(_S.STARTED), deadline_at=None)
    at = moment(waited, Limits(first_look_seconds=2, last_look_seconds=30))
    assert consumer_decisions.next_look_at(started, at) == at.now + timedelta(seconds=pause)


def test_deadline_that_comes_before_the_next_look_for_data_is_when_to_look() -> None:
    started = replace(consumer_in(_S.STARTED), deadline_at=NOW + timedelta(seconds=1))
    assert consumer_decisions.next_look_at(started, moment()) == NOW + timedelta(seconds=1)


@pytest.mark.parametrize("state", [_S.PREPARATION_REQUESTED, _S.REQUESTING, _S.COMPLETING])
def test_state_that_waits_for_no_data_is_looked_at_at_its_deadline_alone(state: TransferState) -> None:
    process = consumer_in(state)
    assert process.deadline_at is not None
    assert consumer_decisions.next_look_at(process, moment()) == process.deadline_at


@pytest.mark.parametrize("state", [_S.COMPLETED, _S.TERMINATED, _S.DEPROVISIONED])
def test_final_state_wants_no_look(state: TransferState) -> None:
    assert consumer_decisions.next_look_at(consumer_in(state), moment()) is None


# --- late results of what was withdrawn -------------------------------------------------------------------------


def late_preparation(after: TransferProcess, preparing: TransferProcess) -> TransferProcess:
    return decided(after, done(preparing, IntentKind.PREPARE_DESTINATION))


def test_destination_prepared_after_the_end_is_withdrawn_again() -> None:
    preparing = consumer_in(_S.PREPARATION_REQUESTED)
    ended = replace(decided(preparing, TERMINATE), intents=())
    undone = late_preparation(ended, preparing)
    assert undone.state is _S.TERMINATED
    assert kinds(undone) == [IntentKind.REVOKE_ACCESS]


def test_destination_prepared_after_deprovisioning_is_removed_again() -> None:
    preparing = consumer_in(_S.PREPARATION_REQUESTED)
    gone = replace(decided(preparing, DEPROVISION), intents=(), state=_S.DEPROVISIONED)
    undone = late_preparation(gone, preparing)
    assert undone.state is _S.DEPROVISIONED
    assert kinds(undone) == [IntentKind.REVOKE_ACCESS, IntentKind.REMOVE_DESTINATION]
    assert intent_of(undone, IntentKind.REMOVE_DESTINATION).detail == {"sweep": True}


def test_removal_of_what_came_late_does_not_end_a_deprovisioning_twice() -> None:
    preparing = consumer_in(_S.PREPARATION_REQUESTED)
    gone = replace(decided(preparing, DEPROVISION), intents=(), state=_S.DEPROVISIONED)
    undone = late_preparation(gone, preparing)
    settled = decided(
        decided(undone, done(undone, IntentKind.REVOKE_ACCESS)), done(undone, IntentKind.REMOVE_DESTINATION)
    )
    assert settled.is_settled
    assert [entry.state for entry in settled.history].count("DEPROVISIONED") <= 1


def test_preparation_that_was_done_twice_by_two_hosts_is_done_once() -> None:
    preparing = consumer_in(_S.PREPARATION_REQUESTED)
    first = late_preparation(preparing, preparing)
    assert late_preparation(first, preparing) is first


def test_failure_of_what_was_withdrawn_is_nothing() -> None:
    preparing = consumer_in(_S.PREPARATION_REQUESTED)
    ended = decided(preparing, TERMINATE)
    withdrawn = intent_of(preparing, IntentKind.PREPARE_DESTINATION)
    assert decided(ended, Failed(withdrawn.id, Fault("ANY", "late"))) is ended


def test_result_of_an_unknown_intent_is_nothing() -> None:
    started = consumer_in(_S.STARTED)
    assert decided(started, Done("never-seen", IntentKind.VERIFY_DELIVERY, VERIFIED)) is started


# --- what an effect says it did ---------------------------------------------------------------------------------


def test_steps_of_an_effect_become_lines_of_history_at_their_own_times() -> None:
    preparing = consumer_in(_S.PREPARATION_REQUESTED)
    at = NOW - timedelta(seconds=3)
    told = [[2, at.isoformat()], [3, "no time"], ["4", at.isoformat()], "nonsense"]
    entered = decided(preparing, done(preparing, IntentKind.PREPARE_DESTINATION, {"steps": told}), moment(5))
    lines = [(entry.step, entry.at) for entry in entered.history if entry.step in (2, 3, 4)]
    assert lines == [(2, at), (3, NOW + timedelta(seconds=5))]


def test_date_of_purging_is_kept_and_told() -> None:
    deprovisioning = consumer_in(_S.DEPROVISIONING)
    revoke = Intent("revoke", IntentKind.REVOKE_ACCESS)
    purge_at = NOW + timedelta(days=90)
    waiting = replace(deprovisioning, intents=(*deprovisioning.intents, revoke))
    kept = decided(waiting, done(waiting, IntentKind.REVOKE_ACCESS, {"purge_at": purge_at.isoformat()}))
    assert kept.state is _S.DEPROVISIONING
    gone = decided(kept, done(kept, IntentKind.REMOVE_DESTINATION))
    assert gone.state is _S.DEPROVISIONED
    assert gone.destination is not None and gone.destination.purge_at == purge_at
    assert purge_at.isoformat() in gone.history[-1].what


def test_client_cannot_terminate_what_is_over() -> None:
    for state in (_S.COMPLETED, _S.TERMINATED, _S.DEPROVISIONING, _S.DEPROVISIONED):
        before = consumer_in(state)
        decision = judged(before, TERMINATE)
        assert decision.process is before
        assert decision.refused == f"terminate is not allowed in state {state}"
