"""Transfers between two participants: the whole way, and what happens when messages are held up or doubled."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from ferry.adapters.memory_vault import MemoryVault
from ferry.control_plane.engine import Engine, Performer
from ferry.control_plane.listing import Listing
from ferry.control_plane.provider_decisions import TransferDemand
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.decision import Command, CommandKind, FlowReport
from ferry.domain.faults import AlreadyExists, EffectFailed, FaultCode, IllegalTransition, InvalidInput, NotFound
from ferry.domain.message_kind import Role
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.peer import PeerAnswer
from tests.unit.control_plane.agreed import agreed_pair
from tests.world.participants import Pair, Participant

_S = TransferState
DEPROVISION = Command(CommandKind.DEPROVISION)


@pytest.fixture
def pair() -> Pair:
    return agreed_pair()


def started(pair: Pair, **changes: object) -> TransferProcess:
    """A transfer that has been asked for, and nothing more done."""
    handled = pair.consumer.core.transfers.initiate(pair.order(**changes), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    return handled.process


def both(pair: Pair, process_id: str) -> tuple[TransferProcess, TransferProcess]:
    ours = pair.transfer(process_id)
    return ours, pair.provider.core.transfers.get(ours.provider_pid)


def lose(pair: Pair, side: Participant, *endings: str) -> Callable[[], None]:
    """Let no request to these URLs reach that side; the answer is the way back to normal."""
    public_url = side.core.settings.public_url

    def deaf(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        if url.endswith(endings):
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, "lost on the way", retryable=True)
        return side.serve(method, url, headers, body)

    pair.world.network.attach(public_url, deaf)
    return lambda: pair.world.network.attach(public_url, side.serve)


def vault_of(side: Participant) -> MemoryVault:
    vault = side.core.outside.vault
    assert isinstance(vault, MemoryVault)
    return vault


def sent(pair: Pair, ending: str) -> int:
    return sum(1 for exchange in pair.world.network.exchanges if exchange.url.endswith(ending))


# --- the whole way ----------------------------------------------------------------------------------------------


def test_transfer_takes_its_steps_in_order_on_both_sides(pair: Pair) -> None:
    process = started(pair)
    pair.run()
    ours, theirs = both(pair, process.id)
    assert (ours.state, theirs.state) == (_S.COMPLETED, _S.COMPLETED)
    assert (ours.verification, ours.is_settled, theirs.is_settled) == ("manifest", True, True)
    assert [entry.step for entry in ours.history if entry.step and entry.step < 13] == [1, 2, 3, 4, 5, 7]
    assert [entry.step for entry in ours.history if entry.step][6:8] == [13, 13]
    assert sorted({entry.step for entry in theirs.history if entry.step}) == [5, 6, 7, 8, 9, 10, 11, 12]


def test_every_effect_is_committed_before_it_is_performed(pair: Pair) -> None:
    performed = [watched(side.core.transfers.engine) for side in pair.both]
    process = started(pair)
    pair.run()
    pair.consumer.core.transfers.command(process.id, DEPROVISION, inline_seconds=1)
    pair.run()
    assert both(pair, process.id)[0].state is _S.DEPROVISIONED
    consumers, providers = (set(kinds) for kinds in performed)
    assert consumers >= {IntentKind.PREPARE_DESTINATION, IntentKind.VERIFY_DELIVERY, IntentKind.REMOVE_DESTINATION}
    assert providers >= {IntentKind.START_DATA_FLOW, IntentKind.SEND_MESSAGE, IntentKind.DROP_SECRET}


def watched(engine: Engine[TransferProcess]) -> list[IntentKind]:
    """Let the engine perform only what is committed; what it performs is noted."""
    performed: list[IntentKind] = []

    def checked(perform: Performer[TransferProcess], process: TransferProcess, intent: Intent) -> JsonObject:
        assert engine.load(process.id).intent(intent.id) == intent
        performed.append(intent.kind)
        return perform(process, intent)

    engine.performers = {kind: partial(checked, perform) for kind, perform in engine.performers.items()}
    return performed


def test_deprovisioned_transfer_leaves_nothing_behind(pair: Pair) -> None:
    before = [vault_of(side).names() for side in pair.both]
    process = started(pair)
    pair.run()
    pair.consumer.core.transfers.command(process.id, DEPROVISION, inline_seconds=1)
    pair.run()
    assert [vault_of(side).names() for side in pair.both] == before
    assert not any(account == "consumerdata" for account, _ in pair.world.cloud.containers())


# --- messages that are held up ----------------------------------------------------------------------------------


def test_start_that_never_reached_the_consumer_does_not_hold_up_the_end(pair: Pair) -> None:
    heal = lose(pair, pair.consumer, "/start")
    process = started(pair)
    pair.run(seconds=20)
    assert both(pair, process.id)[0].state is _S.COMPLETED
    heal()
    pair.run(seconds=60)
    assert both(pair, process.id)[1].state is _S.COMPLETED
    assert sent(pair, "/completion") == 1


def test_transfer_completes_though_no_message_of_the_provider_arrives(pair: Pair) -> None:
    lose(pair, pair.consumer, "/start", "/completion")
    process = started(pair)
    pair.run(seconds=20)
    ours = pair.transfer(process.id)
    assert (ours.state, ours.verification) == (_S.COMPLETED, "manifest")


def test_lost_answer_to_the_request_makes_no_second_transfer(pair: Pair) -> None:
    serve = pair.provider.serve
    lost: list[str] = []

    def forgetful(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        answer = serve(method, url, headers, body)
        if url.endswith("/transfers/request") and not lost:
            lost.append(url)
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, "the answer was lost", retryable=True)
        return answer

    pair.world.network.attach("http://provider.test", forgetful)
    process = started(pair)
    pair.run()
    assert lost
    assert both(pair, process.id)[1].state is _S.COMPLETED
    assert [it.id for it in Listing(engine=pair.provider.core.transfers.engine).page()] == [
        both(pair, process.id)[1].id
    ]


def test_trigger_completes_a_transfer_at_once_when_no_look_is_near(pair: Pair) -> None:
    lose(pair, pair.consumer, "/start", "/completion")
    process = started(pair)
    while pair.provider.work_once():
        pass
    assert both(pair, process.id)[1].state in (_S.STARTING, _S.COMPLETING)
    waiting = pair.transfer(process.id)
    assert waiting.look is not None
    far = replace(waiting, look=replace(waiting.look, at=waiting.look.at + timedelta(seconds=60)))
    store = pair.consumer.core.outside.transfers
    record = store.load(process.id)
    assert record is not None
    store.replace(record, far)
    handled = pair.consumer.core.transfers.claim(process.id)
    assert handled is not None
    assert handled.process.state is _S.COMPLETED
    assert "blob trigger" in " ".join(entry.what for entry in handled.process.history)


def test_news_of_unknown_transfers_is_nothing(pair: Pair) -> None:
    service = pair.consumer.core.transfers
    assert service.claim("unknown") is None
    assert service.look("unknown", None) is None
    service.poisoned("unknown", "{}")


# --- asking for a transfer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"agreement_id": "no-such"}, "contractId"), ({"asset_id": "other"}, "assetId")],
)
def test_transfer_without_a_fitting_agreement_is_refused(pair: Pair, changes: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        started(pair, **changes)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_agreement_as_provider_starts_no_transfer(pair: Pair) -> None:
    with pytest.raises(InvalidInput):
        pair.provider.core.transfers.initiate(pair.order(), inline_seconds=0)


def test_parties_and_asset_are_those_of_the_agreement(pair: Pair) -> None:
    process = started(pair, counter_party_id="somebody")
    assert (process.counter_party_id, process.asset_id) == ("provider", "asset-1")


def test_same_order_again_is_answered_like_the_first(pair: Pair) -> None:
    first = started(pair, process_id="transfer-1", request_digest="order")
    again = started(pair, process_id="transfer-1", request_digest="order")
    assert again == first
    assert sent(pair, "/transfers/request") == 1


@pytest.mark.parametrize("digest", ["another", ""])
def test_other_order_under_the_same_id_is_refused(pair: Pair, digest: str) -> None:
    started(pair, process_id="transfer-1", request_digest="order")
    with pytest.raises(AlreadyExists):
        started(pair, process_id="transfer-1", request_digest=digest)


# --- accepting one (step 6) -------------------------------------------------------------------------------------


def demand(**changes: object) -> TransferDemand:
    asked = TransferDemand(
        process_id="provider-1",
        consumer_pid="consumer-1",
        counter_party_id="consumer",
        callback_address="http://consumer.test/api/dsp/2025-1/consumer",
        agreement_id="agreement-1",
        asset_id="asset-1",
        source=SourceAddress("providerdata", "source", None, ""),
        destination=DestinationAddress("consumerdata", "ferry-x", endpoint="https://consumerdata.test"),
        request_digest="request",
    )
    return replace(asked, **changes)


def test_accepted_request_has_its_sas_in_the_vault_and_a_look_under_way(pair: Pair) -> None:
    core = pair.provider.core
    handled = core.transfers.accept(demand(), Secret("sig=1"))
    assert handled.process.state is _S.STARTING
    assert [look.process_id for look in handled.looks] == ["provider-1"]
    assert handled.process.destination is not None
    assert core.outside.vault.get(handled.process.destination.secret_name) == Secret("sig=1")


def test_vault_that_fails_after_the_insert_is_healed_by_the_request_sent_again(pair: Pair) -> None:
    core = pair.provider.core
    with pytest.raises(EffectFailed):
        replace(core.transfers, vault=SilentVault(pair.world.clock)).accept(demand(), Secret("sig=1"))
    half = core.transfers.get("provider-1")
    assert (half.state, half.has_intent(IntentKind.STORE_ADDRESS)) == (_S.INITIAL, True)

    handled = core.transfers.accept(demand(), Secret("sig=1"))

    assert handled.process.state is _S.STARTING
    assert handled.process.destination is not None and half.destination is not None
    assert handled.process.destination.secret_name == half.destination.secret_name
    assert core.outside.vault.get(half.destination.secret_name) == Secret("sig=1")


def test_repeated_request_stores_no_second_secret(pair: Pair) -> None:
    core = pair.provider.core
    first = core.transfers.accept(demand(), Secret("sig=1"))
    names = vault_of(pair.provider).names()
    again = core.transfers.accept(demand(), Secret("sig=1"))
    assert again.process == first.process
    assert vault_of(pair.provider).names() == names


def test_request_with_another_body_is_refused_and_changes_nothing(pair: Pair) -> None:
    core = pair.provider.core
    first = core.transfers.accept(demand(), Secret("sig=1"))
    with pytest.raises(AlreadyExists):
        core.transfers.accept(demand(request_digest="another"), Secret("sig=2"))
    assert core.transfers.get("provider-1") == first.process
    assert first.process.destination is not None
    assert core.outside.vault.get(first.process.destination.secret_name) == Secret("sig=1")


def test_request_that_is_never_sent_again_ends_at_its_deadline(pair: Pair) -> None:
    core = pair.provider.core
    with pytest.raises(EffectFailed):
        replace(core.transfers, vault=SilentVault(pair.world.clock)).accept(demand(), Secret("sig=1"))
    pair.world.clock.advance(301)
    pair.provider.emit(pair.provider.dispatcher.janitor_round())
    pair.drain()
    ended = core.transfers.get("provider-1")
    assert ended.state is _S.TERMINATED
    assert ended.error is not None and ended.error.code == FaultCode.DEADLINE_EXCEEDED


class SilentVault(MemoryVault):
    """A vault that does not answer when something is to be stored."""

    def store(self, name: str, value: Secret, *, expires_at: datetime | None = None) -> None:
        """No answer."""
        raise EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, "no answer", retryable=True)


# --- orders and reports -----------------------------------------------------------------------------------------


def test_order_that_is_not_allowed_is_an_illegal_transition(pair: Pair) -> None:
    process = started(pair)
    pair.run()
    with pytest.raises(IllegalTransition) as refused:
        pair.consumer.core.transfers.command(process.id, Command(CommandKind.TERMINATE), inline_seconds=0)
    assert (refused.value.state, refused.value.process_id) == ("COMPLETED", process.id)


def test_report_about_a_consumers_transfer_is_nothing(pair: Pair) -> None:
    process = started(pair)
    before = pair.transfer(process.id)
    pair.consumer.core.transfers.report(process.id, FlowReport("FAILED"))
    assert pair.transfer(process.id) == before


def test_transfer_is_found_by_its_own_role_and_peer_alone(pair: Pair) -> None:
    process = started(pair)
    service = pair.consumer.core.transfers
    assert service.get(process.id, role=Role.CONSUMER, peer_id="provider").id == process.id
    for role, peer in ((Role.PROVIDER, None), (None, "somebody"), (Role.CONSUMER, "consumer")):
        with pytest.raises(NotFound):
            service.get(process.id, role=role, peer_id=peer)


def test_termination_before_the_copy_has_begun_copies_nothing(pair: Pair) -> None:
    process = started(pair)
    ours, theirs = both(pair, process.id)
    assert theirs.state is _S.STARTING
    pair.provider.core.transfers.command(theirs.id, Command(CommandKind.TERMINATE, "no"), inline_seconds=0)
    pair.run(seconds=300)
    ours, theirs = both(pair, process.id)
    assert [side.error.code if side.error else None for side in (ours, theirs)] == ["TERMINATED_BY_CLIENT"] * 2
    assert pair.provider.core.outside.flows.load(theirs.id) is None
    assert ours.is_settled and theirs.is_settled
