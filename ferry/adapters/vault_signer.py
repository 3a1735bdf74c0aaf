"""Our signing keys, in the vault as versions of one secret (decision record 9).

Every version is a private key (PEM, P-256). The newest five are published, so that two processes that make the first
key at once do no harm, and an old one goes on counting after a new one was set. The newest signs as soon as every cache
must have it; until then, the oldest.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.vault import SecretVersion, VersionedSecrets

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

KEPT_SECONDS = 300.0
PUBLISHED_SECONDS = 900.0
# A vault tells times in whole seconds: who comes first is certain when that second is over.
SETTLE_SECONDS = 2.0
PUBLISHED_KEYS = 5


@dataclass(frozen=True, slots=True)
class _Key:
    key_id: str
    created_at: datetime
    private: "EllipticCurvePrivateKey" = field(repr=False)
    public: JsonObject


@dataclass(frozen=True, slots=True)
class _Known:
    keys: Sequence[_Key]
    read_at: datetime


class VaultSigner:
    """ports.Signer; the keys that it has read serve for five minutes."""

    def __init__(self, vault: VersionedSecrets, name: str, *, clock: Clock) -> None:
        self._vault = vault
        self._name = name
        self._clock = clock
        self._known: _Known | None = None
        self._lock = threading.Lock()

    def sign(self, claims: JsonObject, *, owner: str) -> str:
        """A JWT by the key that is the newest everywhere."""
        import jwt

        key = self._signing_key()
        return jwt.encode(dict(claims), key.private, algorithm="ES256", headers={"kid": f"{owner}#{key.key_id}"})

    def public_keys(self, *, again: bool = False) -> Sequence[JsonObject]:
        """The public keys, newest first."""
        return [key.public for key in reversed(self._keys(again=again))]

    def _signing_key(self) -> _Key:
        keys, now = self._keys(), self._clock.now()
        known = [key for key in keys if (now - key.created_at).total_seconds() >= PUBLISHED_SECONDS]
        return known[-1] if known else keys[0]

    def _keys(self, *, again: bool = False) -> Sequence[_Key]:
        """Our newest keys, oldest first; there is at least one."""
        with self._lock:
            age = None if self._known is None else (self._clock.now() - self._known.read_at).total_seconds()
            patience = SETTLE_SECONDS if again else KEPT_SECONDS
            if self._known is None or age is None or age >= patience:
                self._known = _Known([self._read(it) for it in self._settled_versions()], self._clock.now())
            return self._known.keys

    def _settled_versions(self) -> Sequence[SecretVersion]:
        versions = self._vault.versions(self._name, newest=PUBLISHED_KEYS)
        if not versions:
            self._vault.store(self._name, Secret(new_key()))
            versions = self._vault.versions(self._name, newest=PUBLISHED_KEYS)
        if versions and (self._clock.now() - versions[0].created_at).total_seconds() < SETTLE_SECONDS:
            self._clock.sleep(SETTLE_SECONDS)
            versions = self._vault.versions(self._name, newest=PUBLISHED_KEYS)
        if versions:
            return versions
        message = f"secret {self._name}, our signing key, was stored and is not to be seen yet; trying again may help"
        raise EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, message, retryable=True)

    def _read(self, version: SecretVersion) -> _Key:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            private = load_pem_private_key(version.value.reveal().encode(), password=None)
        except (ValueError, TypeError):
            raise self._unfit(version) from None
        if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
            raise self._unfit(version)
        public = public_jwk(private)
        return _Key(str(public["kid"]), version.created_at, private, public)

    def _unfit(self, version: SecretVersion) -> EffectFailed:
        message = f"version {version.version} of secret {self._name} is no private key of P-256 in PEM: disable it"
        return EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, message)


def new_key() -> str:
    """A new private key, as PEM."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_jwk(private: "EllipticCurvePrivateKey") -> dict[str, Json]:
    """The public half as a JWK, whose `kid` is its thumbprint (RFC 7638)."""
    import base64
    import hashlib
    import json

    def text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    numbers = private.public_key().public_numbers()
    point = {"x": text(numbers.x.to_bytes(32)), "y": text(numbers.y.to_bytes(32))}
    named = json.dumps({"crv": "P-256", "kty": "EC", **point}, separators=(",", ":"), sort_keys=True)
    key_id = text(hashlib.sha256(named.encode()).digest())
    return {"kty": "EC", "crv": "P-256", **point, "kid": key_id, "use": "sig", "alg": "ES256"}
