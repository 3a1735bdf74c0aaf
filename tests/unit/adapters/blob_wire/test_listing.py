"""Pages of a listing: as Azure and Azurite write them, and whatever names and metadata may hold."""

from collections.abc import Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.adapters.blob_wire.documents import read_any_page, read_tags, read_uncommitted
from ferry.adapters.blob_wire.listed import UnreadableXml
from ferry.adapters.blob_wire.listing import read_page

PROPERTIES = (
    "<Creation-Time>Mon, 23 Nov 2026 09:48:46 GMT</Creation-Time><Etag>0x8D</Etag>"
    "<Content-Length>{size}</Content-Length>"
    "<Content-Type>text/csv</Content-Type><Content-Encoding /><Content-Language/><Content-CRC64 />"
    "<Content-MD5>xMpCOKC5I4INzFCab3WEmw==</Content-MD5><Cache-Control></Cache-Control>"
    "<BlobType>BlockBlob</BlobType><AccessTier>Cool</AccessTier>{more}<ServerEncrypted>true</ServerEncrypted>"
)
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=20,
)
element_names = st.one_of(
    st.sampled_from(
        ["Blob", "Name", "Properties", "Metadata", "Tags", "Etag", "Blobs", "NextMarker", "hdi", "OrMetadata"]
    ),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
)


def entry(
    name: str,
    size: int = 5,
    *,
    metadata: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    more: str = "",
    attributes: str = "",
) -> str:
    pairs = "".join(
        f"<{key}>{escape(value)}</{key}>" if value else f"<{key} />" for key, value in (metadata or {}).items()
    )
    shown = "<Metadata />" if metadata is None else f"<Metadata>{pairs}</Metadata>"
    each = "".join(
        f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>" for key, value in (tags or {}).items()
    )
    tagged = f"<Tags><TagSet>{each}</TagSet></Tags>" if tags is not None else ""
    return (
        f"<Blob><Name{attributes}>{escape(name)}</Name>"
        f"<Properties>{PROPERTIES.format(size=size, more=more)}</Properties>{shown}{tagged}<OrMetadata /></Blob>"
    )


def page(*entries: str, marker: str = "") -> bytes:
    end = f"<NextMarker>{marker}</NextMarker>" if marker else "<NextMarker />"
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>'
        '<EnumerationResults ServiceEndpoint="https://a/" ContainerName="c">'
        f"<Prefix>a&amp;b</Prefix><MaxResults>5000</MaxResults><Blobs>{''.join(entries)}</Blobs>{end}</EnumerationResults>"
    ).encode()


def test_entry_gives_all_that_a_copy_must_keep() -> None:
    found = read_page(page(entry("a/b.csv", 0, metadata={"Owner": "x", "none": ""}, tags={"k": "v w"}), marker="2!8!x"))
    item = found.items[0]
    assert (item.name, item.size_bytes, item.etag, item.tier, item.blob_type) == (
        "a/b.csv",
        0,
        '"0x8D"',
        "Cool",
        "BlockBlob",
    )
    assert (item.content_md5, item.tags) == ("xMpCOKC5I4INzFCab3WEmw==", {"k": "v w"})
    assert item.created_at == datetime(2026, 11, 23, 9, 48, 46, tzinfo=UTC)
    assert item.headers is not None
    assert (item.headers.content_type, item.headers.content_encoding, item.headers.cache_control) == (
        "text/csv",
        None,
        None,
    )
    assert item.headers.metadata == {"Owner": "x", "none": ""}
    assert found.next_marker == "2!8!x"


def test_tier_that_is_only_inferred_is_none() -> None:
    found = read_page(page(entry("a", more="<AccessTierInferred>true</AccessTierInferred>")))
    assert found.items[0].tier is None


@pytest.mark.parametrize(
    "folder",
    [entry("f", 0, metadata={"hdi_isfolder": "true"}), entry("f", 0, more="<ResourceType>directory</ResourceType>")],
)
def test_folders_of_a_hierarchical_namespace_are_left_out(folder: str) -> None:
    assert [item.name for item in read_page(page(folder, entry("f/a"))).items] == ["f/a"]


def test_encoded_name_is_decoded() -> None:
    assert read_page(page(entry("a%EF%BF%BE%2Fb", attributes=' Encoded="true"'))).items[0].name == "a\ufffe/b"


def test_percent_signs_of_other_names_are_kept() -> None:
    assert read_page(page(entry("a%2Fb"))).items[0].name == "a%2Fb"


@given(
    st.lists(
        st.builds(
            entry,
            texts,
            st.integers(0, 2**50),
            metadata=st.none() | st.dictionaries(element_names, texts | st.just(""), max_size=4),
            tags=st.none() | st.dictionaries(texts, texts, max_size=3),
        ),
        max_size=6,
    ),
    st.sampled_from(["", "2!100!abc=="]),
)
def test_quick_and_general_way_read_the_same_page(entries: list[str], marker: str) -> None:
    content = page(*entries, marker=marker)
    found = read_page(content)
    assert found == read_any_page(content)
    assert len(found.items) == len(entries)


@given(st.dictionaries(element_names, texts, min_size=1, max_size=5))
def test_metadata_of_any_name_is_metadata_and_nothing_else(metadata: dict[str, str]) -> None:
    items = read_page(page(entry("before"), entry("a", metadata=metadata), entry("behind"))).items
    assert [item.name for item in items] == ["before", "a", "behind"]
    assert items[1].headers is not None
    assert items[1].headers.metadata == metadata
    assert items[1].etag == '"0x8D"'


def test_page_of_another_shape_is_read_too() -> None:
    content = (
        b'<?xml version="1.0"?>\n<EnumerationResults>\n<Blobs>\n <Blob>\n'
        b"  <Properties><Content-Length>3</Content-Length>"
        b"<Etag>1</Etag></Properties>\n  <!-- x --><Metadata><A>1</A></Metadata>\n  <Name>a</Name>\n </Blob></Blobs>"
        b"</EnumerationResults>"
    )
    assert [(item.name, item.size_bytes, item.etag) for item in read_page(content).items] == [("a", 3, '"1"')]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html></html>",
        b"<EnumerationResults><Blobs>",
        page(entry("a").replace("<Content-Length>5</Content-Length>", "")),
        page(entry("")),
        b'<!DOCTYPE x [<!ENTITY a "b">]><EnumerationResults><Blobs></Blobs></EnumerationResults>',
        page(entry("a"))[:-40],
    ],
)
def test_what_is_no_listing_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableXml):
        read_page(content)


def test_uncommitted_blocks_are_read_without_the_committed_ones() -> None:
    content = (
        b'\xef\xbb\xbf<?xml version="1.0"?><BlockList><CommittedBlocks><Block><Name>b2xk</Name><Size>9</Size></Block>'
        b"</CommittedBlocks><UncommittedBlocks><Block><Name>YWE=</Name><Size>3</Size></Block><Block><Name>YmI=</Name>"
        b"<Size>0</Size></Block></UncommittedBlocks></BlockList>"
    )
    assert read_uncommitted(content) == {"YWE=": 3, "YmI=": 0}


def test_tags_of_a_blob_are_read() -> None:
    content = (
        b"<Tags><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag><Tag><Key>c</Key><Value/></Tag></TagSet></Tags>"
    )
    assert read_tags(content) == {"a b": "1&2", "c": ""}
