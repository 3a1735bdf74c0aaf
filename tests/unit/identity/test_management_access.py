"""Entra ID before the management API: what is let in, and every token that is refused, with the check in the log."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.key_documents import FetchedKeyDocuments
from ferry.adapters.memory_peer import MemoryNetwork, MemoryPeer
from ferry.adapters.vault_signer import public_jwk
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.access import Access, ApiKeyAccess, EntraAccess, HostAccess, Need, granted, need_of
from ferry.api.management.errors import guarded
from ferry.api.management.routes import MANAGEMENT_ROUTES
from ferry.domain.process import JsonObject
from ferry.ports.peer import PeerAnswer
from ferry.protocol.tokens import Check
from tests.unit.identity.forge import Recipe, key_of, public_pem_of, rsa_jwk, rsa_key_of, written

ISSUER = "https://login.microsoftonline.com/tenant/v2.0"
JWKS = "https://login.microsoftonline.com/tenant/discovery/v2.0/keys"
AUDIENCE = "api://ferry"
NOW = 1_767_225_600


def recipe(**changes: Any) -> Recipe:
    """A token of Entra ID that may do everything."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "somebody",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
        "scp": "read write",
        **changes,
    }
    return Recipe(rsa_key_of("entra"), "RS256", {"alg": "RS256", "typ": "JWT", "kid": "entra"}, claims)


@dataclass(slots=True)
class Entra:
    """The issuer, whose keys tests may change, and the app that trusts it."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    keys: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    access: EntraAccess = field(init=False)

    def __post_init__(self) -> None:
        self.keys += [
            rsa_jwk(rsa_key_of("entra"), "entra"),
            rsa_jwk(rsa_key_of("weak", 1024), "weak"),
            {**rsa_jwk(rsa_key_of("entra"), "encrypts"), "use": "enc"},
            {**public_jwk(key_of("elliptic")), "kid": "elliptic"},
        ]
        self.network.attach(JWKS, self._publish)
        self.access = EntraAccess(
            issuer=ISSUER,
            audience=AUDIENCE,
            jwks_url=JWKS,
            documents=FetchedKeyDocuments(MemoryPeer(self.network), clock=self.clock),
            clock=self.clock,
        )

    def _publish(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        assert (method, url, dict(headers), body) == ("GET", JWKS, {}, None)
        return PeerAnswer(200, {"keys": [dict(key) for key in self.keys]})


@pytest.fixture(scope="module")
def entra() -> Entra:
    """No case depends on another."""
    return Entra()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of the management API, also where another test has set up ours."""
    caplog.set_level(logging.INFO, logger="ferry.management")
    logging.getLogger("ferry.management").addHandler(caplog.handler)
    return caplog


def asked(access: Access, header: str, need: Need = Need.WRITE, name: str = "authorization") -> ApiAnswer:
    """What the API answers to a request with that header."""
    return guarded(lambda request: ApiAnswer(200), access=access, need=need)(ApiRequest("GET", "x", {name: header}))


type Make = Callable[[Recipe], str]

CORPUS: dict[str, tuple[Check, Make]] = {
    "nothing": (Check.SCHEME, lambda it: ""),
    "another scheme": (Check.SCHEME, lambda it: f"Basic {it.token()}"),
    "truncated": (Check.FORM, lambda it: "Bearer " + ".".join(it.parts()[:2])),
    "two signatures": (Check.FORM, lambda it: f"Bearer {it.token()}.{it.parts()[2]}"),
    "padding": (Check.FORM, lambda it: f"Bearer {it.token()}="),
    "not UTF-8": (Check.FORM, lambda it: "Bearer " + it.resigned(it.parts()[0], "_w")),
    "huge": (Check.SIZE, lambda it: "Bearer " + it.token(groups=["x" * 100] * 200)),
    "none": (Check.FORM, lambda it: f"Bearer {it.unsigned()}"),
    "none with a signature": (Check.ALGORITHM, lambda it: "Bearer " + it.token(header={"alg": "none"})),
    "HS256 with the public key": (
        Check.ALGORITHM,
        lambda it: "Bearer " + it.with_hmac(public_pem_of(rsa_key_of("entra"))),
    ),
    "ES256": (
        Check.ALGORITHM,
        lambda it: "Bearer " + Recipe(key_of("elliptic"), "ES256", it.header_with(alg="ES256"), it.claims).token(),
    ),
    "PS256 in the header": (Check.ALGORITHM, lambda it: "Bearer " + it.token(header={"alg": "PS256"})),
    "PS256 behind RS256": (
        Check.SIGNATURE,
        lambda it: "Bearer " + Recipe(rsa_key_of("entra"), "PS256", it.header, it.claims).token(),
    ),
    "RS512 behind RS256": (
        Check.SIGNATURE,
        lambda it: "Bearer " + Recipe(rsa_key_of("entra"), "RS512", it.header, it.claims).token(),
    ),
    "identity token's type": (Check.TYPE, lambda it: "Bearer " + it.token(header={"typ": "id+jwt"})),
    "critical extension": (Check.CRITICAL, lambda it: "Bearer " + it.token(header={"crit": ["x"], "x": 1})),
    "no kid": (Check.KEY, lambda it: "Bearer " + it.token(header={"kid": None})),
    "unknown kid": (Check.KEY, lambda it: "Bearer " + it.token(header={"kid": "other"})),
    "key for encryption": (Check.KEY, lambda it: "Bearer " + it.token(header={"kid": "encrypts"})),
    "key of another kind": (Check.KEY, lambda it: "Bearer " + it.token(header={"kid": "elliptic"})),
    "weak key": (Check.KEY, lambda it: "Bearer " + it.token(key=rsa_key_of("weak", 1024), header={"kid": "weak"})),
    "another key": (Check.SIGNATURE, lambda it: "Bearer " + it.token(key=rsa_key_of("evil"))),
    "embedded key": (
        Check.SIGNATURE,
        lambda it: (
            "Bearer "
            + it.token(
                key=rsa_key_of("evil"), header={"jwk": rsa_jwk(rsa_key_of("evil"), "entra"), "jku": "https://e.x"}
            )
        ),
    ),
    "claims changed afterwards": (
        Check.SIGNATURE,
        lambda it: "Bearer " + ".".join([it.parts()[0], written(it.claims_with(sub="admin")), it.parts()[2]]),
    ),
    "another tenant": (
        Check.ISSUER,
        lambda it: "Bearer " + it.token(iss="https://login.microsoftonline.com/other/v2.0"),
    ),
    "no issuer": (Check.ISSUER, lambda it: "Bearer " + it.token(iss=None)),
    "issuer with a slash": (Check.ISSUER, lambda it: "Bearer " + it.token(iss=f"{ISSUER}/")),
    "another app": (Check.AUDIENCE, lambda it: "Bearer " + it.token(aud="api://other")),
    "several apps": (Check.AUDIENCE, lambda it: "Bearer " + it.token(aud=[AUDIENCE, "api://other"])),
    "no audience": (Check.AUDIENCE, lambda it: "Bearer " + it.token(aud=None)),
    "expired": (Check.EXPIRY, lambda it: "Bearer " + it.token(exp=NOW - 60)),
    "no expiry": (Check.EXPIRY, lambda it: "Bearer " + it.token(exp=None)),
    "not yet valid": (Check.NOT_BEFORE, lambda it: "Bearer " + it.token(nbf=NOW + 61)),
    "not-before is true": (Check.NOT_BEFORE, lambda it: "Bearer " + it.token(nbf=True)),
    "not-before is text": (Check.NOT_BEFORE, lambda it: "Bearer " + it.token(nbf="now")),
    "from the future": (Check.ISSUED_AT, lambda it: "Bearer " + it.token(iat=NOW + 61)),
}


@pytest.mark.parametrize("name", CORPUS)
def test_token_is_refused_for_its_reason(entra: Entra, told: pytest.LogCaptureFixture, name: str) -> None:
    check, make = CORPUS[name]
    answer = asked(entra.access, make(recipe()))
    assert answer.status == 401
    assert answer.body == [
        {
            "message": "Request could not be authenticated",
            "type": "AuthenticationFailed",
            "path": None,
            "invalidValue": None,
        }
    ]
    (record,) = {record.getMessage(): record for record in told.records}.values()
    assert record.__dict__["ferry"] == {"check": check.value, "need": "write"}
    assert f": {check.value}: " in record.getMessage()


SCOPES: dict[str, tuple[Mapping[str, Any], set[Need]]] = {
    "none": ({"scp": None}, set()),
    "empty": ({"scp": "", "roles": []}, set()),
    "read": ({"scp": "read"}, {Need.READ}),
    "write": ({"scp": "write"}, {Need.WRITE}),
    "both": ({"scp": "openid read write"}, {Need.READ, Need.WRITE}),
    "role": ({"scp": None, "roles": ["read"]}, {Need.READ}),
    "scope and role": ({"scp": "read", "roles": ["write"]}, {Need.READ, Need.WRITE}),
    "in other letters": ({"scp": "Read WRITE"}, set()),
    "as part of a word": ({"scp": "readwrite unread", "roles": ["writer"]}, set()),
    "scopes as a list": ({"scp": ["write"]}, set()),
    "roles as text": ({"scp": None, "roles": "write"}, set()),
    "another claim": ({"scp": None, "scope": "write"}, set()),
}


@pytest.mark.parametrize("need", Need)
@pytest.mark.parametrize("name", SCOPES)
def test_scope_opens_what_it_says_and_no_more(
    entra: Entra, told: pytest.LogCaptureFixture, name: str, need: Need
) -> None:
    changes, opened = SCOPES[name]
    answer = asked(entra.access, "Bearer " + recipe().token(**changes), need)
    if need in opened:
        assert answer.status == 200
        return
    assert answer.status == 403
    assert answer.body == [
        {"message": "Request is not authorized", "type": "NotAuthorized", "path": None, "invalidValue": None}
    ]
    assert told.records[-1].__dict__["ferry"] == {"check": "scope", "need": need.value}


def test_scopes_and_roles_are_granted_together() -> None:
    assert granted({"scp": "a b", "roles": ["c", 7]}) == {"a", "b", "c"}


def test_client_shows_its_token_as_often_as_it_likes(entra: Entra) -> None:
    header = "Bearer " + recipe(uti="x").token()
    assert [asked(entra.access, header).status for _ in range(3)] == [200] * 3


def test_key_that_was_published_a_moment_ago_is_found() -> None:
    entra = Entra()
    assert asked(entra.access, "Bearer " + recipe().token()).status == 200
    entra.keys.append(rsa_jwk(rsa_key_of("next"), "next"))
    entra.clock.advance(30)
    header = "Bearer " + recipe().token(key=rsa_key_of("next"), header={"kid": "next"})
    assert asked(entra.access, header).status == 200


def test_issuer_that_is_away_is_no_refusal(told: pytest.LogCaptureFixture) -> None:
    entra = Entra()
    entra.network.detach(JWKS)
    answer = asked(entra.access, "Bearer " + recipe().token())
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    assert "login.microsoftonline.com" not in str(answer.body)
    assert any(JWKS in record.getMessage() for record in told.records)


def test_wrong_key_is_told_in_the_log_and_to_nobody_else(told: pytest.LogCaptureFixture) -> None:
    answer = asked(ApiKeyAccess("right"), "wrong", name="x-api-key")
    assert answer.status == 401
    assert "wrong" not in str(answer.body)
    assert told.records[0].__dict__["ferry"] == {"check": "api-key", "need": "write"}
    assert "wrong" not in told.text and "right" not in told.text


def test_each_access_lets_the_right_caller_in(entra: Entra) -> None:
    assert asked(ApiKeyAccess("right"), "right", name="x-api-key").status == 200
    assert asked(HostAccess(), "").status == 200
    assert asked(entra.access, "Bearer " + recipe().token(header={"typ": "at+jwt"})).status == 200


def test_orders_are_writing_and_queries_are_reading() -> None:
    by_need = {need: [it for it in MANAGEMENT_ROUTES if need_of(it) is need] for need in Need}
    assert {it.method for it in by_need[Need.READ]} == {"GET", "POST"}
    assert all(
        it.method == "GET" or it.handler.endswith((".query", ".request", "request_dataset"))
        for it in by_need[Need.READ]
    )
    changing = ("create", "update", "delete", "terminate", "deprovision", "suspend", "resume", "complete", "offer")
    for route in MANAGEMENT_ROUTES:
        if route.handler.rpartition(".")[2].startswith(changing):
            assert need_of(route) is Need.WRITE, route


def test_counter_request_is_an_order_though_its_path_ends_as_a_query() -> None:
    from dataclasses import replace

    query = next(it for it in MANAGEMENT_ROUTES if it.path == "management/v3/contractnegotiations/request")
    assert need_of(query) is Need.READ
    assert need_of(replace(query, path="management/v3/contractnegotiations/{id}/request")) is Need.WRITE
