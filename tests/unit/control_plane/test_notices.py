"""Events as notices: one for each state entered and each callback that wants it, none without callbacks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import notices
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.decision import Done, Failed
from ferry.domain.events import EVENTS
from ferry.domain.faults import Fault
from ferry.domain.process import HistoryEntry, Intent, IntentKind
from ferry.domain.states import NegotiationState, TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.processes import NOW, consumer_in, moment

ALL = CallbackAddress("https://hook.example/all", ("transfer.process", "contract.negotiation"))
STARTS = CallbackAddress("https://hook.example/starts", ("transfer.process.started",))
LATER = NOW + timedelta(seconds=5)


def transfer() -> TransferProcess:
    """A transfer that waits for its provider."""
    return consumer_in(TransferState.REQUESTED)


def entered(process: TransferProcess, *states: TransferState) -> TransferProcess:
    """The process after it has entered these states in turn, each with a second line that tells of no state."""
    for state in states:
        lines = tuple(HistoryEntry(LATER, state.value, what) for what in ("entered", "and more"))
        process = replace(process, state=state, history=(*process.history, *lines))
    return process


def events_of(process: TransferProcess) -> list[tuple[object, object]]:
    return [(notice.detail["uri"], notice.detail["event"]) for notice in process.notices]


def with_notices(count: int = 1, *, address: CallbackAddress = ALL) -> TransferProcess:
    """A transfer with that many waiting notices."""
    states = (TransferState.STARTED, TransferState.COMPLETED)
    before = transfer()
    many = entered(before, *(states[number % 2] for number in range(count)))
    return notices.announced("TransferProcess", before, many, (address,), moment())


def test_process_without_callbacks_stays_the_same_object() -> None:
    before = transfer()
    after = entered(before, TransferState.STARTED)

    assert notices.announced("TransferProcess", before, after, (), moment()) is after


def test_several_states_in_one_decision_are_told_in_order_to_whom_wants_them() -> None:
    before = replace(transfer(), callbacks=(STARTS,))
    after = entered(before, TransferState.STARTED, TransferState.COMPLETING, TransferState.COMPLETED)

    told = notices.announced("TransferProcess", before, after, (ALL,), moment())

    assert events_of(told) == [
        (STARTS.uri, "transfer.process.started"),
        (ALL.uri, "transfer.process.started"),
        (ALL.uri, "transfer.process.completed"),
    ]
    ids = [notice.detail["eventId"] for notice in told.notices]
    assert ids[0] == ids[1] != ids[2]
    assert told.notices[0].detail["at"] == int(LATER.timestamp() * 1000)


def test_line_of_history_in_the_same_state_tells_nothing() -> None:
    before = entered(transfer(), TransferState.STARTED)
    after = before.noted(LATER, "blobs written", 11)

    assert notices.announced("TransferProcess", before, after, (ALL,), moment()) is after


def test_new_process_tells_of_every_state_that_it_began_with() -> None:
    process = replace(transfer(), history=())
    begun = entered(process, TransferState.INITIAL, TransferState.PREPARATION_REQUESTED)

    told = notices.announced("TransferProcess", None, begun, (ALL,), moment())

    assert [event for _, event in events_of(told)] == [
        "transfer.process.initiated",
        "transfer.process.preparationRequested",
    ]


def test_terminated_process_tells_its_reason() -> None:
    before = transfer()
    ended = replace(entered(before, TransferState.TERMINATED), error=Fault("SAS_REFUSED", "the SAS was refused"))

    told = notices.announced("TransferProcess", before, ended, (ALL,), moment())

    assert told.notices[0].detail["reason"] == "the SAS was refused"


def test_notices_keep_their_order_for_each_address() -> None:
    process = with_notices(2)
    other = with_notices(1, address=STARTS)
    both = replace(process, notices=(*process.notices, *other.notices))

    assert both.open_notices == (process.notices[0], other.notices[0])


def test_delivered_notice_leaves_and_the_same_news_again_changes_nothing() -> None:
    process = with_notices()
    done = Done(process.notices[0].id, IntentKind.NOTIFY_CALLBACK)

    told = notices.told(process, done, moment(5))

    assert told is not None and told.notices == ()
    assert notices.told(told, done, moment(5)) is told


def test_failed_notice_is_tried_again_with_growing_pauses_until_it_is_given_up() -> None:
    process, now, pauses = with_notices(), NOW, list[float]()
    fault = Fault("PEER_UNREACHABLE", "nobody answers", retryable=True)
    while process.notices:
        told = notices.told(process, Failed(process.notices[0].id, fault), moment((now - NOW).total_seconds()))
        assert told is not None
        process = told
        if process.notices:
            at = process.notices[0].not_before
            assert at is not None
            pauses.append((at - now).total_seconds())
            now = at

    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == notices.LONGEST_PAUSE_SECONDS
    assert (now - NOW).total_seconds() < moment().limits.notify_seconds
    assert process.history[-1].what.startswith("event transfer.process.started was not delivered")
    assert process.state is TransferState.STARTED


def test_forbidden_address_is_given_up_at_once() -> None:
    process = with_notices()

    told = notices.told(process, Failed(process.notices[0].id, Fault("ADDRESS_FORBIDDEN", "no")), moment())

    assert told is not None and told.notices == ()
    assert "ADDRESS_FORBIDDEN" in told.history[-1].what


def test_notice_whose_time_is_over_is_given_up_unsent() -> None:
    process = with_notices()
    until = process.notices[0].give_up_at
    assert until is not None

    assert notices.without_expired(process, until - timedelta(seconds=1)) is process
    assert notices.without_expired(process, until).notices == ()


def test_too_many_waiting_notices_make_room_with_a_line_of_history() -> None:
    process = with_notices(notices.NOTICE_LIMIT + 3)

    assert len(process.notices) == notices.NOTICE_LIMIT
    assert sum("was not delivered" in entry.what for entry in process.history) == 3


def test_results_of_intents_are_the_rules_business() -> None:
    process = with_notices().with_intents(Intent("x", IntentKind.SEND_MESSAGE))

    assert notices.told(process, Failed("x", Fault("PEER_UNREACHABLE", "no", retryable=True)), moment()) is None
    assert notices.told(process, Done("x", IntentKind.SEND_MESSAGE), moment()) is None


@pytest.mark.parametrize(
    ("kind", "states"),
    [("TransferProcess", set(TransferState)), ("ContractNegotiation", set(NegotiationState))],
    ids=["transfers", "negotiations"],
)
def test_every_state_that_is_no_step_on_the_way_has_an_event(kind: str, states: set[str]) -> None:
    silent = {state for state in states if state.endswith("ING")} - {"REQUESTING", "RESUMING", "DEPROVISIONING"}

    assert states - EVENTS[kind].keys() - silent <= {"REQUESTING"}
