"""Progress as an event: told where it is wanted, replaced by newer news, asked for by looks that nobody else causes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import notices
from ferry.control_plane.progress_events import PAUSE, QUESTION
from ferry.control_plane.rules import TransferRules
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.decision import Done, Failed, Look
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.process import HistoryEntry, Intent, IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.processes import (
    NOW,
    consumer_in,
    decided,
    kinds,
    moment,
    provider_in,
)

HEARS = CallbackAddress("https://hook.example/p", ("transfer.process.progress",))
STARTS = CallbackAddress("https://hook.example/s", ("transfer.process.started",))
# Whoever asks for all of EDC's events gets those.
EVERYTHING = CallbackAddress("https://hook.example/e", ("transfer.process", "transfer.process.*", ""))
AWAY = Fault(FaultCode.PEER_UNREACHABLE, "nobody answers", retryable=True)
_K = IntentKind


def news(blobs: int) -> JsonObject:
    return {"state": "STARTED", "progress": {"blobsDone": blobs}}


def running(*addresses: CallbackAddress) -> TransferProcess:
    """A provider's transfer whose flow is asked about."""
    process = replace(provider_in(TransferState.STARTED), callbacks=addresses, notices=(), intents=())
    return decided(process, Look(), moment(2))


def told(process: TransferProcess, blobs: int, seconds: float = 2) -> TransferProcess:
    """The process after the answer to its question, and with the next question."""
    (asking,) = (it for it in process.intents if it.kind is _K.CHECK_DATA_FLOW)
    done = Done(asking.id, asking.kind, news(blobs))
    after = TransferRules().decide(process, done, moment(seconds)).process
    announced = notices.announced("TransferProcess", process, after, (), moment(seconds), task=done)
    return announced.with_intents(Intent(f"next-{blobs}", _K.CHECK_DATA_FLOW))


def counts(process: TransferProcess) -> list[object]:
    found = [notice.detail.get("progress") for notice in process.notices]
    return [it["blobsDone"] if isinstance(it, dict) else None for it in found]


def failed(process: TransferProcess, seconds: float = 2) -> TransferProcess:
    after = notices.told(process, Failed(process.notices[0].id, AWAY), moment(seconds))
    assert after is not None
    return after


def test_news_are_told_to_whom_they_are_for_and_to_no_other() -> None:
    process = told(running(HEARS, STARTS), 3)

    (notice,) = process.notices
    assert (notice.detail["uri"], notice.detail["event"], notice.detail["type"]) == (
        HEARS.uri,
        "transfer.process.progress",
        "TransferProcessProgress",
    )
    assert counts(process) == [3]
    assert told(running(STARTS), 3).notices == ()
    assert told(running(EVERYTHING), 3).notices == ()
    assert told(running(), 3).notices == ()


def test_answer_to_a_question_that_is_withdrawn_tells_nothing() -> None:
    process = running(HEARS)
    done = Done("of somebody slow", _K.CHECK_DATA_FLOW, news(9))

    assert notices.announced("TransferProcess", process, process, (), moment(3), task=done) is process


@pytest.mark.parametrize("state", [it for it in TransferState if it is not TransferState.STARTED])
def test_transfer_that_does_not_run_tells_no_progress(state: TransferState) -> None:
    process = running(HEARS)
    done = Done(process.intents[0].id, _K.CHECK_DATA_FLOW, news(9))
    after = replace(process, state=state)

    assert notices.announced("TransferProcess", process, after, (), moment(3), task=done) is after


def test_news_that_wait_are_replaced_so_that_two_at_most_wait_for_an_address() -> None:
    process = running(HEARS)
    for blobs in range(1, 8):
        process = told(process, blobs)

    assert counts(process) == [1, 7]


def test_news_that_were_not_taken_give_way_to_newer_ones_with_their_pause() -> None:
    waiting = failed(told(running(HEARS), 1))
    assert counts(told(waiting, 2)) == [2]
    after = failed(told(told(running(HEARS), 1), 2))

    assert counts(after) == [2]
    assert (after.notices[0].attempt, after.notices[0].not_before) == (1, NOW + timedelta(seconds=3))
    assert after.history == running(HEARS).history


def test_state_that_is_entered_takes_the_place_of_news_that_wait() -> None:
    both = CallbackAddress(HEARS.uri, ("transfer.process.progress", "transfer.process.completed"))
    process = failed(told(running(both), 1))
    line = HistoryEntry(NOW, TransferState.COMPLETED.value, "done")
    over = replace(process, state=TransferState.COMPLETED, history=(*process.history, line))

    ended = notices.announced("TransferProcess", process, over, (), moment(2))

    assert [it.detail["event"] for it in ended.notices] == ["transfer.process.completed"]


def test_news_that_are_refused_for_good_are_noted_once() -> None:
    process = running(HEARS)
    for blobs in range(5):
        process = told(process, blobs)
        after = notices.told(process, Failed(process.notices[0].id, Fault("ADDRESS_FORBIDDEN", "no")), moment())
        assert after is not None
        process = after

    assert sum("was not delivered" in entry.what for entry in process.history) == 1


def test_list_that_is_full_of_states_takes_no_progress() -> None:
    process = running(HEARS)
    full = tuple(Intent(f"n-{it}", _K.NOTIFY_CALLBACK, {"uri": "x"}) for it in range(notices.NOTICE_LIMIT))

    assert told(replace(process, notices=full), 3).notices == full


def prepared(*addresses: CallbackAddress) -> TransferProcess:
    """A consumer's push into a data plane in another app, under way."""
    started = replace(consumer_in(TransferState.STARTED), destination=None, data_plane="dp-1", deadline_at=None)
    return replace(started, callbacks=addresses, intents=(), look=None)


def test_consumer_that_checks_nothing_asks_only_where_somebody_listens() -> None:
    plain, heard = prepared(), prepared(HEARS)

    assert TransferRules().next_look_at(plain, moment()) is None
    assert TransferRules().next_look_at(heard, moment()) == moment().now + PAUSE
    assert TransferRules((HEARS,)).next_look_at(plain, moment()) == moment().now + PAUSE
    assert decided(plain, Look(), moment(15)) is plain
    asking = decided(heard, Look(), moment(15))
    assert kinds(asking) == [_K.ASK_PEER]
    assert asking.intents[0].detail == QUESTION
    assert kinds(decided(asking, Done(asking.intents[0].id, _K.ASK_PEER, news(1)), moment(16))) == []


def test_pull_has_no_progress_to_tell() -> None:
    pull = replace(prepared(HEARS), transfer_type="HttpData-PULL")

    assert TransferRules().next_look_at(pull, moment()) is None
    assert decided(pull, Look(), moment(15)) is pull
