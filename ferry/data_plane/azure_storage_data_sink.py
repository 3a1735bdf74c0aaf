"""AzureStorageDataSink: writes blobs to a destination for which it holds a write SAS (steps 11 and 12).

The service copies by itself where it can: Put Blob From URL, else Copy Blob From URL up to 256 MiB; else the bytes pass
through here. What does not work between two accounts is found out once and remembered for the whole process.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from ferry.data_plane.copy_methods import AccountPair, ByteBudget, CopyMethod, CopyVerdicts, Probe
from ferry.data_plane.manifest import CONTENT_TYPE
from ferry.data_plane.sides import at_step
from ferry.domain.faults import EffectFailed, ServerSideCopyUnavailable
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import Destination
from ferry.ports import BlobTarget, BlobWriter, DataSource, PutOutcome, SourceBlob

_LIMITS_BYTES: Mapping[CopyMethod, int] = {
    CopyMethod.PUT_FROM_URL: 5000 * 1024 * 1024,
    CopyMethod.COPY_FROM_URL: 256 * 1024 * 1024,
}
# A longer one is refused, which happens with long names of letters that must be escaped.
_MAX_SOURCE_URL = 2048
_STREAM_BYTES = 16 * 1024 * 1024
_STEP_COPY, _STEP_MARKER = 11, 12


class CopyStopped(Exception):
    """The flow was terminated, or another worker has it: nothing more is to be written."""


@dataclass(frozen=True, slots=True)
class SinkServices:
    """What all sinks of a process share. `check_stop` raises CopyStopped when the flow is over."""

    writer: BlobWriter
    verdicts: CopyVerdicts
    budget: ByteBudget
    check_stop: Callable[[], None]


class AzureStorageDataSink:
    """One destination: names, methods, and how often each method was used. Safe for threads.

    `may_read_source`: whether its service may be given URLs that read the source; else the bytes pass through here.
    """

    def __init__(
        self,
        services: SinkServices,
        destination: Destination,
        *,
        endpoint: str,
        sas: Secret,
        source_endpoint: str,
        may_read_source: bool,
    ) -> None:
        self._services = services
        self._destination = destination
        self._target = BlobTarget(endpoint, destination.container, "", sas)
        self._pair = AccountPair(source_endpoint, endpoint)
        self._server_side = (CopyMethod.PUT_FROM_URL, CopyMethod.COPY_FROM_URL) if may_read_source else ()
        self._lock = threading.Lock()
        self._methods: Counter[CopyMethod] = Counter()

    @property
    def methods(self) -> Mapping[str, int]:
        """How many blobs went which way."""
        with self._lock:
            return {method.value: count for method, count in self._methods.items()}

    def target_name(self, source_name: str, *, is_only: bool) -> str:
        """The name at the destination: in the folder; renamed only where it is the one blob of its source."""
        name = self._destination.blob_name if is_only and self._destination.blob_name else source_name
        return self._destination.folder + name

    def source_name_of(self, target_name: str) -> str | None:
        """The source name that would land on that name, if any does without being renamed."""
        folder = self._destination.folder
        return target_name.removeprefix(folder) if target_name.startswith(folder) else None

    def put(self, source: DataSource, blob: SourceBlob) -> PutOutcome:
        """Copy one blob, never over an existing one. Raises EffectFailed with the side's code, CopyStopped."""
        with at_step(_STEP_COPY), ExitStack() as stack:
            probe = stack.enter_context(self._services.verdicts.probe(self._pair))
            refused: list[CopyMethod] = []
            for method in self._server_side:
                self._services.check_stop()
                if method in probe.refused or blob.item.size_bytes > _LIMITS_BYTES[method]:
                    continue
                source_url = source.signed_url(blob.item)
                if len(source_url.reveal()) > _MAX_SOURCE_URL:
                    break
                try:
                    outcome = self._copy_server_side(method, source_url, blob)
                except ServerSideCopyUnavailable:
                    refused.append(method)
                    continue
                probe.settle(refused, method)
                return self._counted(method, outcome)
            return self._stream(source, blob, stack=stack, probe=probe, refused=refused)

    def complete(self, name: str, manifest: bytes) -> PutOutcome:
        """Write the marker, once, last."""
        with at_step(_STEP_MARKER):
            return self._services.writer.put_bytes(self._named(name), manifest, CONTENT_TYPE)

    def _copy_server_side(self, method: CopyMethod, source_url: Secret, blob: SourceBlob) -> PutOutcome:
        writer = self._services.writer
        copy = writer.put_from_url if method is CopyMethod.PUT_FROM_URL else writer.copy_from_url
        return copy(self._named(blob.target_name), source_url, blob.item)

    def _stream(
        self, source: DataSource, blob: SourceBlob, *, stack: ExitStack, probe: Probe, refused: list[CopyMethod]
    ) -> PutOutcome:
        size_bytes = min(2 * blob.item.size_bytes, _STREAM_BYTES)
        stack.enter_context(self._services.budget.hold(size_bytes, self._services.check_stop))
        chunks = stack.enter_context(source.read(blob.item))
        # We can read the blob, so it was not its absence that kept the service from it.
        probe.settle(refused, CopyMethod.STREAM)
        try:
            outcome = self._services.writer.put_stream(self._named(blob.target_name), self._checked(chunks), blob.item)
        except EffectFailed:
            # What fails either way says nothing of the server-side methods.
            probe.forget()
            raise
        return self._counted(CopyMethod.STREAM, outcome)

    def _checked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._services.check_stop()
            yield chunk

    def _counted(self, method: CopyMethod, outcome: PutOutcome) -> PutOutcome:
        with self._lock:
            self._methods[method] += 1
        return outcome

    def _named(self, name: str) -> BlobTarget:
        return replace(self._target, name=name)
