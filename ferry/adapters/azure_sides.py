"""AzureSides: the two sides of a copy over the lean HTTP path, which is imported when the first side is opened."""

from typing import TYPE_CHECKING

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.egress import EgressGuard
from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.storage import Account

if TYPE_CHECKING:
    from ferry.adapters.blob_wire.wire_sides import WireSides
    from ferry.ports.blob_sides import DestinationSide, SourceSide


class AzureSides:
    """BlobSides of a process that may never copy anything. `own_guard` is for accounts of ours."""

    def __init__(self, guard: EgressGuard, clients: BlobClients, clock: Clock, *, own_guard: EgressGuard) -> None:
        self._guard = guard
        self._own_guard = own_guard
        self._clients = clients
        self._clock = clock
        self._opened: WireSides | None = None

    def source(self, account: Account, container: str, *, gives_urls: bool) -> "SourceSide":
        """A container of ours."""
        return self._sides().source(account, container, gives_urls=gives_urls)

    def source_at(self, address: Secret) -> "SourceSide":
        """What an address names."""
        return self._sides().source_at(address)

    def destination(self, endpoint: str, container: str, sas: Secret) -> "DestinationSide":
        """A container for which a SAS is held."""
        return self._sides().destination(endpoint, container, sas)

    async def close(self) -> None:
        """Close the idle connections."""
        if self._opened is not None:
            await self._opened.close()

    def _sides(self) -> "WireSides":
        if self._opened is None:
            from ferry.adapters.blob_wire.wire_sides import WireSides

            self._opened = WireSides(self._guard, self._clients, self._clock, own_guard=self._own_guard)
        return self._opened
