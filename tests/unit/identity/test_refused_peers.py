"""Tokens that no peer may show: each is refused by the check that it is meant for, and the log names that check."""

import json
import logging
from collections.abc import Callable

import pytest

from ferry.adapters.vault_signer import public_jwk
from ferry.api.dsp.answers import PeerEndpoint
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.protocol.envelope import catalog_error
from ferry.protocol.tokens import TOKEN_LIMIT, Check
from tests.unit.identity.forge import Recipe, b64, key_of, public_pem_of, rsa_key_of, written
from tests.unit.identity.peers import OTHERS, OURS, THEIRS, Peers, key_id_of

type Make = Callable[[Recipe], str]

# 2026-01-01, the start of the virtual clock, and the 1000 s that have passed since.
NOW = 1_767_225_600 + 1000
PUBLIC_KEY = public_pem_of(key_of("consumer"))

CORPUS: dict[str, tuple[Check, Make]] = {
    # no token, or none that can be read
    "nothing": (Check.SCHEME, lambda it: ""),
    "another scheme": (Check.SCHEME, lambda it: f"Basic {it.token()}"),
    "no scheme": (Check.SCHEME, lambda it: it.token()),
    "the mock's claim": (Check.SCHEME, lambda it: '{"clientId": "consumer"}'),
    "the mock's claim as bearer": (Check.FORM, lambda it: 'Bearer {"clientId":"consumer"}'),
    "truncated": (Check.FORM, lambda it: "Bearer " + ".".join(it.parts()[:2])),
    "signature cut off": (Check.FORM, lambda it: "Bearer " + ".".join([*it.parts()[:2], ""])),
    "signature cut in half": (Check.SIGNATURE, lambda it: f"Bearer {it.token()[:-40]}"),
    "two signatures": (Check.FORM, lambda it: f"Bearer {it.token()}.{it.parts()[2]}"),
    "encrypted (five parts)": (Check.FORM, lambda it: "Bearer " + ".".join([*it.parts(), "a", "b"])),
    "padding": (Check.FORM, lambda it: f"Bearer {it.token()}=="),
    "plain base64": (Check.FORM, lambda it: "Bearer " + "+/".join(it.parts())),
    "another letter": (Check.FORM, lambda it: f"Bearer {it.token()}é"),
    "JSON serialisation": (Check.FORM, lambda it: "Bearer " + json.dumps({"payload": it.parts()[1]})),
    "not UTF-8": (Check.FORM, lambda it: "Bearer " + it.resigned(it.parts()[0], b64(b'{"iss": "\xff\xfe"}'))),
    "claims are a list": (Check.FORM, lambda it: "Bearer " + it.resigned(it.parts()[0], written(["iss"]))),
    "header is text": (Check.FORM, lambda it: "Bearer " + it.resigned(written("ES256"), it.parts()[1])),
    "a claim twice": (
        Check.FORM,
        lambda it: "Bearer " + it.resigned(it.parts()[0], b64(b'{"iss": "a", "iss": "' + THEIRS.encode() + b'"}')),
    ),
    "deeply nested": (Check.FORM, lambda it: "Bearer " + it.resigned(it.parts()[0], b64(b"[" * 10_000))),
    "huge": (Check.SIZE, lambda it: "Bearer " + it.token(more="x" * TOKEN_LIMIT)),
    # algorithms
    "none": (Check.FORM, lambda it: f"Bearer {it.unsigned()}"),
    "none with a signature": (Check.ALGORITHM, lambda it: "Bearer " + it.token(header={"alg": "none"})),
    "None in other letters": (Check.ALGORITHM, lambda it: "Bearer " + it.token(header={"alg": "nOnE"})),
    "HS256 with the public key": (Check.ALGORITHM, lambda it: f"Bearer {it.with_hmac(PUBLIC_KEY)}"),
    "RS256": (
        Check.ALGORITHM,
        lambda it: "Bearer " + Recipe(rsa_key_of("x"), "RS256", it.header_with(alg="RS256"), it.claims).token(),
    ),
    "ES384 in the header": (Check.ALGORITHM, lambda it: "Bearer " + it.token(header={"alg": "ES384"})),
    "RSA behind ES256": (
        Check.SIGNATURE,
        lambda it: "Bearer " + Recipe(rsa_key_of("x"), "RS256", it.header, it.claims).token(),
    ),
    "no algorithm": (Check.ALGORITHM, lambda it: "Bearer " + it.token(header={"alg": None})),
    # headers
    "another type": (Check.TYPE, lambda it: "Bearer " + it.token(header={"typ": "dpop+jwt"})),
    "unknown critical extension": (Check.CRITICAL, lambda it: "Bearer " + it.token(header={"crit": ["exp"]})),
    "critical, but empty": (Check.CRITICAL, lambda it: "Bearer " + it.token(header={"crit": []})),
    "unencoded payload": (Check.CRITICAL, lambda it: "Bearer " + it.token(header={"b64": False, "crit": ["b64"]})),
    # keys
    "no kid": (Check.KEY, lambda it: "Bearer " + it.token(header={"kid": None})),
    "kid is a number": (Check.KEY, lambda it: "Bearer " + it.token(header={"kid": 7})),
    "unknown kid": (Check.KEY, lambda it: "Bearer " + it.token(header={"kid": f"{THEIRS}#other"})),
    "kid without owner": (
        Check.KEY,
        lambda it: "Bearer " + it.token(header={"kid": public_jwk(key_of("consumer"))["kid"]}),
    ),
    "kid of another partner": (
        Check.KEY,
        lambda it: "Bearer " + it.token(key=key_of("other"), header={"kid": key_id_of(OTHERS, "other")}),
    ),
    "key of another partner": (Check.SIGNATURE, lambda it: "Bearer " + it.token(key=key_of("other"))),
    "embedded key": (
        Check.SIGNATURE,
        lambda it: "Bearer " + it.token(key=key_of("evil"), header={"jwk": dict(public_jwk(key_of("evil")))}),
    ),
    "address of a key": (
        Check.SIGNATURE,
        lambda it: "Bearer " + it.token(key=key_of("evil"), header={"jku": "https://evil.example/keys"}),
    ),
    "certificate": (
        Check.SIGNATURE,
        lambda it: "Bearer " + it.token(key=key_of("evil"), header={"x5c": ["MIIB"], "x5u": "https://evil.example"}),
    ),
    "embedded key under its own kid": (
        Check.KEY,
        lambda it: (
            "Bearer "
            + it.token(key=key_of("evil"), header={"jwk": dict(public_jwk(key_of("evil"))), "kid": f"{THEIRS}#evil"})
        ),
    ),
    "claims changed afterwards": (
        Check.SIGNATURE,
        lambda it: "Bearer " + ".".join([it.parts()[0], it.parts(jti="other")[1], it.parts()[2]]),
    ),
    # who and for whom
    "stranger": (Check.ISSUER, lambda it: "Bearer " + it.token(iss="did:web:evil.example", sub="did:web:evil.example")),
    "no issuer": (Check.ISSUER, lambda it: "Bearer " + it.token(iss=None)),
    "issuer is a list": (Check.ISSUER, lambda it: "Bearer " + it.token(iss=[THEIRS])),
    "participant id for a DID": (Check.ISSUER, lambda it: "Bearer " + it.token(iss="consumer", sub="consumer")),
    "our own DID": (Check.ISSUER, lambda it: "Bearer " + it.token(iss=OURS, sub=OURS)),
    "our participant id": (Check.KEY, lambda it: "Bearer " + it.token(iss="provider", sub="provider")),
    "another subject": (Check.SUBJECT, lambda it: "Bearer " + it.token(sub=OTHERS)),
    "no subject": (Check.SUBJECT, lambda it: "Bearer " + it.token(sub=None)),
    "another audience": (Check.AUDIENCE, lambda it: "Bearer " + it.token(aud=OTHERS)),
    "several audiences": (Check.AUDIENCE, lambda it: "Bearer " + it.token(aud=[OURS, OTHERS])),
    "no audience": (Check.AUDIENCE, lambda it: "Bearer " + it.token(aud=None)),
    "our address as audience": (Check.AUDIENCE, lambda it: "Bearer " + it.token(aud="https://provider.example/api")),
    # when
    "expired": (Check.EXPIRY, lambda it: "Bearer " + it.token(iat=NOW - 200, exp=NOW - 61)),
    "no expiry": (Check.EXPIRY, lambda it: "Bearer " + it.token(exp=None)),
    "expiry is text": (Check.EXPIRY, lambda it: "Bearer " + it.token(exp=str(NOW + 60))),
    "expiry is true": (Check.EXPIRY, lambda it: "Bearer " + it.token(exp=True)),
    "expiry beyond reason": (Check.EXPIRY, lambda it: "Bearer " + it.token(exp=10**30)),
    "not yet valid": (Check.NOT_BEFORE, lambda it: "Bearer " + it.token(nbf=NOW + 61)),
    "from the future": (Check.ISSUED_AT, lambda it: "Bearer " + it.token(iat=NOW + 61, exp=NOW + 90)),
    "no time of issue": (Check.ISSUED_AT, lambda it: "Bearer " + it.token(iat=None)),
    "valid for too long": (Check.LIFETIME, lambda it: "Bearer " + it.token(exp=NOW + 301)),
    "ends before it begins": (Check.LIFETIME, lambda it: "Bearer " + it.token(iat=NOW + 30, exp=NOW - 30)),
    # once
    "no id": (Check.TOKEN_ID, lambda it: "Bearer " + it.token(jti=None)),
    "empty id": (Check.TOKEN_ID, lambda it: "Bearer " + it.token(jti="")),
    "huge id": (Check.TOKEN_ID, lambda it: "Bearer " + it.token(jti="x" * 513)),
}


@pytest.fixture(scope="module")
def peers() -> Peers:
    """No case depends on another: none of them is accepted."""
    return Peers()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of the protocol's endpoints, also where another test has set up ours."""
    caplog.set_level(logging.INFO, logger="ferry.dsp")
    logging.getLogger("ferry.dsp").addHandler(caplog.handler)
    return caplog


def asked(peers: Peers, authorization: str | None) -> ApiAnswer:
    """What an endpoint of the protocol answers to that header."""
    headers = {} if authorization is None else {"authorization": authorization}
    return PeerEndpoint(peers.identity).answered(
        ApiRequest("GET", "x", headers),
        lambda status, reasons, _: catalog_error(status, reasons),
        lambda request, peer_id: ApiAnswer(200, peer_id),
    )


@pytest.mark.parametrize("name", CORPUS)
def test_token_is_refused_for_its_reason(peers: Peers, told: pytest.LogCaptureFixture, name: str) -> None:
    check, make = CORPUS[name]
    header = make(peers.recipe())
    answer = asked(peers, header)
    assert answer.status == 401
    (record,) = {record.getMessage() for record in told.records}
    assert record.startswith(f"refused a peer: {check.value}: "), record
    # The caller learns nothing of why, and the log nothing of the token.
    assert answer.body == catalog_error(401, ["the caller did not show who it is"])
    for part in header.removeprefix("Bearer ").split("."):
        assert len(part) < 20 or part not in record


def test_corpus_is_large_and_covers_every_check_but_the_replay() -> None:
    assert len(CORPUS) >= 60
    assert {check for check, _ in CORPUS.values()} == set(Check) - {Check.REPLAY}


def test_good_token_is_accepted_by_the_partners_name(peers: Peers) -> None:
    assert asked(peers, "Bearer " + peers.recipe(jti="good").token()).body == "consumer"


@pytest.mark.parametrize("marks", [{"typ": None}, {"typ": "jwt"}, {"jku": "https://evil.example"}, {"x5t": "x"}])
def test_header_that_is_not_looked_at_does_no_harm(peers: Peers, marks: dict[str, str | None]) -> None:
    token = peers.recipe(jti=f"header {marks}").token(header=marks)
    assert asked(peers, f"bearer  {token}").body == "consumer"
    assert not any("evil" in url for url in peers.fetched)


def test_token_serves_once(peers: Peers, told: pytest.LogCaptureFixture) -> None:
    header = "Bearer " + peers.recipe(jti="once").token()
    assert asked(peers, header).status == 200
    assert asked(peers, header).status == 401
    assert told.records[-1].getMessage().startswith("refused a peer: replay: ")


def test_signature_in_another_spelling_is_the_same_token(peers: Peers) -> None:
    token = peers.recipe(jti="spelling").token()
    # 64 bytes leave four bits of the last letter free.
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = token[:-1] + last[last.index(token[-1]) ^ 1]
    assert asked(peers, f"Bearer {token}").status == 200
    assert asked(peers, f"Bearer {other}").status == 401


def test_error_of_a_refused_message_does_not_use_the_token_up_twice(peers: Peers) -> None:
    """What is refused for another reason is refused for that reason: who asks is found out once."""
    answer = PeerEndpoint(peers.identity).answered(
        ApiRequest("GET", "x", {"authorization": "Bearer " + peers.recipe(jti="error").token()}),
        lambda status, reasons, peer_id: {"peer": peer_id},
        lambda request, peer_id: _refuse(),
    )
    assert (answer.status, answer.body) == (404, {"peer": "consumer"})


def _refuse() -> ApiAnswer:
    from ferry.domain.faults import NotFound

    raise NotFound("transfer", "x")
