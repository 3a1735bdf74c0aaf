"""Issues and checks the access tokens of emulated managed identities: JWTs with the claims that Entra ID gives."""

import secrets
import time
import uuid
from dataclasses import dataclass

import jwt

_ALGORITHM = "HS256"
_NOT_BEFORE_SKEW_SECONDS = 60
DEFAULT_LIFETIME_SECONDS = 3600.0


class TokenRejectedError(Exception):
    """The token is missing, malformed, expired, for another audience or not one of ours."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A participant's system-assigned identity."""

    participant: str
    object_id: str
    client_id: str
    tenant_id: str


def new_identity(participant: str, tenant_id: str) -> Identity:
    """An identity with random ids."""
    return Identity(participant, str(uuid.uuid4()), str(uuid.uuid4()), tenant_id)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed JWT and the Unix time at which it ends."""

    value: str
    expires_at: int


class TokenIssuer:
    """Signs with a key made at start, so that tokens of another run are refused."""

    def __init__(self, lifetime_seconds: float = DEFAULT_LIFETIME_SECONDS) -> None:
        self.lifetime_seconds = lifetime_seconds
        self._key = secrets.token_bytes(32)

    def issue(self, identity: Identity, audience: str) -> AccessToken:
        """A token for `identity` that the service named by `audience` accepts."""
        now = int(time.time())
        expires_at = int(now + self.lifetime_seconds)
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{identity.tenant_id}/",
            "iat": now,
            "nbf": now - _NOT_BEFORE_SKEW_SECONDS,
            "exp": expires_at,
            "appid": identity.client_id,
            "idtyp": "app",
            "oid": identity.object_id,
            "sub": identity.object_id,
            "tid": identity.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        return AccessToken(jwt.encode(claims, self._key, _ALGORITHM), expires_at)

    def object_id(self, token: str, audience: str) -> str:
        """The object id of the identity that the token was issued to. Raises TokenRejectedError."""
        try:
            claims = jwt.decode(token, self._key, [_ALGORITHM], audience=audience)
        except jwt.InvalidTokenError as error:
            raise TokenRejectedError(str(error)) from error
        return str(claims["oid"])
