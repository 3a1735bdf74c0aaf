"""As little HTTP as will do: what loops copy with, what benches fill and check containers with. No TLS, no retries."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote, urlsplit

BLOCK_BYTES = 8 * 1024 * 1024
_ENTRY = re.compile(rb"<Name>([^<]*)</Name>.*?<Content-Length>(\d+)</Content-Length>", re.DOTALL)
_NEXT = re.compile(rb"<NextMarker>([^<]+)</NextMarker>")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Address(NamedTuple):
    """A container: where it is, its path, its SAS."""

    host: str
    port: int
    path: str
    sas: str

    def blob(self, name: str) -> str:
        """What a request for a blob names."""
        return f"{self.path}/{quote(name)}?{self.sas}"


class Listed(NamedTuple):
    """A blob as a listing shows it."""

    name: str
    size_bytes: int


class Part(NamedTuple):
    """A range of a blob, and the block that it makes."""

    start: int
    size_bytes: int
    block_id: str

    @property
    def range(self) -> str:
        """As a header of a request."""
        return f"x-ms-range: bytes={self.start}-{self.start + self.size_bytes - 1}\r\n"


def address(url: str) -> Address:
    """A container with its SAS, from its address."""
    parts = urlsplit(url)
    return Address(parts.hostname or "", parts.port or 80, parts.path, parts.query)


class Lines:
    """As many connections to a service as there are requests at once."""

    def __init__(self, container: Address) -> None:
        self._host, self._port = container.host, container.port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, method: str, target: str, headers: str = "", body: bytes | memoryview = b"") -> bytes:
        """One request; the body of its answer. Raises ValueError where it is no success."""
        if not self._free:
            self._free.append(await asyncio.open_connection(self._host, self._port, limit=2**24))
        reader, writer = line = self._free.pop()
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nx-ms-version: 2025-05-05\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n{headers}\r\n".encode())
        if body:
            writer.write(body)
        answer = await reader.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(answer)
        content = await (reader.readexactly(int(found[1])) if found else _chunks(reader))
        if not answer.startswith(b"HTTP/1.1 20"):
            raise ValueError(f"{answer.splitlines()[0].decode()}: {content[:300].decode(errors='replace')}")
        self._free.append(line)
        return content


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while size := int(await reader.readline(), 16):
        content += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return content


async def listed(lines: Lines, container: Address) -> AsyncIterator[Listed]:
    """All blobs of a container."""
    marker = ""
    while True:
        after = f"&marker={quote(marker, safe='')}" if marker else ""
        page = await lines.ask("GET", f"{container.path}?restype=container&comp=list{after}&{container.sas}")
        for name, size in _ENTRY.findall(page):
            yield Listed(name.decode(), int(size))
        found = _NEXT.search(page)
        if found is None:
            return
        marker = found[1].decode()


async def each[T](at_once: int, todo: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do all of it, so many at once."""
    left = iter(todo)

    async def worker() -> None:
        for it in left:
            await work(it)

    await asyncio.gather(*(worker() for _ in range(at_once)))


def parts_of(size_bytes: int) -> list[Part]:
    """The ranges of a blob of that size; one where a single request will do."""
    starts = range(0, max(size_bytes, 1), BLOCK_BYTES)
    ids = (base64.b64encode(f"{number:06d}".encode()).decode() for number in range(len(starts)))
    return [Part(it, min(BLOCK_BYTES, size_bytes - it), block) for it, block in zip(starts, ids, strict=True)]


async def uploaded(lines: Lines, target: str, size_bytes: int, content_of: Callable[[Part], bytes]) -> None:
    """Put a blob: in one request, or in blocks, each with its MD5."""
    parts = parts_of(size_bytes)
    if len(parts) == 1:
        content = content_of(parts[0])
        await lines.ask("PUT", target, f"x-ms-blob-type: BlockBlob\r\n{_md5(content)}", content)
        return

    async def stage(part: Part) -> None:
        content = content_of(part)
        block = quote(part.block_id, safe="")
        await lines.ask("PUT", f"{target}&comp=block&blockid={block}", _md5(content), content)

    await each(8, parts, stage)
    blocks = "".join(f"<Latest>{it.block_id}</Latest>" for it in parts)
    await lines.ask("PUT", f"{target}&comp=blocklist", "", f"<BlockList>{blocks}</BlockList>".encode())


def _md5(content: bytes) -> str:
    digest = hashlib.md5(content, usedforsecurity=False).digest()
    return f"Content-MD5: {base64.b64encode(digest).decode()}\r\n"
