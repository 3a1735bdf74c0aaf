"""The other side of every demand: it is told news as a control plane, publishes keys, and plays a data plane.

What it hears is kept in order. As EDC does, it refuses news the first time that they come, for it may still be writing
down what they are about: who tells them must tell them again.
"""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from ferry.adapters.vault_signer import public_jwk

type Json = dict[str, Any]

NEWS, PLANE, PEER = "/news", "/plane/dataflows", "/dsp"
ACCESS_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Heard:
    """A request to the counterpart, and what it was answered."""

    method: str
    path: str
    body: Json
    status: int


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    status: int = 200
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


type Play = Callable[[str, str, Json], Said | None]


@dataclass(slots=True)
class Counterpart:
    """Answers for all of it. `plays` are asked for what is below their path; `now` is its clock, in Unix seconds."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list[Heard])
    plays: dict[str, Play] = field(default_factory=dict[str, Play])
    refuses_first: bool = True
    now: Callable[[], float] = time.time
    _keys: dict[str, ec.EllipticCurvePrivateKey] = field(
        default_factory=dict[str, ec.EllipticCurvePrivateKey], init=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @property
    def did(self) -> str:
        """Who it is: the owner of its address."""
        return "did:web:" + self.url.split("//")[1].replace(":", "%3A")

    def answer(self, method: str, path: str, body: Json) -> Said:
        """One request."""
        said = self._said(method, path, body)
        with self._lock:
            self.heard.append(Heard(method, path, body, said.status))
        return said

    def news(self, process_id: str, what: str) -> list[Heard]:
        """What was told of a flow under that name."""
        return self.sent(f"{NEWS}/transfers/{process_id}/dataflow/{what}")

    def sent(self, path: str) -> list[Heard]:
        """What was sent to that path."""
        with self._lock:
            return [it for it in self.heard if it.path == path]

    def proof(self, audience: str, access_token: str, **changes: Any) -> str:
        """A signed JWT that shows who refreshes, as the value of the Authorization header."""
        with self._lock:
            key = self._keys.setdefault("key", ec.generate_private_key(ec.SECP256R1()))
        now = int(self.now())
        claims = {"iss": self.did, "sub": self.did, "aud": audience, "iat": now, "exp": now + ACCESS_SECONDS}
        claims |= {"jti": str(uuid.uuid4()), "token": access_token, **changes}
        key_id = str(public_jwk(key)["kid"])
        return "Bearer " + jwt.encode(claims, key, algorithm="ES256", headers={"kid": f"{self.did}#{key_id}"})

    def _said(self, method: str, path: str, body: Json) -> Said:
        if path == "/.well-known/did.json":
            return Said(body=self._document())
        if path.startswith(NEWS):
            return self._told(path, body)
        for below, play in self.plays.items():
            if path.startswith(below):
                return play(method, path.removeprefix(below), body) or Said(404)
        return Said(404)

    def _told(self, path: str, body: Json) -> Said:
        if not all(isinstance(body.get(it), str) for it in ("messageId", "dataFlowId", "state")):
            return Said(400, {"error": "news need messageId, dataFlowId and state"})
        is_first = self.refuses_first and not self.sent(path)
        return Said(409 if is_first else 200)

    def _document(self) -> Json:
        with self._lock:
            key = self._keys.setdefault("key", ec.generate_private_key(ec.SECP256R1()))
        public = dict(public_jwk(key))
        method = {"id": f"{self.did}#{public['kid']}", "type": "JsonWebKey2020", "controller": self.did}
        return {"id": self.did, "verificationMethod": [{**method, "publicKeyJwk": public}]}
