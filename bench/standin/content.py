"""What blobs hold: computed, never kept, and recognised again at the speed of a memory comparison.

All content is cut from one ring of bytes in which eight bytes tell their own position. A blob of a version begins at
a position of its own, so whatever is written can be held against what should be there, byte for byte, in memory that
does not depend on any size. The ring's length divides no block size: a block in the wrong place shows.
"""

import struct
from base64 import b64encode
from functools import lru_cache
from hashlib import md5
from typing import NamedTuple

_WORDS = 131_101  # a prime: MiB blocks begin at positions that differ
_WORD_BYTES = 8
PERIOD = _WORDS * _WORD_BYTES
_MASK = (1 << 64) - 1
_FACTOR = 0x9E3779B97F4A7C15
_SUMMAND = 0x1F83D9ABFB41BD6B
_INVERSE = pow(_FACTOR, -1, 1 << 64)
_STEP_OF_BLOB, _STEP_OF_VERSION = 48_611, 12_289
_PROBE_BYTES = 16

_ONCE = struct.pack(f"<{_WORDS}Q", *((number * _FACTOR + _SUMMAND) & _MASK for number in range(_WORDS)))
_RING = _ONCE + _ONCE
_VIEW = memoryview(_RING)


class Extent(NamedTuple):
    """A stretch of the ring: where it begins, and how many bytes it has."""

    position: int
    size_bytes: int


def position_of(number: int, version: int) -> int:
    """Where the content of a blob of that version begins; other versions of it begin elsewhere."""
    return (number * _STEP_OF_BLOB + version * _STEP_OF_VERSION) % _WORDS * _WORD_BYTES


def piece(position: int, size_bytes: int) -> memoryview:
    """Up to a ring's length of bytes from a position on."""
    at = position % PERIOD
    return _VIEW[at : at + min(size_bytes, PERIOD)]


class Recognition:
    """Finds out, chunk by chunk, whether what comes is a stretch of the ring, and which."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self._begin: int | None = None
        self._is_foreign = False
        self._held = b""

    def feed(self, chunk: bytes) -> None:
        """The next bytes."""
        self.size_bytes += len(chunk)
        if self._is_foreign:
            return
        if self._begin is None:
            chunk = self._held + chunk
            if len(chunk) < _PROBE_BYTES:
                self._held = chunk
                return
            self._begin_with(chunk)
        self._compare(chunk)

    def extent(self) -> Extent | None:
        """The stretch; None where it is none. Nothing at all is a stretch of no length."""
        if self.size_bytes and self._begin is None and not self._is_foreign:
            self._begin_with(self._held)
        if self._is_foreign:
            return None
        return Extent(self._begin or 0, self.size_bytes)

    def _begin_with(self, chunk: bytes) -> None:
        found = _located(chunk)
        if found is None:
            self._is_foreign = True
        else:
            self._begin = found

    def _compare(self, chunk: bytes) -> None:
        if self._begin is None:
            return
        position = self._begin + self.size_bytes - len(chunk)
        for start in range(0, len(chunk), PERIOD):
            part = chunk if len(chunk) <= PERIOD else chunk[start : start + PERIOD]
            if not _RING.startswith(part, (position + start) % PERIOD):
                self._is_foreign = True
                return


def _located(chunk: bytes) -> int | None:
    word = int.from_bytes(chunk[:_WORD_BYTES], "little")
    number = ((word - _SUMMAND) * _INVERSE) & _MASK
    if len(chunk) >= _WORD_BYTES and number < _WORDS:
        return number * _WORD_BYTES
    # A stretch may begin within a word.
    found = _RING.find(chunk[:_PROBE_BYTES])
    return None if found < 0 else found % PERIOD


@lru_cache(maxsize=4096)
def md5_of(extent: Extent) -> str:
    """The MD5 of a stretch, in base64."""
    digest, left, position = md5(usedforsecurity=False), extent.size_bytes, extent.position
    while left:
        part = piece(position, left)
        digest.update(part)
        position, left = position + len(part), left - len(part)
    return b64encode(digest.digest()).decode()


def cut(extent: Extent, start: int, size_bytes: int) -> Extent:
    """A part of a stretch."""
    return Extent((extent.position + start) % PERIOD, size_bytes)


def is_same(one: Extent, other: Extent) -> bool:
    """Whether two stretches hold the same bytes; all empty ones do."""
    return one == other or one.size_bytes == other.size_bytes == 0


def joined(extents: tuple[Extent, ...]) -> Extent | None:
    """The one stretch that they are in this order; None where they do not belong together."""
    if not extents:
        return Extent(0, 0)
    begin, total = extents[0].position, 0
    for extent in extents:
        if extent.size_bytes and (begin + total - extent.position) % PERIOD:
            return None
        total += extent.size_bytes
    return Extent(begin, total)
