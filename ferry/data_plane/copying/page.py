"""What is copied in one go: a page of blobs, how it is to be done, and where it stands (design section 5).

A page's state is its checkpoint: one bit per blob, and for a large blob one bit per block, so that whoever goes on
after a crash sends at most again what was in flight.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from ferry.data_plane.copying.bitmap import pack, unpack
from ferry.domain.process import JsonObject
from ferry.ports.blob_sides import DestinationSide, SourceSide
from ferry.ports.storage import SourceBlob


@dataclass(slots=True)
class StagedBlob:
    """A large blob on its way: the version and block size that its blocks are of, and which of them are staged."""

    etag: str
    block_bytes: int
    blocks: set[int] = field(default_factory=set[int])

    def to_json(self) -> JsonObject:
        """Short, for a checkpoint."""
        return {"etag": self.etag, "block_bytes": self.block_bytes, "blocks": pack(self.blocks)}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> "StagedBlob":
        """What `to_json` gave."""
        return cls(str(document["etag"]), int(str(document["block_bytes"])), unpack(str(document["blocks"])))

    def copy(self) -> "StagedBlob":
        """One of its own."""
        return StagedBlob(self.etag, self.block_bytes, set(self.blocks))


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
    may_have_written: bool = False

    def to_json(self) -> JsonObject:
        """Short, for a checkpoint: 5000 blobs take less than a kilobyte. What is empty is left out."""
        parts: JsonObject = {
            "done": pack(self.done),
            "bytes": self.bytes_done,
            "staged": {str(index): staged.to_json() for index, staged in self.staged.items()},
            "changed": {str(index): size_bytes for index, size_bytes in self.changed.items()},
            "methods": dict(self.methods),
            "not_kept": dict(self.not_kept),
        }
        return {name: part for name, part in parts.items() if part}

    @classmethod
    def from_json(cls, document: Mapping[str, object] | None) -> "PageState":
        """What `to_json` gave; None: nothing is done yet."""
        found = document or {}
        return cls(
            done=unpack(str(found.get("done", ""))),
            bytes_done=int(str(found.get("bytes", 0))),
            staged={int(index): StagedBlob.from_json(_object(part)) for index, part in _items(found, "staged")},
            changed=_counts(found, "changed", int),
            methods=Counter(_counts(found, "methods", str)),
            not_kept=Counter(_counts(found, "not_kept", str)),
        )

    def copy(self) -> "PageState":
        """One that does not change any more when this one does."""
        return PageState(
            set(self.done),
            self.bytes_done,
            {index: staged.copy() for index, staged in self.staged.items()},
            dict(self.changed),
            Counter(self.methods),
            Counter(self.not_kept),
            self.may_have_written,
        )

    def take(self, other: "PageState") -> None:
        """Become what the other one is."""
        self.done, self.bytes_done, self.staged = other.done, other.bytes_done, other.staged
        self.changed, self.methods, self.not_kept = other.changed, other.methods, other.not_kept
        self.may_have_written = other.may_have_written


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOrder:
    """A page to copy. `until` is the end of the slice by `time.monotonic()`.

    `blocks` limits the order to those blocks of its only blob (a very large one is shared by several orders); they are
    staged and not committed. `commits`: all blocks of the only blob were staged by other orders; commit them, no more.
    `was_begun`: an earlier attempt may have written blobs that its state does not show.
    `takes_changes`: a blob that changes meanwhile is copied whole at its new version, else SOURCE_CHANGED.
    `may_list`: the destination's SAS can read and list, so blocks left by an earlier run are asked for.
    """

    blobs: tuple[SourceBlob, ...]
    source: SourceSide
    destination: DestinationSide
    until: float
    blocks: range | None = None
    commits: bool = False
    was_begun: bool = False
    overwrite: bool = False
    takes_changes: bool = False
    may_list: bool = False


def _object(found: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", found) if isinstance(found, Mapping) else {}


def _items(document: Mapping[str, object], name: str) -> list[tuple[str, object]]:
    return list(_object(document.get(name)).items())


def _counts[K](document: Mapping[str, object], name: str, key: Callable[[str], K]) -> dict[K, int]:
    return {key(found): int(str(count)) for found, count in _items(document, name)}
