"""The short way through a listing gives what the parser gives; a header that is not there costs one search."""

import pytest

from ferry.adapters.blob_wire.documents import read_any_page
from ferry.adapters.blob_wire.listing import read_page
from ferry.adapters.blob_wire.raw_answer import Headers

_TIME = "<Creation-Time>Mon, 21 Sep 2026 14:13:20 GMT</Creation-Time><Last-Modified>x</Last-Modified>"
_ETAG = "<Etag>0x8D1</Etag><Content-Length>7</Content-Length>"
_USUAL = (
    "<Content-Type>text/plain</Content-Type><Content-Encoding /><Content-Language></Content-Language>"
    "<Content-CRC64 /><Content-MD5>mm==</Content-MD5><Cache-Control>no-store</Cache-Control><Content-Disposition/>"
    "<BlobType>BlockBlob</BlobType><AccessTier>Cool</AccessTier>"
)
_STATE = "<LeaseStatus>unlocked</LeaseStatus><ServerEncrypted>true</ServerEncrypted>"


@pytest.mark.parametrize(
    "entry",
    [
        f"{_TIME}{_ETAG}{_USUAL}{_STATE}",
        f"{_TIME}{_ETAG}{_USUAL}<AccessTierInferred>true</AccessTierInferred>{_STATE}",
        f"{_ETAG}{_TIME}{_USUAL}",
        f"{_ETAG}<BlobType>PageBlob</BlobType>",
        f"{_TIME}{_ETAG}<Content-Type>a&amp;b</Content-Type>",
        f"{_TIME}{_ETAG}{_USUAL}<ResourceType>directory</ResourceType>",
        f"{_TIME}{_ETAG}{_USUAL}<TagCount>2</TagCount>",
    ],
)
@pytest.mark.parametrize("behind", ["", "<Metadata /><OrMetadata />", "<Metadata><a>1</a></Metadata>"])
def test_an_entry_is_read_as_the_parser_reads_it(entry: str, behind: str) -> None:
    one = f"<Blob><Name>n</Name><Properties>{entry}</Properties>{behind}</Blob>"
    other = f"<Blob><Name>o</Name><Properties>{_TIME}{_ETAG}</Properties></Blob>"
    page = f"<EnumerationResults><Blobs>{one}{other}</Blobs><NextMarker /></EnumerationResults>".encode()
    assert read_page(page) == read_any_page(page)


def test_a_header_is_found_by_its_name_alone() -> None:
    headers = Headers(b"HTTP/1.1 201 Created\r\nETag: 1\r\nX-Note: \r\netag: 2")
    assert headers.get("etag") == "1"
    assert headers.get("x-note", "none") == ""
    assert headers.get("x-no", "none") == "none"
    assert headers.get("note") is None
