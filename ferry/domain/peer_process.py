"""What a process that two participants share has beyond a process: who the other one is, and both ids."""

from dataclasses import dataclass

from ferry.domain.callback_address import CallbackAddress
from ferry.domain.message_kind import Role
from ferry.domain.process import Process

PROTOCOL = "dataspace-protocol-http:2025-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerProcess(Process):
    """A process with a counter-party. `id` is our own pid; `correlation_id` the other side's, once it is known.

    `counter_party_address` is where our messages go: the provider's DSP base, or the consumer's callback address.
    `request_digest` is that of the request which began it: the same id with another body is somebody else's.
    `callbacks` are those that came with the order.
    """

    role: Role
    counter_party_id: str
    counter_party_address: str
    correlation_id: str | None = None
    protocol: str = PROTOCOL
    request_digest: str = ""
    callbacks: tuple[CallbackAddress, ...] = ()

    @property
    def consumer_pid(self) -> str:
        """The consumer's id of this process."""
        return self.id if self.role is Role.CONSUMER else (self.correlation_id or "")

    @property
    def provider_pid(self) -> str:
        """The provider's id of this process; empty while the consumer has not learned it."""
        return self.id if self.role is Role.PROVIDER else (self.correlation_id or "")
