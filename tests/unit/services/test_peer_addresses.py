"""Addresses that peers give us: none leads back to this app or its data plane, none swallows the paths we append."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from ferry.api.http import ApiRequest
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.effects.remote_data_plane import RemoteDataPlane
from ferry.services import management
from ferry.services.addresses import address_of_peer, not_our_own
from ferry.services.planes import plane_of
from tests.unit.api.client import client_of, faults_in
from tests.unit.api.dsp_client import body_of, consumer_of, transfer_request
from tests.unit.api.test_dsp_negotiations import contract_request
from tests.world.participants import Pair, make_pair, pair_of, settings_of

SETTINGS = settings_of(
    "provider", FERRY_PUBLIC_URL="https://provider.test", FERRY_DATA_PLANE_URL="http://plane.test:7071/api"
)
OURS = [
    "https://provider.test",
    "https://provider.test/api/control",
    "https://PROVIDER.test:443/api/dsp",
    "https://provider.test./api",
    "http://plane.test:7071/api/dataflows",
    "http://plane.test:7071/api/dataflows/x",
    "http://plane.test:7071/x/../api/dataflows",
    "http://plane.test:7071/%61pi/dataflows",
]
THEIRS = [
    "https://provider.test.example/api",
    "https://provider.test:8443/api",
    "http://plane.test:7072/api",
    "http://plane.test:7071/apiary",
    "http://127.0.0.1:7071/api/dsp/2025-1",
]


def allow(url: str) -> None:
    """Every address passes the egress guard."""


def code_of(check: Callable[[str], None], url: str) -> str | None:
    """The code with which an address is refused; None where it passes."""
    try:
        check(url)
    except EffectFailed as error:
        return error.fault.code
    return None


@pytest.fixture
def pair() -> Pair:
    return make_pair()


@pytest.mark.parametrize("url", OURS)
def test_address_of_our_own_is_refused(url: str) -> None:
    assert code_of(not_our_own(SETTINGS, allow), url) == FaultCode.ADDRESS_FORBIDDEN
    assert code_of(address_of_peer(SETTINGS, allow), url) == FaultCode.ADDRESS_FORBIDDEN


@pytest.mark.parametrize("url", THEIRS)
def test_address_of_somebody_else_passes(url: str) -> None:
    assert code_of(not_our_own(SETTINGS, allow), url) is None
    assert code_of(address_of_peer(SETTINGS, allow), url) is None


@pytest.mark.parametrize("url", ["https://a.test/x?", "https://a.test/x?y=", "https://a.test/#", "https://u@a.test"])
def test_address_that_swallows_paths_is_refused(url: str) -> None:
    assert code_of(address_of_peer(SETTINGS, allow), url) == FaultCode.ADDRESS_FORBIDDEN


def test_what_the_egress_guard_forbids_stays_forbidden() -> None:
    def forbid(url: str) -> None:
        raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, "not this one")

    assert code_of(address_of_peer(SETTINGS, forbid), "https://a.test") == FaultCode.ADDRESS_FORBIDDEN


@pytest.mark.parametrize(
    "callback", ["http://provider.test/api/control?", "http://provider.test/api", "http://a.test/?"]
)
def test_callback_that_leads_back_to_us_is_refused_and_nothing_is_sent(pair: Pair, callback: str) -> None:
    sent = len(pair.world.network.exchanges)
    client = consumer_of(pair)
    for body in (
        body_of(client.post("transfers/request", transfer_request(pair, callbackAddress=callback)), 400),
        body_of(client.post("negotiations/request", contract_request(callbackAddress=callback)), 400),
    ):
        assert "fault: ADDRESS_FORBIDDEN" in body["reason"]
    pair.drain()
    assert len(pair.world.network.exchanges) == sent


@pytest.mark.parametrize(
    "address", ["http://provider.test/api/dsp?x=", "http://provider.test/#", "http://u@provider.test"]
)
def test_counter_party_address_without_room_for_paths_is_refused(pair: Pair, address: str) -> None:
    order = {
        "counterPartyAddress": address,
        "protocol": "dataspace-protocol-http:2025-1",
    }
    assert "counterPartyAddress" in faults_in(client_of(pair.consumer).post("catalog/request", order))


def test_management_order_to_ourselves_is_refused(pair: Pair) -> None:
    core = pair.consumer.core
    handle = management.handlers(core, pair.consumer.dispatcher)["request_catalog"]
    order = {"counterPartyAddress": core.settings.dsp_url, "protocol": "dataspace-protocol-http:2025-1"}
    headers = {"x-api-key": core.settings.api_key}
    assert "counterPartyAddress" in faults_in(handle(ApiRequest("POST", "x", headers, body=json.dumps(order).encode())))


def test_planes_alone_are_told_by_the_peer_whose_tokens_open_them(pair: Pair) -> None:
    core = pair.provider.core
    settings = replace(core.settings, data_plane_url="http://plane.test/api")
    plane = plane_of(settings, core.outside, core.planes, core.flows)(None).plane
    assert isinstance(plane, RemoteDataPlane)
    assert plane.peer is core.outside.plane_peer
    assert core.outside.plane_peer is not core.outside.peer


def test_message_of_a_participant_that_signs_goes_to_partners_alone() -> None:
    partners = json.dumps({name: f"did:web:{name}.test:api" for name in ("consumer", "provider")})
    changes = {"FERRY_IDENTITY": "signed", "FERRY_PARTNERS": partners}
    sides = [settings_of(name, FERRY_PUBLIC_URL=f"https://{name}.test", **changes) for name in ("consumer", "provider")]
    pair = pair_of(sides[0], sides[1])
    outside = pair.provider.core.outside
    for address in ("https://provider.test/api/control", "https://stranger.test"):
        sent = len(pair.world.network.exchanges)
        with pytest.raises(EffectFailed) as refusal:
            outside.peer.post(f"{address}/x", {}, audience=address)
        assert refusal.value.fault.code == FaultCode.ADDRESS_FORBIDDEN
        assert len(pair.world.network.exchanges) == sent
