"""What the service takes at most, as of its current version; more is refused by name and not sent."""

from collections.abc import Sequence
from enum import IntEnum

from ferry.adapters.blob_wire.request import Unsendable

_MIB = 1024 * 1024
_BLOCKS = 50_000
_BLOCK_ID_CHARACTERS = 88
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
_PAGE_BYTES = 512


class Limit(IntEnum):
    """Bytes of one request."""

    PUT = 5000 * _MIB
    BLOCK = 4000 * _MIB
    COPY = 256 * _MIB
    APPEND = 100 * _MIB
    PAGES = 4 * _MIB


def check_size(size_bytes: int, limit: Limit, operation: str) -> None:
    """Raises Unsendable for more bytes than the operation takes."""
    if size_bytes > limit:
        raise Unsendable(
            "RequestBodyTooLarge", f"{operation} takes {limit // _MIB} MiB, these are {size_bytes} bytes", status=413
        )


def check_block_ids(block_ids: Sequence[str]) -> None:
    """Raises Unsendable for ids that are no base64, of different lengths, or too many."""
    if len(block_ids) > _BLOCKS:
        raise Unsendable("BlockListTooLong", f"a blob has {_BLOCKS} blocks at most, these are {len(block_ids)}")
    lengths = {len(block_id) for block_id in block_ids}
    if len(lengths) > 1 or not all(0 < length <= _BLOCK_ID_CHARACTERS for length in lengths):
        raise Unsendable(
            "InvalidInput", f"the ids of blocks have one length of up to {_BLOCK_ID_CHARACTERS} characters"
        )
    if not all(_BASE64.issuperset(block_id) for block_id in block_ids):
        raise Unsendable("InvalidInput", "the id of a block is not base64")


def check_pages(start: int, size_bytes: int) -> None:
    """Raises Unsendable for a range that is not made of pages."""
    if start % _PAGE_BYTES or size_bytes % _PAGE_BYTES or min(start, size_bytes) < 0:
        raise Unsendable("InvalidPageRange", f"a page blob is made of pages of {_PAGE_BYTES} bytes", status=416)
