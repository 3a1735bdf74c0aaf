"""List Blobs: pages of the source by arithmetic, pages of what was written by its names."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

from bench.standin.source import Source, now
from bench.standin.written import Container

_MOST = 5000


class Listed:
    """A page that is asked for. `begins_at` and `begins_after` are names."""

    def __init__(self, query: dict[str, str]) -> None:
        self.prefix = query.get("prefix", "")
        self.delimiter = query.get("delimiter", "")
        self.limit = max(1, min(_MOST, int(query.get("maxresults") or _MOST)))
        self.begins_at = max(query.get("marker") or "", query.get("startFrom") or "", self.prefix)


def of_source(source: Source, asked: Listed) -> bytes:
    """A page of the source. Its names have no folders."""
    first = source.first_at(asked.begins_at)
    last = min(first + asked.limit, source.count)
    entries: list[str] = []
    for number in range(first, last):
        blob = source.blob(number)
        if not blob.name.startswith(asked.prefix):
            return _page(entries, None)
        entries.append(_entry(blob.name, blob.etag, blob.extent.size_bytes, (blob.modified, source.md5(blob))))
    return _page(entries, source.name(last) if last < source.count else None)


def of_container(container: Container, asked: Listed) -> bytes:
    """A page of what was written."""
    names = sorted(container.blobs)
    entries: list[str] = []
    marker = None
    for name, is_folder in _walk(names, asked):
        if len(entries) == asked.limit:
            marker = name
            break
        if is_folder:
            entries.append(f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>")
            continue
        blob = container.blobs[name]
        told = (now(), blob.headers.get("Content-MD5"))
        entries.append(_entry(name, blob.etag, blob.size_bytes, told))
    return _page(entries, marker)


def _walk(names: list[str], asked: Listed) -> Iterator[tuple[str, bool]]:
    at = bisect_left(names, asked.begins_at)
    while at < len(names) and names[at].startswith(asked.prefix):
        name = names[at]
        end = name.find(asked.delimiter, len(asked.prefix)) if asked.delimiter else -1
        if end < 0:
            yield name, False
            at += 1
            continue
        folder = name[: end + len(asked.delimiter)]
        yield folder, True
        at = bisect_right(names, folder + "\U0010ffff")


def _entry(name: str, etag: str, size_bytes: int, told: tuple[str, str | None]) -> str:
    modified, md5 = told
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties><Creation-Time>{modified}</Creation-Time>"
        f"<Last-Modified>{modified}</Last-Modified><Etag>{etag[1:-1]}</Etag><Content-Length>{size_bytes}"
        "</Content-Length><Content-Type>application/octet-stream</Content-Type><Content-Encoding /><Content-Language />"
        f"<Content-CRC64 /><Content-MD5>{md5 or ''}</Content-MD5><Cache-Control /><Content-Disposition />"
        "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
        "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted>"
        "</Properties><OrMetadata /></Blob>"
    )


def _page(entries: list[str], marker: str | None) -> bytes:
    next_marker = f"<NextMarker>{escape(marker)}</NextMarker>" if marker else "<NextMarker />"
    blobs = "".join(entries)
    head = '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://127.0.0.1/">'
    return f"{head}<Blobs>{blobs}</Blobs>{next_marker}</EnumerationResults>".encode()


def block_list(container: Container, name: str, size_of: Callable[[str], int]) -> bytes:
    """Get Block List of the blocks that are staged and not committed."""
    blocks = "".join(
        f"<Block><Name>{it}</Name><Size>{size_of(it)}</Size></Block>" for it in container.staged.get(name, {})
    )
    head = '<?xml version="1.0" encoding="utf-8"?><BlockList><CommittedBlocks />'
    return f"{head}<UncommittedBlocks>{blocks}</UncommittedBlocks></BlockList>".encode()
