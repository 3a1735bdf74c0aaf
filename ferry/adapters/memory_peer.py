"""HTTP between participants of one process: requests go to handlers by the prefix of their URL.

Everything is as on a wire: a body is written as JSON and read again on the way there and back. Twin of `http_peer`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.ports.peer import PeerAnswer


class Handler(Protocol):
    """Whoever answers below a prefix. It may raise EffectFailed: the answer is lost."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None, /) -> PeerAnswer:
        """Answer one request; `body` is None for a GET."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was sent, and its answer; None where nobody answered."""

    method: str
    url: str
    body: JsonObject | None = field(repr=False)
    answer: PeerAnswer | None


class MemoryNetwork:
    """Who answers where. `exchanges` is everything that was sent, in order, for tests to look at."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self.exchanges: list[Exchange] = []

    def attach(self, prefix: str, handler: Handler) -> None:
        """Let the handler answer every URL below the prefix."""
        self._handlers[prefix.rstrip("/")] = handler

    def detach(self, prefix: str) -> None:
        """Let nobody answer there any more."""
        self._handlers.pop(prefix.rstrip("/"), None)

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        """One request and its answer. Raises EffectFailed PEER_UNREACHABLE (retryable) where nobody answers."""
        sent = _on_the_wire(body)
        try:
            raw = self._handler(url)(method, url, headers, sent)
        except EffectFailed:
            self.exchanges.append(Exchange(method, url, sent, None))
            raise
        answer = PeerAnswer(raw.status, _on_the_wire(raw.body), dict(raw.headers))
        self.exchanges.append(Exchange(method, url, sent, answer))
        return answer

    def _handler(self, url: str) -> Handler:
        path = url.partition("?")[0]
        prefixes = [it for it in self._handlers if path == it or path.startswith(f"{it}/")]
        if not prefixes:
            message = f"nobody answers at {path}; trying again may help"
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, message, retryable=True)
        return self._handlers[max(prefixes, key=len)]


class MemoryPeer:
    """One participant's way to the others on a MemoryNetwork."""

    def __init__(self, network: MemoryNetwork, *, authorization: Callable[[str], str] | None = None) -> None:
        self._network = network
        self._authorization = authorization

    def post(self, url: str, body: JsonObject, *, audience: str, timeout_seconds: float = 10.0) -> PeerAnswer:
        """POST JSON. Raises EffectFailed PEER_UNREACHABLE (retryable) where nobody answers."""
        del timeout_seconds
        return self._network.exchange("POST", url, self._headers(audience), body)

    def get(self, url: str, *, audience: str, timeout_seconds: float = 10.0) -> PeerAnswer:
        """GET JSON. Raises as `post`."""
        del timeout_seconds
        return self._network.exchange("GET", url, self._headers(audience), None)

    def deliver(
        self,
        uri: str,
        body: JsonObject,
        *,
        headers: Mapping[str, Secret],
        timeout_seconds: float = 5.0,
        method: str = "POST",
    ) -> int:
        """Send JSON with these headers; the status. Raises as `post`."""
        del timeout_seconds
        told = {name: value.reveal() for name, value in headers.items()}
        return self._network.exchange(method, uri, told, body).status

    def _headers(self, audience: str) -> dict[str, str]:
        return {"Authorization": self._authorization(audience)} if self._authorization else {}


def _on_the_wire(body: JsonObject | None) -> JsonObject | None:
    if body is None:
        return None
    copied: JsonObject = json.loads(json.dumps(body))
    return copied
