"""What is copied in one go: a page of blobs, how it is to be done, and where it stands (design section 5).

A page's state is its checkpoint: one bit per blob, and for a large blob one bit per block, so that whoever goes on
after a crash sends at most again what was in flight.
"""

from collections import Counter
from dataclasses import dataclass, field

from ferry.ports import SourceBlob
from ferry.ports.blob_sides import DestinationSide, SourceSide


@dataclass(slots=True)
class StagedBlob:
    """A large blob on its way: the version and block size that its blocks are of, and which of them are staged."""

    etag: str
    block_bytes: int
    blocks: set[int] = field(default_factory=set[int])


@dataclass(slots=True)
class PageState:
    """Where a page stands. Indexes are those of its blobs.

    `changed` holds the sizes of blobs that were copied at a newer version than the listed one; `not_kept` counts what
    could not be kept, by its name (tags, tier, …).
    """

    done: set[int] = field(default_factory=set[int])
    bytes_done: int = 0
    staged: dict[int, StagedBlob] = field(default_factory=dict[int, StagedBlob])
    changed: dict[int, int] = field(default_factory=dict[int, int])
    methods: Counter[str] = field(default_factory=Counter[str])
    not_kept: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOrder:
    """A page to copy. `until` is the end of the slice by `time.monotonic()`.

    `blocks` limits the order to those blocks of its only blob (a very large one is shared by several orders); they are
    staged and not committed. `was_begun`: an earlier attempt may have written blobs that its state does not show.
    `takes_changes`: a blob that changes meanwhile is copied whole at its new version, else SOURCE_CHANGED.
    `may_list`: the destination's SAS can read and list, so blocks left by an earlier run are asked for.
    """

    blobs: tuple[SourceBlob, ...]
    source: SourceSide
    destination: DestinationSide
    until: float
    blocks: range | None = None
    was_begun: bool = False
    overwrite: bool = False
    takes_changes: bool = False
    may_list: bool = False
