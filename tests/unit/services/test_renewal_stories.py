"""A copy, or a pause, that lasts longer than its SAS: the provider asks for a longer one, whatever happens."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from ferry.adapters.memory_cloud import MemoryContainer, MemoryRequest
from ferry.adapters.memory_vault import MemoryVault
from ferry.domain.codec import to_json
from ferry.domain.data_address import DestinationAddress
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.ports.peer import PeerAnswer
from ferry.ports.storage import Account, SasScope
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from ferry.protocol.sas import parse_sas
from tests.world.participants import STARTED_AT, Pair, Participant, make_pair

_S = TransferState
BLOBS = {f"data/{number:03}.bin": b"x" * number for number in range(1, 41)}
SUSPEND, RESUME = Command(CommandKind.SUSPEND, "a pause"), Command(CommandKind.RESUME)
DEPROVISION = Command(CommandKind.DEPROVISION)
HOUR = 3600.0
CONSUMER = "http://consumer.test"


class Story:
    """A transfer; `held` is called before each blob from the 15th on. The source is away for so long at first."""

    def __init__(
        self, pair: Pair, *, held: Callable[["Story"], None] | None = None, source_away: float = 0.0, **order: object
    ) -> None:
        self.pair = pair
        self.held = held
        self.source_until = STARTED_AT + timedelta(seconds=source_away)
        self._puts = 0
        pair.world.cloud.page_size = 10
        pair.world.cloud.before_request = self._counted
        handled = pair.consumer.core.transfers.initiate(pair.order(**order), inline_seconds=1)
        self.process_id = handled.process.id
        pair.consumer.emit(handled.looks)

    def _counted(self, request: MemoryRequest) -> None:
        if self.source_until > self.pair.world.clock.now() and request.account == "providerdata":
            raise StorageFailed(StorageProblem.UNAVAILABLE, "the source does not answer; it is retried")
        if not request.operation.startswith("Put Blob"):
            return
        self._puts += 1
        if self._puts >= 15 and self.held is not None:
            self.held(self)

    def wait(self, seconds: float) -> None:
        """Time passes on both sides."""
        until = self.pair.world.clock.now() + timedelta(seconds=seconds)
        while self.pair.world.clock.now() < until:
            self.pair.world.clock.advance(60)
            self.pair.drain()

    @property
    def ours(self) -> TransferProcess:
        return self.pair.transfer(self.process_id)

    @property
    def theirs(self) -> TransferProcess:
        return self.pair.provider.core.transfers.get(self.ours.provider_pid)

    @property
    def states(self) -> tuple[TransferState, TransferState]:
        return self.ours.state, self.theirs.state

    @property
    def container(self) -> MemoryContainer:
        return self.pair.world.cloud.containers()["consumerdata", place(self.ours).container]

    def asked(self) -> list[int | None]:
        """How each question for a longer SAS was answered."""
        exchanges = self.pair.world.network.exchanges
        return [it.answer.status if it.answer else None for it in exchanges if it.url.endswith("/address")]

    def order(self, command: Command, side: Participant) -> None:
        process_id = self.process_id if side is self.pair.consumer else self.theirs.id
        side.emit(side.core.transfers.command(process_id, command, inline_seconds=1).looks)

    def suspended(self) -> "Story":
        """The same while it is suspended on both sides."""
        self.held = suspend_once
        self.pair.drain()
        assert self.states == (_S.SUSPENDED, _S.SUSPENDED)
        return self

    def resumed(self) -> None:
        """Resumed, and come to its end."""
        self.held = None
        self.order(RESUME, self.pair.consumer)
        self.pair.run()


def suspend_once(story: Story) -> None:
    story.held = None
    story.order(SUSPEND, story.pair.provider)


def place(process: TransferProcess) -> Destination:
    assert process.destination is not None
    return process.destination


def vault_of(side: Participant) -> MemoryVault:
    vault = side.core.outside.vault
    assert isinstance(vault, MemoryVault)
    return vault


def sas_of(side: Participant, process: TransferProcess) -> str:
    stored = side.core.outside.vault.get(place(process).secret_name)
    assert stored is not None
    return stored.reveal()


def versions(side: Participant, process: TransferProcess) -> int:
    return len(vault_of(side).versions(place(process).secret_name, newest=99))


def nothing_is_left(story: Story) -> bool:
    """No SAS in any vault, no policy at the container, nothing to do."""
    settled = story.ours.is_settled and story.theirs.is_settled
    secrets = [name for side in story.pair.both for name in vault_of(side).names() if name.startswith("ferry-sas")]
    return settled and not secrets


def test_copy_that_takes_longer_than_its_sas_is_finished_with_a_renewed_one() -> None:
    story = Story(make_pair(blobs=BLOBS), source_away=2.5 * HOUR)
    story.wait(3.2 * HOUR)

    assert story.states == (_S.COMPLETED, _S.COMPLETED)
    assert story.ours.verification == "manifest"
    assert story.asked() == [200, 200, 200]
    lines = [entry.what for entry in (*story.ours.history, *story.theirs.history)]
    assert sum("SAS renewed for the provider until" in line for line in lines) == 3
    assert sum(line.startswith("SAS renewed until") for line in lines) == 3
    assert nothing_is_left(story)


def test_suspension_lasts_as_long_as_the_peer_renews_and_the_copy_goes_on_where_it_stopped() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    story.wait(8 * HOUR)
    assert story.states == (_S.SUSPENDED, _S.SUSPENDED)
    # Each life of an hour is renewed at two thirds of it; a look may come a little later than it was meant to.
    assert 10 <= len(story.asked()) <= 12 and set(story.asked()) == {200}
    assert place(story.ours).sas_expires_at == place(story.theirs).sas_expires_at
    assert story.ours.deadline_at == place(story.ours).sas_expires_at

    story.resumed()

    assert story.states == (_S.COMPLETED, _S.COMPLETED)
    assert story.ours.verification == "manifest"
    assert nothing_is_left(story)


def test_renewed_sas_is_kept_under_the_name_of_the_one_before_on_both_sides() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    before = place(story.ours).secret_name, place(story.theirs).secret_name
    story.wait(HOUR)
    assert (place(story.ours).secret_name, place(story.theirs).secret_name) == before
    assert (versions(story.pair.consumer, story.ours), versions(story.pair.provider, story.theirs)) == (2, 2)
    for side, name in zip(story.pair.both, before, strict=True):
        assert vault_of(side).expires_at(name) == place(story.ours).sas_expires_at


def test_sas_on_a_policy_stays_the_same_and_ends_later() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    (policy_id,) = story.container.policies
    ends_at = story.container.policies[policy_id].expires_at
    story.wait(HOUR)
    assert list(story.container.policies) == [policy_id]
    assert story.container.policies[policy_id].expires_at == place(story.ours).sas_expires_at
    assert story.container.policies[policy_id].expires_at > ends_at


def test_plain_sas_of_a_full_container_is_another_one_after_its_renewal() -> None:
    pair = make_pair(blobs=BLOBS)
    account = Account("consumerdata", "https://consumerdata.test", pair.consumer.core.outside.vault.get("consumerdata"))
    pair.world.cloud.add_container(account, "shared")
    for number in range(5):
        scope = SasScope("shared", "r", STARTED_AT, STARTED_AT + timedelta(days=9), policy_id=f"theirs-{number}")
        assert pair.consumer.core.outside.storage.add_access_policy(account, scope)
    wanted = DestinationAddress("consumerdata", "shared", "in/")
    story = Story(pair, managed=False, destination=wanted, sas_seconds=4 * HOUR).suspended()
    # What it really got is known at once, and told: an hour.
    assert place(story.ours).sas_expires_at == place(story.theirs).sas_expires_at
    first = sas_of(pair.provider, story.theirs)

    story.wait(1.5 * HOUR)

    assert set(story.container.policies) == {f"theirs-{number}" for number in range(5)}
    assert sas_of(pair.provider, story.theirs) != first
    story.resumed()
    assert story.states == (_S.COMPLETED, _S.COMPLETED)
    assert len(story.container.policies) == 5


def test_peer_that_offers_no_renewal_is_not_asked() -> None:
    pair = make_pair(blobs=BLOBS)
    pair.world.network.attach("http://provider.test", told_without_renewal(pair))
    story = Story(pair).suspended()
    assert not place(story.theirs).renews
    story.wait(1.2 * HOUR)
    assert story.asked() == []
    assert {it.error.code for it in (story.ours, story.theirs) if it.error} == {"SAS_EXPIRED"}


def stripped_of_renewal(message: JsonObject) -> JsonObject:
    """A request as a connector that knows no renewal sends it."""
    address = message.get("dataAddress")
    if not isinstance(address, dict) or not isinstance(properties := address["endpointProperties"], list):
        return message
    kept = [it for it in properties if isinstance(it, dict) and not str(it["name"]).endswith("renewal")]
    return {**message, "dataAddress": {**address, "endpointProperties": kept}}


def told_without_renewal(pair: Pair) -> Callable[[str, str, Mapping[str, str], JsonObject | None], PeerAnswer]:
    def serve(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        return pair.provider.serve(method, url, headers, stripped_of_renewal(body) if body else body)

    return serve


def test_consumer_that_is_away_for_a_while_is_asked_again() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    pair = story.pair
    story.wait(0.6 * HOUR)
    pair.world.network.detach(CONSUMER)
    story.wait(0.2 * HOUR)
    assert story.asked()[:1] == [None]
    pair.world.network.attach(CONSUMER, pair.consumer.serve)
    story.wait(0.2 * HOUR)
    assert story.asked()[-1] == 200
    assert len(story.asked()) < 15
    assert story.states == (_S.SUSPENDED, _S.SUSPENDED)


@pytest.mark.parametrize("end", ["now", "later"])
def test_consumer_that_dies_while_it_renews_has_done_it_all_the_same(end: str) -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    engine = story.pair.consumer.core.transfers.engine
    extend = engine.performers[IntentKind.EXTEND_ACCESS]
    deaths: list[str] = []

    def dies(process: TransferProcess, intent: object) -> JsonObject:
        deaths.append(process.id)
        if end == "later":
            extend(process, process.intents[-1])
        raise ConnectionResetError

    engine.performers = {**engine.performers, IntentKind.EXTEND_ACCESS: dies}
    with pytest.raises(ConnectionResetError):
        story.wait(0.7 * HOUR)
    engine.performers = {**engine.performers, IntentKind.EXTEND_ACCESS: extend}
    story.wait(0.4 * HOUR)
    assert deaths and story.states == (_S.SUSPENDED, _S.SUSPENDED)
    story.resumed()
    assert story.states == (_S.COMPLETED, _S.COMPLETED)
    assert nothing_is_left(story)


def test_storage_that_is_away_makes_the_provider_ask_again_and_learns_nothing() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()

    def away(request: MemoryRequest) -> None:
        if request.operation == "Set Container ACL":
            raise StorageFailed(StorageProblem.UNAVAILABLE, "internal words about the storage")

    story.pair.world.cloud.before_request = away
    story.wait(0.7 * HOUR)
    story.pair.world.cloud.before_request = None
    refused = [it.answer for it in story.pair.world.network.exchanges if it.url.endswith("/address")]
    assert refused and all(it is not None and it.status == 503 for it in refused)
    assert "internal words" not in str(refused)
    story.wait(0.2 * HOUR)
    assert story.asked()[-1] == 200
    assert story.states == (_S.SUSPENDED, _S.SUSPENDED)


def test_transfer_that_ends_while_it_is_renewed_leaves_nothing_behind() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    pair = story.pair
    engine = pair.consumer.core.transfers.engine
    extend = engine.performers[IntentKind.EXTEND_ACCESS]

    def overtaken(process: TransferProcess, intent: object) -> JsonObject:
        story.order(Command(CommandKind.TERMINATE, "enough"), pair.consumer)
        return extend(process, next(it for it in process.intents if it.kind is IntentKind.EXTEND_ACCESS))

    engine.performers = {**engine.performers, IntentKind.EXTEND_ACCESS: overtaken}
    story.wait(0.7 * HOUR)
    pair.run(seconds=600)
    assert story.states == (_S.TERMINATED, _S.TERMINATED)
    assert story.container.policies == {}
    assert nothing_is_left(story)


def test_deprovisioned_transfer_is_told_no_address_any_more() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    provider_pid, pair = story.theirs.id, story.pair
    peer = pair.provider.core.outside.peer
    url = f"{pair.consumer.core.settings.callback_url}/ferry/transfers/{story.process_id}/address"
    body: JsonObject = {
        "@type": "TransferAddressRequest",
        "consumerPid": story.process_id,
        "providerPid": provider_pid,
    }
    assert peer.post(url, body, audience=CONSUMER).status == 200
    story.order(DEPROVISION, pair.consumer)
    pair.run(seconds=400)
    refused = peer.post(url, body, audience=CONSUMER)
    assert refused.status == 409
    assert "sig" not in str(refused.body)


def test_peer_that_asks_without_end_gets_one_sas_in_half_of_its_life() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    pair = story.pair
    url = f"{pair.consumer.core.settings.callback_url}/ferry/transfers/{story.process_id}/address"
    body: JsonObject = {
        "@type": "TransferAddressRequest",
        "consumerPid": story.process_id,
        "providerPid": story.theirs.id,
    }
    for _ in range(120):
        pair.world.clock.advance(60)
        assert pair.provider.core.outside.peer.post(url, body, audience=CONSUMER).status == 200
    assert versions(pair.consumer, story.ours) == 1 + 4
    assert sum("SAS renewed" in entry.what for entry in story.ours.history) == 4


def test_address_of_another_place_is_not_taken() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    pair = story.pair

    def serve(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        answer = pair.consumer.serve(method, url, headers, body)
        if not url.endswith("/address") or answer.body is None:
            return answer
        moved = json.dumps(answer.body).replace(f'"{place(story.ours).container}"', '"elsewhere"')
        assert "elsewhere" in moved
        return PeerAnswer(200, json.loads(moved))

    pair.world.network.attach(CONSUMER, serve)
    before = sas_of(pair.provider, story.theirs)
    story.wait(0.7 * HOUR)
    assert sas_of(pair.provider, story.theirs) == before
    assert any("the address of another place" in entry.what for entry in story.theirs.history)
    assert len(story.asked()) == 1


def test_identity_renews_with_a_new_delegation_sas() -> None:
    accounts = {
        "consumerdata": {"endpoint": "https://consumerdata.test", "credential": "identity"},
        "providerdata": {"endpoint": "https://providerdata.test"},
    }
    pair = make_pair(blobs=BLOBS, FERRY_STORAGE_ACCOUNTS=json.dumps(accounts))
    story = Story(pair).suspended()
    first = sas_of(pair.provider, story.theirs)
    story.wait(1.5 * HOUR)
    assert sas_of(pair.provider, story.theirs) != first
    assert story.container.policies == {}
    story.resumed()
    assert story.states == (_S.COMPLETED, _S.COMPLETED)


def test_failure_of_the_vault_is_told_as_one_that_passes() -> None:
    story = Story(make_pair(blobs=BLOBS)).suspended()
    vault = vault_of(story.pair.consumer)
    vault.delete(place(story.ours).secret_name)
    renewals = story.pair.consumer.core.dsp.transfers.renewals
    with pytest.raises(EffectFailed) as failed:
        renewals.renew(story.process_id, "provider", story.theirs.id)
    assert (failed.value.fault.code, failed.value.fault.retryable) == (FaultCode.SAS_MISSING, True)


def test_renewed_sas_is_in_the_vaults_and_in_the_answer_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    story = Story(make_pair(blobs=BLOBS)).suspended()
    story.wait(1.5 * HOUR)
    pair = story.pair
    sas = parse_sas(sas_of(pair.provider, story.theirs))[0].reveal()
    signature = sas.partition("sig=")[2]
    assert len(signature) > 20
    documents = [to_json(it) for it in (story.ours, story.theirs)]
    flow = pair.provider.core.outside.flows.load(story.theirs.id)
    assert flow is not None
    rest = [*documents, to_json(flow.document), *(it.queue.pending() for it in pair.both), caplog.text]
    assert [it for it in rest if signature in str(it)] == []
    bodies = [(it.url, it.body, it.answer.body if it.answer else None) for it in pair.world.network.exchanges]
    asked = [url.rpartition("/")[2] for url, body, _ in bodies if signature in str(body)]
    answered = {url.rpartition("/")[2] for url, _, answer in bodies if signature in str(answer)}
    assert (asked, answered) == (["request"], {"address"})
