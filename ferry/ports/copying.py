"""Copying: what is read, what is written, who runs it and who is told."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.secret import Secret


class PutOutcome(StrEnum):
    """What became of one blob."""

    WRITTEN = "written"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class BlobTarget:
    """A blob to be written with a SAS: the account's endpoint, container, name, and the SAS (no `?` in front)."""

    endpoint: str
    container: str
    name: str
    sas: Secret


class BlobWriter(Protocol):
    """A small blob at a destination for which only a write SAS is held: the marker of a copy.

    Nothing is ever overwritten (`If-None-Match: *`). Raises EffectFailed: SAS_REFUSED, DESTINATION_GONE,
    DESTINATION_UNAVAILABLE (retryable).
    """

    def put_bytes(self, target: BlobTarget, content: bytes, content_type: str) -> PutOutcome:
        """Upload a small blob."""
        ...


class DataPlane(Protocol):
    """Starts, stops and asks about data flows: embedded, or another process over HTTP (Data Plane Signaling)."""

    def start(self, flow: DataFlow) -> FlowReport:
        """Start it; the same flow again only asks. An embedded plane may have finished when it returns."""
        ...

    def status(self, flow_id: str) -> FlowReport | None:
        """How it stands; None where the plane does not know it."""
        ...

    def suspend(self, flow_id: str, reason: str) -> FlowReport | None:
        """Let it stand still, and say how it stands then: it may have ended before. None where it is not known."""
        ...

    def resume(self, flow: DataFlow, flow_id: str) -> FlowReport:
        """Go on from where it stood still; one that the plane does not know (it calls it `flow_id`) is started."""
        ...

    def complete(self, flow_id: str) -> None:
        """Nobody reads from it any more; an unknown or finished one is fine."""
        ...

    def terminate(self, flow_id: str, reason: str) -> None:
        """Stop it; an unknown or finished one is fine."""
        ...


class ControlPlane(Protocol):
    """Whom a data plane tells of the end of a flow."""

    def report(self, flow: DataFlow, report: FlowReport, *, attempt: int = 0) -> None:
        """Tell it; the same report again is fine. `attempt`: how often it was told before."""
        ...
