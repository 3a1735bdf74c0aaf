"""The other end of a wire: answers as a test says, and keeps what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.adapters.memory_peer import MemoryNetwork, MemoryPeer
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import JsonObject
from ferry.ports.peer import PeerAnswer


@dataclass(slots=True)
class Request:
    """One request as it came in."""

    method: str
    url: str
    body: JsonObject | None


@dataclass(slots=True)
class Wire:
    """Everything below `http://` is answered here, in turn; the last answer stays."""

    answers: list[PeerAnswer] = field(default_factory=lambda: [PeerAnswer(200)])
    requests: list[Request] = field(default_factory=list[Request])
    is_cut: bool = False

    def peer(self) -> MemoryPeer:
        """A way here."""
        network = MemoryNetwork()
        network.attach("http:/", self.serve)
        return MemoryPeer(network)

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        """The next answer."""
        self.requests.append(Request(method, url, body))
        if self.is_cut:
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, "the line is cut", retryable=True)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def sent(self) -> Request:
        """The one request that there was."""
        (request,) = self.requests
        return request
