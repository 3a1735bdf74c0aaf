"""A source and a destination in the memory cloud, and an engine between them with sizes fit for small blobs."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from ferry.adapters.clock import SystemClock
from ferry.adapters.memory_cloud import MemoryBlob, MemoryCloud, MemoryRequest, item_of
from ferry.adapters.memory_sas import sign
from ferry.adapters.memory_sides import MemorySides
from ferry.data_plane.copying.blocks import Sizes
from ferry.data_plane.copying.engine import CopyEngine, EngineOptions
from ferry.data_plane.copying.page import PageOrder, PageState
from ferry.ports.blob_sides import DestinationSide, SourceSide
from ferry.ports.storage import BlobHeaders, SasScope, SourceBlob

KIB = 1024
# The real sizes divided by 4096 or so: whole up to 64 KiB, blocks of 8 to 64 KiB, 2 KiB read at once.
SMALL = Sizes(
    put_bytes=64 * KIB,
    put_of_many_bytes=256 * KIB,
    many=8,
    least_block_bytes=8 * KIB,
    most_block_bytes=64 * KIB,
    largest_block_bytes=1000 * KIB,
    read_bytes=2 * KIB,
    append_bytes=10 * KIB,
    pages_bytes=4 * KIB,
    unit_bytes=KIB // 4,
)
FAST = EngineOptions(
    memory_bytes=24 * KIB,
    first_pause_seconds=0.0005,
    longest_pause_seconds=0.002,
    longest_retry_after_seconds=0.002,
    patience_seconds=2.0,
    settle_seconds=0.3,
    finish_seconds=0.2,
    drain_seconds=5.0,
    sizes=SMALL,
)


class Stage:
    """Containers `from` and `to` in two accounts. `sas` are the letters of the destination's SAS."""

    def __init__(self, options: EngineOptions = FAST, *, sas: str = "cw", gives_urls: bool = True) -> None:
        self.clock = SystemClock()
        self.cloud = MemoryCloud(self.clock)
        self.sides = MemorySides(self.cloud)
        self.source_account = self.cloud.add_account("origin")
        self.target_account = self.cloud.add_account("target")
        self.cloud.add_container(self.source_account, "from")
        self.cloud.add_container(self.target_account, "to")
        self.engine = CopyEngine(options)
        self.source: SourceSide = self.sides.source(self.source_account, "from", gives_urls=gives_urls)
        self.destination: DestinationSide = self.open_destination(sas)
        self.told: list[PageState] = []

    def open_destination(self, letters: str) -> DestinationSide:
        """The destination with a SAS of these letters."""
        now = self.clock.now()
        scope = SasScope("to", letters, now - timedelta(hours=1), now + timedelta(hours=1))
        key = self.target_account.key
        assert key is not None
        sas = sign(self.target_account.name, scope, key, https_only=True)
        return self.sides.destination(self.target_account.endpoint, "to", sas)

    def add(self, name: str, content: bytes, **changes: object) -> SourceBlob:
        """A blob of the source, as it would be listed."""
        blob = replace(self.cloud.new_blob(content, BlobHeaders(content_type="text/plain")), **changes)
        self.source_blobs[name] = blob
        return SourceBlob(item_of(name, blob), f"folder/{name}")

    def add_random(self, name: str, size_bytes: int, **changes: object) -> SourceBlob:
        """A blob of the source with bytes of its own."""
        return self.add(name, random.Random(f"{name} {size_bytes}").randbytes(size_bytes), **changes)

    @property
    def source_blobs(self) -> dict[str, MemoryBlob]:
        """What lies in the source."""
        return self.cloud.accounts[self.source_account.endpoint].containers["from"].blobs

    @property
    def arrived(self) -> dict[str, MemoryBlob]:
        """What lies at the destination."""
        return self.cloud.accounts[self.target_account.endpoint].containers["to"].blobs

    def order(self, blobs: Iterable[SourceBlob], *, seconds: float = 30.0, **changes: object) -> PageOrder:
        """An order for these blobs."""
        order = PageOrder(
            blobs=tuple(blobs), source=self.source, destination=self.destination, until=time.monotonic() + seconds
        )
        return replace(order, **changes)

    def run(
        self,
        order: PageOrder,
        state: PageState | None = None,
        *,
        tell: Callable[[PageState], bool] | None = None,
        tell_seconds: float = 1.0,
    ) -> PageState:
        """Copy to the end of the slice; the state after it."""
        reached = PageState() if state is None else state
        self.engine.run(order, reached, tell=tell or self.keep, tell_seconds=tell_seconds)
        return reached

    def keep(self, state: PageState) -> bool:
        """Note what was told, and go on."""
        self.told.append(state.copy())
        return True

    def requests(self, account: str | None = None) -> Counter[str]:
        """How often each operation was asked for."""
        return Counter(request.operation for request in self.cloud.requests if account in (None, request.account))

    def requests_for(self, operation: str) -> list[MemoryRequest]:
        """The requests of one kind."""
        return [request for request in self.cloud.requests if request.operation == operation]

    def close(self) -> None:
        """End the engine's loop."""
        self.engine.close()
