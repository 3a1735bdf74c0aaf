"""HTTP to the callbacks of clients."""

from collections.abc import Mapping
from typing import Protocol

from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret


class Callbacks(Protocol):
    """Where clients want to hear of events: behind the egress guard, and without our identity."""

    def deliver(
        self,
        uri: str,
        body: JsonObject,
        *,
        headers: Mapping[str, Secret],
        timeout_seconds: float = 5.0,
        method: str = "POST",
    ) -> int:
        """Send JSON; the status of the answer. Header values are printable ASCII. Raises as `Peer.post`."""
        ...
