"""Makes tokens, good ones and every kind of bad one: by hand where a library would refuse to."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

type PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def key_of(name: str) -> ec.EllipticCurvePrivateKey:
    """A key of P-256, the same for the same name."""
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest()) >> 1, ec.SECP256R1())


@cache
def rsa_key_of(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key, the same for the same name within a run."""
    del name
    return rsa.generate_private_key(65537, bits)


def pem_of(key: PrivateKey) -> str:
    """The private key as the vault keeps it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem_of(key: PrivateKey) -> bytes:
    """The public key as everybody may read it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def rsa_jwk(key: rsa.RSAPrivateKey, key_id: str) -> dict[str, Any]:
    """The public half, as a key set publishes it."""
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "kid": key_id,
        "n": b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
        "e": b64(numbers.e.to_bytes(3)),
    }


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def written(value: object) -> str:
    """A part of a token."""
    return b64(json.dumps(value).encode())


@dataclass(frozen=True, slots=True)
class Recipe:
    """A good token, and what is to be different: claims or header members that are None are left out."""

    key: PrivateKey
    algorithm: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    changed_claims: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def header_with(self, **changes: Any) -> dict[str, Any]:
        """The header with members replaced."""
        return _without_none({**self.header, **changes})

    def claims_with(self, **changes: Any) -> dict[str, Any]:
        """The claims with members replaced."""
        return _without_none({**self.claims, **changes})

    def token(self, *, key: PrivateKey | None = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Signed by the algorithm of the recipe, whatever the header says."""
        head, body = written(self.header_with(**(header or {}))), written(self.claims_with(**claims))
        return signed(f"{head}.{body}", key or self.key, self.algorithm)

    def parts(self, **claims: Any) -> list[str]:
        """The three parts of a good token."""
        return self.token(**claims).split(".")

    def resigned(self, head: str, body: str) -> str:
        """Any two texts, signed as a token's parts are."""
        return signed(f"{head}.{body}", self.key, self.algorithm)

    def with_hmac(self, secret: bytes) -> str:
        """HS256 with what the receiver knows of us as the secret."""
        content = f"{written(self.header_with(alg='HS256'))}.{written(self.claims_with())}"
        return f"{content}.{b64(hmac.digest(secret, content.encode(), 'sha256'))}"

    def unsigned(self, algorithm: str = "none") -> str:
        """`alg: none`, with an empty signature."""
        return f"{written(self.header_with(alg=algorithm))}.{written(self.claims_with())}."


def signed(content: str, key: PrivateKey, algorithm: str) -> str:
    """The content with its signature."""
    signature = jwt.get_algorithm_by_name(algorithm).sign(content.encode(), key)
    return f"{content}.{b64(signature)}"


def _without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
