"""The blob that an entry of a listing describes.

Folders of hierarchical namespaces are none; an access tier that is only inferred is the account's own and no property
of the blob.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from ferry.adapters.blob_wire.answered import http_time, quoted_etag
from ferry.ports.storage import BlobHeaders, BlobItem

_FOLDER_METADATA = "hdi_isfolder"
_NONE: Mapping[str, str] = {}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBERS = {name: number for number, name in enumerate(_MONTHS, start=1)}


class UnreadableXml(Exception):
    """What came is not the document that was asked for."""


def blob_item(
    name: str, properties: Mapping[str, str], metadata: Mapping[str, str], tags: Mapping[str, str]
) -> BlobItem | None:
    """The blob, by the properties as the listing names them; None for a folder. Raises UnreadableXml."""
    if properties.get("ResourceType") == "directory" or metadata.get(_FOLDER_METADATA) == "true":
        return None
    get = properties.get
    headers = _headers(
        get("Content-Type"),
        get("Content-Encoding"),
        get("Content-Language"),
        get("Content-Disposition"),
        get("Cache-Control"),
    )
    if metadata:
        headers = replace(headers, metadata=metadata)
    length = get("Content-Length", "")
    if not name or not length.isdecimal():
        raise UnreadableXml("a blob of the listing has no name or no length")
    return BlobItem(
        name,
        int(length),
        quoted_etag(get("Etag", "")),
        _time(get("Creation-Time", "")),
        get("Content-MD5") or None,
        headers,
        get("BlobType") or "BlockBlob",
        None if get("AccessTierInferred") == "true" else get("AccessTier") or None,
        tags or _NONE,
        0 if tags else _count(get("TagCount", "")),
    )


def usual_item(entry: Sequence[str]) -> BlobItem:
    """The blob of an entry without metadata and tags, which is no folder. Raises UnreadableXml.

    `entry`: its name and properties as `listing` finds them; empty where there is none.
    """
    (
        name,
        created,
        etag,
        length,
        content_type,
        encoding,
        language,
        md5,
        cache,
        disposition,
        blob_type,
        tier,
        inferred,
    ) = entry
    if not length.isdecimal():
        raise UnreadableXml("a blob of the listing has no name or no length")
    return BlobItem(
        name,
        int(length),
        quoted_etag(etag),
        _time(created),
        md5 or None,
        _headers(content_type, encoding, language, disposition, cache),
        blob_type or "BlockBlob",
        None if inferred == "true" else tier or None,
        _NONE,
    )


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else 0


@lru_cache(256)
def _headers(
    content_type: str | None, encoding: str | None, language: str | None, disposition: str | None, cache: str | None
) -> BlobHeaders:
    """Headers without metadata: most blobs of a container have the same ones, and share them."""
    return BlobHeaders(
        content_type or None, encoding or None, language or None, disposition or None, cache or None, _NONE
    )


@lru_cache(256)
def _time(text: str) -> datetime | None:
    """`Mon, 23 Nov 2026 09:48:46 GMT`, quicker than the general way; that one reads everything else."""
    try:
        return datetime(
            int(text[12:16]),
            _NUMBERS[text[8:11]],
            int(text[5:7]),
            int(text[17:19]),
            int(text[20:22]),
            int(text[23:25]),
            tzinfo=UTC,
        )
    except (ValueError, KeyError):
        return http_time(text)
