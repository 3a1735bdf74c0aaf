"""What opens a flow that is read over HTTP: access tokens that run out, and the refresh token that brings new ones.

Profile `https://w3id.org/dspace-sig/profile/http-pull` of Data Plane Signaling. An access token is a JWT of our own,
signed with a key that only this flow has; the vault holds that key and the refresh token, and when they are gone every
token is worthless. Who refreshes proves who it is by a JWT of its own (ES256), signed by a key in its
`did:web` document.
"""

import hmac
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.keys import KeyDocuments
from ferry.protocol import did
from ferry.protocol.identity import Unauthenticated
from ferry.protocol.replays import SeenTokens
from ferry.protocol.tokens import SKEW_SECONDS, Check, TokenRefused, check_times, read_token, token_id

HTTP_PULL = "https://w3id.org/dspace-sig/profile/http-pull"
ACCESS_SECONDS = 600
REFRESH_GRANT = "refresh_token"
# What an address must say so that whoever reads from it can go on when its token has run out.
RENEWAL_PROPERTIES = ("authorization", "authType", "refreshToken", "expiresIn", "refreshEndpoint")
_OUR_ALGORITHM = "HS256"
_PROOF_ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class PullGrant:
    """What the vault keeps for one flow."""

    key: Secret
    refresh_token: Secret

    def to_secret(self) -> Secret:
        """As it lies in the vault."""
        return Secret(json.dumps({"key": self.key.reveal(), "refreshToken": self.refresh_token.reveal()}))

    def access_token(self, flow_id: str, now: datetime) -> str:
        """A new access token."""
        import jwt

        ends_at = int(now.timestamp()) + ACCESS_SECONDS
        claims = {"sub": flow_id, "exp": ends_at, "jti": str(uuid.uuid4())}
        return jwt.encode(claims, self.key.reveal(), algorithm=_OUR_ALGORITHM)

    def check_access(self, token: str, flow_id: str, now: datetime, *, even_expired: bool = False) -> None:
        """Raises TokenRefused unless the token is one of ours for this flow, and (but for a refresh) still good."""
        import jwt

        checks = {"verify_exp": False, "require": ["sub", "exp"]}
        try:
            claims = jwt.decode(token, self.key.reveal(), algorithms=[_OUR_ALGORITHM], options=checks)  # type: ignore[arg-type]
        except jwt.PyJWTError:
            raise TokenRefused(Check.SIGNATURE, "it is no access token of this flow") from None
        if claims["sub"] != flow_id:
            raise TokenRefused(Check.SUBJECT, "it is for another flow")
        if not even_expired and float(claims["exp"]) <= now.timestamp():
            raise TokenRefused(Check.EXPIRY, "it ran out; refresh it")

    def is_refreshed_by(self, token: str) -> bool:
        """Whether that is the refresh token."""
        return hmac.compare_digest(token.encode(), self.refresh_token.reveal().encode())


def new_grant() -> PullGrant:
    """A grant with a key and a refresh token of its own."""
    return PullGrant(Secret(secrets.token_hex(32)), Secret(secrets.token_urlsafe(32)))


def read_grant(kept: Secret | None) -> PullGrant | None:
    """What the vault holds; None where that is no grant."""
    try:
        said: Json = json.loads(kept.reveal()) if kept is not None else None
    except ValueError:
        return None
    if not isinstance(said, Mapping):
        return None
    key, refresh = said.get("key"), said.get("refreshToken")
    return PullGrant(Secret(key), Secret(refresh)) if isinstance(key, str) and isinstance(refresh, str) else None


def pull_address(grant: PullGrant, flow_id: str, url: str, now: datetime) -> dict[str, Json]:
    """The data address that opens the flow; secret as a whole."""
    properties = {
        "authorization": grant.access_token(flow_id, now),
        "authType": "bearer",
        "refreshToken": grant.refresh_token.reveal(),
        "expiresIn": str(ACCESS_SECONDS),
        "refreshEndpoint": f"{url}/token",
    }
    return {
        "@type": "DataAddress",
        "endpointType": HTTP_PULL,
        "endpoint": url,
        "endpointProperties": [
            {"@type": "EndpointProperty", "name": name, "value": value} for name, value in properties.items()
        ],
    }


def refreshed(grant: PullGrant, flow_id: str, now: datetime) -> dict[str, Json]:
    """The answer to a refresh."""
    return {
        "access_token": grant.access_token(flow_id, now),
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS,
        "refresh_token": grant.refresh_token.reveal(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshProof:
    """Checks who refreshes. `dids`: those that we know by participant id; `local_http`: as for `did:web`."""

    documents: KeyDocuments
    clock: Clock
    dids: Mapping[str, str] = field(default_factory=dict[str, str])
    local_http: bool = False
    seen: SeenTokens = field(default_factory=SeenTokens)

    def check(self, authorization: str | None, *, audience: str, counter_party_id: str) -> JsonObject:
        """The proven claims. Raises TokenRefused, and EffectFailed where keys cannot be had now.

        A counter-party whose DID we know must be the one that signs; of any other, the DID itself is all that we know.
        """
        token = read_token(authorization, _PROOF_ALGORITHM)
        issuer = token.claims.get("iss")
        wanted = counter_party_id if counter_party_id.startswith("did:") else self.dids.get(counter_party_id)
        if not isinstance(issuer, str) or (wanted is not None and issuer != wanted):
            raise TokenRefused(Check.ISSUER, "its issuer is not the other side of this flow")
        token.prove(self._key(issuer, token.key_id))
        if token.claims.get("sub") != issuer:
            raise TokenRefused(Check.SUBJECT, "it speaks of somebody else than its issuer")
        said = token.claims.get("aud")
        if (said[0] if isinstance(said, list) and len(said) == 1 else said) != audience:
            raise TokenRefused(Check.AUDIENCE, "it is for another participant")
        now = self.clock.now()
        until = check_times(token.claims, now) + SKEW_SECONDS
        if not self.seen.is_first(issuer, token_id(token.claims), until=until, now=now.timestamp()):
            raise TokenRefused(Check.REPLAY, "it was used before")
        return token.claims

    def _key(self, issuer: str, key_id: str) -> JsonObject:
        try:
            url = did.document_url(issuer, local_http=self.local_http)
        except InvalidInput:
            raise TokenRefused(Check.ISSUER, "its issuer is no did:web") from None
        for read in (self.documents.get, self.documents.again):
            key = did.key_in(read(url), issuer, key_id)
            if key is not None:
                return key
        raise TokenRefused(Check.KEY, "the key that it names is not one of its issuer")


def bearer(authorization: str | None) -> str:
    """The token of the header. Raises Unauthenticated."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("the request shows no bearer token")
    return token.strip()
