"""When a SAS is renewed: the provider asks in time and not for ever, the consumer gives no more than it must."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ferry.control_plane import provider_decisions
from ferry.control_plane.look_schedule import wanted_look
from ferry.control_plane.renewal_decisions import TELLING
from ferry.control_plane.rules import TransferRules
from ferry.domain.data_address import DestinationAddress
from ferry.domain.decision import FlowReport, Limits, Look, RenewalAsked
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import Destination, TransferProcess
from tests.unit.control_plane.processes import (
    AWAY,
    CONSUMER_PID,
    FINAL_FAULT,
    NOW,
    PROVIDER_PID,
    TERMINATE,
    VERIFIED,
    consumer_in,
    decided,
    demand,
    done,
    failed,
    intent_of,
    judged,
    kinds,
    moment,
    provider_in,
    pull_in,
    received,
    transfer_in,
)

_S, _K = TransferState, IntentKind
LIFE = 3600.0
DUE = LIFE * 2 / 3
ASKED = RenewalAsked(PROVIDER_PID)
FLOWING = (_S.STARTING, _S.STARTED, _S.SUSPENDING, _S.SUSPENDED, _S.RESUMING)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def place(process: TransferProcess) -> Destination:
    assert process.destination is not None
    return process.destination


def provider_with_sas(state: TransferState, *, renews: bool = True) -> TransferProcess:
    """A provider's transfer in that state whose SAS lasts an hour from NOW."""
    told = replace(
        demand(), sas_expires_at=at(LIFE), destination=DestinationAddress("consumerdata", "c", renews=renews)
    )
    accepted = provider_decisions.accept(told, moment())
    process = provider_in(state)
    # Without the deadlines of states, which are about something else.
    return replace(process, destination=accepted.destination, deadline_at=at(10 * LIFE))


def renewing(state: TransferState = _S.STARTED) -> TransferProcess:
    """The same while it asks for a longer SAS."""
    return decided(provider_with_sas(state), Look(), moment(DUE))


def longer(process: TransferProcess, end: float) -> TransferProcess:
    """The same after the consumer has given that end."""
    result = {"sas_expires_at": at(end).isoformat()}
    return decided(process, done(process, _K.RENEW_ADDRESS, result), moment(DUE))


# --- the provider ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", FLOWING)
def test_provider_asks_at_two_thirds_of_the_life_of_the_sas_and_not_before(state: TransferState) -> None:
    process = provider_with_sas(state)
    early = decided(process, Look(), moment(DUE - 1))
    assert _K.RENEW_ADDRESS not in kinds(early)

    asking = decided(early, Look(), moment(DUE))

    assert kinds(asking)[0] is _K.RENEW_ADDRESS
    assert intent_of(asking, _K.RENEW_ADDRESS).give_up_at == at(LIFE)
    assert kinds(decided(asking, Look(), moment(DUE + 1))).count(_K.RENEW_ADDRESS) == 1


def test_provider_is_looked_at_when_the_sas_is_to_be_renewed() -> None:
    suspended = provider_with_sas(_S.SUSPENDED)
    assert TransferRules().next_look_at(suspended, moment(10)) == at(DUE)


@pytest.mark.parametrize("state", sorted(set(_S) - set(FLOWING)))
def test_provider_asks_for_nothing_where_nothing_flows(state: TransferState) -> None:
    process = provider_with_sas(state)
    assert _K.RENEW_ADDRESS not in kinds(decided(process, Look(), moment(DUE)))
    assert process.urgent_at is None


def test_provider_asks_nobody_who_does_not_renew() -> None:
    process = provider_with_sas(_S.STARTED, renews=False)
    assert place(process).renew_at is None
    assert _K.RENEW_ADDRESS not in kinds(decided(process, Look(), moment(DUE)))


def test_sas_without_an_end_or_over_already_is_not_renewed() -> None:
    address = DestinationAddress("consumerdata", "c", renews=True)
    for end in (None, at(-1)):
        told = replace(demand(), sas_expires_at=end, destination=address)
        assert place(provider_decisions.accept(told, moment())).renew_at is None


def test_new_end_is_followed_and_the_next_renewal_is_due_at_two_thirds_of_the_rest() -> None:
    renewed = longer(renewing(), DUE + LIFE)
    assert place(renewed).sas_expires_at == at(DUE + LIFE)
    assert place(renewed).renew_at == at(DUE + DUE)
    assert renewed.history[-1].what == f"SAS renewed until {at(DUE + LIFE).isoformat()}"
    assert _K.RENEW_ADDRESS in kinds(decided(renewed, Look(), moment(DUE + DUE)))


def test_suspended_transfer_may_stay_so_for_as_long_as_the_renewed_sas_lasts() -> None:
    suspended = replace(renewing(_S.SUSPENDED), deadline_at=at(LIFE))
    assert longer(suspended, DUE + 600).deadline_at == at(DUE + 600)
    # But no longer than anything may be suspended.
    assert longer(suspended, 1e6).deadline_at == suspended.state_at + timedelta(seconds=Limits().of_state("SUSPENDED"))


def test_failed_renewal_is_tried_again_ever_later_and_ends_with_the_sas() -> None:
    process, now = renewing(), DUE
    tries = 0
    while process.has_intent(_K.RENEW_ADDRESS):
        waiting = intent_of(process, _K.RENEW_ADDRESS)
        process = decided(process, failed(process, _K.RENEW_ADDRESS, AWAY), moment(now))
        tries += 1
        retry = intent_of(process, _K.RENEW_ADDRESS)
        assert retry.not_before is not None and retry.attempt == waiting.attempt + 1
        now = (retry.not_before - NOW).total_seconds()
        process = decided(process, Look(), moment(now))
    assert 8 <= tries <= 16
    assert process.history[-1].what.startswith("given up: RENEW_ADDRESS")
    assert place(process).renew_at is None and process.state is _S.STARTED


def test_consumer_that_refuses_for_good_is_not_asked_again() -> None:
    refused = decided(process := renewing(), failed(process, _K.RENEW_ADDRESS, FINAL_FAULT), moment(DUE))
    assert _K.RENEW_ADDRESS not in kinds(refused)
    assert refused.history[-1].what == "SAS not renewed: no"
    assert refused.state is _S.STARTED and refused.error is None
    assert _K.RENEW_ADDRESS not in kinds(decided(refused, Look(), moment(LIFE)))


def test_renewal_that_fails_holds_up_no_question_about_the_flow() -> None:
    waiting = replace(renewing(), intents=(intent_of(renewing(), _K.RENEW_ADDRESS),))
    away = decided(waiting, failed(waiting, _K.RENEW_ADDRESS, AWAY), moment(DUE))
    assert _K.CHECK_DATA_FLOW in kinds(decided(away, Look(), moment(DUE)))


def test_look_for_a_renewal_does_not_wait_for_the_effect_that_is_under_way() -> None:
    process = provider_with_sas(_S.STARTED)
    assert process.has_intent(_K.START_DATA_FLOW)
    near = wanted_look(process, at(DUE), at(DUE - 60))
    assert near is not None and near.at == at(DUE)
    assert wanted_look(process, at(DUE), NOW) is None
    assert wanted_look(provider_with_sas(_S.STARTED, renews=False), at(DUE), at(DUE - 60)) is None


def test_secret_is_dropped_again_where_the_end_overtakes_a_renewal() -> None:
    asking = renewing()
    completed = decided(asking, FlowReport("COMPLETED", {"blobs": 1, "bytes": 1, "root": "r"}), moment(DUE))
    terminated = decided(asking, TERMINATE, moment(DUE))
    by_peer = decided(asking, received(MessageKind.TRANSFER_COMPLETION, message_id="c"), moment(DUE))
    for over in (completed, terminated, by_peer):
        drops = [it for it in over.intents if it.kind is _K.DROP_SECRET]
        assert _K.RENEW_ADDRESS not in kinds(over)
        assert sorted("sweep" in it.detail for it in drops) == [False, True], over.state


def test_renewal_that_comes_after_the_end_is_taken_away() -> None:
    asking = renewing()
    late = done(asking, _K.RENEW_ADDRESS, {"sas_expires_at": at(2 * LIFE).isoformat()})
    over = replace(decided(asking, TERMINATE, moment(DUE)), intents=())
    assert kinds(decided(over, late, moment(DUE))) == [_K.DROP_SECRET]


# --- the consumer ---------------------------------------------------------------------------------------------------


def consumer_with_sas(state: TransferState = _S.STARTED) -> TransferProcess:
    """A consumer's transfer in that state whose SAS was issued at NOW for an hour."""
    process = consumer_in(state)
    known = replace(place(process), sas_expires_at=at(LIFE), sas_issued_at=NOW)
    return replace(process, destination=known, deadline_at=at(10 * LIFE))


def extending(state: TransferState = _S.STARTED) -> TransferProcess:
    """The same while its SAS is given a new end."""
    return decided(consumer_with_sas(state), ASKED, moment(DUE))


@pytest.mark.parametrize("state", sorted(TELLING))
def test_consumer_gives_the_sas_the_life_that_it_had(state: TransferState) -> None:
    process = extending(state)
    intent = intent_of(process, _K.EXTEND_ACCESS)
    assert intent.detail == {"sasExpiresAt": at(DUE + LIFE).isoformat()}
    # Whoever has asked does it now; the queue does it where they have died.
    assert intent.not_before == at(DUE + Limits().effect_seconds)
    assert intent.give_up_at == at(DUE + Limits().notify_seconds)


def test_consumer_that_is_asked_early_or_again_issues_nothing() -> None:
    process = consumer_with_sas()
    assert decided(process, ASKED, moment(LIFE / 2 - 1)) is process
    asked = extending()
    assert decided(asked, ASKED, moment(DUE)) is asked
    extended = longer_for_consumer(asked, DUE + LIFE)
    assert decided(extended, ASKED, moment(DUE + LIFE / 2 - 1)) is extended
    assert _K.EXTEND_ACCESS in kinds(decided(extended, ASKED, moment(DUE + LIFE / 2)))


def longer_for_consumer(process: TransferProcess, end: float) -> TransferProcess:
    result = {"sas_expires_at": at(end).isoformat(), "policy": True}
    return decided(process, done(process, _K.EXTEND_ACCESS, result), moment(DUE))


def test_consumer_follows_the_end_that_the_sas_really_has() -> None:
    extended = longer_for_consumer(extending(), DUE + 60)
    assert place(extended).sas_expires_at == at(DUE + 60)
    assert place(extended).sas_issued_at == at(DUE)
    assert extended.history[-1].what == f"SAS renewed for the provider until {at(DUE + 60).isoformat()}"
    assert extended.state is _S.STARTED


def test_first_sas_that_ends_earlier_than_wanted_is_known_to_do_so() -> None:
    process = consumer_in(_S.PREPARATION_REQUESTED)
    issued = done(process, _K.PREPARE_DESTINATION, {"sas_expires_at": at(600).isoformat()})
    prepared = decided(process, issued, moment(1))
    assert (place(prepared).sas_expires_at, place(prepared).sas_issued_at) == (at(600), at(1))


def test_suspended_consumer_waits_for_as_long_as_the_renewed_sas_lasts() -> None:
    suspended = replace(extending(_S.SUSPENDED), deadline_at=at(LIFE))
    assert longer_for_consumer(suspended, DUE + 600).deadline_at == at(DUE + 600)


@pytest.mark.parametrize("state", sorted(set(_S) - TELLING))
def test_consumer_tells_no_address_where_nothing_is_to_be_written(state: TransferState) -> None:
    decision = judged(replace(consumer_with_sas(), state=state), ASKED, moment(DUE))
    assert decision.refused == f"no address is told in state {state.value}"


def test_consumer_tells_no_address_of_a_pull_nor_under_another_pid() -> None:
    assert judged(pull_in(Role.CONSUMER, _S.STARTED), ASKED).refused == "no address is told in state STARTED"
    other = judged(consumer_with_sas(), RenewalAsked("another"), moment(DUE))
    assert other.refused == f"providerPid is not {PROVIDER_PID}"


def test_provider_is_told_no_address_by_a_provider() -> None:
    process = transfer_in(Role.PROVIDER, _S.STARTED)
    assert decided(process, RenewalAsked(CONSUMER_PID)) is process


def test_access_is_withdrawn_again_where_the_end_overtakes_a_renewal() -> None:
    terminated = decided(extending(), TERMINATE, moment(DUE))
    completing = decided(extending(), received(MessageKind.TRANSFER_COMPLETION, message_id="c"), moment(DUE))
    completed = decided(completing, done(completing, _K.VERIFY_DELIVERY, VERIFIED), moment(DUE))
    for over in (terminated, completed):
        revokes = [it for it in over.intents if it.kind is _K.REVOKE_ACCESS]
        assert _K.EXTEND_ACCESS not in kinds(over)
        assert sorted("sweep" in it.detail for it in revokes) == [False, True], over.state


def test_sas_that_is_issued_after_the_end_is_revoked() -> None:
    process = extending()
    late = done(process, _K.EXTEND_ACCESS, {"sas_expires_at": at(2 * LIFE).isoformat()})
    over = replace(decided(process, TERMINATE, moment(DUE)), intents=())
    assert kinds(decided(over, late, moment(DUE))) == [_K.REVOKE_ACCESS]


def test_sas_that_cannot_be_renewed_ends_nothing() -> None:
    process = extending()
    away = decided(process, failed(process, _K.EXTEND_ACCESS, AWAY), moment(DUE))
    assert intent_of(away, _K.EXTEND_ACCESS).attempt == 1
    gone = Fault(FaultCode.DESTINATION_GONE, "the container is gone")
    lost = decided(process, failed(process, _K.EXTEND_ACCESS, gone), moment(DUE))
    assert (lost.state, lost.history[-1].what) == (_S.STARTED, "SAS not renewed: the container is gone")


def test_renewal_of_a_transfer_whose_agreement_has_run_out_ends_it() -> None:
    process = replace(consumer_with_sas(), agreement_ends_at=at(DUE))
    ended = decided(process, ASKED, moment(DUE))
    assert ended.state is _S.TERMINATED
    assert _K.EXTEND_ACCESS not in kinds(ended)
