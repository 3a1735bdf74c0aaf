"""What was listed once is what is copied: a page of a listing as it is kept, and how it is cut into pages to copy.

Kept as compressed JSON lines: a head, then one line for each blob with all that a copy must keep of it. The cut depends
on nothing but the list, so whoever reads it again cuts it into the same pages.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from ferry.domain.process import Json, JsonObject
from ferry.ports.storage import BlobHeaders, BlobItem, BlobPage

_VERSION = 1
# Lists of names press well; more effort costs more time than it saves bytes.
_LEVEL = 3
# A page is one worker's; more than this in one hand would keep the others waiting.
PAGE_BYTES = 64 * 1024**3
_HEADERS = ("content_type", "content_encoding", "content_language", "content_disposition", "cache_control")


@dataclass(frozen=True, slots=True)
class Cut:
    """One page to copy: blobs `first` to `last` (exclusive), or so many blocks of one.

    `commits`: all blocks of its one blob, staged by the `siblings` pages before it, are committed.
    """

    first: int
    last: int
    blocks: range | None = None
    commits: bool = False
    siblings: int = 0


def encode(page: BlobPage) -> bytes:
    """The page as it is kept."""
    head: JsonObject = {"version": _VERSION, "next": page.next_marker}
    lines = [_line(head), *(_line(_item_json(item)) for item in page.items)]
    return zlib.compress(b"\n".join(lines), _LEVEL)


def decode(content: bytes) -> BlobPage:
    """The page that was kept. Raises ValueError where it is none."""
    try:
        lines = [json.loads(line) for line in zlib.decompress(content).split(b"\n")]
        head = cast("JsonObject", lines[0])
        if head.get("version") != _VERSION:
            raise ValueError(f"a list of version {head.get('version')}")
        marker = head.get("next")
        items = tuple(_item(cast("JsonObject", line)) for line in lines[1:])
    except (zlib.error, KeyError, AttributeError, TypeError) as error:
        raise ValueError("not a list of blobs") from error
    return BlobPage(items, marker if isinstance(marker, str) else None)


def cut(
    page: BlobPage, *, page_blobs: int, block_bytes: Callable[[int], int], page_bytes: int = PAGE_BYTES
) -> list[Cut]:
    """The pages to copy of a listed one, in its order: at most so many blobs and bytes in each.

    A blob of more bytes becomes several of its own, by whole blocks, and one that commits them.
    """
    cuts: list[Cut] = []
    first, size_bytes = 0, 0
    for index, item in enumerate(page.items):
        # Append and page blobs have no blocks that several could stage: they are copied in their own steps.
        is_large = item.size_bytes > page_bytes and item.blob_type == "BlockBlob"
        if first < index and (is_large or index - first >= page_blobs or size_bytes + item.size_bytes > page_bytes):
            cuts.append(Cut(first, index))
            first, size_bytes = index, 0
        if is_large:
            cuts += _split(index, item.size_bytes, block_bytes(item.size_bytes), page_bytes)
            first, size_bytes = index + 1, 0
        else:
            size_bytes += item.size_bytes
    if first < len(page.items):
        cuts.append(Cut(first, len(page.items)))
    return cuts


def _split(index: int, size_bytes: int, block_bytes: int, page_bytes: int) -> Iterator[Cut]:
    count = -(-size_bytes // block_bytes)
    step = max(1, page_bytes // block_bytes)
    starts = range(0, count, step)
    for start in starts:
        yield Cut(index, index + 1, range(start, min(start + step, count)))
    yield Cut(index, index + 1, commits=True, siblings=len(starts))


def _line(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _item_json(item: BlobItem) -> JsonObject:
    """Short names, and nothing that is as usual."""
    told: dict[str, Json] = {"n": item.name, "s": item.size_bytes, "e": item.etag}
    if item.created_at is not None:
        told["at"] = item.created_at.isoformat()
    if item.content_md5 is not None:
        told["md5"] = item.content_md5
    if item.blob_type != "BlockBlob":
        told["type"] = item.blob_type
    if item.tier is not None:
        told["tier"] = item.tier
    if item.tags:
        told["tags"] = dict(item.tags)
    if item.hidden_tags:
        told["hidden"] = item.hidden_tags
    if item.headers is not None:
        headers: dict[str, Json] = {
            name: value for name in _HEADERS if (value := getattr(item.headers, name)) is not None
        }
        told["h"] = headers | ({"m": dict(item.headers.metadata)} if item.headers.metadata else {})
    return told


def _item(told: JsonObject) -> BlobItem:
    at, headers, blob_type = told.get("at"), told.get("h"), told.get("type")
    return BlobItem(
        name=_text(told["n"]),
        size_bytes=_count(told["s"]),
        etag=_text(told["e"]),
        created_at=datetime.fromisoformat(at) if isinstance(at, str) else None,
        content_md5=_text_or_none(told.get("md5")),
        headers=_headers(headers) if isinstance(headers, Mapping) else None,
        blob_type=blob_type if isinstance(blob_type, str) else "BlockBlob",
        tier=_text_or_none(told.get("tier")),
        tags=_texts(told.get("tags")),
        hidden_tags=_count(told.get("hidden", 0)),
    )


def _headers(told: JsonObject) -> BlobHeaders:
    values = {name: _text_or_none(told.get(name)) for name in _HEADERS}
    return BlobHeaders(**values, metadata=_texts(told.get("m")))


def _texts(value: Json) -> dict[str, str]:
    return {name: _text(it) for name, it in value.items()} if isinstance(value, Mapping) else {}


def _text_or_none(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _count(value: Json) -> int:
    if not isinstance(value, int):
        raise TypeError("not a number")
    return value
