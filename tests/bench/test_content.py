"""Content that is computed: what is recognised is what was written, in its place, of its version."""

from base64 import b64encode
from hashlib import md5

import pytest

from bench.standin.content import PERIOD, Extent, Recognition, cut, joined, md5_of, piece, position_of

MIB = 2**20


def bytes_of(extent: Extent) -> bytes:
    """All bytes of a stretch."""
    content, position = b"", extent.position
    while len(content) < extent.size_bytes:
        content += piece(position, extent.size_bytes - len(content))
        position = extent.position + len(content)
    return content


def recognised(content: bytes, chunk_bytes: int) -> Extent | None:
    """What it is taken for when it comes in chunks."""
    recognition = Recognition()
    for start in range(0, len(content), chunk_bytes):
        recognition.feed(content[start : start + chunk_bytes])
    return recognition.extent()


@pytest.mark.parametrize("size_bytes", [0, 5, 16, 4096, 3 * MIB + 1])
@pytest.mark.parametrize("chunk_bytes", [3, 4096, 2 * MIB])
def test_content_in_chunks_is_recognised(size_bytes: int, chunk_bytes: int) -> None:
    if size_bytes > MIB and chunk_bytes < 1000:
        chunk_bytes = 65_537
    extent = Extent(position_of(17, 2) if size_bytes else 0, size_bytes)
    assert recognised(bytes_of(extent), chunk_bytes) == extent


def test_stretch_that_begins_within_a_word_is_recognised() -> None:
    extent = cut(Extent(position_of(4, 0), MIB), 12_345, 700)
    assert recognised(bytes_of(extent), 100) == extent


def test_one_wrong_byte_far_behind_is_not_recognised() -> None:
    content = bytearray(bytes_of(Extent(position_of(1, 0), 2 * MIB)))
    content[-1] ^= 1
    assert recognised(bytes(content), 65_536) is None


def test_versions_and_blobs_differ_in_their_first_bytes() -> None:
    begins = {bytes_of(Extent(position_of(number, version), 16)) for number in range(200) for version in range(5)}
    assert len(begins) == 1000


@pytest.mark.parametrize("block_bytes", [4 * MIB, 8 * MIB, 32 * MIB, 100 * MIB])
def test_blocks_in_the_wrong_order_are_not_one_stretch(block_bytes: int) -> None:
    whole = Extent(position_of(3, 0), 3 * block_bytes)
    blocks = [cut(whole, it * block_bytes, block_bytes) for it in range(3)]
    assert joined(tuple(blocks)) == whole
    assert joined((blocks[1], blocks[0], blocks[2])) is None


def test_md5_is_that_of_the_bytes() -> None:
    extent = Extent(position_of(9, 1), PERIOD + 77)
    assert md5_of(extent) == b64encode(md5(bytes_of(extent), usedforsecurity=False).digest()).decode()
