"""Who may use the management API: a key, a token of Entra ID, or whoever the host lets in (decision record 9).

A refusal says in the log which check failed, and to the caller nothing.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ferry.api.http import ApiRequest, Forbidden, check_api_key
from ferry.api.management.routes import Route
from ferry.domain.faults import EffectFailed, FaultCode, FerryError
from ferry.domain.process import Json, JsonObject
from ferry.ports.clock import Clock
from ferry.ports.keys import KeyDocuments
from ferry.protocol.signed_identity import single
from ferry.protocol.tokens import Check, Token, TokenRefused, check_times, read_token

log = logging.getLogger("ferry.management")

ALGORITHM = "RS256"

_UNDECIDED = "who you are cannot be checked now; trying again may help"


class Need(StrEnum):
    """What a route asks of its caller; also the name of the scope or role that grants it."""

    READ = "read"
    WRITE = "write"


class MissingScope(FerryError):
    """The caller is known, and may not do this (HTTP 403)."""

    def __init__(self, need: Need) -> None:
        super().__init__(f"the token grants neither scope nor role {need.value!r}")
        self.need = need


class Access(Protocol):
    """Lets a caller in, or not."""

    def check(self, request: ApiRequest, need: Need) -> None:
        """Raises Forbidden, MissingScope, and EffectFailed where it cannot be decided now."""
        ...


class HostAccess:
    """The host itself has let only the right callers in (function keys)."""

    def check(self, request: ApiRequest, need: Need) -> None:
        """Nothing is left to check."""


@dataclass(frozen=True, slots=True)
class ApiKeyAccess:
    """One key in `x-api-key`, which opens everything."""

    api_key: str = field(repr=False)

    def check(self, request: ApiRequest, need: Need) -> None:
        """Raises Forbidden."""
        try:
            check_api_key(request, self.api_key)
        except Forbidden:
            _tell("api-key", need)
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraAccess:
    """Access tokens of Entra ID: delegated ones with scopes (`scp`), those of apps with roles (`roles`)."""

    issuer: str
    audience: str
    jwks_url: str
    documents: KeyDocuments
    clock: Clock

    def check(self, request: ApiRequest, need: Need) -> None:
        """Raises as the port says."""
        try:
            claims = self._proven(request)
        except TokenRefused as error:
            _tell(error.check.value, need, error)
            raise Forbidden("the token was refused") from error
        except EffectFailed as error:
            log.warning("a management request cannot be authenticated: %s", error)
            raise EffectFailed.because(FaultCode.IDENTITY_UNAVAILABLE, _UNDECIDED, retryable=True) from error
        if need.value not in granted(claims):
            _tell("scope", need)
            raise MissingScope(need)

    def _proven(self, request: ApiRequest) -> JsonObject:
        token = read_token(request.headers.get("authorization"), ALGORITHM)
        if token.claims.get("iss") != self.issuer:
            raise TokenRefused(Check.ISSUER, f"it was not issued by {self.issuer}")
        token.prove(self._key(token))
        if single(token.claims.get("aud")) != self.audience:
            raise TokenRefused(Check.AUDIENCE, f"it was issued for another app than {self.audience}")
        check_times(token.claims, self.clock.now())
        return token.claims

    def _key(self, token: Token) -> JsonObject:
        for read in (self.documents.get, self.documents.again):
            keys = read(self.jwks_url).get("keys")
            for key in keys if isinstance(keys, Sequence) and not isinstance(keys, str) else ():
                if isinstance(key, Mapping) and key.get("kid") == token.key_id:
                    return key
        raise TokenRefused(Check.KEY, f"the key that it names is not published at {self.jwks_url}")


def granted(claims: JsonObject) -> frozenset[str]:
    """The scopes and roles that a token grants."""
    scopes, roles = claims.get("scp"), claims.get("roles")
    found = scopes.split() if isinstance(scopes, str) else []
    return frozenset([*found, *_texts(roles)])


def need_of(route: Route) -> Need:
    """Reading is GET, and the queries that EDC makes with POST; an order to a process is none of them."""
    is_query = route.method == "POST" and route.path.endswith("/request") and "{" not in route.path
    return Need.READ if route.method == "GET" or is_query else Need.WRITE


def _texts(value: Json) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [it for it in value if isinstance(it, str)]


def _tell(check: str, need: Need, error: TokenRefused | None = None) -> None:
    said = {"check": check, "need": need.value}
    log.warning("refused a management request: %s", error or check, extra={"ferry": said})
