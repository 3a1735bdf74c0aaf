"""EngineOptions: what a copy engine may use, how patient it is, how quick to stop."""

from dataclasses import dataclass, field

from ferry.data_plane.copying.blocks import Sizes
from ferry.data_plane.copying.budget import DEFAULT_BYTES


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """`memory_bytes`: bytes of blobs in memory at once. `window_cap`: requests under way at one endpoint.

    `tries` of a request that is not answered, with growing pauses; a throttled one is tried for `patience_seconds`.
    `settle_seconds`: how long a copy that is stopped waits for what is under way. When a slice is over nothing new is
    begun; after `finish_seconds` more nothing new is sent, after `drain_seconds` more nothing is awaited.
    `versions`: how many versions of one blob are tried while it keeps changing.
    """

    memory_bytes: int = DEFAULT_BYTES
    window_cap: int = 512
    tries: int = 7
    patience_seconds: float = 60.0
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 5.0
    longest_retry_after_seconds: float = 60.0
    settle_seconds: float = 1.5
    finish_seconds: float = 5.0
    drain_seconds: float = 120.0
    versions: int = 4
    sizes: Sizes = field(default_factory=Sizes)
