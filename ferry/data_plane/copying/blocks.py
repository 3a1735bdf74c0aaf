"""How a large blob is cut into blocks, and what the blocks are called.

A streamed copy cuts a server-side block into equal parts, so that a range of blocks means the same bytes either way.
"""

import base64
import hashlib
from dataclasses import dataclass

from ferry.ports.blob_sides import BlockRange
from ferry.ports.storage import SourceBlob

MIB = 1024 * 1024
MAX_BLOCKS = 50_000
_ALIGN = 8


@dataclass(frozen=True, slots=True)
class Sizes:
    """What goes in one request and how the rest is cut; all in bytes but the counts.

    `put_bytes`: up to here one Put Blob From URL; `put_of_many_bytes`: with at least `many` blobs between the two it is
    one request up to there. `read_bytes`: what is read and put at once where the bytes pass through here.
    """

    put_bytes: int = 256 * MIB
    put_of_many_bytes: int = 1024 * MIB
    many: int = 64
    many_in_blocks: int = 8
    least_block_bytes: int = 32 * MIB
    most_block_bytes: int = 256 * MIB
    largest_block_bytes: int = 4000 * MIB
    read_bytes: int = 8 * MIB
    append_bytes: int = 100 * MIB
    pages_bytes: int = 4 * MIB
    unit_bytes: int = MIB
    max_blocks: int = MAX_BLOCKS

    def block_bytes(self, size_bytes: int, *, is_one_of_many: bool = False) -> int:
        """The block of a server-side copy: a sixteenth of the blob within its bounds, in whole multiples of 8 MiB.

        `is_one_of_many`: an eighth will do, for the others keep all hands busy, and every request costs money.
        """
        wanted = min(max(_part(size_bytes, 8 if is_one_of_many else 16), self.least_block_bytes), self.most_block_bytes)
        least = _part(_part(size_bytes, self.max_blocks), self.unit_bytes) * self.unit_bytes
        align = _ALIGN * self.unit_bytes
        return min(_part(max(wanted, least), align) * align, self.largest_block_bytes)

    def stream_block_bytes(self, size_bytes: int) -> int:
        """The block of a streamed copy: 8 MiB where not more than 50,000 blocks come of it; divides `block_bytes`."""
        block = self.block_bytes(size_bytes)
        most_parts = min(block // self.read_bytes, self.max_blocks // max(1, _part(size_bytes, block)))
        parts = next(parts for parts in range(max(1, most_parts), 0, -1) if block % parts == 0)
        return block // parts


def block_bytes_of(size_bytes: int) -> int:
    """The block in which a large blob is shared between several orders."""
    return Sizes().block_bytes(size_bytes)


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """One version of one blob in blocks."""

    blob: SourceBlob
    block_bytes: int

    @property
    def count(self) -> int:
        """How many blocks it has."""
        return max(1, _part(self.blob.item.size_bytes, self.block_bytes))

    def ids(self) -> list[str]:
        """The ids of all blocks in order."""
        seed = self._seed()
        return [_id(seed, index) for index in range(self.count)]

    def block(self, index: int) -> BlockRange:
        """The block with that index."""
        start = index * self.block_bytes
        size_bytes = min(self.block_bytes, self.blob.item.size_bytes - start)
        return BlockRange(_id(self._seed(), index), start, size_bytes)

    def blocks(self) -> list[BlockRange]:
        """All of them."""
        size_bytes, step = self.blob.item.size_bytes, self.block_bytes
        starts = range(0, max(1, size_bytes), step)
        return [
            BlockRange(block_id, start, min(step, size_bytes - start))
            for block_id, start in zip(self.ids(), starts, strict=True)
        ]

    def _seed(self) -> bytes:
        # Whoever cuts the same version otherwise stages blocks of other names, so no two are ever mixed up.
        item = self.blob.item
        text = f"{self.blob.target_name}|{item.name}|{item.etag}|{item.size_bytes}|{self.block_bytes}"
        return hashlib.sha256(text.encode()).digest()[:12]


def _id(seed: bytes, index: int) -> str:
    return base64.b64encode(seed + index.to_bytes(3)).decode()


def _part(whole: int, parts: int) -> int:
    return -(-whole // parts)
