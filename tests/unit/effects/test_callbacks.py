"""Callbacks in two participants' stories: what is told, in which order, what becomes of what cannot be told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from ferry.domain.callback_address import CallbackAddress
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.ports.peer import PeerAnswer
from tests.world.participants import Pair, make_pair

HOOK = "https://hook.test"
ALL = CallbackAddress(
    f"{HOOK}/all", ("contract.negotiation", "transfer.process"), auth_key="x-key", auth_code_id="hook"
)
SUCCESS = [
    "transfer.process.initiated",
    "transfer.process.preparationRequested",
    "transfer.process.prepared",
    "transfer.process.requested",
    "transfer.process.started",
    "transfer.process.completed",
]


def type_of(name: str) -> str:
    """The type that belongs to the name of an event."""
    return "TransferProcess" + name.rpartition(".")[2][0].upper() + name.rpartition(".")[2][1:]


@dataclass(slots=True)
class Hook:
    """A receiver that notes what comes; it answers with `statuses` first, then 200."""

    statuses: list[int] = field(default_factory=list[int])
    taken: list[JsonObject] = field(default_factory=list[JsonObject])
    keys: list[str] = field(default_factory=list[str])
    arrived: int = 0

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        assert method == "POST" and body is not None
        assert "Authorization" not in headers
        self.arrived += 1
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, "the receiver is away", retryable=True)
        if status < 300:
            self.taken.append(body)
            self.keys.append(headers.get("x-key", ""))
        return PeerAnswer(status)

    @property
    def types(self) -> list[object]:
        return [envelope["type"] for envelope in self.taken]


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture
def pair(hook: Hook) -> Pair:
    made = make_pair()
    made.world.network.attach(HOOK, hook)
    made.consumer.core.outside.vault.store("hook", Secret("the hook's key"))
    return made


def transferred(pair: Pair, *callbacks: CallbackAddress) -> str:
    """The id of a transfer with these callbacks that has run for a while."""
    handled = pair.consumer.core.transfers.initiate(pair.order(callbacks=callbacks), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    pair.run(seconds=60)
    return handled.process.id


def test_every_event_of_a_transfer_is_told_in_order_with_the_key_from_the_vault(pair: Pair, hook: Hook) -> None:
    process_id = transferred(pair, ALL)

    assert hook.types == [type_of(name) for name in SUCCESS]
    assert set(hook.keys) == {"the hook's key"}
    payload = hook.taken[-1]["payload"]
    assert payload == {
        "transferProcessId": process_id,
        "assetId": "asset-1",
        "contractId": pair.agreement_id,
        "type": "CONSUMER",
        "callbackAddresses": [
            {
                "uri": ALL.uri,
                "events": list(ALL.events),
                "transactional": False,
                "authKey": "x-key",
                "authCodeId": "hook",
            }
        ],
        "participantContextId": "consumer",
        "protocol": "dataspace-protocol-http:2025-1",
    }
    assert pair.transfer(process_id).is_settled
    assert "the hook's key" not in json.dumps(hook.taken)


def test_client_that_waits_for_its_answer_is_not_called_meanwhile(pair: Pair, hook: Hook) -> None:
    handled = pair.consumer.core.transfers.initiate(pair.order(callbacks=(ALL,)), inline_seconds=1)

    assert hook.arrived == 0
    assert handled.looks


def test_receiver_that_fails_at_first_is_told_everything_in_order(pair: Pair, hook: Hook) -> None:
    hook.statuses[:] = [0, 500, 404, 0, 302]

    transferred(pair, ALL)

    assert hook.types == [type_of(name) for name in SUCCESS]


def test_receiver_that_stays_away_holds_up_nothing_and_is_given_up(pair: Pair) -> None:
    away = CallbackAddress("https://away.test/x", ("transfer.process",))
    process_id = transferred(pair, away)

    done = pair.transfer(process_id)
    assert (done.state, done.error) == (TransferState.COMPLETED, None)
    assert done.notices and not done.intents

    pair.run(seconds=1200)

    ended = pair.transfer(process_id)
    assert ended.is_settled and ended.state is TransferState.COMPLETED
    assert sum("was not delivered to a callback" in entry.what for entry in ended.history) == len(SUCCESS)


def test_receiver_that_is_down_does_not_hold_up_another_one(pair: Pair, hook: Hook) -> None:
    transferred(pair, CallbackAddress("https://away.test/x", ("transfer.process",)), ALL)

    assert hook.types == [type_of(name) for name in SUCCESS]


def test_missing_key_is_waited_for(pair: Pair, hook: Hook) -> None:
    vault = pair.consumer.core.outside.vault
    vault.delete("hook")
    transferred(pair, ALL)
    assert not hook.taken

    vault.store("hook", Secret("late"))
    pair.run(seconds=120)

    assert hook.types == [type_of(name) for name in SUCCESS]
    assert set(hook.keys) == {"late"}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("A" * 86 + "==", "opens a storage account"),
        ("sv=2024&sig=abc%3D", "opens a storage account"),
        ("a\r\nx-other: b", "holds what no header can"),
        ("ü", "holds what no header can"),
    ],
    ids=["account key", "sas", "two lines", "not ascii"],
)
def test_secret_that_is_for_no_header_is_sent_to_no_callback(pair: Pair, hook: Hook, value: str, why: str) -> None:
    pair.consumer.core.outside.vault.store("hook", Secret(value))

    process_id = transferred(pair, ALL)

    assert not hook.arrived
    assert any(why in entry.what and value not in entry.what for entry in pair.transfer(process_id).history)


def test_terminated_and_deprovisioned_transfer_tells_so(pair: Pair, hook: Hook) -> None:
    process_id = transferred(pair, ALL)
    hook.taken.clear()
    service = pair.consumer.core.transfers
    pair.consumer.emit(service.command(process_id, Command(CommandKind.DEPROVISION), inline_seconds=1).looks)
    pair.run(seconds=30)

    assert hook.types == ["TransferProcessDeprovisioningRequested", "TransferProcessDeprovisioned"]


def test_static_callbacks_hear_of_every_process_of_either_role(hook: Hook) -> None:
    address = {"uri": f"{HOOK}/all", "events": ["contract.negotiation", "transfer.process.completed"]}
    pair = make_pair(FERRY_CALLBACKS=json.dumps([address]))
    pair.world.network.attach(HOOK, hook)
    transferred(pair)
    pair.run(seconds=120)

    told = sorted({(str(it["type"]), _payload(it)["type"]) for it in hook.taken})

    assert ("ContractNegotiationInitiated", "CONSUMER") in told
    assert ("ContractNegotiationFinalized", "CONSUMER") in told
    assert ("ContractNegotiationFinalized", "PROVIDER") in told
    assert ("TransferProcessCompleted", "PROVIDER") in told
    finalized = next(it for it in hook.taken if it["type"] == "ContractNegotiationFinalized")
    agreement = _payload(finalized)["contractAgreement"]
    assert isinstance(agreement, dict) and agreement["id"] == pair.agreement_id


def test_transfer_without_callbacks_costs_no_more_commits_than_one_with_callbacks_elsewhere(pair: Pair) -> None:
    plain = transferred(pair)
    elsewhere = transferred(pair, CallbackAddress(f"{HOOK}/x", ("contract.negotiation",)))

    assert pair.transfer(plain).revision == pair.transfer(elsewhere).revision
    assert not pair.transfer(plain).notices


def _payload(envelope: JsonObject) -> Mapping[str, object]:
    payload = envelope["payload"]
    assert isinstance(payload, dict)
    return payload


def test_failed_notice_of_a_finished_process_is_looked_at_again_soon(pair: Pair, hook: Hook) -> None:
    process_id = transferred(pair, ALL)
    hook.statuses[:] = [500]
    service = pair.consumer.core.transfers
    pair.consumer.emit(service.command(process_id, Command(CommandKind.DEPROVISION), inline_seconds=1).looks)
    pair.drain()

    again = pair.consumer.queue.next_visible_at()
    assert pair.transfer(process_id).state is TransferState.DEPROVISIONED
    assert again is not None and (again - pair.world.clock.now()).total_seconds() <= 2


def test_notice_whose_look_is_lost_is_found_by_the_janitor(pair: Pair, hook: Hook) -> None:
    hook.statuses[:] = [500] * 8
    transferred(pair, CallbackAddress(f"{HOOK}/x", ("transfer.process.completed",)))
    hook.statuses.clear()
    pair.world.clock.advance(300)
    while (delivery := pair.consumer.queue.receive()) is not None:
        pair.consumer.queue.acknowledge(delivery)

    pair.consumer.emit(pair.consumer.dispatcher.janitor_round())
    pair.drain()

    assert hook.types == ["TransferProcessCompleted"]
