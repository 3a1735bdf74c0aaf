"""How blobs are cut: the sizes of blocks, their number and their names."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.data_plane.copying.blocks import MAX_BLOCKS, MIB, BlockPlan, Sizes, block_bytes_of
from ferry.ports.storage import BlobItem, SourceBlob

_GIB, _TIB = 1024 * MIB, 1024 * 1024 * MIB
_LARGEST = 4000 * MIB * MAX_BLOCKS


def plan(size_bytes: int, block_bytes: int, **changes: str) -> BlockPlan:
    """A plan for a blob of that size."""
    item = BlobItem(changes.get("name", "b"), size_bytes, changes.get("etag", '"1"'))
    return BlockPlan(SourceBlob(item, changes.get("target", "t")), block_bytes)


@pytest.mark.parametrize(
    ("size_bytes", "block_bytes"),
    [
        (257 * MIB, 32 * MIB),
        (_GIB, 64 * MIB),
        (2 * _GIB, 128 * MIB),
        (80 * _GIB, 256 * MIB),
        (12 * _TIB, 256 * MIB),
        (100 * _TIB, 2104 * MIB),
        (_LARGEST, 4000 * MIB),
    ],
)
def test_blocks_grow_with_the_blob(size_bytes: int, block_bytes: int) -> None:
    assert block_bytes_of(size_bytes) == block_bytes


@given(size_bytes=st.integers(256 * MIB + 1, _LARGEST))
def test_every_blob_fits_into_the_blocks_of_either_way(size_bytes: int) -> None:
    sizes = Sizes()
    served, streamed = sizes.block_bytes(size_bytes), sizes.stream_block_bytes(size_bytes)
    assert 32 * MIB <= served <= 4000 * MIB
    assert -(-size_bytes // served) <= MAX_BLOCKS
    assert -(-size_bytes // streamed) <= MAX_BLOCKS
    assert served % streamed == 0


@given(size_bytes=st.integers(8 * MIB + 1, 390 * _GIB // 2))
def test_streamed_blocks_are_8_mib_where_that_is_enough(size_bytes: int) -> None:
    assert Sizes().stream_block_bytes(size_bytes) == 8 * MIB


@given(size_bytes=st.integers(1, 5000), block_bytes=st.integers(1, 700))
def test_blocks_cover_the_blob_without_a_gap(size_bytes: int, block_bytes: int) -> None:
    cut = plan(size_bytes, block_bytes)
    blocks = cut.blocks()
    assert [block.start for block in blocks] == list(range(0, size_bytes, block_bytes))
    assert sum(block.size_bytes for block in blocks) == size_bytes
    assert [block.id for block in blocks] == cut.ids()
    assert blocks[-1] == cut.block(cut.count - 1)
    assert len(set(cut.ids())) == cut.count
    assert {len(base64.b64decode(block_id)) for block_id in cut.ids()} == {15}


@pytest.mark.parametrize(
    "other",
    [
        plan(1000, 100, etag='"2"'),
        plan(1000, 100, name="c"),
        plan(1000, 100, target="u"),
        plan(1000, 50),
        plan(1001, 100),
    ],
)
def test_blocks_of_anything_else_have_other_names(other: BlockPlan) -> None:
    assert not set(plan(1000, 100).ids()) & set(other.ids())


def test_the_same_version_has_the_same_names_for_everybody() -> None:
    assert plan(1000, 100).ids() == plan(1000, 100).ids()
