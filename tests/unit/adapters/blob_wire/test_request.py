"""Heads of requests: nothing that comes from outside can end a line, and what cannot be said is refused by name."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.adapters.blob_wire.limits import Limit, check_block_ids, check_pages, check_size
from ferry.adapters.blob_wire.request import (
    Unsendable,
    content_lines,
    header_line,
    pin_line,
    quoted_name,
    source_pin_line,
    tags_line,
    tier_line,
)
from ferry.ports.storage import BlobHeaders, BlobItem

ITEM = BlobItem("a", 1, '"0x1"')
texts = st.text(max_size=30)


@given(texts, texts, st.dictionaries(texts, texts, max_size=3), texts)
def test_headers_hold_one_line_for_each_value_or_are_refused(
    content_type: str, disposition: str, metadata: dict[str, str], tier: str
) -> None:
    headers = BlobHeaders(content_type=content_type, content_disposition=disposition, metadata=metadata)
    item = replace(ITEM, headers=headers, tier=tier)
    try:
        lines = content_lines(item) + tier_line(item)
    except Unsendable as unsendable:
        assert unsendable.answer.status == 400
        return
    assert lines.isascii()
    assert len(lines.splitlines()) == bool(content_type) + bool(disposition) + len(metadata) + 1
    assert lines.count("\r\n") == lines.count("\n") == lines.count("\r")


@given(texts)
def test_name_in_a_url_has_neither_spaces_nor_delimiters(name: str) -> None:
    try:
        quoted = quoted_name(name)
    except Unsendable:
        assert not name
        return
    assert quoted.isascii()
    assert quoted.isprintable()
    assert not set(quoted) & set(" ?#&\r\n\"'<>")


@given(st.dictionaries(texts, texts, min_size=1, max_size=3))
def test_tags_are_one_line(tags: dict[str, str]) -> None:
    line = tags_line(tags)
    assert line.isascii()
    assert line[:-2].isprintable()
    assert line.count("&") == len(tags) - 1


@pytest.mark.parametrize("name", ["", "x" * 1025, "\ud800"])
def test_name_that_no_blob_has_is_refused(name: str) -> None:
    with pytest.raises(Unsendable):
        quoted_name(name)


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"1a": "x"}, "InvalidMetadata"),
        ({"a-b": "x"}, "InvalidMetadata"),
        ({"a": "ü"}, "InvalidHeaderValue"),
        ({"a": "b\nc"}, "InvalidHeaderValue"),
        ({f"k{number}": "x" * 1000 for number in range(9)}, "MetadataTooLarge"),
    ],
)
def test_metadata_that_cannot_be_sent_is_refused_by_name(metadata: dict[str, str], code: str) -> None:
    with pytest.raises(Unsendable) as caught:
        content_lines(replace(ITEM, headers=BlobHeaders(metadata=metadata)))
    assert caught.value.answer.code == code
    assert "'a'" in str(caught.value)


@pytest.mark.parametrize(
    ("pin", "of_source", "of_read"),
    [
        ('"0x1"', 'x-ms-source-if-match: "0x1"\r\n', 'If-Match: "0x1"\r\n'),
        (
            "Mon, 23 Nov 2026 09:48:46 GMT",
            "x-ms-source-if-unmodified-since: Mon, 23 Nov 2026 09:48:46 GMT\r\n",
            "If-Unmodified-Since: Mon, 23 Nov 2026 09:48:46 GMT\r\n",
        ),
        ("", "", ""),
        ('W/"1"', 'x-ms-source-if-match: W/"1"\r\n', ""),
    ],
)
def test_version_becomes_the_condition_that_fits_it(pin: str, of_source: str, of_read: str) -> None:
    item = replace(ITEM, etag=pin)
    assert (source_pin_line(item), pin_line(item)) == (of_source, of_read)


def test_header_with_a_line_end_is_refused() -> None:
    with pytest.raises(Unsendable):
        header_line("x", "a\r\nb: c", "it")


@pytest.mark.parametrize("limit", list(Limit))
def test_size_over_a_limit_is_refused_and_the_limit_is_not(limit: Limit) -> None:
    check_size(limit, limit, "It")
    with pytest.raises(Unsendable) as caught:
        check_size(limit + 1, limit, "It")
    assert (caught.value.answer.status, caught.value.answer.code) == (413, "RequestBodyTooLarge")


@pytest.mark.parametrize(
    "block_ids", [["YQ==", "YWFh YQ"], ["YQ==", "YWFhYWE="], [""], ["x" * 100], ["a<b="], ["YQ=="] * 50_001]
)
def test_ids_that_no_blocks_can_have_are_refused(block_ids: list[str]) -> None:
    with pytest.raises(Unsendable):
        check_block_ids(block_ids)


@pytest.mark.parametrize(("start", "size_bytes"), [(1, 512), (0, 100), (-512, 512)])
def test_range_that_is_not_made_of_pages_is_refused(start: int, size_bytes: int) -> None:
    check_pages(512, 1024)
    with pytest.raises(Unsendable):
        check_pages(start, size_bytes)
