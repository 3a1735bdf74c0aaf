"""HTTP to other participants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ferry.domain.process import JsonObject


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What a peer answered: status and JSON body (None where there was none or it was not JSON)."""

    status: int
    body: JsonObject | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Peer(Protocol):
    """HTTP to other participants, behind the egress guard and with our identity."""

    def post(self, url: str, body: JsonObject, *, audience: str, timeout_seconds: float = 10.0) -> PeerAnswer:
        """POST JSON. Raises EffectFailed PEER_UNREACHABLE (retryable) or ADDRESS_FORBIDDEN (the guard refused)."""
        ...

    def get(self, url: str, *, audience: str, timeout_seconds: float = 10.0) -> PeerAnswer:
        """GET JSON. Raises as `post`."""
        ...
