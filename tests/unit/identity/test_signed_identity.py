"""Two sides of a signed identity: who gets which token, whose keys are asked, and how often."""

import json

import jwt
import pytest

from ferry.adapters.key_documents import KEPT_SECONDS, PAUSE_SECONDS
from ferry.adapters.memory_vault import MemoryVault
from ferry.adapters.vault_signer import public_jwk
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.peer import PeerAnswer
from ferry.protocol import did
from ferry.protocol.replays import SeenTokens
from ferry.protocol.tokens import Check, TokenRefused
from tests.unit.identity.forge import key_of
from tests.unit.identity.peers import OTHERS, OURS, PARTNERS, THEIRS, Peers, key_id_of


@pytest.fixture
def peers() -> Peers:
    return Peers()


def claims_in(header: str) -> dict[str, object]:
    """The claims of a token, unproven."""
    return jwt.decode(header.removeprefix("Bearer "), options={"verify_signature": False})


def refused(peers: Peers, header: str) -> Check:
    """The check that the token fails."""
    with pytest.raises(TokenRefused) as error:
        peers.identity.identify(header)
    return error.value.check


# --- what we show ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "audience"),
    [
        ("https://consumer.example:8443/api/dsp/2025-1/consumer", THEIRS),
        ("https://consumer.example:8443/api", THEIRS),
        ("https://dsp.other.example/connector/x", OTHERS),
    ],
)
def test_partner_is_told_who_we_are_for_a_short_time(peers: Peers, address: str, audience: str) -> None:
    claims = claims_in(peers.identity.authorization(address))
    at = int(peers.now.timestamp())
    assert (claims["iss"], claims["sub"], claims["aud"]) == (OURS, OURS, audience)
    assert claims["iat"] == at
    assert claims["exp"] == at + 120


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/api",
        "https://consumer.example:8443/apiary",
        "https://consumer.example:8443",
        "https://consumer.example/api/dsp",
        "http://consumer.example:8443/api/dsp",
        "https://consumer.example:8443@evil.example/api",
        "https://dsp.other.example/connectors",
        "https://provider.example/api/control",
    ],
)
def test_address_of_no_partner_gets_no_token(peers: Peers, address: str) -> None:
    with pytest.raises(EffectFailed) as refusal:
        peers.identity.authorization(address)
    assert (refusal.value.fault.code, refusal.value.fault.retryable) == (FaultCode.ADDRESS_FORBIDDEN, False)
    claims = claims_in(peers.identity.plane_authorization(address))
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("provider", "provider", address)


def test_no_two_tokens_have_one_id(peers: Peers) -> None:
    ids = {claims_in(peers.identity.authorization("https://dsp.other.example/connector"))["jti"] for _ in range(50)}
    assert len(ids) == 50


def test_two_participants_know_each_other(peers: Peers) -> None:
    peers.publish(OURS, "provider")
    vault = MemoryVault(peers.clock)
    consumer = peers.participant("consumer", THEIRS, {"provider": (OURS, None)}, vault)
    document = consumer.document()
    assert document is not None
    peers.documents[did.document_url(THEIRS)] = document
    header = consumer.authorization("https://provider.example/api/dsp/2025-1")
    assert peers.identity.identify(header) == "consumer"
    answer = peers.identity.authorization("https://consumer.example:8443/api/dsp/2025-1/consumer")
    assert consumer.identify(answer) == "provider"


def test_document_names_every_key_and_where_the_protocol_is_found(peers: Peers) -> None:
    document = peers.identity.document()
    key_id = key_id_of(OURS, "provider")
    assert document is not None
    assert (document["id"], document["authentication"], document["assertionMethod"]) == (OURS, [key_id], [key_id])
    told = json.loads(json.dumps(document))
    (method,) = told["verificationMethod"]
    assert (method["id"], method["controller"], method["type"]) == (key_id, OURS, "JsonWebKey2020")
    assert method["publicKeyJwk"].keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert told["service"][0]["serviceEndpoint"] == "https://versions.example"


# --- planes of ours ----------------------------------------------------------------------------------------------


def test_plane_with_our_vault_is_ourselves_at_the_address_that_it_calls(peers: Peers) -> None:
    plane = peers.participant("provider", "did:web:plane.example:api", PARTNERS, peers.vault)
    header = plane.plane_authorization("https://provider.example/api/control")
    assert peers.identity.identify(header) == "provider"
    assert peers.fetched == []
    assert refused(peers, header) is Check.REPLAY


def test_plane_token_for_another_address_is_refused(peers: Peers) -> None:
    plane = peers.participant("provider", "did:web:plane.example:api", PARTNERS, peers.vault)
    for address in ("https://evil.example/api", "https://provider.example.evil.example/api"):
        assert refused(peers, plane.plane_authorization(address)) is Check.AUDIENCE


def test_plane_with_another_vault_is_a_stranger(peers: Peers) -> None:
    stranger = peers.participant("provider", "did:web:plane.example:api", PARTNERS, MemoryVault(peers.clock))
    assert refused(peers, stranger.plane_authorization("https://provider.example/api/control")) is Check.KEY


def test_partner_list_never_lets_somebody_pass_for_us(peers: Peers) -> None:
    listed = {**PARTNERS, "provider": (OTHERS, None), "us": (OURS, None)}
    own = peers.participant("provider", OURS, listed, peers.vault)
    assert {partner.participant_id for partner in own.partners} == {"consumer", "other"}


# --- keys of partners --------------------------------------------------------------------------------------------


def test_document_is_asked_for_once_in_five_minutes(peers: Peers) -> None:
    for number in range(3):
        peers.identity.identify("Bearer " + peers.recipe(jti=f"a{number}").token())
    assert len(peers.fetched) == 1
    peers.clock.advance(KEPT_SECONDS)
    peers.identity.identify("Bearer " + peers.recipe(jti="b").token())
    assert len(peers.fetched) == 2


def test_key_that_is_new_is_asked_for_once_more(peers: Peers) -> None:
    peers.identity.identify("Bearer " + peers.recipe(jti="a").token())
    peers.publish(THEIRS, "consumer", "next")
    peers.clock.advance(PAUSE_SECONDS)
    token = peers.recipe(jti="b").token(key=key_of("next"), header={"kid": key_id_of(THEIRS, "next")})
    assert peers.identity.identify(f"Bearer {token}") == "consumer"
    assert len(peers.fetched) == 2


def test_nobody_makes_us_ask_more_often_than_every_ten_seconds(peers: Peers) -> None:
    for number in range(20):
        assert refused(peers, "Bearer " + peers.recipe().token(header={"kid": f"{THEIRS}#{number}"})) is Check.KEY
    assert len(peers.fetched) == 1
    peers.clock.advance(PAUSE_SECONDS)
    assert refused(peers, "Bearer " + peers.recipe().token(header={"kid": f"{THEIRS}#x"})) is Check.KEY
    assert len(peers.fetched) == 2


def test_key_that_was_withdrawn_counts_no_more_after_five_minutes(peers: Peers) -> None:
    peers.identity.identify("Bearer " + peers.recipe(jti="a").token())
    peers.publish(THEIRS, "next")
    peers.clock.advance(KEPT_SECONDS)
    assert refused(peers, "Bearer " + peers.recipe(jti="b").token()) is Check.KEY


def test_partner_whose_document_is_away_may_try_again_and_is_not_asked_each_time(peers: Peers) -> None:
    asked: list[str] = []
    url = did.document_url(THEIRS)

    def away(method: str, url: str, headers: object, body: object) -> PeerAnswer:
        asked.append(url)
        return PeerAnswer(502)

    peers.network.attach(url, away)
    for _ in range(3):
        with pytest.raises(EffectFailed) as failed:
            peers.identity.identify("Bearer " + peers.recipe().token())
        assert (failed.value.fault.code, failed.value.fault.retryable) == (FaultCode.IDENTITY_UNAVAILABLE, True)
    assert asked == [url]
    peers.publish(THEIRS, "consumer")
    peers.clock.advance(PAUSE_SECONDS)
    assert peers.identity.identify("Bearer " + peers.recipe().token()) == "consumer"


def test_strangers_document_is_never_asked_for(peers: Peers) -> None:
    stranger = "did:web:evil.example"
    assert refused(peers, "Bearer " + peers.recipe(iss=stranger, sub=stranger).token()) is Check.ISSUER
    assert peers.fetched == []


@pytest.mark.parametrize(
    "changes",
    [
        {"id": OTHERS},
        {"id": None},
        {"verificationMethod": None},
        {"verificationMethod": ["x"]},
        {"verificationMethod": "x"},
        {"authentication": ["#other"]},
        {"authentication": "#other"},
    ],
)
def test_document_that_does_not_vouch_for_the_key_is_no_proof(peers: Peers, changes: dict[str, object]) -> None:
    peers.publish(THEIRS, "consumer", **changes)
    assert refused(peers, "Bearer " + peers.recipe().token()) is Check.KEY


def test_document_cannot_vouch_for_a_key_under_anothers_name(peers: Peers) -> None:
    foreign = {
        "id": key_id_of(OTHERS, "other"),
        "controller": THEIRS,
        "publicKeyJwk": public_jwk(key_of("consumer")),
    }
    peers.publish(THEIRS, "consumer", verificationMethod=[foreign], authentication=[foreign["id"]])
    assert refused(peers, "Bearer " + peers.recipe().token(header={"kid": foreign["id"]})) is Check.KEY


KEY_ID = key_id_of(THEIRS, "consumer")


@pytest.mark.parametrize("listed", [None, [], [KEY_ID], [KEY_ID.removeprefix(THEIRS)], [{"id": KEY_ID}], KEY_ID])
def test_document_may_name_its_keys_in_several_ways(peers: Peers, listed: object) -> None:
    peers.publish(THEIRS, "consumer", authentication=listed)
    assert peers.identity.identify("Bearer " + peers.recipe().token()) == "consumer"


# --- where a DID leads -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ("did:web:host.example", "https://host.example/.well-known/did.json"),
        ("did:web:host.example:api", "https://host.example/api/did.json"),
        ("did:web:host.example%3A8443:api:x", "https://host.example:8443/api/x/did.json"),
        ("did:web:127.0.0.1%3A8083", "http://127.0.0.1:8083/.well-known/did.json"),
        ("did:web:localhost%3a7071:api", "http://localhost:7071/api/did.json"),
    ],
)
def test_did_leads_to_its_document(told: str, url: str) -> None:
    assert did.document_url(told, local_http=True) == url
    assert did.document_url(told).startswith("https://")


@pytest.mark.parametrize("url", ["https://host.example/api", "https://host.example:8443/api", "http://127.0.0.1:1/api"])
def test_did_of_an_app_leads_back_to_it(url: str) -> None:
    assert did.base_of(did.did_of(url), local_http=True) == url


@pytest.mark.parametrize(
    "told",
    ["", "did:web:", "did:key:z6Mk", "did:web:host/x", "did:web:user@host", "did:web:host:..%2F", "did:web:h%3A99999"],
)
def test_other_dids_lead_nowhere(told: str) -> None:
    from ferry.domain.faults import InvalidInput

    with pytest.raises(InvalidInput):
        did.document_url(told)


# --- once --------------------------------------------------------------------------------------------------------


def test_ids_are_those_of_their_issuer() -> None:
    seen = SeenTokens()
    assert seen.is_first("a", "1", until=10, now=0)
    assert seen.is_first("b", "1", until=10, now=0)
    assert not seen.is_first("a", "1", until=10, now=9)


def test_what_has_run_out_is_forgotten() -> None:
    seen = SeenTokens()
    assert seen.is_first("a", "1", until=10, now=0)
    assert seen.is_first("a", "1", until=30, now=10)


def test_partner_that_sends_too_many_forgets_its_own_oldest_ones() -> None:
    seen = SeenTokens(limit=3)
    assert seen.is_first("quiet", "1", until=100, now=0)
    assert all(seen.is_first("loud", str(number), until=100, now=0) for number in range(10))
    assert not seen.is_first("quiet", "1", until=100, now=0)
    assert not seen.is_first("loud", "9", until=100, now=0)
    assert seen.is_first("loud", "0", until=100, now=0)
