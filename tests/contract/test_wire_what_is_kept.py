"""What requests say of a blob where the service does not take it from the source, and tags that nobody lets us read."""

import asyncio
from dataclasses import replace

import pytest

from ferry.adapters.blob_wire.listing import read_page
from ferry.adapters.blob_wire.request import copied_metadata_lines
from ferry.domain.secret import Secret
from ferry.ports.storage import BlobHeaders, BlobItem
from tests.contract.scripted_server import Asked, an_answer, answering, serving, wired

pytestmark = pytest.mark.emulators

_SAS = Secret("sv=2026-10-06&sr=c&sp=cw&sig=c2ln")
_SOURCE = "https://source.blob.core.windows.net/c/a?sp=r&sig=c2ln"
_ITEM = BlobItem("a", 512, '"0x1"', content_md5="bWQ1", headers=BlobHeaders("text/csv", metadata={"Owner": "x y"}))
_LISTING = (
    '<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs><Blob><Name>a</Name><Properties>'
    "<Etag>0x1</Etag><Content-Length>5</Content-Length><BlobType>BlockBlob</BlobType><TagCount>2</TagCount>"
    "</Properties>{}</Blob></Blobs><NextMarker/></EnumerationResults>"
)
_TAGS = "<Tags><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tags>"


def asked_for(item: BlobItem, how: str) -> Asked:
    """The request that makes a blob like this one."""

    async def work() -> Asked:
        async with serving(answering(an_answer())) as server, wired() as sides:
            destination = sides.destination(server.endpoint, "c", _SAS)
            if how == "put":
                await destination.put_from_url("a", _SOURCE, item, overwrite=True)
            elif how == "append":
                await destination.create_appendable("a", item, overwrite=True)
            else:
                await destination.create_paged("a", item, overwrite=True)
            return server.asked[0]

    return asyncio.run(work())


def test_copy_in_one_request_brings_the_metadata_along() -> None:
    assert asked_for(_ITEM, "put").headers["x-ms-meta-owner"] == "x y"


def test_metadata_that_no_request_can_carry_is_left_to_the_service() -> None:
    item = replace(_ITEM, headers=BlobHeaders(metadata={"owner": "données"}))
    assert not copied_metadata_lines(item)
    assert "x-ms-meta-owner" not in asked_for(item, "put").headers


@pytest.mark.parametrize("how", ["append", "pages"])
def test_stored_md5_goes_along_where_the_service_makes_none(how: str) -> None:
    assert asked_for(_ITEM, how).headers["x-ms-blob-content-md5"] == "bWQ1"
    assert "x-ms-blob-content-md5" not in asked_for(replace(_ITEM, content_md5=None), how).headers


@pytest.mark.parametrize(("tags", "hidden"), [("", 2), (_TAGS, 0)])
def test_tags_that_a_listing_only_counts_are_hidden(tags: str, hidden: int) -> None:
    assert read_page(_LISTING.format(tags).encode()).items[0].hidden_tags == hidden
