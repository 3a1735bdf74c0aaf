"""Copying: what is read, what is written, who runs it and who is told."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.secret import Secret
from ferry.ports.storage import BlobItem, BlobPage


@dataclass(frozen=True, slots=True)
class SourceBlob:
    """One blob to copy: its name in the source, its name at the destination, and the version that is pinned."""

    item: BlobItem
    target_name: str


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
    """One blob at a destination for which only a write SAS is held. Nothing is ever overwritten (`If-None-Match: *`).

    Raises EffectFailed: SAS_REFUSED, DESTINATION_GONE, DESTINATION_UNAVAILABLE (retryable), SOURCE_CHANGED,
    SOURCE_BLOB_MISSING; ServerSideCopyUnavailable where this way cannot be taken between these two accounts.
    """

    def put_from_url(self, target: BlobTarget, source_url: Secret, item: BlobItem) -> PutOutcome:
        """Put Blob From URL, pinned to `item.etag`."""
        ...

    def copy_from_url(self, target: BlobTarget, source_url: Secret, item: BlobItem) -> PutOutcome:
        """Copy Blob From URL (at most 256 MiB), pinned to `item.etag`."""
        ...

    def put_stream(self, target: BlobTarget, chunks: Iterator[bytes], item: BlobItem) -> PutOutcome:
        """Upload what `chunks` give: one request where it is small, else blocks and a commit."""
        ...

    def put_bytes(self, target: BlobTarget, content: bytes, content_type: str) -> PutOutcome:
        """Upload a small blob."""
        ...


class DataSource(Protocol):
    """Reads blobs of one source address (AzureStorageDataSource)."""

    def pages(self, *, after: str | None = None) -> Iterator[BlobPage]:
        """The blobs of the address, page by page, in lexicographic order; raises EffectFailed when there are none."""
        ...

    def signed_url(self, item: BlobItem) -> Secret:
        """A URL from which the destination's service can read the blob for a while."""
        ...

    def read(self, item: BlobItem) -> AbstractContextManager[Iterator[bytes]]:
        """The blob's bytes in chunks, pinned to `item.etag`. Raises EffectFailed SOURCE_CHANGED or _MISSING."""
        ...


class DataSink(Protocol):
    """Writes blobs to one destination address with a SAS (AzureStorageDataSink)."""

    def put(self, source: DataSource, blob: SourceBlob) -> PutOutcome:
        """Copy one blob, server side where it can be; never over an existing one."""
        ...

    def complete(self, name: str, manifest: bytes) -> PutOutcome:
        """Write the marker, once, last."""
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

    def report(self, flow: DataFlow, report: FlowReport) -> None:
        """Tell it; the same report again is fine."""
        ...
