"""What an answer says: its error code, and the blob that its headers describe."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ferry.adapters.blob_wire.raw_answer import RawAnswer
from ferry.ports.blob_sides import UNKNOWN_SIZE, WireAnswer
from ferry.ports.storage import BlobHeaders, BlobItem

_CODE = re.compile(rb"<Code>([A-Za-z0-9_.]{1,100})</Code>")
_META = re.compile(rb"\r\nx-ms-meta-([^:\r]+):[ \t]*([^\r]*)", re.IGNORECASE)


def told(raw: RawAnswer) -> WireAnswer:
    """The answer as the engine reads it; its code is in a header, or in the body where there is no such header."""
    headers = raw.headers
    if raw.status < 300:
        return WireAnswer(raw.status, "", headers, raw.body)
    code = headers.get("x-ms-error-code", "")
    if not code:
        found = _CODE.search(raw.body)
        code = found[1].decode("ascii") if found else ""
    return WireAnswer(raw.status, code, headers, raw.body)


def item_of(name: str, answer: RawAnswer) -> BlobItem:
    """The blob or file that a HEAD describes."""
    headers = answer.headers
    # Of a part the whole length stands behind the slash.
    length = (
        headers.get("content-range", "").rpartition("/")[2]
        if answer.status == 206
        else headers.get("content-length", "")
    )
    tag_count = headers.get("x-ms-tag-count", "")
    return BlobItem(
        name=name,
        size_bytes=int(length) if length.isdecimal() and length.isascii() else UNKNOWN_SIZE,
        etag=quoted_etag(headers.get("etag", "")) or headers.get("last-modified", ""),
        created_at=http_time(headers.get("x-ms-creation-time", "")),
        content_md5=headers.get("content-md5") or None,
        headers=BlobHeaders(
            content_type=headers.get("content-type") or None,
            content_encoding=headers.get("content-encoding") or None,
            content_language=headers.get("content-language") or None,
            content_disposition=headers.get("content-disposition") or None,
            cache_control=headers.get("cache-control") or None,
            metadata=_metadata(answer.head),
        ),
        blob_type=headers.get("x-ms-blob-type") or "BlockBlob",
        tier=None if headers.get("x-ms-access-tier-inferred") == "true" else headers.get("x-ms-access-tier"),
        hidden_tags=int(tag_count) if tag_count.isdecimal() and tag_count.isascii() else 0,
    )


def _metadata(head: bytes) -> dict[str, str]:
    """Metadata with the names as they were set, which a map of headers does not keep."""
    found: list[tuple[bytes, bytes]] = _META.findall(head)
    return {name.decode("latin-1"): value.rstrip(b" \t").decode("latin-1") for name, value in found}


def quoted_etag(etag: str) -> str:
    """An ETag with the quotes that conditions need; a listing gives it without."""
    return etag if not etag or etag.startswith(('"', "W/")) else f'"{etag}"'


def http_time(text: str) -> datetime | None:
    """An HTTP date; None where it is none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError, IndexError):
        return None
