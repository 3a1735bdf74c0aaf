"""What every process has: intents in order, an inbox that remembers enough, back-off, history, limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ferry.domain.decision import Limits
from ferry.domain.faults import Fault
from ferry.domain.message_kind import Role
from ferry.domain.process import INBOX_LIMIT, Applied, HistoryEntry, Intent, IntentKind, Process, backoff
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)
SEND, REVOKE = IntentKind.SEND_MESSAGE, IntentKind.REVOKE_ACCESS
AWAY = Fault("PEER_UNREACHABLE", "away", retryable=True)


def transfer(*intents: Intent, role: Role = Role.CONSUMER) -> TransferProcess:
    return TransferProcess(
        id="own",
        role=role,
        state=TransferState.STARTED,
        created_at=NOW,
        state_at=NOW,
        counter_party_id="peer",
        counter_party_address="http://peer.test",
        agreement_id="agreement-1",
        asset_id="asset-1",
        transfer_type="AzureStorage-PUSH",
        intents=intents,
    )


def due(*intents: Intent) -> list[str]:
    return [intent.id for intent in transfer(*intents).due_intents(NOW)]


def test_intents_are_due_in_their_order_when_their_time_has_come() -> None:
    assert due(Intent("a", REVOKE), Intent("b", REVOKE, not_before=LATER), Intent("c", REVOKE, not_before=NOW)) == [
        "a",
        "c",
    ]


def test_messages_keep_their_order_even_where_the_first_one_waits() -> None:
    assert due(Intent("first", SEND), Intent("second", SEND), Intent("other", REVOKE)) == ["first", "other"]
    assert due(Intent("first", SEND, not_before=LATER), Intent("second", SEND), Intent("other", REVOKE)) == ["other"]


def test_what_only_a_handler_can_do_is_never_due() -> None:
    assert due(Intent("store", IntentKind.STORE_ADDRESS), Intent("send", SEND)) == ["send"]


def test_intents_are_found_and_taken_out_by_id_and_kind() -> None:
    process = transfer(Intent("a", SEND), Intent("b", REVOKE), Intent("c", SEND))
    assert process.intent("b") == Intent("b", REVOKE)
    assert process.intent("x") is None
    assert process.has_intent(REVOKE)
    assert [it.id for it in process.without_intent("b").intents] == ["a", "c"]
    assert [it.id for it in process.without_kinds(SEND, IntentKind.COPY).intents] == ["b"]
    assert [it.id for it in process.with_intents(Intent("d", SEND)).intents] == ["a", "b", "c", "d"]


def test_retry_postpones_that_intent_alone_and_keeps_its_place() -> None:
    one, other = Intent("a", SEND, {"messageId": "m"}, attempt=2), Intent("b", REVOKE)
    process = transfer(one, other).with_retry(one, AWAY, NOW)
    postponed = replace(one, attempt=3, not_before=NOW + timedelta(seconds=1.6), last_fault=AWAY)
    assert process.intents == (postponed, other)


@pytest.mark.parametrize(
    ("attempt", "limit", "seconds"),
    [(0, 15, 0.4), (1, 15, 0.8), (5, 15, 12.8), (6, 15, 15), (10**6, 15, 15), (30, 300, 300)],
)
def test_back_off_doubles_up_to_its_limit(attempt: int, limit: float, seconds: float) -> None:
    assert backoff(attempt, limit_seconds=limit) == timedelta(seconds=seconds)


def test_inbox_remembers_the_latest_messages() -> None:
    process: TransferProcess = transfer()
    for number in range(INBOX_LIMIT + 5):
        process = process.applied(f"m-{number}", "d")
    assert len(process.inbox) == INBOX_LIMIT
    assert process.inbox[-1] == Applied(f"m-{INBOX_LIMIT + 4}", "d")
    assert process.inbox[0] == Applied("m-5", "d")


def test_line_of_history_names_the_state_it_was_written_in() -> None:
    assert transfer().noted(NOW, "blobs written", 11).history == (HistoryEntry(NOW, "STARTED", "blobs written", 11),)


def test_settled_is_over_with_nothing_left_to_do() -> None:
    completed = replace(transfer(), state=TransferState.COMPLETED)
    assert completed.is_settled
    assert not transfer().is_settled
    assert not completed.with_intents(Intent("a", REVOKE)).is_settled
    assert not replace(completed, state=TransferState.DEPROVISIONING).is_settled


def test_both_pids_are_told_from_either_side() -> None:
    ours = replace(transfer(), correlation_id="theirs")
    assert (ours.consumer_pid, ours.provider_pid) == ("own", "theirs")
    provider = replace(transfer(role=Role.PROVIDER), correlation_id="theirs")
    assert (provider.consumer_pid, provider.provider_pid) == ("theirs", "own")
    assert transfer().provider_pid == ""


def test_bare_process_has_no_state() -> None:
    bare = Process(id="x", created_at=NOW, state_at=NOW)
    for read in (lambda: bare.state_name, lambda: bare.is_final):
        with pytest.raises(TypeError):
            read()


@pytest.mark.parametrize(("not_before", "is_due"), [(None, True), (EARLIER, True), (NOW, True), (LATER, False)])
def test_intent_is_due_from_its_time_on(not_before: datetime | None, is_due: bool) -> None:
    assert Intent("a", SEND, not_before=not_before).is_due(NOW) is is_due


@pytest.mark.parametrize(("state", "seconds"), [("STARTED", 5.0), ("REQUESTED", 60.0)])
def test_limit_of_a_state_is_its_own_or_that_of_all(state: str, seconds: float) -> None:
    limits = Limits(state_seconds={"STARTED": 5}, default_state_seconds=60)
    assert limits.of_state(state) == seconds
