"""The data planes of a participant: its own one, and those that were registered. Which one runs a transfer (step 7).

The own one goes first: it needs no look into the store. A plane is chosen once, when the request is accepted, and
stands in the document, so that a flow is never started on two.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.faults import AlreadyExists, EffectFailed, FaultCode, InvalidInput, NotFound
from ferry.ports.stores import Definitions

KIND = "DataPlaneInstance"


@dataclass(frozen=True, slots=True)
class DataPlanes:
    """`own` is the embedded plane, or the one that the settings name."""

    own: DataPlaneInstance
    registered: Definitions[DataPlaneInstance]

    def transfer_types(self) -> tuple[str, ...]:
        """The transfer types that some plane can serve, the own one's first: what the catalog tells."""
        return tuple(dict.fromkeys(kind for plane in self.all() for kind in plane.transfer_types))

    def all(self) -> Iterator[DataPlaneInstance]:
        """Every plane, the own one first."""
        yield self.own
        yield from self.registered.all()

    def choose(self, transfer_type: str) -> DataPlaneInstance:
        """The plane for a transfer. Raises InvalidInput where none serves that type."""
        if transfer_type in self.own.transfer_types:
            return self.own
        found = next((it for it in self.registered.all() if transfer_type in it.transfer_types), None)
        if found is None:
            supported = ", ".join(self.transfer_types())
            raise InvalidInput.at("format", f"TransferType {transfer_type} is not supported; use {supported}")
        return found

    def choose_for_consumer(self, transfer_type: str, labels: Sequence[str]) -> DataPlaneInstance | None:
        """The registered plane that is to receive or read for us: of that type, and with all labels.

        None where our own does it, or nobody. A push of blobs is our own one's, unless labels ask for another.
        """
        if transfer_type in self.own.transfer_types and not labels:
            return None
        wanted = set(labels)
        fitting = (it for it in self.registered.all() if transfer_type in it.transfer_types)
        return next((it for it in fitting if wanted <= set(it.labels)), None)

    def of(self, plane_id: str | None) -> DataPlaneInstance:
        """The plane that runs a transfer. Raises EffectFailed DATA_PLANE_UNAVAILABLE where it is registered no more."""
        if plane_id is None or plane_id == self.own.id:
            return self.own
        found = self.registered.get(plane_id)
        if found is None:
            message = f"data plane {plane_id!r} is not registered any more; register it again, or end the transfer"
            raise EffectFailed.because(FaultCode.DATA_PLANE_UNAVAILABLE, message, retryable=True, step=7)
        return found

    def register(self, plane: DataPlaneInstance) -> None:
        """Add a plane, or replace it. Raises AlreadyExists for the id of the own one."""
        if plane.id == self.own.id:
            raise AlreadyExists(KIND, plane.id, "it is the participant's own one")
        there = self.registered.get(plane.id)
        if there is not None:
            self.registered.update(plane.id, replace(plane, created_at=there.created_at))
            return
        self.registered.create(plane.id, plane)

    def unregister(self, plane_id: str) -> None:
        """Remove a plane; its flows are left to end. Raises NotFound, also for the own one, which cannot be removed."""
        if plane_id == self.own.id:
            raise NotFound(KIND, plane_id)
        self.registered.delete(plane_id)
