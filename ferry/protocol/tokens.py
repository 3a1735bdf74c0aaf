"""Signed tokens (JWT), read with one algorithm and one way to find the key, and refused with the check that failed.

The header tells which of the keys that we hold may have signed it, and nothing else: a key, or the address of one, that
a token brings along is never looked at. (Design: secrets and trust; decision record 9.)
"""

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ferry.domain.process import Json, JsonObject
from ferry.protocol.identity import Unauthenticated

if TYPE_CHECKING:
    from jwt import PyJWK

TOKEN_LIMIT = 16 * 1024
SKEW_SECONDS = 60

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_ID_LIMIT = 512
_RSA_BITS = 2048
# What makes a public key of each algorithm: whatever else stands in a JWK is not handed on.
_KEY_TYPES: Mapping[str, tuple[str, tuple[str, ...]]] = {"ES256": ("EC", ("x", "y")), "RS256": ("RSA", ("n", "e"))}


class Check(StrEnum):
    """What a token has to pass; the log names the one that it failed."""

    SCHEME = "scheme"
    SIZE = "size"
    FORM = "form"
    ALGORITHM = "algorithm"
    TYPE = "type"
    CRITICAL = "critical"
    KEY = "key"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    SUBJECT = "subject"
    AUDIENCE = "audience"
    EXPIRY = "expiry"
    NOT_BEFORE = "not-before"
    ISSUED_AT = "issued-at"
    LIFETIME = "lifetime"
    TOKEN_ID = "token-id"  # noqa: S105 - the name of a check
    REPLAY = "replay"


class TokenRefused(Unauthenticated):
    """The token did not pass `check`; the message never quotes it."""

    def __init__(self, check: Check, why: str) -> None:
        super().__init__(f"{check.value}: {why}")
        self.check = check


@dataclass(frozen=True, slots=True)
class Token:
    """A token that has been read; its claims are proven only after `prove`."""

    text: str = field(repr=False)
    algorithm: str
    key_id: str
    claims: JsonObject = field(repr=False)

    def prove(self, key: JsonObject) -> None:
        """Check the signature with a public key (JWK). Raises TokenRefused."""
        import jwt

        public = _public_key(key, self.algorithm)
        try:
            jwt.PyJWS().decode(self.text, key=public, algorithms=[self.algorithm])
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenRefused(Check.SIGNATURE, "it is not signed with the key that it names") from error


def read_token(authorization: str | None, algorithm: str) -> Token:
    """The bearer token of an Authorization header, in compact form and with that algorithm. Raises TokenRefused."""
    text = _bearer(authorization)
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise TokenRefused(Check.FORM, "it is no JWT of three parts without padding")
    header, claims = (_json_part(parts[number]) for number in (1, 2))
    if header.get("alg") != algorithm:
        raise TokenRefused(Check.ALGORITHM, f"it is not signed by {algorithm}")
    if str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise TokenRefused(Check.TYPE, "its typ is not JWT")
    if "crit" in header or "b64" in header:
        raise TokenRefused(Check.CRITICAL, "it demands an extension that is not understood")
    key_id = header.get("kid")
    if not _is_id(key_id):
        raise TokenRefused(Check.KEY, "it names no key (kid)")
    return Token(text, algorithm, str(key_id), claims)


def check_times(claims: JsonObject, now: datetime, *, longest_seconds: float | None = None) -> float:
    """When it runs out, in Unix seconds. Raises TokenRefused: too early, too late, or (where bounded) for too long."""
    at = now.timestamp()
    expires_at = _seconds(claims, "exp", Check.EXPIRY)
    issued_at = _seconds(claims, "iat", Check.ISSUED_AT) if "iat" in claims or longest_seconds is not None else at
    if expires_at <= at - SKEW_SECONDS:
        raise TokenRefused(Check.EXPIRY, f"it ran out {at - expires_at:.0f} s ago")
    if "nbf" in claims and _seconds(claims, "nbf", Check.NOT_BEFORE) > at + SKEW_SECONDS:
        raise TokenRefused(Check.NOT_BEFORE, "it is not valid yet")
    if issued_at > at + SKEW_SECONDS:
        raise TokenRefused(Check.ISSUED_AT, f"it was issued {issued_at - at:.0f} s in the future")
    if longest_seconds is not None and not 0 < expires_at - issued_at <= longest_seconds:
        raise TokenRefused(Check.LIFETIME, f"it is valid for {expires_at - issued_at:.0f} s, not for {longest_seconds}")
    return expires_at


def token_id(claims: JsonObject) -> str:
    """Its `jti`. Raises TokenRefused."""
    found = claims.get("jti")
    if not _is_id(found):
        raise TokenRefused(Check.TOKEN_ID, "it has no id (jti)")
    return str(found)


def _bearer(authorization: str | None) -> str:
    scheme, _, text = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise TokenRefused(Check.SCHEME, "the request has no Authorization header with a bearer token")
    if len(text) > TOKEN_LIMIT:
        raise TokenRefused(Check.SIZE, f"it has {len(text)} characters; at most {TOKEN_LIMIT} are read")
    return text.strip()


def _json_part(part: str) -> JsonObject:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars="-_", validate=True)
        found: Json = json.loads(raw.decode(), object_pairs_hook=_each_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise TokenRefused(Check.FORM, "its header or its claims cannot be read") from error
    if not isinstance(found, Mapping):
        raise TokenRefused(Check.FORM, "its header or its claims are no JSON object")
    return found


def _each_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _seconds(claims: JsonObject, name: str, check: Check) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e11:
        raise TokenRefused(check, f"its {name} is missing or no time")
    return float(value)


def _is_id(value: Json) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _ID_LIMIT


def _public_key(key: JsonObject, algorithm: str) -> "PyJWK":
    import jwt

    key_type, members = _KEY_TYPES[algorithm]
    if key.get("kty") != key_type or (key_type == "EC" and key.get("crv") != "P-256"):
        raise TokenRefused(Check.KEY, f"the key that it names is not one for {algorithm}")
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        raise TokenRefused(Check.KEY, "the key that it names is for another use")
    wanted = {"kty": key_type, **({"crv": "P-256"} if key_type == "EC" else {})}
    try:
        public = jwt.PyJWK({**wanted, **{name: str(key.get(name)) for name in members}}, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError) as error:
        raise TokenRefused(Check.KEY, "the key that it names cannot be read") from error
    if key_type == "RSA" and public.key.key_size < _RSA_BITS:
        raise TokenRefused(Check.KEY, f"the key that it names has less than {_RSA_BITS} bits")
    return public
