"""A listed page as it is kept, and how it is cut into pages to copy: the same list always gives the same pages."""

import json
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.data_plane.copying.blocks import block_bytes_of
from ferry.data_plane.listed_page import Cut, cut, decode, encode
from ferry.ports.storage import BlobHeaders, BlobItem, BlobPage

GIB = 1024**3
NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
headers = st.builds(
    BlobHeaders,
    content_type=st.none() | texts,
    cache_control=st.none() | texts,
    metadata=st.dictionaries(texts, texts, max_size=2),
)
items = st.builds(
    BlobItem,
    name=texts,
    size_bytes=st.integers(0, 2**50),
    etag=texts,
    created_at=st.none() | st.just(NOW),
    content_md5=st.none() | texts,
    headers=st.none() | headers,
    blob_type=st.sampled_from(["BlockBlob", "AppendBlob", "PageBlob"]),
    tier=st.none() | st.just("Cool"),
    tags=st.dictionaries(texts, texts, max_size=2),
    hidden_tags=st.integers(0, 10),
)


def blobs(*sizes: int) -> BlobPage:
    return BlobPage(tuple(BlobItem(f"b{number}", size, "e") for number, size in enumerate(sizes)))


def cuts(page: BlobPage, *, page_blobs: int = 5000, page_bytes: int = 64 * GIB) -> list[Cut]:
    return cut(page, page_blobs=page_blobs, page_bytes=page_bytes, block_bytes=block_bytes_of)


@given(st.lists(items, max_size=5), st.none() | texts)
def test_list_that_is_kept_is_the_same_when_it_is_read(found: list[BlobItem], marker: str | None) -> None:
    page = BlobPage(tuple(found), marker)
    assert decode(encode(page)) == page


def test_list_of_5000_names_is_small() -> None:
    page = BlobPage(tuple(BlobItem(f"data/2026/file-{n:07d}.csv", 65536, f"0x8DC{n:012X}") for n in range(5000)))
    assert len(encode(page)) < 100_000


@pytest.mark.parametrize("content", [b"", b"{}", zlib.compress(b"{}"), zlib.compress(b'{"version":2}')])
def test_what_is_no_list_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="list"):
        decode(content)


def test_blob_without_a_size_is_refused() -> None:
    content = zlib.compress(b'{"version":1}\n' + json.dumps({"n": "a", "e": "e"}).encode())
    with pytest.raises(ValueError, match="not a list of blobs"):
        decode(content)


def test_what_fits_is_one_page() -> None:
    assert cuts(blobs(1, 0, 64 * GIB - 1)) == [Cut(0, 3)]
    assert cuts(blobs()) == []


def test_page_holds_so_many_blobs_at_most() -> None:
    assert cuts(blobs(*[1] * 5), page_blobs=2) == [Cut(0, 2), Cut(2, 4), Cut(4, 5)]


def test_page_holds_so_many_bytes_at_most() -> None:
    assert cuts(blobs(40 * GIB, 30 * GIB, 30 * GIB, 5 * GIB)) == [Cut(0, 1), Cut(1, 3), Cut(3, 4)]


def test_very_large_blob_is_shared_by_whole_blocks_and_committed_by_a_page_of_its_own() -> None:
    size_bytes = 150 * GIB + 1
    block = block_bytes_of(size_bytes)
    found = cuts(blobs(1, size_bytes, 1))
    assert found[0] == Cut(0, 1)
    assert found[-1] == Cut(2, 3)
    assert found[-2] == Cut(1, 2, commits=True, siblings=3)
    ranges = [it.blocks for it in found[1:-2]]
    assert all(it is not None for it in ranges)
    covered = [number for it in ranges if it is not None for number in it]
    assert covered == list(range(-(-size_bytes // block)))
    assert all(len(it) * block <= 64 * GIB for it in ranges if it is not None)


@given(st.lists(st.integers(0, 200 * GIB), max_size=12), st.integers(1, 4))
def test_every_blob_is_in_one_page_whatever_its_size(sizes: list[int], page_blobs: int) -> None:
    page = blobs(*sizes)
    found = cuts(page, page_blobs=page_blobs)
    whole = [index for it in found if it.blocks is None for index in range(it.first, it.last)]
    assert whole == list(range(len(sizes)))
    assert all(it.last - it.first <= page_blobs for it in found)
    for it in found:
        if it.blocks is None and not it.commits:
            size_bytes = sum(sizes[it.first : it.last])
            assert size_bytes <= 64 * GIB
