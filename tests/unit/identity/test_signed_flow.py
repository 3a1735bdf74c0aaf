"""The whole way of a contract and a transfer between two participants who know each other by signatures alone."""

import json
import logging

import pytest

from ferry.domain.states import TransferState
from ferry.ports.peer import PeerAnswer
from ferry.protocol.identity import MockIdentity
from ferry.services import Endpoint, Surface, endpoints
from ferry.services.app import App
from ferry.settings import Settings
from tests.world.participants import Pair, pair_of, settings_of

NAMES = ("consumer", "provider")


def signed(name: str, **changes: str) -> Settings:
    """Settings of a participant that signs, whose list names everybody."""
    return settings_of(
        name,
        **{
            "FERRY_PUBLIC_URL": f"https://{name}.test",
            "FERRY_IDENTITY": "signed",
            "FERRY_PARTNERS": json.dumps({name: f"did:web:{name}.test:api" for name in NAMES}),
            **changes,
        },
    )


@pytest.fixture(scope="module")
def pair() -> Pair:
    """Two of them, agreed on an asset."""
    return pair_of(signed("consumer"), signed("provider"))


def test_transfer_completes_between_participants_that_sign(pair: Pair) -> None:
    handled = pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    pair.run(seconds=60)
    ours = pair.transfer(handled.process.id)
    assert (ours.state, ours.verification) == (TransferState.COMPLETED, "manifest")
    assert ours.correlation_id is not None
    theirs = pair.provider.core.transfers.get(ours.correlation_id)
    assert (theirs.state, theirs.counter_party_id) == (TransferState.COMPLETED, "consumer")


def test_agreement_is_between_the_same_names_as_with_the_mock(pair: Pair) -> None:
    """So a participant can go from one to the other and keep its agreements."""
    for side in pair.both:
        agreement = side.core.outside.agreements.get(pair.agreement_id)
        assert agreement is not None
        assert (agreement.consumer_id, agreement.provider_id) == NAMES


def test_keys_were_asked_for_once_by_each_side_and_without_showing_who_asks(pair: Pair) -> None:
    asked = [it.url for it in pair.world.network.exchanges if it.url.endswith("/did.json")]
    assert sorted(asked) == ["https://consumer.test/api/did.json", "https://provider.test/api/did.json"]


def test_private_keys_lie_in_the_vaults_and_nowhere_else(pair: Pair) -> None:
    shown = json.dumps([[it.url, it.body, it.answer and it.answer.body] for it in pair.world.network.exchanges])
    assert "PRIVATE KEY" not in shown and '"d":' not in shown
    for side in pair.both:
        stored = side.core.outside.vault.get("ferry-signing-key")
        assert stored is not None and "PRIVATE KEY" in stored.reveal()


def dsp_endpoints() -> list[Endpoint]:
    surfaces = (Surface.PROVIDER_DSP, Surface.CONSUMER_DSP, Surface.SHARED_DSP, Surface.DATA_PLANE, Surface.CONTROL)
    return [endpoint for surface in surfaces for endpoint in endpoints(surface)]


@pytest.mark.parametrize("endpoint", dsp_endpoints(), ids=lambda it: it.name)
@pytest.mark.parametrize("claim", [None, "consumer", "provider"])
def test_no_route_believes_a_claim_without_proof(pair: Pair, endpoint: Endpoint, claim: str | None) -> None:
    headers = {"authorization": MockIdentity(claim).authorization("x")} if claim else {}
    answer = App(pair.provider.core).http(
        endpoint.name, method=endpoint.method, url="x", headers=headers, route={"pid": "x"}, query={}, body=b"{}"
    )
    assert answer.status == 401


def test_participant_that_is_not_on_the_list_gets_no_contract(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ferry.dsp")
    logging.getLogger("ferry.dsp").addHandler(caplog.handler)
    others = json.dumps({"other": "did:web:other.test:api"})
    with pytest.raises(AssertionError):
        pair_of(signed("consumer"), signed("provider", FERRY_PARTNERS=others))
    assert "refused a peer: issuer: its issuer is not among our partners (FERRY_PARTNERS)" in caplog.text


def test_message_that_comes_while_keys_are_away_is_sent_again(pair: Pair) -> None:
    """The provider cannot read the consumer's keys for a while; nothing fails for it."""
    consumer = pair.consumer.core.settings.public_url

    def keyless(method: str, url: str, headers: object, body: object) -> PeerAnswer:
        return PeerAnswer(503)

    pair.world.clock.advance(600)
    pair.world.network.attach(f"{consumer}/api/did.json", keyless)
    handled = pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    pair.drain()
    assert pair.transfer(handled.process.id).state is TransferState.REQUESTING
    pair.world.network.detach(f"{consumer}/api/did.json")
    pair.run(seconds=120)
    assert pair.transfer(handled.process.id).state is TransferState.COMPLETED
